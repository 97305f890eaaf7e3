"""Zero-shot classification: the class whose descriptions lie nearest to the sound, with no training at all.

A baseline of sweeps (:mod:`bstviz.training.baselines`). It takes an encoder whose texts share the space of its sounds
(CLAP). A class is described by several prompts, and its vector is the mean of theirs at unit length; definitions and
examples are the taxonomy's own, or those that the data set brought
(:attr:`bstviz.datasets.taxonomy.Taxonomy.texts_from`). Probabilities are those of CLAP's training: the softmax of
cosines by its own logit scale.

References: A. Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021,
section 3.1.4 (the ensemble of prompts).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np

from bstviz.datasets.collection import Collection
from bstviz.datasets.taxonomy import Taxonomy
from bstviz.encoders.base import SharedTextEncoder
from bstviz.encoders.registry import ENCODERS, text_encoder_of
from bstviz.errors import UserError
from bstviz.latent.neighbours import unit


def prompts(taxonomy: Taxonomy) -> list[list[str]]:
    """Descriptions of each second-level class: by its name, as CLAP's authors ask, and with its top-level class, by its
    definition and by its examples; each short enough to be read to its end by an encoder of 77 tokens.
    """
    described = []
    for c in taxonomy.second:
        top = taxonomy[c.parent].name if c.parent else ""
        named = [f"This is a sound of {c.name.lower()}.", f"{top}: {c.name}." if top else ""]
        described.append([*filter(None, named), *filter(None, (c.definition, c.examples))])
    return described


def class_vectors(described: list[list[str]], embed: Callable[[list[str]], np.ndarray]) -> np.ndarray:
    """Unit vectors (C, d) of classes: of each the mean of its prompts' embeddings at unit length."""
    vectors = unit(embed([text for texts in described for text in texts]))
    ends = np.cumsum([len(texts) for texts in described])
    return unit(np.stack([part.mean(axis=0) for part in np.split(vectors, ends[:-1])]))


def embeds_text(collection: Collection) -> bool:
    """Whether the encoder of a collection's sounds embeds text too, so that class definitions can be compared."""
    info = collection.audio_encoder
    return collection.audio is not None and info is not None and ("text", info.id) in ENCODERS


def zero_shot(collection: Collection) -> np.ndarray:
    """Second-level probabilities (N, C) float32 of a collection's sounds; NaN rows for sounds without an embedding.

    Raises:
        UserError: The sounds are embedded by an encoder that embeds no text, or by another one than is loaded here.
    """
    from scipy.special import softmax

    matrix, info = collection.embedding("audio"), collection.audio_encoder
    if info is None or not embeds_text(collection):
        raise UserError(
            f"Zero-shot needs sounds and words in one space; {collection.name!r} is embedded by {info}. Embed it by "
            "clap."
        )
    encoder = cast(SharedTextEncoder, text_encoder_of(info))
    cosine = unit(matrix) @ class_vectors(prompts(collection.taxonomy), encoder.embed).T  # (N, C)
    cosine[~collection.usable(["audio"])] = np.nan
    probabilities: np.ndarray = softmax(encoder.logit_scale * cosine, axis=1).astype(np.float32)
    return probabilities
