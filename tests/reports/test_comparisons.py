"""Hierarchical against flat on a small experiment: who is drawn together, with and without retrieval, and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bstviz.datasets.collection import Collection
from bstviz.models.run import Run
from bstviz.reports import comparisons
from bstviz.reports.comparisons import compare_losses
from bstviz.reports.summaries import pooled
from bstviz.training.train import train_folds
from tests.fakes import quick, stratified


@pytest.fixture(scope="module")
def pairs(collection: Collection) -> dict[str, list[Run]]:
    """Two folds of either loss, badly trained, with kNN datastores."""
    folds = stratified(collection)
    trained = {
        loss: train_folds(collection, folds, [0, 1], quick(loss=loss, epochs=2, retrieval=True, seed=seed))
        for seed, loss in enumerate(("flat", "hierarchical"))
    }
    flat = [replace(run, train=replace(run.train, seed=1)) for run in trained["flat"]]
    return {"flat": flat, "hierarchical": trained["hierarchical"]}


def with_share(runs: list[Run], share: float) -> list[Run]:
    """The same runs whose datastores have such a share; their answers stay."""
    return [replace(run, datastore=replace(run.datastore, share=share)) for run in runs if run.datastore]


def test_answers_are_compared_as_given_and_by_the_networks_alone(pairs, collection: Collection) -> None:
    runs = [*with_share(pairs["flat"], 0.3), *with_share(pairs["hierarchical"], 0.3)]
    given, alone = compare_losses(runs, collection.sounds)
    assert (given.retrieval, alone.retrieval) == (True, False)
    assert given.folds == alone.folds == 2
    for loss, place in (("flat", "first"), ("hierarchical", "second")):
        answers = pooled([run for run in runs if run.train.loss == loss])
        right = [
            (p.argmax(axis=1) == answers.y_true).mean() for p in (answers.probabilities, answers.network_probabilities)
        ]
        found = [c.result.measures.loc["second_accuracy", place] for c in (given, alone)]
        assert found == pytest.approx(right)


def test_without_a_share_there_is_one_comparison(pairs, collection: Collection) -> None:
    (only,) = compare_losses([*with_share(pairs["flat"], 0), *with_share(pairs["hierarchical"], 0)], collection.sounds)
    assert only.retrieval is None
    assert comparisons.measures_frame([only])["Retrieval"].unique().tolist() == ["none"]


def test_sounds_of_an_uploader_are_drawn_together_those_without_one_alone(pairs, collection: Collection) -> None:
    runs = [*pairs["flat"], *pairs["hierarchical"]]
    answers = pooled(pairs["flat"])
    sounds = collection.sounds.copy()
    uploaders = sounds.set_index("sound_id")["uploader"].loc[answers.sound_ids]
    assert compare_losses(runs, sounds)[0].result.units == uploaders.nunique()
    sounds.loc[sounds["sound_id"] == answers.sound_ids[0], "uploader"] = None
    assert compare_losses(runs, sounds)[0].result.units == uploaders.nunique() + 1
    alone = compare_losses(runs, None)[0]
    assert alone.result.units == alone.result.sounds == len(answers)
    assert not alone.grouped
    assert "sounds one by one" in comparisons.drawn_in_words(alone)


def test_only_folds_that_both_have_are_compared(pairs) -> None:
    found = compare_losses([*pairs["flat"][:1], *pairs["hierarchical"]], None)[0]
    assert found.folds == 1
    assert found.result.sounds == pairs["flat"][0].tested.sum()
    assert compare_losses([*pairs["flat"][:1], *pairs["hierarchical"][1:]], None) == []
    assert compare_losses(pairs["flat"], None) == []


def test_p_values_in_words() -> None:
    assert [comparisons.p_in_words(p) for p in (0.52, 0.0004, 1, np.nan)] == ["0.520", "< 0.001", "1.000", "–"]


def test_classes_that_differ_are_listed_with_what_was_tested(pairs, collection: Collection) -> None:
    """Between a model that is always right and one that is right on all but one class."""
    (found,) = compare_losses([*with_share(pairs["flat"], 0), *with_share(pairs["hierarchical"], 0)], collection.sounds)
    result = found.result
    holm = result.classes.assign(mcnemar_p=0.5, mcnemar_holm=1.0, bootstrap_holm=1.0)
    holm.loc[1, ["mcnemar_holm", "bootstrap_holm", "difference"]] = 0.002, 0.04, -0.4
    holm.loc[2, ["mcnemar_holm", "bootstrap_holm"]] = 0.002, 0.4  # in one test alone
    made = replace(found, result=replace(result, classes=holm))
    (row,) = comparisons.classes_frame([made]).to_dict("records")
    assert row["Class"] == "Multiple instruments (m-m)"
    assert (row["Difference"], row["McNemar p, Holm"], row["Bootstrap p, Holm"]) == (-40, "0.002", "0.040")
    assert f"1 of {len(holm)} tested" in comparisons.classes_in_words([made])
    assert "not tested" in comparisons.classes_in_words([found])


def test_for_programs_every_number_is_there_and_what_is_missing_is_null(pairs, tmp_path: Path) -> None:
    for loss, runs in pairs.items():
        for run in with_share(runs, 0.3):
            run.save(tmp_path / loss / run.id)
    entries = json.loads(
        json.dumps(comparisons.of_experiments([tmp_path / "flat", tmp_path / "hierarchical"]), allow_nan=False)
    )
    assert [entry["retrieval"] for entry in entries] == ["blended in", "left out"]
    first = entries[0]
    assert (first["modality"], first["min_confidence"], first["seed"], first["folds"]) == ("audio", 1, 1, 2)
    measures = {row["measure"]: row for row in first["measures"]}
    assert measures["second_accuracy"]["difference"] == pytest.approx(
        measures["second_accuracy"]["hierarchical"] - measures["second_accuracy"]["flat"]
    )
    assert isinstance(measures["top_accuracy_by_mass"]["only_flat"], int)
    assert measures["hierarchical_f1"]["mcnemar_p"] is None
    assert first["classes_tested"] == 0
    assert {row["code"] for row in first["classes"]} == {"m-sp", "m-m", "is-p", "fx-a", "fx-v", "ss-n"}
    assert comparisons.of_experiments([tmp_path / "flat"]) == []
