"""Losses of the paper's section 3, as pure functions of tensors: the terms, and what each loss makes of them.

Shapes: N sounds per batch, C second-level classes, D latent dimensions; any leading axes (members trained side by side)
are kept, and a loss is one value for each of them. ``parents`` is (C,) int64, the top label of every second-level
class.

References: equations 4-7 of P. Anastasopoulou et al., "Hierarchical and Multimodal Learning for Heterogeneous Sound
Classification", 2025; P. Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from bstviz.models.config import Denominator, Loss, TrainConfig


def cross_entropy(logits: Tensor, labels: Tensor, *, label_smoothing: float = 0.0) -> Tensor:
    """Equation 4, averaged over the batch: (...,).

    Args:
        logits: (..., N, C).
        labels: (..., N) int64 second-level labels, or (..., N, C) float class probabilities (as mixup makes them).
        label_smoothing: Share of the target spread evenly over all classes.
    """
    targets = labels if labels.is_floating_point() else F.one_hot(labels, logits.shape[-1]).to(logits.dtype)
    targets = torch.lerp(targets, torch.full_like(targets, 1 / logits.shape[-1]), label_smoothing)
    return -(targets * logits.log_softmax(dim=-1)).sum(dim=-1).mean(dim=-1)


def top_class_penalty(logits: Tensor, labels: Tensor, parents: Tensor) -> Tensor:
    """Equation 5 as written: the share of sounds whose best second-level class lies under the wrong top-level class.

    An indicator is constant almost everywhere, so this adds to the loss's value and nothing to its gradient.

    Args:
        logits: (..., N, C).
        labels: (..., N) int64.
        parents: (C,) int64.
    """
    return (parents[logits.argmax(dim=-1)] != parents[labels]).float().mean(dim=-1)


def soft_top_class_penalty(logits: Tensor, labels: Tensor, parents: Tensor) -> Tensor:
    """A differentiable form of equation 5: one minus the probability mass on the true top-level class, averaged.

    Args:
        logits: (..., N, C).
        labels: (..., N) int64.
        parents: (C,) int64.
    """
    same_top = (parents == parents[labels].unsqueeze(-1)).to(logits.dtype)  # (..., N, C)
    return 1 - (logits.softmax(dim=-1) * same_top).sum(dim=-1).mean(dim=-1)


def supervised_contrastive(
    latents: Tensor, labels: Tensor, *, temperature: float = 0.5, denominator: Denominator = "others"
) -> Tensor:
    """Equations 6 and 7 without the factor lambda: the mean over the batch of each sound's contrastive loss.

    A sound without positives (no other of its label in the batch) counts as 0; a batch of one sound gives 0.

    Args:
        latents: (..., N, D) of any length; they are scaled to unit norm here.
        labels: (..., N) int64, the top-level labels.
        temperature: tau.
        denominator: Sounds that equation 6 sums over below the line: the ``others``, as it is written, or ``all`` of
            the batch with the sound itself, as in the authors' code.
    """
    z = F.normalize(latents, dim=-1)
    similarity = z @ z.mT / temperature  # (..., N, N)
    itself = torch.eye(z.shape[-2], dtype=torch.bool, device=z.device)
    positive = (labels.unsqueeze(-2) == labels.unsqueeze(-1)) & ~itself
    compared = similarity.masked_fill(itself, -torch.inf) if denominator == "others" else similarity
    log_probability = similarity - compared.logsumexp(dim=-1, keepdim=True)
    total = log_probability.masked_fill(~positive, 0.0).sum(dim=-1)
    return -(total / positive.sum(dim=-1).clamp_min(1)).mean(dim=-1)


def flat(
    logits: Tensor, latent: Tensor, labels: Tensor, targets: Tensor, parents: Tensor, config: TrainConfig
) -> Tensor:
    """Equation 4 alone; arguments as for :func:`total_loss`."""
    return cross_entropy(logits, targets, label_smoothing=config.label_smoothing)


def hierarchical(
    logits: Tensor, latent: Tensor, labels: Tensor, targets: Tensor, parents: Tensor, config: TrainConfig
) -> Tensor:
    """Equations 4, 5 and 7; arguments as for :func:`total_loss`."""
    loss = cross_entropy(logits, targets, label_smoothing=config.label_smoothing)
    if config.top_penalty == "soft":
        loss = loss + soft_top_class_penalty(logits, labels, parents)
    elif config.top_penalty == "indicator":
        loss = loss + top_class_penalty(logits, labels, parents)
    contrastive = supervised_contrastive(
        latent, parents[labels], temperature=config.temperature, denominator=config.denominator
    )
    return loss + config.contrastive_weight * contrastive


OBJECTIVES: dict[Loss, Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, TrainConfig], Tensor]] = {
    "hierarchical": hierarchical,
    "flat": flat,
}
"""What each loss of :data:`bstviz.models.config.LOSSES` computes."""


def total_loss(
    logits: Tensor, latent: Tensor, labels: Tensor, targets: Tensor, parents: Tensor, config: TrainConfig
) -> Tensor:
    """The loss that a training minimises, (...,): that of ``config.loss``.

    Args:
        logits: (..., N, C).
        latent: (..., N, D).
        labels: (..., N) int64; under mixup the class with the greater share.
        targets: (..., N, C) class probabilities, or the labels.
        parents: (C,) int64.
        config: Weights and kinds of the terms.
    """
    return OBJECTIVES[config.loss](logits, latent, labels, targets, parents, config)
