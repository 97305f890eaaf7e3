from __future__ import annotations

import numpy as np

from bstviz.audio.spectrogram import Spectrogram
from bstviz.datasets.taxonomy import bst
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


def test_a_timeline_stacks_top_level_shares_and_names_the_best_class() -> None:
    taxonomy = bst()
    probabilities = np.zeros((2, len(taxonomy.codes)), np.float32)
    probabilities[0, [0, 1]] = 0.25, 0.75  # both of one top-level class
    probabilities[1, -1] = 1
    figure = sounds.timeline_figure(taxonomy, np.array([0.0, 120, 240]), probabilities)
    assert [bar.name for bar in figure.data] == [top.name for top in taxonomy.top]
    np.testing.assert_allclose(np.sum([bar.y for bar in figure.data], axis=0), 100, rtol=1e-5)
    np.testing.assert_allclose(figure.data[0].x, [1, 3])  # minutes
    assert taxonomy[taxonomy.codes[1]].name in figure.data[0].hovertext[0]
    assert figure.layout.xaxis.title.text == "minutes"
