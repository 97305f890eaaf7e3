from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from bstviz.audio import decode
from bstviz.errors import UserError
from tests import anomalous_sounds
from tests.anomalous_sounds import ffmpeg, sndfile
from tests.audio.conftest import strongest_frequency
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


def test_duration_comes_from_the_header(tmp_path: Path) -> None:
    file = tmp_path / "tone.wav"
    soundfile.write(file, tone(300, 1.5), 8_000)
    assert decode.duration(file) == pytest.approx(1.5)
    assert decode.duration(tmp_path / "nowhere.wav") is None
    (tmp_path / "phone.m4a").write_bytes(ffmpeg(tone(300, 1.5)[:, None], 8_000, "aac", "mp4"))
    assert decode.duration(tmp_path / "phone.m4a") == pytest.approx(1.5, abs=0.3)
    (tmp_path / "text.m4a").write_text("no sound")
    assert decode.duration(tmp_path / "text.m4a") is None
