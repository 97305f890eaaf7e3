from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from bstviz.datasets.collection import Collection
from bstviz.errors import UserError
from bstviz.training.baselines import BaselineConfig, Method, find_baselines, fit_baseline
from bstviz.training.train import train_fold
from tests.fakes import CODES, quick, small_collection, stratified


@pytest.mark.parametrize("method", ["knn", "logistic"])
def test_baselines_are_those_of_scikit_learn_on_the_same_test_sounds(collection: Collection, method: Method) -> None:
    folds = stratified(collection)
    found = fit_baseline(collection, folds, 1, BaselineConfig(method, "both", 2, validation=0.2))
    run = train_fold(collection, folds, 1, quick(epochs=1, min_confidence=2, modality="both", validation=0.2))
    train, test = (run.sounds["split"].to_numpy() == name for name in ("train", "test"))
    x = np.hstack([collection.embedding(kind) for kind in ("audio", "text")])
    x = (x - x[train].mean(0)) / x[train].std(0)
    knn = KNeighborsClassifier(10, metric="cosine", weights="distance")
    model = knn if method == "knn" else LogisticRegression(C=0.01, max_iter=300)
    expected = model.fit(x[train], collection.labels[train]).score(x[test], collection.labels[test])
    assert found.metrics["second_accuracy"] == pytest.approx(expected)
    assert found.metrics["n"] == test.sum()


def test_a_baseline_is_scored_on_the_sounds_of_the_run_beside_it(collection: Collection) -> None:
    folds = stratified(collection)
    run = train_fold(collection, folds, 0, quick(epochs=1, min_confidence=3, modality="text"))
    found = fit_baseline(collection, folds, 0, BaselineConfig("knn", "text", 3))
    assert found.metrics["n"] == run.metrics["n"]
    assert found.encoders == "text fake-text 1 (title + tags), 12-d"


def test_scores_are_read_back_as_written_and_damage_is_reported(collection: Collection, tmp_path: Path) -> None:
    found = fit_baseline(collection, stratified(collection), 0, BaselineConfig("knn", "audio"))
    again = replace(found, fold=1)
    file = found.save(tmp_path)
    again.save(tmp_path)
    assert find_baselines(tmp_path) == [found, again]
    file.write_text(file.read_text()[:40])
    with pytest.raises(UserError, match=r"not valid JSON.*Delete it"):
        find_baselines(tmp_path)
    assert find_baselines(tmp_path / "nowhere") == []


def test_baselines_of_the_version_before_say_that_they_held_nothing_out(collection: Collection, tmp_path: Path) -> None:
    found = fit_baseline(collection, stratified(collection), 0, BaselineConfig("knn", "audio"))
    file = found.save(tmp_path)
    entry = json.loads(file.read_text())
    del entry["config"]["validation"]
    file.write_text(json.dumps({**entry, "format_version": 1}))
    (read,) = find_baselines(tmp_path)
    assert read == replace(found, config=replace(found.config, validation=0.0))
    file.write_text(json.dumps({**entry, "format_version": 9}))
    with pytest.raises(UserError, match="format version 9; this bstviz reads versions 1 and 2"):
        find_baselines(tmp_path)


def test_fewer_training_sounds_than_neighbours_are_all_neighbours() -> None:
    tiny = small_collection(CODES[:2], per_class=6)
    found = fit_baseline(tiny, stratified(tiny, 6), 0, BaselineConfig("knn", "audio", validation=0.2))
    assert found.metrics["n"] == 2


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(UserError, match="method is 'forest'; allowed are knn, logistic, zeroshot"):
        BaselineConfig("forest", "audio")  # type: ignore[arg-type]
