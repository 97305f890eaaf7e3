"""Classification metrics on the two levels of a taxonomy: plain arrays in, floats out.

Conventions:
    ``y_true`` and ``y_pred`` are (n,) int64 second-level labels, ``probabilities`` (n, C), ``parents`` (C,) int64 the
    top label of every second-level class. The predicted class is the most probable one and the predicted top-level
    class its parent (decoding ``argmax``), as in equation 5 of the paper; what ends in ``by_mass`` takes the top-level
    class of the greatest summed probability (decoding ``top_down``). 0/0 counts as 0: a class that is never predicted
    has precision 0 and stays in the macro mean. Classes that never occur in ``y_true`` are left out of macro means.

Metrics:
    Accuracy (micro) and per-class accuracy at both levels, top-2 accuracy, DCASE hierarchical precision/recall/F1,
    hierarchical accuracy, confusion matrices.

References:
    DCASE 2026 Challenge, Task 1 "Heterogeneous Audio Classification" (hierarchical precision, recall, F1).
"""

from __future__ import annotations

import numpy as np

from bstviz.errors import UserError
from bstviz.evaluation.calibration import expected_calibration_error
from bstviz.models.run_info import Given

OF_ALL_CLASSES = (
    "top_accuracy_by_mass",
    "second_top2_accuracy",
    "top_top2_accuracy",
    "top_top2_accuracy_by_mass",
    "top_calibration_error",
)
"""Metrics of the probabilities of all classes."""
OF_THE_SCORE = ("expected_calibration_error",)
"""Metrics of the probability of the predicted class."""
SAME_TOP_SCORE = 0.375  # 0.75 x 1/2: right top-level, wrong second-level class


def _validate(y_true: np.ndarray, y_pred: np.ndarray, parents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if y_true.shape != y_pred.shape or y_true.ndim != 1:
        raise UserError(f"True and predicted labels have shapes {y_true.shape} and {y_pred.shape}; both must be (n,).")
    for name, values in (("true", y_true), ("predicted", y_pred)):
        if len(values) and not (values.min() >= 0 and values.max() < len(parents)):
            raise UserError(
                f"The {name} labels run from {values.min()} to {values.max()}; there are {len(parents)} classes."
            )
    return y_true, y_pred


def accuracy(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Share of equal labels; nan for no sounds at all."""
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    return float(np.mean(y_true == y_pred)) if len(y_true) else float("nan")


def class_accuracy(y_true: np.ndarray, y_pred: np.ndarray, n_classes: int) -> np.ndarray:
    """Accuracy among the sounds of each class (recall), (C,); nan for classes without sounds."""
    matrix = confusion_matrix(y_true, y_pred, n_classes)
    support = matrix.sum(axis=1)
    recall: np.ndarray = np.divide(np.diag(matrix), support, out=np.full(n_classes, np.nan), where=support > 0)
    return recall


def confusion_matrix(y_true: np.ndarray, y_pred: np.ndarray, n_classes: int) -> np.ndarray:
    """Counts (C, C) int64: rows are true classes, columns predicted ones."""
    index = np.asarray(y_true) * n_classes + np.asarray(y_pred)
    return np.bincount(index, minlength=n_classes**2).reshape(n_classes, n_classes)


def top2_accuracy(y_true: np.ndarray, probabilities: np.ndarray) -> float:
    """Share of sounds whose true class is among the two most probable ones."""
    if not len(y_true):
        return float("nan")
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]
    return float(np.mean((best == np.asarray(y_true)[:, None]).any(axis=1)))


def top_level_top2_accuracy(
    y_true: np.ndarray, probabilities: np.ndarray, parents: np.ndarray, *, by_mass: bool = False
) -> float:
    """Top-2 accuracy at the top level, in either reading.

    Args:
        y_true: (n,) second-level labels.
        probabilities: (n, C).
        parents: (C,).
        by_mass: False: the true top class is a parent of one of the two most probable second-level classes (which may
            share it). True: it is among the two top classes with the greatest summed probability.
    """
    if not len(y_true):
        return float("nan")
    top_true = parents[np.asarray(y_true)][:, None]
    if by_mass:
        best = np.argsort(-_mass(probabilities, parents), axis=1, kind="stable")[:, :2]
    else:
        best = parents[np.argsort(-probabilities, axis=1, kind="stable")[:, :2]]
    return float(np.mean((best == top_true).any(axis=1)))


def _mass(probabilities: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """Summed probability of each top-level class, (n, n_top)."""
    mass: np.ndarray = probabilities @ np.eye(parents.max() + 1)[parents]
    return mass


def top_accuracy_by_mass(y_true: np.ndarray, probabilities: np.ndarray, parents: np.ndarray) -> float:
    """Share of sounds whose true top-level class has the greatest summed probability; nan for no sounds at all.

    Args:
        y_true: (n,) second-level labels.
        probabilities: (n, C).
        parents: (C,).
    """
    return accuracy(parents[np.asarray(y_true)], _mass(probabilities, parents).argmax(axis=1))


def pair_scores(
    y_true: np.ndarray, y_pred: np.ndarray, parents: np.ndarray, same_top: float = SAME_TOP_SCORE
) -> np.ndarray:
    """Score of each prediction, (n,): 1 right, ``same_top`` if only the top-level class is right, else 0."""
    y_true, y_pred = _validate(y_true, y_pred, parents)
    return np.where(y_true == y_pred, 1.0, np.where(parents[y_true] == parents[y_pred], same_top, 0.0))


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Numerator by denominator, of one shape, where 0/0 counts as 0."""
    out: np.ndarray = np.divide(numerator, denominator, out=np.zeros(np.shape(numerator)), where=denominator > 0)
    return out


def f1(precision: np.ndarray, recall: np.ndarray) -> np.ndarray:
    """Harmonic mean of precision and recall, of one shape, where 0/0 counts as 0."""
    return ratio(2 * precision * recall, precision + recall)


def _mean_by(key: np.ndarray, values: np.ndarray, n_classes: int) -> np.ndarray:
    return ratio(np.bincount(key, values, n_classes), np.bincount(key, minlength=n_classes))


def hierarchical_prf(
    y_true: np.ndarray, y_pred: np.ndarray, parents: np.ndarray, *, drop_unpredicted: bool = False
) -> tuple[float, float, float]:
    """DCASE hierarchical precision, recall and F1, macro-averaged over the classes in ``y_true``.

    For class c, precision is the mean pair score over sounds predicted c, recall over sounds truly c, F1 their harmonic
    mean.

    Args:
        y_true: (n,).
        y_pred: (n,).
        parents: (C,).
        drop_unpredicted: Leave classes that were never predicted out of the means, as the challenge's own code does;
            by default they count as 0.
    """
    y_true, y_pred = _validate(y_true, y_pred, parents)
    scores, n_classes = pair_scores(y_true, y_pred, parents), len(parents)
    precision, recall = _mean_by(y_pred, scores, n_classes), _mean_by(y_true, scores, n_classes)
    harmonic = f1(precision, recall)
    keep = np.bincount(y_true, minlength=n_classes) > 0
    if drop_unpredicted:
        keep &= np.bincount(y_pred, minlength=n_classes) > 0
    if not keep.any():
        return float("nan"), float("nan"), float("nan")
    return float(precision[keep].mean()), float(recall[keep].mean()), float(harmonic[keep].mean())


def hierarchical_accuracy(y_true: np.ndarray, y_pred: np.ndarray, parents: np.ndarray) -> float:
    """Mean over true classes of a score that is 1 right, 0.5 if only the top-level class is, else 0."""
    y_true = np.asarray(y_true)
    means = _mean_by(y_true, pair_scores(y_true, y_pred, parents, same_top=0.5), len(parents))
    present = np.bincount(y_true, minlength=len(parents)) > 0
    return float(means[present].mean()) if present.any() else float("nan")


def evaluate(
    y_true: np.ndarray, probabilities: np.ndarray, parents: np.ndarray, *, given: Given = "classes"
) -> dict[str, float]:
    """Every metric of this module, and the calibration error at both levels, for one set of predictions.

    Args:
        y_true: (n,) second-level labels.
        probabilities: (n, C).
        parents: (C,).
        given: Which of the probabilities the model gave; metrics of what it did not give are left out.

    Returns:
        Metrics by name, and ``n``, the number of sounds they are over.
    """
    y_pred = probabilities.argmax(axis=1)
    y_true, y_pred = _validate(y_true, y_pred, parents)
    top_true, top_pred, n_top = parents[y_true], parents[y_pred], int(parents.max()) + 1
    precision, recall, harmonic = hierarchical_prf(y_true, y_pred, parents)
    found = {
        "second_accuracy": accuracy(y_true, y_pred),
        "top_accuracy": accuracy(top_true, top_pred),
        "top_accuracy_by_mass": top_accuracy_by_mass(y_true, probabilities, parents),
        "second_top2_accuracy": top2_accuracy(y_true, probabilities),
        "top_top2_accuracy": top_level_top2_accuracy(y_true, probabilities, parents),
        "top_top2_accuracy_by_mass": top_level_top2_accuracy(y_true, probabilities, parents, by_mass=True),
        "second_macro_accuracy": _nanmean(class_accuracy(y_true, y_pred, len(parents))),
        "top_macro_accuracy": _nanmean(class_accuracy(top_true, top_pred, n_top)),
        "hierarchical_precision": precision,
        "hierarchical_recall": recall,
        "hierarchical_f1": harmonic,
        "hierarchical_f1_drop_unpredicted": hierarchical_prf(y_true, y_pred, parents, drop_unpredicted=True)[2],
        "hierarchical_accuracy": hierarchical_accuracy(y_true, y_pred, parents),
        "expected_calibration_error": expected_calibration_error(y_true, probabilities),
        "top_calibration_error": expected_calibration_error(y_true, probabilities, parents=parents),
        "n": float(len(y_true)),
    }
    unknown = {"classes": (), "score": OF_ALL_CLASSES, "none": (*OF_ALL_CLASSES, *OF_THE_SCORE)}[given]
    return {name: value for name, value in found.items() if name not in unknown}


def _nanmean(values: np.ndarray) -> float:
    present = values[~np.isnan(values)]
    return float(present.mean()) if len(present) else float("nan")


def cohen_kappa(first: np.ndarray, second: np.ndarray) -> float:
    """Cohen's kappa of two annotators: (p_o - p_e) / (1 - p_e), of the observed agreement p_o and the one p_e that
    their own shares of the classes would give by chance.

    Reference: J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20,
    1960.

    Args:
        first: (n,) labels by one, of any kind that can be sorted.
        second: (n,) labels by the other, of the same sounds.

    Returns:
        1 where they always agree, 0 where they agree as often as by chance, down to -1; NaN for no sounds, and where
        both gave all sounds one and the same class, which chance would give as well.

    Examples:
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
