from __future__ import annotations

import numpy as np
import pytest

from bstviz.audio import spectrogram
from bstviz.audio.spectrogram import Spectrogram
from bstviz.models.run import Run
from bstviz.plots import maps, sounds


@pytest.fixture
def run(runs: dict[str, Run]) -> Run:
    return runs["audio"]


def test_axes_of_pca_say_how_much_they_hold(run: Run) -> None:
    share = round(100 * float(run.pca.explained[0]))
    assert maps.axis_titles(run, "pca", 3)[0] == f"PC 1 ({share} % of variance)"
    assert maps.axis_titles(run, "umap", 2) == ["UMAP 1", "UMAP 2"]


def test_an_envelope_holds_the_extremes_of_every_stretch() -> None:
    samples = np.array([0, 0.5, -1, 0.25, 2, 0], np.float32)
    assert spectrogram.envelope(samples, 3).tolist() == [[0, 64], [-127, 32], [0, 127]]
    assert spectrogram.envelope(samples[:2], 600).shape == (2, 2)
    assert spectrogram.envelope(np.random.default_rng(0).normal(size=100_003).astype(np.float32)).shape == (600, 2)


def test_rows_of_a_log_frequency_spectrogram_are_equal_ratios_and_its_ticks_lie_on_them() -> None:
    frequency = np.linspace(50, 8_000, 400).astype(np.float32)
    tone = np.full((400, 5), -80, np.float32)
    tone[np.abs(frequency - 1_000).argmin()] = 0
    levels, ticks = spectrogram.log_frequency(Spectrogram(tone, frequency, np.arange(5) / 10), rows=200)
    assert levels.dtype == np.uint8
    assert levels.shape == (200, 5)
    heights = dict(ticks)
    assert heights["1 kHz"] == pytest.approx(np.log(1_000 / 50) / np.log(160))
    assert levels[:, 0].argmax() / 199 == pytest.approx(heights["1 kHz"], abs=0.02)
    assert heights["50 Hz"] == 0
    assert "10 kHz" not in heights


def test_a_spectrogram_figure_has_a_byte_a_cell_and_ticks_in_range() -> None:
    frequency = np.geomspace(50, 4_000, 32).astype(np.float32)
    shown = Spectrogram(np.linspace(-80, 0, 32 * 10, dtype=np.float32).reshape(32, 10), frequency, np.arange(10) / 10)
    figure = sounds.spectrogram_figure(shown)
    levels = np.asarray(figure.data[0].z)
    assert levels.itemsize == 1
    assert (figure.data[0].zmin, figure.data[0].zmax) == (levels[0, 0], levels[-1, -1]) == (levels.min(), levels.max())
    axis = figure.layout.yaxis
    hertz = [float(t.split()[0]) * (1_000 if "kHz" in t else 1) for t in axis.ticktext]
    assert hertz
    np.testing.assert_allclose(np.interp(axis.tickvals, np.arange(32), frequency), hertz, rtol=0.01)
