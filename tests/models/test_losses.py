from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight

from bstviz.errors import UserError
from bstviz.models.config import DEFAULT_LOSS, LOSSES, Loss
from bstviz.models.losses import (
    OBJECTIVES,
    cross_entropy,
    soft_top_class_penalty,
    sound_weights,
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


LABELS = torch.tensor([0, 0, 0, 0, 1, 1, 2, 2])
CONFIDENCE = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, math.nan, 5.0, 1.0])
TRAIN = torch.tensor([0, 1, 2, 3, 4, 5, 6])
"""Rows to train on: four, two and one sound of each class, and annotation confidence 1, 2, 3, 4, 5, none and 5."""


def weights_of(**changes: object) -> np.ndarray | None:
    found = sound_weights(LABELS, CONFIDENCE, TRAIN, quick(**changes))
    return None if found is None else found.numpy()


def test_without_options_sounds_have_no_weights() -> None:
    assert weights_of() is None


def test_balanced_weights_are_scikit_learn_s() -> None:
    y = LABELS[TRAIN].numpy()
    expected = compute_class_weight("balanced", classes=np.arange(3), y=y)
    np.testing.assert_allclose(weights_of(class_weights="balanced"), expected[LABELS.numpy()], rtol=1e-6)


def test_effective_weights_are_in_the_proportion_of_cui_s_equation() -> None:
    found = weights_of(class_weights="effective")
    number = [(1 - 0.999**n) / (1 - 0.999) for n in (4, 2, 1)]
    assert found[0] / found[6] == pytest.approx(number[2] / number[0], rel=1e-5)
    assert found[4] / found[6] == pytest.approx(number[2] / number[1], rel=1e-5)
    assert found[TRAIN].mean() == pytest.approx(1)


def test_annotation_confidence_counts_by_its_power_and_its_mean_stands_in() -> None:
    known = np.array([1, 2, 3, 4, 5, np.nan, 5, 1]) ** 2
    known[5] = np.mean([1, 4, 9, 16, 25, 25])
    np.testing.assert_allclose(weights_of(confidence_power=2.0), known / known[:7].mean(), rtol=1e-6)


def test_weights_by_class_and_confidence_multiply() -> None:
    both = weights_of(class_weights="balanced", confidence_power=1.0)
    apart = weights_of(class_weights="balanced") * weights_of(confidence_power=1.0)
    np.testing.assert_allclose(both, apart / apart[TRAIN].mean(), rtol=1e-6)


def test_confidence_that_nobody_gave_cannot_count() -> None:
    with pytest.raises(UserError, match=r"confidence_power is 1.0, but no training sound"):
        sound_weights(LABELS, CONFIDENCE * math.nan, TRAIN, quick(confidence_power=1.0))


def test_the_weighted_cross_entropy_is_torch_s_but_for_the_divisor() -> None:
    """Torch divides by the weights' sum; ours have a mean of 1 over the training sounds and are divided by N."""
    torch.manual_seed(0)
    logits, labels, of_class = torch.randn(9, 4), torch.randint(4, (9,)), torch.tensor([0.5, 2.0, 1.0, 3.0])
    weights = of_class[labels]
    expected = torch.nn.functional.cross_entropy(logits, labels, weight=of_class) * weights.mean()
    torch.testing.assert_close(cross_entropy(logits, labels, weights=weights), expected)
    mixed = torch.nn.functional.one_hot(labels, 4) * weights[:, None]
    for smoothing in (0.0, 0.2):
        torch.testing.assert_close(
            cross_entropy(logits, mixed, label_smoothing=smoothing, weights=weights),
            cross_entropy(logits, labels, label_smoothing=smoothing, weights=weights),
        )
    alone = torch.stack([cross_entropy(logits[i : i + 1], labels[i : i + 1], label_smoothing=0.2) for i in range(9)])
    found = cross_entropy(logits, labels, label_smoothing=0.2, weights=weights)
    torch.testing.assert_close(found, (alone * weights).mean())


def test_the_focal_loss_by_hand() -> None:
    labels = torch.tensor([0, 1])
    expected = -(0.3**2 * math.log(0.7) + 0.7**2 * math.log(0.3)) / 2
    assert cross_entropy(THIRDS, labels, focal_gamma=2.0).item() == pytest.approx(expected)
    smoothed = -(0.8 * 0.3 * math.log(0.7) + 0.1 * 0.8 * math.log(0.2) + 0.1 * 0.9 * math.log(0.1))
    found = cross_entropy(THIRDS[:1], labels[:1], focal_gamma=1.0, label_smoothing=0.3)
    assert found.item() == pytest.approx(smoothed)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_the_focal_loss_has_a_finite_gradient_where_the_model_is_certain(gamma: float) -> None:
    logits = torch.tensor([[100.0, 0.0, 0.0]], requires_grad=True)
    cross_entropy(logits, torch.tensor([0]), focal_gamma=gamma).backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_a_weighted_term_is_the_mean_of_its_sounds_by_their_weights() -> None:
    torch.manual_seed(0)
    parents, weights = torch.tensor([0, 0, 1, 1]), torch.rand(9)
    logits, latents, labels = torch.randn(9, 4), torch.randn(9, 3), torch.randint(4, (9,))
    for penalty in (top_class_penalty, soft_top_class_penalty):
        alone = torch.stack([penalty(logits[i : i + 1], labels[i : i + 1], parents) for i in range(9)])
        torch.testing.assert_close(penalty(logits, labels, parents, weights), (alone * weights).mean())
    only = [torch.nn.functional.one_hot(torch.tensor(i), 9).float() for i in range(9)]
    of_each = torch.stack([9 * supervised_contrastive(latents, labels, weights=w) for w in only])
    torch.testing.assert_close(of_each.mean(), supervised_contrastive(latents, labels))
    found = supervised_contrastive(latents, labels, weights=weights)
    torch.testing.assert_close(found, (of_each * weights).mean())


def test_the_contrastive_loss_of_both_levels_is_a_mixture() -> None:
    rng = np.random.default_rng(1)
    latents, second = rng.normal(size=(12, 5)), rng.integers(0, 3, 12)
    parents = np.array([0, 0, 1])
    top, below = (contrastive_by_loops(latents, labels.tolist(), 0.5) for labels in (parents[second], second))
    config = quick(top_penalty="none", temperature=0.5, contrastive_weight=0.3, contrastive_second=0.2)
    logits, labels = torch.zeros(12, 3, dtype=torch.float64), torch.tensor(second)
    found = total_loss(logits, torch.tensor(latents), labels, labels, torch.tensor(parents), config)
    assert found.item() == pytest.approx(math.log(3) + 0.3 * (0.8 * top + 0.2 * below), rel=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_ignores_what_it_says(loss: Loss) -> None:
    torch.manual_seed(0)
    logits, latent, labels, parents = torch.randn(9, 4), torch.randn(9, 3), torch.randint(4, (9,)), torch.arange(4) // 2
    others = {
        "temperature": 0.1,
        "denominator": "all",
        "contrastive_weight": 3.0,
        "contrastive_second": 0.5,
        "top_penalty": "none",
    }

    def total(**changes: object) -> torch.Tensor:
        return total_loss(logits, latent, labels, labels, parents, quick(loss=loss, **changes))

    assert {name for name, value in others.items() if total(**{name: value}) == total()} == set(LOSSES[loss].ignores)


PARTIAL_PARENTS = torch.tensor([0, 0, 1, 0, 1])
"""Two second-level classes under the first top-level class, one under the second; then the two themselves."""


def test_a_partial_label_costs_the_log_of_its_top_class_s_mass_by_hand() -> None:
    """THIRDS: 0.7, 0.2, 0.1 each; labels: class 0; top class 0 (0.9); top class 1 (0.1)."""
    logits, labels = torch.cat([THIRDS[:1]] * 3), torch.tensor([0, 3, 4])
    expected = -(math.log(0.7) + math.log(0.9) + math.log(0.1)) / 3
    assert cross_entropy(logits, labels, parents=PARTIAL_PARENTS).item() == pytest.approx(expected)
    even = -(math.log(0.7) + math.log(0.2) + math.log(0.1)) / 3
    smoothed = cross_entropy(logits, labels, label_smoothing=0.3, parents=PARTIAL_PARENTS).item()
    assert smoothed == pytest.approx(0.7 * expected + 0.3 * even)
    focal = -(0.3 * math.log(0.7) + 0.1 * math.log(0.9) + 0.9 * math.log(0.1)) / 3
    assert cross_entropy(logits, labels, focal_gamma=1.0, parents=PARTIAL_PARENTS).item() == pytest.approx(focal)
    mixed = torch.tensor([[0.6, 0.0, 0.0, 0.0, 0.4]])  # 0.6 of the first sound, 0.4 of the third
    found = cross_entropy(logits[:1], mixed, parents=PARTIAL_PARENTS).item()
    assert found == pytest.approx(-(0.6 * math.log(0.7) + 0.4 * math.log(0.1)))


def test_a_partial_label_says_nothing_of_the_classes_below() -> None:
    """The gradient by logits is p less p's share within the top-level class: their proportions stay as they are."""
    logits = torch.tensor([[0.5, -1.0, 2.0]], dtype=torch.float64, requires_grad=True)
    cross_entropy(logits, torch.tensor([3]), parents=PARTIAL_PARENTS).backward()
    p = logits.detach().softmax(dim=1)[0].numpy()
    expected = p - np.array([p[0], p[1], 0]) / (p[0] + p[1])
    assert logits.grad is not None
    np.testing.assert_allclose(logits.grad[0], expected, rtol=1e-12)
    assert expected[0] / expected[1] == pytest.approx(p[0] / p[1])


def test_a_top_class_without_classes_below_does_no_harm() -> None:
    logits = torch.randn(2, 3, requires_grad=True)
    parents = torch.tensor([0, 0, 1, 0, 1, 2])
    loss = cross_entropy(logits, torch.tensor([3, 1]), label_smoothing=0.1, focal_gamma=0.5, parents=parents)
    loss.backward()
    assert logits.grad is not None
    assert torch.isfinite(torch.cat([loss.detach()[None], logits.grad.flatten()])).all()


@pytest.mark.parametrize("loss", LOSSES)
def test_room_for_partial_labels_changes_nothing_without_any(loss: Loss) -> None:
    torch.manual_seed(0)
    logits, latent, labels = torch.randn(9, 3), torch.randn(9, 4), torch.randint(3, (9,))
    config = quick(loss=loss, label_smoothing=0.1, focal_gamma=1.0, contrastive_second=0.2)
    without = total_loss(logits, latent, labels, labels, PARTIAL_PARENTS[:3], config)
    torch.testing.assert_close(total_loss(logits, latent, labels, labels, PARTIAL_PARENTS, config), without)


def test_a_partial_label_counts_at_the_top_level_in_penalty_and_contrastive_loss() -> None:
    rng = np.random.default_rng(2)
    latents, labels = rng.normal(size=(6, 5)), [0, 3, 2, 4, 1, 3]
    tops = [0, 0, 1, 1, 0, 0]
    logits = torch.tensor(rng.normal(size=(6, 3)))
    p = logits.softmax(dim=1).numpy()
    mass = np.array([[q[0] + q[1], q[2]][t] for q, t in zip(p, tops, strict=True)])
    cost = [q[y] if y < 3 else m for q, y, m in zip(p, labels, mass, strict=True)]
    apart = [0, 10, 2, 11, 1, 12]  # no two of a second-level class
    expected = -np.log(cost).mean() + (1 - mass).mean()
    expected += 0.8 * contrastive_by_loops(latents, tops, 0.5) + 0.2 * contrastive_by_loops(latents, apart, 0.5)
    config = quick(temperature=0.5, contrastive_weight=1.0, contrastive_second=0.2)
    found = total_loss(logits, torch.tensor(latents), *[torch.tensor(labels)] * 2, PARTIAL_PARENTS, config)
    assert found.item() == pytest.approx(expected, rel=1e-9)
