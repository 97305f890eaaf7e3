"""Tables of predictions, from any model: what is read is what was meant, or refused in a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bstviz.datasets.taxonomy import bst
from bstviz.errors import UserError
from bstviz.predictions.table import PredictionTable, read_predictions, spread_evenly, write_predictions

CODES = bst().codes
TABLE = pd.DataFrame({"id": ["7", "9"], "predicted_bst_second_level_class": ["fx-a", "m-sp"]})


def written(table: pd.DataFrame, folder: Path) -> Path:
    table.to_csv(folder / "predictions.csv", index=False)
    return folder / "predictions.csv"


def test_a_submission_reads_with_its_scores_spread_over_the_other_classes(tmp_path: Path) -> None:
    read = read_predictions(written(TABLE.assign(prediction_score=[0.5, 0.9]), tmp_path), bst())
    assert read.sound_ids.tolist() == ["7", "9"]
    assert [CODES[i] for i in read.labels] == ["fx-a", "m-sp"]
    assert read.given == "score"
    np.testing.assert_allclose(read.scores, [0.5, 0.9], rtol=1e-6)
    np.testing.assert_allclose(read.probabilities[0, CODES.index("m-sp")], 0.5 / 22, rtol=1e-6)
    np.testing.assert_allclose(read.probabilities.sum(axis=1), 1, rtol=1e-6)


def test_classes_alone_are_certain(tmp_path: Path) -> None:
    read = read_predictions(written(TABLE, tmp_path), bst())
    assert read.given == "none"
    assert read.scores.tolist() == [1, 1]


def test_official_indices_are_classes(tmp_path: Path) -> None:
    index = str(bst()["fx-a"].index)
    read = read_predictions(written(TABLE.assign(mine=[index, "m-sp"]), tmp_path), bst(), class_column="mine")
    assert [CODES[i] for i in read.labels] == ["fx-a", "m-sp"]


def test_a_score_below_one_over_the_classes_leaves_the_predicted_class_the_most_probable() -> None:
    labels = np.array([3, 22])
    probabilities = spread_evenly(labels, np.array([0.0, 1 / 23]), 23)
    assert probabilities.argmax(axis=1).tolist() == [3, 22]


def test_what_is_written_reads_back_the_same(tmp_path: Path) -> None:
    probabilities = np.random.default_rng(0).dirichlet(np.ones(len(CODES)), 5).astype(np.float32)
    before = PredictionTable(np.array(list("abcde"), object), probabilities.argmax(axis=1), probabilities)
    after = read_predictions(write_predictions(before, bst(), tmp_path / "p.csv"), bst())
    assert after.given == "classes"
    assert after.labels.tolist() == before.labels.tolist()
    np.testing.assert_allclose(after.probabilities, before.probabilities, rtol=1e-6)


def test_probabilities_that_were_rounded_to_a_tie_keep_the_predicted_class(tmp_path: Path) -> None:
    table = TABLE.assign(**dict.fromkeys(CODES, 0.0))
    table["m-sp"], table["fx-a"] = 0.5, 0.5
    read = read_predictions(written(table, tmp_path), bst())
    assert read.probabilities.argmax(axis=1).tolist() == read.labels.tolist()


def test_another_models_columns_are_taken_by_name(tmp_path: Path) -> None:
    table = pd.DataFrame({"sound_id": [5], "class": ["fx-v"], "theirs": ["fx-a"], "sure": [0.75]})
    table.to_parquet(tmp_path / "p.parquet")
    read = read_predictions(tmp_path / "p.parquet", bst(), class_column="theirs", score_column="sure")
    assert (read.sound_ids.tolist(), CODES[read.labels[0]], float(read.scores[0])) == (["5"], "fx-a", 0.75)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (TABLE.assign(id=["7", "7"]), "'7' twice"),
        (TABLE.assign(predicted_bst_second_level_class=["fx-a", "fx-other"]), "'fx-other', which is no second-level"),
        (TABLE.assign(prediction_score=[0.5, 1.5]), "'1.5' is no probability"),
        (TABLE.rename(columns={"id": "name"}), "no column sound_id or id; it has name.*--id-column"),
        (TABLE[["id"]], "no column predicted or .*--class-column"),
        (TABLE.assign(**dict.fromkeys(CODES, 0.5)), "sum to 11.5; they must sum to 1"),
        (TABLE.assign(**{c: float(c == "ss-n") for c in CODES}), "of 2 sounds the predicted class is not the most"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(table: pd.DataFrame, says: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=says):
        read_predictions(written(table, tmp_path), bst())


def test_another_kind_of_file_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"must end in \.csv or \.parquet"):
        read_predictions(tmp_path / "p.txt", bst())
    with pytest.raises(UserError, match="There is no file"):
        read_predictions(tmp_path / "p.csv", bst())
    (tmp_path / "p.parquet").write_bytes(b"no parquet")
    with pytest.raises(UserError, match="is damaged"):
        read_predictions(tmp_path / "p.parquet", bst())
