"""Sounds that neither the model before a retraining nor the one after it has learned: what both say of them is fair.

Where the models have test sounds, these are the same before and after. Where a few labels train one model, none is set
aside: further networks are trained without a fifth of them each, and say what they make of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bstviz import storage, stored
from bstviz.models.config import KnownLoss
from bstviz.models.run import Run

BY = "loss"


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Labelled sounds that two runs of the same classes have not learned.

    Attributes:
        sound_ids: (n,) str.
        labels: (n,) int64 second-level labels, as they are after the retraining.
        before: (n, C) probabilities of the run before.
        after: (n, C) those of the run after, or of networks trained as it was without these sounds.
    """

    sound_ids: np.ndarray
    labels: np.ndarray
    before: np.ndarray
    after: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


def held_out(before: Run, after: Run, answers: np.ndarray | None = None) -> HeldOut:
    """The labelled sounds of two runs that neither has learned.

    Args:
        before: The run before.
        after: The run after.
        answers: (N, C) probabilities of sounds that further networks did not learn, in the order of the run after; NaN
            for others. None where there are no such networks.
    """
    ids = pd.Index(before.sounds["sound_id"])
    rows = ids.get_indexer(after.sounds["sound_id"])
    probabilities, fair = after.probabilities, after.held_out
    if answers is not None:
        answered = ~np.isnan(answers).any(axis=1)
        probabilities = np.where(answered[:, None], answers, probabilities)
        fair = fair | answered
    fair = fair & (after.y_true >= 0) & (rows >= 0)
    fair[fair] &= ~before.learned[rows[fair]]
    own = np.flatnonzero(fair)
    sound_ids = after.sounds["sound_id"].to_numpy(object)[own]
    return HeldOut(sound_ids, after.y_true[own], before.probabilities[rows[own]], probabilities[own])


def write_answers(file: Path, answers: Mapping[KnownLoss, tuple[Run, np.ndarray]]) -> None:
    """Keep what further networks say of sounds, by loss: the run that they stand for, and (N, C), NaN for others."""
    frames = []
    for loss, (run, probabilities) in answers.items():
        known = ~np.isnan(probabilities).any(axis=1)
        frame = pd.DataFrame(probabilities[known], columns=[f"p_{code}" for code in run.taxonomy.codes])
        frame.insert(0, "sound_id", run.sounds["sound_id"].to_numpy(object)[known])
        frame.insert(0, BY, loss)
        frames.append(frame)
    with storage.replaced_file(file) as fresh:
        pd.concat(frames, ignore_index=True).to_parquet(fresh, index=False)


def read_answers(file: Path, run: Run) -> np.ndarray | None:
    """What :func:`write_answers` kept of a run, (N, C) float32 in its order; None where there is no such file.

    Raises:
        UserError: The file cannot be read.
    """
    if not file.is_file():
        return None
    columns = [f"p_{code}" for code in run.taxonomy.codes]
    table = stored.read_table(file)
    if not {BY, "sound_id", *columns} <= set(table):
        return None
    own = table[table[BY] == run.train.loss].drop_duplicates("sound_id").set_index("sound_id")
    return own[columns].reindex(run.sounds["sound_id"]).to_numpy(np.float32)
