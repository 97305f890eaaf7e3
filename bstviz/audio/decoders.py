"""The decoders: libsndfile and FFmpeg's libraries, in whatever process calls them.

libsndfile reads WAV, FLAC, OGG, Opus, MP3, AIFF, CAF and their kin; what it does not know (M4A, AAC, WMA, AMR, the
sound of MP4 and WebM) goes to FFmpeg's libraries inside the ``av`` package. The content decides: neither sees a name,
and neither opens anything. What comes out is mixed to mono and repaired by :mod:`bstviz.audio.repair`.

Files come from others, so these functions run in a process apart; :mod:`bstviz.audio.decode` is the way there.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from bstviz.audio.chained import Opening, chained_seconds, decode_chained
from bstviz.audio.repair import Mix, Ranges, mix_down, repaired
from bstviz.audio.sound import Sound
from bstviz.errors import UserError

if TYPE_CHECKING:
    from av import AudioResampler
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from soundfile import SoundFile

AUDIO_FORMATS = "WAV, FLAC, OGG, Opus, MP3, AIFF, CAF, AU, M4A, AAC, WMA, AMR, and the sound of MP4, MOV and WebM"
UNKNOWN_LENGTH = 2**50  # frames; libsndfile's word for a stream that does not say
DECODE_SAMPLES = 2**20  # samples of all channels decoded at a time
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
"""The containers that FFmpeg may open: none of those (playlists, for one) that lead it to other files or addresses; and
the protocols by which a container's parts may be fetched, of which none is called so.
"""
GUESSED = ("aac", "ac3", "amr", "eac3", "mp3")
"""Formats of FFmpeg's that state no length; it guesses one from bit rates."""
GATHERED = 64  # frames of a codec, some hundred samples each, that are mixed at a time
PREROLL = 0.25  # seconds decoded before an excerpt, for codecs whose frames build on earlier ones


def decoded(opening: Opening, shown: str) -> Sound:
    """A sound file decoded, and repaired where it can be; see the table of :mod:`bstviz.audio.repair`.

    Args:
        opening: Opens it.
        shown: Name for messages.

    Raises:
        UserError: It is no sound that can be decoded, too short, or silent.
        MemoryError: It takes more memory than there is.
    """
    best: Mix | None = None
    for decoder in (decode_chained, _with_libsndfile, _with_ffmpeg):  # what one reads in part, the next may read whole
        try:
            mix = decoder(opening, shown)
        except (UserError, MemoryError):
            raise
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


def load_libraries() -> None:
    """Import what these functions import when they are first called, by decoding a tone with each."""
    import soundfile
    import soxr

    wave = np.sin(np.arange(4_000, dtype=np.float32))
    buffer = io.BytesIO()
    soundfile.write(buffer, soxr.resample(wave, 16_000, 8_000), 8_000, format="WAV")
    for decoder in (decode_chained, _with_libsndfile, _with_ffmpeg):
        decoder(partial(io.BytesIO, buffer.getvalue()), "a tone")


@dataclass(frozen=True)
class Coding:
    """How a file is written, in libsndfile's words.

    Attributes:
        format: Of the file.
        subtype: Of its samples.
        rate: In Hz.
        channels: How many.
        as_stated: Whether it runs as long as libsndfile says, and browsers.
    """

    format: str
    subtype: str
    rate: int
    channels: int
    as_stated: bool


def coding(opening: Opening) -> Coding | None:
    """How a file is written; None where libsndfile does not know the content."""
    found = _info(opening)
    if found is None:
        return None
    as_stated = _runs_otherwise(opening, found.format, found.frames / found.samplerate) is None
    return Coding(found.format, found.subtype, found.samplerate, found.channels, as_stated)


def _info(opening: Opening) -> Any:
    """What libsndfile says of a file; None where it does not know the content."""
    import soundfile

    with opening() as handle:
        try:
            found = soundfile.info(handle)
        except (soundfile.LibsndfileError, RuntimeError, ValueError, TypeError, OSError):
            return None
    return found if found.samplerate else None


def duration(opening: Opening) -> float | None:
    """Length of a sound file in seconds from its header, or None where it cannot be read.

    Where the format has none, or one for each link of a chain, or libsndfile would guess (MP3), what there is is
    counted.
    """
    info = _info(opening)
    if info is not None and 0 < info.frames < UNKNOWN_LENGTH:
        stated = float(info.frames / info.samplerate)
        return _runs_otherwise(opening, info.format, stated) or stated
    with _container(opening) as found:
        if found is None:
            return None
        stated, counted = _length(*found)
        return stated if stated and found[0].format.name not in GUESSED else counted or None


def _runs_otherwise(opening: Opening, kind: str, seconds: float) -> float | None:
    """Length of a file that does not run as long as libsndfile says, in seconds: of a chain of OGG, of which it knows
    the first link, and of MP3 without a right table, of which it makes a guess; None for every other file.
    """
    if kind == "OGG":
        return chained_seconds(opening)
    if kind == "MP3":
        with _container(opening) as found:
            counted = _length(*found)[1] if found else 0.0
            return counted if counted and (_longer(counted, seconds) or _longer(seconds, counted)) else None
    return None


def _with_libsndfile(opening: Opening, shown: str) -> Mix | None:
    """Decode by libsndfile, which raises where it does not know the content; None where it cannot tell the length."""
    import soundfile

    with opening() as handle, soundfile.SoundFile(handle) as file:
        if not 0 <= file.frames < UNKNOWN_LENGTH or (file.format in ("MP3", "FLAC") and _goes_on(opening, file)):
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
        short = (
            NO_END in file.extra_info
            or any(own < stated not in STREAMED for stated, own in lengths)
            or (after is not None and _longer(seconds * handle.seek(0, os.SEEK_END) / int(after[1]), seconds))
        )
        return replace(mix, cut=mix.cut or short, floats=file.subtype in ("FLOAT", "DOUBLE"))


@contextmanager
def _container(opening: Opening) -> Iterator[tuple[InputContainer, AudioStream] | None]:
    """A file as FFmpeg opens it and its first sound, from the beginning; None where it finds none it can decode."""
    import av

    with opening() as handle:
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


def _goes_on(opening: Opening, file: SoundFile) -> bool:
    """Whether a file goes on where libsndfile ends it: at the length that its header states, or, of MP3 files that
    state none, at a guess from the first frame's bit rate.
    """
    with _container(opening) as found:
        return found is not None and _longer(_length(*found)[1], file.frames / file.samplerate)


def _with_ffmpeg(opening: Opening, shown: str) -> Mix | None:
    """Decode by FFmpeg's libraries; None where they find no sound in it."""
    with _container(opening) as found:
        if found is None:
            return None
        container, stream = found
        rate, channels, kind = stream.rate, stream.channels, container.format.name.split(",")[0]
        floats = stream.codec_context.name.startswith("pcm_f")
        stated, counted = _length(container, stream)
    guessed = kind in GUESSED or not stated
    seconds = counted if guessed or _longer(counted, stated) else stated

    def frames(ranges: Ranges) -> Iterator[np.ndarray]:
        with _container(opening) as again:
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

    def blocks(ranges: Ranges) -> Iterator[np.ndarray]:
        return _gathered(frames(ranges))

    shown_kind = kind.upper().replace("MOV", "MP4")
    mix = mix_down(blocks, round(seconds * rate) or None, rate, channels, shown_kind, shown)
    return mix and replace(mix, cut=mix.cut and not guessed, floats=floats)


def _gathered(blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Blocks (n, channels) joined to larger ones; those before a fault come before it."""
    waiting: list[np.ndarray] = []
    try:
        for block in blocks:
            waiting.append(block)
            if len(waiting) >= GATHERED:
                yield np.concatenate(waiting)
                waiting = []
    except Exception:
        if waiting:
            yield np.concatenate(waiting)
        raise
    if waiting:
        yield np.concatenate(waiting)


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
