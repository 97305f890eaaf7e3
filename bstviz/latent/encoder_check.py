"""Whether a collection's embeddings are what their encoder makes here: some are made anew and compared.

Two embeddings by the same weights, of the same input, have the cosine 1.000, whatever ran them. What is less has a
reason, and it is looked for: vectors that belong to other rows, sounds that were cut or antialiased otherwise, words
that were joined otherwise, other crops of long sounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations, product
from typing import Any, Literal

import numpy as np

from bstviz.audio.sound import resample
from bstviz.datasets.collection import Collection
from bstviz.encoders.base import AudioOrText, EncoderInfo, Preprocessing
from bstviz.encoders.registry import ANTIALIASED, audio_encoder_of, load_audio_encoder, text_encoder_of
from bstviz.errors import UserError
from bstviz.latent.neighbours import unit

CHECKED_SOUNDS = 20
SAME = 0.999
"""Least cosine of vectors that count as the same: other libraries and processors differ by less."""
NEAR = 0.9
"""Least cosine of long sounds whose crops were drawn at random there, and are fixed ones here."""
BUCKETS: dict[AudioOrText, tuple[str, float, float]] = {"audio": ("s", 10.0, 30.0), "text": ("words", 10.0, 40.0)}
"""Unit, and upper bounds of short and of middle sizes; CLAP crops sounds above 10 s."""
CROPPED = BUCKETS["audio"][1]
TRIED = 5  # of what differs, by which a reason is looked for
CUTS = (None, 10.0, 30.0)  # seconds
TEXT_SEPARATORS = (". ", " ", ", ", "\n", ": ", "; ")

Verdict = Literal["same", "same but for crops", "other rows", "other preprocessing", "other crops", "other encoder"]


@dataclass(frozen=True, eq=False)
class EncoderCheck:
    """What came of embedding some sounds of a collection anew.

    Attributes:
        kind: Which embeddings.
        made_by: What made them, as the collection says.
        here: What made the new ones.
        ids: The n sounds.
        sizes: (n,) seconds of audio, or numbers of words.
        cosines: (n,) of new vectors and stored ones; where an embedding has parts, of the part that differs most.
        verdict: In how far they are the same.
        reason: Why, in a sentence.
    """

    kind: AudioOrText
    made_by: EncoderInfo
    here: EncoderInfo
    ids: tuple[str, ...]
    sizes: np.ndarray
    cosines: np.ndarray
    verdict: Verdict
    reason: str

    @property
    def passed(self) -> bool:
        """Whether what is embedded here can be given to models of these embeddings."""
        return self.verdict in ("same", "same but for crops")

    def stated(self) -> dict[str, Any]:
        """Everything of it as plain values."""
        cosines = dict(zip(self.ids, self.cosines.tolist(), strict=True))
        made = {"kind": self.kind, "made_by": str(self.made_by), "here": str(self.here)}
        return {**made, "verdict": self.verdict, "reason": self.reason, "sizes": self.by_size(), "cosines": cosines}

    def by_size(self) -> list[dict[str, Any]]:
        """Of all sounds and of short, middle and long ones, where there are some: ``sounds``, ``median``, ``worst``."""
        name, low, high = BUCKETS[self.kind]
        groups = {
            "all": np.ones(len(self.sizes), bool),
            f"up to {low:g} {name}": self.sizes <= low,
            f"{low:g} to {high:g} {name}": (self.sizes > low) & (self.sizes <= high),
            f"over {high:g} {name}": self.sizes > high,
        }
        return [
            {
                "size": label,
                "sounds": int(inside.sum()),
                "median": float(np.median(self.cosines[inside])),
                "worst": float(self.cosines[inside].min()),
            }
            for label, inside in groups.items()
            if inside.any()
        ]


def check_encoder(
    collection: Collection, kind: AudioOrText, *, sounds: int = CHECKED_SOUNDS, seed: int = 0, device: str = "cpu"
) -> EncoderCheck:
    """Embed some sounds of a collection anew and compare with what it holds.

    Args:
        collection: With embeddings of that kind.
        kind: ``audio``, or ``text`` for the chosen text configuration.
        sounds: How many; as many short as middle and long ones, as far as there are.
        seed: Of the draw.
        device: Torch device.

    Raises:
        UserError: There are no embeddings of that kind, nothing to embed anew, or the encoder cannot be had here.
    """
    stored, made_by = collection.embedding(kind), collection.encoder(kind)
    assert made_by is not None  # of every embedding, as collections check
    rows, sizes = _embeddable(collection, kind, made_by)
    rows = _spread(rows, sizes, sounds, BUCKETS[kind][1:], np.random.default_rng(seed))
    sample = (_Clips if kind == "audio" else _Texts)(collection, rows, made_by, device)
    known, made = _unit(stored, made_by.parts), _unit(sample.embed(), made_by.parts)
    cosines = (known[rows] * made).sum(axis=2).min(axis=1)
    differ = np.flatnonzero(~(cosines >= SAME))
    verdict: Verdict
    crops = made_by.crops != sample.info.crops
    if not len(differ):
        verdict, reason = "same", "What is embedded here is the same."
    elif (strays := _other_rows(known, made[differ], rows[differ])) > len(differ) / 2:
        verdict = "other rows"
        reason = f"{strays} of the {len(differ)} vectors that differ belong to other sounds: the rows are out of order."
    elif (found := _otherwise(sample, known[rows], differ, made_by.parts)) is not None:
        verdict = "other preprocessing"
        reason = f"{found}, the vectors are the same: so they were made, and not as the collection says."
    elif kind == "audio" and "clap" in made_by.id.split("+") and (sample.sizes[differ] > CROPPED).all():
        near = crops and (cosines[differ] >= NEAR).all()
        verdict = "same but for crops" if near else "other crops"
        reason = (
            f"Up to {CROPPED:g} s the vectors are the same; of longer sounds CLAP takes crops, there "
            f"{made_by.crops or 'unknown ones'} and here {sample.info.crops}."
            + ("" if near else " They differ by more than that: other crops, or another way of shrinking the whole.")
        )
    else:
        verdict = "other encoder"
        reason = (
            "No way of preparing the same sounds or words that was tried explains it: other weights, or other data."
        )
    ids = tuple(str(collection.sounds["sound_id"].iat[row]) for row in rows)
    return EncoderCheck(kind, made_by, sample.info, ids, sample.sizes, cosines, verdict, reason)


def checked(
    collection: Collection,
    *,
    by: AudioOrText | None = None,
    sounds: int = CHECKED_SOUNDS,
    seed: int = 0,
    device: str = "cpu",
) -> tuple[list[EncoderCheck], dict[str, str]]:
    """:func:`check_encoder` for the audio and each text configuration of a collection, or for those of one kind.

    Returns:
        What was found, and by kind or text configuration why it could not be checked.

    Raises:
        UserError: None could be checked.
    """
    views = {} if by == "text" or collection.audio is None else {"audio": collection}
    if by != "audio":
        views |= {f"text {name}": collection.with_text(name) for name in collection.text_configurations}
    found, unchecked = [], {}
    for name, view in views.items():
        kind: AudioOrText = "audio" if name == "audio" else "text"
        try:
            found.append(check_encoder(view, kind, sounds=sounds, seed=seed, device=device))
        except UserError as error:
            unchecked[name] = str(error)
    if not found:
        raise UserError(
            f"Nothing of {collection.name!r} can be checked. "
            + (
                " ".join(unchecked.values())
                or f"It has no {by or ''} embeddings; run: bstviz embed {collection.folder}"
            )
        )
    return found, unchecked


class _Clips:
    """Some sounds of a collection, their lengths in seconds, and their embeddings."""

    def __init__(self, collection: Collection, rows: np.ndarray, made_by: EncoderInfo, device: str) -> None:
        self._encoder = audio_encoder_of(made_by, device=device)
        self._device = device
        self.info = self._encoder.info
        self._clips = [resample(*collection.load_audio(int(row)), self._encoder.rate) for row in rows]
        self.sizes = np.array([len(clip) / self._encoder.rate for clip in self._clips])

    def embed(self) -> np.ndarray:
        return np.concatenate([self._encoder.embed([clip]) for clip in self._clips])

    def otherwise(self, indices: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
        """In words and as embeddings (k, d), other ways to prepare k of the sounds."""
        clips = [self._clips[i] for i in indices]
        ways = (False, True) if set(self.info.id.split("+")) & set(ANTIALIASED) else (False,)
        for way in (Preprocessing(seconds, antialias) for seconds, antialias in product(CUTS, ways)):
            if way != self.info.preprocessing:
                encoder = load_audio_encoder(self.info.id, preprocessing=way, device=self._device)
                words = str(way) or "whole sounds"
                yield f"Embedded from {words}", np.concatenate([encoder.embed([clip]) for clip in clips])


class _Texts:
    """The words of some sounds of a collection, their numbers, and their embeddings."""

    def __init__(self, collection: Collection, rows: np.ndarray, made_by: EncoderInfo, device: str) -> None:
        self._encoder = text_encoder_of(made_by, device=device)
        self._of = replace(collection, sounds=collection.sounds.iloc[rows], audio=None, text=None, further_texts=())
        self.info = replace(self._encoder.info, fields=made_by.fields, template=made_by.template)
        self._texts = self._of.texts(made_by.fields, made_by.template)
        self.sizes = np.array([len(text.split()) for text in self._texts], float)

    def embed(self) -> np.ndarray:
        return self._encoder.embed(self._texts)

    def otherwise(self, indices: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
        """In words and as embeddings (k, d), other ways to join the words of k of the sounds: all orders of all fields
        or of some, by all :data:`TEXT_SEPARATORS`.
        """
        fields = self.info.fields
        orders = [order for n in range(len(fields), 0, -1) for order in permutations(fields, n)]
        for order, separator in product(orders, TEXT_SEPARATORS):
            template = separator.join(f"{{{name}}}" for name in order)
            texts = self._of.texts(order, template)
            yield f"Joined as {template!r}", self._encoder.embed([texts[i] for i in indices])


def _embeddable(collection: Collection, kind: AudioOrText, made_by: EncoderInfo) -> tuple[np.ndarray, np.ndarray]:
    """Rows (n,) that have an embedding and what to make it of, and their sizes (n,) as far as the table has them."""
    usable = collection.usable([kind])
    if kind == "audio":
        there = np.array([collection.has_audio(row) for row in range(len(collection))])
        sizes = collection.sounds["duration"].to_numpy(float)
    else:
        texts = collection.texts(made_by.fields, made_by.template) if made_by.fields else [""] * len(collection)
        sizes = np.array([len(text.split()) for text in texts], float)
        there = sizes > 0
    rows = np.flatnonzero(usable & there)
    if not len(rows):
        wanted = "audio here" if kind == "audio" else "words of known fields"
        raise UserError(
            f"No sound of {collection.name!r} has both an embedding and {wanted}: there is nothing to compare."
        )
    return rows, sizes[rows]


def _spread(
    rows: np.ndarray, sizes: np.ndarray, count: int, bounds: Sequence[float], rng: np.random.Generator
) -> np.ndarray:
    """At most ``count`` of the rows in table order, drawn from all sizes in turn."""
    shuffled = rng.permutation(len(rows))
    bucket = np.digitize(sizes[shuffled], bounds, right=True)
    turn = np.empty(len(rows), int)
    for one in np.unique(bucket):
        inside = bucket == one
        turn[inside] = np.arange(inside.sum())
    return np.sort(rows[shuffled[np.argsort(turn, kind="stable")[:count]]])


def _unit(matrix: np.ndarray, parts: Sequence[int]) -> np.ndarray:
    """Vectors (n, d) cut into their P parts, each of unit length: (n, P, d), filled up with zeros."""
    pieces = np.split(matrix, np.cumsum(parts)[:-1], axis=1) if parts else [matrix]
    width = max(piece.shape[1] for piece in pieces)
    return np.stack([np.pad(unit(piece), ((0, 0), (0, width - piece.shape[1]))) for piece in pieces], axis=1)


def _other_rows(known: np.ndarray, made: np.ndarray, rows: np.ndarray) -> int:
    """How many of the new vectors (k, P, d) are those of another row of the stored ones (N, P, d) than their own."""
    similarity = np.einsum("kpd,npd->kn", made, np.nan_to_num(known)) / known.shape[1]
    best = similarity.argmax(axis=1)
    return int(((similarity.max(axis=1) >= SAME) & (best != rows)).sum())


def _otherwise(sample: _Clips | _Texts, known: np.ndarray, differ: np.ndarray, parts: Sequence[int]) -> str | None:
    """In words, the other way of preparing sounds or words that gives the stored vectors; None where none is found."""
    tried = differ[:: max(len(differ) // TRIED, 1)][:TRIED]
    for words, made in sample.otherwise(tried):
        if ((known[tried] * _unit(made, parts)).sum(axis=2) >= SAME).all():
            return words
    return None
