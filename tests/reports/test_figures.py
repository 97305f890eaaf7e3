from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bstviz.datasets.collection import Collection
from bstviz.datasets.taxonomy import bst
from bstviz.models.run import Run
from bstviz.plots import per_class
from bstviz.reports import figures
from bstviz.reports.table import rows
from bstviz.training.baselines import Baseline, BaselineConfig
from bstviz.training.train import train_folds
from tests.fakes import quick, stratified


@pytest.fixture(scope="module")
def folds(collection: Collection) -> list[Run]:
    return train_folds(collection, stratified(collection), [0, 1], quick(epochs=5, loss="flat"))


def test_table_1_is_drawn_with_the_paper_s_figures_as_open_marks(folds: list[Run]) -> None:
    knn = Baseline(BaselineConfig("knn", "audio"), 0, folds[0].split_kind, "small", "audio x", folds[0].metrics)
    figure = figures.table_figure(rows([*folds, knn]), "second_accuracy", "Second-level")
    flat, paper, baseline = figure.data
    mean = np.mean([run.metrics["second_accuracy"] for run in folds])
    assert flat.y[0] == pytest.approx(100 * mean)
    assert flat.error_y.array[0] == pytest.approx(100 * np.std([run.metrics["second_accuracy"] for run in folds]))
    assert (paper.name, paper.y[0], paper.marker.symbol) == (
        "Non-hierarchical, paper",
        pytest.approx(76.94),
        "diamond-open",
    )
    assert baseline.name == "kNN (10, cosine)"
    assert figure.layout.xaxis.ticktext == ("audio<br>≥ 1",)


def test_figure_2_has_one_panel_per_run(folds: list[Run]) -> None:
    figure = figures.panels_figure([folds[0], folds[1], folds[0]], ["a", "b<", "c"])
    assert [len(trace.x) for trace in figure.data] == [48, 48, 48]
    assert [note.text for note in figure.layout.annotations] == ["a", "b&lt;", "c"]
    labels = folds[0].y_true
    assert figure.data[0].marker.color[0] == bst().second[labels[0]].color


def test_figure_3_is_sorted_and_coloured_by_support() -> None:
    truth = np.repeat([0, 1, 2], [4, 2, 1])
    predicted = np.array([0, 0, 0, 1, 1, 1, 0])
    bars = per_class.class_accuracy_figure(bst(), truth, predicted).data[0]
    assert list(bars.y) == [100, 75, 0]
    assert list(bars.x) == [bst().codes[c] for c in (1, 0, 2)]
    assert list(bars.marker.color) == [2, 4, 1]


def test_training_curves_are_a_line_a_fold(folds: list[Run]) -> None:
    figure = figures.training_figure(folds)
    assert len(figure.data) == 6
    assert sum(bool(trace.showlegend) for trace in figure.data) == 2
    assert list(figure.data[1].y) == folds[0].history["val_loss"]


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
    line = per_class.reliability_figure(truth, probabilities).data[1]
    assert list(line.x) == pytest.approx([75, 95])
    assert list(line.y) == pytest.approx([60, 100])


def test_larger_collections_are_thinned_alike_in_all_panels(folds: list[Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "PANEL_POINTS", 20)
    one, two = figures.panels_figure([folds[0], replace(folds[0], fold=3)], ["a", "b"]).data
    assert len(one.x) == 20
    np.testing.assert_array_equal(one.x, two.x)
