"""Matrices against scikit-learn, and small cases worked by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference

from bstviz.datasets.taxonomy import bst
from bstviz.evaluation import confusion
from bstviz.evaluation.out_of_fold import OutOfFold, pool
from bstviz.models.run import Run
from tests.fakes import answers_of


@pytest.fixture(scope="module")
def real(shared_data: Path, base_run: Run) -> OutOfFold:
    """The public baseline's answers to BSD10k, over the five official folds."""
    sounds = pd.read_parquet(shared_data / "bsd10k_v1.2.parquet")
    predictions = pd.read_parquet(shared_data / "bsd10k_clap_predictions.parquet").set_index("sound_id")
    predicted = predictions["baseline__both__pred"].loc[sounds["sound_id"]]
    return answers_of(
        base_run,
        bst().encode(sounds["class"]),
        bst().encode(predicted),
        folds=sounds["test_fold"].to_numpy(int),
        ids=sounds["sound_id"].astype(str).to_numpy(),
        annotation_confidence=sounds["confidence"].to_numpy(float),
    )


@pytest.fixture(scope="session")
def base_run(runs: dict[str, Run]) -> Run:
    return runs["audio"]


@pytest.fixture
def made_up(base_run: Run) -> OutOfFold:
    rng = np.random.default_rng(0)
    true = rng.integers(0, 23, 400)
    return answers_of(
        base_run, true, np.where(rng.random(400) < 0.6, true, rng.integers(0, 23, 400)), folds=rng.integers(0, 3, 400)
    )


@pytest.mark.data
@pytest.mark.parametrize("threshold", [1, 3, 4])
def test_matrices_of_real_answers_are_those_of_scikit_learn(real: OutOfFold, threshold: int) -> None:
    tested, labels = real.at_least(threshold), range(23)
    assert len(tested) == {1: 10_956, 3: 10_101, 4: 6_820}[threshold]
    along = confusion.axis(bst())
    matrix = confusion.counts(tested, along)
    np.testing.assert_array_equal(matrix, reference.confusion_matrix(tested.y_true, tested.y_pred, labels=labels))
    assert np.trace(matrix) == reference.accuracy_score(tested.y_true, tested.y_pred, normalize=False)
    *_, supports = reference.precision_recall_fscore_support(
        tested.y_true, tested.y_pred, labels=labels, zero_division=0
    )
    np.testing.assert_array_equal(matrix.sum(axis=1), supports)
    top = confusion.counts(tested, confusion.axis(bst(), ()))
    parents = bst().parents
    np.testing.assert_array_equal(top, reference.confusion_matrix(parents[tested.y_true], parents[tested.y_pred]))


def test_shares_are_the_normalisations_of_scikit_learn(made_up: OutOfFold) -> None:
    matrix = confusion.counts(made_up, confusion.axis(bst()))
    for cells, normalize in (("row", "true"), ("column", "pred")):
        expected = reference.confusion_matrix(made_up.y_true, made_up.y_pred, labels=range(23), normalize=normalize)
        np.testing.assert_allclose(confusion.shares(matrix, cells), expected)
    np.testing.assert_array_equal(confusion.shares(matrix, "count"), matrix)


def test_a_row_without_sounds_has_no_shares() -> None:
    shares = confusion.shares(np.array([[3, 1], [0, 0]]), "row")
    np.testing.assert_array_equal(shares, [[0.75, 0.25], [np.nan, np.nan]])


def test_an_axis_with_one_top_level_class_open_has_its_classes_and_the_other_tops() -> None:
    along = confusion.axis(bst(), ["ss"])
    assert along.codes == ["m", "is", "sp", "fx", "ss-n", "ss-i", "ss-u", "ss-s"]
    assert along.block.tolist() == [0, 1, 2, 3, 4, 4, 4, 4]
    assert along.position[bst().codes.index("fx-a")] == 3
    assert along.position[bst().codes.index("ss-u")] == 6
    assert confusion.axis(bst()).codes == list(bst().codes)


def test_collapsing_keeps_every_sound(made_up: OutOfFold) -> None:
    for opened in ((), ("m",), ("fx", "ss"), None):
        assert confusion.counts(made_up, confusion.axis(bst(), opened)).sum() == 400


def test_a_difference_is_first_minus_second_in_what_the_cells_hold() -> None:
    first, second = np.array([[3, 1], [2, 2]]), np.array([[1, 1], [4, 0]])
    np.testing.assert_array_equal(confusion.difference(first, second, "count"), [[2, 0], [-2, 2]])
    np.testing.assert_array_equal(confusion.difference(first, second, "row"), [[0.25, -0.25], [-0.5, 0.5]])
    np.testing.assert_allclose(confusion.difference(first, second, "column"), [[0.4, -2 / 3], [-0.4, 2 / 3]])


def test_a_cell_holds_its_sounds_the_most_confident_first(made_up: OutOfFold) -> None:
    inside = np.flatnonzero((made_up.y_true == 3) & (made_up.y_pred == 3))
    found = confusion.cell(made_up, bst().codes[3], bst().codes[3])
    assert sorted(found.sound_ids) == sorted(made_up.sound_ids[inside])
    assert (np.diff(confusion.predicted_confidence(found)) <= 0).all()
    parents = bst().parents
    upper = confusion.cell(made_up, "ss", "fx-a")
    wanted = (parents[made_up.y_true] == 4) & (made_up.y_pred == bst().codes.index("fx-a"))
    assert sorted(upper.sound_ids) == sorted(made_up.sound_ids[wanted])


def test_confused_pairs_by_hand() -> None:
    along = confusion.axis(bst(), ())
    matrix = np.diag([5, 5, 5, 5, 5])
    matrix[0, 1], matrix[1, 0], matrix[4, 3] = 2, 5, 3
    pairs = confusion.confused_pairs(matrix, along)
    assert pairs[["true", "predicted"]].to_numpy().tolist() == [["is", "m"], ["ss", "fx"], ["m", "is"]]
    assert pairs["sounds"].tolist() == [5, 3, 2]
    assert pairs["of_true"].tolist() == [0.5, 3 / 8, 2 / 7]
    assert pairs["of_errors"].tolist() == [0.5, 0.3, 0.2]
    assert pairs["back"].tolist() == [2, 0, 5]


def test_scores_are_pooled_and_spread_over_folds(made_up: OutOfFold) -> None:
    table = confusion.scores(made_up)
    right = made_up.y_true == made_up.y_pred
    each = [right[made_up.folds == fold].mean() for fold in range(3)]
    micro = table.loc["second_accuracy"]
    assert (micro["pooled"], micro["mean"], micro["std"]) == pytest.approx((right.mean(), np.mean(each), np.std(each)))
    assert table.loc["second_macro_accuracy", "pooled"] == pytest.approx(
        reference.balanced_accuracy_score(made_up.y_true, made_up.y_pred)
    )
    one = confusion.scores(made_up.where(made_up.folds == 0))
    assert one["std"].isna().all()
    np.testing.assert_array_equal(one["pooled"], one["mean"])


def test_two_test_sets_are_distinguished_and_shared_sounds_put_in_one_order(made_up: OutOfFold) -> None:
    backwards = made_up.where(np.arange(400)[::-1])
    whole = confusion.shared_test(made_up, backwards)
    assert whole.same
    assert whole.same_folds
    np.testing.assert_array_equal(whole.first.sound_ids, whole.second.sound_ids)
    part = confusion.shared_test(made_up, backwards.where(backwards.folds > 0))
    assert not part.same
    assert part.sizes == (400, (made_up.folds > 0).sum())
    np.testing.assert_array_equal(part.first.sound_ids, part.second.sound_ids)
    regrouped = replace(made_up, runs=tuple(replace(run, split_kind="other") for run in made_up.runs))
    assert not confusion.shared_test(made_up, regrouped).same_folds


def test_sounds_of_two_collections_are_never_shared(made_up: OutOfFold) -> None:
    reference_ = replace(made_up.runs[0].collection, hash="f" * 64)
    elsewhere = replace(made_up, runs=tuple(replace(run, collection=reference_) for run in made_up.runs))
    assert len(confusion.shared_test(made_up, elsewhere).first) == 0


@pytest.mark.parametrize(
    ("trained", "tested", "words"),
    [
        (1, 1, "all sounds"),
        (3, 3, "training and test alike"),
        (1, 4, "≥ 4 applies to the test only: every model looks better"),
        (3, 1, "≥ 3 applies to training only"),
        (3, 4, "≥ 3 applies to training and ≥ 4 to the test"),
    ],
)
def test_where_a_threshold_applies_is_reported(trained: int, tested: int, words: str) -> None:
    assert words in confusion.where_applied(trained, tested)


def test_a_matrix_to_take_away_has_codes_and_supports() -> None:
    table = confusion.table(np.eye(5), confusion.axis(bst(), ()), np.array([1, 2, 3, 4, 5]))
    assert table.columns.tolist() == ["true", "m", "is", "sp", "fx", "ss", "sounds"]
    assert table["sounds"].tolist() == [1, 2, 3, 4, 5]


def test_answers_of_real_runs_fill_the_matrix(runs: dict[str, Run]) -> None:
    pooled = pool([runs["audio"]])
    assert confusion.counts(pooled, confusion.axis(pooled.taxonomy)).sum() == len(pooled)
