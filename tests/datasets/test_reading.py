"""Tables as spreadsheets and other systems write them; each input is made here."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from bstviz.datasets import table
from bstviz.datasets.collection import Collection, load_collection
from bstviz.datasets.reading import read_table
from bstviz.errors import UserError

HEADER = "sound_id,class,title"
ROWS = ("s0,fx-a,rain", "s1,fx-a,wind", "s2,m-sp,drum")


def loaded(folder: Path, text: str | bytes, name: str = "t.csv", **options: object) -> Collection:
    """The collection of a table of this text, after a way to the disk and back."""
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_collection(table.load(file, **options).save(folder / "collection"))  # type: ignore[arg-type]


def said(collection: Collection, words: str) -> bool:
    return any(words in note for note in collection.notes)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (("s0,fx-a,t,", "s1,fx-a,t,"), r"line 2 has 4 cells.*line 1 names 3 columns \(sound_id, class, title\)"),
        (("s0,fx-a,rain", "s1,fx-a,rain, wind"), "line 3 has 4 cells"),
        (("s0,fx-a,rain", "s1,rain"), "line 3 has 2 cells"),
        (('s0,fx-a,"rain', "s1,fx-a,wind"), "line 2 opens a double quote"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_with_its_line(tmp_path: Path, rows: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        loaded(tmp_path, "\n".join((HEADER, *rows)))


def test_a_quoted_cell_may_hold_separators_quotes_and_lines(tmp_path: Path) -> None:
    text = f'{HEADER}\ns0,fx-a,"rain, ""hard""\nand wind\u2028too"\ns1,m-sp,x\n'
    assert loaded(tmp_path, text).sounds["title"].tolist() == ['rain, "hard"\nand wind\u2028too', "x"]
    with pytest.raises(UserError, match="line 5 has 2 cells"):  # lines within a cell count
        loaded(tmp_path, text + "s2,x\n")


@pytest.mark.parametrize(
    ("separator", "name", "word"),
    [(";", "t.csv", "semicolon"), ("\t", "t.csv", "tab"), ("|", "t.csv", "bar"), (",", "t.tsv", "comma")],
)
def test_separators_of_other_programs_are_found_and_said(tmp_path: Path, separator: str, name: str, word: str) -> None:
    rows = ("s0,fx-a,a;b" if separator != ";" else "s0,fx-a,a|b", *ROWS[1:])
    collection = loaded(tmp_path, "\r\n".join((HEADER, *rows)).replace(",", separator), name)
    assert collection.sounds["class"].tolist() == ["fx-a", "fx-a", "m-sp"]
    assert said(collection, f"separated by {word}") or said(collection, f"separated by vertical {word}")


def test_a_semicolon_table_may_have_commas_in_names_and_decimals(tmp_path: Path) -> None:
    collection = loaded(tmp_path, "sep=;\r\nsound_id;size, cm;note\r\n1;1,5;a, b\r\n2;2,25;c\r\n")
    assert collection.sounds["size, cm"].tolist() == [1.5, 2.25]
    assert collection.sounds["note"].tolist() == ["a, b", "c"]
    assert said(collection, "decimal commas")


@pytest.mark.parametrize(
    ("encoding", "word"),
    [("cp1252", "Windows-1252"), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16"), ("utf-8-sig", ""), ("utf-8", "")],
)
def test_encodings_that_spreadsheets_write_are_read_and_said(tmp_path: Path, encoding: str, word: str) -> None:
    separator = "\t" if "16" in encoding else ","
    text = "sound_id,class,title\ns0,fx-a,Tür – naß\n".replace(",", separator)
    collection = loaded(tmp_path, text.encode(encoding))
    assert collection.sounds[["sound_id", "title"]].iloc[0].tolist() == ["s0", "Tür – naß"]
    assert said(collection, word) if word else not said(collection, "read as")


def test_bytes_of_no_known_encoding_are_refused_with_line_and_column(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="byte 0x81 at line 2, column 4"):
        loaded(tmp_path, b"sound_id,title\ns0,\x81\xfc\n")
    with pytest.raises(UserError, match="Save it as CSV"):
        loaded(tmp_path, b"PK\x03\x04...")


def test_text_that_is_in_two_encodings_is_read_as_both_and_said(tmp_path: Path) -> None:
    """As where a program in Windows-1252 appends to a file in UTF-8."""
    rows = ["s0,fx-a,Tür\n".encode(), "s1,fx-a,Tür\n".encode("cp1252"), "s2,fx-a,雨 – rain\n".encode()]
    collection = loaded(tmp_path, b"sound_id,class,title\n" + b"".join(rows))
    assert collection.sounds["title"].tolist() == ["Tür", "Tür", "雨 – rain"]
    assert said(collection, "in UTF-8 but for 1 bytes, at line 3, column 10")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32"])
def test_wide_encodings_are_known_without_a_mark_and_by_one(tmp_path: Path, encoding: str) -> None:
    collection = loaded(tmp_path, "標題,sound_id,class\n雨の音,s0,fx-a\n".encode(encoding))
    assert collection.sounds[["sound_id", "class", "標題"]].iloc[0].tolist() == ["s0", "fx-a", "雨の音"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"sound_id,title\ns0,a\0b\n", "zero byte at line 2, column 5"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "it is a spreadsheet"),
        (gzip.compress(b"sound_id\n1\n", mtime=0), "it is compressed"),
        (b"PAR1....", "it is Parquet"),
        (b"sound_id,title\ns0,a\ns1," + b"x" * 2**21, "line 3: a cell of over"),
    ],
)
def test_what_is_no_text_or_no_cell_is_refused_by_what_it_is(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        loaded(tmp_path, data)


def test_a_cell_may_be_as_long_as_a_vector_in_words(tmp_path: Path) -> None:
    words = "[" + ", ".join(str(i / 7) for i in range(10_000)) + "]"
    collection = loaded(tmp_path, f'sound_id,class,emb\na,fx-a,"{words}"\n', vector="emb")
    assert collection.embedding("audio").shape == (1, 10_000)


@pytest.mark.parametrize("header", [" sound_id, class", "SOUND_ID,CLASS", "Sound ID , Class", "\u00a0sound_id,class"])
def test_headers_with_blanks_and_capitals_are_read(tmp_path: Path, header: str) -> None:
    collection = loaded(tmp_path, f"{header}\n s0 , fx-a\n")
    assert collection.sounds[["sound_id", "class"]].iloc[0].tolist() == ["s0", "fx-a"]


def test_columns_that_may_both_be_meant_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'Class' and 'CLASS'"):
        loaded(tmp_path, "sound_id,Class,CLASS\n1,fx-a,m-sp\n")
    twice = loaded(tmp_path, "sound_id,note,note\n1,a,b\n2,c,d\n")
    assert twice.sounds["note (2)"].tolist() == ["b", "d"]


def test_blank_rows_are_skipped_and_counted(tmp_path: Path) -> None:
    collection = loaded(tmp_path, "\n".join(("", HEADER, ROWS[0], "", ",,", ROWS[1], ",,,,", "")))
    assert len(collection) == 2
    assert said(collection, "3 blank rows")


def test_columns_without_a_name_are_no_shift(tmp_path: Path) -> None:
    collection = loaded(tmp_path, ",sound_id,class,\n0,s0,fx-a,\n1,s1,m-sp,\n")
    assert collection.sounds["sound_id"].tolist() == ["s0", "s1"]
    assert said(collection, "numbers the rows")
    assert said(collection, "is blank")
    assert loaded(tmp_path, "sound_id,\n1,x\n2,y\n").sounds["column 2"].tolist() == ["x", "y"]


def test_words_that_look_like_nothing_or_numbers_stay_words(tmp_path: Path) -> None:
    text = "sound_id,class,title,uploader,site\n007,fx-a,NA,None,007\n08,fx-a,null,nan,0070\n9,m-sp,1e5,NULL,12\n"
    sounds = loaded(tmp_path, text).sounds
    assert sounds["sound_id"].tolist() == ["007", "08", "9"]
    assert sounds["title"].tolist() == ["NA", "null", "1e5"]
    assert sounds["uploader"].tolist() == ["None", "nan", "NULL"]
    assert sounds["site"].tolist() == ["007", "0070", "12"]


def test_columns_of_numbers_truth_and_long_ids_are_told_apart(tmp_path: Path) -> None:
    text = "sound_id,bpm,loop,code\n1,120,TRUE,12345678901234567890\n2,NA,False,12345678901234567891\n3,90.5,,\n"
    collection = loaded(tmp_path, text)
    assert collection.sounds["bpm"].isna().tolist() == [False, True, False]
    assert collection.sounds["bpm"].sum() == 210.5
    assert collection.sounds["loop"].tolist()[:2] == [True, False]
    assert collection.sounds["code"].iloc[0] == "12345678901234567890"
    assert said(collection, "1 words such as NA")


def test_infinite_values_are_missing_and_counted(tmp_path: Path) -> None:
    collection = loaded(tmp_path, "sound_id,score\n1,inf\n2,-Infinity\n3,1e300\n4,0.5\n")
    assert collection.sounds["score"].isna().tolist() == [True, True, False, False]
    assert said(collection, "2 of score")


def test_times_that_no_calendar_knows_are_missing_and_counted(tmp_path: Path) -> None:
    when = pa.array([-(10**15), 10**15, 1_600_000_000], pa.timestamp("s"))
    parquet.write_table(pa.table({"sound_id": ["a", "b", "c"], "when": when}), tmp_path / "t.parquet")
    collection = table.load(tmp_path / "t.parquet")
    assert collection.sounds["when"].isna().tolist() == [True, True, False]
    assert said(collection, "2 of when")


def test_lists_of_words_are_joined_and_what_cannot_be_shown_is_left_out(tmp_path: Path) -> None:
    odd = {
        "sound_id": ["a", "b", "c"],
        "class": ["fx-a", "m-sp", None],
        "tags": [["dog", "bark"], [], None],
        "emb": [[0.0, 1.0]] * 3,
        "meta": [{"a": 1}] * 3,
        "when": pd.to_datetime(["2020-01-01"] * 3),
        "mixed": ["1", "x", None],
        "cat": pd.Categorical(["u", "v", None]),
    }
    pd.DataFrame(odd).to_parquet(tmp_path / "t.parquet")
    collection = load_collection(table.load(tmp_path / "t.parquet").save(tmp_path / "c"))
    assert collection.sounds["tags"].tolist()[0] == "dog,bark"
    assert collection.sounds["tags"].isna().tolist() == [False, True, True]
    assert not {"emb", "meta"} & set(collection.sounds)
    assert said(collection, "emb (lists), meta (dicts)")


@pytest.mark.parametrize("name", ["sound_id", None])
def test_an_index_of_ids_is_their_column(tmp_path: Path, name: str | None) -> None:
    ids = pd.Index(["007", "8"], name=name)
    pd.DataFrame({"class": ["fx-a", "m-sp"]}, index=ids).to_parquet(tmp_path / "t.parquet")
    collection = table.load(tmp_path / "t.parquet")
    assert collection.sounds["sound_id"].tolist() == ["007", "8"]
    assert said(collection, "was read as sound_id")


def test_whole_ids_that_a_program_made_fractions_are_whole(tmp_path: Path) -> None:
    pd.DataFrame({"sound_id": [15.0, 21.0]}).to_parquet(tmp_path / "t.parquet")
    assert table.load(tmp_path / "t.parquet").sounds["sound_id"].tolist() == ["15", "21"]


def test_json_lines_and_lists_are_tables_too(tmp_path: Path) -> None:
    records = [{"sound_id": "a", "class": "fx-a", "tags": ["x", "y"]}, {"sound_id": "b", "class": "m-sp"}]
    lines = loaded(tmp_path, "\n".join(map(json.dumps, records)) + "\n\n", "t.jsonl")
    assert lines.sounds["tags"].tolist()[0] == "x,y"
    assert loaded(tmp_path, json.dumps(records), "t.json").sounds["class"].tolist() == ["fx-a", "m-sp"]
    with pytest.raises(UserError, match="line 2, column 6"):
        loaded(tmp_path, '{"sound_id": "a"}\n{"a":\n', "t.jsonl")
    with pytest.raises(UserError, match="line 1 is no object"):
        loaded(tmp_path, "[1]\n", "t.jsonl")


def test_halves_of_characters_in_json_are_mended_and_said(tmp_path: Path) -> None:
    """Python writes the name of a file in Latin-1 with halves of characters, cut texts end in one; pairs are whole."""
    records = [
        {"sound_id": "a", "title": "whole \U0001f941"},
        {"sound_id": "b", "title": "T\udcfcr", "tags": ["cut \ud83e"], "half \udead": 1},
    ]
    for name, unit in (("t.jsonl", "line"), ("t.json", "row")):
        text = "\n".join(map(json.dumps, records)) if unit == "line" else json.dumps(records)
        read = loaded(tmp_path, text, name)
        assert read.sounds["title"].tolist() == ["whole \U0001f941", r"T\xfcr"]
        assert read.sounds["tags"].tolist()[1] == "cut \N{REPLACEMENT CHARACTER}"
        assert "half \N{REPLACEMENT CHARACTER}" in read.sounds
        assert said(read, f"1 {unit}s of {name} hold halves of characters, {unit} 2 for one")


@pytest.mark.parametrize("value", ["[" * 100_000 + "]" * 100_000, "9" * 5_000])
def test_json_that_python_does_not_read_is_refused_with_its_line(tmp_path: Path, value: str) -> None:
    text = f'{{"sound_id": "a"}}\n{{"sound_id": "b", "odd": {value}}}\n'
    with pytest.raises(UserError, match="line 2: a number of thousands of digits, or thousands of brackets"):
        loaded(tmp_path, text, "t.jsonl")


def test_whole_numbers_that_are_too_long_stay_words(tmp_path: Path) -> None:
    text = "\n".join(f'{{"sound_id": "{i}", "long": {10**400 + i}, "short": {i}}}' for i in range(2))
    read = loaded(tmp_path, text, "t.jsonl")
    assert read.sounds["long"].tolist() == [str(10**400), str(10**400 + 1)]
    assert read.sounds["short"].tolist() == [0, 1]


@pytest.mark.parametrize("cells", [[[["x"]], [["y"], ["z"]]], [[[1.0, 2.0]], None], [[[]], [[None]]]])
def test_lists_of_lists_are_left_out_and_said(tmp_path: Path, cells: list[object]) -> None:
    (tmp_path / "set").mkdir()
    rows = pd.DataFrame({"sound_id": ["a", "b"], "path": cells, "nested": cells})
    rows.to_parquet(tmp_path / "set" / "metadata.parquet")
    for place in (tmp_path / "set", tmp_path / "set" / "metadata.parquet"):
        read = table.load(place)
        assert "nested" not in read.sounds
        assert said(read, "Left out, as no value that can be shown: path (lists), nested (lists)")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sound_id,class\na,fx-a\n,fx-a\n", "line 3"),
        ("sound_id,class\na,fx-a\n\nb,fx-a\na,fx-a\n", "line 2 and line 5 have the same sound_id 'a'"),
        ("sound_id,confidence\na,3\nb,7\n", "line 3.*confidence '?7"),
        ("path,class\na.wav,fx-a\na.wav,fx-a\n", "line 2 and line 3"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        loaded(tmp_path, text)


def test_rows_know_where_they_stood(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("\na,b\n1,2\n\n3,4\n")
    assert read_table(tmp_path / "t.csv").rows.index.tolist() == [3, 5]


def test_halves_of_characters_within_thousands_of_brackets_are_refused(tmp_path: Path) -> None:
    deep = "[" * 600 + '"\\ud83d"' + "]" * 600
    (tmp_path / "t.jsonl").write_text(f'{{"sound_id": "a", "x": {deep}}}\n')
    with pytest.raises(UserError, match="thousands of brackets within brackets"):
        read_table(tmp_path / "t.jsonl")


def test_a_row_in_another_encoding_is_read_after_a_mark_too(tmp_path: Path) -> None:
    good = "sound_id,title\n1,Tür ßäöüäöü\n".encode()
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbf" + good + "2,é\n".encode("latin-1"))
    found = read_table(tmp_path / "t.csv")
    assert found.rows["title"].tolist() == ["Tür ßäöüäöü", "é"]
    assert "t.csv is in UTF-8 but for 1 bytes, at line 3, column 3 for one" in found.notes[0]
