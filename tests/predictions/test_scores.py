"""Scores of predictions, against numbers worked by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bstviz.datasets.collection import Collection
from bstviz.errors import UserError
from bstviz.predictions.scores import score
from bstviz.predictions.table import PredictionTable


def predictions(collection: Collection, codes: list[str]) -> PredictionTable:
    labels = collection.taxonomy.encode(codes)
    certain = np.eye(len(collection.taxonomy.codes), dtype=np.float32)[labels]
    return PredictionTable(collection.sounds["sound_id"].to_numpy(object)[: len(labels)], labels, certain, "none")


def test_all_right_is_one(collection: Collection) -> None:
    found = score(predictions(collection, collection.sounds["class"].tolist()), collection).metrics
    names = ("hierarchical_precision", "hierarchical_recall", "hierarchical_f1", "second_accuracy", "top_accuracy")
    assert [found[name] for name in names] == [1.0] * 5


def test_a_class_that_is_never_predicted_counts_as_nothing_or_not_at_all(collection: Collection) -> None:
    """Six classes of eight sounds; Animals are all called Vehicles, of the same top-level class.

    Animals: precision and F1 0, recall 0.375. Vehicles: precision (8 + 8 x 0.375) / 16 = 0.6875, recall 1. The four
    others 1.
    """
    told = [code.replace("fx-a", "fx-v") for code in collection.sounds["class"]]
    found = score(predictions(collection, told), collection)
    assert found.never_predicted == ("fx-a",)
    vehicles = 2 * 0.6875 / 1.6875
    assert found.metrics["hierarchical_precision"] == pytest.approx((4 + 0.6875) / 6)
    assert found.metrics["hierarchical_recall"] == pytest.approx((5 + 0.375) / 6)
    assert found.metrics["hierarchical_f1"] == pytest.approx((4 + vehicles) / 6)
    assert found.metrics["hierarchical_precision_drop_unpredicted"] == pytest.approx((4 + 0.6875) / 5)
    assert found.metrics["hierarchical_recall_drop_unpredicted"] == pytest.approx(1)
    assert found.metrics["hierarchical_f1_drop_unpredicted"] == pytest.approx((4 + vehicles) / 5)


def test_what_is_left_out_is_counted(collection: Collection) -> None:
    found = score(predictions(collection, collection.sounds["class"].tolist()[:30]), collection)
    assert (found.without_prediction, found.unknown, found.metrics["n"]) == (18, 0, 30)
    unlabelled = replace(collection, sounds=collection.sounds.assign(**{"class": None}))
    with pytest.raises(UserError, match="None of the 0 labelled sounds"):
        score(predictions(collection, ["fx-a"]), unlabelled)
