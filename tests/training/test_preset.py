from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bstviz.datasets.collection import Collection
from bstviz.errors import UserError
from bstviz.reports.table import recipe_of
from bstviz.training.preset import grid_of, load_preset
from tests.fakes import with_descriptions


def test_table_1_is_eighteen_settings_of_the_paper(collection: Collection) -> None:
    work = grid_of(load_preset("table1"), collection)
    assert len(work.settings) == 18
    assert {(c.loss, c.modality, c.min_confidence) for c in work.settings} == {
        (loss, modality, c)
        for loss in ("hierarchical", "flat")
        for modality in ("audio", "text", "both")
        for c in (1, 3, 4)
    }
    assert len(work.baselines) == 2 * 3 * 3


@pytest.mark.parametrize(
    ("preset", "expected"), [("table1", "paper"), ("table1-hatr", "hatr"), ("table1-default", "default")]
)
def test_each_preset_of_table_1_is_the_same_grid_with_a_recipe_of_its_own(
    collection: Collection, preset: str, expected: str
) -> None:
    assert replace(load_preset(preset), name="", recipe="") == replace(load_preset("table1"), name="", recipe="")
    assert {recipe_of(setting) for setting in grid_of(load_preset(preset), collection, seed=3).settings} == {expected}


def test_what_a_collection_lacks_is_left_out_and_reported(collection: Collection) -> None:
    silent = replace(collection, audio=None, audio_encoder=None)
    work = grid_of(load_preset("table1"), silent)
    assert {c.modality for c in work.settings} == {"text"}
    assert [reason.split(":")[0] for reason in work.left_out] == [
        "modality audio",
        "modality both",
        "text title+tags+description",
    ]
    unrated = replace(silent, sounds=silent.sounds.assign(confidence=None))
    assert {c.min_confidence for c in grid_of(load_preset("table1"), unrated).settings} == {1}
    with pytest.raises(UserError, match="Nothing of preset 'table1'"):
        grid_of(load_preset("table1"), replace(silent, text=None, text_encoder=None))


def test_texts_are_an_axis_of_models_that_take_text(collection: Collection) -> None:
    work = grid_of(load_preset("table1"), with_descriptions(collection))
    assert [(c.modality, c.text) for c in work.settings if (c.loss, c.min_confidence) == ("flat", 1)] == [
        ("audio", None),
        ("text", None),
        ("text", "title+tags+description"),
        ("both", None),
        ("both", "title+tags+description"),
    ]
    assert {(b.modality, b.text) for b in work.baselines} == {(c.modality, c.text) for c in work.settings}
    assert not work.left_out
    titles = replace(collection, text_encoder=replace(collection.text_encoder, fields=("title",)))  # type: ignore[type-var]
    other = grid_of(load_preset("table1"), titles)
    assert {c.text for c in other.settings} == {None}
    assert [reason.split(":")[0] for reason in other.left_out] == ["text title+tags", "text title+tags+description"]


def test_a_preset_of_one_s_own_is_a_toml_file(tmp_path: Path, collection: Collection) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('losses = ["flat"]\nmodalities = ["text"]\nmin_confidences = [2]\n[train]\nmixup = 0.9\n')
    (setting,) = grid_of(load_preset(str(file)), collection, seed=7).settings
    assert (setting.loss, setting.modality, setting.min_confidence) == ("flat", "text", 2)
    assert (setting.mixup, setting.seed) == (0.9, 7)
    for text, message in (("colours = 3", "unknown setting 'colours'"), ("losses = [", "not valid TOML")):
        file.write_text(text)
        with pytest.raises(UserError, match=message):
            load_preset(str(file))
    file.write_text("[train]\nwidth = 3")
    with pytest.raises(UserError, match="unknown training setting"):
        grid_of(load_preset(str(file)), collection)
    with pytest.raises(UserError, match="no sweep preset 'table9'; known: table1"):
        load_preset("table9")


def test_seeds_are_an_axis_of_a_sweep(tmp_path: Path, collection: Collection) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('modalities = ["audio"]\nbaselines = ["knn"]\nseeds = [0, 1, 2]\n')
    preset = load_preset(str(file))
    work = grid_of(preset, collection)
    assert [(c.loss, c.seed) for c in work.settings] == [(x, s) for x in ("hierarchical", "flat") for s in (0, 1, 2)]
    assert [b.seed for b in work.baselines] == [0, 1, 2]
    other = preset.changed(recipe=None, baselines=True, epochs=None, seeds=(4,))
    assert {c.seed for c in grid_of(other, collection).settings} == {4}
    refused = (("seeds = 3", "a list is needed"), ("seeds = [1, 1]", "each of them once"), ("texts = 'tags'", "a list"))
    for text, message in refused:
        file.write_text(text)
        with pytest.raises(UserError, match=message):
            load_preset(str(file))
