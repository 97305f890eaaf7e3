"""Confusion matrices of out-of-fold predictions: any mixture of both levels, normalised, compared, a cell's sounds.

Conventions: rows are true classes, columns predicted ones. An :class:`Axis` says which classes stand along both: a
top-level class is either one line (collapsed) or a line for each of its second-level classes (open). Shares are 0 to
1, NaN in a row or column without sounds.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from bstviz.datasets.taxonomy import SoundClass, Taxonomy
from bstviz.evaluation import metrics
from bstviz.evaluation.out_of_fold import OutOfFold

Cells = Literal["row", "column", "count"]
CELLS: dict[Cells, str] = {"row": "% of true", "column": "% of predicted", "count": "counts"}
"""What cells can hold: shares of the row's sounds (recall on the diagonal), of the column's (precision), or sounds."""
SCORES = {
    "second_accuracy": "Second level, micro",
    "second_macro_accuracy": "Second level, macro",
    "top_accuracy": "Top level, micro",
    "top_macro_accuracy": "Top level, macro",
    "hierarchical_precision": "Hierarchical precision",
    "hierarchical_recall": "Hierarchical recall",
    "hierarchical_f1": "Hierarchical F1",
    "hierarchical_accuracy": "Hierarchical accuracy",
}
"""Metrics that stand beside a matrix: accuracy over sounds and over classes, and those that know the tree."""


@dataclass(frozen=True, eq=False)
class Axis:
    """The k classes along both sides of a matrix.

    Attributes:
        classes: Of either level, in order.
        position: (C,) int64, where each second-level class stands.
        block: (k,) int64 top label of each place.
    """

    classes: tuple[SoundClass, ...]
    position: np.ndarray
    block: np.ndarray

    @property
    def codes(self) -> list[str]:
        """Codes of the classes, in order."""
        return [c.code for c in self.classes]


def axis(taxonomy: Taxonomy, opened: Collection[str] | None = None) -> Axis:
    """The classes of a matrix.

    Args:
        taxonomy: Both levels.
        opened: Codes of the top-level classes whose second-level classes stand apart; all when left out, the others
            are one line.
    """
    opened = taxonomy.top_codes if opened is None else opened
    classes: list[SoundClass] = []
    position, block = np.zeros(len(taxonomy.second), np.int64), []
    for label, top in enumerate(taxonomy.top):
        own = np.flatnonzero(taxonomy.parents == label)
        position[own] = len(classes) + (np.arange(len(own)) if top.code in opened else 0)
        shown = [taxonomy.second[i] for i in own] if top.code in opened else [top]
        classes += shown
        block += [label] * len(shown)
    return Axis(tuple(classes), position, np.array(block, np.int64))


def counts(answers: OutOfFold, along: Axis) -> np.ndarray:
    """Sounds in each cell, (k, k) int64."""
    return metrics.confusion_matrix(along.position[answers.y_true], along.position[answers.y_pred], len(along.classes))


def shares(matrix: np.ndarray, cells: Cells) -> np.ndarray:
    """Counts (k, k) as they are, or as shares of their row or column, float64."""
    if cells == "count":
        return matrix.astype(float)
    total = matrix.sum(axis=1 if cells == "row" else 0, keepdims=True)
    out = np.full(matrix.shape, np.nan)
    np.divide(matrix, total, out=out, where=total > 0)
    return out


def difference(first: np.ndarray, second: np.ndarray, cells: Cells) -> np.ndarray:
    """First minus second matrix of counts (k, k), in what the cells hold; NaN where either has nothing to share."""
    out: np.ndarray = shares(first, cells) - shares(second, cells)
    return out


def table(values: np.ndarray, along: Axis, supports: np.ndarray) -> pd.DataFrame:
    """A matrix as a table: one row per true class with its code, one column per predicted one, and the row's sounds."""
    out = pd.DataFrame(values, columns=pd.Index(along.codes))
    out.insert(0, "true", along.codes)
    return out.assign(sounds=supports)


def where_applied(trained: int, tested: int) -> str:
    """In words, where an annotation confidence threshold applies: training and test take sounds of at least these."""
    if trained == tested:
        return (
            "all sounds are in training and test" if trained == 1 else f"≥ {trained} applies to training and test alike"
        )
    if trained == 1:
        return f"≥ {tested} applies to the test only: every model looks better on sounds whose annotators were sure"
    if tested == 1:
        return f"≥ {trained} applies to training only: all sounds are tested, unsure annotations included"
    return f"≥ {trained} applies to training and ≥ {tested} to the test"


def members(taxonomy: Taxonomy, code: str) -> np.ndarray:
    """Second-level classes that a code of either level stands for, (C,) bool."""
    labels = [c.code == code or c.parent == code for c in taxonomy.second]
    return np.array(labels)


def predicted_confidence(answers: OutOfFold) -> np.ndarray:
    """Probability of the predicted second-level class, (n,) float32."""
    return np.take_along_axis(answers.probabilities, answers.y_pred[:, None], axis=1)[:, 0]


def cell(answers: OutOfFold, true: str, predicted: str) -> OutOfFold:
    """The sounds of a cell, the most confident first; the codes may be of either level."""
    inside = members(answers.taxonomy, true)[answers.y_true] & members(answers.taxonomy, predicted)[answers.y_pred]
    return most_confident(answers.where(inside))


def most_confident(answers: OutOfFold) -> OutOfFold:
    """The same predictions by falling confidence."""
    return answers.where(np.argsort(-predicted_confidence(answers), kind="stable"))


def confused_pairs(matrix: np.ndarray, along: Axis) -> pd.DataFrame:
    """Cells off the diagonal that hold sounds, most first: ``true`` and ``predicted`` codes, ``sounds``, and shares.

    Shares are ``of_true`` (of the true class's sounds), ``of_errors`` (of all errors) and ``back``, the sounds of the
    opposite cell.
    """
    errors = matrix - np.diag(np.diag(matrix))
    t, p = np.nonzero(errors)
    order = np.argsort(-errors[t, p], kind="stable")
    t, p = t[order], p[order]
    codes = np.array(along.codes, object)
    return pd.DataFrame(
        {
            "true": codes[t],
            "predicted": codes[p],
            "sounds": matrix[t, p],
            "of_true": matrix[t, p] / matrix.sum(axis=1)[t],
            "of_errors": matrix[t, p] / max(errors.sum(), 1),
            "back": matrix[p, t],
        }
    )


def scores(answers: OutOfFold) -> pd.DataFrame:
    """:data:`SCORES` of pooled predictions and their spread over folds.

    Returns:
        By metric: ``pooled`` (over all sounds at once), ``mean`` and population ``std`` over folds (NaN with one fold).
    """

    def values(some: OutOfFold) -> list[float]:
        found = metrics.evaluate(some.y_true, some.probabilities, some.taxonomy.parents)
        return [found[name] for name in SCORES]

    folds = np.unique(answers.folds)
    each = np.array([values(answers.where(answers.folds == fold)) for fold in folds])
    several = len(folds) > 1
    return pd.DataFrame(
        {"pooled": values(answers), "mean": each.mean(axis=0), "std": each.std(axis=0) if several else np.nan},
        index=pd.Index(SCORES, name="metric"),
    )


@dataclass(frozen=True, eq=False)
class SharedTest:
    """The sounds that two settings were tested on.

    Attributes:
        first: The first one's predictions for the sounds that both test, in its order.
        second: The second one's to the same sounds, in the same order.
        sizes: How many each tests.
        same_folds: Whether each of the shared sounds lies in the same test fold of both, made in the same way.
    """

    first: OutOfFold
    second: OutOfFold
    sizes: tuple[int, int]
    same_folds: bool

    @property
    def same(self) -> bool:
        """Whether both test the same sounds."""
        return len(self.first) == self.sizes[0] == self.sizes[1]


def shared_test(first: OutOfFold, second: OutOfFold) -> SharedTest:
    """What two settings were tested on, and both on what they share: no sounds where the collections differ."""
    position = pd.Index(second.sound_ids).get_indexer(pd.Index(first.sound_ids))
    if first.setting.hash != second.setting.hash:
        position = np.full(len(first), -1)
    shared = position >= 0
    one, two = first.where(shared), second.where(position[shared])
    folds = first.setting.split_kind == second.setting.split_kind and bool((one.folds == two.folds).all())
    return SharedTest(one, two, (len(first), len(second)), folds)
