from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bstviz.datasets.collection import Collection
from bstviz.datasets.taxonomy import bst
from bstviz.models.config import RECIPES
from bstviz.models.run import Run
from bstviz.reports import figures
from bstviz.reports.table import rows
from bstviz.training.baselines import Baseline, BaselineConfig
from bstviz.training.train import train_folds
from tests.fakes import quick, small_collection, stratified


def test_texts_stand_apart_on_the_axis_of_table_1(runs: dict[str, Run]) -> None:
    run = runs["text"]
    longer = replace(run, encoders={"text": replace(run.encoders["text"], fields=("title", "tags", "description"))})
    two = figures.table_figure(rows([run, longer]), "second_accuracy", "x")
    assert two.layout.xaxis.ticktext == ("text (title + tags)<br>≥ 1", "text (title + tags + description)<br>≥ 1")
    assert list(two.data[0].x) == [0, 1]
    assert figures.table_figure(rows([run]), "second_accuracy", "x").layout.xaxis.ticktext == ("text<br>≥ 1",)


@pytest.fixture(scope="module")
def folds(collection: Collection) -> list[Run]:
    return train_folds(collection, stratified(collection), [0, 1], quick(epochs=5, loss="flat"))


def test_table_1_is_drawn_with_the_paper_s_figures_as_open_marks(folds: list[Run]) -> None:
    knn = Baseline(BaselineConfig("knn", "audio"), 0, folds[0].split_kind, "small", "audio x", folds[0].metrics)
    named = [
        replace(run, train=replace(RECIPES["paper"], loss="flat"), collection=replace(run.collection, source="bsd10k"))
        for run in folds
    ]
    table = rows([*named, knn])
    flat, paper, baseline = sorted(
        figures.table_figure(table, "second_accuracy", "x").data, key=lambda t: "kNN" in t.name
    )
    mean = np.mean([run.metrics["second_accuracy"] for run in folds])
    assert flat.y[0] == pytest.approx(100 * mean)
    assert flat.error_y.array[0] == pytest.approx(100 * np.std([run.metrics["second_accuracy"] for run in folds]))
    assert (paper.name, paper.y[0], paper.marker.symbol) == (
        "Non-hierarchical, paper",
        pytest.approx(76.94),
        "diamond-open",
    )
    assert "as printed" in paper.hovertext[0]
    assert baseline.name == "kNN (10, cosine)"
    for other in (
        figures.table_figure(rows([*folds, knn]), "second_accuracy", "x"),
        figures.table_figure(table, "second_accuracy", "x", paper=False),
    ):
        assert not any("paper" in trace.name for trace in other.data)


def test_figure_2_has_one_panel_per_run(folds: list[Run]) -> None:
    figure = figures.panels_figure([folds[0], folds[1], folds[0]], ["a", "b<", "c"])
    assert [len(trace.x) for trace in figure.data] == [int(folds[i].tested.sum()) for i in (0, 1, 0)]
    assert [note.text for note in figure.layout.annotations] == ["a", "b&lt;", "c"]
    labels = folds[0].y_true[folds[0].tested]
    assert list(figure.data[0].marker.color) == [bst().second[label].color for label in labels]
    everything = figures.panels_figure([folds[0]], ["a"], training=True).data[0]
    assert len(everything.x) == 48


def test_a_panel_of_figure_2_holds_exactly_the_test_sounds_at_its_threshold() -> None:
    sounds = small_collection(per_class=20)
    folds = stratified(sounds)
    (run,) = train_folds(sounds, folds, [1], quick(epochs=3, min_confidence=4))
    confidence = sounds.sounds.set_index("sound_id")["confidence"].astype(int)
    rows = figures.panel_rows(run)
    in_fold = sounds.sounds["sound_id"][folds.assignment == 1]
    assert set(run.sounds["sound_id"].iloc[rows]) == {i for i in in_fold if confidence[i] >= 4}
    (trace,) = figures.panels_figure([run], ["≥ 4"]).data
    np.testing.assert_array_equal(trace.x, run.projections["pca_x"].to_numpy(np.float32)[rows])
    learned = run.sounds["sound_id"].iloc[figures.panel_rows(run, training=True)]
    assert (confidence[learned] >= 4).all()
    assert len(learned) > len(rows)


def test_figure_2_of_unit_length_latents_is_their_pca(folds: list[Run]) -> None:
    from sklearn.decomposition import PCA

    run = folds[0]
    unit = run.latents / np.linalg.norm(run.latents, axis=1, keepdims=True)
    (trace,) = figures.panels_figure([run], ["a"], unit_length=True).data
    expected = PCA(2).fit(unit).transform(unit)[run.tested]
    np.testing.assert_allclose(np.abs(trace.x), np.abs(expected[:, 0]), atol=1e-4)
    np.testing.assert_allclose(np.abs(trace.y), np.abs(expected[:, 1]), atol=1e-4)


def test_training_curves_are_a_line_a_fold(folds: list[Run]) -> None:
    figure = figures.training_figure(folds)
    assert len(figure.data) == 6
    assert sum(bool(trace.showlegend) for trace in figure.data) == 2
    assert list(figure.data[1].y) == folds[0].history["val_loss"]


def test_larger_collections_are_thinned_alike_in_all_panels(folds: list[Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "PANEL_POINTS", 8)
    one, two = figures.panels_figure([folds[0], replace(folds[0], fold=3)], ["a", "b"]).data
    assert len(one.x) == 8
    np.testing.assert_array_equal(one.x, two.x)
