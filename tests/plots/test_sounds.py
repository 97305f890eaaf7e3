from __future__ import annotations

import numpy as np

from bstviz.audio.spectrogram import Spectrogram
from bstviz.plots import sounds


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
