from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile

from bstviz.audio import decode, playback
from bstviz.audio.playback import Playable, playable
from tests.fakes import tone

SECONDS = 0.5


def file(kind: str, subtype: str, rate: int = 44_100, *, gain: float = 0.5, seconds: float = SECONDS) -> bytes:
    """Bytes of a tone of 440 Hz in a format of libsndfile's."""
    buffer = io.BytesIO()
    soundfile.write(buffer, gain * tone(440, seconds, rate), rate, format=kind, subtype=subtype)
    return buffer.getvalue()


def many_channels() -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.repeat(tone(440, SECONDS, 44_100)[:, None], 12, axis=1), 44_100, format="WAV")
    return buffer.getvalue()


def wav_of_24_bits_in_32() -> bytes:
    """WAVE_FORMAT_EXTENSIBLE as recorders write it: 32 bits a sample, of which 24 are valid."""
    samples = np.round(0.5 * tone(440, SECONDS, 44_100) * (2**23 - 1)).astype("<i4") << 8
    pcm = bytes.fromhex("0100000000001000800000aa00389b71")
    form = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 44_100, 176_400, 4, 32, 22, 24, 4) + pcm
    data = samples.astype("<i4").tobytes()
    chunks = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def served(data: bytes) -> Playable:
    return playable(data, lambda: decode.load(data))


def test_wav_bytes_are_16_bit_and_clipped() -> None:
    data = playback.to_wav(np.array([0.0, 0.5, 2.0, -2.0, -0.5] * 40, np.float32), 8_000)
    samples, rate = decode.load(data)
    assert (data[:4], data[8:12], rate) == (b"RIFF", b"WAVE", 8_000)
    np.testing.assert_allclose(samples[:4], [0, 0.5, 1, -1], atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "subtype", "media_type"),
    [
        ("WAV", "PCM_16", "audio/wav"),
        ("WAV", "PCM_U8", "audio/wav"),
        ("FLAC", "PCM_24", "audio/flac"),
        ("OGG", "VORBIS", "audio/ogg"),
        ("MP3", "MPEG_LAYER_III", "audio/mpeg"),
    ],
)
def test_what_browsers_play_is_sent_as_it_is(kind: str, subtype: str, media_type: str) -> None:
    data = file(kind, subtype)
    sound = served(data)
    assert sound.data is data
    assert sound.media_type == media_type


@pytest.mark.parametrize(
    "data",
    [
        file("WAV", "IMA_ADPCM"),
        file("WAV", "MS_ADPCM"),
        file("AIFF", "PCM_16"),
        file("W64", "PCM_16"),
        file("WAV", "DOUBLE"),
        file("WAV", "FLOAT", gain=3.0),
        file("WAV", "PCM_16", 1_000),
        file("WAV", "PCM_16", 2_000),
        wav_of_24_bits_in_32(),
        file("OGG", "VORBIS", seconds=SECONDS / 2) * 2,
        file("MP3", "MPEG_LAYER_III", seconds=SECONDS / 2) * 2,
        many_channels(),
    ],
    ids=[
        "ima-adpcm",
        "ms-adpcm",
        "aiff",
        "w64",
        "float64",
        "float-over",
        "1-khz",
        "2-khz",
        "24-in-32",
        "chain",
        "joined-mp3",
        "many-channels",
    ],
)
def test_what_browsers_do_not_play_comes_as_a_wav_of_the_same_sound(data: bytes) -> None:
    sound = served(data)
    info = soundfile.info(io.BytesIO(sound.data))
    assert sound.media_type == "audio/wav"
    assert (info.format, info.subtype) == ("WAV", "PCM_16")
    assert info.samplerate in (8_000, 44_100)
    assert info.duration == pytest.approx(SECONDS, abs=0.1)  # ADPCM and MP3 end with a whole block
    samples, rate = decode.load(sound.data)
    spectrum = np.abs(np.fft.rfft(samples))
    assert spectrum.argmax() * rate / len(samples) == pytest.approx(440, abs=3)
    np.testing.assert_array_equal(sound.samples()[0], decode.load(data)[0])


def test_a_sound_is_decoded_once_and_only_when_it_must_be() -> None:
    asked: list[int] = []

    def decoded() -> tuple[np.ndarray, int]:
        asked.append(1)
        return tone(440, SECONDS, 44_100), 44_100

    sound = playable(file("FLAC", "PCM_16"), decoded)
    assert not asked
    assert soundfile.info(io.BytesIO(sound.wav())).duration == pytest.approx(SECONDS)
    sound.samples()
    assert len(asked) == 1
    assert playable(None, decoded).media_type == "audio/wav"
