"""Calibration: probabilities that mean what they say, by temperature scaling.

Conventions: logits are (n, C), labels (n,) int64; a temperature divides logits before the softmax.

References: C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
"""

from __future__ import annotations

import numpy as np

RANGE = (0.25, 4.0)
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


def expected_calibration_error(y_true: np.ndarray, probabilities: np.ndarray, *, bins: int = 15) -> float:
    """Mean gap between the probability of the predicted class and how often it is right, 0 to 1; nan without sounds.

    Sounds are binned by that probability into equal widths, and the gaps of the bins weighted by their sounds.

    Args:
        y_true: (n,) second-level labels.
        probabilities: (n, C).
        bins: Number of bins.
    """
    if not len(y_true):
        return float("nan")
    certainty = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == np.asarray(y_true)
    index = np.clip(np.ceil(certainty * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(index, right - certainty, bins)
    return float(np.abs(gaps).sum() / len(y_true))
