from __future__ import annotations

import base64
import json

import numpy as np
import plotly
import pytest

from bstviz.datasets.taxonomy import bst
from bstviz.plots import sounds
from tests.fakes import tone


def test_a_picture_shows_a_tone_at_its_height_and_full_scale() -> None:
    shown = sounds.picture(tone(1_000, 0.5, 16_000), 16_000)
    levels = np.frombuffer(base64.b64decode(shown["levels"]), np.uint8).reshape(shown["rows"], shown["columns"])
    height = {tick["text"]: tick["at"] for tick in shown["ticks"]}["1 kHz"]
    assert levels.mean(axis=1).argmax() / (shown["rows"] - 1) == pytest.approx(height, abs=0.03)
    assert levels.max() == 255
    assert shown["seconds"] == 0.5
    low, high = np.frombuffer(base64.b64decode(shown["waveform"]), np.int8).reshape(-1, 2).T
    assert high.max() == pytest.approx(127 * np.abs(tone(1_000, 0.5, 16_000)).max(), abs=1)
    assert (low <= high).all()
    json.dumps(shown)


def test_the_colours_of_a_picture_are_plotlys() -> None:
    shown = sounds.picture(tone(1_000, 0.1, 16_000), 16_000)
    assert shown["colors"] == plotly.colors.sequential.Magma
    assert all(len(color) == 7 for color in shown["colors"])


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
