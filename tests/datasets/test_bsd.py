from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bstviz import migrations
from bstviz.datasets import bsd2k, bsd10k, bsd35k, bsd_layout
from bstviz.datasets.base import Dataset
from bstviz.datasets.collection import load_collection
from bstviz.datasets.taxonomy import bst
from bstviz.encoders.base import EncoderInfo, encoder_from
from bstviz.errors import UserError
from bstviz.training.zero_shot import prompts
from tests.datasets.conftest import ROWS, wav


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


@pytest.mark.parametrize("source", [bsd10k, bsd35k])
def test_bsd_reads_table_embeddings_and_audio(tmp_path: Path, source: Dataset) -> None:
    collection = source.load(bsd_folder(tmp_path / "BSD", ROWS, ["15", "21", "26"]))
    assert collection.name == source.SOURCE.title
    assert collection.source == source.SOURCE.id
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


def packed(archive: Path, root: Path, members: list[str]) -> None:
    with zipfile.ZipFile(archive, "w") as out:
        for name in members:
            for file in sorted((root / name).rglob("*")):
                out.write(file, file.relative_to(root))


@pytest.fixture
def downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as a browser fills it: a table, and archives of embeddings and of sounds."""
    monkeypatch.setenv("BSTVIZ_CACHE", str(tmp_path / "cache"))
    root = bsd_folder(tmp_path / "BSD", ROWS, ["15", "21", "26"])
    folder = tmp_path / "Downloads"
    folder.mkdir()
    shutil.copy(root / "metadata" / "BSD10k_metadata.csv", folder)
    packed(folder / "features.zip", root, ["features"])
    packed(folder / "audio.zip", root, ["audio"])
    return folder


def test_bsd_archives_are_unpacked_once_and_not_where_they_lie(downloaded: Path, tmp_path: Path) -> None:
    before = sorted(downloaded.rglob("*"))
    killed = tmp_path / "cache" / "datasets" / ".audio-0123456789abcdef.new"
    killed.mkdir(parents=True)
    (killed.parent / ".audio-0123456789abcdef.lock").touch()  # its writer's, who is gone
    for _ in range(2):
        collection = bsd10k.load(downloaded)
        assert collection.embedding("text")[:, 0].tolist() == [0.5, 1.5, 2.5]
        assert len(collection.load_audio(2)[0]) == 2_400
    assert sorted(downloaded.rglob("*")) == before
    assert len(list((tmp_path / "cache" / "datasets").iterdir())) == 2


@pytest.mark.parametrize("where", [".", "features"])
def test_bsd_archives_that_lie_unpacked_beside_are_left_alone(downloaded: Path, tmp_path: Path, where: str) -> None:
    shutil.copytree(tmp_path / "BSD" / "features", downloaded / where / "features")
    (downloaded / "audio.zip").unlink()
    assert bsd10k.load(downloaded).embedding("audio")[:, 0].tolist() == [0, 1, 2]
    assert not (tmp_path / "cache").exists()


def test_bsd_an_archive_holds_it_all_or_is_refused(downloaded: Path, tmp_path: Path) -> None:
    packed(tmp_path / "BSD10k.zip", tmp_path, ["BSD"])
    collection = load_collection(bsd10k.load(tmp_path / "BSD10k.zip").save(tmp_path / "c"))
    assert collection.embedding("audio")[:, 0].tolist() == [0, 1, 2]
    assert len(collection.load_audio(0)[0]) == 800
    (tmp_path / "torn.zip").write_bytes((tmp_path / "BSD10k.zip").read_bytes()[:-100])
    with pytest.raises(UserError, match=r"torn\.zip could not be unpacked"):
        bsd10k.load(tmp_path / "torn.zip")


def test_bsd_audio_in_several_folders_is_found(tmp_path: Path) -> None:
    root = bsd_folder(tmp_path / "BSD", ROWS, ["15", "21", "26"])
    (root / "part2" / "audio").mkdir(parents=True)
    (root / "audio" / "21.wav").rename(root / "part2" / "audio" / "21.wav")
    collection = bsd10k.load(root)
    assert [len(collection.load_audio(row)[0]) for row in range(3)] == [800, 1_600, 2_400]


def test_bsd2k_has_anonymous_sounds_and_no_classes(tmp_path: Path) -> None:
    (tmp_path / "BSD2k" / "metadata").mkdir(parents=True)
    (tmp_path / "BSD2k" / "metadata" / "BSD2k_metadata.csv").write_text(
        "anonymous_id,title,tags,description\n0007,Glass,glass,A glass\nx2.wav,Drums,,\n0009,Wind,,\n"
    )
    for stem in ("0007", "x2"):
        wav(tmp_path / "BSD2k" / "audio" / f"{stem}.wav")
    collection = load_collection(bsd2k.load(tmp_path / "BSD2k").save(tmp_path / "c"))
    assert collection.sounds["sound_id"].tolist() == ["0007", "x2.wav", "0009"]
    assert collection.sounds["title"].tolist() == ["Glass", "Drums", "Wind"]
    assert (collection.labels < 0).all()
    assert [collection.has_audio(row) for row in range(3)] == [True, True, False]
    assert len(collection.load_audio(1)[0]) == 800
    assert (collection.name, collection.source) == ("BSD2k", "bsd2k")
    assert collection.embedded_player(2) is None


def test_bsd2k_without_sounds_is_not_played_from_freesound(tmp_path: Path) -> None:
    (tmp_path / "BSD2k_metadata.csv").write_text("anonymous_id,title,tags,description\n7,Glass,glass,A glass\n")
    collection = bsd2k.load(tmp_path)
    assert collection.audio_root is None
    assert collection.embedded_player(0) is None


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
    tops = bst().top_codes
    assert collection.top_labels.tolist() == [tops.index("fx"), tops.index("m"), tops.index("ss")]
    assert load_collection(collection.save(tmp_path / "c")).top_labels.tolist() == collection.top_labels.tolist()


def test_bsd_top_classes_are_known_without_a_column_of_them(tmp_path: Path) -> None:
    rows = ROWS.drop(columns="class_top").assign(**{"class": ["fx-other", "noise-other", None]})
    collection = bsd10k.load(bsd_folder(tmp_path / "BSD", rows, []))
    assert collection.top_labels.tolist() == [bst().top_codes.index("fx"), -1, -1]
    assert "1 of them have a top-level class" in collection.notes[-1]


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


def test_bsd_vectors_that_are_none_are_counted_and_named(tmp_path: Path) -> None:
    rows = pd.DataFrame({"sound_id": [str(i) for i in range(6)], "class": "fx-a"})
    root = bsd_folder(tmp_path / "BSD", rows, list(rows["sound_id"]))
    features = root / "features" / "clap_audio_embeddings"
    partly, half = np.zeros(512, np.float32), np.zeros(512, np.float16)
    partly[7], half[3] = np.nan, np.inf
    for name, vector in (("1", partly), ("2", half), ("3", np.zeros((2, 512))), ("4", np.array([{}], object))):
        np.save(features / f"{name}.npy", vector, allow_pickle=True)
    collection = bsd10k.load(root)
    assert collection.usable(["audio"]).tolist() == [True, False, False, False, False, True]
    assert collection.notes == (
        "4 sounds have no CLAP audio embedding.",
        "The file of 2 of them has infinite or missing values, 1.npy for one.",
        "The file of 1 of them does not hold 512 values, as CLAP embeddings have, 3.npy for one.",
        "The file of 1 of them is not a NumPy array of numbers, 4.npy for one.",
    )


def test_bsd_another_table_that_cannot_be_read_ends_nothing(tmp_path: Path) -> None:
    root = bsd_folder(tmp_path / "BSD", ROWS, [])
    (root / "A_notes.csv").write_text("a,b\n1,2,3\n")
    collection = bsd10k.load(root)
    assert len(collection) == 3
    assert "line 2 has 3 cells" in collection.notes[0]
    (root / "metadata" / "BSD10k_metadata.csv").unlink()
    with pytest.raises(UserError, match="line 2 has 3 cells"):
        bsd10k.load(root)


@pytest.mark.parametrize("place", ["metadata", "."])
def test_bsd_brings_the_official_texts_of_its_classes(tmp_path: Path, place: str) -> None:
    root = bsd_folder(tmp_path / "BSD", ROWS, [])
    (root / place / "BST_description.csv").write_text(
        "class_idx,class_key,class_key_long,top_level,second_level,description,examples\n"
        '405,fx-a,Sound effects / Animals,fx,Animals,"Animals, officially","a dog, a cat"\n'
    )
    collection = load_collection(bsd10k.load(root).save(tmp_path / "saved"))
    assert len(collection) == 3
    assert collection.taxonomy["fx-a"].definition == "Animals, officially"
    assert collection.taxonomy["fx-o"].definition == bst()["fx-o"].definition
    assert (collection.taxonomy.texts_from, collection.taxonomy.hash) == ("BST_description.csv", bst().hash)
    assert {"Animals, officially", "a dog, a cat"} <= set(prompts(collection.taxonomy)[bst().codes.index("fx-a")])


def test_bsd_names_what_a_table_of_descriptions_lacks(tmp_path: Path) -> None:
    root = bsd_folder(tmp_path / "BSD", ROWS, [])
    (root / "metadata" / "BST_description.csv").write_text("key,text\nfx-a,Animals\n")
    with pytest.raises(UserError, match="class_key and description are needed"):
        bsd10k.load(root)


def test_official_embeddings_of_older_versions_say_how_they_were_made(tmp_path: Path) -> None:
    folder = bsd10k.load(bsd_folder(tmp_path / "BSD", ROWS, ["15", "21", "26"])).save(tmp_path / "saved")
    made = load_collection(folder)
    assert (made.audio_encoder, made.text_encoder) == (bsd_layout.OFFICIAL_AUDIO, bsd_layout.OFFICIAL_TEXT)
    header = json.loads((folder / "collection.json").read_text())
    for kind in ("audio", "text"):
        for later in ("template", "preprocessing", "crops", "weights_hash"):
            del header[f"{kind}_encoder"][later]
    older = migrations.collection_header(header)
    run = migrations.run_header(
        {
            "format_version": 3,
            "collection": {"source": "bsd10k"},
            "encoders": {kind: header[f"{kind}_encoder"] for kind in ("audio", "text")},
        }
    )
    for kind, official in (("audio", bsd_layout.OFFICIAL_AUDIO), ("text", bsd_layout.OFFICIAL_TEXT)):
        read = encoder_from(older[f"{kind}_encoder"])
        assert read == encoder_from(run["encoders"][kind]) == official
        assert read.crops == official.crops
    header["audio_encoder"]["via"] = "transformers 5.0"  # embedded by ourselves
    own = encoder_from(migrations.collection_header(header)["audio_encoder"])
    assert own == EncoderInfo("clap", bsd_layout.CLAP_REVISION, 512)
