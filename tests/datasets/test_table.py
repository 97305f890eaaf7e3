from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bstviz.datasets import table
from bstviz.datasets.collection import load_collection
from bstviz.datasets.taxonomy import bst, load_taxonomy
from bstviz.errors import UserError
from tests.datasets.conftest import wav
from tests.fakes import write_tones


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_a_table_of_any_kind_with_its_audio(tmp_path: Path, suffix: str) -> None:
    rows = write_tones(tmp_path / "audio", per_class=2)
    file = tmp_path / f"mine{suffix}"
    if suffix == ".parquet":
        rows.to_parquet(file)
    else:
        rows.to_csv(file, sep="\t" if suffix == ".tsv" else ",", index=False)
    collection = table.load(file, audio_folder=tmp_path / "audio")
    assert collection.name == "mine"
    assert collection.sounds["sound_id"].tolist() == rows["sound_id"].tolist()
    assert collection.sounds["class"].tolist() == rows["class"].tolist()
    np.testing.assert_allclose(collection.sounds["duration"], 0.25)
    assert all(collection.has_audio(row) for row in range(len(rows)))


def test_ids_in_a_table_stay_text(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("sound_id,class\n007,fx-a\n8e3,fx-v\n")
    assert table.load(tmp_path / "t.csv").sounds["sound_id"].tolist() == ["007", "8e3"]


def test_ids_that_a_program_made_fractions_find_their_files(tmp_path: Path) -> None:
    wav(tmp_path / "audio" / "123.wav")
    (tmp_path / "t.csv").write_text("sound_id,class\n123.0,fx-a\n124.0,fx-a\n")
    collection = table.load(tmp_path / "t.csv", audio_folder=tmp_path / "audio")
    assert collection.sounds["sound_id"].tolist() == ["123", "124"]
    assert collection.has_audio(0)
    assert "Ids that a program made fractions are whole: 123.0 as 123." in collection.notes


def test_a_column_called_content_is_kept_apart_from_what_sounds_are_known_by(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("sound_id,class,content\n1,fx-a,music\n2,fx-a,7\n")
    collection = table.load(tmp_path / "t.csv")
    assert "content" not in collection.sounds
    assert collection.sounds["content (table)"].tolist() == ["music", "7"]
    own = "0123456789abcdef" * 2  # as this program writes it
    (tmp_path / "t.csv").write_text(f"sound_id,class,content\n1,fx-a,{own}\n2,fx-a,\n")
    assert table.load(tmp_path / "t.csv").sounds["content"][0] == own


def test_durations_that_are_no_seconds_are_counted(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("sound_id,class,duration\n1,fx-a,0:03\n2,fx-a,2.5\n")
    collection = table.load(tmp_path / "t.csv")
    assert collection.sounds["duration"].isna().tolist() == [True, False]
    assert "1 cells of column 'duration' are no seconds, '0:03' for one." in collection.notes


def test_files_are_found_by_path_file_filename_or_id(tmp_path: Path) -> None:
    wav(tmp_path / "audio" / "sub" / "one.wav")
    wav(tmp_path / "audio" / "two.flac")
    for column in ("path", "file", "filename"):
        (tmp_path / "t.csv").write_text(f"{column}\nsub/one.wav\n")
        collection = table.load(tmp_path / "t.csv", audio_folder=tmp_path / "audio")
        assert collection.sounds[["sound_id", "path"]].iloc[0].tolist() == ["one", "sub/one.wav"]
    (tmp_path / "t.csv").write_text("sound_id\ntwo\n")
    assert table.load(tmp_path / "t.csv", audio_folder=tmp_path / "audio").sounds["path"][0] == "two.flac"


def test_a_path_that_leaves_the_audio_folder_is_not_followed(tmp_path: Path) -> None:
    wav(tmp_path / "secret.wav")
    wav(tmp_path / "audio" / "a.wav")
    (tmp_path / "t.csv").write_text(f"sound_id,path\n1,a.wav\n2,../secret.wav\n3,{tmp_path / 'secret.wav'}\n")
    collection = table.load(tmp_path / "t.csv", audio_folder=tmp_path / "audio")
    assert [collection.has_audio(row) for row in range(3)] == [True, False, False]
    assert any("2 sounds have no audio file" in note for note in collection.notes)


def test_extra_columns_and_a_named_taxonomy_are_kept(tmp_path: Path) -> None:
    (tmp_path / "birds.csv").write_text("code,parent,name\nb,,Birds\nb-o,b,Owl\nb-r,b,Robin\n")
    (tmp_path / "t.csv").write_text("sound_id,class,site\n1,b-o,north\n2,fx-a,south\n")
    collection = table.load(tmp_path / "t.csv", taxonomy=load_taxonomy(tmp_path / "birds.csv"), name="Birds")
    assert collection.sounds["site"].tolist() == ["north", "south"]
    assert collection.labels.tolist() == [0, -1]
    assert "'fx-a'" in collection.notes[0]


def test_a_table_named_metadata_takes_its_folders_name(tmp_path: Path) -> None:
    (tmp_path / "Birdsong").mkdir()
    (tmp_path / "Birdsong" / "metadata.csv").write_text("sound_id\n1\n")
    assert table.load(tmp_path / "Birdsong" / "metadata.csv").name == "Birdsong"


def test_a_wrong_table_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("sound_id\n")
    (tmp_path / "none.csv").write_text("")
    (tmp_path / "broken.parquet").write_text("no parquet")
    (tmp_path / "text.txt").write_text("a")
    (tmp_path / "noid.csv").write_text("colour\nred\n")
    for name, message in (
        ("empty.csv", "holds no rows"),
        ("none.csv", "Cannot read"),
        ("broken.parquet", "is damaged"),
        ("text.txt", "neither .csv"),
        ("noid.csv", "no column sound_id"),
        ("nowhere.csv", "no table at"),
    ):
        with pytest.raises(UserError, match=message):
            table.load(tmp_path / name)


def test_a_wrong_audio_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("sound_id\n1\n")
    (tmp_path / "audio").mkdir()
    with pytest.raises(UserError, match="no folder"):
        table.load(tmp_path / "t.csv", audio_folder=tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"None of the 1 sounds.*1\.wav"):
        table.load(tmp_path / "t.csv", audio_folder=tmp_path / "audio")


def test_a_table_says_which_data_set_it_is_only_where_told(tmp_path: Path) -> None:
    file = tmp_path / "bsd10k.csv"
    file.write_text("sound_id,class\n1,fx-a\n")
    assert table.load(file).source is None  # a name is no statement
    named = table.load(file, source="bsd10k")
    assert load_collection(named.save(tmp_path / "c")).source == "bsd10k"
    with pytest.raises(UserError, match="source is 'bsd1k'; allowed are bsd10k, bsd35k"):
        table.load(file, source="bsd1k")
    with pytest.raises(UserError, match="leave out the taxonomy"):
        table.load(file, source="bsd10k", taxonomy=bst())


def test_lengths_columns_and_names_that_no_collection_takes_are_mended(tmp_path: Path) -> None:
    long = "x" * 1_200
    (tmp_path / "t.csv").write_text(
        f'sound_id,duration,class_top,class_before_review,"two\nlines",{long}\n1,-1,4,true,a,b\n2,1e12,5,false,c,d\n'
    )
    found = load_collection(table.load(tmp_path / "t.csv").save(tmp_path / "c"))
    assert found.sounds["duration"].isna().all()
    assert {"class_top (table)", "class_before_review (table)", "two lines", long[:900]} <= set(found.sounds)
    assert any("2 cells of column 'duration' are no seconds" in note for note in found.notes)
    assert any("names of several lines" in note for note in found.notes)
