"""Two models on the same test sounds: by how much they differ, and whether chance alone would make them.

Conventions: ``first`` and ``second`` are the (n, C) probabilities of two models for the same n sounds, pooled out of
fold; a difference is second minus first. McNemar's test takes sounds as independent of each other; the bootstrap draws
units (:mod:`bstviz.evaluation.bootstrap`), all sounds of an uploader together where uploaders are known. Both take the
trained models as they are: models of another seed are another comparison.

References: Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
Psychometrika 12, 1947; S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
Statistics 6, 1979; B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993; P. Koehn, "Statistical
significance tests for machine translation evaluation", EMNLP 2004 (bootstrap of paired differences).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bstviz.datasets.taxonomy import Taxonomy
from bstviz.errors import UserError
from bstviz.evaluation import metrics
from bstviz.evaluation.bootstrap import LEAST_UNITS, interval, p_value, resampled_sums

PAIRED_RESAMPLES = 5_000
"""More than an interval takes: a p that Holm's correction multiplies by the number of classes has to be small."""
SIGNIFICANT = 0.05
MEASURES = {
    "second_accuracy": "Second level",
    "top_accuracy": "Top level, by argmax",
    "top_accuracy_by_mass": "Top level, by summed mass",
    "hierarchical_f1": "Hierarchical F1",
}
"""What is compared: accuracies, and the F1. By argmax the top-level class is the parent of the best second-level class;
by summed mass it is the one whose second-level classes have the greatest probability together.
"""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two models on the same sounds.

    Attributes:
        sounds: n.
        units: How many units they are drawn as.
        measures: By name of :data:`MEASURES`: ``first``, ``second`` and ``difference``, 0 to 1; the bootstrap's
            interval ``low`` to ``high`` and ``bootstrap_p``, NaN below :data:`LEAST_UNITS` units; how many sounds
            ``only_first`` and ``only_second`` answer right and ``mcnemar_p``, missing for the F1, which is no share of
            sounds.
        classes: A row for each second-level class that occurs, in label order: ``label``, ``code``, ``sounds``,
            ``units``, and of its accuracy (recall) the same columns, with ``mcnemar_holm`` and ``bootstrap_holm``,
            p after Holm's correction. Intervals and p are NaN in a class of fewer than :data:`LEAST_UNITS` units, which
            is not tested.
    """

    sounds: int
    units: int
    measures: pd.DataFrame
    classes: pd.DataFrame

    @property
    def tested(self) -> int:
        """How many classes are tested, which is what Holm's correction counts."""
        return int(self.classes["mcnemar_p"].notna().sum())

    @property
    def differing(self) -> pd.DataFrame:
        """Rows of the classes whose difference survives Holm's correction in both tests."""
        both = self.classes[["mcnemar_holm", "bootstrap_holm"]].max(axis=1, skipna=False)
        return self.classes[both < SIGNIFICANT]


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided p of McNemar's exact test that two models are right equally often; 1 where they never differ.

    Args:
        only_first: Sounds that the first model alone answers right.
        only_second: Sounds that the second alone answers right.
    """
    from scipy.stats import binomtest

    differing = only_first + only_second
    return float(binomtest(only_first, differing).pvalue) if differing else 1.0


def holm(p: np.ndarray) -> np.ndarray:
    """p values (m,) after Holm's correction: the chance of a single false one is held over all; NaN is not counted."""
    p = np.asarray(p, float)
    order = np.argsort(p)[: (~np.isnan(p)).sum()]  # NaN is last
    out = np.full(len(p), np.nan)
    out[order] = np.minimum(np.maximum.accumulate(np.arange(len(order), 0, -1) * p[order]), 1)
    return out


def compare(
    y_true: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    taxonomy: Taxonomy,
    units: np.ndarray | None = None,
    *,
    resamples: int = PAIRED_RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare two models on the same sounds.

    Args:
        y_true: (n,) second-level labels.
        first: (n, C) probabilities.
        second: (n, C) probabilities.
        taxonomy: The C classes.
        units: (n,) int64, which unit each sound belongs to (:func:`bstviz.evaluation.bootstrap.unit_codes`); each sound
            its own when left out.
        resamples: How many times the units are drawn.
        seed: Of the draws.

    Raises:
        UserError: There are no sounds.
    """
    if not len(y_true):
        raise UserError("There is no sound to compare two models on; choose two that are tested on the same sounds.")
    parents, best = taxonomy.parents, [probabilities.argmax(axis=1) for probabilities in (first, second)]
    _, units = np.unique(np.arange(len(y_true)) if units is None else units, return_inverse=True)
    right = [_right(y_true, probabilities, taxonomy) for probabilities in (first, second)]
    changed = right[1].astype(int) - right[0]  # (n, 3): 1 where only the second is right, -1 where only the first is
    sums = _sums_by_unit(y_true, best, changed, parents, units)
    labels = np.unique(y_true)
    drawn = _differences(resampled_sums(sums, resamples=resamples, seed=seed), labels)

    scores = [metrics.hierarchical_prf(y_true, labels_of, parents)[2] for labels_of in best]
    one, other = (np.append(some.mean(axis=0), score) for some, score in zip(right, scores, strict=True))
    measures = _with_mcnemar(_table(one, other, drawn[:, : len(MEASURES)]), changed)
    measures = measures.set_axis(pd.Index(MEASURES, name="measure"))
    if len(sums) < LEAST_UNITS:
        measures[["low", "high", "bootstrap_p"]] = np.nan
    one, other = (metrics.class_accuracy(y_true, labels_of, len(parents))[labels] for labels_of in best)
    classes = _table(one, other, drawn[:, len(MEASURES) :])
    return Comparison(len(y_true), len(sums), measures, _tested(classes, y_true, changed[:, 0], units, taxonomy))


def _tested(
    table: pd.DataFrame, y_true: np.ndarray, changed: np.ndarray, units: np.ndarray, taxonomy: Taxonomy
) -> pd.DataFrame:
    """:attr:`Comparison.classes` from what is known of each class's recall.

    Args:
        table: k rows, of the classes that occur, as :func:`_table` gives them.
        y_true: (n,) second-level labels.
        changed: (n,) 1 where only the second model is right, -1 where only the first is.
        units: (n,) the unit of each sound.
        taxonomy: The classes.
    """
    labels = np.unique(y_true)
    own = y_true[:, None] == labels  # (n, k)
    table = _with_mcnemar(table, own * changed[:, None])
    counted = {"label": labels, "code": np.array(taxonomy.codes, object)[labels], "sounds": own.sum(axis=0)}
    counted["units"] = np.array([len(np.unique(units[column])) for column in own.T])
    table = pd.concat([pd.DataFrame(counted), table], axis=1)
    table.loc[table["units"] < LEAST_UNITS, ["low", "high", "bootstrap_p", "mcnemar_p"]] = np.nan
    for test in ("mcnemar", "bootstrap"):
        table[f"{test}_holm"] = holm(table[f"{test}_p"].to_numpy())
    return table


def _right(y_true: np.ndarray, probabilities: np.ndarray, taxonomy: Taxonomy) -> np.ndarray:
    """Whether each sound is right, (n, 3) bool, by each accuracy of :data:`MEASURES`."""
    best, parents = probabilities.argmax(axis=1), taxonomy.parents
    heaviest = taxonomy.top_mass(probabilities).argmax(axis=1)
    return np.stack([best == y_true, parents[best] == parents[y_true], heaviest == parents[y_true]], axis=1)


def _table(first: np.ndarray, second: np.ndarray, drawn: np.ndarray) -> pd.DataFrame:
    """A row for each of k quantities, (k,) of the first model and of the second, from their resampled differences
    (resamples, k).
    """
    low, high = interval(drawn)
    columns = {"first": first, "second": second, "difference": second - first, "low": low, "high": high}
    return pd.DataFrame({**columns, "bootstrap_p": p_value(drawn)})


def _with_mcnemar(table: pd.DataFrame, changed: np.ndarray) -> pd.DataFrame:
    """A table with McNemar's test of its first rows, those that are shares of sounds.

    Args:
        table: k rows.
        changed: (n, at most k) 1 where only the second model is right, -1 where only the first is.
    """
    only_first, only_second = (pd.Series((changed == sign).sum(axis=0), dtype="Int64") for sign in (-1, 1))
    p = pd.Series([mcnemar(int(a), int(b)) for a, b in zip(only_first, only_second, strict=True)])
    return table.assign(only_first=only_first, only_second=only_second, mcnemar_p=p)


def _sums_by_unit(
    y_true: np.ndarray, predicted: list[np.ndarray], changed: np.ndarray, parents: np.ndarray, units: np.ndarray
) -> np.ndarray:
    """All that the differences are made of, summed over the sounds of each unit, (U, 4 + 8 C).

    Sounds and changes of the three accuracies; by class, its sounds and changes of its recall; and by class and model,
    for the hierarchical F1, the sounds predicted as it, and the pair scores of these and of its own.
    """
    one = np.eye(len(parents))
    own = one[y_true]  # (n, C)
    columns = [np.ones((len(y_true), 1)), changed, own, own * changed[:, :1]]
    for labels in predicted:
        score = metrics.pair_scores(y_true, labels, parents)[:, None]
        columns += [one[labels], one[labels] * score, own * score]
    order = np.argsort(units, kind="stable")
    starts = np.searchsorted(units[order], np.arange(units.max() + 1))
    sums: np.ndarray = np.add.reduceat(np.concatenate(columns, axis=1)[order], starts, axis=0)
    return sums


def _differences(sums: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Differences (r, 4 + k) of the measures, then of the recall of k classes, from sums (r, 4 + 8 C).

    NaN for a class without a sound.
    """
    total, changed = sums[:, :1], sums[:, 1:4]
    own, recall_changed, *of_models = np.split(sums[:, 4:], 8, axis=1)  # (r, C) each
    there = own > 0
    scores = []
    for predicted, score_predicted, score_own in (of_models[:3], of_models[3:]):
        by_class = metrics.f1(metrics.ratio(score_predicted, predicted), metrics.ratio(score_own, own))
        scores.append((by_class * there).sum(axis=1, keepdims=True) / there.sum(axis=1, keepdims=True))
    recall = np.divide(recall_changed, own, out=np.full(own.shape, np.nan), where=there)[:, labels]
    return np.concatenate([changed / total, scores[1] - scores[0], recall], axis=1)
