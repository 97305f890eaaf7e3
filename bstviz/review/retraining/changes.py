"""What a retraining changed: sounds with another answer, classes that gained and lost, the structure of both spaces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bstviz.evaluation.bootstrap import LEAST_UNITS
from bstviz.evaluation.paired import compare
from bstviz.latent.structure import structure
from bstviz.models.run import Run
from bstviz.review.retraining.held_out import HeldOut, held_out

STRUCTURE_WORDS = {
    "top_silhouette": "Silhouette, top level",
    "second_silhouette": "Silhouette, second level",
    "top_knn_purity": "kNN purity, top level",
    "second_knn_purity": "kNN purity, second level",
    "tree_correlation": "Correlation with the taxonomy",
}


@dataclass(frozen=True, eq=False)
class Changes:
    """What is different after a retraining.

    Attributes:
        sounds: A row for each sound whose answer changed, least sure before and surest after first: ``sound_id``,
            ``before`` and ``after`` (second-level codes), ``confidence_before`` and ``confidence_after``, ``label``
            (missing where nobody gave one) and ``learned``, whether the run after was trained on it.
        shared: Sounds that both runs list.
        fair: The labelled sounds that neither run has learned.
        measures: Accuracies and F1 of both on these, as :attr:`bstviz.evaluation.paired.Comparison.measures`; None
            without such sounds.
        classes: The same by class, most gained first; None without such sounds.
        structure: By measure ``before`` and ``after``, by the labels as they are now.
        measured: Sounds that it is measured on: test sounds of both or, where there are none, the labelled ones.
        learned: Whether the run after has learned these.
    """

    sounds: pd.DataFrame
    shared: int
    fair: HeldOut
    measures: pd.DataFrame | None
    classes: pd.DataFrame | None
    structure: pd.DataFrame
    measured: int
    learned: bool

    @property
    def gained(self) -> pd.DataFrame:
        """Rows of the classes that gained."""
        return self._where(1)

    @property
    def lost(self) -> pd.DataFrame:
        """Rows of the classes that lost, most lost first."""
        return self._where(-1).iloc[::-1]

    def _where(self, sign: int) -> pd.DataFrame:
        classes = self.classes if self.classes is not None else pd.DataFrame({"difference": []})
        found: pd.DataFrame = classes.loc[np.sign(classes["difference"]) == sign]
        return found


def changes(before: Run, after: Run, answers: np.ndarray | None = None) -> Changes:
    """What a retraining changed.

    Args:
        before: The run before.
        after: The run after, of the same classes.
        answers: As for :func:`bstviz.review.retraining.held_out.held_out`.
    """
    ids = pd.Index(before.sounds["sound_id"])
    rows = ids.get_indexer(after.sounds["sound_id"])
    b = np.flatnonzero(rows >= 0)
    a = rows[b]
    fair = held_out(before, after, answers)
    compared = compare(fair.labels, fair.before, fair.after, after.taxonomy) if len(fair) else None
    classes = None
    if compared is not None:
        classes = compared.classes.sort_values("difference", ascending=False, kind="stable", ignore_index=True)
    changed, shared = _changed_sounds(before, after, a, b), len(b)
    tested = after.held_out[b] & ~before.learned[a] & (after.y_true[b] >= 0)
    learned = not tested.any()
    own = after.y_true[b] >= 0 if learned else tested
    a, b = a[own], b[own]
    return Changes(
        changed,
        shared,
        fair,
        compared.measures if compared is not None else None,
        classes,
        _structure(before, after, a, b),
        len(a),
        learned,
    )


def in_words(found: Changes) -> list[str]:
    """What a retraining changed, a sentence each."""
    lines = [f"{len(found.sounds):,} of {found.shared:,} sounds have another answer than before."]
    if found.measures is None:
        lines.append("No labelled sound is unknown to both models, so there is no fair comparison of their accuracy.")
        return lines
    names = ["first", "second", "difference", "low", "high"]
    second = dict(zip(names, found.measures.loc[["second_accuracy"], names].to_numpy(float)[0], strict=True))
    sure = "" if np.isnan(second["low"]) else f" (95 % interval {_points(second['low'])} to {_points(second['high'])})"
    few = f"; below {LEAST_UNITS} sounds there is no interval" if np.isnan(second["low"]) else ""
    lines.append(
        f"On {len(found.fair):,} labelled sounds that neither model learned, {100 * second['first']:.1f} % of the "
        f"second-level answers were right and {100 * second['second']:.1f} % are now: {_points(second['difference'])} "
        f"points{sure}{few}."
    )
    for word, rows in (("Gained", found.gained), ("Lost", found.lost)):
        if len(rows):
            first = zip(rows["code"].head(5), rows["difference"].head(5).astype(float), strict=True)
            named = ", ".join(f"{code} {_points(difference)}" for code, difference in first)
            lines.append(f"{word}: {named}{' …' if len(rows) > 5 else ''} points.")
    return lines


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"


def _changed_sounds(before: Run, after: Run, a: np.ndarray, b: np.ndarray) -> pd.DataFrame:
    codes = np.array([*after.taxonomy.codes, None], object)
    table = pd.DataFrame(
        {
            "sound_id": after.sounds["sound_id"].to_numpy(object)[b],
            "before": codes[before.y_pred[a]],
            "after": codes[after.y_pred[b]],
            "confidence_before": before.confidence[a],
            "confidence_after": after.confidence[b],
            "label": codes[after.y_true[b]],
            "learned": after.learned[b],
        }
    )
    table = table.loc[before.y_pred[a] != after.y_pred[b]]
    surer = table["confidence_after"] - table["confidence_before"]
    order = np.argsort(-surer.to_numpy(), kind="stable")
    ordered: pd.DataFrame = table.iloc[order].reset_index(drop=True)
    return ordered


def _structure(before: Run, after: Run, a: np.ndarray, b: np.ndarray) -> pd.DataFrame:
    labels, parents = after.y_true[b], after.taxonomy.parents
    sides = {}
    for name, latents in (("before", before.latents[a]), ("after", after.latents[b])):
        measured = structure(latents, labels, parents) if len(labels) > 2 and latents.shape[1] else {}
        sides[name] = {words: measured.get(key, float("nan")) for key, words in STRUCTURE_WORDS.items()}
    return pd.DataFrame(sides)
