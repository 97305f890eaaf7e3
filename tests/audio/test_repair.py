from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from bstviz.audio import decode, repair
from bstviz.audio.repair import BEYOND, EXCERPTS
from bstviz.audio.sound import FULL_RATE
from bstviz.errors import UserError
from tests import anomalous_sounds
from tests.anomalous_sounds import ffmpeg, sndfile
from tests.audio.conftest import decoded_here, strongest_frequency
from tests.fakes import tone


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


def test_a_constant_offset_is_removed_and_reported() -> None:
    sound = decode.decode(sndfile(tone(400) + np.float32(0.3), 8_000, "WAV", "FLOAT"))
    np.testing.assert_allclose(sound.samples, tone(400), atol=1e-4)
    assert sound.notes == ("A constant offset (DC) of +0.30 was removed.",)


def test_floats_beyond_full_scale_are_not_clipped_but_brought_down() -> None:
    sound = decode.decode(sndfile(2.4 * tone(400), 8_000, "WAV", "FLOAT"))
    assert sound.notes == ("Its samples reach 1.2 times full scale; they were brought down.",)
    np.testing.assert_allclose(sound.samples, 2 * tone(400), atol=1e-6)
    in_16_bits = decode.decode(sndfile(2.4 * tone(400), 8_000, "WAV", "PCM_16"))
    assert "is clipped" in " ".join(in_16_bits.notes)


def test_of_channels_that_cancel_the_loudest_is_taken() -> None:
    data = sndfile(np.stack([0.5 * tone(400), -0.52 * tone(400)], axis=1), 8_000, "WAV", "FLOAT")
    np.testing.assert_allclose(decode.decode(data).samples, -0.52 * tone(400), atol=1e-6)


@pytest.mark.parametrize("suffix", [".wav", ".ogg", ".m4a"])
def test_of_a_very_long_file_excerpts_over_all_of_it_are_held(monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    monkeypatch.setattr(repair, "MAX_SECONDS", 12.0)
    rising = np.concatenate([tone(200 * (i + 1), 1.0) for i in range(16)])  # 1 s each of 200 Hz to 3.2 kHz
    data = (
        ffmpeg(rising[:, None], 8_000, "aac", "mp4") if suffix == ".m4a" else sndfile(rising, 8_000, suffix[1:].upper())
    )
    sound = decoded_here(data, f"long{suffix}")
    assert sound.seconds == pytest.approx(16, abs=0.3)
    assert len(sound.starts) == EXCERPTS
    assert len(sound.samples) / sound.rate == pytest.approx(12, abs=0.01)
    assert strongest_frequency(sound.samples[:1_600], 8_000) == pytest.approx(200, abs=10)
    assert strongest_frequency(sound.samples[-800:], 8_000) == pytest.approx(3_200, abs=30)
    assert "60 excerpts" in sound.notes[-1]
    for second in (3, 9, 14):  # what is decoded at a time is what is there
        assert strongest_frequency(sound.around(second + 0.5, 0.2), 8_000) == pytest.approx(200 * (second + 1), abs=20)


def test_high_rates_are_held_for_less_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "MAX_SECONDS", 2.0)
    sound = decoded_here(sndfile(tone(300, 1.5, 96_000), 96_000))
    assert len(sound.samples) == 2 * FULL_RATE
    assert sound.seconds == 1.5


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
        assert np.abs(sound.samples).max() <= BEYOND, case.name
        if not case.remark and "mp3" not in case.name:
            assert strongest_frequency(sound.samples, sound.rate) == pytest.approx(440, abs=100), case.name
