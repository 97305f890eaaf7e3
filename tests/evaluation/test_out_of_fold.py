"""Out-of-fold answers: every sound once, from the run that had not seen it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bstviz.errors import UserError
from bstviz.evaluation.out_of_fold import differ_in_loss_alone, pool, setting_of, settings
from bstviz.models.run_info import ExternalModel
from bstviz.training.train import train_folds
from tests.fakes import quick, small_collection, stratified


@pytest.fixture(scope="module")
def trained():
    collection = small_collection()
    folds = stratified(collection)
    return collection, folds, train_folds(collection, folds, range(folds.count), quick(min_confidence=3))


def test_every_sound_is_answered_once_by_the_fold_that_tests_it(trained) -> None:
    collection, folds, runs = trained
    pooled = pool(runs, collection.sounds)
    assert sorted(pooled.sound_ids) == sorted(collection.sounds["sound_id"])
    rows = [collection.row_of[i] for i in pooled.sound_ids]
    np.testing.assert_array_equal(pooled.folds, folds.assignment[rows])
    np.testing.assert_array_equal(pooled.y_true, collection.labels[rows])
    np.testing.assert_array_equal(pooled.annotation_confidence, collection.sounds["confidence"].to_numpy(float)[rows])
    for run in runs:
        own = run.sounds.set_index("sound_id").loc[pooled.sound_ids[pooled.folds == run.fold]]
        wanted = own[[f"p_{c}" for c in run.taxonomy.codes]].to_numpy(np.float32)
        np.testing.assert_array_equal(pooled.probabilities[pooled.folds == run.fold], wanted)


def test_runs_of_two_foldings_are_not_pooled(trained) -> None:
    _, _, (first, second, *_) = trained
    sound = first.sounds["sound_id"][first.held_out].iloc[0]
    with pytest.raises(UserError, match=f"the sound {sound!r} is tested in two of them"):
        pool([first, replace(first, fold=second.fold)])


def test_sounds_below_a_threshold_are_left_out_only_when_asked(trained) -> None:
    collection, _, runs = trained
    pooled = pool(runs, collection.sounds)
    assert pooled.at_least(1) is pooled
    assert (pooled.at_least(4).annotation_confidence >= 4).all()
    assert len(pooled.at_least(4)) == (collection.sounds["confidence"] >= 4).sum()


def test_what_a_setting_is_judged_on_are_the_sounds_at_its_own_threshold(trained) -> None:
    collection, _, runs = trained
    pooled = pool(runs, collection.sounds)
    np.testing.assert_array_equal(pooled.tested, pooled.annotation_confidence >= 3)
    own = pooled.where(pooled.tested)
    assert len(own) == sum(run.metrics["n"] for run in runs)
    assert np.mean(own.y_pred == own.y_true) == pytest.approx(
        np.average([run.metrics["second_accuracy"] for run in runs], weights=[run.metrics["n"] for run in runs])
    )
    np.testing.assert_allclose(own.attention.sum(axis=1), 1, atol=1e-6)


def test_without_the_collection_there_is_no_confidence(trained) -> None:
    pooled = pool(trained[2])
    assert np.isnan(pooled.annotation_confidence).all()
    assert len(pooled.at_least(2)) == 0


def test_runs_of_two_settings_or_of_one_fold_twice_are_refused(trained) -> None:
    runs = trained[2]
    other = replace(runs[1], train=replace(runs[1].train, loss="flat"))
    for wrong in ([runs[0], other], [runs[0], runs[0]]):
        with pytest.raises(UserError, match="one setting"):
            pool(wrong)


def test_settings_group_the_folds_and_put_hierarchical_first(trained) -> None:
    runs = trained[2]
    flat = [replace(r, train=replace(r.train, loss="flat")) for r in runs]
    regrouped = [replace(r, split_kind="grouped") for r in runs]
    found = settings([*flat[::-1], *runs, *regrouped])
    assert [s.train.loss for s in found] == ["hierarchical", "hierarchical", "flat"]
    assert all([r.fold for r in members] == list(range(len(runs))) for members in found.values())
    assert setting_of(runs[0]).name == "hierarchical · audio · trained on confidence ≥ 3"


def test_runs_that_differ_in_the_loss_alone_share_all_that_was_chosen(trained) -> None:
    first, second, *_ = trained[2]
    flat = replace(first, train=replace(first.train, loss="flat"))
    assert differ_in_loss_alone(first, flat)
    for change in ({"seed": 1}, {"variant": "other"}, {"min_confidence": 1}, {"epochs": 7}):
        assert not differ_in_loss_alone(first, replace(flat, train=replace(flat.train, **change)))
    theirs = ExternalModel(name="Theirs", file="theirs.csv", sha256="0" * 64)
    about = replace(flat.collection, hash="0" * 64)
    others = [{"fold": second.fold}, {"external": theirs}, {"collection": about}, {"answered_by": "a"}, {}]
    for change in others:
        assert not differ_in_loss_alone(first, replace(first if not change else flat, **change))
    assert differ_in_loss_alone(replace(first, answered_by="a"), replace(flat, answered_by="b"))


def test_seeds_are_settings_of_their_own_and_are_never_pooled(trained) -> None:
    runs = trained[2]
    other = [replace(run, train=replace(run.train, seed=1)) for run in runs]
    found = settings([*other, *runs])
    assert [(setting.train.seed, len(members)) for setting, members in found.items()] == [(0, 4), (1, 4)]
    assert [setting.name.endswith(" · seed 1") for setting in found] == [False, True]
    for wrong in ([runs[0], other[0]], [runs[0], other[1]]):
        with pytest.raises(UserError, match="one setting"):
            pool(wrong)
