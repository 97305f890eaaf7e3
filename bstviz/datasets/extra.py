"""Extra training data: further collections whose sounds join the training of one, and never its test.

A sound that the first collection has too, by its id or its content, is left out of the others: in one of the folds it
is a test sound. Sounds of a group with test sounds (``--group uploader``) are left out of that fold's training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from bstviz.datasets.collection import Collection
from bstviz.datasets.splits import Folds
from bstviz.encoders.base import AudioOrText
from bstviz.errors import UserError

ORIGIN = "collection"
"""Column of further collections that says where a sound comes from; of a table without it, the collection's name."""


def shared(base: Collection, other: Collection) -> np.ndarray:
    """Which sounds of another collection the first has too, (M,) bool: of the same id, or of the same content."""
    out = other.sounds["sound_id"].isin(base.sounds["sound_id"]).to_numpy()
    if "content" in base.sounds and "content" in other.sounds:
        content = other.sounds["content"]
        out = out | (content.notna() & content.isin(base.sounds["content"])).to_numpy()
    return out


def check_alike(base: Collection, other: Collection, kinds: Sequence[AudioOrText]) -> Collection:
    """The other collection, seen with the text that the first one is seen with.

    Args:
        base: The first collection.
        other: What is to join it.
        kinds: The embeddings that are needed of both.

    Raises:
        UserError: They differ in taxonomy, or in an encoder that made these.
    """
    if other.taxonomy.hash != base.taxonomy.hash:
        raise UserError(
            f"Collection {other.name!r} has another taxonomy than {base.name!r}: {other.taxonomy.id!r}, not "
            f"{base.taxonomy.id!r}. Collections of the same classes can be trained on together."
        )
    text = base.encoder("text") if "text" in kinds else None
    seen = other.with_text(text.configuration) if text and text.configuration in other.text_configurations else other
    for kind in kinds:
        if seen.encoder(kind) != base.encoder(kind):
            raise UserError(
                f"Collection {other.name!r} has {kind} embeddings of {seen.encoder(kind) or 'no encoder'}, and "
                f"{base.name!r} of {base.encoder(kind)}. Embed it with the same: bstviz embed "
                f"{other.folder or other.name}"
            )
    return seen


def concatenate(
    base: Collection, extra: Sequence[Collection], kinds: Sequence[AudioOrText] | None = None
) -> Collection:
    """Several collections as one, ``base`` first, in memory, with the texts that they are seen with.

    Sounds of the others that ``base`` has too are left out, and their ids are made unique by the collections' names.

    Args:
        base: The first collection.
        extra: The others.
        kinds: The embeddings that the whole has; those of ``base`` when left out.

    Raises:
        UserError: Taxonomies or encoders differ, or two of the others have a name and an id in common.
    """
    needed = list(dict.fromkeys(kind for kind, _ in base.encoders)) if kinds is None else kinds
    others = [check_alike(base, other, needed) for other in extra]
    kept = [~shared(base, other) for other in others]
    tables = [base.sounds]
    for other, keep in zip(others, kept, strict=True):
        origin = {} if ORIGIN in other.sounds else {ORIGIN: other.name}
        table = other.sounds.assign(sound_id=f"{other.name}/" + other.sounds["sound_id"], **origin)
        tables.append(table[keep])
    joined = pd.concat(tables, ignore_index=True)
    if (again := joined["sound_id"].duplicated()).any():
        raise UserError(
            f"Two collections beside {base.name!r} have the sound {joined['sound_id'][again].iloc[0]!r}; give each "
            "once, or import one of them under another --name."
        )

    def stacked(kind: AudioOrText) -> np.ndarray | None:
        if kind not in needed:
            return None
        of_others = (other.embedding(kind)[keep] for other, keep in zip(others, kept, strict=True))
        return np.concatenate([base.embedding(kind), *of_others])

    return replace(
        base,
        sounds=joined,
        audio=stacked("audio"),
        text=stacked("text"),
        text_encoder=base.encoder("text"),
        further_texts=(),
        chosen_text=None,
    )


def join(
    base: Collection, folds: Folds, extra: Sequence[Collection], kinds: Sequence[AudioOrText]
) -> tuple[Collection, Folds]:
    """A collection with its extra training data behind it, and its folds, in none of which that data is test."""
    if not extra:
        return base, folds
    everything = concatenate(base, extra, kinds)
    return everything, folds.extended(everything.sounds)
