"""Classes and groups, worked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bstviz.evaluation.per_class import by_class, by_group, grouping_columns
from bstviz.models.run import Run
from tests.fakes import answers_of


@pytest.fixture
def run(runs: dict[str, Run]) -> Run:
    return runs["audio"]


def test_classes_have_accuracy_precision_support_and_mean_confidence(run: Run) -> None:
    truth, predicted = np.array([0, 0, 0, 0, 5, 5]), np.array([0, 0, 0, 5, 5, 7])
    table = by_class(answers_of(run, truth, predicted, annotation_confidence=np.array([1, 2, np.nan, 3, 4, 4])))
    assert table["label"].tolist() == [0, 5]
    assert table["sounds"].tolist() == [4, 2]
    assert table["accuracy"].tolist() == [0.75, 0.5]
    assert table["precision"].tolist() == [1, 0.5]
    assert table["confidence"].tolist() == [2, 4]


def test_the_interval_of_a_class_is_wilson_s(run: Run) -> None:
    """R. G. Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I: 81 of 263."""
    truth = np.zeros(263, int)
    row = by_class(answers_of(run, truth, (np.arange(263) >= 81).astype(int))).iloc[0]
    assert (row["low"], row["high"]) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_a_class_never_predicted_has_no_precision_and_none_without_annotators_no_confidence(run: Run) -> None:
    row = by_class(answers_of(run, np.array([2]), np.array([3]))).iloc[0]
    assert np.isnan(row["precision"])
    assert np.isnan(row["confidence"])


def test_groups_are_judged_by_what_others_make_of_their_classes(run: Run) -> None:
    """Group a: 4 of class 0, all wrong; b: 4 of class 0, 1 wrong; c: 2 of class 1, both wrong, which no other has."""
    truth = np.array([0] * 8 + [1] * 2)
    predicted = np.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0])
    groups = np.array(["a"] * 4 + ["b"] * 4 + ["c"] * 2, object)
    table = by_group(answers_of(run, truth, predicted), groups).set_index("group")
    assert table.index.tolist() == ["a", "c", "b"]
    assert table["errors"].to_dict() == {"a": 4, "b": 1, "c": 2}
    assert table.loc["a", ["accuracy", "expected", "excess"]].tolist() == [0, 0.75, 3]
    assert table.loc["b", ["accuracy", "expected", "excess"]].tolist() == [0.75, 0, -3]
    assert table.loc["c", "expected"] == pytest.approx(
        3 / 8
    )  # no other group has its class: all others' sounds are taken
    assert table.loc["c", "excess"] == pytest.approx(2 - 2 * 5 / 8)


def test_sounds_without_a_group_are_left_out(run: Run) -> None:
    groups = np.array(["a", None, np.nan, "a"], object)
    answers = answers_of(run, np.zeros(4, int), np.zeros(4, int))
    assert by_group(answers, groups)["sounds"].tolist() == [2]
    assert by_group(answers, np.full(4, None, object)).empty


def test_columns_that_group_are_shared_words_and_numbers() -> None:
    table = pd.DataFrame(
        {
            "sound_id": list("abcd"),
            "title": ["x", "x", "y", "y"],
            "uploader": ["u", "u", "v", None],
            "test_fold": [0, 1, 0, 1],
            "duration": [1.0, 1.0, 2.0, 3.0],
            "file_id": [1, 2, 3, 4],
            "same": ["s"] * 4,
        }
    )
    assert grouping_columns(table) == ["uploader", "test_fold"]
