from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bstviz.datasets.collection import Collection
from bstviz.datasets.extra import check_alike, concatenate, join, shared
from bstviz.datasets.splits import choose_folds, group_values, split_collection
from bstviz.datasets.taxonomy import Taxonomy
from bstviz.errors import UserError
from tests.fakes import small_collection, with_descriptions


def renamed(collection: Collection, prefix: str) -> Collection:
    return replace(collection, sounds=collection.sounds.assign(sound_id=prefix + collection.sounds["sound_id"]))


@pytest.fixture
def other() -> Collection:
    return renamed(small_collection(seed=1, name="other"), "o")


def test_concatenated_collections_keep_rows_and_embeddings_together(collection: Collection, other: Collection) -> None:
    both = concatenate(collection, [other])
    assert both.sounds["sound_id"].tolist()[:48] == collection.sounds["sound_id"].tolist()
    row = both.row_of["other/os007"]
    np.testing.assert_array_equal(both.embedding("audio")[row], other.embedding("audio")[7])
    np.testing.assert_array_equal(both.embedding("text")[row], other.embedding("text")[7])
    assert both.sounds["collection"].tolist()[48:] == ["other"] * 48
    silent = [replace(c, text=None, text_encoder=None) for c in (collection, other)]
    assert concatenate(silent[0], silent[1:]).text is None


def test_what_the_first_has_too_by_id_or_content_is_left_out(collection: Collection, other: Collection) -> None:
    content = pd.Series([f"c{i}" for i in range(48)], dtype="str").where(pd.Series(range(48)) % 2 == 0)
    first = replace(collection, sounds=collection.sounds.assign(content=content))
    same = other.sounds.assign(content=content.shift(1))
    same.loc[5, "sound_id"] = "s005"
    same.loc[7, "content"] = None
    other = replace(other, sounds=same)
    expected = [row for row in range(48) if row == 5 or (row % 2 == 1 and row != 7)]
    assert np.flatnonzero(shared(first, other)).tolist() == expected
    both = concatenate(first, [other])
    assert len(both) == 48 + 48 - len(expected)
    np.testing.assert_array_equal(both.embedding("audio")[48:], other.embedding("audio")[~shared(first, other)])
    assert np.flatnonzero(shared(collection, other)).tolist() == [5]  # whose sounds tell no content


def test_others_of_another_encoder_or_taxonomy_are_refused_by_name(collection: Collection, other: Collection) -> None:
    silent = replace(other, text=None, text_encoder=None)
    with pytest.raises(UserError, match=r"'other' has text embeddings of no encoder, and 'small' of fake-text 1"):
        concatenate(collection, [silent])
    assert concatenate(collection, [silent], ["audio"]).text is None
    newer = replace(other, audio_encoder=replace(other.audio_encoder, revision="2"))
    with pytest.raises(UserError, match=r"'other' has audio embeddings of fake-audio 2.*bstviz embed other"):
        check_alike(collection, newer, ["audio"])
    fewer = Taxonomy("fewer", other.taxonomy.top, other.taxonomy.second[:-1])
    with pytest.raises(UserError, match="'other' has another taxonomy than 'small': 'fewer', not 'bst'"):
        check_alike(collection, replace(other, taxonomy=fewer), ["audio"])
    with pytest.raises(UserError, match="have the sound 'other/os000'; give each once"):
        concatenate(collection, [other, other])


def test_others_are_seen_with_the_text_of_the_first(collection: Collection, other: Collection) -> None:
    first, second = with_descriptions(collection), with_descriptions(other)
    described = first.with_text("title+tags+description")
    both = concatenate(described, [second], ["text"])
    assert both.encoder("text") == described.encoder("text")
    expected = second.with_text("title+tags+description").embedding("text")
    np.testing.assert_array_equal(both.embedding("text")[48:], expected)
    with pytest.raises(UserError, match="Embed it with the same"):
        concatenate(described, [other], ["text"])


@pytest.mark.parametrize("folds", [3, "hatr"])
def test_extra_sounds_are_never_test_at_any_threshold(
    collection: Collection, other: Collection, folds: int | str
) -> None:
    chosen = choose_folds(collection, folds=folds)
    everything, extended = join(collection, chosen, [other], ["audio"])
    assert len(everything) == 96
    for threshold in (1, 2):
        np.testing.assert_array_equal(extended.at(threshold)[:48], chosen.at(threshold))
        assert (extended.at(threshold)[48:] == -1).all()
    assert join(collection, chosen, [], ["audio"]) == (collection, chosen)


def test_a_collection_that_adds_nothing_leaves_grouped_folds_as_they_are(collection: Collection) -> None:
    chosen = choose_folds(collection, folds=3, group="uploader")
    _, folds = join(collection, chosen, [collection], ["audio"])
    np.testing.assert_array_equal(folds.groups, chosen.groups)
    np.testing.assert_array_equal(folds.assignment, chosen.assignment)


def test_extra_sounds_of_a_test_sound_s_group_do_not_train(collection: Collection, other: Collection) -> None:
    """Four uploaders in both; a fifth in the other one alone, and sounds that tell none."""
    uploaders = other.sounds["uploader"].to_numpy(object, copy=True)
    uploaders[:4], uploaders[4:6] = "stranger", None
    other = replace(other, sounds=other.sounds.assign(uploader=uploaders))
    chosen = choose_folds(collection, folds=3, group="uploader")
    everything, folds = join(collection, chosen, [other], ["audio"])
    split = split_collection(everything, folds, 0, np.ones(96, bool), min_confidence=1, validation=0.2, seed=0)
    groups = group_values(everything.sounds, "uploader")
    tested = set(groups[split == "test"])
    assert tested
    assert not tested & set(groups[np.isin(split, ["train", "val"])])
    assert (split[48:][[uploader in tested for uploader in uploaders]] == "unused").all()
    assert np.isin(split[48:54], ["train", "val"]).all()


def test_extra_sounds_keep_where_they_come_from(collection: Collection, other: Collection, tmp_path: Path) -> None:
    placed = replace(other, sounds=other.sounds.assign(collection=[f"place{i % 3}" for i in range(48)]))
    assert set(concatenate(collection, [placed]).sounds["collection"].dropna()) == {"place0", "place1", "place2"}
