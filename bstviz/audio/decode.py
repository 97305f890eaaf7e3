"""Sound files to arrays: decode what people have, whatever it is called and however broken it is.

libsndfile reads WAV, FLAC, OGG, Opus, MP3, AIFF, CAF and their kin; what it does not know (M4A, AAC, WMA, AMR, the
sound of MP4 and WebM) goes to FFmpeg's libraries inside the ``av`` package. The content decides, never the file's name.

Conventions: samples are mono float32, nominally within -1..1; rates are in Hz, durations in seconds.

What comes out of a decoder is mixed to mono and repaired by :mod:`bstviz.audio.repair`.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bstviz.audio.repair import Mix, Ranges, mix_down, repaired
from bstviz.audio.sound import Sound
from bstviz.errors import UserError

UNKNOWN_LENGTH = 2**50  # frames; libsndfile's word for a stream that does not say
DECODE_SAMPLES = 2**20  # samples of all channels decoded at a time
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
AUDIO_FORMATS = "WAV, FLAC, OGG, Opus, MP3, AIFF, CAF, AU, M4A, AAC, WMA, AMR, and the sound of MP4, MOV and WebM"
PROMISED = re.compile(r"(\d+) \(should be (\d+)\)")
"""Lengths in libsndfile's log: what a header states, and what there is."""
NO_END = "Last page lacks an end-of-stream bit"  # in the log of an OGG file
STREAMED = 2**32 - 1  # bytes; what a header states that was written before its length was known
AV_OPTIONS = {
    "format_whitelist": "mov,aac,matroska,ogg,asf,mp3,wav,aiff,flac,caf,amr,au,w64,ac3,eac3,ape,wv,tta",
    "protocol_whitelist": "none",
}
"""The containers that FFmpeg may open: none of those (playlists, for one) that lead it to other files or addresses."""


def load(source: str | Path | bytes, *, rate: int | None = None, name: str | None = None) -> tuple[np.ndarray, int]:
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


def decode(source: str | Path | bytes, *, name: str | None = None) -> Sound:
    """Decode a sound and repair what can be; see the table of :mod:`bstviz.audio.repair`.

    Args:
        source: Path of a file, or its bytes.
        name: What to call the sound in messages; the path when left out.

    Raises:
        UserError: The file is missing, empty, no sound that can be decoded, too short, or silent.
    """
    shown = name or (str(source) if not isinstance(source, bytes) else "the sound")
    if isinstance(source, bytes):
        size = len(source)
    elif Path(source).is_file():
        size = Path(source).stat().st_size
    else:
        raise UserError(f"{shown} does not exist or is not a file.")
    if size == 0:
        raise UserError(f"{shown} is empty (0 bytes).")
    for decoder in (_with_libsndfile, _with_ffmpeg):
        mix = decoder(source, shown)
        if mix is not None:
            return repaired(mix, shown)
    raise UserError(
        f"{shown} could not be decoded as audio: it holds no sound, or is damaged. Formats read here: {AUDIO_FORMATS}; "
        "convert the file to one of these and try again."
    )


class _Bytes(io.BytesIO):
    """Bytes as a file for libsndfile, which seeks before the beginning of damaged ones."""

    def seek(self, offset: int, whence: int = 0) -> int:
        return super().seek(max(offset, 0) if whence == os.SEEK_SET else offset, whence)


def _with_libsndfile(source: str | Path | bytes, shown: str) -> Mix | None:
    """Decode by libsndfile; None where it does not know the content."""
    import soundfile

    binary = os.O_RDONLY | getattr(os, "O_BINARY", 0)  # Windows opens as text otherwise
    handle: Any = _Bytes(source) if isinstance(source, bytes) else os.open(source, binary)
    try:
        file = soundfile.SoundFile(handle)  # a descriptor, so that the name is no hint
    except (soundfile.LibsndfileError, RuntimeError, ValueError, TypeError, OSError):
        return None  # libsndfile has closed the descriptor
    with file:

        def blocks(ranges: Ranges) -> Iterator[np.ndarray]:
            step = max(DECODE_SAMPLES // file.channels, 1)
            for start, stop in ranges:
                if start != file.tell():
                    file.seek(start)
                for begin in range(start, stop, step):
                    block = file.read(min(step, stop - begin), dtype="float32", always_2d=True)
                    if not len(block):
                        return
                    yield block

        frames = file.frames if 0 <= file.frames < UNKNOWN_LENGTH else None
        mix = mix_down(blocks, frames, file.samplerate, file.channels, file.format, shown)
        if mix is None:
            return None
        lengths = [(int(stated), int(own)) for stated, own in PROMISED.findall(file.extra_info)]
        short = NO_END in file.extra_info or any(own < stated < STREAMED for stated, own in lengths)
        return replace(mix, cut=mix.cut or short)


def _with_ffmpeg(source: str | Path | bytes, shown: str) -> Mix | None:
    """Decode by FFmpeg's libraries; None where they find no sound in it."""
    import av

    with io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb") as handle:
        try:
            with av.open(handle, metadata_errors="ignore", options=AV_OPTIONS) as container:
                stream = next(iter(container.streams.audio), None)
                if stream is None or stream.codec_context is None or not stream.rate:  # a codec that is unknown
                    return None
                rate, channels = stream.rate, stream.channels
                frames = round(container.duration / av.time_base * rate) if container.duration else None
                kind = container.format.name.split(",")[0].upper().replace("MOV", "MP4")
        except (av.error.FFmpegError, ValueError, OverflowError):
            return None

        def blocks(ranges: Ranges) -> Iterator[np.ndarray]:
            handle.seek(0)
            resampler = av.AudioResampler(format="flt", rate=rate)
            position, todo = 0, list(ranges)
            with av.open(handle, metadata_errors="ignore", options=AV_OPTIONS) as container:
                for frame in container.decode(audio=0):
                    for part in resampler.resample(frame):
                        block = part.to_ndarray().reshape(-1, channels)
                        while todo and position + len(block) > todo[0][0]:
                            start, stop = todo[0]
                            yield block[max(start - position, 0) : stop - position]
                            if position + len(block) < stop:
                                break
                            todo.pop(0)
                        position += len(block)
                        if not todo:
                            return

        return mix_down(blocks, frames, rate, channels, kind, shown)


def duration(path: str | Path) -> float | None:
    """Length of a sound file in seconds from its header, or None where it cannot be read."""
    import soundfile

    try:
        info = soundfile.info(str(path))
        return info.frames / info.samplerate if info.samplerate else None
    except (soundfile.LibsndfileError, RuntimeError, OSError):
        pass
    import av

    try:
        with Path(path).open("rb") as file, av.open(file, metadata_errors="ignore", options=AV_OPTIONS) as container:
            return container.duration / av.time_base if container.duration else None
    except (av.error.FFmpegError, ValueError, OSError):
        return None
