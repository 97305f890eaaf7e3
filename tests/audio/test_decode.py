from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from bstviz.audio import decode, playback, spectrogram
from bstviz.errors import UserError
from tests import anomalous_sounds
from tests.anomalous_sounds import ffmpeg, sndfile
from tests.fakes import tone


def strongest_frequency(samples: np.ndarray, rate: int) -> float:
    return float(np.abs(np.fft.rfft(samples * np.hanning(len(samples)))).argmax() * rate / len(samples))


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


def test_channels_are_averaged(tmp_path: Path) -> None:
    file = tmp_path / "stereo.wav"
    left, right = tone(200), tone(900)
    soundfile.write(file, np.stack([left, right], axis=1), 8_000, subtype="FLOAT")
    np.testing.assert_allclose(decode.load(file)[0], (left + right) / 2, atol=1e-7)


def test_non_finite_samples_become_silence(tmp_path: Path) -> None:
    file = tmp_path / "broken.wav"
    samples = tone(200)
    samples[:3] = np.nan, np.inf, -np.inf
    soundfile.write(file, samples, 8_000, subtype="FLOAT")
    loaded, _ = decode.load(file)
    assert loaded[:3].tolist() == [0, 0, 0]
    np.testing.assert_array_equal(loaded[3:], samples[3:])


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_resampling_keeps_pitch_and_duration(tmp_path: Path, rate: int) -> None:
    file = tmp_path / "tone.wav"
    soundfile.write(file, tone(1_000, 1.0, 32_000), 32_000)
    samples, own = decode.load(file, rate=rate)
    assert own == rate
    assert abs(len(samples) - rate) <= 1
    assert strongest_frequency(samples, rate) == pytest.approx(1_000, abs=2)


def test_downsampling_removes_what_would_alias() -> None:
    samples = decode.resample(tone(15_000, 1.0, 44_100), 44_100, 16_000)
    assert np.abs(samples[500:-500]).max() < 1e-3


@pytest.mark.parametrize("as_bytes", [False, True])
@pytest.mark.parametrize("suffix", [".wav", ".ogg", ".m4a"])
def test_of_a_very_long_file_excerpts_over_all_of_it_are_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, as_bytes: bool
) -> None:
    monkeypatch.setattr(decode, "MAX_SECONDS", 12.0)
    rising = np.concatenate([tone(200 * (i + 1), 1.0) for i in range(16)])  # 1 s each of 200 Hz to 3.2 kHz
    data = (
        ffmpeg(rising[:, None], 8_000, "aac", "mp4") if suffix == ".m4a" else sndfile(rising, 8_000, suffix[1:].upper())
    )
    file = tmp_path / f"long{suffix}"
    file.write_bytes(data)
    sound = decode.decode(data if as_bytes else file, name=file.name)
    assert sound.seconds == pytest.approx(16, abs=0.3)
    assert len(sound.starts) == decode.EXCERPTS
    assert len(sound.samples) / sound.rate == pytest.approx(12, abs=0.01)
    assert strongest_frequency(sound.samples[:1_600], 8_000) == pytest.approx(200, abs=10)
    assert strongest_frequency(sound.samples[-800:], 8_000) == pytest.approx(3_200, abs=30)
    assert "60 excerpts" in sound.notes[-1]
    for second in (3, 9, 14):  # what is decoded at a time is what is there
        assert strongest_frequency(sound.around(second + 0.5, 0.2), 8_000) == pytest.approx(200 * (second + 1), abs=20)


def test_high_rates_are_held_for_less_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "MAX_SECONDS", 2.0)
    sound = decode.decode(sndfile(tone(300, 1.5, 96_000), 96_000))
    assert len(sound.samples) == 2 * decode.FULL_RATE
    assert sound.seconds == 1.5


def test_segments_tile_a_sound_and_hold_their_middle() -> None:
    rising = np.concatenate([tone(100 * (i + 1), 1.0) for i in range(30)])
    sound = decode.Sound(rising, 8_000, 30.0, 1, "WAV")
    segments = sound.segments(seconds=5, at_most=24)
    assert [(p.start, p.stop) for p in segments] == [(5.0 * i, 5.0 * (i + 1)) for i in range(6)]
    np.testing.assert_array_equal(np.concatenate([p.samples for p in segments]), rising)
    few = sound.segments(seconds=2, at_most=3)
    assert [(p.start, p.stop) for p in few] == [(0, 10), (10, 20), (20, 30)]
    assert [len(p.samples) for p in few] == [16_000] * 3
    assert strongest_frequency(few[1].samples[8_000:], 8_000) == pytest.approx(1_600, abs=5)
    (short,) = decode.Sound(tone(300), 8_000, 0.25, 1, "WAV").segments()
    np.testing.assert_array_equal(short.samples, tone(300))


def test_every_anomalous_and_broken_file_is_answered_or_refused_as_decided() -> None:
    corpus = anomalous_sounds.corpus()
    assert len(corpus) >= 300
    assert len({case.name for case in corpus}) == len(corpus)
    for case in corpus:
        if case.refused:
            with pytest.raises(UserError) as caught:
                decode.decode(case.data, name=case.name)
            assert case.refused in str(caught.value), case.name
            assert str(caught.value).startswith(case.name)
            continue
        sound = decode.decode(case.data, name=case.name)
        remarks = " ".join(sound.notes)
        assert case.remark in remarks if case.remark else not remarks, (case.name, remarks)
        assert np.isfinite(sound.samples).all(), case.name
        assert np.abs(sound.samples).max() <= decode.BEYOND, case.name
        if not case.remark and "mp3" not in case.name:
            assert strongest_frequency(sound.samples, sound.rate) == pytest.approx(440, abs=100), case.name


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


def test_a_constant_offset_is_removed_and_reported() -> None:
    sound = decode.decode(sndfile(tone(400) + np.float32(0.3), 8_000, "WAV", "FLOAT"))
    np.testing.assert_allclose(sound.samples, tone(400), atol=1e-4)
    assert sound.notes == ("A constant offset (DC) of +0.30 was removed.",)


def test_of_channels_that_cancel_the_loudest_is_taken() -> None:
    data = sndfile(np.stack([0.5 * tone(400), -0.52 * tone(400)], axis=1), 8_000, "WAV", "FLOAT")
    np.testing.assert_allclose(decode.decode(data).samples, -0.52 * tone(400), atol=1e-6)


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


def test_wav_bytes_are_16_bit_and_clipped() -> None:
    data = playback.to_wav(np.array([0.0, 0.5, 2.0, -2.0, -0.5] * 40, np.float32), 8_000)
    samples, rate = decode.load(data)
    assert (data[:4], data[8:12], rate) == (b"RIFF", b"WAVE", 8_000)
    np.testing.assert_allclose(samples[:4], [0, 0.5, 1, -1], atol=1e-4)


def test_spectrogram_of_a_tone_is_brightest_at_its_pitch() -> None:
    shown = spectrogram.spectrogram(tone(1_000, 1.0, 16_000), 16_000)
    band = int(shown.db.mean(axis=1).argmax())
    assert shown.frequency[band] == pytest.approx(1_000, rel=0.05)
    assert shown.db.max() == pytest.approx(0, abs=1e-4)
    assert shown.db.min() >= -80


@pytest.mark.parametrize("seconds", [0.02, 1.0, 60.0])
def test_spectrogram_has_a_bounded_number_of_columns(seconds: float) -> None:
    shown = spectrogram.spectrogram(tone(300, seconds), 8_000, bands=32, frames=100)
    assert shown.db.shape == (32, len(shown.time))
    assert 1 <= len(shown.time) <= 101
    assert shown.time[-1] <= seconds + 0.02
    assert len(shown.frequency) == 32
    assert (np.diff(shown.frequency) > 0).all()


def test_spectrogram_of_silence_is_finite() -> None:
    assert np.isfinite(spectrogram.spectrogram(np.zeros(8_000, np.float32), 8_000).db).all()
