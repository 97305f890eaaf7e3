"""Losses of the paper's section 3, as pure functions of tensors: the terms, and what each loss makes of them.

Shapes: N sounds per batch, C second-level classes, D latent dimensions; any leading axes (members trained side by side)
are kept, and a loss is one value for each of them. ``parents`` is (C,) int64, the top label of every second-level
class.

**Partial labels.** Where only a sound's top-level class t of T is known, its label is C + t, and ``parents`` is
(C + T,): it goes on with each top-level class as its own parent. The probability of such a label is the sum of those of
t's second-level classes.

``weights`` is (..., N), what each sound counts for in a batch's mean, or None where all count the same. It has a mean
of 1 over the training sounds, so it is a mean over N, not over the weights.

References: equations 4-7 of P. Anastasopoulou et al., "Hierarchical and Multimodal Learning for Heterogeneous Sound
Classification", 2025; P. Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020; T.-Y. Lin et al., "Focal Loss
for Dense Object Detection", ICCV 2017; Y. Cui et al., "Class-Balanced Loss Based on Effective Number of Samples", CVPR
2019.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from bstviz.errors import UserError
from bstviz.models.config import Denominator, TrainConfig

EFFECTIVE_BETA = 0.999
"""beta of the effective number of sounds (Cui et al., section 3.2), which is at most 1 / (1 - beta) = 1,000."""


def sound_weights(labels: Tensor, confidence: Tensor, train: Tensor, config: TrainConfig) -> Tensor | None:
    """Weight of every sound in the loss: by its class, times by its annotation confidence; None where all are alike.

    With n training sounds of a class, a class counts 1 / n (``balanced``) or (1 - beta) / (1 - beta^n) (``effective``,
    Cui et al., equation 4); annotation confidence c counts c^p, and its training sounds' mean where there is none.

    Args:
        labels: (N,) int64.
        confidence: (N,) float, annotation confidence 1 to 5, NaN without one.
        train: (n,) int64, the rows to train on.
        config: With ``class_weights`` and ``confidence_power`` (p).

    Returns:
        (N,) float32, with a mean of 1 over the training sounds.

    Raises:
        UserError: Annotation confidence is to count, and no training sound has one.
    """
    if config.class_weights == "none" and not config.confidence_power:
        return None
    weights = torch.ones(len(labels), dtype=torch.float64, device=labels.device)
    if config.class_weights != "none":
        counts = torch.bincount(labels[train], minlength=int(labels.max()) + 1).clamp_min(1).double()
        number = counts if config.class_weights == "balanced" else (1 - EFFECTIVE_BETA**counts) / (1 - EFFECTIVE_BETA)
        weights /= number[labels]
    if config.confidence_power:
        known = confidence[train].double().pow(config.confidence_power).nanmean()
        if known.isnan():
            raise UserError(
                f"confidence_power is {config.confidence_power}, but no training sound has an annotation confidence; "
                "leave it at 0."
            )
        powers = confidence.double().pow(config.confidence_power)
        weights *= torch.where(powers.isnan(), known, powers)
    return (weights / weights[train].mean()).float()


def _mean(values: Tensor, weights: Tensor | None) -> Tensor:
    """Mean over the sounds of a batch (..., N) by their weights."""
    return (values if weights is None else values * weights).mean(dim=-1)


def cross_entropy(
    logits: Tensor,
    labels: Tensor,
    *,
    label_smoothing: float = 0.0,
    focal_gamma: float = 0.0,
    weights: Tensor | None = None,
    parents: Tensor | None = None,
) -> Tensor:
    """Equation 4, averaged over the batch: (...,); with ``focal_gamma`` the focal loss.

    Its factor (1 - p)^gamma (Lin et al., equation 4) stands before the term of each class, by that class's probability
    p, so that it is defined for smoothed and mixed labels too.

    Args:
        logits: (..., N, C).
        labels: (..., N) int64 labels, or (..., N, C) float class probabilities (as mixup makes them; C + T of them with
            partial labels) that are multiplied by the sounds' weights already, if there are any.
        label_smoothing: Share of the target spread evenly over all classes.
        focal_gamma: gamma; 0 is the cross-entropy.
        weights: (..., N).
        parents: (C,) or (C + T,) int64; needed for partial labels alone.
    """
    targets, classes = labels, logits.shape[-1]
    log_probability = logits.log_softmax(dim=-1)
    if parents is not None and len(parents) > classes:
        log_probability = _with_top_classes(log_probability, parents)
    if not labels.is_floating_point():
        targets = F.one_hot(labels, log_probability.shape[-1]).to(logits.dtype)
        targets = targets if weights is None else targets * weights.unsqueeze(-1)
    even = torch.full_like(targets, 1 / classes)
    even[..., classes:] = 0
    targets = torch.lerp(targets, even if weights is None else even * weights.unsqueeze(-1), label_smoothing)
    if focal_gamma:
        others = -log_probability.expm1()  # 1 - p
        targets = targets * others.clamp_min(1e-6) ** focal_gamma  # whose slope is not finite at 0 for gamma < 1
    return -(targets * log_probability).sum(dim=-1).mean(dim=-1)


def _with_top_classes(log_probability: Tensor, parents: Tensor) -> Tensor:
    """Log probabilities (..., C) of second-level classes with those of the top-level ones behind, (..., C + T)."""
    classes = log_probability.shape[-1]
    inside = parents[:classes] == parents[classes:].unsqueeze(-1)  # (T, C)
    least = torch.finfo(log_probability.dtype).min  # finite: a top-level class without any has no label, and no NaN
    mass = log_probability.unsqueeze(-2).masked_fill(~inside, least).logsumexp(dim=-1)  # (..., T)
    return torch.cat([log_probability, mass], dim=-1)


def top_class_penalty(logits: Tensor, labels: Tensor, parents: Tensor, weights: Tensor | None = None) -> Tensor:
    """Equation 5 as written: the share of sounds whose best second-level class lies under the wrong top-level class.

    An indicator is constant almost everywhere, so this adds to the loss's value and nothing to its gradient.

    Args:
        logits: (..., N, C).
        labels: (..., N) int64.
        parents: (C,) int64, or (C + T,) with partial labels.
        weights: (..., N).
    """
    return _mean((parents[logits.argmax(dim=-1)] != parents[labels]).float(), weights)


def soft_top_class_penalty(logits: Tensor, labels: Tensor, parents: Tensor, weights: Tensor | None = None) -> Tensor:
    """A differentiable form of equation 5: one minus the probability mass on the true top-level class, averaged.

    Args:
        logits: (..., N, C).
        labels: (..., N) int64.
        parents: (C,) int64, or (C + T,) with partial labels.
        weights: (..., N).
    """
    same_top = (parents[: logits.shape[-1]] == parents[labels].unsqueeze(-1)).to(logits.dtype)  # (..., N, C)
    whole = 1 if weights is None else weights.mean(dim=-1)
    return whole - _mean((logits.softmax(dim=-1) * same_top).sum(dim=-1), weights)


def supervised_contrastive(
    latents: Tensor,
    labels: Tensor,
    *,
    temperature: float = 0.5,
    denominator: Denominator = "others",
    weights: Tensor | None = None,
) -> Tensor:
    """Equations 6 and 7 without the factor lambda: the mean over the batch of each sound's contrastive loss.

    A sound without positives (no other of its label in the batch) counts as 0; a batch of one sound gives 0.

    Args:
        latents: (..., N, D) of any length; they are scaled to unit norm here.
        labels: (..., N) int64: the top-level labels, as in the paper, or those of any other level.
        temperature: tau.
        denominator: Sounds that equation 6 sums over below the line: the ``others``, as it is written, or ``all`` of
            the batch with the sound itself, as in the authors' code.
        weights: (..., N).
    """
    z = F.normalize(latents, dim=-1)
    similarity = z @ z.mT / temperature  # (..., N, N)
    itself = torch.eye(z.shape[-2], dtype=torch.bool, device=z.device)
    positive = (labels.unsqueeze(-2) == labels.unsqueeze(-1)) & ~itself
    compared = similarity.masked_fill(itself, -torch.inf) if denominator == "others" else similarity
    log_probability = similarity - compared.logsumexp(dim=-1, keepdim=True)
    total = log_probability.masked_fill(~positive, 0.0).sum(dim=-1)
    return -_mean(total / positive.sum(dim=-1).clamp_min(1), weights)


def flat(
    logits: Tensor,
    latent: Tensor,
    labels: Tensor,
    targets: Tensor,
    parents: Tensor,
    config: TrainConfig,
    weights: Tensor | None,
) -> Tensor:
    """Equation 4 alone; arguments as for :func:`total_loss`."""
    return cross_entropy(
        logits,
        targets,
        label_smoothing=config.label_smoothing,
        focal_gamma=config.focal_gamma,
        weights=weights,
        parents=parents,
    )


def hierarchical(
    logits: Tensor,
    latent: Tensor,
    labels: Tensor,
    targets: Tensor,
    parents: Tensor,
    config: TrainConfig,
    weights: Tensor | None,
) -> Tensor:
    """Equations 4, 5 and 7; arguments as for :func:`total_loss`."""
    loss = flat(logits, latent, labels, targets, parents, config, weights)
    if config.top_penalty == "soft":
        loss = loss + soft_top_class_penalty(logits, labels, parents, weights)
    elif config.top_penalty == "indicator":
        loss = loss + top_class_penalty(logits, labels, parents, weights)
    contrastive = partial(
        supervised_contrastive,
        latent,
        temperature=config.temperature,
        denominator=config.denominator,
        weights=weights,
    )
    top = contrastive(parents[labels])
    if not config.contrastive_second:
        return loss + config.contrastive_weight * top
    alone = -1 - torch.arange(labels.shape[-1], device=labels.device)  # a partial label has no positives there
    second = contrastive(torch.where(labels < logits.shape[-1], labels, alone))
    return loss + config.contrastive_weight * torch.lerp(top, second, config.contrastive_second)


OBJECTIVES: dict[str, Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, TrainConfig, Tensor | None], Tensor]] = {
    "hierarchical": hierarchical,
    "flat": flat,
}
"""What each loss of :data:`bstviz.models.config.LOSSES` computes."""


def total_loss(
    logits: Tensor,
    latent: Tensor,
    labels: Tensor,
    targets: Tensor,
    parents: Tensor,
    config: TrainConfig,
    weights: Tensor | None = None,
) -> Tensor:
    """The loss that a training minimises, (...,): that of ``config.loss``.

    Args:
        logits: (..., N, C).
        latent: (..., N, D).
        labels: (..., N) int64; under mixup the class with the greater share.
        targets: (..., N, C) class probabilities times the weights, C + T with partial labels, or the labels.
        parents: (C,) int64, or (C + T,).
        config: Weights and kinds of the terms.
        weights: (..., N).
    """
    return OBJECTIVES[config.loss](logits, latent, labels, targets, parents, config, weights)
