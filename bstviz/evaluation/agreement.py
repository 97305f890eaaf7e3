"""Agreement of two annotators on the same sounds, beyond what chance alone gives.

Convention: labels are any values that are equal or not; a measure of no sounds at all is NaN.

Reference: J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20,
1960.
"""

from __future__ import annotations

import numpy as np


def cohen_kappa(first: np.ndarray, second: np.ndarray) -> float:
    """Cohen's kappa of two annotators: (p_o - p_e) / (1 - p_e), of the observed agreement p_o and the one p_e that
    their own shares of the classes would give by chance.

    Args:
        first: (n,) labels by one.
        second: (n,) labels by the other, of the same sounds.

    Returns:
        1 where they always agree, 0 where they agree as often as by chance, down to -1; NaN for no sounds, and where
        both gave all sounds one and the same class, which chance would give as well.

    Example:
        >>> import numpy as np
        >>> round(cohen_kappa(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0])), 3)
        0.5
    """
    classes, codes = np.unique(np.concatenate([first, second]), return_inverse=True)
    if not len(first):
        return float("nan")
    counts = np.zeros((len(classes), len(classes)))
    np.add.at(counts, (codes[: len(first)], codes[len(first) :]), 1)
    shares = counts / len(first)
    observed, expected = np.trace(shares), shares.sum(axis=1) @ shares.sum(axis=0)
    return float((observed - expected) / (1 - expected)) if expected < 1 else float("nan")
