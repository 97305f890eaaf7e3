from __future__ import annotations

import os
from pathlib import Path

import pytest

from bstviz.datasets import folder
from bstviz.datasets.collection import load_collection
from bstviz.datasets.taxonomy import bst
from bstviz.errors import UserError
from tests.datasets.conftest import wav


def test_a_bare_folder_is_read_with_its_subfolders(tmp_path: Path) -> None:
    wav(tmp_path / "top_sound.wav")
    wav(tmp_path / "rain" / "roof" / "Heavy_rain  2.WAV".replace("WAV", "wav"), 0.2)
    (tmp_path / "rain" / "notes.txt").write_text("no sound")
    collection = folder.load(tmp_path)
    assert collection.sounds["sound_id"].tolist() == ["rain/roof/Heavy_rain  2.wav", "top_sound.wav"]
    assert collection.sounds["title"].tolist() == ["Heavy rain 2", "top sound"]
    assert collection.sounds["tags"][0] == "rain,roof"
    assert collection.sounds["tags"].isna().tolist() == [False, True]
    assert (collection.labels == -1).all()
    assert collection.name == tmp_path.name
    assert len(collection.load_audio(0)[0]) == 1_600


def test_what_is_odd_in_a_folder_is_named_and_the_rest_is_listed(tmp_path: Path) -> None:
    root, outside = tmp_path / "library", tmp_path / "outside"
    for name in ("a.wav", "pack/b.wav", "bundle.wav/inner.wav", "__MACOSX/x.wav", ".hidden/y.wav", "._a.wav"):
        wav(root / name)
    wav(outside / "far.wav")
    for link, target in {
        "dangling.wav": "/nowhere/else.wav",
        "self.wav": "self.wav",
        "again": ".",
        "pack/up": "..",
        "same.wav": "a.wav",
        "twin": "pack",
        "pool": str(outside),
        "far.wav": str(outside / "far.wav"),
    }.items():
        (root / link).symlink_to(target)
    os.mkfifo(root / "pipe.wav")
    listing = folder.list_sounds(root)
    assert listing.files == ("a.wav", "bundle.wav/inner.wav", "pack/b.wav", "same.wav", "twin/b.wav")
    assert {path: reason.split(",")[0] for path, reason in listing.left_out.items()} == {
        "again": "It is a link that leads in a circle.",
        "dangling.wav": "It is a link that leads nowhere",
        "far.wav": "It is a link that leaves the folder",
        "pack/up": "It is a link that leads in a circle.",
        "pipe.wav": "It is a pipe",
        "pool": "It is a link that leaves the folder",
        "self.wav": "It is a link that leads in a circle.",
        "twin/up": "It is a link that leads in a circle.",
    }
    followed = folder.list_sounds(root, follow_links=True)
    assert set(followed.files) - set(listing.files) == {"far.wav", "pool/far.wav"}
    collection = folder.load(root)
    assert collection.sounds["sound_id"].tolist() == list(listing.files)
    assert "dangling.wav was left out: It is a link that leads nowhere, to /nowhere/else.wav." in collection.notes


def test_links_among_folders_are_followed_a_bounded_number_of_times(tmp_path: Path) -> None:
    """Every path through six folders that are linked with one another would be a thousand and more."""
    names = "abcdef"
    for name in names:
        wav(tmp_path / name / "sound.wav")
        for other in names:
            (tmp_path / name / f"to_{other}").symlink_to(tmp_path / other)
    listing = folder.list_sounds(tmp_path)
    assert {f"{name}/sound.wav" for name in names} <= set(listing.files)
    assert len(listing.files) < 100


def test_a_name_that_is_not_utf_8_is_written_readably_and_found_again(tmp_path: Path) -> None:
    wav(tmp_path / "plain.wav")
    latin = os.fsencode(tmp_path) + b"/T\xfcr.wav"
    os.rename(tmp_path / "plain.wav", latin)  # noqa: PTH104
    wav(tmp_path / "plain.wav")
    collection = folder.load(tmp_path)
    assert collection.sounds["sound_id"].tolist() == [r"T\xfcr.wav", "plain.wav"]
    saved = load_collection(collection.save(tmp_path / ".c" / "c"))
    assert os.fsencode(saved.path(0) or "") == latin
    assert len(saved.load_audio(0)[0]) == 800
    wav(tmp_path / r"T\xfcr.wav", 0.2)  # a file that is really named so
    both = folder.list_sounds(tmp_path)
    assert both.files == (r"T\xfcr.wav", "plain.wav")
    assert list(both.left_out) == [r"T\xfcr.wav (not UTF-8)"]
    assert len(load_collection(tmp_path / ".c" / "c").load_audio(0)[0]) == 1_600


def test_a_folder_that_cannot_be_listed_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wav(tmp_path / "a.wav")
    wav(tmp_path / "locked" / "b.wav")
    scandir = os.scandir

    def refuse(place: Path) -> object:
        if Path(place).name == "locked":
            raise PermissionError(13, "Permission denied")
        return scandir(place)

    monkeypatch.setattr(os, "scandir", refuse)
    listing = folder.list_sounds(tmp_path)
    assert listing.files == ("a.wav",)
    assert listing.left_out == {"locked": "The folder could not be listed: Permission denied."}
    with pytest.raises(UserError, match=r"could not be listed: Permission denied\. Allow it"):
        folder.list_sounds(tmp_path / "locked")


def test_a_file_that_vanishes_while_the_folder_is_read_ends_nothing(tmp_path: Path) -> None:
    wav(tmp_path / "a.wav")
    wav(tmp_path / "b.wav")
    listing = folder.list_sounds(tmp_path)
    (tmp_path / "b.wav").unlink()
    collection = folder.collection_of(tmp_path, listing, taxonomy=bst())
    assert collection.sounds["duration"].isna().tolist() == [False, True]


def test_a_folder_without_sounds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no audio file"):
        folder.load(tmp_path)
    with pytest.raises(UserError, match="There is no folder"):
        folder.load(tmp_path / "nowhere")
