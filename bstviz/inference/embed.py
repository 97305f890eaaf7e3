"""Embeddings of sounds and words: the worker that embeds sounds one after another, and filling those of a collection in
chunks, each kept on disk as it is done, so that a stopped run goes on where it was.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from bstviz.audio import decode
from bstviz.audio.sound import Sound
from bstviz.datasets.audio_root import item_of, refuse_if_away, refuse_to_drop
from bstviz.datasets.collection import FREESOUND_ROOT, SYNTH_ROOT, Collection, load_collection
from bstviz.encoders.base import (
    TEXT_FIELDS,
    WHOLE,
    Embeddings,
    EncoderInfo,
    Preprocessing,
    TextEncoder,
    fields_of,
    template_of,
)
from bstviz.encoders.registry import load_audio_encoder, load_text_encoder
from bstviz.errors import AwayError, UserError
from bstviz.jobs.backend import LOCAL, Engine
from bstviz.jobs.resumable import Item, Track, in_chunks, no_progress, read_ahead
from bstviz.models.config import AUDIO_ENCODER, TEXT_ENCODER
from bstviz.paths import on_disk, readable

GROUP = 8  # sounds embedded at a time, while the next ones are read
BATCH_SOUNDS, BATCH_SECONDS = 32, 160.0  # sounds, or seconds of sound, that make a table
TEXT_BATCH = 512  # texts between two saves


@dataclass(frozen=True)
class EmbedReport:
    """What :func:`embed_collection` did.

    Attributes:
        collection: The new collection.
        without_audio: Why sounds have not been embedded, by id.
        kept: How many of these have the embedding that they had: their files could not be found or read.
        without_text: How many have no words.
        replaced: The encoders whose embeddings gave way to others.
        corrected: How many lengths in the table were wrong.
    """

    collection: Collection
    without_audio: dict[str, str]
    kept: int
    without_text: int
    replaced: tuple[EncoderInfo, ...] = ()
    corrected: int = 0


def embed_collection(
    folder: str | Path,
    *,
    audio_encoder: str | None = AUDIO_ENCODER,
    preprocessing: Preprocessing = WHOLE,
    text_encoder: str | None = TEXT_ENCODER,
    text_fields: Sequence[str] = TEXT_FIELDS,
    text_template: str = "",
    only_missing: bool = False,
    drop_missing: bool = False,
    engine: Engine = LOCAL,
    device: str = "cpu",
    track: Track = no_progress,
) -> EmbedReport:
    """Embed the sounds and words of a collection folder and save it.

    A sound whose file cannot be found or read now keeps the embedding that it has from this encoder. The length of a
    sound, in the table from its header, becomes what was decoded.

    Args:
        folder: The collection.
        audio_encoder: Id of the audio encoder; None leaves the audio embeddings as they are.
        preprocessing: What is done to sounds before they are embedded.
        text_encoder: Id of the text encoder; None leaves the text embeddings as they are.
        text_fields: Columns of the table that make up a sound's text. Text of other columns than what the collection
            has is kept beside it, a configuration of its own; the same columns are embedded anew.
        text_template: How they are joined, "{title}, {tags}"; it names the columns itself.
        only_missing: Keep the audio embeddings that the collection has from this encoder.
        drop_missing: Let embeddings of another encoder go, too, whose sounds cannot be found now.
        engine: Where the sounds are embedded.
        device: Torch device.
        track: Shows progress.

    Returns:
        The saved collection, with NaN rows for sounds that could not be decoded or that have no words, and which and
        how many those are; models that need what a sound lacks leave it out.

    Raises:
        UserError: The folder is not a collection, an encoder is unknown, or a text field is not a column. The audio
            root is away, or nearly all sounds are; another encoder would take embeddings away from sounds that cannot
            be found. Nothing has been changed then.
    """
    folder = Path(folder)
    collection = load_collection(folder)
    template = text_template or template_of(text_fields)
    text_fields = fields_of(template)
    unknown = [name for name in text_fields if name not in collection.sounds]
    if unknown:
        raise UserError(f"Column {unknown[0]!r} is not in {folder}; there are {', '.join(collection.sounds.columns)}.")
    before = collection.encoders
    store = folder.parent / f".{folder.name}.parts"
    made = _Audio(collection)
    silent = 0
    if audio_encoder and collection.audio_root not in (None, FREESOUND_ROOT):
        embedder = partial(Embedder, audio_encoder, preprocessing=preprocessing, device=device)
        keep = {"only_missing": only_missing, "drop_missing": drop_missing}
        made = _with_audio(collection, embedder, store, **keep, engine=engine, track=track)
        collection = made.collection
    if text_encoder:
        collection, silent = _with_text(collection, text_encoder, template, store, device, track)
    collection.save(folder)
    shutil.rmtree(store, ignore_errors=True)
    replaced = tuple(info for kind, info in before if (kind, info) not in collection.encoders)
    return EmbedReport(load_collection(folder), made.problems, made.kept, silent, replaced, made.corrected)


def _key(kind: str, encoder: EncoderInfo) -> str:
    """Names the chunks of an encoder; what was begun in one runtime goes on in another."""
    made_by = f"{kind} {replace(encoder, via='')} {encoder.weights_hash}".strip()
    return hashlib.sha256(made_by.encode()).hexdigest()[:16]


class _TextEmbedder:
    """Embeds the words that items carry as their source."""

    def __init__(self, encoder: TextEncoder) -> None:
        self.encoder = encoder

    def __call__(self, items: Iterable[Item]) -> Iterator[pd.DataFrame]:
        todo = list(items)
        for start in range(0, len(todo), TEXT_BATCH):
            batch = todo[start : start + TEXT_BATCH]
            vectors = self.encoder.embed([item.source for item in batch])
            columns = {"id": [item.id for item in batch], "fingerprint": [item.fingerprint for item in batch]}
            yield pd.DataFrame({**columns, "embedding": list(vectors)})


@dataclass(frozen=True, eq=False)
class _Audio:
    """A collection with its sounds embedded; the rest as in :class:`EmbedReport`."""

    collection: Collection
    problems: dict[str, str] = field(default_factory=dict)
    kept: int = 0
    corrected: int = 0


def _with_audio(
    collection: Collection,
    make_embedder: Callable[[], Embedder],
    store: Path,
    *,
    only_missing: bool,
    drop_missing: bool,
    engine: Engine,
    track: Track,
) -> _Audio:
    """The collection with the audio embeddings of an encoder, and what is to be told of them."""
    every = [item_of(collection, row) for row in range(len(collection))]
    refuse_if_away([item.id for item in every if item.source and not item.fingerprint], every, collection)
    embedder = make_embedder()
    info = embedder.encoder.info
    before = collection.audio_encoder
    known = np.zeros(len(collection), bool) if collection.audio is None else collection.usable(["audio"])
    matrix, rows = np.full((len(collection), info.dim), np.nan, np.float32), np.arange(len(collection))
    same = before == info and info.same_weights(before)
    if collection.audio is not None and same:
        matrix, rows = collection.audio.copy(), np.flatnonzero(~known) if only_missing else rows
    elif not drop_missing:
        refuse_to_drop([i for i, item in enumerate(every) if known[i] and not item.fingerprint], collection, info)
    items = [every[row] for row in rows]
    make = (lambda: embedder) if engine.name == "local" else make_embedder
    table = in_chunks(make, items, store / _key("audio", info), engine=engine, track=track)
    away = np.array([not mark for mark in table["fingerprint"]], bool)
    refuse_if_away([item.id for item, gone in zip(items, away, strict=True) if gone and item.source], every, collection)
    if not (same or drop_missing):  # some may have gone away meanwhile
        refuse_to_drop(rows[away & known[rows]].tolist(), collection, info)
    problems: dict[str, str] = {}
    for row, gone, vector, sound_id, problem in zip(
        rows, away, *(table.get(c, ()) for c in ("embedding", "id", "problem")), strict=True
    ):
        if vector is not None:
            matrix[row] = vector
            continue
        problems[sound_id] = problem
        if not gone:
            matrix[row] = np.nan
    kept = int((known & same)[rows[away]].sum())
    sounds, corrected = _as_decoded(collection.sounds, rows[~away], table[~away])
    return _Audio(replace(collection, sounds=sounds, audio=matrix, audio_encoder=info), problems, kept, corrected)


def _as_decoded(sounds: pd.DataFrame, rows: np.ndarray, table: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """A table of sounds with the lengths and the content of those in ``rows``, as an embedder's table of them says, and
    how many lengths were wrong before.
    """
    if "content" not in table:  # chunks of an older version
        return sounds, 0
    content = sounds.get("content", pd.Series(pd.NA, sounds.index, dtype="str")).copy()
    content.iloc[rows] = table["content"].to_numpy()
    decoded = table["seconds"].notna().to_numpy()
    stated, seconds = sounds["duration"].copy(), table["seconds"].to_numpy(np.float32)[decoded]
    before = np.array(stated.iloc[rows[decoded]], np.float32)  # a copy: pandas may give a view
    stated.iloc[rows[decoded]] = seconds
    corrected = int((np.abs(before - seconds) > np.maximum(0.02 * seconds, 0.1)).sum())
    return sounds.assign(duration=stated, content=content.astype("str")), corrected


def _with_text(
    collection: Collection, encoder_id: str, template: str, store: Path, device: str, track: Track
) -> tuple[Collection, int]:
    """The collection with the text embeddings of an encoder, and how many sounds have no words."""
    encoder = load_text_encoder(encoder_id, device=device)
    texts = collection.texts(fields_of(template), template)
    worded = np.array([row for row, text in enumerate(texts) if text], int)
    silent = len(texts) - len(worded)
    if not len(worded):
        return collection, silent
    ids = collection.sounds["sound_id"]
    items = [Item(str(ids.iat[row]), texts[row], hashlib.sha256(texts[row].encode()).hexdigest()) for row in worded]
    chunks = store / _key("text", encoder.info)
    table = in_chunks(partial(_TextEmbedder, encoder), items, chunks, track=track, description="Text")
    matrix = np.full((len(texts), encoder.info.dim), np.nan, np.float32)
    matrix[worded] = np.stack(table["embedding"].tolist())
    info = replace(encoder.info, fields=fields_of(template), template=template)
    return collection.having_text(Embeddings(matrix, info)), silent


def load_sound(item: Item) -> Sound:
    """The sound of an item; UserError where there is none."""
    if item.source.startswith(SYNTH_ROOT):
        from bstviz import synth

        samples = synth.render(item.source.removeprefix(SYNTH_ROOT))
        return Sound(samples, synth.SAMPLE_RATE, len(samples) / synth.SAMPLE_RATE, 1, "synthesised")
    if not item.source:
        raise UserError(f"Sound {item.id!r} has no audio file.")
    return decode.decode(on_disk(item.source), name=Path(item.source).name)


@dataclass(frozen=True, eq=False)
class _Decoded:
    item: Item
    samples: np.ndarray | None
    seconds: float
    notes: str
    problem: str | None
    content: str | None = None


class Embedder:
    """Embeds sounds: tables of id, fingerprint, seconds, notes, problem, ``content`` (see
    :attr:`bstviz.audio.sound.Sound.content`) and ``embedding``, (d,) float32 or None. Sounds whose files cannot be
    found or read have no fingerprint.
    """

    def __init__(self, encoder_id: str, *, preprocessing: Preprocessing = WHOLE, device: str = "cpu") -> None:
        self.encoder = load_audio_encoder(encoder_id, preprocessing=preprocessing, device=device)

    def __call__(self, items: Iterable[Item]) -> Iterator[pd.DataFrame]:
        rows: list[_Decoded] = []
        vectors: list[np.ndarray | None] = []
        for group in _groups(read_ahead(self._decode, items)):
            good = [decoded.samples for decoded in group if decoded.samples is not None]
            made = iter(self.encoder.embed(good) if good else ())
            vectors += [None if decoded.samples is None else next(made) for decoded in group]
            rows += [replace(decoded, samples=None) for decoded in group]
            if (
                len(rows) >= BATCH_SOUNDS
                or sum(decoded.seconds for decoded in rows if not decoded.problem) >= BATCH_SECONDS
            ):
                yield _table(rows, vectors)
                rows, vectors = [], []
        if rows:
            yield _table(rows, vectors)

    def _decode(self, item: Item) -> _Decoded:
        try:
            sound = load_sound(item)
        except (AwayError, OSError, MemoryError) as error:
            reason = str(error) if isinstance(error, AwayError) else f"{item.source} could not be read: {error}"
            return _Decoded(replace(item, fingerprint=""), None, float("nan"), "", readable(reason))
        except UserError as error:
            return _Decoded(item, None, float("nan"), "", str(error))
        except Exception as error:  # whatever a decoder does not expect of one file, the others are done
            reason = f"{Path(item.source).name} could not be read: {type(error).__name__}: {error}"
            return _Decoded(item, None, float("nan"), "", readable(reason))
        return _Decoded(item, sound.at(self.encoder.rate), sound.seconds, " ".join(sound.notes), None, sound.content)


def _groups(decoded: Iterable[_Decoded]) -> Iterator[list[_Decoded]]:
    """Groups of about the same work: some short sounds or a single long one."""
    group: list[_Decoded] = []
    seconds = 0.0
    for one in decoded:
        group.append(one)
        seconds += one.seconds if one.samples is not None else 0.0
        if len(group) == min(GROUP, BATCH_SOUNDS) or seconds >= BATCH_SECONDS / 4:
            yield group
            group, seconds = [], 0.0
    if group:
        yield group


def _table(rows: list[_Decoded], vectors: list[np.ndarray | None]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [decoded.item.id for decoded in rows],
            "fingerprint": [decoded.item.fingerprint for decoded in rows],
            "seconds": np.array([decoded.seconds for decoded in rows], np.float32),
            "notes": [decoded.notes for decoded in rows],
            "problem": pd.Series([decoded.problem for decoded in rows], dtype="str"),
            "content": pd.Series([decoded.content for decoded in rows], dtype="str"),
            "embedding": vectors,
        }
    )
