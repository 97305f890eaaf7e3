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
        (TABLE.assign(id=["7", "7"]), "line 3 has the id '7', as a row before it"),
        (TABLE.assign(id=["7", None]), "line 3 has no id"),
        (
            TABLE.assign(predicted_bst_second_level_class=["fx-a", "fx-other"]),
            "line 3 holds 'fx-other', which is no",
        ),
        (TABLE.assign(prediction_score=[0.5, 1.5]), "line 3 holds 1.5, which is no probability"),
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
    (tmp_path / "p.txt").write_text("id")
    with pytest.raises(UserError, match=r"neither \.csv, .* nor \.parquet"):
        read_predictions(tmp_path / "p.txt", bst())
    with pytest.raises(UserError, match="There is no table"):
        read_predictions(tmp_path / "p.csv", bst())
    (tmp_path / "p.parquet").write_bytes(b"no parquet")
    with pytest.raises(UserError, match="is damaged"):
        read_predictions(tmp_path / "p.parquet", bst())


def test_tables_of_spreadsheets_are_read_as_everywhere(tmp_path: Path) -> None:
    """Semicolons, decimal commas, Windows-1252, blank rows, capitals, names of classes, ids that look like numbers."""
    text = "Take;Guess;Sure\nTür 1;Animals;0,5\n;;\n1.50;FX_v;0,75\n007;405;1\n"
    (tmp_path / "p.csv").write_bytes(text.encode("cp1252"))
    read = read_predictions(tmp_path / "p.csv", bst(), id_column="Take", class_column="Guess", score_column="Sure")
    assert read.sound_ids.tolist() == ["Tür 1", "1.50", "007"]
    assert [CODES[i] for i in read.labels] == ["fx-a", "fx-v", CODES[by_index(405)]]
    np.testing.assert_allclose(read.scores, [0.5, 0.75, 1], rtol=1e-6)
    for words in ("semicolon", "Windows-1252", "1 blank row", "'Animals' as fx-a"):
        assert any(words in note for note in read.notes), words


def by_index(index: int) -> int:
    return next(label for label, c in enumerate(bst().second) if c.index == index)


def test_ids_that_a_program_made_fractions_are_whole(tmp_path: Path) -> None:
    rows = pd.DataFrame({"sound_id": [7.0, 9.0], "predicted": ["fx-a", "m-sp"]})
    rows.to_parquet(tmp_path / "p.parquet")
    assert read_predictions(tmp_path / "p.parquet", bst()).sound_ids.tolist() == ["7", "9"]
    assert read_predictions(written(rows, tmp_path), bst()).sound_ids.tolist() == ["7", "9"]


def test_columns_are_named_as_the_file_or_as_they_are_read(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("File Name,Label\na.wav,fx-a\n")
    for id_column, class_column in (("File Name", "Label"), ("file_name", "label")):
        read = read_predictions(tmp_path / "p.csv", bst(), id_column=id_column, class_column=class_column)
        assert read.sound_ids.tolist() == ["a.wav"]


def test_what_is_written_computes_nothing_and_finds_its_sounds_again(tmp_path: Path) -> None:
    ids = np.array(["=1+1", "NA", " blank .wav", "a,b\n"], object)
    labels = np.arange(4)
    before = PredictionTable(ids, labels, spread_evenly(labels, np.full(4, 0.5), len(CODES)))
    file = write_predictions(before, bst(), tmp_path / "p.csv")
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    assert b"'=1+1" in file.read_bytes()
    after = read_predictions(file, bst())
    assert after.rows_of(ids).tolist() == [0, 1, 2, 3]
    assert after.rows_of(["nowhere"]).tolist() == [-1]
