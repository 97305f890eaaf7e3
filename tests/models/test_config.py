from __future__ import annotations

import pytest

from bstviz.errors import UserError
from bstviz.models.config import TrainConfig, recipe


def test_the_paper_recipe_is_section_4_2() -> None:
    paper = recipe("paper")
    assert (paper.epochs, paper.patience, paper.batch_size, paper.learning_rate) == (100, 5, 64, 1e-3)
    assert (paper.temperature, paper.contrastive_weight, paper.mask) == (0.5, 1.0, 0.7)
    assert (paper.sizes.hidden, paper.sizes.latent) == (128, 64)
    assert (paper.schedule, paper.mixup, paper.top_penalty) == ("constant", 0.0, "indicator")


@pytest.mark.parametrize(
    "wrong", [{"loss": "both"}, {"modality": "video"}, {"min_confidence": 6}, {"epochs": 0}, {"batch_size": 1}]
)
def test_settings_out_of_range_are_refused(wrong: dict) -> None:
    with pytest.raises(UserError, match=next(iter(wrong))):
        TrainConfig(**wrong)


def test_an_unknown_recipe_is_refused() -> None:
    with pytest.raises(UserError, match="no recipe 'fast'; known: default, text, paper"):
        recipe("fast")
