"""Folds and splits: which sounds train, validate and test.

Conventions: a fold assignment is (N,) int64, the fold in which each sound is test; -1 marks sounds that are never test
(no class, or training-only). Splits are strings, one per sound.

References: paper section 4.2 (stratified 5-fold, 80/20 train/test, the former 90/10 train/validation). Two assignments
go by name (:data:`NAMED_FOLDS`). ``published`` is a table of Freesound ids and folds of BSD10k-v1.2, read off public
out-of-fold predictions of models on it: BSD10k itself has no folds. ``hatr`` is made as in the authors' code (public
repository allholy/hatr): after filtering by annotation confidence, so each threshold has folds of its own.
Long because every way to make folds stands here, and what each means where sounds are in none.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bstviz.errors import UserError

if TYPE_CHECKING:
    from bstviz.datasets.collection import Collection


NAMED_FOLDS = ("published", "hatr")
"""Fold assignments that go by a name; no seed of one's own changes them."""
PUBLISHED_FOLDS = "bsd10k_v1.2_folds.parquet"
PUBLISHED = "published for BSD10k-v1.2, by public out-of-fold predictions"
HATR_FOLDS, HATR_SEED = 5, 1821
HATR = f"as in the authors' code, stratified {HATR_FOLDS}-fold after filtering by confidence, seed {HATR_SEED}"


@dataclass(frozen=True, eq=False)
class Folds:
    """A fold assignment and how it was made.

    Attributes:
        assignment: (N,) int64 test fold of each sound, -1 for never; at threshold 1 where thresholds differ.
        kind: How, in words, recorded with each run.
        groups: (N,) groups kept in the same fold, or None; validation keeps to them too.
        group: Column that they come from, where they come from one.
        by_threshold: Assignment at an annotation confidence threshold, where each has its own; None where all share
            one.
    """

    assignment: np.ndarray
    kind: str
    groups: np.ndarray | None = None
    by_threshold: Callable[[int], np.ndarray] | None = None
    group: str | None = None

    @property
    def count(self) -> int:
        """Number of folds."""
        return int(self.assignment.max()) + 1

    def at(self, min_confidence: int) -> np.ndarray:
        """(N,) int64 test fold of each sound for trainings at an annotation confidence threshold."""
        return self.assignment if self.by_threshold is None else self.by_threshold(min_confidence)

    def extended(self, sounds: pd.DataFrame) -> Folds:
        """The same folds over a table (M rows) of the same sounds and, behind them, others that are never test."""
        more = len(sounds) - len(self.assignment)

        def never(assignment: np.ndarray) -> np.ndarray:
            return np.pad(assignment, (0, more), constant_values=-1)

        groups = self.groups
        if groups is not None:
            alone = [f"\0{i}" for i in range(more)]
            behind = group_values(sounds, self.group)[len(self.assignment) :] if self.group else alone
            groups = np.concatenate([groups, behind])
        at = self.by_threshold
        by_threshold = None if at is None else lambda threshold: never(at(threshold))
        return replace(self, assignment=never(self.assignment), groups=groups, by_threshold=by_threshold)


def stratified_folds(
    labels: np.ndarray, *, n_folds: int = 5, seed: int = 0, groups: np.ndarray | None = None
) -> np.ndarray:
    """Seeded stratified folds; with groups, sounds of one group are kept in the same fold.

    Args:
        labels: (N,) int64, -1 for sounds without a class.
        n_folds: Number of folds, at least 2.
        seed: Of the shuffle.
        groups: (N,) of any hashable kind, or None.

    Returns:
        (N,) int64 test folds, -1 where there is no class.

    Raises:
        UserError: There are too few sounds or groups for so many folds, or no class has a sound for each.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    rows = np.flatnonzero(labels >= 0)
    units = len(rows) if groups is None else len(set(np.asarray(groups)[rows].tolist()))
    if n_folds < 2 or units < n_folds:
        what = "sounds with a class" if groups is None else "groups"
        raise UserError(f"{n_folds} folds need at least 2 folds and {n_folds} {what}; there are {units}.")
    largest = int(np.bincount(labels[rows]).max())
    if largest < n_folds:
        raise UserError(
            f"{n_folds} folds need a class of {n_folds} sounds; the largest has {largest}. Take fewer folds."
        )
    folds = np.full(len(labels), -1, np.int64)
    if groups is None:
        splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
        splits = splitter.split(rows, labels[rows])
    else:
        splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
        splits = splitter.split(rows, labels[rows], np.asarray(groups)[rows])
    for fold, (_, test) in enumerate(splits):
        folds[rows[test]] = fold
    return folds


def column_folds(values: pd.Series) -> np.ndarray:
    """Folds that the data itself states, from whole numbers counted from any start.

    Raises:
        UserError: A value is no whole number, or there are fewer than two folds.
    """
    numbers = pd.to_numeric(values, errors="coerce")
    wrong = values.notna() & (numbers.isna() | (numbers % 1 != 0))
    if wrong.any():
        raise UserError(f"Column {values.name!r} holds {values[wrong].iloc[0]!r}; folds are whole numbers.")
    known = sorted(numbers.dropna().unique())
    if len(known) < 2:
        raise UserError(f"Column {values.name!r} names {len(known)} fold; at least 2 are needed.")
    return numbers.map({v: i for i, v in enumerate(known)}).fillna(-1).to_numpy(np.int64, copy=True)


def group_values(sounds: pd.DataFrame, column: str) -> np.ndarray:
    """Group of each sound from a column; a sound without a value is a group of its own.

    Raises:
        UserError: There is no such column.
    """
    if column not in sounds:
        raise UserError(f"There is no column {column!r} to group by; there are {', '.join(map(str, sounds.columns))}.")
    values = sounds[column].astype("object")
    alone = pd.Series([f"\0{i}" for i in range(len(sounds))], index=sounds.index, dtype="object")
    return values.where(values.notna(), alone).astype(str).to_numpy()


def published_folds(sound_ids: pd.Series) -> np.ndarray:
    """Published test folds of the sounds of BSD10k-v1.2, by their Freesound ids; -1 for other sounds, (N,) int64.

    Raises:
        UserError: A fold has none of the sounds.
    """
    with resources.as_file(resources.files("bstviz") / "data" / PUBLISHED_FOLDS) as file:
        known = pd.read_parquet(file).set_index("sound_id")["test_fold"]
    known.index = known.index.astype(str)
    folds = sound_ids.astype(str).map(known).fillna(-1).to_numpy(np.int64, copy=True)
    if set(known) - set(folds.tolist()):
        raise UserError(
            f"The published folds are of BSD10k-v1.2's sounds; {int((folds >= 0).sum())} of these {len(folds):,} are "
            "among them, not enough for each fold. Give a number of folds."
        )
    return folds


def hatr_folds(labels: np.ndarray, confidence: np.ndarray, min_confidence: int) -> np.ndarray:
    """Folds as the authors' code makes them: stratified over the sounds that pass the threshold, in table order.

    Args:
        labels: (N,) int64, -1 for sounds without a class.
        confidence: (N,) float64 annotation confidence, NaN without one.
        min_confidence: The threshold; 1 includes sounds without a confidence.

    Returns:
        (N,) int64 test folds, -1 where there is no class, or the confidence is below the threshold.
    """
    passing = (confidence >= min_confidence) | (min_confidence == 1)
    return stratified_folds(np.where(passing, labels, -1), n_folds=HATR_FOLDS, seed=HATR_SEED)


def choose_folds(
    collection: Collection,
    *,
    folds: int | str = 5,
    group: str | None = None,
    column: str | None = None,
    seed: int = 0,
) -> Folds:
    """Folds of a collection: named ones, those of a column, the data's own where it has ``test_fold``, or seeded ones.

    Args:
        collection: The sounds.
        folds: Number of seeded folds, or one of :data:`NAMED_FOLDS`.
        group: Column whose sounds are kept in the same fold; asks for seeded folds.
        column: Column with the data's own folds.
        seed: Of the shuffle of seeded folds; no other randomness depends on it. One that is not 0 asks for them.

    Raises:
        UserError: There are no such folds, a column is missing, two kinds are asked for, or there are too few sounds.
    """
    sounds = collection.sounds
    if folds in NAMED_FOLDS:
        if group is not None or column is not None or seed != 0:
            raise UserError(f"The folds {folds!r} are as they are: leave out --group, --fold-column and --fold-seed.")
        return _named(collection, str(folds))
    if not str(folds).isdecimal():
        raise UserError(f"folds is {folds!r}; allowed are a number or {' or '.join(NAMED_FOLDS)}.")
    count = int(folds)
    if column is None and group is None and seed == 0 and "test_fold" in sounds:
        column = "test_fold"
    if column is not None:
        if column not in sounds:
            raise UserError(f"There is no column {column!r}; there are {', '.join(map(str, sounds.columns))}.")
        if group is not None:
            raise UserError("--group and --fold-column exclude each other: the column's folds are taken as they are.")
        own = column_folds(sounds[column])
        own[collection.labels < 0] = -1
        return Folds(own, f"the data's own, column {column}")
    groups = group_values(sounds, group) if group else None
    kind = f"stratified {count}-fold, seed {seed}" + (f", grouped by {group}" if group else "")
    assignment = stratified_folds(collection.labels, n_folds=count, seed=seed, groups=groups)
    return Folds(assignment, kind, groups, group=group)


def _named(collection: Collection, name: str) -> Folds:
    """The folds of :data:`NAMED_FOLDS` for a collection."""
    if name == "hatr":
        confidence = collection.sounds["confidence"].astype("Float64").to_numpy(float, na_value=np.nan)
        made = partial(hatr_folds, collection.labels, confidence)
        return Folds(made(1), HATR, by_threshold=made)
    assignment = published_folds(collection.sounds["sound_id"])
    others = int(((assignment < 0) & (collection.labels >= 0)).sum())
    assignment[collection.labels < 0] = -1
    return Folds(assignment, PUBLISHED + (f"; {others} sounds in none of them train only" if others else ""))


def fold_options(kind: str) -> list[str] | None:
    """Options of the command line that make folds of a kind as :func:`choose_folds` words it; None for others."""
    own = re.fullmatch(r"the data's own, column (.+)", kind)
    made = re.fullmatch(r"stratified (\d+)-fold, seed (\d+)(?:, grouped by (.+))?", kind)
    if named := {PUBLISHED: "published", HATR: "hatr"}.get(kind.partition(";")[0]):
        return ["--folds", named]
    if own:
        return ["--fold-column", own[1]]
    if made:
        seed = ["--fold-seed", made[2]] if made[2] != "0" else []
        return ["--folds", made[1], *(["--group", made[3]] if made[3] else []), *seed]
    return None


def confident_sounds(collection: Collection, threshold: int) -> np.ndarray:
    """Whether each sound's annotation confidence reaches the threshold, (N,) bool; 1 includes those without one.

    Raises:
        UserError: A threshold is asked for and no sound has a confidence.
    """
    confidence = collection.sounds["confidence"].astype("Float64").fillna(0).to_numpy(float)
    if threshold > 1 and not (confidence > 0).any():
        raise UserError(f"Collection {collection.name!r} has no annotation confidence; use --min-confidence 1.")
    return (confidence >= threshold) | (threshold == 1)


def split_fold(
    folds: np.ndarray,
    fold: int,
    labels: np.ndarray,
    usable: np.ndarray,
    *,
    seed: int = 0,
    groups: np.ndarray | None = None,
    confident: np.ndarray | None = None,
    validation: float = 0.1,
) -> np.ndarray:
    """Split of every sound for one fold.

    Args:
        folds: (N,) int64 test folds.
        fold: Which fold is test.
        labels: (N,) int64 second-level labels, -1 without a class.
        usable: (N,) bool, whether the sound has the embeddings that are needed.
        seed: Of the validation draw.
        groups: (N,) groups kept in the same fold, or None; sounds that are never test are not trained on where one of
            their group is test.
        confident: (N,) bool, at or above the confidence threshold; it applies to training and test alike.
        validation: Share of the training sounds held out, stratified by class.

    Returns:
        (N,) object: ``train``, ``val``, ``test``, ``below_threshold`` (in the test fold, under the threshold) or
        ``unused`` (neither trained on nor tested).
    """
    from sklearn.model_selection import StratifiedGroupKFold, train_test_split

    confident = np.ones(len(labels), bool) if confident is None else confident
    known = usable & (labels >= 0)
    out = np.full(len(labels), "unused", dtype=object)
    out[known & (folds == fold)] = np.where(confident[known & (folds == fold)], "test", "below_threshold")
    if groups is not None:
        tested = set(groups[known & (folds == fold)].tolist())
        known &= (folds >= 0) | ~pd.Series(groups).isin(tested).to_numpy()
    rows = np.flatnonzero(known & (folds != fold) & confident)
    if len(rows) < 10 or (out == "test").sum() == 0:
        raise UserError(
            f"Fold {fold} has {len(rows)} training and {(out == 'test').sum()} test sounds; lower the confidence "
            "threshold or add sounds."
        )
    seed = seed * 1_000 + fold
    if groups is None:
        counts = np.bincount(labels[rows])
        enough = counts[counts > 0].min() >= 2 and round(validation * len(rows)) >= (counts > 0).sum()
        train, val = train_test_split(
            rows, test_size=validation, random_state=seed, stratify=labels[rows] if enough else None
        )
    else:
        n_groups, largest = len(set(groups[rows].tolist())), int(np.bincount(labels[rows]).max())
        n_splits = min(round(1 / validation), n_groups, largest)
        if n_splits < 2:
            raise UserError(
                f"Fold {fold} has {n_groups} training groups, and {largest} sounds in its largest class; validation "
                "needs at least 2 of both. Take more folds, or do not group."
            )
        splitter = StratifiedGroupKFold(n_splits, shuffle=True, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # classes with fewer sounds than shares: no matter here
            inner, held = next(iter(splitter.split(rows, labels[rows], groups[rows])))
        train, val = rows[inner], rows[held]
    out[train], out[val] = "train", "val"
    return out


def split_collection(
    collection: Collection,
    folds: Folds,
    fold: int,
    usable: np.ndarray,
    *,
    min_confidence: int,
    validation: float,
    seed: int,
) -> np.ndarray:
    """Split of a collection's sounds for one fold: networks and baselines of the same settings get the same.

    Args:
        collection: The sounds.
        folds: Their folds.
        fold: Which one is test.
        usable: (N,) bool, whether the sound has the embeddings that are needed.
        min_confidence: Annotation confidence from which a sound counts, in training and test alike.
        validation: Share of the training sounds held out.
        seed: Of the validation draw.

    Returns:
        (N,) array of split names.

    Raises:
        UserError: Too few sounds or groups remain, or no sound has the annotation confidence that is asked for.
    """
    return split_fold(
        folds.at(min_confidence),
        fold,
        collection.labels,
        usable,
        seed=seed,
        groups=folds.groups,
        confident=confident_sounds(collection, min_confidence),
        validation=validation,
    )
