from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd

from bstviz.datasets.reading import read_table
from bstviz.datasets.writing import csv_bytes, parquet_bytes

WORDS = ["=HYPERLINK(1)", "-1+1", "@SUM(1)", "+3", "Türe – 門", "plain"]
TABLE = pd.DataFrame({"sound_id": WORDS, "number": [-1.5, 2, 3, 4, 5, 6], "=head": "x"})


def test_csv_has_the_mark_of_utf8_and_no_cell_that_is_computed(tmp_path: Path) -> None:
    data = csv_bytes(TABLE)
    assert data.startswith(b"\xef\xbb\xbf")
    (tmp_path / "t.csv").write_bytes(data)
    raw = pd.read_csv(tmp_path / "t.csv", dtype=str)
    assert not raw["sound_id"].str.startswith(("=", "+", "-", "@")).any()
    assert raw["number"].iloc[0] == "-1.5"
    assert raw.columns.tolist() == ["sound_id", "number", "'=head"]


def test_what_was_written_is_read_back_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(csv_bytes(TABLE))
    table = read_table(tmp_path / "t.csv")
    assert table.rows["sound_id"].tolist() == WORDS
    assert any("4 cells" in note for note in table.notes)


def test_parquet_comes_whatever_the_columns_hold() -> None:
    odd = pd.DataFrame(
        {
            "mixed": [1, "a", None],
            "words": [["a", "b"], ["c"], None],
            "meta": [{"a": 1}, {}, None],
            "far": [np.inf, 1.0, np.nan],
        }
    )
    odd.insert(1, "mixed", [1, 2, 3], allow_duplicates=True)
    read = pd.read_parquet(io.BytesIO(parquet_bytes(odd)))
    assert read.columns.tolist() == ["mixed", "mixed (2)", "words", "far"]
    assert read["words"].tolist()[:2] == ["a,b", "c"]
    assert read["far"].isna().tolist() == [True, False, True]
    assert csv_bytes(odd).startswith(b"\xef\xbb\xbfmixed,")
