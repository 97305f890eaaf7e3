"""Sound files to arrays: decode what people have, whatever it is called and however broken it is.

The decoders (:mod:`bstviz.audio.decoders`) run in processes apart (:mod:`bstviz.audio.sandbox`), whoever calls: files
come from others, and one that crashes, hangs or fills a decoder ends that process and nothing else.

Conventions: samples are mono float32, nominally within -1..1; rates are in Hz, durations in seconds.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np

from bstviz.audio.decoders import Coding
from bstviz.audio.repair import EXCERPTS, MAX_RATE, MIN_RATE
from bstviz.audio.sandbox.messages import Header
from bstviz.audio.sandbox.pool import POOL
from bstviz.audio.sound import Sound
from bstviz.errors import AwayError, UserError
from bstviz.paths import readable

SUFFIXES = (
    ".wav",
    ".flac",
    ".ogg",
    ".opus",
    ".oga",
    ".mp3",
    ".aif",
    ".aiff",
    ".aifc",
    ".w64",
    ".rf64",
    ".caf",
    ".au",
    ".snd",
    ".m4a",
    ".mp4",
    ".aac",
    ".wma",
    ".amr",
    ".3gp",
    ".mka",
    ".webm",
    ".mov",
)
LONGEST_STATED = 1e9
"""Seconds that a header is believed, as many as a collection's table takes."""
Source = str | Path | bytes
"""A file: its path, or its bytes."""
Answer = TypeVar("Answer")


def load(source: Source, *, rate: int | None = None, name: str | None = None) -> tuple[np.ndarray, int]:
    """Samples (n,) float32 mono of a sound and their rate in Hz: :func:`decode` for those who need no more.

    Args:
        source: Path of a file, or its bytes.
        rate: Wanted sampling rate in Hz; None keeps the file's own.
        name: What to call the sound in messages; the path when left out.

    Raises:
        UserError: As :func:`decode`.
    """
    sound = decode(source, name=name)
    return (sound.samples, sound.rate) if rate is None else (sound.at(rate), rate)


def decode(source: Source, *, name: str | None = None) -> Sound:
    """Decode a sound and repair what can be; see the table of :mod:`bstviz.audio.repair`.

    Args:
        source: Path of a file, or its bytes.
        name: What to call the sound in messages; the path when left out.

    Raises:
        AwayError: The file cannot be found or read now, or there is no time to decode it.
        UserError: It is empty, no sound that can be decoded, too short, silent, or ends what decodes it.
    """
    return _asked("decode", source, name, _sound)


def duration(source: Source, *, away_is_none: bool = True) -> float | None:
    """Length of a sound in seconds by its header, or None where it cannot be read.

    Where it cannot be read *now*, that is None too, or an AwayError if ``away_is_none`` is False.

    Where the format has none, or one for each link of a chain, or libsndfile would guess (MP3), what there is is
    counted. What a header states may be wrong: what :func:`decode` finds is not.
    """
    try:
        return _asked("duration", source, None, _seconds)
    except UserError as error:
        if isinstance(error, AwayError) and not away_is_none:
            raise
        return None


def coding(data: bytes) -> Coding | None:
    """How a sound file is written; None where libsndfile does not know the content."""
    try:
        return _asked("coding", data, None, _coding)
    except UserError:
        return None


def warm() -> None:
    """Make ready for the first sound, without waiting for it."""
    POOL.warm()


def _asked(what: str, source: Source, name: str | None, take: Callable[[Header, bytearray], Answer]) -> Answer:
    shown = readable(name or (str(source) if not isinstance(source, bytes) else "the sound"))
    with _opened(source, shown) as (file, size):
        if not size:
            raise UserError(f"{shown} is empty (0 bytes).")
        return POOL.ask(what, file, size, shown, take)


@contextmanager
def _opened(source: Source, shown: str) -> Iterator[tuple[BinaryIO, int]]:
    """A file and its size in bytes, after reading one; AwayError where it cannot be found or read."""
    if isinstance(source, bytes):
        yield io.BytesIO(source), len(source)
        return
    path = Path(source)
    try:
        file = path.open("rb", buffering=0) if path.is_file() else None
    except OSError as error:
        raise AwayError(f"{shown} could not be read: {error.strerror or error}.") from None
    if file is None:
        raise AwayError(f"{shown} does not exist or is not a file.")
    with file:
        try:
            file.read(1)
            size = os.fstat(file.fileno()).st_size
        except OSError as error:
            raise AwayError(f"{shown} could not be read: {error.strerror or error}.") from None
        yield file, size


def _sound(header: Header, body: bytearray) -> Sound:
    """A sound from a decoder process's answer, of which nothing is believed: ValueError, TypeError or KeyError where it
    cannot be true.
    """
    samples = np.frombuffer(body, np.float32)
    starts, notes = tuple(float(start) for start in header["starts"]), tuple(str(note) for note in header["notes"])
    sound = Sound(
        samples,
        int(header["rate"]),
        float(header["seconds"]),
        int(header["channels"]),
        str(header["format"]),
        starts,
        notes,
    )
    level = float(samples.sum(dtype=np.float64))
    true = (
        len(samples) > 0,
        MIN_RATE <= sound.rate <= MAX_RATE,
        sound.channels >= 1,
        0 < len(starts) <= EXCERPTS,
        all(map(math.isfinite, (level, sound.seconds, *starts))),
    )
    if not all(true):
        raise ValueError("no sound is like that")
    return sound


def _seconds(header: Header, body: bytearray) -> float | None:
    if header["seconds"] is None:
        return None
    seconds = float(header["seconds"])
    if not 0 <= seconds < float("inf"):  # of no file: whoever answers so is not what was started
        raise ValueError("no sound is as long as that")
    return seconds if seconds <= LONGEST_STATED else None


def _coding(header: Header, body: bytearray) -> Coding | None:
    found = header["coding"]
    if found is None:
        return None
    return Coding(
        format=str(found["format"]),
        subtype=str(found["subtype"]),
        rate=int(found["rate"]),
        channels=int(found["channels"]),
        as_stated=bool(found["as_stated"]),
    )
