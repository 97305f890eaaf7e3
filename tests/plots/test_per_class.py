from __future__ import annotations

import numpy as np
import pandas as pd

from bstviz.datasets.taxonomy import bst
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
