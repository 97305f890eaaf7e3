from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from bstviz.datasets import bsd10k, bsd35k, demo, folder, table
from bstviz.datasets.base import Dataset
from bstviz.datasets.collection import SYNTH_ROOT
from bstviz.datasets.registry import DATASETS
from bstviz.datasets.taxonomy import bst, load_taxonomy
from bstviz.errors import UserError
from tests.fakes import tone, write_tones

OWN = ("table", "folder", "demo")


def wav(path: Path, seconds: float = 0.1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone(300, seconds), 8_000)


def bsd_folder(root: Path, rows: pd.DataFrame, ids: list[str]) -> Path:
    """The official layout: metadata, CLAP embeddings and audio of the given ids."""
    (root / "metadata").mkdir(parents=True)
    rows.to_csv(root / "metadata" / "BSD10k_metadata.csv", index=False)
    for i, sound_id in enumerate(ids):
        for offset, kind in enumerate(("audio", "text")):
            features = root / "features" / f"clap_{kind}_embeddings"
            features.mkdir(parents=True, exist_ok=True)
            np.save(features / f"{sound_id}.npy", np.full(512, i + offset / 2, np.float32))
        wav(root / "audio" / f"{sound_id}.wav", 0.1 * (i + 1))
    return root


ROWS = pd.DataFrame(
    {
        "sound_id": [15, 21, 26],
        "class": ["fx-o", "m-sp", "ss-n"],
        "class_idx": [401, 101, 501],
        "class_top": ["fx", "m", "ss"],
        "confidence": [4, 5, 1],
        "title": ["Glass", "Drums", "Forest"],
        "tags": ["glass,hit", "loop", None],
        "description": ["A glass", None, None],
        "uploader": ["Anton", "Berta", "Anton"],
        "license": ["CC0", "CC BY", "CC0"],
    }
)


@pytest.mark.parametrize("source", DATASETS.values(), ids=DATASETS)
def test_every_source_states_licence_and_citation_and_published_ones_a_page(source: Dataset) -> None:
    stated = source.SOURCE
    assert stated.title
    assert stated.license
    assert stated.citation
    if stated.id not in OWN:
        assert stated.url.startswith("https://")


@pytest.mark.parametrize("source", [bsd10k, bsd35k])
def test_bsd_reads_table_embeddings_and_audio(tmp_path: Path, source: Dataset) -> None:
    collection = source.load(bsd_folder(tmp_path / "BSD", ROWS, ["15", "21", "26"]))
    assert collection.name == source.SOURCE.title
    assert collection.sounds["sound_id"].tolist() == ["15", "21", "26"]
    assert collection.sounds["class"].tolist() == ["fx-o", "m-sp", "ss-n"]
    assert collection.sounds["confidence"].tolist() == [4, 5, 1]
    assert collection.embedding("audio")[:, 0].tolist() == [0, 1, 2]
    assert collection.embedding("text")[:, 511].tolist() == [0.5, 1.5, 2.5]
    assert collection.audio_encoder == collection.encoder("audio")
    assert {e.id for e in (collection.audio_encoder, collection.text_encoder) if e} == {"clap"}
    np.testing.assert_allclose(collection.sounds["duration"], [0.1, 0.2, 0.3], rtol=1e-6)
    assert len(collection.load_audio(2)[0]) == 2_400
    assert collection.notes == ()


def test_bsd_columns_of_other_versions_are_understood(tmp_path: Path) -> None:
    old = pd.DataFrame(
        {"id": [1, 2], "class_idx": [404, 303], "confidence_score": [3, 2], "name": ["a", "b"], "username": ["u", "v"]}
    )
    sounds = bsd10k.load(bsd_folder(tmp_path / "BSD", old, [])).sounds
    assert sounds["sound_id"].tolist() == ["1", "2"]
    assert sounds["class"].tolist() == ["fx-h", "sp-p"]
    assert sounds["confidence"].tolist() == [3, 2]
    assert sounds["title"].tolist() == ["a", "b"]
    assert sounds["uploader"].tolist() == ["u", "v"]


def test_bsd_needs_neither_features_nor_audio(tmp_path: Path) -> None:
    collection = bsd10k.load(bsd_folder(tmp_path / "BSD", ROWS, []))
    assert len(collection) == 3
    assert collection.audio is collection.text is None
    assert not collection.has_audio(0)
    assert collection.embedded_player(0) == "https://freesound.org/embed/sound/iframe/15/simple/medium/"


def test_bsd_parts_are_found_at_any_depth(tmp_path: Path) -> None:
    root = bsd_folder(tmp_path / "down" / "BSD10k-v1.2", ROWS, ["15"])
    (tmp_path / "down" / "more").mkdir()
    (root / "audio").rename(tmp_path / "down" / "more" / "audio")
    collection = bsd10k.load(tmp_path / "down")
    assert collection.embedding("audio")[0, 0] == 0
    assert collection.has_audio(0)
    assert not collection.has_audio(1)


def test_bsd_sounds_without_embedding_have_nan_and_are_counted(tmp_path: Path) -> None:
    collection = bsd10k.load(bsd_folder(tmp_path / "BSD", ROWS, ["15", "26"]))
    assert np.isnan(collection.embedding("audio")[:, 0]).tolist() == [False, True, False]
    assert "1 sounds have no CLAP audio embedding." in collection.notes
    assert "1 sounds have no CLAP text embedding." in collection.notes
    assert [collection.has_audio(row) for row in range(3)] == [True, False, True]


def test_bsd_other_and_bare_top_classes_are_left_without_class_aloud(tmp_path: Path) -> None:
    rows = ROWS.assign(**{"class": ["fx-other", "m", "ss-n"]})
    collection = bsd10k.load(bsd_folder(tmp_path / "BSD", rows, []))
    assert collection.labels.tolist() == [-1, -1, bst().codes.index("ss-n")]
    assert any("1 sounds of class 'fx-other'" in note for note in collection.notes)
    assert any("1 sounds of class 'm'" in note for note in collection.notes)


def test_bsd_unknown_class_indices_are_left_without_class_aloud(tmp_path: Path) -> None:
    rows = ROWS.drop(columns="class").assign(class_idx=[401, 499, 300])
    collection = bsd10k.load(bsd_folder(tmp_path / "BSD", rows, []))
    assert collection.labels.tolist() == [bst().codes.index("fx-o"), -1, -1]
    assert any("1 sounds of class '499'" in note for note in collection.notes)
    assert any("1 sounds of class '300'" in note for note in collection.notes)


def test_bsd_takes_the_table_with_ids_and_classes_among_several(tmp_path: Path) -> None:
    root = bsd_folder(tmp_path / "BSD", ROWS, [])
    (root / "metadata" / "A_classes.csv").write_text("class,description\nfx-o,Objects\n")
    assert len(bsd10k.load(root)) == 3


def test_bsd_says_what_is_wrong_with_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no CSV at all"):
        bsd10k.load(tmp_path)
    root = bsd_folder(tmp_path / "a", ROWS.drop(columns=["class", "class_idx"]), [])
    with pytest.raises(UserError, match="no table with a sound id and a class"):
        bsd10k.load(root)
    root = bsd_folder(tmp_path / "b", ROWS.drop(columns="class").assign(class_idx=[1, 2, 3]), [])
    with pytest.raises(UserError, match="101 to 504"):
        bsd10k.load(root)


@pytest.mark.parametrize("content", [b"", b"no array", None])
def test_bsd_names_a_broken_embedding_file(tmp_path: Path, content: bytes | None) -> None:
    root = bsd_folder(tmp_path / "BSD", ROWS, ["15"])
    file = root / "features" / "clap_audio_embeddings" / "15.npy"
    if content is None:
        np.save(file, np.zeros(7))
    else:
        file.write_bytes(content)
    with pytest.raises(UserError, match=r"15\.npy"):
        bsd10k.load(root)


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
        ("broken.parquet", "Cannot read"),
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


def test_a_folder_without_sounds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no audio file"):
        folder.load(tmp_path)
    with pytest.raises(UserError, match="There is no folder"):
        folder.load(tmp_path / "nowhere")


def test_the_demo_covers_every_class_and_can_be_played() -> None:
    collection = demo.load()
    assert set(collection.labels) == set(range(23))
    assert collection.sounds["confidence"].between(1, 5).all()
    assert collection.sounds["title"].notna().all()
    assert collection.audio_root == SYNTH_ROOT
    assert collection.has_audio(0)
