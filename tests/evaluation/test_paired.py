"""Paired comparison of two models: hand-worked cases, and statsmodels and SciPy on small ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats import contingency_tables, multitest

from bstviz.datasets.taxonomy import bst
from bstviz.errors import UserError
from bstviz.evaluation import metrics, paired
from bstviz.evaluation.bootstrap import LEAST_UNITS, unit_codes
from bstviz.evaluation.paired import MEASURES, compare, holm, mcnemar

BST = bst()
FLIPPED = {
    "first": "second",
    "second": "first",
    "only_first": "only_second",
    "only_second": "only_first",
    "low": "high",
    "high": "low",
}


def sure(labels: np.ndarray) -> np.ndarray:
    """Probabilities (n, C) float32 that are certain of labels."""
    return np.eye(23, dtype=np.float32)[labels]


def made_up(n: int, accuracy: float, truth: np.ndarray, seed: int) -> np.ndarray:
    """Probabilities (n, C) float32 of a model that is right on so many."""
    rng = np.random.default_rng(seed)
    out = rng.dirichlet(np.ones(23), n)
    out[np.arange(n), truth] += rng.random(n) < accuracy
    return (out / out.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def case() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels and two models' probabilities of 600 sounds."""
    truth = np.random.default_rng(0).integers(0, 23, 600)
    return truth, made_up(600, 0.6, truth, 1), made_up(600, 0.7, truth, 2)


def test_mcnemar_by_hand() -> None:
    """Of 6 sounds on which they differ, one goes one way: 2 (1 + 6) / 2^6."""
    assert mcnemar(1, 5) == mcnemar(5, 1) == pytest.approx(14 / 64)
    assert mcnemar(0, 0) == 1
    assert mcnemar(3, 3) == 1
    assert mcnemar(0, 10) == pytest.approx(2 / 2**10)


@pytest.mark.parametrize(("only_first", "only_second"), [(3, 11), (40, 25), (0, 7), (310, 352)])
def test_mcnemar_is_that_of_statsmodels(only_first: int, only_second: int) -> None:
    expected = contingency_tables.mcnemar([[500, only_first], [only_second, 100]], exact=True).pvalue
    assert mcnemar(only_first, only_second) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
def test_holm_is_that_of_statsmodels(seed: int) -> None:
    p = np.random.default_rng(seed).random(23) ** 3
    np.testing.assert_allclose(holm(p), multitest.multipletests(p, method="holm")[1])


def test_holm_by_hand_and_without_what_is_missing() -> None:
    np.testing.assert_allclose(holm(np.array([0.04, np.nan, 0.01, 0.03])), [0.06, np.nan, 0.03, 0.06])
    assert holm(np.full(2, np.nan)).shape == (2,)


def test_four_sounds_by_hand() -> None:
    """First right on two of four; the second on one of them and another. All top-level classes but one are right."""
    truth = np.array([0, 0, 1, 3])  # m-sp, m-sp, m-si, is-p
    first, second = sure(np.array([0, 1, 0, 3])), sure(np.array([0, 0, 0, 0]))
    found = compare(truth, first, second, BST, resamples=10)
    second_level, top = found.measures.loc["second_accuracy"], found.measures.loc["top_accuracy"]
    assert (second_level["first"], second_level["second"], second_level["difference"]) == (0.5, 0.5, 0)
    assert (second_level["only_first"], second_level["only_second"], second_level["mcnemar_p"]) == (1, 1, 1)
    assert (top["first"], top["second"], top["difference"]) == (1, 0.75, -0.25)
    assert (top["only_first"], top["only_second"], top["mcnemar_p"]) == (1, 0, 1)
    assert found.classes["code"].tolist() == ["m-sp", "m-si", "is-p"]
    assert found.classes["difference"].tolist() == [0.5, 0, -1]
    assert found.tested == 0  # of fewer than 20 sounds nothing is said


def test_the_two_decodings_of_the_top_level() -> None:
    """is-p is the best class, but music has the greater mass."""
    mass = np.zeros((1, 23), np.float32)
    mass[0, [0, 1, 3]] = 0.3, 0.3, 0.4
    found = compare(np.array([2]), mass, sure(np.array([2])), BST, resamples=10)
    assert found.measures["first"].loc[["top_accuracy", "top_accuracy_by_mass"]].tolist() == [0, 1]


def test_measures_are_those_of_the_core(case) -> None:
    truth, first, second = case
    measures = compare(truth, first, second, BST, resamples=10).measures
    assert list(measures.index) == list(MEASURES)
    for place, probabilities in (("first", first), ("second", second)):
        expected = metrics.evaluate(truth, probabilities, BST.parents)
        for name in ("second_accuracy", "top_accuracy", "hierarchical_f1"):
            assert measures.loc[name, place] == pytest.approx(expected[name])
    assert pd.isna(measures.loc["hierarchical_f1", "mcnemar_p"])
    assert pd.isna(measures.loc["hierarchical_f1", "only_first"])


def test_resampled_differences_are_the_measures_of_the_resampled_sounds(case) -> None:
    """One draw, made again by hand: every sound as often as it was drawn, judged by the metrics of the core."""
    truth, first, second = case
    right = [paired._right(truth, p, BST) for p in (first, second)]
    best = [p.argmax(axis=1) for p in (first, second)]
    sums = paired._sums_by_unit(truth, best, right[1].astype(int) - right[0], BST.parents, np.arange(600))
    times = np.bincount(np.random.default_rng(3).integers(600, size=600), minlength=600)
    (drawn,) = paired._differences((times @ sums)[None], np.arange(23))
    rows = np.repeat(np.arange(600), times)
    scores = [metrics.evaluate(truth[rows], p[rows], BST.parents) for p in (first, second)]
    for place, name in enumerate(MEASURES):
        if name in scores[0]:
            assert drawn[place] == pytest.approx(scores[1][name] - scores[0][name])
    recalls = [metrics.class_accuracy(truth[rows], labels[rows], 23) for labels in best]
    np.testing.assert_allclose(drawn[4:], recalls[1] - recalls[0], atol=1e-12)


def test_the_interval_of_sounds_one_by_one_is_that_of_scipy(case) -> None:
    truth, first, second = case
    changed = (second.argmax(axis=1) == truth).astype(float) - (first.argmax(axis=1) == truth)
    expected = stats.bootstrap((changed,), np.mean, n_resamples=5_000, method="percentile", rng=1).confidence_interval
    row = compare(truth, first, second, BST).measures.loc["second_accuracy"]
    assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high), abs=0.003)


def test_both_tests_agree_where_sounds_are_independent(case) -> None:
    measures = compare(*case, BST).measures.drop(index="hierarchical_f1")
    assert measures["bootstrap_p"].to_numpy() == pytest.approx(measures["mcnemar_p"].to_numpy(), abs=0.02)
    outside = (measures["low"] > 0) | (measures["high"] < 0)
    np.testing.assert_array_equal(outside, measures["bootstrap_p"] < 0.05)


def test_sounds_that_stand_or_fall_together_widen_the_interval_and_leave_the_difference(case) -> None:
    """Every sound ten times, as one group: as wide as without the copies; drawn alone, narrower by √10."""
    truth, first, second = (np.repeat(values, 10, axis=0) for values in case)
    once = compare(*case, BST, resamples=2_000).measures.loc["second_accuracy"]
    together = compare(truth, first, second, BST, np.repeat(np.arange(600), 10), resamples=2_000)
    alone = compare(truth, first, second, BST, resamples=2_000).measures.loc["second_accuracy"]
    grouped = together.measures.loc["second_accuracy"]
    assert (together.sounds, together.units) == (6_000, 600)
    assert once["difference"] == pytest.approx(grouped["difference"]) == pytest.approx(alone["difference"])
    assert (grouped["low"], grouped["high"]) == (once["low"], once["high"])
    assert (grouped["high"] - grouped["low"]) / (alone["high"] - alone["low"]) == pytest.approx(np.sqrt(10), rel=0.1)


def test_of_one_group_every_draw_is_the_same_and_nothing_is_said(case) -> None:
    truth, first, second = case
    right = [paired._right(truth, p, BST) for p in (first, second)]
    best = [p.argmax(axis=1) for p in (first, second)]
    sums = paired._sums_by_unit(truth, best, right[1].astype(int) - right[0], BST.parents, np.zeros(600, int))
    drawn = paired._differences(paired.resampled_sums(sums, resamples=50), np.arange(23))
    assert (drawn == drawn[0]).all()
    found = compare(truth, first, second, BST, np.zeros(600, int), resamples=50)
    assert found.units == 1
    assert found.measures[["low", "high", "bootstrap_p"]].isna().all(axis=None)
    assert found.measures["mcnemar_p"].notna().sum() == 3
    assert found.tested == 0


def test_the_other_way_round_all_signs_change(case) -> None:
    truth, first, second = case
    there, back = compare(truth, first, second, BST, resamples=500), compare(truth, second, first, BST, resamples=500)
    for one, other in ((there.measures, back.measures), (there.classes, back.classes)):
        swapped = other.rename(columns=FLIPPED)
        swapped[["difference", "low", "high"]] *= -1
        pd.testing.assert_frame_equal(one, swapped[one.columns])


def test_a_model_against_itself_differs_in_nothing(case) -> None:
    truth, first, _ = case
    found = compare(truth, first, first, BST, resamples=50)
    assert (found.measures[["difference", "low", "high"]] == 0).all(axis=None)
    assert (found.measures["bootstrap_p"] == 1).all()
    assert found.differing.empty


def test_a_class_that_one_model_loses_survives_holm_and_is_named() -> None:
    truth = np.repeat(np.arange(23), 40)
    worse = truth.copy()
    worse[truth == 5] = np.where(np.arange(40) < 25, 6, 5)
    found = compare(truth, sure(truth), sure(worse), BST)
    assert found.tested == 23
    (row,) = (row for _, row in found.differing.iterrows())
    assert (row["code"], row["sounds"], row["only_first"], row["only_second"]) == (BST.codes[5], 40, 25, 0)
    assert row["difference"] == pytest.approx(-25 / 40)
    assert row["mcnemar_holm"] == pytest.approx(23 * row["mcnemar_p"])
    by_one = compare(truth, sure(truth), sure(worse), BST, np.where(truth == 5, 0, np.arange(len(truth))))
    assert by_one.tested == 22
    assert by_one.differing.empty  # all of one uploader: nothing can be said of the class


def test_classes_of_few_units_are_not_counted_by_holm() -> None:
    truth = np.concatenate([np.zeros(LEAST_UNITS, int), np.ones(LEAST_UNITS - 1, int)])
    found = compare(truth, sure(truth), sure(np.zeros(len(truth), int)), BST, resamples=50)
    assert found.tested == 1
    assert found.classes.loc[1, ["mcnemar_p", "mcnemar_holm", "bootstrap_holm"]].isna().all()


def test_without_sounds_there_is_nothing_to_compare() -> None:
    with pytest.raises(UserError, match="no sound to compare"):
        compare(np.zeros(0, int), np.zeros((0, 23)), np.zeros((0, 23)), BST)


@pytest.mark.data
def test_real_answers_drawn_by_uploader(shared_data: Path) -> None:
    """The public baseline's audio + text against its audio answers to BSD10k: far apart, in every measure."""
    sounds = pd.read_parquet(shared_data / "bsd10k_v1.2.parquet")
    predictions = pd.read_parquet(shared_data / "bsd10k_clap_predictions.parquet").set_index("sound_id")
    first, second = (
        sure(BST.encode(predictions[f"baseline__{kind}__pred"].loc[sounds["sound_id"]])) for kind in ("audio", "both")
    )
    truth, uploaders = BST.encode(sounds["class"]), sounds.set_index("sound_id")["uploader"].dropna()
    found = compare(truth, first, second, BST, unit_codes(sounds["sound_id"].to_numpy(), uploaders.to_dict()))
    assert found.units == uploaders.nunique() + sounds["uploader"].isna().sum()
    assert (found.measures["low"] > 0).all()
    hits = [(p.argmax(axis=1) == truth) for p in (first, second)]
    table = pd.crosstab(hits[0], hits[1])
    expected = contingency_tables.mcnemar(table, exact=True).pvalue
    assert found.measures.loc["second_accuracy", "mcnemar_p"] == pytest.approx(expected)
