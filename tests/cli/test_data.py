from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bstviz.cli.data import import_command
from bstviz.datasets import folder
from bstviz.datasets.base import Source
from bstviz.datasets.collection import Collection, load_collection
from bstviz.datasets.registry import DATASETS
from tests.cli.conftest import FAKES, Fakes, invoke
from tests.fakes import write_tones


def test_import_and_embed_make_a_whole_collection(place: Path) -> None:
    collection = load_collection(place / "tones")
    assert len(collection) == 36
    assert collection.name == "tones"
    assert str(collection.audio_encoder) == "fake-audio 1, 16-d"
    assert str(collection.text_encoder) == "fake-text 1 (title + tags), 12-d"
    assert np.isfinite(collection.embedding("audio")).all()


def test_import_says_what_was_left_out_and_what_comes_next(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("sound_id,class\n1,fx-a\n2,fx-other\n")
    result = invoke("import", "table", tmp_path / "t.csv", "--out", tmp_path / "c", "--name", "Mine")
    printed = " ".join(result.stderr.split())
    assert "Mine: 2 sounds, 1 with a class" in printed
    assert "'fx-other'" in printed
    assert "next: bstviz embed" in printed


def test_import_folder(place: Path, tmp_path: Path) -> None:
    assert invoke("import", "folder", place / "audio", "--out", tmp_path / "c").exit_code == 0
    assert len(load_collection(tmp_path / "c")) == 36


@pytest.mark.parametrize("version", ["bsd10k", "bsd35k"])
def test_import_of_an_official_layout(tmp_path: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BSTVIZ_CACHE", str(tmp_path / "cache"))
    (tmp_path / "BSD" / "metadata").mkdir(parents=True)
    table = pd.DataFrame({"sound_id": [15, 21], "class": ["fx-o", "m-sp"], "confidence": [4, 5]})
    table.to_csv(tmp_path / "BSD" / "metadata" / "metadata.csv", index=False)
    assert invoke("import", version, tmp_path / "BSD", "-o", tmp_path / "c").exit_code == 0
    assert load_collection(tmp_path / "c").sounds["sound_id"].tolist() == ["15", "21"]
    packed = shutil.make_archive(str(tmp_path / "BSD10k"), "zip", tmp_path / "BSD")
    assert invoke("import", version, packed, "-o", tmp_path / "d").exit_code == 0
    assert load_collection(tmp_path / "d").hash == load_collection(tmp_path / "c").hash


def test_embed_names_the_sounds_that_could_not_be_decoded(tmp_path: Path, encoders: Fakes) -> None:
    write_tones(tmp_path / "audio", per_class=2)
    (tmp_path / "audio" / "fx-a_1.wav").write_text("no sound")
    invoke("import", "folder", tmp_path / "audio", "--out", tmp_path / "c")
    result = invoke("embed", tmp_path / "c", *FAKES)
    printed = " ".join(result.stderr.split())
    assert result.exit_code == 1
    assert "1 sound could not be found or decoded" in printed
    assert "fx-a_1.wav" in printed


def test_embeddings_of_a_folder_that_has_moved_stay_and_relocate_finds_it(
    tmp_path: Path, encoders: Fakes, refused: Callable[..., str]
) -> None:
    write_tones(tmp_path / "audio", per_class=2)
    collection = tmp_path / "c"
    invoke("import", "folder", tmp_path / "audio", "--out", collection)
    assert invoke("embed", collection, *FAKES).exit_code == 0
    before = load_collection(collection)
    (tmp_path / "audio").rename(tmp_path / "disk")
    printed = refused("embed", str(collection), *FAKES)
    assert f"{tmp_path / 'audio'} is away. Nothing was changed." in printed
    assert f"bstviz relocate {collection} NEWFOLDER" in printed
    (tmp_path / "disk" / "fx-a_1.wav").unlink()
    moved = invoke("relocate", collection, tmp_path / "disk")
    assert moved.exit_code == 1
    assert f"11 of 12 sounds found in {tmp_path / 'disk'}" in " ".join(moved.stderr.split())
    again = invoke("embed", collection, *FAKES)
    assert again.exit_code == 1
    assert "cannot be found or read now keep the embedding that they had: 1." in " ".join(again.stderr.split())
    after = load_collection(collection)
    assert after.hash == before.hash
    np.testing.assert_array_equal(after.embedding("audio"), before.embedding("audio"))
    assert invoke("relocate", collection, tmp_path / "disk").exit_code == 1


def test_links_out_of_a_folder_are_followed_on_request(tmp_path: Path) -> None:
    write_tones(tmp_path / "far", per_class=1)
    write_tones(tmp_path / "audio", per_class=1)
    (tmp_path / "audio" / "pack").symlink_to(tmp_path / "far")
    for kind in ("table", "folder"):
        result = invoke("import", kind, tmp_path / "audio", "--out", tmp_path / "c")
        assert result.exit_code == 1
        assert "note: pack was left out: It is a link that leaves the folder" in " ".join(result.stderr.split())
        result = invoke("import", kind, tmp_path / "audio", "--out", tmp_path / "d", "--follow-links")
        assert result.exit_code == 0
    assert (len(load_collection(tmp_path / "c")), len(load_collection(tmp_path / "d"))) == (6, 12)


def test_embed_leaves_a_kind_out(tmp_path: Path, encoders: Fakes) -> None:
    (tmp_path / "t.csv").write_text("sound_id,title\n1,a\n2,b\n")
    invoke("import", "table", tmp_path / "t.csv", "--out", tmp_path / "c")
    invoke("embed", tmp_path / "c", "--audio-encoder", "none", "--text-encoder", "fake-text", "--text-fields", "title")
    collection = load_collection(tmp_path / "c")
    assert collection.audio is None
    assert collection.text is not None


def test_duplicates_are_listed_written_and_marked(place: Path, tmp_path: Path) -> None:
    load_collection(place / "tones").save(tmp_path / "tones")
    options = ("--experiment", place / "flat", "--threshold", -1, "--out", tmp_path / "pairs.csv", "--mark")
    printed = invoke("duplicates", tmp_path / "tones", *options).stdout
    pairs = pd.read_csv(tmp_path / "pairs.csv")
    assert pairs["correlation"].between(0, 1).all()
    assert f"{len(pairs):,} near-duplicate pairs by audio" in printed
    assert f"{pairs['across_folds'].sum():,} in different folds" in printed
    assert "36 (100.0 %) have a near-duplicate in training" in printed
    assert load_collection(tmp_path / "tones").sounds["duplicate_group"].notna().all()


def test_a_data_set_needs_no_command_of_its_own(place: Path, tmp_path: Path) -> None:
    class Newcomer:
        SOURCE = Source("newcomer", "A new data set", "https://example.org", "CC0", "somebody, 2026")

        @staticmethod
        def load(folder_: Path, *, name: str | None = None) -> Collection:
            return folder.load(folder_, name=name)

    import_command(Newcomer())(folder_=place / "audio", out=tmp_path / "c", name="New")
    assert load_collection(tmp_path / "c").name == "New"


def test_datasets_states_licence_and_citation_of_every_source() -> None:
    printed = invoke("datasets").stdout
    stated = json.loads(invoke("datasets", "--json").stdout)
    assert [source["id"] for source in stated] == list(DATASETS)
    for source in stated:
        for value in (source["title"], source["license"], source["citation"]):
            assert value
            assert value in printed


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("embed", "{}/nowhere"), "is not a collection"),
        (("embed", "{}/tones", "--audio-encoder", "clop"), "no audio encoder 'clop'"),
        (("import", "table", "{}/nowhere.csv", "--out", "{}/new"), "There is no table at"),
        (("import", "table", "{}/tones.csv", "--out", "{}/flat"), "holds something that is not a collection"),
        (("import", "table", "{}/tones.csv", "--out", "{}/tones.csv"), "holds something that is not a collection"),
        (("import", "folder", "{}/nowhere", "--out", "{}/new"), "There is no folder"),
        (("import", "folder", "{}/audio", "--out", "{}/new", "--taxonomy", "{}/nowhere.csv"), "nowhere.csv"),
        (("import", "bsd10k", "{}/audio", "--out", "{}/new"), "no CSV at all"),
        (("import", "bsd10k", "{}/nowhere.zip", "--out", "{}/new"), "no folder and no .zip archive"),
        (("fetch", "tones", "--out", "{}/new"), "known: bsd10k, bsd35k"),
        (("duplicates", "{}/tones", "--by", "smell"), "allowed are audio and text"),
        (("duplicates", "{}/tones", "--out", "{}/pairs.txt"), "must end in .csv or .parquet"),
    ],
)
def test_bad_input_gives_a_sentence(refused: Callable[..., str], arguments: tuple[str, ...], sentence: str) -> None:
    assert sentence in refused(*arguments)
