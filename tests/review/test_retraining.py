"""Retraining, on tones whose classes are known: what it makes, what it goes on from, and what it says has changed."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bstviz.datasets.collection import Collection, load_collection
from bstviz.errors import UserError
from bstviz.inference.explore import run_inference
from bstviz.models.config import TrainConfig
from bstviz.models.experiment_folder import find_runs, write_experiment
from bstviz.models.run import Run, load_run
from bstviz.review.decisions import Decision, Record
from bstviz.review.retraining import retrain as module
from bstviz.review.retraining.changes import changes, in_words
from bstviz.review.retraining.held_out import held_out, read_answers
from bstviz.review.retraining.retrain import alike, beside, counterpart, retrain
from bstviz.review.retraining.versions import Version, find_versions, home_of, origins, version_of, versions_folder
from bstviz.training.train import train_fold
from tests.fakes import CODES, quick, small_collection, stratified


def decided(collection: Collection, new: dict[int, str]) -> Record:
    """Decisions on the classes of rows."""
    ids, classes = collection.sounds["sound_id"], collection.sounds["class"]
    rows = ((ids.iat[row], classes.iat[row] if classes.notna().iat[row] else None, to) for row, to in new.items())
    return Record(tuple(Decision(i, old, to, "", "2026-01-01T00:00:00Z", "me", i) for i, old, to in rows))


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> tuple[Collection, list[Run], dict[int, str]]:
    """A collection in which two of three sounds of m-sp are labelled m-m, runs of fold 0 on it, of both losses, and the
    right classes of these sounds.
    """
    place, right = tmp_path_factory.mktemp("wrong"), small_collection(per_class=24)
    own = np.flatnonzero(right.sounds["class"] == "m-sp")
    rows = own[np.arange(len(own)) % 3 > 0]
    classes = right.sounds["class"].copy()
    classes.iloc[rows] = "m-m"
    saved = replace(right, sounds=right.sounds.assign(**{"class": classes})).save(place / "collection")
    collection = load_collection(saved)
    for loss in ("flat", "hierarchical"):
        run = train_fold(collection, stratified(collection, 3), 0, quick(loss=loss, epochs=10))
        run.save(place / "runs" / run.id)
    return collection, [load_run(path) for path in find_runs(place / "runs")], dict.fromkeys(rows, "m-sp")


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recipes that suit a network of eight dimensions."""

    def recipe(name: str, **changes: object) -> TrainConfig:
        return quick(**{"sizes": quick().sizes, **changes, "epochs": 10 if name == "quick" else 5, "retrieval": True})

    monkeypatch.setattr(module.config, "recipe", recipe)


def test_a_retraining_makes_a_version_with_its_collection_and_both_losses(
    wrong: tuple[Collection, list[Run], dict[int, str]], tmp_path: Path
) -> None:
    collection, before, right = wrong
    shares: list[float] = []
    version = retrain(
        collection, decided(collection, right), before, tmp_path / "v", report=lambda share, words: shares.append(share)
    )
    assert version.folder.name == "version-1"
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    made = load_collection(version.collection)
    assert (made.sounds["class"].iloc[list(right)] == "m-sp").all()
    assert load_collection(collection.folder or "").hash == collection.hash  # which is not touched
    runs = [load_run(path) for path in find_runs(version.folder)]
    assert {run.train.loss for run in runs} == {"flat", "hierarchical"}
    for run in runs:
        assert run.load_collection().hash == made.hash
        old = counterpart(before, run.train.loss)
        assert set(run.sounds["sound_id"][run.held_out]) == set(old.sounds["sound_id"][old.held_out])
    assert [path.resolve() for path in version.before] == [run.folder for run in before]


def test_versions_are_counted_and_a_version_is_retrained_into_the_next(
    wrong: tuple[Collection, list[Run], dict[int, str]], tmp_path: Path
) -> None:
    collection, before, right = wrong
    first, *others = right
    one = retrain(collection, decided(collection, {first: "m-sp"}), before, tmp_path / "v", losses=["flat"])
    made = load_collection(one.collection)
    (run,) = [load_run(path) for path in find_runs(one.folder)]
    assert home_of([run], [tmp_path]) == one.folder.parent
    two = retrain(made, decided(made, dict.fromkeys(others, "m-sp")), [run], tmp_path / "v", losses=["flat"])
    assert [version.number for version in find_versions(tmp_path / "v")] == [1, 2]
    assert version_of(find_runs(two.folder)[0]) == two
    assert version_of(before[0].folder or Path()) is None
    assert (load_collection(two.collection).sounds["class"].iloc[list(right)] == "m-sp").all()
    assert [path.resolve() for path in two.started_from] == [before[0].folder]  # not the version between


def test_versions_lie_beside_the_record(wrong: tuple[Collection, list[Run], dict[int, str]]) -> None:
    _, before, _ = wrong
    runs = (before[0].folder or Path()).parent
    folder = versions_folder(before[0].collection, [runs])
    assert folder.parent == runs
    assert folder.name.endswith("-versions")
    assert home_of(before, [runs]) == folder


def test_right_labels_are_learned_and_the_class_gains(
    wrong: tuple[Collection, list[Run], dict[int, str]], tmp_path: Path
) -> None:
    collection, before, right = wrong
    version = retrain(collection, decided(collection, right), before, tmp_path / "v", losses=["flat"])
    after = load_run(find_runs(version.folder)[0])
    found = changes(counterpart(before, "flat"), after)
    assert found.measures is not None
    second = found.measures.loc["second_accuracy"]
    assert second["second"] > second["first"]
    assert "m-sp" in set(found.gained["code"])
    assert set(found.fair.sound_ids) == set(after.sounds["sound_id"][after.held_out])
    assert set(found.sounds["after"]) >= {"m-sp"}
    said = in_words(found)
    assert f"{len(found.sounds)} of 144 sounds have another answer" in said[0]
    assert any(line.startswith("Gained: ") and "m-sp" in line for line in said)
    np.testing.assert_array_equal(found.structure.columns, ["before", "after"])


def test_the_map_lies_on_the_one_before(wrong: tuple[Collection, list[Run], dict[int, str]], tmp_path: Path) -> None:
    collection, before, right = wrong
    version = retrain(collection, decided(collection, right), before, tmp_path / "v")
    columns = ["pca_x", "pca_y", "pca_z"]
    for path in find_runs(version.folder):
        after = load_run(path)
        old = counterpart(before, after.train.loss).projections[columns].to_numpy(float)
        new = after.projections[columns].to_numpy(float)
        assert (np.diag(np.corrcoef(old, new, rowvar=False)[:3, 3:]) > 0).all()
        np.testing.assert_allclose(new, after.pca.transform(after.latents), atol=1e-4)
        np.testing.assert_allclose(new.mean(axis=0), old.mean(axis=0), atol=1e-3)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> tuple[Collection, list[Run], np.ndarray]:
    """Sounds nobody labelled but a few, moved from those that a model learned; what that model says; the classes."""
    tmp_path, known = tmp_path_factory.mktemp("library"), small_collection(per_class=24)
    assert known.audio is not None
    model = train_fold(known, stratified(known, 3), 0, quick(epochs=10, retrieval=True))
    truth = known.sounds["class"].to_numpy(object)
    moved = known.audio + 0.35 * np.roll(known.audio, 5, axis=1)
    sounds = known.sounds.assign(sound_id="new" + known.sounds["sound_id"])
    few = np.zeros(len(truth), bool)
    for code in CODES:
        few[np.flatnonzero(truth == code)[:6]] = True
    classes = pd.Series(np.where(few, truth, None), dtype="str")
    classes.iat[int(np.flatnonzero(few)[0])] = None  # which a decision gives
    folder = replace(known, name="library", sounds=sounds.assign(**{"class": classes}), audio=moved).save(
        tmp_path / "lib"
    )
    collection = load_collection(folder)
    model.save(tmp_path / "model" / model.id)
    inferred = run_inference(load_run(tmp_path / "model" / model.id), collection)
    inferred.save(tmp_path / "inferred" / inferred.id)
    return collection, [load_run(tmp_path / "inferred" / inferred.id)], truth


def retrained_on_one(library: tuple[Collection, list[Run], np.ndarray], tmp_path: Path) -> Version:
    """A version made of one label."""
    collection, before, truth = library
    row = int(np.flatnonzero(truth == CODES[0])[0])
    return retrain(collection, decided(collection, {row: truth[row]}), before, tmp_path / "v", losses=["hierarchical"])


def test_few_labels_go_on_from_the_model_before_and_all_train(
    library: tuple[Collection, list[Run], np.ndarray], tmp_path: Path
) -> None:
    _, before, _ = library
    version = retrained_on_one(library, tmp_path)
    after = load_run(find_runs(version.folder)[0])
    assert [path.resolve() for path in version.started_from] == [before[0].folder]
    assert not after.held_out.any()
    assert after.learned.sum() == 36
    assert before[0].datastore is not None
    assert after.datastore is not None
    kept = len(before[0].datastore.keys)
    np.testing.assert_array_equal(after.datastore.keys[:kept], before[0].datastore.keys)
    assert len(after.datastore.keys) == kept + 36
    for name, values in before[0].weights.items():
        if name.startswith("standardise"):
            np.testing.assert_array_equal(after.weights[name], values)


def test_networks_that_did_not_learn_a_label_judge_it(
    library: tuple[Collection, list[Run], np.ndarray], tmp_path: Path
) -> None:
    _, before, _ = library
    version = retrained_on_one(library, tmp_path)
    after = load_run(find_runs(version.folder)[0])
    answers = read_answers(version.held_out, after)
    assert answers is not None
    labelled = after.y_true >= 0
    assert (~np.isnan(answers).any(axis=1) == labelled).all()
    np.testing.assert_allclose(answers[labelled].sum(axis=1), 1, atol=1e-5)
    fair = held_out(before[0], after, answers)
    assert len(fair) == 36
    assert (fair.labels == after.y_true[labelled]).all()
    np.testing.assert_allclose(fair.before, before[0].probabilities[labelled])


def test_what_both_learned_is_no_fair_comparison(wrong: tuple[Collection, list[Run], dict[int, str]]) -> None:
    _, before, _ = wrong
    fair = held_out(before[0], before[0])
    assert set(fair.sound_ids) == set(before[0].sounds["sound_id"][before[0].held_out])
    found = changes(before[0], before[0])
    assert len(found.sounds) == 0
    assert found.measures is not None
    assert found.measures.loc["second_accuracy", "difference"] == 0


def test_runs_of_each_loss_that_are_alike_are_retrained_together(
    wrong: tuple[Collection, list[Run], dict[int, str]],
) -> None:
    _, before, _ = wrong
    assert [info.train.loss for info in beside(before)] == ["hierarchical", "flat"]
    with pytest.raises(UserError, match="fold 1"):
        beside(before, fold=1)
    with pytest.raises(UserError, match="text"):
        beside(before, modality="text")


def test_only_runs_with_weights_are_retrained_together(wrong: tuple[Collection, list[Run], dict[int, str]]) -> None:
    first, other = wrong[1]
    assert alike(first, [first, other]) == [first, other]
    assert alike(first, [first, replace(other, left_out=("weights",))]) == [first]


def test_test_sounds_stay_test_sounds_where_the_run_before_lists_no_others(
    wrong: tuple[Collection, list[Run], dict[int, str]], tmp_path: Path
) -> None:
    collection, (before, _), right = wrong
    rows = np.flatnonzero(before.held_out)
    own = {name: getattr(before, name).iloc[rows].reset_index(drop=True) for name in ("sounds", "projections")}
    slim = replace(before, **own, latents=before.latents[rows], left_out=("training sounds",))
    version = retrain(collection, decided(collection, right), [slim], tmp_path / "v", losses=["flat"])
    after = load_run(find_runs(version.folder)[0])
    assert set(after.sounds["sound_id"][after.held_out]) == set(slim.sounds["sound_id"])


def test_a_version_knows_the_runs_before_all_retraining(
    wrong: tuple[Collection, list[Run], dict[int, str]], tmp_path: Path
) -> None:
    folders = [run.folder for run in wrong[1]]
    circle, missing = tmp_path / "v" / "version-3" / "run", tmp_path / "gone" / "run"
    before = {1: folders, 2: [tmp_path / "v" / "version-1" / "run"], 3: [circle], 4: [missing]}
    for number, own in before.items():
        folder = tmp_path / "v" / f"version-{number}"
        folder.mkdir(parents=True)
        write_experiment(folder, {"before": [os.path.relpath(path or "", folder) for path in own]})
    found = origins(find_versions(tmp_path / "v"))
    assert list(found.values()) == [set(folders), set(folders), {circle}, {missing}]


def test_what_cannot_be_retrained_is_said(
    wrong: tuple[Collection, list[Run], dict[int, str]],
    library: tuple[Collection, list[Run], np.ndarray],
    tmp_path: Path,
) -> None:
    collection, before, right = wrong
    with pytest.raises(UserError, match="No decision changes a class"):
        retrain(collection, Record(), before, tmp_path / "v")
    with pytest.raises(UserError, match="needs a run"):
        retrain(collection, decided(collection, right), [], tmp_path / "v")
    with pytest.raises(UserError, match="is not what run"):
        retrain(library[0], decided(collection, right), before, tmp_path / "v")
    assert not (tmp_path / "v").exists()


def test_a_retraining_that_is_given_up_leaves_nothing(
    wrong: tuple[Collection, list[Run], dict[int, str]], tmp_path: Path
) -> None:
    collection, before, right = wrong

    def stop(share: float, words: str) -> None:
        if share > 0.5:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        retrain(collection, decided(collection, right), before, tmp_path / "v", report=stop)
    assert find_versions(tmp_path / "v") == []
