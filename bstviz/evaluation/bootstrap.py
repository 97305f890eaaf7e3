"""How certain an accuracy is: bootstrap over sounds, or over groups of sounds that are drawn together.

Conventions: a *unit* is what is drawn with replacement, a sound or all sounds of a group (an uploader); several
accuracies over overlapping sounds are drawn together, so that their differences are as sure as they are. Intervals are
percentile intervals.

References: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 13 (percentile intervals) and 15
(achieved significance levels from them).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from bstviz.evaluation import metrics
from bstviz.evaluation.out_of_fold import OutOfFold

RESAMPLES = 1_000
LEVEL = 0.95
"""Of all intervals."""
LEAST_UNITS = 20
"""Units below which no interval is given: drawing from a few, all of them right, would look exact."""
UNITS_AT_A_TIME = 4_000_000
"""Units drawn at a time, to bound memory."""
MEASURED = ("second_accuracy", "top_accuracy", "second_macro_accuracy", "hierarchical_f1")
"""What :func:`measures` gives, by the names of :func:`bstviz.evaluation.metrics.evaluate`."""


def unit_codes(sound_ids: np.ndarray, groups: Mapping[str, str] | None = None) -> np.ndarray:
    """The unit that each sound belongs to, (n,) int64 from 0.

    Args:
        sound_ids: (n,) str; equal ids are one sound.
        groups: Group by sound id; sounds without one are units of their own, all of them when left out.
    """
    groups, known = groups or {}, dict[tuple[bool, str], int]()
    units = ((i in groups, groups.get(i, i)) for i in sound_ids)
    return np.array([known.setdefault(unit, len(known)) for unit in units], np.int64)


def resampled_sums(values: np.ndarray, *, resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """Sums over resampled units.

    Args:
        values: (U, K) K quantities of each unit that add up over units.
        resamples: How many times U units are drawn.
        seed: Of the draws.

    Returns:
        (resamples, K) float64.
    """
    rng = np.random.default_rng(seed)
    values = np.asarray(values, float)
    units, out = len(values), np.empty((resamples, values.shape[1]))
    together = max(1, UNITS_AT_A_TIME // max(units, 1))
    for start in range(0, resamples, together):
        count = min(together, resamples - start)
        times = [np.bincount(rng.integers(units, size=units), minlength=units) for _ in range(count)]
        out[start : start + count] = np.array(times, float) @ values
    return out


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
    both = np.concatenate([right, total], axis=1)
    numerator, denominator = np.split(resampled_sums(both, resamples=resamples, seed=seed), 2, axis=1)
    out: np.ndarray = np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0)
    return out


def interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper end of the :data:`LEVEL` interval of resampled values (resamples, ...), NaN left out."""
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.nanpercentile(values, [tail, 100 - tail], axis=0)
    return low, high


def p_value(values: np.ndarray) -> np.ndarray:
    """Two-sided p of resampled differences (resamples, ...) for "there is none", (...); NaN left out.

    Twice the share of draws on the rarer side of 0, 0 itself on both and the difference observed among the draws: below
    0.05 where the interval of :func:`interval` leaves 0 out.
    """
    drawn = 1 + (~np.isnan(values)).sum(axis=0)
    rarer = 1 + np.minimum((values <= 0).sum(axis=0), (values >= 0).sum(axis=0))
    p: np.ndarray = np.minimum(2 * rarer / drawn, 1.0)
    return p


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
    codes = unit_codes(np.concatenate([a.sound_ids for a in answers]), groups)
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


def measures(
    answers: OutOfFold, groups: Mapping[str, str] | None = None, *, resamples: int = RESAMPLES, seed: int = 0
) -> pd.DataFrame:
    """Accuracies and hierarchical F1 of one set of predictions, with intervals.

    Args:
        answers: Not empty.
        groups: Group by sound id; sounds without one are units of their own, all of them when left out.
        resamples: How many times the units are drawn.
        seed: Of the draws.

    Returns:
        A row for each of :data:`MEASURED`: ``value``, ``low``, ``high``, shares of 1. Intervals are NaN where there are
        fewer than :data:`LEAST_UNITS` units.
    """
    truth, predicted, parents = answers.y_true, answers.y_pred, answers.taxonomy.parents
    units = unit_codes(answers.sound_ids, groups)
    one = np.eye(len(parents))
    own, named, score = one[truth], one[predicted], metrics.pair_scores(truth, predicted, parents)[:, None]
    right = (truth == predicted)[:, None]
    sides = [(parents[truth] == parents[predicted])[:, None], own, own * right, own * score, named, named * score]
    sums = np.zeros((units.max() + 1, 1 + 5 * len(parents)))
    np.add.at(sums, units, np.concatenate(sides, axis=1))
    values = _measures(sums.sum(axis=0, keepdims=True))[0]
    low, high = interval(_measures(resampled_sums(sums, resamples=resamples, seed=seed)))
    table = pd.DataFrame({"value": values, "low": low, "high": high}, index=pd.Index(MEASURED, name="measure"))
    if len(sums) < LEAST_UNITS:
        table[["low", "high"]] = np.nan
    return table


def _measures(sums: np.ndarray) -> np.ndarray:
    """:data:`MEASURED` (r, 4) of sums (r, 1 + 5 C): sounds whose top-level class is right; and by class its sounds,
    those of them that are right, their pair scores, the sounds predicted as it, and the pair scores of these.
    """
    own, right, score_own, named, score_named = np.split(sums[:, 1:], 5, axis=1)
    total, there = own.sum(axis=1), own > 0
    f1 = metrics.f1(metrics.ratio(score_named, named), metrics.ratio(score_own, own))
    by_class = [(values * there).sum(axis=1) / there.sum(axis=1) for values in (metrics.ratio(right, own), f1)]
    return np.stack([right.sum(axis=1) / total, sums[:, 0] / total, *by_class], axis=1)
