"""Leakage: what near-duplicates in training do to the score of a setting on its test sounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bstviz.datasets.collection import Collection
from bstviz.datasets.splits import column_folds
from bstviz.evaluation.out_of_fold import OutOfFold, pool
from bstviz.latent.near_duplicates import Duplicates
from bstviz.models.run import Run


@dataclass(frozen=True)
class Leakage:
    """What near-duplicates in training do to the score of one setting, on its test sounds of all folds.

    Attributes:
        setting: Its name.
        tested: Test sounds.
        leaked: Those that have a near-duplicate among the sounds that their fold's model learned from (validation is
            one of these).
        second: Second-level accuracy on all test sounds, on those with a near-duplicate in training, and on those
            without; NaN for none.
        top: The same at the top level.
    """

    setting: str
    tested: int
    leaked: int
    second: tuple[float, float, float]
    top: tuple[float, float, float]


def near_duplicate_in_training(found: Duplicates, answers: OutOfFold, collection: Collection) -> np.ndarray:
    """Whether each sound of out-of-fold answers has a near-duplicate that the model which answered has learned from,
    (n,) bool.
    """
    ends = (np.concatenate([found.left, found.right]), np.concatenate([found.right, found.left]))
    out = np.zeros(len(answers), bool)
    tested = np.array([collection.row_of[i] for i in answers.sound_ids], int)
    for member, run in enumerate(answers.runs):
        learned = np.zeros(len(collection), bool)
        ids = run.sounds["sound_id"][run.learned]
        learned[[collection.row_of[i] for i in ids]] = True
        leaked = np.zeros(len(collection), bool)
        leaked[ends[0][learned[ends[1]]]] = True
        own = answers.member == member
        out[own] = leaked[tested[own]]
    return out


def leakage(found: Duplicates, runs: Sequence[Run], collection: Collection) -> Leakage:
    """How a setting does with and without the test sounds that have a near-duplicate in training.

    Sounds that come in series may be easier in other ways too, so the difference is the most that the duplicates can
    have brought; folds grouped by :data:`bstviz.latent.near_duplicates.GROUP_COLUMN` say what they did bring.

    Args:
        found: Pairs of the collection that the runs were trained on.
        runs: Of one setting, one per fold.
        collection: That collection.

    Raises:
        UserError: The runs belong to another collection, or are of several settings.
    """
    for run in runs:
        run.check_collection(collection)
    answers = pool(runs)
    answers = answers.where(answers.tested)
    leaked = near_duplicate_in_training(found, answers, collection)
    parents = answers.taxonomy.parents
    right = answers.y_true == answers.y_pred
    right_top = parents[answers.y_true] == parents[answers.y_pred]

    def split(hit: np.ndarray) -> tuple[float, float, float]:
        parts = (hit, hit[leaked], hit[~leaked])
        all_, with_, without = (float(part.mean()) if len(part) else float("nan") for part in parts)
        return all_, with_, without

    return Leakage(answers.setting.name, len(answers), int(leaked.sum()), split(right), split(right_top))


def leakage_in_words(found: Duplicates, runs: Sequence[Run], collection: Collection) -> list[str]:
    """:func:`leakage` in two lines, and a third for waveforms that are the same, where waveforms were compared."""
    kinds = {"a near-duplicate": found} | ({} if found.correlation is None else {"the same waveform": found.copies})
    lines: list[str] = []
    for words, pairs in kinds.items():
        effect = leakage(pairs, runs, collection)
        if not lines:
            lines.append(
                f"{effect.setting}: second-level accuracy {100 * effect.second[0]:.2f} % of {effect.tested:,} test "
                "sounds"
            )
        share = f"{effect.leaked:,} ({100 * effect.leaked / effect.tested:.1f} %) have {words} in training"
        scores = f"{100 * effect.second[2]:.2f} % without them" + (
            f", {100 * effect.second[1]:.2f} % on them" if effect.leaked else ""
        )
        lines.append(f"  {share}: {scores}")
    return lines


def known_folds(collection: Collection, runs: Sequence[Run] = ()) -> np.ndarray | None:
    """Test fold of each sound of a collection, (N,) int64, -1 for never: a setting's, else the data's, else None."""
    if not runs:
        return column_folds(collection.sounds["test_fold"]) if "test_fold" in collection.sounds else None
    answers = pool(runs)
    out = np.full(len(collection), -1)
    out[[collection.row_of[i] for i in answers.sound_ids]] = answers.folds
    return out
