from __future__ import annotations

import numpy as np
import pytest

from bstviz.audio import spectrogram
from bstviz.audio.spectrogram import Spectrogram
from tests.fakes import tone


def test_spectrogram_of_a_tone_is_brightest_at_its_pitch() -> None:
    shown = spectrogram.spectrogram(tone(1_000, 1.0, 16_000), 16_000)
    band = int(shown.db.mean(axis=1).argmax())
    assert shown.frequency[band] == pytest.approx(1_000, rel=0.05)
    assert shown.db.max() == pytest.approx(0, abs=1e-4)
    assert shown.db.min() >= -80


@pytest.mark.parametrize("seconds", [0.02, 1.0, 60.0])
def test_spectrogram_has_a_bounded_number_of_columns(seconds: float) -> None:
    shown = spectrogram.spectrogram(tone(300, seconds), 8_000, bands=32, frames=100)
    assert shown.db.shape[0] == 32
    assert 1 <= shown.db.shape[1] <= 101
    assert len(shown.frequency) == 32
    assert (np.diff(shown.frequency) > 0).all()


def test_spectrogram_of_silence_is_finite() -> None:
    assert np.isfinite(spectrogram.spectrogram(np.zeros(8_000, np.float32), 8_000).db).all()


def test_an_envelope_holds_the_extremes_of_every_stretch() -> None:
    samples = np.array([0, 0.5, -1, 0.25, 2, 0], np.float32)
    assert spectrogram.envelope(samples, 3).tolist() == [[0, 64], [-127, 32], [0, 127]]
    assert spectrogram.envelope(samples[:2], 600).shape == (2, 2)
    assert spectrogram.envelope(np.random.default_rng(0).normal(size=100_003).astype(np.float32)).shape == (600, 2)


def test_rows_of_a_log_frequency_spectrogram_are_equal_ratios_and_its_ticks_lie_on_them() -> None:
    frequency = np.linspace(50, 8_000, 400).astype(np.float32)
    tone = np.full((400, 5), -80, np.float32)
    tone[np.abs(frequency - 1_000).argmin()] = 0
    levels, ticks = spectrogram.log_frequency(Spectrogram(tone, frequency), rows=200)
    assert levels.dtype == np.uint8
    assert levels.shape == (200, 5)
    heights = dict(ticks)
    assert heights["1 kHz"] == pytest.approx(np.log(1_000 / 50) / np.log(160))
    assert levels[:, 0].argmax() / 199 == pytest.approx(heights["1 kHz"], abs=0.02)
    assert heights["50 Hz"] == 0
    assert "10 kHz" not in heights
