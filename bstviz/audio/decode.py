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
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bstviz.audio.chained import BytesFile, chained_seconds, decode_chained
from bstviz.audio.repair import Mix, Ranges, mix_down, repaired
from bstviz.audio.sound import Sound
from bstviz.errors import AwayError, UserError
from bstviz.paths import readable

if TYPE_CHECKING:
    from av import AudioResampler
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from soundfile import SoundFile

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
NO_CHUNK = re.compile(r"Unknown chunk marker \(\w+\) at position (\d+)")
"""In its log: where, in bytes, a file goes on with what is no chunk: sound, if its length was written too early."""
NO_END = "Last page lacks an end-of-stream bit"  # in the log of an OGG file
STREAMED = (*range(2**31 - 2**13, 2**31), 2**32 - 1)
"""Bytes that a header states which was written before its length was known: by SoX and others, and by FFmpeg."""
AV_OPTIONS = {
    "format_whitelist": "mov,aac,matroska,ogg,asf,mp3,wav,aiff,flac,caf,amr,au,w64,ac3,eac3,ape,wv,tta",
    "protocol_whitelist": "none",
}
"""The containers that FFmpeg may open: none of those (playlists, for one) that lead it to other files or addresses."""
GUESSED = ("aac", "ac3", "amr", "eac3", "mp3")
"""Formats of FFmpeg's that state no length; it guesses one from bit rates."""
PREROLL = 0.25  # seconds decoded before an excerpt, for codecs whose frames build on earlier ones


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
        AwayError: The file cannot be found or read now.
        UserError: It is empty, no sound that can be decoded, too short, or silent.
    """
    shown = readable(name or (str(source) if not isinstance(source, bytes) else "the sound"))
    if not (len(source) if isinstance(source, bytes) else _size(Path(source), shown)):
        raise UserError(f"{shown} is empty (0 bytes).")
    best: Mix | None = None
    for decoder in (decode_chained, _with_libsndfile, _with_ffmpeg):  # what one reads in part, the next may read whole
        try:
            mix = decoder(source, shown)
        except (UserError, MemoryError):
            raise
        except OSError as error:
            raise AwayError(f"{shown} could not be read: {error.strerror or error}.") from None
        except Exception:  # what a decoder does not expect of a file, and its library may not either
            mix = None
        if mix is not None and (best is None or _longer(mix.seconds, best.seconds)):
            best = mix
        if best is not None and not best.cut:
            break
    if best is not None:
        return repaired(best, shown)
    raise UserError(
        f"{shown} could not be decoded as audio: it holds no sound, or is damaged. Formats read here: {AUDIO_FORMATS}; "
        "convert the file to one of these and try again."
    )


def _size(file: Path, shown: str) -> int:
    """Bytes of a file, after reading one; AwayError where it cannot be found or read."""
    try:
        if file.is_file():
            with file.open("rb") as opened:
                opened.read(1)
                return os.fstat(opened.fileno()).st_size
    except OSError as error:
        raise AwayError(f"{shown} could not be read: {error.strerror or error}.") from None
    raise AwayError(f"{shown} does not exist or is not a file.")


def _with_libsndfile(source: str | Path | bytes, shown: str) -> Mix | None:
    """Decode by libsndfile; None where it does not know the content, or how long it is."""
    import soundfile

    binary = os.O_RDONLY | getattr(os, "O_BINARY", 0)  # Windows opens as text otherwise
    handle: Any = BytesFile(source) if isinstance(source, bytes) else os.open(source, binary)
    try:
        file = soundfile.SoundFile(handle)  # a descriptor, so that the name is no hint
    except (soundfile.LibsndfileError, RuntimeError, ValueError, TypeError, OSError):
        return None  # libsndfile has closed the descriptor
    with file:
        if not 0 <= file.frames < UNKNOWN_LENGTH or (file.format in ("MP3", "FLAC") and _goes_on(source, file)):
            return None

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

        mix = mix_down(blocks, file.frames, file.samplerate, file.channels, file.format, shown)
        if mix is None:
            return None
        lengths = [(int(stated), int(own)) for stated, own in PROMISED.findall(file.extra_info)]
        seconds, after = file.frames / file.samplerate, NO_CHUNK.search(file.extra_info)
        size = len(source) if isinstance(source, bytes) else Path(source).stat().st_size
        short = (
            NO_END in file.extra_info
            or any(own < stated not in STREAMED for stated, own in lengths)
            or (after is not None and _longer(seconds * size / int(after[1]), seconds))
        )
        return replace(mix, cut=mix.cut or short, floats=file.subtype in ("FLOAT", "DOUBLE"))


@contextmanager
def _container(source: str | Path | bytes) -> Iterator[tuple[InputContainer, AudioStream] | None]:
    """A file as FFmpeg opens it and its first sound, from the beginning; None where it finds none it can decode."""
    import av

    with io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb") as handle:
        try:
            container = av.open(handle, metadata_errors="ignore", options=AV_OPTIONS)
        except (av.error.FFmpegError, ValueError, OverflowError):
            yield None
            return
        with container:
            stream = next(iter(container.streams.audio), None)
            known = getattr(stream, "rate", None)  # which the stream of a codec that nobody knows does not have
            yield (container, stream) if stream is not None and known else None


def _length(container: InputContainer, stream: AudioStream) -> tuple[float, float]:
    """Length of a stream in seconds, as its header states it (0 where it does not) and by its packets.

    These are counted from where the header ends the stream to where they do. Nothing is decoded; on the way there
    FFmpeg builds the index that files of some formats lack.
    """
    import av

    base, start, stop = _seconds(stream), stream.start_time or 0, 0
    stated = container.duration / av.time_base if container.duration else 0.0
    for time in dict.fromkeys((stated, 0.0)):
        with suppress(av.error.FFmpegError, ValueError, OverflowError):  # damaged from there on
            container.seek(round(time / base), stream=stream)
            for packet in container.demux(stream):
                if packet.pts is not None:
                    stop = max(stop, packet.pts + (packet.duration or 0))
        if stop:
            break
    return stated, max(stop - start, 0) * base


def _seconds(stream: AudioStream) -> float:
    """Seconds of a stream's unit of time."""
    return float(stream.time_base or 1)


def _longer(seconds: float, than: float) -> bool:
    """Whether a length exceeds another by more than padding and rounding do."""
    return seconds - than > max(0.02 * than, 0.1)


def _goes_on(source: str | Path | bytes, file: SoundFile) -> bool:
    """Whether a file goes on where libsndfile ends it: at the length that its header states, or, of MP3 files that
    state none, at a guess from the first frame's bit rate.
    """
    with _container(source) as found:
        return found is not None and _longer(_length(*found)[1], file.frames / file.samplerate)


def _with_ffmpeg(source: str | Path | bytes, shown: str) -> Mix | None:
    """Decode by FFmpeg's libraries; None where they find no sound in it."""
    with _container(source) as found:
        if found is None:
            return None
        container, stream = found
        rate, channels, kind = stream.rate, stream.channels, container.format.name.split(",")[0]
        floats = stream.codec_context.name.startswith("pcm_f")
        stated, counted = _length(container, stream)
    guessed = kind in GUESSED or not stated
    seconds = counted if guessed or _longer(counted, stated) else stated

    def blocks(ranges: Ranges) -> Iterator[np.ndarray]:
        with _container(source) as again:
            if again is None:
                return
            for start, stop in ranges:
                position = 0
                for time, samples in _decoded(*again, max(start / rate - PREROLL, 0.0)):
                    if not position and start:
                        position = min(round(time * rate), start)
                    block = samples[max(start - position, 0) : stop - position]
                    position += len(samples)
                    if len(block):
                        yield block
                    if position >= stop:
                        break

    shown_kind = kind.upper().replace("MOV", "MP4")
    mix = mix_down(blocks, round(seconds * rate) or None, rate, channels, shown_kind, shown)
    return mix and replace(mix, cut=mix.cut and not guessed, floats=floats)


def _decoded(container: InputContainer, stream: AudioStream, start: float) -> Iterator[tuple[float, np.ndarray]]:
    """Time of every decoded frame from ``start`` or a little before, in seconds, and its samples (n, channels) float32
    at the stream's rate, whatever format, rate and channels it has itself; packets before it are not decoded.
    """
    import av

    if start:
        container.seek(round(start / _seconds(stream)) + (stream.start_time or 0), stream=stream)
    resamplers: dict[tuple[str, str, int], AudioResampler] = {}
    layout, rate, channels = stream.layout.name, stream.rate, stream.channels
    begin = (stream.start_time or 0) * _seconds(stream)
    for frame in container.decode(stream):
        kind = frame.format.name, frame.layout.name, frame.sample_rate
        if kind not in resamplers:
            resamplers[kind] = av.AudioResampler("flt", layout, rate)
        for part in resamplers[kind].resample(frame):
            yield (frame.time or 0.0) - begin, part.to_ndarray().reshape(-1, channels)


def duration(path: str | Path) -> float | None:
    """Length of a sound file in seconds from its header, or None where it cannot be read.

    Where the format has none, or one for each link of a chain, or libsndfile would guess (MP3), what there is is
    counted. What a header states may be wrong: what :func:`decode` finds is not.
    """
    import soundfile

    with suppress(soundfile.LibsndfileError, RuntimeError, OSError, ValueError):
        info = soundfile.info(os.fspath(path))
        if info.samplerate and 0 < info.frames < UNKNOWN_LENGTH:
            stated = float(info.frames / info.samplerate)
            return runs_otherwise(path, info.format, stated) or stated
    try:
        with _container(path) as found:
            if found is None:
                return None
            stated, counted = _length(*found)
            return stated if stated and found[0].format.name not in GUESSED else counted or None
    except OSError:
        return None


def runs_otherwise(source: str | Path | bytes, kind: str, seconds: float) -> float | None:
    """Length of a file that does not run as long as libsndfile says, in seconds: of a chain of OGG, of which it knows
    the first link, and of MP3 without a right table, of which it makes a guess; None for every other file.

    Args:
        source: Path of a file, or its bytes.
        kind: What it is, by libsndfile's name.
        seconds: Its length, as libsndfile says.
    """
    if kind == "OGG":
        return chained_seconds(source)
    if kind == "MP3":
        with _container(source) as found:
            counted = _length(*found)[1] if found else 0.0
            return counted if counted and (_longer(counted, seconds) or _longer(seconds, counted)) else None
    return None
