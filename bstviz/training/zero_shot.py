"""Zero-shot classification: the class whose description lies nearest to the sound, with no training at all.

A baseline of sweeps (:mod:`bstviz.training.baselines`). It takes an encoder whose texts share the space of its sounds
(CLAP); the descriptions are the taxonomy's own definitions, or those that the data set brought
(:attr:`bstviz.datasets.taxonomy.Taxonomy.texts_from`).
"""

from __future__ import annotations

import numpy as np

from bstviz.datasets.collection import Collection
from bstviz.datasets.taxonomy import Taxonomy
from bstviz.encoders.base import bare
from bstviz.encoders.registry import ENCODERS, load_text_encoder
from bstviz.errors import UserError
from bstviz.latent.neighbours import unit

SIMILARITY_SCALE = 20.0  # of the cosine before the softmax; it changes probabilities, never the order


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
    encoder = load_text_encoder(info.id)
    if bare(encoder.info) != bare(info):
        raise UserError(f"The sounds are embedded by {info}, the words by {encoder.info}: embed the collection again.")
    cosine = unit(matrix) @ unit(encoder.embed(prompts(collection.taxonomy))).T  # (N, C)
    cosine[~collection.usable(["audio"])] = np.nan
    probabilities: np.ndarray = softmax(SIMILARITY_SCALE * cosine, axis=1).astype(np.float32)
    return probabilities
