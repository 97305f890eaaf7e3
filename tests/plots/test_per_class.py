from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bstviz.datasets.taxonomy import bst
from bstviz.plots import per_class
from bstviz.plots.per_class import class_scatter_figure, threshold_figure


def test_classes_stand_at_their_accuracy_with_its_interval() -> None:
    table = pd.DataFrame(
        {
            "code": ["m-sp", "fx-a"],
            "sounds": [100, 10],
            "accuracy": [0.5, 0.75],
            "low": [0.4, 0.5],
            "high": [0.6, 0.85],
            "confidence": [3.5, np.nan],
        }
    )
    dots = class_scatter_figure(bst(), table, "sounds").data[0]
    assert (list(dots.x), list(dots.y)) == ([100, 10], [50, 75])
    np.testing.assert_allclose(dots.error_y.array, [10, 10])
    np.testing.assert_allclose(dots.error_y.arrayminus, [10, 25])
    assert list(class_scatter_figure(bst(), table, "confidence").data[0].x) == [3.5]


def test_thresholds_are_a_line_for_where_they_apply() -> None:
    table = pd.DataFrame(
        {
            "threshold": [1, 3, 5],
            "accuracy": [0.5, 0.6, 1],
            "low": [0.4, 0.5, np.nan],
            "high": [0.6, 0.7, np.nan],
            "sounds": [90, 50, 5],
        }
    )
    figure = threshold_figure({"test only": table, "both <b>": table.iloc[:1]})
    assert [trace.name for trace in figure.data] == ["test only", "both &lt;b&gt;"]
    assert list(figure.data[0].y) == [50, 60]
    assert figure.data[0].hovertext[1] == "test only, ≥ 3<br>60.0 % (50.0 to 70.0) of 50"


def test_figure_3_is_sorted_and_coloured_by_support() -> None:
    truth = np.repeat([0, 1, 2], [4, 2, 1])
    predicted = np.array([0, 0, 0, 1, 1, 1, 0])
    bars = per_class.class_accuracy_figure(bst(), truth, predicted).data[0]
    assert list(bars.y) == [100, 75, 0]
    assert list(bars.x) == [bst().codes[c] for c in (1, 0, 2)]
    assert list(bars.marker.color) == [2, 4, 1]


def test_attention_is_the_median_of_each_class_most_audio_first() -> None:
    truth, audio = np.array([0, 0, 0, 5, 5]), np.array([0.1, 0.2, 0.9, 0.7, 0.8])
    dots = per_class.attention_figure(bst(), truth, audio).data[0]
    assert list(dots.x) == pytest.approx([75, 20])
    assert list(dots.error_x.array) == pytest.approx([2.5, 35])
    assert list(dots.error_x.arrayminus) == pytest.approx([2.5, 5])


def test_reliability_by_hand() -> None:
    """Ten sounds at 0.75 of which six are right, two at 0.95, both right."""
    probabilities = np.array([[0.75, 0.25]] * 10 + [[0.95, 0.05]] * 2)
    truth = np.array([0] * 6 + [1] * 4 + [0, 0])
    _, line, above = per_class.reliability_figure(truth, probabilities, np.array([0, 0])).data
    assert list(line.x) == pytest.approx([75, 95])
    assert list(line.y) == pytest.approx([60, 100])
    assert (list(above.x), list(above.y)) == ([100], [100])  # both classes are of one top-level class
    assert [line.name, above.name] == ["second level", "top level"]
