from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bstviz.datasets.collection import Collection
from bstviz.errors import UserError
from bstviz.evaluation.out_of_fold import evaluate
from bstviz.models.run import Run
from bstviz.training.experiment import sweep, train
from bstviz.training.preset import SweepPreset

FAST = {"folds": 2, "epochs": 1}


def test_training_gives_one_run_per_fold_in_order(collection: Collection) -> None:
    runs = train(collection, loss="flat", modality="both", learning_rate=1e-2, umap=False, **FAST)
    assert [run.id for run in runs] == ["flat-both-c1-fold0", "flat-both-c1-fold1"]
    assert (runs[0].train.learning_rate, runs[0].train.epochs, len(runs[0].history["val_loss"])) == (1e-2, 1, 1)
    assert runs[0].umap is None


def test_training_into_a_folder_keeps_the_same_runs_and_goes_on(collection: Collection, tmp_path: Path) -> None:
    here = train(collection, group="uploader", umap=False, **FAST)
    kept = train(collection, group="uploader", umap=False, out=tmp_path, **FAST)
    np.testing.assert_allclose(kept[1].probabilities, here[1].probabilities, atol=1e-5)
    assert kept[0].split_kind == "stratified 2-fold, seed 0, grouped by uploader"
    written = (tmp_path / kept[0].id / "run.json").stat().st_mtime_ns
    assert [run.id for run in train(collection, group="uploader", umap=False, out=tmp_path, **FAST)] == [
        run.id for run in kept
    ]
    assert (tmp_path / kept[0].id / "run.json").stat().st_mtime_ns == written
    with pytest.raises(UserError, match="other settings"):
        train(collection, seed=1, umap=False, out=tmp_path, **FAST)


def test_a_sweep_trains_its_grid_and_keeps_its_baselines(collection: Collection, tmp_path: Path) -> None:
    grid = SweepPreset("small", modalities=("text", "both"), baselines=("knn",))
    runs = sweep(collection, grid, out=tmp_path, recipe="text", **FAST)
    assert {(run.train.loss, run.train.modality, run.fold) for run in runs} == {
        (loss, modality, fold) for loss in ("flat", "hierarchical") for modality in ("text", "both") for fold in (0, 1)
    }
    assert {run.train.label_smoothing for run in runs} == {0.3}
    assert list((tmp_path / "baselines").glob("knn*"))


def test_a_sweep_names_the_presets_that_there_are(collection: Collection, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no sweep preset 'table2'; known: .*table1"):
        sweep(collection, "table2", out=tmp_path)


def test_a_run_alone_evaluates_to_its_own_metrics(runs: dict[str, Run]) -> None:
    assert evaluate(runs["audio"]) == pytest.approx(runs["audio"].metrics)


def test_folds_are_pooled_for_metrics_and_averaged_for_structure(collection: Collection) -> None:
    runs = train(collection, umap=False, **FAST)
    found = evaluate(runs)
    tested = [run.metrics["n"] for run in runs]
    assert found["n"] == sum(tested) == len(collection)
    accuracies = [run.metrics["second_accuracy"] for run in runs]
    assert found["second_accuracy"] == pytest.approx(np.average(accuracies, weights=tested))
    assert found["top_knn_purity"] == pytest.approx(np.mean([run.metrics["top_knn_purity"] for run in runs]))


def test_runs_of_two_settings_and_no_run_at_all_are_refused(runs: dict[str, Run]) -> None:
    with pytest.raises(UserError, match="one setting"):
        evaluate([runs["audio"], runs["text"]])
    with pytest.raises(UserError, match="no run to evaluate"):
        evaluate([])
