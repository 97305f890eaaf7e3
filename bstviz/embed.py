"""Fill a collection's embeddings: in parts, each kept on disk as it is done, so that a stopped run goes on where it was."""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bstviz import audio, storage
from bstviz.collection import AudioOrText, Collection, load_collection
from bstviz.encoders.base import AudioEncoder, TextEncoder, load_audio_encoder, load_text_encoder
from bstviz.errors import UserError

AUDIO_PART, TEXT_PART = 32, 512  # sounds between two saves
TEXT_FIELDS = ("title", "tags", "description")
Track = Callable[..., Iterable[Any]]
"""Wraps an iterable to show progress: ``track(items, total=n, description="…", completed=k)``."""


@dataclass(frozen=True)
class EmbedReport:
    """What :func:`embed_collection` did: the new collection, and for each kind the sounds left without, with reasons."""

    collection: Collection
    without_audio: dict[str, str]
    without_text: int


def no_progress(items: Iterable[Any], **_: Any) -> Iterable[Any]:
    """A :data:`Track` that shows nothing."""
    return items


def embed_collection(
    folder: str | Path,
    *,
    audio_encoder: str | None = "aisfx",
    text_encoder: str | None = "minilm",
    text_fields: Sequence[str] = TEXT_FIELDS,
    device: str = "cpu",
    track: Track = no_progress,
) -> EmbedReport:
    """Embed the sounds and words of a collection folder and save it.

    Args:
        folder: The collection.
        audio_encoder: Id of the audio encoder; None leaves the audio embeddings as they are.
        text_encoder: Id of the text encoder; None leaves the text embeddings as they are.
        text_fields: Columns of the table that make up a sound's text.
        device: Torch device.
        track: Shows progress.

    Returns:
        The saved collection, with NaN rows for sounds that could not be decoded or that have no words, and which and how
        many those are; models that need what a sound lacks leave it out.

    Raises:
        UserError: The folder is no collection, an encoder is unknown, or a text field is no column.
    """
    folder = Path(folder)
    collection = load_collection(folder)
    unknown = [name for name in text_fields if name not in collection.sounds]
    if unknown:
        raise UserError(f"Column {unknown[0]!r} is not in {folder}; there are {', '.join(collection.sounds.columns)}.")
    failures: dict[str, str] = {}
    silent = 0
    if audio_encoder and collection.audio_root is not None:
        encoder = load_audio_encoder(audio_encoder, device=device)
        matrix, failures = _embed_audio(collection, encoder, folder, track)
        collection = replace(collection, audio=matrix, audio_encoder=encoder.info)
    if text_encoder:
        words = load_text_encoder(text_encoder, device=device)
        texts = collection.texts(tuple(text_fields))
        silent = sum(not text for text in texts)
        if silent < len(texts):
            info = replace(words.info, fields=tuple(text_fields))
            collection = replace(collection, text=_embed_text(texts, words, folder, track), text_encoder=info)
    collection.save(folder)
    shutil.rmtree(_parts_folder(folder), ignore_errors=True)
    return EmbedReport(load_collection(folder), failures, silent)


def _parts_folder(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.parts"


def _key(kind: AudioOrText, encoder: AudioEncoder | TextEncoder, contents: Iterable[str]) -> str:
    digest = hashlib.sha256(f"{kind} {encoder.info}".encode())
    for item in contents:
        digest.update(item.encode() + b"\0")
    return digest.hexdigest()[:16]


def _in_parts(
    key: str,
    count: int,
    embed: Callable[[range], np.ndarray],
    folder: Path,
    description: str,
    track: Track,
    *,
    size: int,
) -> np.ndarray:
    """Rows 0..count of a matrix in parts of ``size``; finished parts are read back from an earlier, stopped run."""
    store = _parts_folder(folder) / key
    store.mkdir(parents=True, exist_ok=True)
    parts = [range(start, min(start + size, count)) for start in range(0, count, size)]
    files = [store / f"{part.start:08d}.npy" for part in parts]
    todo = [(part, file) for part, file in zip(parts, files, strict=True) if not file.is_file()]
    for part, file in track(todo, total=len(parts), description=description, completed=len(parts) - len(todo)):
        buffer = io.BytesIO()
        np.save(buffer, embed(part))
        storage.write_file(file, buffer.getvalue())
    return np.concatenate([np.load(file) for file in files])


def _embed_audio(
    collection: Collection, encoder: AudioEncoder, folder: Path, track: Track
) -> tuple[np.ndarray, dict[str, str]]:
    failures: dict[str, str] = {}
    ids = list(collection.sounds["sound_id"])

    def decode(row: int) -> np.ndarray | None:
        try:
            samples, rate = collection.load_audio(row)
        except UserError as error:
            failures[ids[row]] = str(error)
            return None
        return audio.resample(samples, rate, encoder.rate)

    def embed(rows: range) -> np.ndarray:
        sounds = [decode(row) for row in rows]
        out = np.full((len(rows), encoder.info.dim), np.nan, np.float32)
        good = [i for i, sound in enumerate(sounds) if sound is not None]
        if good:
            out[good] = encoder.embed([s for s in sounds if s is not None])
        return out

    paths = collection.sounds["path"].fillna("").astype(str)
    key = _key("audio", encoder, (f"{i}\t{p}" for i, p in zip(ids, paths, strict=True)))
    matrix = _in_parts(key, len(ids), embed, folder, "Sounds", track, size=AUDIO_PART)
    for row in np.flatnonzero(np.isnan(matrix[:, 0])):  # those that an earlier, stopped run found
        failures.setdefault(ids[row], "could not be decoded")
    return matrix, failures


def _embed_text(texts: list[str], encoder: TextEncoder, folder: Path, track: Track) -> np.ndarray:
    def embed(rows: range) -> np.ndarray:
        out = np.full((len(rows), encoder.info.dim), np.nan, np.float32)
        worded = [i for i, row in enumerate(rows) if texts[row]]
        if worded:
            out[worded] = encoder.embed([texts[rows[i]] for i in worded])
        return out

    return _in_parts(_key("text", encoder, texts), len(texts), embed, folder, "Words", track, size=TEXT_PART)
