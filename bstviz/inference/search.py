"""Free-text search over a collection: sounds nearest to some words.

With an encoder whose texts share the space of its sounds (CLAP), the words are compared with the sounds themselves:
``audio``. With any other text encoder they are compared with the sounds' own words: ``text``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bstviz.datasets.collection import Collection
from bstviz.encoders.base import AudioOrText
from bstviz.encoders.registry import ENCODERS, text_encoder_of
from bstviz.errors import UserError
from bstviz.latent.neighbours import nearest


@dataclass(frozen=True, eq=False)
class Found:
    """A search's answer: what was compared, rows of the collection's table, nearest first, and their cosine
    similarities.
    """

    by: AudioOrText
    rows: np.ndarray
    similarities: np.ndarray


def comparable(collection: Collection) -> AudioOrText:
    """Which embeddings of a collection a query can be compared with: audio where the encoder allows it, else text.

    Raises:
        UserError: Neither.
    """
    if collection.audio_encoder and ("text", collection.audio_encoder.id) in ENCODERS:
        return "audio"
    if collection.text is not None:
        return "text"
    raise UserError(
        f"Collection {collection.name!r} has no embeddings to compare a query with. Embed its text, or its "
        f"audio by CLAP: bstviz embed {collection.folder or collection.name} --audio-encoder clap"
    )


def search(
    collection: Collection,
    query: str,
    *,
    k: int = 10,
    by: AudioOrText | None = None,
) -> Found:
    """The k sounds nearest to a query.

    Args:
        collection: Sounds with embeddings.
        query: Some words, e.g. "rain on a tent".
        k: How many.
        by: ``audio`` or ``text``; :func:`comparable` decides when left out.

    Raises:
        UserError: The query is empty, or the embeddings are missing or of another encoder.
    """
    if not query.strip():
        raise UserError('The query is empty; give a few words, e.g. "rain on a tent".')
    by = by or comparable(collection)
    info = collection.encoder(by)
    matrix = collection.embedding(by)
    if info is None or ("text", info.id) not in ENCODERS:
        raise UserError(
            f"A query cannot be compared with {by} embeddings of {info}; embed with clap, or search by text."
        )
    encoder = text_encoder_of(info)
    rows = np.flatnonzero(collection.usable([by]))
    near, distances = nearest(encoder.embed([query]), matrix[rows], k)
    return Found(by, rows[near[0]], 1 - distances[0])
