from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest
import torch

from bstviz.models.config import DEFAULT_LOSS, LOSSES, Loss
from bstviz.models.losses import (
    OBJECTIVES,
    cross_entropy,
    soft_top_class_penalty,
    supervised_contrastive,
    top_class_penalty,
    total_loss,
)
from tests.fakes import quick

PARENTS = torch.tensor([0, 0, 1])
THIRDS = torch.log(torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]]))
"""Logits whose softmax is the given probabilities."""


def contrastive_by_loops(latents: np.ndarray, tops: list[int], tau: float) -> float:
    """Equations 6 and 7 with lambda 1, word for word."""
    z = [row / math.sqrt(sum(v * v for v in row)) for row in latents]
    n = len(z)
    total = 0.0
    for i in range(n):
        positives = [p for p in range(n) if p != i and tops[p] == tops[i]]
        if not positives:
            continue
        denominator = sum(math.exp(float(z[i] @ z[a]) / tau) for a in range(n) if a != i)
        inner = sum(math.log(math.exp(float(z[i] @ z[p]) / tau) / denominator) for p in positives)
        total += -inner / len(positives)
    return total / n


def test_losses_of_members_are_those_of_each_alone() -> None:
    torch.manual_seed(0)
    parents = torch.tensor([0, 0, 1, 1])
    logits, latents, labels = torch.randn(3, 9, 4), torch.randn(3, 9, 5), torch.randint(4, (3, 9))
    losses = [
        lambda e: cross_entropy(logits[e], labels[e], label_smoothing=0.1),
        lambda e: top_class_penalty(logits[e], labels[e], parents),
        lambda e: soft_top_class_penalty(logits[e], labels[e], parents),
        lambda e: supervised_contrastive(latents[e], labels[e]),
    ]
    for loss in losses:
        torch.testing.assert_close(loss(slice(None)), torch.stack([loss(e) for e in range(3)]))


def test_cross_entropy_by_hand() -> None:
    assert cross_entropy(THIRDS, torch.tensor([0, 1])).item() == pytest.approx(-(math.log(0.7) + math.log(0.3)) / 2)


def test_cross_entropy_of_probabilities_is_the_mixture() -> None:
    targets = torch.tensor([[0.5, 0.0, 0.5], [0.0, 1.0, 0.0]])
    expected = -(0.5 * math.log(0.7) + 0.5 * math.log(0.1) + math.log(0.3)) / 2
    assert cross_entropy(THIRDS, targets).item() == pytest.approx(expected)


def test_label_smoothing_spreads_a_share_over_all_classes() -> None:
    expected = -(0.9 * math.log(0.7) + 0.1 / 3 * (math.log(0.7) + math.log(0.2) + math.log(0.1)))
    assert cross_entropy(THIRDS[:1], torch.tensor([0]), label_smoothing=0.1).item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [([0, 2], 0.0), ([1, 2], 0.0), ([2, 2], 0.5), ([0, 1], 0.5), ([2, 0], 1.0)],
)
def test_equation_5_is_the_share_of_wrong_top_classes(labels: list[int], expected: float) -> None:
    assert top_class_penalty(THIRDS, torch.tensor(labels), PARENTS).item() == expected


def test_soft_equation_5_is_the_mass_off_the_true_top_class() -> None:
    assert soft_top_class_penalty(THIRDS, torch.tensor([1, 0]), PARENTS).item() == pytest.approx((0.1 + 0.6) / 2)
    assert soft_top_class_penalty(THIRDS, torch.tensor([2, 2]), PARENTS).item() == pytest.approx((0.9 + 0.4) / 2)


def test_soft_equation_5_meets_equation_5_where_the_model_is_confident() -> None:
    torch.manual_seed(0)
    parents = torch.tensor([0, 0, 0, 1, 1, 2])
    logits, labels = torch.randn(50, 6), torch.randint(6, (50,))
    soft = soft_top_class_penalty(logits * 1e4, labels, parents)
    assert soft.item() == pytest.approx(top_class_penalty(logits, labels, parents).item(), abs=1e-3)


def test_equation_5_has_no_gradient_and_its_soft_form_has() -> None:
    labels = torch.tensor([2, 0])
    logits = THIRDS.clone().requires_grad_()
    indicator = top_class_penalty(logits, labels, PARENTS)
    assert not indicator.requires_grad
    (indicator + 0 * logits.sum()).backward()
    assert logits.grad is not None
    assert logits.grad.abs().sum() == 0

    logits = THIRDS.clone().requires_grad_()
    soft_top_class_penalty(logits, labels, PARENTS).backward()
    assert logits.grad is not None
    assert logits.grad[0, 2] < 0  # more of the true top class lowers it
    assert logits.grad[0, 0] > 0


@pytest.mark.parametrize("tau", [0.07, 0.5, 2.0])
def test_contrastive_loss_is_the_formula(tau: float) -> None:
    rng = np.random.default_rng(3)
    latents, tops = rng.normal(size=(12, 5)) * rng.uniform(0.1, 9, (12, 1)), rng.integers(0, 4, 12).tolist()
    loss = supervised_contrastive(torch.tensor(latents), torch.tensor(tops), temperature=tau).item()
    assert loss == pytest.approx(contrastive_by_loops(latents, tops, tau), rel=1e-9)


def test_contrastive_loss_of_two_alike_is_zero() -> None:
    assert supervised_contrastive(torch.randn(2, 4), torch.tensor([1, 1])).item() == pytest.approx(0, abs=1e-6)


def test_contrastive_loss_of_three_by_hand() -> None:
    """Two equal latents of one class, an opposite one of another: log(1 + exp(-2 / tau)) for two of three sounds."""
    latents = torch.tensor([[1.0, 0.0], [2.0, 0.0], [-3.0, 0.0]])
    loss = supervised_contrastive(latents, torch.tensor([0, 0, 1]), temperature=0.5).item()
    assert loss == pytest.approx(2 / 3 * math.log(1 + math.exp(-4)), rel=1e-5)


def test_a_sound_without_positives_counts_as_zero() -> None:
    latents = torch.randn(4, 3, requires_grad=True)
    loss = supervised_contrastive(latents, torch.tensor([0, 1, 2, 3]))
    loss.backward()
    assert loss.item() == 0
    assert latents.grad is not None
    assert latents.grad.abs().sum() == 0


def test_a_batch_of_one_sound_gives_zero_and_a_finite_gradient() -> None:
    latents = torch.randn(1, 3, requires_grad=True)
    loss = supervised_contrastive(latents, torch.tensor([0]))
    loss.backward()
    assert loss.item() == 0
    assert latents.grad is not None
    assert torch.isfinite(latents.grad).all()


def test_contrastive_gradient_pulls_positives_together() -> None:
    torch.manual_seed(0)
    latents, labels = torch.randn(8, 4, requires_grad=True), torch.tensor([0, 0, 0, 0, 1, 1, 1, 1])
    loss = supervised_contrastive(latents, labels)
    loss.backward()
    assert latents.grad is not None
    assert supervised_contrastive(latents.detach() - 0.05 * latents.grad, labels) < loss


def test_contrastive_gradient_is_right() -> None:
    latents = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 0, 1, 1, 1, 2])
    assert torch.autograd.gradcheck(lambda z: supervised_contrastive(z, labels), (latents,))


def test_contrastive_loss_does_not_depend_on_lengths_or_order() -> None:
    torch.manual_seed(0)
    latents, labels = torch.randn(10, 4), torch.randint(3, (10,))
    loss, order = supervised_contrastive(latents, labels), torch.randperm(10)
    torch.testing.assert_close(supervised_contrastive(latents * torch.rand(10, 1), labels), loss)
    torch.testing.assert_close(supervised_contrastive(latents[order], labels[order]), loss)


def test_every_loss_is_in_the_table_with_marks_of_its_own_and_has_an_objective() -> None:
    assert set(LOSSES) == set(OBJECTIVES) == set(get_args(Loss))
    assert next(iter(LOSSES)) == DEFAULT_LOSS
    for marks in ([info.words for info in LOSSES.values()], [(i.color, i.symbol) for i in LOSSES.values()]):
        assert len(set(marks)) == len(LOSSES)


def test_the_loss_adds_the_terms_that_the_settings_name() -> None:
    torch.manual_seed(0)
    parents = torch.tensor([0, 0, 1, 1])
    logits, latent, labels = torch.randn(9, 4), torch.randn(9, 3), torch.randint(4, (9,))
    base = cross_entropy(logits, labels)
    contrastive = supervised_contrastive(latent, parents[labels], temperature=0.2)

    def total(**changes: object) -> torch.Tensor:
        return total_loss(logits, latent, labels, labels, parents, quick(**changes))

    torch.testing.assert_close(total(loss="flat"), base)
    weighted = {"loss": "hierarchical", "temperature": 0.2, "contrastive_weight": 3.0}
    torch.testing.assert_close(total(**weighted, top_penalty="none"), base + 3 * contrastive)
    hard, soft = top_class_penalty(logits, labels, parents), soft_top_class_penalty(logits, labels, parents)
    torch.testing.assert_close(total(**weighted, top_penalty="indicator"), base + hard + 3 * contrastive)
    torch.testing.assert_close(total(**weighted, top_penalty="soft"), base + soft + 3 * contrastive)
