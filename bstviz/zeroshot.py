"""Zero-shot classification: the class whose description lies nearest to the sound, with no training at all.

It takes an encoder whose texts share the space of its sounds (CLAP); the descriptions are the taxonomy's own definitions.
"""

from __future__ import annotations

import numpy as np

from bstviz import metrics
from bstviz.collection import Collection
from bstviz.encoders.base import ENCODERS, TextEncoder, load_text_encoder
from bstviz.errors import UserError
from bstviz.neighbours import unit
from bstviz.search import bare
from bstviz.taxonomy import Taxonomy

SCALE = 20.0  # of the cosine before the softmax; it changes probabilities, never the order


def prompts(taxonomy: Taxonomy) -> list[str]:
    """A description of each second-level class, from its names, definition and examples."""
    out = []
    for c in taxonomy.second:
        words = [
            f"{taxonomy[c.parent].name if c.parent else ''}, {c.name}.",
            c.definition,
            f"For example {c.examples}." if c.examples else "",
        ]
        out.append(" ".join(w for w in words if w))
    return out


def zero_shot(collection: Collection, *, encoder: TextEncoder | None = None) -> np.ndarray:
    """Second-level probabilities (N, C) float32 of a collection's sounds; NaN rows for sounds without an embedding.

    Args:
        collection: Sounds embedded by an encoder that reads too.
        encoder: Its text side, where the caller keeps it.

    Raises:
        UserError: The sounds are embedded by an encoder that does not read, or by another one than given.
    """
    matrix, info = collection.embedding("audio"), collection.audio_encoder
    if info is None or ("text", info.id) not in ENCODERS:
        raise UserError(
            f"Zero-shot needs sounds and words in one space; {collection.name!r} is embedded by {info}. Embed it by clap."
        )
    encoder = encoder or load_text_encoder(info.id)
    if bare(encoder.info) != bare(info):
        raise UserError(f"The sounds are embedded by {info}, the words by {encoder.info}: embed the collection again.")
    cosine = unit(matrix) @ unit(encoder.embed(prompts(collection.taxonomy))).T  # (N, C)
    cosine[np.isnan(matrix).any(axis=1)] = np.nan
    odds = np.exp(SCALE * (cosine - cosine.max(axis=1, keepdims=True)))
    return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)


def zero_shot_metrics(collection: Collection, *, encoder: TextEncoder | None = None) -> dict[str, float]:
    """Metrics of :func:`zero_shot` over the sounds that have a class and an embedding, as a trained run reports them."""
    probabilities = zero_shot(collection, encoder=encoder)
    judged = (collection.labels >= 0) & ~np.isnan(probabilities).any(axis=1)
    if not judged.any():
        raise UserError(
            f"No sound of {collection.name!r} has both a class and an embedding; there is nothing to judge."
        )
    return metrics.evaluate(collection.labels[judged], probabilities[judged], collection.taxonomy.parents)
