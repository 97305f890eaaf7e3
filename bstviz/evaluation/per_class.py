"""Where a setting errs: by class, and by group of sounds (uploaders, sources, any column of the collection)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bstviz.datasets.collection import NOT_OFFERED
from bstviz.evaluation.out_of_fold import OutOfFold


def by_class(answers: OutOfFold) -> pd.DataFrame:
    """A row for each second-level class that is tested, in label order.

    Returns:
        ``label``, ``code``, ``sounds``, ``accuracy`` with its Wilson interval of 95 % (``low``, ``high``),
        ``precision`` (NaN for a class that is never predicted) and ``confidence``, the mean annotation confidence
        (NaN without any).
    """
    from scipy.stats import binomtest

    rows = []
    for label in np.unique(answers.y_true):
        own, predicted = answers.y_true == label, answers.y_pred == label
        right = int((own & predicted).sum())
        bounds = binomtest(right, int(own.sum())).proportion_ci(method="wilson")
        known = answers.annotation_confidence[own & ~np.isnan(answers.annotation_confidence)]
        rows.append(
            {
                "label": int(label),
                "code": answers.taxonomy.codes[label],
                "sounds": int(own.sum()),
                "accuracy": right / own.sum(),
                "low": bounds.low,
                "high": bounds.high,
                "precision": right / predicted.sum() if predicted.any() else np.nan,
                "confidence": known.mean() if len(known) else np.nan,
            }
        )
    return pd.DataFrame(rows)


def grouping_columns(sounds: pd.DataFrame) -> list[str]:
    """Columns of a collection that group its sounds: some values are shared, and there is more than one value."""
    kept = []
    for name in sounds:
        values = sounds[name].dropna()
        measured = pd.api.types.is_float_dtype(values)
        if str(name) not in NOT_OFFERED and not measured and 1 < values.nunique() < len(values):
            kept.append(str(name))
    return kept


def by_group(answers: OutOfFold, groups: np.ndarray) -> pd.DataFrame:
    """Errors of each group of sounds against those expected from its classes, most errors in excess first.

    A group of hard classes has many errors without being anomalous. So each sound is expected to be predicted wrong as
    often as the other groups' sounds of its class are (as all other sounds are, where no other group has that class).

    Args:
        answers: n predictions.
        groups: (n,) object, the group of each sound; missing ones are left out.

    Returns:
        ``group``, ``sounds``, ``errors``, ``accuracy``, ``expected`` (accuracy) and ``excess`` (errors beyond those
        expected).
    """
    known = ~pd.isna(groups)
    codes, names = pd.factorize(np.asarray(groups, object)[known])
    if not len(names):
        return pd.DataFrame(columns=["group", "sounds", "errors", "accuracy", "expected", "excess"])
    label, wrong = answers.y_true[known], (answers.y_true != answers.y_pred)[known]
    shape = (len(names), len(answers.taxonomy.codes))
    cells = np.ravel_multi_index((codes, label), shape)
    total = np.bincount(cells, minlength=np.prod(shape)).reshape(shape)
    errors = np.bincount(cells, wrong, np.prod(shape)).reshape(shape)
    others, their_errors = total.sum(axis=0) - total, errors.sum(axis=0) - errors
    outside = np.maximum(others.sum(axis=1, keepdims=True), 1)
    fallback = np.broadcast_to(their_errors.sum(axis=1, keepdims=True) / outside, shape)
    rate = np.divide(their_errors, others, out=fallback.copy(), where=others > 0)
    n, own, expected = total.sum(axis=1), errors.sum(axis=1), (total * rate).sum(axis=1)
    table = pd.DataFrame(
        {
            "group": names.astype(str),
            "sounds": n,
            "errors": own.astype(int),
            "accuracy": 1 - own / n,
            "expected": 1 - expected / n,
            "excess": own - expected,
        }
    )
    return table.sort_values(["excess", "group"], ascending=[False, True], ignore_index=True)
