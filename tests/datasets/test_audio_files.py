"""Where a table's sounds are: paths of other systems, Hugging Face's folders, sounds inside a table."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path

import pandas as pd
import pytest

from bstviz.datasets import table
from bstviz.datasets.audio_files import find
from bstviz.datasets.collection import load_collection
from bstviz.errors import UserError
from tests.datasets.conftest import wav


def paths(folder: Path, *given: str) -> list[str | None]:
    root = (folder / "audio").resolve()
    return list(find(root, [str(i) for i in range(len(given))], given).paths)


def test_paths_of_other_systems_are_found(tmp_path: Path) -> None:
    wav(tmp_path / "audio" / "Sub Dir" / "Dog Bark.WAV")
    wav(tmp_path / "audio" / unicodedata.normalize("NFD", "Tür.wav"))
    wav(tmp_path / "audio" / "x.wav")
    assert paths(tmp_path, "Sub Dir\\Dog Bark.WAV") == ["Sub Dir/Dog Bark.WAV"]
    assert paths(tmp_path, "sub dir/dog bark.wav", " x.wav", "x") == ["Sub Dir/Dog Bark.WAV", "x.wav", "x.wav"]
    assert paths(tmp_path, unicodedata.normalize("NFC", "Tür.wav")) == [unicodedata.normalize("NFD", "Tür.wav")]
    assert paths(tmp_path, "C:\\Users\\me\\Sub Dir\\Dog Bark.WAV", "/mnt/old/x.wav") == [
        "Sub Dir/Dog Bark.WAV",
        "x.wav",
    ]


def test_addresses_bare_names_and_ways_around_are_found(tmp_path: Path) -> None:
    for name in ("Sub Dir/Dog Bark.WAV", "a/take.wav", "b/take.wav", "x.wav"):
        wav(tmp_path / "audio" / name)
    given = (
        "file:///home/me/Sub%20Dir/Dog%20Bark.WAV",
        "https://example.org/x.wav",
        "dog bark.wav",
        "take.wav",
        "a/../x.wav",
        "../audio/x.wav",
        str(tmp_path / "audio" / "a" / "take.wav"),
    )
    bark = "Sub Dir/Dog Bark.WAV"
    assert paths(tmp_path, *given) == [bark, "x.wav", bark, None, "x.wav", "x.wav", "a/take.wav"]


def test_a_spelling_that_two_files_share_is_none_of_them(tmp_path: Path) -> None:
    for name in ("a/Take.wav", "b/take.wav", "c/One.wav", "c/ONE.wav"):
        wav(tmp_path / "audio" / name)
    assert paths(tmp_path, "c/one.wav", "/elsewhere/take.wav", "c/ONE.wav") == [None, None, "c/ONE.wav"]


def test_a_file_that_a_link_names_too_is_found_by_its_id(tmp_path: Path) -> None:
    for name in ("pack/take.wav", "a/other.wav", "b/other.wav"):
        wav(tmp_path / "audio" / name)
    (tmp_path / "audio" / "twin").symlink_to("pack")
    root = (tmp_path / "audio").resolve()
    assert find(root, ["take", "other"], [None, None]).paths == ("pack/take.wav", None)


def test_paths_that_lead_out_or_are_none_are_not_followed(tmp_path: Path) -> None:
    wav(tmp_path / "secret.wav")
    wav(tmp_path / "audio" / "a.wav")
    (tmp_path / "audio" / "link.wav").symlink_to(tmp_path / "secret.wav")
    (tmp_path / "audio" / "loop").symlink_to("loop")
    odd = ("../secret.wav", "..\\secret.wav", "link.wav", "loop", "x" * 300, "a\0b.wav", "")
    assert paths(tmp_path, *odd)[:-1] == [None] * (len(odd) - 1)


def test_the_same_name_in_two_folders_makes_paths_of_ids(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("path,class\na/take.wav,fx-a\nb\\take.wav,m-sp\na/one.wav,fx-a\n")
    found = table.load(tmp_path / "t.csv")
    assert found.sounds["sound_id"].tolist() == ["a/take.wav", "b/take.wav", "a/one.wav"]
    assert any("ids are paths" in note for note in found.notes)


def test_files_with_zeros_in_front_keep_them(tmp_path: Path) -> None:
    wav(tmp_path / "audio" / "0001.wav")
    (tmp_path / "t.csv").write_text("path,uploader\n0001.wav,007\n")
    found = table.load(tmp_path / "t.csv", audio_folder=tmp_path / "audio")
    assert found.sounds[["sound_id", "uploader"]].iloc[0].tolist() == ["0001", "007"]
    assert found.has_audio(0)


def test_sounds_beside_the_table_are_found_without_being_told(tmp_path: Path) -> None:
    wav(tmp_path / "set" / "sounds" / "a.wav")
    (tmp_path / "set" / "t.csv").write_text("file_name,class\nsounds\\a.wav,fx-a\n")
    found = table.load(tmp_path / "set" / "t.csv")
    assert found.has_audio(0)
    assert any("beside the table" in note for note in found.notes)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_hugging_face_folder_with_metadata(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "birdsong"
    rows = []
    for split, code in (("train", "fx-a"), ("test", "m-sp")):
        wav(folder / split / f"{code}.wav")
        rows = [{"file_name": f"{code}.wav", "label": code}]
        text = "file_name,label\n" + f"{code}.wav,{code}\n" if kind == "csv" else json.dumps(rows[0])
        (folder / split / f"metadata.{kind}").write_text(text)
    found = load_collection(table.load(folder).save(tmp_path / "c"))
    assert found.name == "birdsong"
    assert sorted(found.sounds["path"]) == ["test/m-sp.wav", "train/fx-a.wav"]
    assert sorted(found.sounds["split"]) == ["test", "train"]
    assert set(found.sounds["class"]) == {"fx-a", "m-sp"}
    assert all(found.has_audio(row) for row in range(2))


def test_a_hugging_face_folder_of_a_folder_for_each_class(tmp_path: Path) -> None:
    for name in ("Animals/1.wav", "Animals/2.wav", "m-sp/1.wav", "junk/3.wav"):
        wav(tmp_path / "set" / name)
    found = table.load(tmp_path / "set")
    assert found.sounds["sound_id"].tolist() == sorted(found.sounds["path"])
    assert found.sounds["class"].fillna("").tolist() == ["fx-a", "fx-a", "", "m-sp"]
    assert any("'junk'" in note for note in found.notes)
    with pytest.raises(UserError, match=r"holds neither metadata\.csv"):
        (tmp_path / "empty").mkdir()
        table.load(tmp_path / "empty")


def latin(folder: Path, name: str) -> Path:
    """A sound whose name on the disk is in Latin-1, as old archives have them."""
    wav(folder / "made.wav")
    place = Path(os.fsdecode(os.fsencode(folder) + b"/" + name.encode("latin-1")))
    return (folder / "made.wav").rename(place)


def test_folders_of_classes_may_hold_names_that_are_not_utf_8(tmp_path: Path) -> None:
    wav(tmp_path / "set" / "fx-a" / "plain.wav")
    file = latin(tmp_path / "set" / "fx-a", "Tür.wav")
    (tmp_path / "set" / "fx-a" / "gone.wav").symlink_to("nowhere")
    found = load_collection(table.load(tmp_path / "set").save(tmp_path / "c"))
    assert found.sounds["sound_id"].tolist() == [r"T\xfcr", "plain"]
    assert found.sounds["class"].tolist() == ["fx-a", "fx-a"]
    assert os.fsencode(found.path(0) or "") == os.fsencode(file)
    assert found.sounds["duration"].notna().all()
    assert any("fx-a/gone.wav was left out: It is a link that leads nowhere" in note for note in found.notes)


def test_a_table_finds_names_that_are_not_utf_8_as_it_reads_and_as_they_are_written_down(tmp_path: Path) -> None:
    file = latin(tmp_path, "Tür.wav")
    text = 'file_name,class\n"Tür.wav",fx-a\n'
    for data in (text.encode(), text.encode("cp1252"), text.replace("ü", r"\xfc").encode()):
        (tmp_path / "metadata.csv").write_bytes(data)
        found = table.load(tmp_path)
        assert found.sounds["path"].tolist() == [r"T\xfcr.wav"]
        assert os.fsencode(found.path(0) or "") == os.fsencode(file)
    (tmp_path / "metadata.csv").unlink()
    (tmp_path / "metadata.jsonl").write_text(json.dumps({"file_name": os.fsdecode(b"T\xfcr.wav"), "label": "fx-a"}))
    assert os.fsencode(table.load(tmp_path).path(0) or "") == os.fsencode(file)


def test_links_that_leave_a_folder_of_classes_are_followed_on_request(tmp_path: Path) -> None:
    wav(tmp_path / "far" / "one.wav")
    wav(tmp_path / "set" / "fx-a" / "near.wav")
    (tmp_path / "set" / "m-sp").symlink_to(tmp_path / "far")
    found = table.load(tmp_path / "set")
    assert list(found.left_out) == ["m-sp"]
    assert found.sounds["sound_id"].tolist() == ["near"]
    followed = table.load(tmp_path / "set", follow_links=True)
    assert followed.left_out == {}
    assert followed.sounds["path"].tolist() == ["fx-a/near.wav", "m-sp/one.wav"]
    assert followed.sounds["class"].tolist() == ["fx-a", "m-sp"]
    assert list(find((tmp_path / "set").resolve(), ["x"], ["m-sp/../../far/one.wav"], follow_links=True).paths) == [
        None
    ]


def test_bytes_that_are_no_sound_are_not_taken_for_one(tmp_path: Path) -> None:
    wav(tmp_path / "a.wav")
    rows = pd.DataFrame(
        {
            "path": ["a.wav"],
            "class": ["fx-a"],
            "sha": [b"\x12\x34" * 8],
            "cover": [{"bytes": b"\x89PNG....", "path": "a.png"}],
        }
    )
    rows.to_parquet(tmp_path / "t.parquet")
    assert table.load(tmp_path / "t.parquet").has_audio(0)
    assert not (tmp_path / "t_audio").exists()


def test_pictures_in_a_table_are_no_sounds(tmp_path: Path) -> None:
    wav(tmp_path / "a.wav")
    rows = pd.DataFrame({"path": ["a.wav"], "class": ["fx-a"], "cover": [b"\xff\xd8\xff\xe0JFIF"]})
    rows.to_parquet(tmp_path / "t.parquet")
    assert load_collection(table.load(tmp_path / "t.parquet").save(tmp_path / "c")).sounds["path"][0] == "a.wav"
    assert not (tmp_path / "t_audio").exists()


def test_one_odd_sound_in_a_table_ends_nothing(tmp_path: Path) -> None:
    """A cell that is blank, one that is no sound, one that names a file only, and a name that no disk takes."""
    wav(tmp_path / "one.wav")
    data = (tmp_path / "one.wav").read_bytes()
    cells = [
        {"bytes": b"no sound", "path": "broken.wav"},
        None,
        {"bytes": None, "path": "elsewhere.wav"},
        {"bytes": data, "path": "ü" * 200 + ".wav"},
        {"bytes": data, "path": "one.wav"},
    ]
    pd.DataFrame({"audio": cells, "label": "fx-a"}).to_parquet(tmp_path / "t.parquet")
    found = table.load(tmp_path / "t.parquet")
    assert found.sounds["sound_id"].tolist() == ["broken", "000001", "elsewhere", "ü" * 75, "one"]
    assert [found.has_audio(row) for row in range(5)] == [True, False, False, True, True]
    assert any(note.startswith("3 sounds of column 'audio' were written") for note in found.notes)
    assert any("2 sounds have no audio file" in note for note in found.notes)


def test_a_table_may_name_its_sounds_files_as_hugging_face_does(tmp_path: Path) -> None:
    wav(tmp_path / "a.wav")
    pd.DataFrame({"audio": [{"bytes": None, "path": "a.wav"}], "label": ["fx-a"]}).to_parquet(tmp_path / "t.parquet")
    found = table.load(tmp_path / "t.parquet")
    assert found.sounds[["sound_id", "path", "class"]].iloc[0].tolist() == ["a", "a.wav", "fx-a"]
    assert not (tmp_path / "t_audio").exists()


def test_a_file_of_ones_own_is_not_replaced_by_a_tables_sound(tmp_path: Path) -> None:
    wav(tmp_path / "one.wav")
    data = (tmp_path / "one.wav").read_bytes()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "one.wav").write_bytes(b"mine")
    pd.DataFrame({"audio": [{"bytes": data, "path": "one.wav"}], "label": ["fx-a"]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(UserError, match="stays as it is"):
        table.load(tmp_path / "t.parquet", audio_folder=tmp_path / "mine")
    assert (tmp_path / "mine" / "one.wav").read_bytes() == b"mine"


def test_sounds_inside_a_table_are_written_out_and_play(tmp_path: Path) -> None:
    wav(tmp_path / "one.wav")
    data = (tmp_path / "one.wav").read_bytes()
    cells = [
        {"bytes": data, "path": "../../one.wav"},
        {"bytes": data, "path": "one.wav"},
        {"bytes": data, "path": None},
    ]
    rows = pd.DataFrame({"audio": [*cells, None], "label": ["fx-a", "m-sp", "fx-a", "fx-a"], "sound_id": list("abcd")})
    rows.to_parquet(tmp_path / "train.parquet")
    for _ in range(2):  # the second time they are there
        found = table.load(tmp_path / "train.parquet")
        assert [found.has_audio(row) for row in range(4)] == [True, True, True, False]
        assert len(found.load_audio(1)[0]) == 800
        assert all(
            file.parent == tmp_path / "train_audio" for file in tmp_path.rglob("*one.wav") if "_one" in file.name
        )
    rows.drop(columns="sound_id").iloc[[0]].to_parquet(tmp_path / "named.parquet")
    named = table.load(tmp_path / "named.parquet", audio_folder=tmp_path / "new")
    assert named.sounds["sound_id"].tolist() == ["one"]
    assert (tmp_path / "new" / "one.wav").read_bytes() == data
