"""The losses again, in numpy, written from the paper's section 3 alone and read off equation by equation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bstviz.models.config import LOSSES, RECIPES, Loss, TrainConfig
from bstviz.models.losses import total_loss

PARENTS = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2])


def equation_4(y_hat: np.ndarray, y: np.ndarray) -> float:
    """L = - sum_i y_i log(softmax(y_hat)_i), of one sound."""
    softmax = np.exp(y_hat) / np.exp(y_hat).sum()
    return -sum(y[i] * np.log(softmax[i]) for i in range(len(y)))


def equation_5(y_hat: np.ndarray, t: np.ndarray) -> float:
    """L_Top = 1/N sum_i I(top(y_hat_i) != t_i)."""
    return sum(PARENTS[y_hat[i].argmax()] != t[i] for i in range(len(t))) / len(t)


def equation_6(z: np.ndarray, t: np.ndarray, i: int, tau: float, *, with_itself: bool) -> float:
    """l_i; ``with_itself`` is the authors' code, whose sum below the line leaves out no sound."""
    positives = [p for p in range(len(z)) if p != i and t[p] == t[i]]
    below = sum(np.exp(z[i] @ z[a] / tau) for a in range(len(z)) if with_itself or a != i)
    if not positives:
        return 0.0
    return -sum(np.log(np.exp(z[i] @ z[p] / tau) / below) for p in positives) / len(positives)


def equation_7(z: np.ndarray, t: np.ndarray, tau: float, weight: float, *, with_itself: bool) -> float:
    """L_Contr = lambda 1/N sum_i l_i, over latents of unit norm."""
    z = z / np.linalg.norm(z, axis=1, keepdims=True)
    return weight * sum(equation_6(z, t, i, tau, with_itself=with_itself) for i in range(len(z))) / len(z)


def expected(config: TrainConfig, logits: np.ndarray, latent: np.ndarray, y: np.ndarray) -> float:
    """What a recipe adds up."""
    classes = len(PARENTS)
    targets = (1 - config.label_smoothing) * np.eye(classes)[y] + config.label_smoothing / classes
    loss = float(np.mean([equation_4(*pair) for pair in zip(logits, targets, strict=True)]))
    if config.loss == "flat":
        return loss
    t = PARENTS[y]
    if config.top_penalty == "indicator":
        loss += equation_5(logits, t)
    else:
        mass = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        loss += float(np.mean([1 - mass[i, t[i] == PARENTS].sum() for i in range(len(t))]))
    with_itself = config.denominator == "all"
    return loss + equation_7(latent, t, config.temperature, config.contrastive_weight, with_itself=with_itself)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("seed", range(5))
def test_every_recipe_minimises_what_the_paper_states(name: str, loss: Loss, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 40))
    config = TrainConfig(**{**vars(RECIPES[name]), "loss": loss})
    logits, latent = rng.normal(0, 3, (n, len(PARENTS))), rng.normal(0, 2, (n, 6))
    y = rng.integers(0, len(PARENTS), n)
    tensors = [torch.tensor(logits, dtype=torch.float32), torch.tensor(latent, dtype=torch.float32), torch.tensor(y)]
    found = total_loss(*tensors, tensors[2], torch.tensor(PARENTS), config).item()
    assert found == pytest.approx(expected(config, logits, latent, y), rel=1e-5, abs=1e-5)


def test_the_recipes_take_equations_5_and_6_as_their_sources_do() -> None:
    paper, hatr = RECIPES["paper"], RECIPES["hatr"]
    assert (paper.top_penalty, paper.denominator, paper.label_smoothing) == ("indicator", "others", 0.0)
    assert (hatr.top_penalty, hatr.denominator, hatr.label_smoothing) == ("indicator", "all", 0.01)
    assert {c.temperature for c in (paper, hatr)} == {0.5}
    assert {c.contrastive_weight for c in (paper, hatr)} == {1.0}


def test_a_sound_without_positives_adds_nothing_in_either_form() -> None:
    z, t = np.random.default_rng(0).normal(size=(3, 4)), np.array([0, 1, 2])
    assert equation_7(z, t, 0.5, 1.0, with_itself=True) == equation_7(z, t, 0.5, 1.0, with_itself=False) == 0
