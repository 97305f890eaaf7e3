from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bstviz.audio import decode, decoders, repair
from bstviz.errors import AwayError, UserError
from bstviz.paths import readable
from tests import anomalous_sounds
from tests.anomalous_sounds import ffmpeg, sndfile
from tests.audio.conftest import decoded_here, strongest_frequency
from tests.fakes import tone


@pytest.mark.parametrize(
    ("suffix", "rate"), [(".wav", 44_100), (".flac", 22_050), (".ogg", 44_100), (".mp3", 44_100), (".aiff", 8_000)]
)
def test_a_tone_survives_decoding(tmp_path: Path, suffix: str, rate: int) -> None:
    file = tmp_path / f"tone{suffix}"
    soundfile.write(file, tone(1_000, 0.5, rate), rate)
    samples, own = decode.load(file)
    assert own == rate
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert len(samples) == pytest.approx(0.5 * rate, rel=0.15)  # MP3 pads
    assert strongest_frequency(samples, rate) == pytest.approx(1_000, abs=10)
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.05)


def test_bytes_and_path_give_the_same_samples(tmp_path: Path) -> None:
    file = tmp_path / "tone.wav"
    soundfile.write(file, tone(440), 8_000)
    np.testing.assert_array_equal(decode.load(file)[0], decode.load(file.read_bytes())[0])


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_resampling_keeps_pitch_and_duration(tmp_path: Path, rate: int) -> None:
    file = tmp_path / "tone.wav"
    soundfile.write(file, tone(1_000, 1.0, 32_000), 32_000)
    samples, own = decode.load(file, rate=rate)
    assert own == rate
    assert abs(len(samples) - rate) <= 1
    assert strongest_frequency(samples, rate) == pytest.approx(1_000, abs=2)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 20))])
def test_whatever_bytes_are_damaged_a_file_is_decoded_or_refused(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for case in anomalous_sounds.corpus():
        data = anomalous_sounds.damaged(case.data, rng)
        try:
            sound = decode.decode(data, name=case.name)
        except UserError:
            continue
        assert np.isfinite(sound.samples).all(), case.name
        assert len(sound.samples), case.name


def test_a_playlist_leads_to_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "secret.wav").write_bytes(sndfile(tone(500), 8_000))
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{tmp_path / 'secret.wav'}\n#EXT-X-ENDLIST\n"
    (tmp_path / "list.m4a").write_text(playlist)
    concat = f"ffconcat version 1.0\nfile {tmp_path / 'secret.wav'}\n"
    for text in (playlist, concat):
        with pytest.raises(UserError, match="could not be decoded"):
            decode.decode(text.encode(), name="list.m4a")


def test_what_is_no_sound_is_refused_by_name(tmp_path: Path) -> None:
    text, empty, short = tmp_path / "notes.wav", tmp_path / "empty.wav", tmp_path / "short.wav"
    text.write_text("this is no sound")
    empty.touch()
    soundfile.write(short, np.zeros(10), 8_000)
    for source, message in (
        (text, "could not be decoded"),
        (empty, "0 bytes"),
        (short, "1 ms of sound"),
        (tmp_path / "nowhere.wav", "does not exist"),
        (tmp_path, "not a file"),
    ):
        with pytest.raises(UserError, match=message) as caught:
            decode.load(source)
        assert source.name in str(caught.value)


def test_bytes_that_are_no_sound_are_refused_under_the_given_name() -> None:
    with pytest.raises(UserError, match=r"drop\.wav is empty"):
        decode.load(b"", name="drop.wav")
    with pytest.raises(UserError, match=r"drop\.wav could not be decoded"):
        decode.load(b"RIFF nonsense", name="drop.wav")


def noise_then_tone(rate: int, noise: float, quiet: float) -> np.ndarray:
    """Loud noise and then a faint tone: at a variable bit rate the beginning takes far more bytes than the rest."""
    loud = np.random.default_rng(0).normal(0, 0.3, round(noise * rate)).astype(np.float32)
    return np.concatenate([loud, 0.1 * tone(440, quiet, rate)])


def mpeg(samples: np.ndarray, rate: int, mode: str = "VARIABLE") -> bytes:
    """An MP3 file of a variable bit rate, its first frame the table of contents."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="MP3", bitrate_mode=mode)
    return buffer.getvalue()


def without_table(data: bytes) -> bytes:
    """An MP3 file without its first frame."""
    return data[data.index(data[:2], 100) :]


def test_a_stream_without_a_length_is_read_to_its_end(tmp_path: Path) -> None:
    """FFmpeg guesses the length of AAC in ADTS, and libsndfile that of MP3, from the bit rate of the beginning."""
    samples = noise_then_tone(16_000, 2, 28)
    files = {
        "aac": ffmpeg(samples[:, None], 16_000, "aac", "adts", quality=1),
        "mp3": without_table(mpeg(samples, 16_000)),
    }
    for kind, data in files.items():
        sound = decode.decode(data, name=f"stream.{kind}")
        assert sound.seconds == pytest.approx(30, abs=0.3), kind
        assert len(sound.samples) / sound.rate == pytest.approx(30, abs=0.3), kind
        assert sound.notes == (), kind
        assert strongest_frequency(sound.samples[-16_000:], 16_000) == pytest.approx(440, abs=5)
        (tmp_path / kind).write_bytes(data)
        assert decode.duration(tmp_path / kind) == pytest.approx(30, abs=0.3)


@pytest.mark.parametrize("stated", [0, 2**31 - 4_096, 2**31 - 1, 2**32 - 1])
def test_a_wav_whose_length_was_never_written_is_whole(stated: int) -> None:
    """What recorders that lose power, SoX and FFmpeg write into a stream for a length that they do not know."""
    data = bytearray(sndfile(tone(440, 2), 8_000))
    data[40:44] = stated.to_bytes(4, "little")
    sound = decode.decode(bytes(data), name="streamed.wav")
    assert (sound.seconds, sound.notes) == (2, ())


def test_a_wav_that_goes_on_behind_its_stated_length_is_reported() -> None:
    """A recorder that updates the length now and then, and lost power after one second of two."""
    data = bytearray(sndfile(np.random.default_rng(0).normal(0, 0.1, 16_000), 8_000))
    data[40:44] = (16_000).to_bytes(4, "little")
    sound = decode.decode(bytes(data), name="recorder.wav")
    assert sound.notes == ("The file is damaged or cut off: only 1.0 s could be read.",)


@pytest.mark.parametrize("stated", [0, 8_000, 400_000])
def test_flac_of_a_wrong_length_is_read_to_its_end(stated: int) -> None:
    """The field of total samples holds 36 bits from the middle of byte 21 on; 0 is unknown (RFC 9639, section 8.2)."""
    data = bytearray(sndfile(tone(440, 10), 8_000, "FLAC"))
    data[21] &= 0xF0
    data[22:26] = stated.to_bytes(4, "big")
    sound = decode.decode(bytes(data), name="streamed.flac")
    assert sound.seconds == pytest.approx(10, abs=0.01)
    assert ("cut off" in " ".join(sound.notes)) == (stated > 80_000)


def test_a_table_of_contents_that_is_too_short_ends_nothing() -> None:
    data = bytearray(mpeg(noise_then_tone(16_000, 1, 9), 16_000))
    frames = data.index(b"Xing") + 8
    data[frames : frames + 4] = (50).to_bytes(4, "big")
    assert decode.decode(bytes(data), name="short.mp3").seconds == pytest.approx(10, abs=0.2)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_a_chained_ogg_file_is_read_to_its_last_link(tmp_path: Path, subtype: str) -> None:
    links = [(48_000, 2, 440), (48_000, 2, 880), (24_000, 1, 660)]
    data = b"".join(
        sndfile(np.repeat(tone(hz, 2, rate)[:, None], channels, axis=1), rate, "OGG", subtype)
        for rate, channels, hz in links
    )
    (tmp_path / "radio.ogg").write_bytes(data)
    sound = decode.decode(tmp_path / "radio.ogg")
    assert (sound.seconds, sound.rate, sound.channels, sound.notes) == (6, 48_000, 2, ())
    assert decode.duration(tmp_path / "radio.ogg") == 6
    for second, (_, _, hz) in zip((0.5, 2.5, 4.5), links, strict=True):
        start = round(second * 48_000)
        assert strongest_frequency(sound.samples[start : start + 48_000], 48_000) == pytest.approx(hz, abs=2)
    damaged = data[: len(data) // 3 + 2_000] + bytes(100) + data[len(data) // 3 + 2_100 :]
    assert decode.decode(damaged, name="radio.ogg").seconds >= 2


@pytest.mark.parametrize(("codec", "container"), [("aac", "adts"), ("aac", "mp4")])
def test_of_hours_in_a_small_file_only_the_excerpts_are_decoded(
    monkeypatch: pytest.MonkeyPatch, codec: str, container: str
) -> None:
    monkeypatch.setattr(repair, "MAX_SECONDS", 6.0)
    data = ffmpeg(np.tile(tone(500, 4), 50)[:, None], 8_000, codec, container)
    decoded: list[int] = []
    own = decoders._decoded

    def counted(*arguments: Any) -> Iterator[tuple[float, np.ndarray]]:
        for time, samples in own(*arguments):
            decoded.append(len(samples))
            yield time, samples

    monkeypatch.setattr(decoders, "_decoded", counted)
    sound = decoded_here(data, "hours.m4a")
    assert sound.seconds == pytest.approx(200, abs=1)
    assert len(sound.samples) / sound.rate == pytest.approx(6, abs=0.1)
    assert sum(decoded) / sound.rate < 50


@pytest.mark.parametrize("identifier", [b"A_PCM/INT/LIT", b"sowt"])
def test_a_codec_that_nobody_knows_is_refused(tmp_path: Path, identifier: bytes) -> None:
    container = "matroska" if identifier.startswith(b"A_") else "mov"
    data = ffmpeg(tone(440)[:, None], 8_000, "pcm_s16le", container)
    assert identifier in data
    file = tmp_path / "strange.mka"
    file.write_bytes(data.replace(identifier, b"X" * len(identifier)))
    with pytest.raises(UserError, match="could not be decoded"):
        decode.decode(file)
    assert decode.duration(file) is None


def test_what_a_decoder_does_not_expect_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def strange(source: bytes, shown: str) -> None:
        raise AttributeError("'AudioStream' object has no attribute 'rate'")

    monkeypatch.setattr(decoders, "_with_ffmpeg", strange)
    with pytest.raises(UserError, match="could not be decoded"):
        decoded_here(b"no sound", "strange.mka")


def test_what_cannot_be_found_or_read_now_is_told_from_what_is_no_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "to_nowhere.wav").symlink_to(tmp_path / "gone.wav")
    (tmp_path / "circle.wav").symlink_to("circle.wav")
    for name in ("gone.wav", "to_nowhere.wav", "circle.wav"):
        with pytest.raises(AwayError, match=rf"{name} does not exist"):
            decode.decode(tmp_path / name, name=name)
    (tmp_path / "locked.wav").write_bytes(sndfile(tone(400), 8_000))

    def refuse(self: Path, *arguments: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(AwayError, match=r"locked\.wav could not be read: Permission denied"):
        decode.decode(tmp_path / "locked.wav", name="locked.wav")


def test_a_name_that_is_not_utf_8_is_written_readably(tmp_path: Path) -> None:
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/T\xfcr.wav"))
    file.write_text("no sound")
    with pytest.raises(UserError, match=r"T\\xfcr\.wav could not be decoded"):
        decode.decode(file)


def test_halves_of_characters_are_written_readably() -> None:
    assert readable("a\ud800b\udcfcc") == "a\\ud800b\\xfcc"


def test_duration_comes_from_the_header(tmp_path: Path) -> None:
    file = tmp_path / "tone.wav"
    soundfile.write(file, tone(300, 1.5), 8_000)
    assert decode.duration(file) == pytest.approx(1.5)
    assert decode.duration(tmp_path / "nowhere.wav") is None
    (tmp_path / "phone.m4a").write_bytes(ffmpeg(tone(300, 1.5)[:, None], 8_000, "aac", "mp4"))
    assert decode.duration(tmp_path / "phone.m4a") == pytest.approx(1.5, abs=0.3)
    (tmp_path / "text.m4a").write_text("no sound")
    assert decode.duration(tmp_path / "text.m4a") is None
