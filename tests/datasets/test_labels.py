"""Classes as people write them."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from bstviz.datasets import table
from bstviz.datasets.labels import codes_by_key, plain_key
from bstviz.datasets.taxonomy import bst, load_taxonomy
from bstviz.errors import UserError


def classes(folder: Path, text: str, **options: str) -> tuple[list[str | None], tuple[str, ...]]:
    (folder / "t.csv").write_text(text)
    found = table.load(folder / "t.csv", **options)  # type: ignore[arg-type]
    return [c if isinstance(c, str) else None for c in found.sounds["class"]], found.notes


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("fx-a", "fx-a"),
        ("FX_A", "fx-a"),
        ("fx a", "fx-a"),
        ("ANIMALS", "fx-a"),
        ("Sound effects / Animals", "fx-a"),
        ("fx > animals", "fx-a"),
        ("405", "fx-a"),
        ("Piano/keyboard  instruments", "is-k"),
        ("solo PERCUSSION", "m-sp"),
        ("Percussion", "is-p"),
    ],
)
def test_a_class_is_known_by_code_name_or_index_in_any_case(tmp_path: Path, written: str, code: str) -> None:
    index = {c.code: c.index for c in bst().second}["fx-a"]
    written = str(index) if written == "405" else written
    found, notes = classes(tmp_path, f"sound_id,class\n1, {written} \n2,\n")
    assert found == [code, None]
    assert (written == code) == (not any("mapped" in note for note in notes))


def test_every_class_is_known_by_its_own_name_and_code() -> None:
    known = codes_by_key(bst())
    for c in bst().second:
        assert known[plain_key(c.code)] == c.code
        assert known[plain_key(c.name)] == c.code
    assert known[plain_key("Music")] == "m"


@pytest.mark.parametrize("column", ["label", "Category", "class_name", "class_idx"])
def test_other_columns_of_classes_are_found_and_said(tmp_path: Path, column: str) -> None:
    value = "401" if column == "class_idx" else "fx-o"
    found, notes = classes(tmp_path, f"sound_id,{column}\n1,{value}\n")
    assert found == ["fx-o"]
    assert any("Classes are those of column" in note for note in notes)


def test_the_column_of_classes_can_be_named(tmp_path: Path) -> None:
    text = "sound_id,class,mine\n1,x,fx-a\n2,y,Solo percussion\n"
    assert classes(tmp_path, text, class_from="mine")[0] == ["fx-a", "m-sp"]
    with pytest.raises(UserError, match="allowed are folder and the columns, sound_id, class, mine"):
        classes(tmp_path, text, class_from="other")
    with pytest.raises(UserError, match=r"no sound has a class of bst; found 'x', 'y'.*fx-a Animals"):
        classes(tmp_path, text, class_from="class")


def test_folders_are_classes_on_request(tmp_path: Path) -> None:
    text = "path\ntrain/Animals/1.wav\ntrain\\fx-o\\set 2\\2.wav\n3.wav\n"
    assert classes(tmp_path, text, class_from="folder")[0] == ["fx-a", "fx-o", None]


def test_what_is_no_class_is_counted_with_the_known_ones_beside_it(tmp_path: Path) -> None:
    found, notes = classes(tmp_path, "sound_id,class\n1,fx-a\n2,dog\n3,dog\n")
    assert found == ["fx-a", None, None]
    assert any("2 sounds of class 'dog'" in note for note in notes)
    assert any("fx-a Animals" in note for note in notes)


@pytest.mark.parametrize("text", ["sound_id,class\n1,dog\n", "sound_id,title\n1,dog\n"])
def test_no_labelled_sound_is_never_a_quiet_success(tmp_path: Path, text: str) -> None:
    found, notes = classes(tmp_path, text)
    assert found == [None]
    assert any(note.startswith("NO SOUND HAS A CLASS") and "--class-from" in note for note in notes)


def test_thousands_of_unknown_classes_are_not_thousands_of_notes(tmp_path: Path) -> None:
    rows = "".join(f"{i},c{i}\n" for i in range(500))
    assert len(classes(tmp_path, "sound_id,class\nx,fx-a\n" + rows)[1]) < 12


def test_names_behind_numbers_are_taken_from_hugging_faces_metadata(tmp_path: Path) -> None:
    features = {"label": {"names": ["Animals", "dog", "Solo percussion"], "_type": "ClassLabel"}}
    rows = pa.Table.from_pandas(pd.DataFrame({"sound_id": ["a", "b", "c"], "label": [2, 0, 1]}))
    rows = rows.replace_schema_metadata({b"huggingface": json.dumps({"info": {"features": features}}).encode()})
    parquet.write_table(rows, tmp_path / "t.parquet")
    found = table.load(tmp_path / "t.parquet")
    assert found.sounds["class"].fillna("").tolist() == ["m-sp", "fx-a", ""]


def test_names_that_two_classes_share_name_none(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("code,parent,name\nx,,Birds\ny,,Mice\nx-o,x,Other\ny-o,y,Other\n")
    known = codes_by_key(load_taxonomy(tmp_path / "own.csv"))
    assert "other" not in known
    assert known["birds other"] == "x-o"
