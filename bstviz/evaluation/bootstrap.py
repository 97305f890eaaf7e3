"""How certain an accuracy is: bootstrap over sounds, or over groups of sounds that are drawn together.

Conventions: a *unit* is what is drawn with replacement, a sound or all sounds of a group (an uploader); several
accuracies over overlapping sounds are drawn together, so that their differences are as sure as they are. Intervals are
percentile intervals.

References: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13 (percentile intervals).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from bstviz.evaluation.out_of_fold import OutOfFold

RESAMPLES = 1_000
LEVEL = 0.95
"""Of all intervals."""
LEAST_UNITS = 20
"""Units below which no interval is given: drawing from a few, all of them right, would look exact."""


def resampled(right: np.ndarray, total: np.ndarray, *, resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """Accuracies of resampled units.

    Args:
        right: (U, T) sounds predicted correctly in each unit, for each of T accuracies.
        total: (U, T) sounds in each unit; an accuracy may leave units out.
        resamples: How many times U units are drawn.
        seed: Of the draws.

    Returns:
        (resamples, T); NaN where a draw holds no sound.
    """
    rng = np.random.default_rng(seed)
    both = np.concatenate([right, total], axis=1).astype(float)
    units, out = len(both), np.empty((resamples, right.shape[1]))
    for i in range(resamples):
        drawn = np.bincount(rng.integers(units, size=units), minlength=units) @ both
        numerator, denominator = np.split(drawn, 2)
        out[i] = np.divide(numerator, denominator, out=np.full(len(numerator), np.nan), where=denominator > 0)
    return out


def interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper end of the :data:`LEVEL` interval of resampled values (resamples, ...), NaN left out."""
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.nanpercentile(values, [tail, 100 - tail], axis=0)
    return low, high


def accuracies(
    answers: Sequence[OutOfFold], groups: Mapping[str, str] | None = None, *, resamples: int = RESAMPLES, seed: int = 0
) -> pd.DataFrame:
    """Second-level accuracy of several sets of predictions, and their differences from the first, with intervals.

    Args:
        answers: Each not empty; sounds with the same id are the same unit in all of them.
        groups: Group by sound id; sounds without one are units of their own, all of them when left out.
        resamples: How many times the units are drawn.
        seed: Of the draws.

    Returns:
        A row each: ``sounds``, ``units``, ``accuracy``, ``low``, ``high``, ``change``, ``change_low``, ``change_high``.
        Intervals are NaN where there are fewer than :data:`LEAST_UNITS` units.
    """
    groups = groups or {}
    ids = np.concatenate([a.sound_ids for a in answers])
    codes, _ = pd.factorize(np.array([groups.get(i, f"\0{i}") for i in ids], object))
    column = np.repeat(np.arange(len(answers)), [len(a) for a in answers])
    shape = (codes.max() + 1, len(answers))
    hit = np.concatenate([a.y_true == a.y_pred for a in answers])
    cells = np.ravel_multi_index((codes, column), shape)
    right = np.bincount(cells, hit, np.prod(shape)).reshape(shape)
    total = np.bincount(cells, minlength=np.prod(shape)).reshape(shape)
    units = (total > 0).sum(axis=0)
    drawn = resampled(right, total, resamples=resamples, seed=seed)
    accuracy = right.sum(axis=0) / total.sum(axis=0)
    low, high = interval(drawn)
    change_low, change_high = interval(drawn - drawn[:, :1])
    table = pd.DataFrame(
        {
            "sounds": total.sum(axis=0),
            "units": units,
            "accuracy": accuracy,
            "low": low,
            "high": high,
            "change": accuracy - accuracy[0],
            "change_low": change_low,
            "change_high": change_high,
        }
    )
    table.loc[units < LEAST_UNITS, ["low", "high", "change_low", "change_high"]] = np.nan
    return table
