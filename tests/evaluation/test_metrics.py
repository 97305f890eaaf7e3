from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference

from bstviz.datasets.taxonomy import bst
from bstviz.errors import UserError
from bstviz.evaluation import metrics

PARENTS = np.array([0, 0, 1, 1, 2])
EXACT = 1e-12


@pytest.fixture(scope="module")
def random_answers() -> tuple[np.ndarray, np.ndarray]:
    """True BST labels (300,) and probabilities (300, 23) that are often right."""
    rng = np.random.default_rng(0)
    y_true = rng.integers(0, 23, 300)
    return y_true, rng.dirichlet(np.ones(23), 300) + 0.2 * np.eye(23)[y_true]


def hierarchical_f1(y_true: list[int], y_pred: list[int], **options: bool) -> float:
    return metrics.hierarchical_prf(np.array(y_true), np.array(y_pred), PARENTS, **options)[2]


def test_accuracy_and_confusion_are_those_of_scikit_learn(random_answers: tuple[np.ndarray, np.ndarray]) -> None:
    y_true, probabilities = random_answers
    y_pred = probabilities.argmax(1)
    assert metrics.accuracy(y_true, y_pred) == pytest.approx(reference.accuracy_score(y_true, y_pred), abs=EXACT)
    expected = reference.confusion_matrix(y_true, y_pred, labels=range(23))
    np.testing.assert_array_equal(metrics.confusion_matrix(y_true, y_pred, 23), expected)
    np.testing.assert_allclose(
        metrics.class_accuracy(y_true, y_pred, 23), reference.recall_score(y_true, y_pred, average=None), atol=EXACT
    )


def test_top2_accuracy_is_that_of_scikit_learn(random_answers: tuple[np.ndarray, np.ndarray]) -> None:
    y_true, probabilities = random_answers
    expected = reference.top_k_accuracy_score(y_true, probabilities, k=2, labels=range(23))
    assert metrics.top2_accuracy(y_true, probabilities) == pytest.approx(expected, abs=EXACT)


def test_top_level_top2_by_mass_is_that_of_scikit_learn(random_answers: tuple[np.ndarray, np.ndarray]) -> None:
    y_true, probabilities = random_answers
    parents = bst().parents
    mass = np.stack([probabilities[:, parents == t].sum(1) for t in range(5)], axis=1)
    expected = reference.top_k_accuracy_score(parents[y_true], mass, k=2, labels=range(5))
    assert metrics.top_level_top2_accuracy(y_true, probabilities, parents, by_mass=True) == pytest.approx(
        expected, abs=EXACT
    )


def test_the_two_readings_of_top_level_top2_differ_as_documented() -> None:
    """The two best classes share top class 0, whose rival 1 has the second greatest mass."""
    probabilities = np.array([[0.4, 0.3, 0.14, 0.15, 0.01]])
    assert metrics.top_level_top2_accuracy(np.array([2]), probabilities, PARENTS) == 0
    assert metrics.top_level_top2_accuracy(np.array([2]), probabilities, PARENTS, by_mass=True) == 1
    assert metrics.top_level_top2_accuracy(np.array([4]), probabilities, PARENTS, by_mass=True) == 0
    assert metrics.top_level_top2_accuracy(np.array([1]), probabilities, PARENTS) == 1


def test_top2_can_be_above_top1_at_the_top_level_too() -> None:
    probabilities = np.array([[0.4, 0.1, 0.3, 0.1, 0.1]])
    assert metrics.top_level_top2_accuracy(np.array([3]), probabilities, PARENTS) == 1


def test_class_accuracy_of_an_absent_class_is_nan() -> None:
    values = metrics.class_accuracy(np.array([0, 0, 2]), np.array([0, 1, 2]), 4)
    np.testing.assert_array_equal(values, [0.5, np.nan, 1, np.nan])


@pytest.mark.parametrize(
    ("y_pred", "expected"),
    [
        ([0, 1, 2, 3], 1.0),  # all right
        ([1, 0, 3, 2], 0.375),  # all right at the top level only
        ([2, 3, 0, 1], 0.0),  # all wrong
    ],
)
def test_hierarchical_fixtures(y_pred: list[int], expected: float) -> None:
    for value in metrics.hierarchical_prf(np.array([0, 1, 2, 3]), np.array(y_pred), PARENTS):
        assert value == pytest.approx(expected, abs=EXACT)


def test_hierarchical_half_right_and_half_right_at_the_top() -> None:
    assert hierarchical_f1([0, 0, 1, 1], [0, 1, 1, 0]) == pytest.approx(0.6875, abs=EXACT)


def test_hierarchical_precision_and_recall_by_hand() -> None:
    """Class 0: recall (1 + .375 + 0) / 3, precision 1; class 1: recall 1, precision (.375 + 1) / 2; class 2: 0, 0."""
    precision, recall, f1 = metrics.hierarchical_prf(np.array([0, 0, 0, 1, 2]), np.array([0, 1, 4, 1, 4]), PARENTS)
    p, r = [1.0, 0.6875, 0.0], [1.375 / 3, 1.0, 0.0]
    assert precision == pytest.approx(np.mean(p), abs=EXACT)
    assert recall == pytest.approx(np.mean(r), abs=EXACT)
    by_class = [2 * a * b / (a + b) if a + b else 0.0 for a, b in zip(p, r, strict=True)]
    assert f1 == pytest.approx(np.mean(by_class), abs=EXACT)


def test_hierarchical_measures_reduce_to_the_flat_ones_without_a_hierarchy(
    random_answers: tuple[np.ndarray, np.ndarray],
) -> None:
    """With every class its own parent, they are macro precision, recall and F1."""
    y_true, probabilities = random_answers
    y_pred = probabilities.argmax(1)
    expected = reference.precision_recall_fscore_support(y_true, y_pred, average="macro", zero_division=0)[:3]
    np.testing.assert_allclose(metrics.hierarchical_prf(y_true, y_pred, np.arange(23)), expected, atol=EXACT)


def test_a_class_never_predicted_counts_as_zero_or_is_dropped_by_wish() -> None:
    y_true, y_pred = [0, 0, 4], [0, 0, 0]
    f1_of_0 = 2 * (2 / 3) / (2 / 3 + 1)
    assert hierarchical_f1(y_true, y_pred) == pytest.approx(f1_of_0 / 2, abs=EXACT)
    assert hierarchical_f1(y_true, y_pred, drop_unpredicted=True) == pytest.approx(f1_of_0, abs=EXACT)


def test_a_class_that_never_occurs_is_left_out_of_the_means() -> None:
    assert hierarchical_f1([0, 0], [0, 0]) == 1.0


def test_hierarchical_accuracy_is_a_macro_mean_of_1_half_and_0() -> None:
    value = metrics.hierarchical_accuracy(np.array([0, 0, 0, 4]), np.array([0, 1, 2, 4]), PARENTS)
    assert value == pytest.approx((1.5 / 3 + 1) / 2, abs=EXACT)


def test_evaluate_gathers_everything(random_answers: tuple[np.ndarray, np.ndarray]) -> None:
    y_true, probabilities = random_answers
    y_pred, parents = probabilities.argmax(1), bst().parents
    result = metrics.evaluate(y_true, probabilities, parents)
    assert result["n"] == 300
    assert result["second_macro_accuracy"] == pytest.approx(reference.balanced_accuracy_score(y_true, y_pred))
    assert result["top_accuracy"] == pytest.approx(reference.accuracy_score(parents[y_true], parents[y_pred]))
    assert result["top_macro_accuracy"] == pytest.approx(
        reference.balanced_accuracy_score(parents[y_true], parents[y_pred])
    )
    assert result["second_accuracy"] <= result["second_top2_accuracy"] <= result["top_top2_accuracy"]
    assert all(0 <= value <= 1 for name, value in result.items() if name != "n")


def test_no_sounds_give_nan_and_no_error() -> None:
    none, nothing = np.array([], np.int64), np.zeros((0, 5))
    assert np.isnan(metrics.accuracy(none, none))
    assert np.isnan(metrics.top2_accuracy(none, nothing))
    assert np.isnan(metrics.top_level_top2_accuracy(none, nothing, PARENTS))
    assert np.isnan(metrics.hierarchical_prf(none, none, PARENTS)).all()
    assert np.isnan(metrics.hierarchical_accuracy(none, none, PARENTS))


def test_labels_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UserError, match=r"\(2,\) and \(3,\)"):
        metrics.hierarchical_prf(np.array([0, 1]), np.array([0, 1, 2]), PARENTS)
    with pytest.raises(UserError, match="predicted labels run from 0 to 5; there are 5"):
        metrics.hierarchical_prf(np.array([0, 1]), np.array([0, 5]), PARENTS)
    with pytest.raises(UserError, match="true labels run from -1"):
        metrics.hierarchical_accuracy(np.array([-1, 1]), np.array([0, 1]), PARENTS)


@pytest.mark.data
def test_the_challenge_baseline_scores_its_published_figures(shared_data: Path) -> None:
    """Mean over BSD10k's five official folds of the public baseline's own predictions."""
    sounds = pd.read_parquet(shared_data / "bsd10k_v1.2.parquet")[["sound_id", "class", "test_fold"]]
    predicted = pd.read_parquet(shared_data / "bsd10k_clap_predictions.parquet")[["sound_id", "baseline__both__pred"]]
    merged = sounds.merge(predicted, on="sound_id", validate="one_to_one")
    assert len(merged) == 10_956
    parents = bst().parents
    folds = []
    for _, fold in merged.groupby("test_fold"):
        y_true, y_pred = bst().encode(fold["class"]), bst().encode(fold["baseline__both__pred"])
        folds.append(
            (
                metrics.accuracy(y_true, y_pred),
                metrics.accuracy(parents[y_true], parents[y_pred]),
                metrics.hierarchical_prf(y_true, y_pred, parents)[2],
            )
        )
    assert len(folds) == 5
    np.testing.assert_allclose(np.mean(folds, axis=0), [0.7995, 0.8912, 0.786], atol=5e-4)


def test_the_top_level_is_counted_in_both_decodings() -> None:
    probabilities = np.array([[0.4, 0.0, 0.35, 0.25], [0.6, 0.2, 0.1, 0.1]])
    parents, truth = np.array([0, 0, 1, 1]), np.array([3, 1])
    found = metrics.evaluate(truth, probabilities, parents)
    assert (found["top_accuracy"], found["top_accuracy_by_mass"]) == (0.5, 1.0)
    assert metrics.top_accuracy_by_mass(truth, probabilities, parents) == 1.0
    assert found["top_calibration_error"] == pytest.approx((0.4 + 0.2) / 2)


@pytest.mark.parametrize("seed", range(5))
def test_kappa_is_scikit_learns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 23, 500)
    second = np.where(rng.random(500) < 0.6, first, rng.integers(0, 23, 500))
    assert metrics.cohen_kappa(first, second) == pytest.approx(reference.cohen_kappa_score(first, second), abs=1e-12)
    words = np.array([f"class {label}" for label in range(23)])
    assert metrics.cohen_kappa(words[first], words[second]) == pytest.approx(
        metrics.cohen_kappa(first, second), abs=1e-12
    )


def test_fifty_proposals_read_by_two_readers() -> None:
    # The usual worked case: 20 both yes, 15 both no, 5 and 10 differ; p_o = .7, p_e = .5.
    first = np.repeat(["yes", "yes", "no", "no"], [20, 5, 10, 15])
    second = np.repeat(["yes", "no", "yes", "no"], [20, 5, 10, 15])
    assert metrics.cohen_kappa(first, second) == pytest.approx(0.4)


def test_without_sounds_or_with_one_class_kappa_is_not_known() -> None:
    assert np.isnan(metrics.cohen_kappa(np.array([], int), np.array([], int)))
    assert np.isnan(metrics.cohen_kappa(np.array([3, 3]), np.array([3, 3])))
