"""Sound files to arrays: decode what people have, mix to mono, resample, look at the spectrum.

libsndfile reads WAV, FLAC, OGG, Opus, MP3, AIFF, CAF and their kin; what it does not know (M4A, AAC, WMA, AMR, the
sound of MP4 and WebM) goes to FFmpeg's libraries inside the ``av`` package. The content decides, never the file's name.

Conventions: samples are mono float32, nominally within -1..1; rates are in Hz, durations in seconds.

What happens to anomalous sounds, each reported in :attr:`Sound.notes` or, where there is nothing but silence, in a
UserError:

====================================  =====================================================================
a file that ends before its time      what arrived is taken
samples that are not numbers          become silence
samples far beyond full scale         the sound is brought down to full scale
clipping                              left as it is
a constant offset (DC)                removed
channels that cancel each other out   the loudest one is taken
longer than :data:`MAX_SECONDS`       excerpts over its whole length are taken
a name that does not fit the content  the content counts
silence, or less than 10 ms           refused
====================================  =====================================================================
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from bstviz.errors import UserError

MAX_SECONDS = 600.0
"""At most this much of a sound is held in memory (less above :data:`FULL_RATE`); of a longer one, excerpts."""
EXCERPTS = 60
FULL_RATE = 48_000
MIN_SECONDS = 0.01
MIN_RATE, MAX_RATE = 1_000, 768_000
SILENCE = 1e-4  # -80 dB below full scale; the loudest sample of a sound must lie above
CLIPPED, FULL_SCALE, BEYOND = 1e-3, 0.9995, 2.0  # share of samples, at this level; a peak that no decoder overshoots to
OFFSET = 0.1  # a constant part below this is left alone: short sounds have one by nature
CANCELLED = 0.1  # the mix's level, as a share of the loudest channel's
UNKNOWN_LENGTH = 2**50  # frames; libsndfile's word for a stream that does not say
DECODE_SAMPLES = 2**20  # samples of all channels decoded at a time
SEGMENT_SECONDS, SEGMENTS = 5.0, 24  # of the answer over time
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
CONTENT_OF = {
    ".wav": ("WAV", "WAVEX", "RF64"),
    ".flac": ("FLAC",),
    ".ogg": ("OGG",),
    ".oga": ("OGG",),
    ".opus": ("OGG",),
    ".mp3": ("MP3", "MPEG"),
    ".aif": ("AIFF",),
    ".aiff": ("AIFF",),
    ".m4a": ("MP4",),
    ".mp4": ("MP4",),
    ".aac": ("AAC",),
}
"""What files of these names hold; the names are libsndfile's, or FFmpeg's in capitals."""
PROMISED = re.compile(r"(\d+) \(should be (\d+)\)")
"""Lengths in libsndfile's log: what a header states, and what there is."""
NO_END = "Last page lacks an end-of-stream bit"  # in the log of an OGG file
STREAMED = 2**32 - 1  # bytes; what a header states that was written before its length was known
AV_OPTIONS = {
    "format_whitelist": "mov,aac,matroska,ogg,asf,mp3,wav,aiff,flac,caf,amr,au,w64,ac3,eac3,ape,wv,tta",
    "protocol_whitelist": "none",
}
"""The containers that FFmpeg may open: none of those (playlists, for one) that lead it to other files or addresses."""


@dataclass(frozen=True, eq=False)
class Segment:
    """A stretch of a sound from ``start`` to ``stop`` seconds, and what is taken of it: samples (n,) float32."""

    start: float
    stop: float
    samples: np.ndarray


@dataclass(frozen=True, eq=False)
class Sound:
    """A decoded sound.

    Attributes:
        samples: (n,) float32 mono; of a sound longer than :data:`MAX_SECONDS` its excerpts, joined.
        rate: In Hz.
        seconds: Length of the whole file.
        channels: Of the file.
        format: What the content is, e.g. WAV.
        starts: Where in the file each excerpt starts, in seconds; (0.0,) for a sound that is held as a whole.
        notes: What a person should know about it, a sentence each.
    """

    samples: np.ndarray
    rate: int
    seconds: float
    channels: int
    format: str
    starts: tuple[float, ...] = (0.0,)
    notes: tuple[str, ...] = ()

    def at(self, rate: int) -> np.ndarray:
        """Samples (n,) float32 at another rate in Hz."""
        return resample(self.samples, self.rate, rate)

    def around(self, time: float, seconds: float) -> np.ndarray:
        """At most ``seconds`` of the sound about ``time``, from the nearest excerpt where it is not held as a whole."""
        length = len(self.samples) // len(self.starts)
        index = max(int(np.searchsorted(self.starts, time, side="right")) - 1, 0)
        size = min(round(seconds * self.rate), length)
        start = round((time - self.starts[index]) * self.rate) - size // 2
        start = index * length + min(max(start, 0), length - size)
        return self.samples[start : start + size]

    def segments(self, *, seconds: float = SEGMENT_SECONDS, at_most: int = SEGMENTS) -> list[Segment]:
        """The sound in equal stretches of at least ``seconds``, of each of which the middle ``seconds`` are taken."""
        count = min(max(int(self.seconds / seconds), 1), at_most)
        edges = np.linspace(0.0, self.seconds, count + 1).tolist()
        return [Segment(a, b, self.around((a + b) / 2, seconds)) for a, b in pairwise(edges)]


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
    """Decode a sound and repair what can be; see the table above.

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
        taken = decoder(source, shown)
        if taken is not None:
            return _repaired(taken, shown)
    raise UserError(
        f"{shown} could not be decoded as audio: it holds no sound, or is damaged. Formats read here: {AUDIO_FORMATS}; "
        "convert the file to one of these and try again."
    )


@dataclass(frozen=True, eq=False)
class _Taken:
    """What a decoder made of a file: the mono mix and what was counted on the way."""

    mono: np.ndarray
    starts: tuple[float, ...]
    rate: int
    channels: int
    format: str
    seconds: float
    cut: bool
    not_numbers: int
    full_scale: float
    peak: float
    solo: int | None


class _Mixer:
    """Mixes blocks (n, channels) to mono as they come, counting what is anomalous about them."""

    def __init__(self, channels: int) -> None:
        self.blocks: list[np.ndarray] = []
        self.frames = self.not_numbers = self.at_full_scale = 0
        self.peak = 0.0
        self.energy = np.zeros(channels)

    def add(self, block: np.ndarray, channel: int | None) -> None:
        if not np.isfinite(block.sum(dtype=np.float64)):  # one number tells whether the samples need looking at
            finite = np.isfinite(block)
            self.not_numbers += int(block.size - finite.sum())
            block = np.where(finite, block, 0)
        peak = max(float(block.max(initial=0.0)), -float(block.min(initial=0.0)))
        self.peak = max(self.peak, peak)
        if peak >= FULL_SCALE:
            self.at_full_scale += int((np.abs(block) >= FULL_SCALE).sum())
        if block.shape[1] == 1:
            channel = 0
        else:
            self.energy += np.square(block, dtype=np.float64).sum(axis=0)
        mono = block.mean(axis=1, dtype=np.float64) if channel is None else block[:, channel]
        self.frames += len(block)
        self.blocks.append(mono.astype(np.float32))

    def loudest_if_cancelled(self) -> int | None:
        """The loudest channel, where the mix has lost nearly all of what the channels hold."""
        own = sum(float(np.square(block, dtype=np.float64).sum()) for block in self.blocks)
        loudest = int(self.energy.argmax())
        return loudest if own < CANCELLED**2 * self.energy[loudest] else None


Ranges = Sequence[tuple[int, int]]
Blocks = Callable[[Ranges], Iterator[np.ndarray]]


def _take(blocks: Blocks, frames: int | None, rate: int, channels: int, kind: str, shown: str) -> _Taken | None:
    """Mix a stream, whole or in excerpts; None where nothing comes out of it.

    Args:
        blocks: Yields (n, channels) float32 of ranges of frames, as far as the file goes; may raise when it is damaged.
        frames: How many the header promises; None where it does not say.
        rate: In Hz.
        channels: How many.
        kind: What the content is.
        shown: Name for messages.
    """
    if not MIN_RATE <= rate <= MAX_RATE:
        raise UserError(
            f"{shown} states a sampling rate of {rate:,} Hz; supported are {MIN_RATE:,} to {MAX_RATE:,} Hz."
        )
    held = round(MAX_SECONDS * min(rate, FULL_RATE))
    ranges: Ranges = [(0, min(frames, held) if frames is not None else held)]
    if frames is not None and frames > held:
        size = held // EXCERPTS
        starts = np.linspace(0, frames - size, EXCERPTS).astype(int)
        ranges = [(int(s), int(s) + size) for s in starts]

    def mixed(channel: int | None) -> _Mixer:
        mixer = _Mixer(channels)
        try:
            for block in blocks(ranges):
                mixer.add(block, channel)
        except Exception:  # a damaged file: each decoder raises its own; what came before it is kept
            return mixer
        return mixer

    mixer = mixed(None)
    if not mixer.frames:
        return None
    solo = mixer.loudest_if_cancelled() if channels > 1 else None
    if solo is not None:
        mixer = mixed(solo)
    mono = np.concatenate(mixer.blocks)
    wanted = sum(stop - start for start, stop in ranges)
    cut = frames is not None and wanted - len(mono) > max(0.02 * wanted, 0.1 * rate)
    end = len(mono) if len(ranges) == 1 else frames or 0
    if cut and len(ranges) > 1:  # the excerpts that are complete
        size = wanted // len(ranges)
        ranges = ranges[: max(len(mono) // size, 1)]
        mono = mono[: len(ranges) * size]
        end = ranges[-1][0] + len(mono) // len(ranges)
    return _Taken(
        mono=mono,
        starts=tuple(start / rate for start, _ in ranges),
        rate=rate,
        channels=channels,
        format=kind,
        seconds=end / rate,
        cut=cut,
        not_numbers=mixer.not_numbers,
        full_scale=mixer.at_full_scale / (mixer.frames * channels),
        peak=mixer.peak,
        solo=solo,
    )


def _repaired(taken: _Taken, shown: str) -> Sound:
    """A sound from what was decoded: offset and scale repaired, all anomalies reported; UserError for silence."""
    mono, rate = taken.mono, taken.rate
    if len(mono) < MIN_SECONDS * rate:
        raise UserError(
            f"{shown} holds {1000 * len(mono) / rate:.0f} ms of sound; at least {1000 * MIN_SECONDS:.0f} ms are needed."
        )
    notes = []
    suffix = Path(shown).suffix.lower()
    if taken.format not in CONTENT_OF.get(suffix, (taken.format,)):
        notes.append(f"It is named {suffix}, but its content is {taken.format}; the content was read.")
    if taken.cut:
        notes.append(f"The file is damaged or cut off: only {len(mono) / rate:.1f} s could be read.")
    if taken.not_numbers:
        notes.append(f"{taken.not_numbers:,} samples are not numbers; they were taken as silence.")
    if taken.solo is not None:
        notes.append(f"Its channels cancel each other out; channel {taken.solo + 1}, the loudest, was taken.")
    offset = float(mono.mean(dtype=np.float64))
    scale = taken.peak if taken.peak > BEYOND else 1.0
    if abs(offset) > OFFSET * scale:
        mono = mono - np.float32(offset)
        notes.append(f"A constant offset (DC) of {offset / scale:+.2f} was removed.")
    if scale != 1.0:
        mono = mono / np.float32(scale)
        notes.append(f"Its samples reach {scale:.3g} times full scale; they were brought down.")
    elif taken.full_scale > CLIPPED:
        notes.append(f"It is clipped: {100 * taken.full_scale:.1f} % of the samples are at full scale.")
    if float(np.abs(mono).max()) < SILENCE:
        raise UserError(f"{shown} is silent: no sample is louder than -80 dB. There is nothing to classify in it.")
    if len(taken.starts) > 1:
        excerpt = len(mono) / len(taken.starts) / rate
        notes.append(
            f"It is {taken.seconds / 60:.0f} minutes long; {len(taken.starts)} excerpts of {excerpt:.1f} s, spread "
            "over all of it, were taken."
        )
    return Sound(mono, rate, taken.seconds, taken.channels, taken.format, taken.starts, tuple(notes))


class _Bytes(io.BytesIO):
    """Bytes as a file for libsndfile, which seeks before the beginning of damaged ones."""

    def seek(self, offset: int, whence: int = 0) -> int:
        return super().seek(max(offset, 0) if whence == os.SEEK_SET else offset, whence)


def _with_libsndfile(source: str | Path | bytes, shown: str) -> _Taken | None:
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
        taken = _take(blocks, frames, file.samplerate, file.channels, file.format, shown)
        if taken is None:
            return None
        lengths = [(int(stated), int(own)) for stated, own in PROMISED.findall(file.extra_info)]
        short = NO_END in file.extra_info or any(own < stated < STREAMED for stated, own in lengths)
        return replace(taken, cut=taken.cut or short)


def _with_ffmpeg(source: str | Path | bytes, shown: str) -> _Taken | None:
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

        return _take(blocks, frames, rate, channels, kind, shown)


def resample(samples: np.ndarray, rate: int, target: int) -> np.ndarray:
    """Band-limited resampling of (n,) float32 from ``rate`` to ``target`` Hz (soxr, high quality)."""
    if rate == target:
        return samples
    import soxr

    return np.asarray(soxr.resample(samples, rate, target), np.float32)


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
