"""Files of strangers: what they claim is not believed, and a sentence says what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet
from safetensors.numpy import save_file

from bstviz import stored
from bstviz.errors import UserError


def test_a_table_reads_back_as_pandas_wrote_it(tmp_path: Path) -> None:
    n = 6
    table = pd.DataFrame(
        {
            "words": ["a", None, "c"] * 2,
            "whole": np.arange(n),
            "gaps": pd.array([1, None, 3] * 2, "Int8"),
            "share": np.linspace(0, 1, n, dtype=np.float32),
            "yes": pd.array([True, None, False] * 2, "boolean"),
            "when": pd.Timestamp("2020-01-01"),
            "lists": [["a", "b"], ["c"], []] * 2,
        }
    )
    table.to_parquet(tmp_path / "t.parquet", index=False)
    found = stored.read_table(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(found.drop(columns="lists"), table.drop(columns="lists"))
    assert [list(row) for row in found["lists"]] == table["lists"].tolist()


def test_a_small_table_that_unpacks_to_terabytes_is_refused(tmp_path: Path) -> None:
    words = pa.DictionaryArray.from_arrays(pa.array(np.zeros(3_000_000, np.int32)), pa.array(["x" * 1_000_000]))
    nested = pa.ListArray.from_arrays(pa.array([0, 3_000_000], pa.int32()), words)
    for column in (words, nested):
        parquet.write_table(pa.table({"words": column}), tmp_path / "bomb.parquet")
        assert (tmp_path / "bomb.parquet").stat().st_size < 200_000
        with pytest.raises(UserError, match="would unpack to 3,0"):
            stored.read_table(tmp_path / "bomb.parquet")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), "two columns 'a'"),
        (pa.table({"a\nb": [1]}), "a column 'a\\\\nb'"),
        (pa.table({"raw": [b"x"]}), "column 'raw' is of type 'binary'"),
        (pa.table({"map": pa.array([[("a", "b")]], pa.map_(pa.string(), pa.string()))}), "column 'map' is of type"),
        (pa.table({"deep": pa.array([[[[[[1]]]]]])}), "column 'deep' is of type"),
    ],
)
def test_columns_of_another_kind_are_refused(table: pa.Table, message: str, tmp_path: Path) -> None:
    parquet.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(UserError, match=message):
        stored.read_table(tmp_path / "t.parquet")


@pytest.mark.parametrize("claimed", [2**62, 2**31, 0])
def test_tensors_whose_header_lies_are_refused(claimed: int, tmp_path: Path) -> None:
    save_file({"latents": np.zeros((3, 2), np.float32)}, tmp_path / "t.safetensors")
    data = (tmp_path / "t.safetensors").read_bytes()
    (tmp_path / "t.safetensors").write_bytes(claimed.to_bytes(8, "little") + data[8:])
    for read in (stored.read_tensors, lambda file: stored.map_tensor(file, "latents")):
        with pytest.raises(UserError, match="is damaged"):
            read(tmp_path / "t.safetensors")


def test_tensors_of_another_type_or_shape_are_refused(tmp_path: Path) -> None:
    save_file({"a": np.zeros(3, np.float64)}, tmp_path / "t.safetensors")
    with pytest.raises(UserError, match=r"'a' is float64 of shape \(3,\); allowed is float32 of 2 axes"):
        stored.read_tensors(tmp_path / "t.safetensors", {"a": ("float32", 2)})
    with pytest.raises(UserError, match="holds no tensor 'b'"):
        stored.read_tensors(tmp_path / "t.safetensors", {"b": ("float32", 2)})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"a": 1, "a": 2}', "'a' stands twice"),
        (f'{{"a": {"9" * 5_000}}}', "not valid JSON"),
        ("3", "allowed is an object"),
    ],
)
def test_json_that_is_no_plain_object_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        stored.parse_json(text, "head.json")


def test_a_text_larger_than_its_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_bytes(b"x" * 11)
    with pytest.raises(UserError, match="larger than 10 bytes"):
        stored.read_text(tmp_path / "t.txt", limit=10)
