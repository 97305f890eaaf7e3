from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from bstviz.datasets.collection import COLUMNS, FREESOUND_ROOT, SYNTH_ROOT, Collection, load_collection, sounds_table
from bstviz.datasets.taxonomy import load_taxonomy
from bstviz.encoders.base import Embeddings, EncoderInfo
from bstviz.errors import UserError
from bstviz.paths import assets
from tests.fakes import AUDIO_DIM, CODES, small_collection, tone, with_descriptions


def with_files(tmp_path: Path) -> Collection:
    """Two sounds with a file and one without."""
    (tmp_path / "audio").mkdir()
    for name in ("a", "b"):
        soundfile.write(tmp_path / "audio" / f"{name}.wav", tone(300), 8_000)
    rows = pd.DataFrame({"sound_id": ["a", "b", "c"], "path": ["a.wav", "b.wav", None]})
    return Collection(name="files", sounds=sounds_table(rows), audio_root=str(tmp_path / "audio"))


def test_a_saved_collection_reads_back_the_same(tmp_path: Path) -> None:
    before = small_collection()
    after = load_collection(before.save(tmp_path / "c"))
    pd.testing.assert_frame_equal(after.sounds, before.sounds)
    np.testing.assert_array_equal(after.embedding("audio"), before.embedding("audio"))
    np.testing.assert_array_equal(after.embedding("text"), before.embedding("text"))
    for name in ("name", "taxonomy", "audio_encoder", "text_encoder", "license", "notes", "hash"):
        assert getattr(after, name) == getattr(before, name), name
    assert after.folder == (tmp_path / "c").resolve()


def test_a_collection_without_embeddings_or_with_one_kind_reads_back(tmp_path: Path) -> None:
    whole = small_collection()
    bare = replace(whole, audio=None, audio_encoder=None, text=None, text_encoder=None)
    half = replace(whole, text=None, text_encoder=None)
    assert load_collection(bare.save(tmp_path / "bare")).audio is None
    assert load_collection(half.save(tmp_path / "half")).text is None
    assert load_collection(tmp_path / "half").audio is not None


def test_nan_rows_and_missing_values_survive(tmp_path: Path) -> None:
    before = small_collection()
    audio = before.embedding("audio").copy()
    audio[3] = np.nan
    sounds = before.sounds.copy()
    sounds.loc[5, ["class", "confidence", "title"]] = [None, pd.NA, None]
    after = load_collection(replace(before, audio=audio, sounds=sounds).save(tmp_path / "c"))
    assert np.isnan(after.embedding("audio")).all(axis=1).nonzero()[0].tolist() == [3]
    assert after.labels[5] == -1
    assert after.sounds.loc[5, ["class", "confidence", "title"]].isna().all()


def test_another_taxonomy_travels_with_the_collection(tmp_path: Path) -> None:
    (tmp_path / "birds.csv").write_text("code,parent,name\nb,,Birds\nb-o,b,Owl\nb-r,b,Robin\n")
    rows = pd.DataFrame({"sound_id": ["1", "2"], "class": ["b-r", "b-o"]})
    taxonomy = load_taxonomy(tmp_path / "birds.csv")
    after = load_collection(Collection("birds", sounds_table(rows), taxonomy).save(tmp_path / "c"))
    assert after.taxonomy == taxonomy
    assert after.labels.tolist() == [1, 0]


def test_labels_are_positions_of_the_classes() -> None:
    collection = small_collection(per_class=2)
    assert [collection.taxonomy.codes[i] for i in collection.labels] == [c for c in CODES for _ in range(2)]


def test_a_repeated_id_is_refused() -> None:
    with pytest.raises(UserError, match="repeats the sound_id 'x'"):
        Collection("twice", sounds_table(pd.DataFrame({"sound_id": ["x", "y", "x"]})))


def test_a_class_outside_the_taxonomy_is_refused() -> None:
    rows = pd.DataFrame({"sound_id": ["x"], "class": ["fx-other"]})
    with pytest.raises(UserError, match="'fx-other'"):
        Collection("strange", sounds_table(rows))


def test_embeddings_of_another_shape_are_refused() -> None:
    collection = small_collection()
    with pytest.raises(UserError, match="do not fit"):
        replace(collection, audio=collection.embedding("audio")[:-1])
    with pytest.raises(UserError, match="do not fit"):
        replace(collection, audio_encoder=EncoderInfo("fake-audio", "1", AUDIO_DIM + 1))
    with pytest.raises(UserError, match="do not fit"):
        replace(collection, audio_encoder=None)


def test_missing_embeddings_name_the_command_that_makes_them() -> None:
    bare = replace(small_collection(), audio=None, audio_encoder=None)
    with pytest.raises(UserError, match="no audio embeddings yet; run: bstviz embed"):
        bare.embedding("audio")


def test_the_hash_changes_with_ids_classes_order_and_embeddings_only() -> None:
    base = small_collection()
    audio = base.embedding("audio").copy()
    audio[0, 0] += 1
    other_class = base.sounds.assign(**{"class": ["m-m", *base.sounds["class"][1:]]})
    changed = [
        replace(base, audio=audio),
        replace(base, sounds=other_class),
        replace(base, sounds=base.sounds.assign(sound_id=["z", *base.sounds["sound_id"][1:]])),
        replace(base, sounds=base.sounds.iloc[::-1].reset_index(drop=True)),
        replace(base, text=None, text_encoder=None),
    ]
    assert len({base.hash, *(c.hash for c in changed)}) == len(changed) + 1
    assert replace(base, name="other", sounds=base.sounds.assign(title="new")).hash == base.hash
    assert small_collection().hash == base.hash


def test_a_second_text_stands_beside_the_first_and_changes_no_identity(tmp_path: Path) -> None:
    base = small_collection()
    both = load_collection(with_descriptions(base).save(tmp_path / "c"))
    assert list(both.text_configurations) == ["title+tags", "title+tags+description"]
    assert (both.hash, both.text_hash) == (base.hash, None)
    np.testing.assert_array_equal(both.embedding("text"), base.embedding("text"))
    seen = both.with_text("title+tags+description")
    np.testing.assert_array_equal(seen.embedding("text"), with_descriptions(base).further_texts[0].values)
    assert str(seen.encoder("text")) == "fake-text 1 (title + tags + description), 12-d"
    assert seen.hash == base.hash
    assert seen.text_hash == hashlib.sha256(seen.embedding("text").tobytes()).hexdigest()
    assert both.with_text("title+tags") is both.with_text(None) is both
    with pytest.raises(UserError, match=r"'title'; there are title\+tags, .* --text-fields title$"):
        both.with_text("title")


def test_a_text_of_the_same_fields_takes_the_place_of_the_older(tmp_path: Path) -> None:
    both = with_descriptions(small_collection())
    for name, made in both.text_configurations.items():
        anew = both.having_text(Embeddings(made.values + 1, made.encoder)).text_configurations
        assert list(anew) == list(both.text_configurations)
        changed = {n: not np.array_equal(anew[n].values, e.values) for n, e in both.text_configurations.items()}
        assert changed == {n: n == name for n in changed}
    with pytest.raises(UserError, match="one of them twice"):
        replace(both, further_texts=both.further_texts * 2)
    with pytest.raises(UserError, match="without a first one"):
        replace(both, text=None, text_encoder=None)
    with pytest.raises(UserError, match="do not fit"):
        replace(both, further_texts=(Embeddings(both.further_texts[0].values[:-1], both.further_texts[0].encoder),))


def test_the_bundled_collection_keeps_its_identity() -> None:
    """The hash that it had before a collection could hold several texts, and what that was over."""
    demo = load_collection(assets() / "demo")
    assert demo.hash == json.loads((assets() / "demo" / "collection.json").read_text())["hash"]
    assert (demo.further_texts, demo.text_hash) == ((), None)


def test_texts_join_what_is_there() -> None:
    rows = pd.DataFrame({"sound_id": ["1", "2", "3"], "title": ["Dog ", None, ""], "tags": ["bark", "cat", None]})
    collection = Collection("words", sounds_table(rows))
    assert collection.texts(("title", "tags")) == ["Dog. bark", "cat", ""]
    assert collection.texts(("tags",)) == ["bark", "cat", ""]


def test_audio_is_read_from_the_root(tmp_path: Path) -> None:
    collection = with_files(tmp_path)
    samples, rate = collection.load_audio(0)
    assert (len(samples), rate) == (2_000, 8_000)
    assert [collection.has_audio(row) for row in range(3)] == [True, True, False]
    assert collection.path(2) is None
    with pytest.raises(UserError, match=r"'c'.*no audio file"):
        collection.load_audio(2)


def test_a_relative_root_counts_from_the_collections_folder(tmp_path: Path) -> None:
    saved = replace(with_files(tmp_path), audio_root="../audio").save(tmp_path / "c")
    assert len(load_collection(saved).load_audio(1)[0]) == 2_000
    copied = load_collection(saved).save(tmp_path / "deep" / "er" / "copy")
    assert len(load_collection(copied).load_audio(1)[0]) == 2_000


def test_synthesised_audio_needs_no_file() -> None:
    collection = Collection("synth", sounds_table(pd.DataFrame({"sound_id": ["fx-a-000"]})), audio_root=SYNTH_ROOT)
    samples, rate = collection.load_audio(0)
    assert collection.has_audio(0)
    assert collection.path(0) is None
    assert len(samples) > 0.1 * rate


def test_damage_on_disk_is_noticed(tmp_path: Path) -> None:
    folder = small_collection().save(tmp_path / "c")
    table = pd.read_parquet(folder / "sounds.parquet")
    table.assign(title="other").to_parquet(folder / "sounds.parquet")
    with pytest.raises(UserError, match=r"sounds\.parquet was changed"):
        load_collection(folder)
    (small_collection().save(folder) / "embeddings.safetensors").unlink()
    with pytest.raises(UserError, match=r"lacks embeddings\.safetensors"):
        load_collection(folder)
    header = json.loads((small_collection().save(folder) / "collection.json").read_text())
    (folder / "collection.json").write_text(json.dumps({**header, "format_version": 99}))
    with pytest.raises(UserError, match="version 99"):
        load_collection(folder)


def test_sounds_are_usable_where_all_of_their_embeddings_are_finite() -> None:
    collection = small_collection(per_class=1)
    assert collection.audio is not None
    assert collection.text is not None
    collection.audio[0], collection.audio[1, 3], collection.text[2, 0] = np.nan, np.inf, np.nan
    assert np.flatnonzero(~collection.usable(["audio"])).tolist() == [0, 1]
    assert np.flatnonzero(~collection.usable(["audio", "text"])).tolist() == [0, 1, 2]
    assert collection.usable([]).all()
    with pytest.raises(UserError, match="no text embeddings yet"):
        replace(collection, text=None, text_encoder=None).usable(["text"])


def test_a_collection_is_itself_alone() -> None:
    collection = small_collection()
    assert collection == collection
    assert collection != replace(collection)
    assert len({collection, collection}) == 1


def test_a_table_gets_the_columns() -> None:
    rows = pd.DataFrame({"sound_id": [7, 8], "confidence": [5.0, None], "title": ["  ", "b"], "mood": ["x", "y"]})
    out = sounds_table(rows)
    assert tuple(out.columns) == (*COLUMNS, "mood")
    assert out["sound_id"].tolist() == ["7", "8"]
    assert out["confidence"].dtype == "Int8"
    assert out["confidence"][0] == 5
    assert out["confidence"].isna().tolist() == [False, True]
    assert out["title"].isna().tolist() == [True, False]
    assert out["duration"].dtype == np.float32


@pytest.mark.parametrize("value", [0, 6, 2.5, "sure"])
def test_a_confidence_outside_1_to_5_is_refused(value: object) -> None:
    with pytest.raises(UserError, match=r"'b' has confidence .*1 to 5"):
        sounds_table(pd.DataFrame({"sound_id": ["a", "b"], "confidence": [3, value]}))


def test_rows_without_an_id_are_refused() -> None:
    with pytest.raises(UserError, match="2 rows of the table have no sound_id"):
        sounds_table(pd.DataFrame({"sound_id": ["a", None, " "]}))


def test_a_table_without_ids_is_refused() -> None:
    with pytest.raises(UserError, match="no column sound_id; it has name"):
        sounds_table(pd.DataFrame({"name": ["a"]}))


def test_sounds_of_freesound_are_named_and_not_loaded(tmp_path: Path) -> None:
    away = replace(small_collection(), audio_root=FREESOUND_ROOT)
    saved = load_collection(away.save(tmp_path / "c"))
    assert saved.embedded_player(3) == "https://freesound.org/embed/sound/iframe/s003/simple/medium/"
    assert saved.path(3) is None
    with pytest.raises(UserError, match="has no audio file"):
        saved.load_audio(3)
    assert load_collection(saved.save(tmp_path / "d")).audio_root == FREESOUND_ROOT
    assert small_collection().embedded_player(3) is None


def test_a_table_that_would_not_be_read_takes_no_good_ones_place(tmp_path: Path) -> None:
    good = small_collection()
    good.save(tmp_path / "c")
    for strange in ({"a\nb": 1}, {"x" * 1_001: 1}, {"confidence": 7.0}):
        with pytest.raises(UserError) as caught:
            replace(good, sounds=good.sounds.assign(**strange)).save(tmp_path / "c")
        assert ".c.new" not in str(caught.value)
        assert str(tmp_path / "c" / "sounds.parquet") in str(caught.value)
    assert load_collection(tmp_path / "c").hash == good.hash


def test_lengths_and_columns_that_importers_once_kept_are_read(tmp_path: Path) -> None:
    sounds = small_collection().sounds.assign(class_top=1, class_before_review=2.5)
    sounds.loc[:2, "duration"] = [-1.0, 1e12, 3.0]
    after = load_collection(replace(small_collection(), sounds=sounds).save(tmp_path / "c")).sounds
    assert after["duration"][:3].fillna(-9).tolist() == [-9, -9, 3]
    assert (after["class_top"].iat[0], after["class_before_review"].iat[0]) == ("1", "2.5")


def test_names_and_notes_stand_in_a_line_each(tmp_path: Path) -> None:
    made = replace(small_collection(), name="a\nb", notes=("c\x1b d", "e"))
    after = load_collection(made.save(tmp_path / "c"))
    assert (after.name, after.notes) == ("a\\x0ab", ("c\\x1b d", "e"))


def test_what_is_wrong_with_a_collection_is_told_with_one_remedy(tmp_path: Path) -> None:
    folder = small_collection().save(tmp_path / "c")
    header = json.loads((folder / "collection.json").read_text())
    del header["files"]
    (folder / "collection.json").write_text(json.dumps(header | {"files_hash": None}))
    sounds = pd.read_parquet(folder / "sounds.parquet")
    sounds.loc[0, "confidence"] = 9
    sounds.to_parquet(folder / "sounds.parquet")
    with pytest.raises(UserError) as caught:
        load_collection(folder)
    assert str(caught.value).count("Import the sounds again") == 1
