"""A corpus of anomalous and broken sound files, made anew: every format, rate and channel count that people have, and
every fault.

:func:`corpus` gives each file with what is to come of it: an answer, an answer with a remark, or a refusal.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

import av
import numpy as np
import soundfile

SECONDS = 0.3
RATES = (8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000)
CHANNELS = (1, 2, 4, 6, 8)
LIBSNDFILE = {  # suffix, format, subtype
    "u8": (".wav", "WAV", "PCM_U8"),
    "s16": (".wav", "WAV", "PCM_16"),
    "s24": (".wav", "WAV", "PCM_24"),
    "s32": (".wav", "WAV", "PCM_32"),
    "f32": (".wav", "WAV", "FLOAT"),
    "f64": (".wav", "WAV", "DOUBLE"),
    "ulaw": (".wav", "WAV", "ULAW"),
    "alaw": (".wav", "WAV", "ALAW"),
    "extensible": (".wav", "WAVEX", "PCM_16"),
    "flac16": (".flac", "FLAC", "PCM_16"),
    "flac24": (".flac", "FLAC", "PCM_24"),
    "vorbis": (".ogg", "OGG", "VORBIS"),
    "aiff16": (".aiff", "AIFF", "PCM_16"),
    "aiff-f32": (".aif", "AIFF", "FLOAT"),
    "au": (".au", "AU", "PCM_16"),
    "caf": (".caf", "CAF", "PCM_24"),
    "w64": (".w64", "W64", "PCM_16"),
    "rf64": (".rf64", "RF64", "PCM_16"),
}
REFUSED = "could not be decoded as audio"


@dataclass(frozen=True)
class Case:
    """A file and what is to come of it: ``refused`` is part of the message, ``remark`` of a note, both empty for a
    plain answer.
    """

    name: str
    data: bytes
    remark: str = ""
    refused: str = ""


def tone(rate: int, channels: int = 1, seconds: float = SECONDS) -> np.ndarray:
    """A sine of 440 Hz in every channel, (n, channels) float32 of amplitude 0.5."""
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    return np.repeat(wave[:, None], channels, axis=1).astype(np.float32)


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """A file with up to 16 bytes changed, half of them in its first 200, and now and then cut off or doubled."""
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 17))):
        reach = min(len(out), 200) if rng.random() < 0.5 else len(out)
        if reach:
            out[int(rng.integers(reach))] = int(rng.integers(256))
    fate = rng.random()
    if fate < 0.1:
        return bytes(out[: int(rng.integers(len(out) + 1))])
    return bytes(out) * 2 if fate < 0.15 else bytes(out)


def sndfile(samples: np.ndarray, rate: int, kind: str = "WAV", subtype: str | None = None) -> bytes:
    """A file that libsndfile writes."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=kind, subtype=subtype)
    return buffer.getvalue()


def ffmpeg(
    samples: np.ndarray,
    rate: int,
    codec: str,
    container: str,
    *,
    fast_start: bool = False,
    quality: int | None = None,
    bit_rate: int | None = None,
) -> bytes:
    """A file that FFmpeg's libraries write, of a variable bit rate where a ``quality`` is given."""
    buffer = io.BytesIO()
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[samples.shape[1]]
    options = {"movflags": "faststart+frag_keyframe"} if fast_start else {}
    with av.open(buffer, "w", format=container, options=options) as out:
        stream = out.add_stream(codec, rate=rate)
        stream.layout = layout
        if bit_rate is not None:
            stream.bit_rate = bit_rate
        if quality is not None:
            stream.codec_context.qscale = True
            stream.codec_context.global_quality = 118 * quality  # FF_QP2LAMBDA
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout=layout)
        frame.rate = rate
        resampler = av.AudioResampler(stream.format.name, layout, rate, stream.frame_size or None)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return buffer.getvalue()


def _plain() -> Iterator[Case]:
    """Formats, rates and channels that are merely unlike one another."""
    for label, (suffix, kind, subtype) in LIBSNDFILE.items():
        for rate in RATES[:: 2 if kind in ("W64", "RF64", "AU", "CAF") else 1]:
            yield Case(f"{label}_{rate}{suffix}", sndfile(tone(rate), rate, kind, subtype))
        for channels in CHANNELS[1:]:
            yield Case(f"{label}_{channels}ch{suffix}", sndfile(tone(44_100, channels), 44_100, kind, subtype))
    for rate in (8_000, 16_000, 22_050, 44_100, 48_000):
        for channels in (1, 2):
            data = sndfile(tone(rate, channels, 0.5), rate, "MP3", "MPEG_LAYER_III")
            yield Case(f"mp3_{rate}_{channels}.mp3", data)
            yield Case(f"m4a_{rate}_{channels}.m4a", ffmpeg(tone(rate, channels), rate, "aac", "mp4"))
    for rate in (8_000, 16_000, 24_000, 48_000):
        yield Case(f"opus_{rate}.opus", sndfile(tone(rate, 2), rate, "OGG", "OPUS"))
    yield Case("surround.m4a", ffmpeg(tone(48_000, 6), 48_000, "aac", "mp4"))
    yield Case("stream.aac", ffmpeg(tone(44_100), 44_100, "aac", "adts"))
    yield Case("lossless.m4a", ffmpeg(tone(44_100, 2), 44_100, "alac", "mp4"))
    yield Case("video_sound.webm", ffmpeg(tone(48_000, 2), 48_000, "libopus", "webm"))
    yield Case("matroska.mka", ffmpeg(tone(44_100, 2), 44_100, "pcm_s16le", "matroska"))
    yield Case("surround.mka", ffmpeg(tone(48_000, 6), 48_000, "ac3", "matroska"))


def _contents() -> Iterator[Case]:
    """Faults of what was recorded, in formats that can hold them."""
    rate = 44_100
    wave = tone(rate)
    zero = np.zeros_like(wave)
    holes = wave.copy()
    holes[100:200] = np.nan
    infinite = wave.copy()
    infinite[5], infinite[6] = np.inf, -np.inf
    for label, (suffix, kind, subtype) in LIBSNDFILE.items():
        if subtype in ("ULAW", "ALAW"):
            continue
        yield Case(f"{label}_silence{suffix}", sndfile(zero, rate, kind, subtype), refused="is silent")
        square = np.clip(8 * wave, -1, 1)
        yield Case(f"{label}_clipped{suffix}", sndfile(square, rate, kind, subtype), remark="is clipped")
        yield Case(f"{label}_offset{suffix}", sndfile(0.5 * wave + 0.4, rate, kind, subtype), remark="constant offset")
        constant = sndfile(zero + 0.25, rate, kind, subtype)
        if subtype != "VORBIS":  # which has ripples at both ends
            yield Case(f"{label}_constant{suffix}", constant, refused="is silent")
        against = np.hstack([wave, -wave])
        yield Case(f"{label}_against{suffix}", sndfile(against, rate, kind, subtype), remark="cancel each other out")
        yield Case(f"{label}_one_side{suffix}", sndfile(np.hstack([zero, wave]), rate, kind, subtype))
        yield Case(f"{label}_10ms{suffix}", sndfile(tone(rate, 1, 0.0101), rate, kind, subtype))
        yield Case(f"{label}_5ms{suffix}", sndfile(tone(rate, 1, 0.005), rate, kind, subtype), refused="at least 10 ms")
        if subtype in ("FLOAT", "DOUBLE"):
            yield Case(f"{label}_nan{suffix}", sndfile(holes, rate, kind, subtype), remark="not numbers")
            yield Case(
                f"{label}_inf{suffix}", sndfile(infinite, rate, kind, subtype), remark="2 samples are not numbers"
            )
            yield Case(f"{label}_all_nan{suffix}", sndfile(zero * np.nan, rate, kind, subtype), refused="is silent")
            yield Case(
                f"{label}_16_bit_scale{suffix}", sndfile(32_000 * wave, rate, kind, subtype), remark="times full scale"
            )
            yield Case(
                f"{label}_huge{suffix}",
                sndfile(1e38 * np.hstack([wave] * 8), rate, kind, subtype),
                remark="times full scale",
            )


def _damaged() -> Iterator[Case]:
    """Files that end early, lie about themselves or hold no sound."""
    rate = 44_100
    for label, (suffix, kind, subtype) in LIBSNDFILE.items():
        whole = sndfile(tone(rate, 1, 2.0), rate, kind, subtype)
        known = kind != "CAF"
        if subtype != "VORBIS":  # two seconds of Vorbis are one page: all or nothing
            yield Case(f"{label}_cut{suffix}", whole[: int(0.6 * len(whole))], remark="cut off" if known else "")
        yield Case(f"{label}_header_only{suffix}", whole[: 24 if kind == "AU" else 44], refused=REFUSED)
        other = ".mp3" if suffix != ".mp3" else ".wav"
        yield Case(f"{label}_called{other}", sndfile(tone(rate), rate, kind, subtype), remark="its content is")
        yield Case(f"{label}_nameless", sndfile(tone(rate), rate, kind, subtype))
        yield Case(f"{label}_tail{suffix}", sndfile(tone(rate), rate, kind, subtype) + b"\0garbage" * 40)
    vorbis = sndfile(np.random.default_rng(0).normal(0, 0.1, (20 * rate, 1)).astype(np.float32), rate, "OGG", "VORBIS")
    yield Case("vorbis_cut.ogg", vorbis[: len(vorbis) // 2], remark="cut off")
    mp3 = sndfile(tone(rate, 1, 4.0), rate, "MP3")
    yield Case("mp3_cut.mp3", mp3[: len(mp3) // 2], remark="cut off")
    yield Case("mp3_middle.mp3", mp3[len(mp3) // 3 :])
    m4a = ffmpeg(tone(rate, 1, 2.0), rate, "aac", "mp4")
    yield Case("m4a_cut.m4a", m4a[: len(m4a) // 2], refused=REFUSED)
    yield Case("m4a_called.wav", m4a, remark="its content is MP4")
    fragments = ffmpeg(tone(rate, 1, 3.0), rate, "aac", "mp4", fast_start=True)
    yield Case("m4a_fragments.m4a", fragments)
    yield Case("empty.wav", b"", refused="is empty")
    yield Case("text.wav", b"Dear diary, today I recorded nothing.\n" * 30, refused=REFUSED)
    yield Case("noise.mp3", np.random.default_rng(1).bytes(20_000), refused=REFUSED)
    yield Case("zeros.flac", bytes(5_000), refused=REFUSED)
    yield Case("page.ogg", b"<!DOCTYPE html><html><body>404</body></html>", refused=REFUSED)
    yield Case(
        "playlist.m4a",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n",
        refused=REFUSED,
    )
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("a.wav", sndfile(tone(rate), rate))
    yield Case("archive.wav", archive.getvalue(), refused=REFUSED)
    wav = bytearray(sndfile(tone(rate), rate))
    for value, refused in ((0, REFUSED), (1, "states a sampling rate of 1 Hz"), (2**31, REFUSED)):
        lying = wav.copy()
        lying[24:28] = value.to_bytes(4, "little")
        yield Case(f"rate_{value}.wav", bytes(lying), refused=refused)
    lying = wav.copy()
    lying[40:44] = (2**32 - 1).to_bytes(4, "little")
    yield Case("endless.wav", bytes(lying))
    yield Case("riff_alone.wav", b"RIFF\x24\0\0\0WAVE", refused=REFUSED)
    yield Case("ünïcode [b]*name*<i>.wav", sndfile(tone(rate), rate))


def corpus() -> list[Case]:
    """The whole corpus; names are unique."""
    return [*_plain(), *_contents(), *_damaged()]
