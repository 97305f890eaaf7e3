from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bstviz.errors import UserError
from bstviz.models.config import RECIPES, NetworkSizes, TrainConfig, recipe


def test_the_paper_recipe_is_section_4_2() -> None:
    paper = recipe("paper")
    assert (paper.epochs, paper.patience, paper.batch_size, paper.learning_rate) == (100, 5, 64, 1e-3)
    assert (paper.temperature, paper.contrastive_weight, paper.mask) == (0.5, 1.0, 0.7)
    assert (paper.sizes.hidden, paper.sizes.latent) == (128, 64)
    assert (paper.schedule, paper.mixup, paper.top_penalty) == ("constant", 0.0, "indicator")
    assert (paper.validation, paper.stopping, paper.standardise, paper.retrieval) == (0.1, "loss", False, False)
    assert (paper.weight_decay, paper.label_smoothing, paper.sizes.dropout) == (0.0, 0.0, 0.0)


def test_the_hatr_recipe_is_the_authors_code() -> None:
    hatr = recipe("hatr")
    assert (hatr.epochs, hatr.patience, hatr.stopping, hatr.validation) == (100, 15, "accuracy", 0.2)
    assert (hatr.learning_rate, hatr.weight_decay, hatr.decay, hatr.schedule) == (1e-3, 1e-5, "coupled", "step")
    assert (hatr.batch_size, hatr.drop_last, hatr.initialisation) == (64, True, "xavier")
    assert (hatr.standardise, hatr.noise, hatr.least_mask, hatr.mask) == (False, 1e-4, 0.01, 0.7)
    assert (hatr.sizes.norm, hatr.sizes.head, hatr.sizes.dropout, hatr.sizes.hidden) == ("batch", "deep", 0.1, 128)


def test_a_stored_config_without_a_setting_is_read_as_what_was_done_then() -> None:
    later = ("stopping", "drop_last", "decay", "initialisation", "standardise", "least_mask", "denominator", "variant")
    later += ("focal_gamma", "class_weights", "confidence_power", "contrastive_second")
    config = TrainConfig(epochs=3)
    stored = dataclasses.asdict(config)
    for name in later:
        del stored[name]
    for name in ("norm", "head"):
        del stored["sizes"][name]
    assert TrainConfig.from_dict(stored) == config
    assert (config.standardise, config.decay, config.sizes.norm, config.sizes.head) == (
        True,
        "decoupled",
        "layer",
        "plain",
    )
    assert (config.stopping, config.drop_last, config.denominator) == ("loss", False, "others")
    assert (config.focal_gamma, config.class_weights, config.confidence_power, config.contrastive_second) == (
        0,
        "none",
        0,
        0,
    )


def test_a_recipe_that_is_no_longer_offered_still_works() -> None:
    assert recipe("text", seed=3) == recipe("default", label_smoothing=0.3, seed=3)
    assert "text" not in RECIPES


@pytest.mark.parametrize(
    "wrong",
    [
        {"loss": "both"},
        {"modality": "video"},
        {"modality": "audio", "text": "title+tags"},
        {"min_confidence": 6},
        {"epochs": 0},
        {"batch_size": 1},
        {"schedule": "cosine"},
        {"stopping": "f1"},
        {"decay": "none"},
        {"initialisation": "normal"},
        {"denominator": "itself"},
        {"least_mask": 0.8},
        {"class_weights": "inverse"},
        {"focal_gamma": -1.0},
        {"contrastive_second": 1.5},
        {"variant": "a/b"},
        {"variant": "Focal"},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict) -> None:
    with pytest.raises(UserError, match=next(iter(wrong))):
        TrainConfig(**wrong)


@pytest.mark.parametrize("wrong", [{"norm": "group"}, {"head": "wide"}])
def test_sizes_that_no_network_has_are_refused(wrong: dict) -> None:
    with pytest.raises(UserError, match=next(iter(wrong))):
        NetworkSizes(**wrong)


def test_a_recipe_changes_sizes_one_by_one() -> None:
    changed = recipe("paper", sizes={"width": 256})
    assert changed == dataclasses.replace(recipe("paper"), sizes=dataclasses.replace(recipe("paper").sizes, width=256))
    assert recipe("paper", sizes=NetworkSizes()).sizes == NetworkSizes()
    with pytest.raises(TypeError):
        recipe("paper", sizes={"breadth": 3})


def test_an_unknown_recipe_is_refused() -> None:
    with pytest.raises(UserError, match="no recipe 'fast'; known: default, paper, hatr"):
        recipe("fast")


def test_numbers_of_arrays_are_settings_as_plain_ones() -> None:
    made = TrainConfig(learning_rate=np.float64(0.01), epochs=np.int64(3))  # type: ignore[arg-type]
    assert (type(made.learning_rate), type(made.epochs)) == (float, int)
    with pytest.raises(UserError, match="epochs is"):
        TrainConfig(epochs=np.int64(-3))  # type: ignore[arg-type]
