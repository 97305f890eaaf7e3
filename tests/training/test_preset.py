from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bstviz.datasets.collection import Collection
from bstviz.errors import UserError
from bstviz.models.config import changed, recipe
from bstviz.models.run_info import run_id
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
    with pytest.raises(UserError, match="no sweep preset 'table9'; known: ablation, table1"):
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
    refused = (
        ("seeds = 3", "seeds is 3; allowed is a list"),
        ("seeds = [1, 1]", "may stand once"),
        ("texts = 'tags'", "a list"),
    )
    for text, message in refused:
        file.write_text(text)
        with pytest.raises(UserError, match=message):
            load_preset(str(file))


VARIED = """
modalities = ["audio"]
seeds = [0, 1]
[train]
epochs = 2
[variants]
focal-2 = { focal_gamma = 2.0 }
"tau-0.1" = { temperature = 0.1 }
narrow = { sizes.width = 8 }
confidence-weighted = { confidence_power = 1.0 }
"""


def test_variants_are_changes_to_the_recipe_tried_one_at_a_time(tmp_path: Path, collection: Collection) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(VARIED)
    settings = grid_of(load_preset(str(file)), collection).settings
    hierarchical = [c for c in settings if c.loss == "hierarchical"]
    assert [(c.variant, c.seed) for c in hierarchical] == [
        (name, seed) for name in ("", "focal-2", "tau-0.1", "narrow", "confidence-weighted") for seed in (0, 1)
    ]
    for config in hierarchical:
        plain = replace(config, variant="")
        common = recipe("default", epochs=2, modality="audio", seed=config.seed)
        changes = load_preset(str(file)).variants.get(config.variant, {})
        assert plain == changed(common, **changes)
    assert len({run_id(config, 0) for config in settings}) == len(settings)
    assert "hierarchical-audio-c1-focal-2-fold0-s1" in {run_id(config, 0) for config in settings}


def test_a_loss_is_trained_without_variants_that_it_ignores(tmp_path: Path, collection: Collection) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(VARIED)
    settings = grid_of(load_preset(str(file)), collection).settings
    assert {c.variant for c in settings if c.loss == "flat"} == {"", "focal-2", "narrow", "confidence-weighted"}


def test_some_of_the_variants_may_be_asked_for(tmp_path: Path, collection: Collection) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(VARIED)
    few = load_preset(str(file)).changed(recipe=None, baselines=True, epochs=None, variants=("narrow",))
    assert {c.variant for c in grid_of(few, collection).settings} == {"", "narrow"}
    with pytest.raises(UserError, match=r"no variant 'wide'; it has focal-2, tau-0.1"):
        few = load_preset(str(file)).changed(recipe=None, baselines=True, epochs=None, variants=("wide",))


def test_a_collection_without_annotation_confidence_is_trained_without_its_variants(
    tmp_path: Path, collection: Collection
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(VARIED)
    unrated = replace(collection, sounds=collection.sounds.assign(confidence=None))
    work = grid_of(load_preset(str(file)), unrated)
    assert {c.variant for c in work.settings} == {"", "focal-2", "tau-0.1", "narrow"}
    assert work.left_out == ("variant confidence-weighted: the collection has no annotation confidence",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[variants]\nfocal = 2.0", r"variants.'focal' is 2.0; allowed is an object"),
        ("[variants]\nfocal = { gamma = 2.0 }", "unknown training setting"),
        ("[variants]\nwide = { sizes.breadth = 8 }", "unknown training setting"),
        ('[variants]\n"a/b" = { mixup = 0.0 }', "a name in variants is 'a/b'"),
    ],
)
def test_variants_that_nothing_can_be_made_of_are_refused(
    tmp_path: Path, collection: Collection, text: str, message: str
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(UserError, match=message):
        grid_of(load_preset(str(file)), collection)


def test_the_ablation_changes_one_thing_at_a_time_in_the_default_recipe(collection: Collection) -> None:
    preset = load_preset("ablation")
    for name, changes in preset.variants.items():
        assert len(changes) == 1 or name == "contrastive-both", name
    work = grid_of(preset, collection)
    assert {recipe_of(c) for c in work.settings if not c.variant} == {"default"}
    assert all(recipe_of(c).startswith("default with ") for c in work.settings if c.variant)
    assert {c.seed for c in work.settings} == {0, 1, 2}
