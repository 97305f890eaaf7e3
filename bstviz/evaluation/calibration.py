"""Calibration: probabilities that mean what they say, by temperature scaling.

Conventions: logits are (n, C), labels (n,) int64; a temperature divides logits before the softmax.

References: C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RANGE = (0.1, 20.0)  # networks that know a collection by heart are far too sure of others
LEAST = 1e-6  # probabilities count as at least this much: one nought does not outweigh all else
PRIOR = 1.0  # pull of the temperature towards 1, in sounds: few validation sounds say little


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature of least cross-entropy, within :data:`RANGE` and drawn towards 1 where sounds are few."""
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    if not len(labels):
        return 1.0
    logits = np.asarray(logits, np.float64)

    def loss(log_temperature: float) -> float:
        scores = log_softmax(logits / np.exp(log_temperature), axis=1)
        return float(-scores[np.arange(len(labels)), labels].mean() + PRIOR * log_temperature**2 / len(labels))

    found = minimize_scalar(loss, bounds=tuple(np.log(RANGE)), method="bounded")
    return float(np.exp(found.x))


def gain(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean log-likelihood of labels (n,) by probabilities (n, C), less that of their own frequencies; 0 without any."""
    if not len(labels):
        return 0.0
    frequencies = np.bincount(labels, minlength=probabilities.shape[1]) / len(labels)
    own = np.maximum(probabilities[np.arange(len(labels)), labels].astype(np.float64), LEAST)
    return float(np.log(own).mean() - np.log(frequencies[labels]).mean())


@dataclass(frozen=True, eq=False)
class Reliability:
    """Sounds binned by the confidence of the prediction; B bins that hold any, in rising order.

    Attributes:
        count: (B,) int64, sounds in the bin.
        confidence: (B,) float64, their mean probability of the predicted class, 0 to 1.
        accuracy: (B,) float64, the share of them that is predicted right, 0 to 1.
    """

    count: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray


def reliability(
    y_true: np.ndarray, probabilities: np.ndarray, *, bins: int, parents: np.ndarray | None = None
) -> Reliability:
    """Confidence and accuracy by bins of equal width, each with its upper edge and without its lower.

    Args:
        y_true: (n,) second-level labels.
        probabilities: (n, C).
        bins: Number of bins over 0 to 1, those without a sound among them.
        parents: (C,) top labels, for the top level: the confidence is then the summed probability of the predicted
            top-level class, which is the parent of the most probable second-level class. Left out for the second level.
    """
    y_true, y_pred = np.asarray(y_true), probabilities.argmax(axis=1)
    if parents is None:
        confidence, right = probabilities.max(axis=1), y_pred == y_true
    else:
        siblings = parents[None, :] == parents[y_pred][:, None]
        confidence, right = np.where(siblings, probabilities, 0).sum(axis=1), parents[y_pred] == parents[y_true]
    index = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(index, minlength=bins)
    kept = count > 0
    means = (np.bincount(index, values, bins)[kept] / count[kept] for values in (confidence, right))
    return Reliability(count[kept], *means)


def expected_calibration_error(
    y_true: np.ndarray, probabilities: np.ndarray, *, bins: int = 15, parents: np.ndarray | None = None
) -> float:
    """Mean gap between confidence and accuracy, 0 to 1; nan without sounds.

    The gap of each bin of :func:`reliability` counts as its sounds do.

    Args:
        y_true: (n,) second-level labels.
        probabilities: (n, C).
        bins: Number of bins.
        parents: (C,) for the top level, as in :func:`reliability`.
    """
    if not len(y_true):
        return float("nan")
    binned = reliability(y_true, probabilities, bins=bins, parents=parents)
    return float(np.average(np.abs(binned.accuracy - binned.confidence), weights=binned.count))
