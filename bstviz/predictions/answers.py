"""What the runs of a setting predict for a collection: out of fold where they were trained on it, else their mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bstviz.datasets.collection import Collection
from bstviz.encoders.base import Embeddings
from bstviz.errors import UserError
from bstviz.evaluation.out_of_fold import settings
from bstviz.models.experiment_folder import find_runs
from bstviz.models.predict import predict
from bstviz.models.run import Run, load_run
from bstviz.models.run_info import load_info
from bstviz.predictions.table import PredictionTable


@dataclass(frozen=True, eq=False)
class Answers:
    """Predictions of a setting for the sounds of a collection, in its order.

    Attributes:
        predictions: For the sounds that the models can predict.
        runs: Whose they are.
        how: How each was made, as a sentence.
        notes: What else has to be said, a sentence each.
    """

    predictions: PredictionTable
    runs: tuple[Run, ...]
    how: str
    notes: tuple[str, ...] = ()


def load_setting(folder: str | Path, setting: str | None = None) -> list[Run]:
    """The runs of one setting of an experiment, one per fold.

    Args:
        folder: A run, or an experiment.
        setting: Of several settings the one whose runs' names begin so, as ``flat-both-c1``.

    Raises:
        UserError: There is no such run, or there are several settings.
    """
    infos = [load_info(path) for path in find_runs(folder)]
    chosen = [info for info in infos if setting is None or info.id.startswith(setting)]
    found = settings(chosen)
    if len(found) != 1:
        names = ", ".join(dict.fromkeys(info.id.rpartition("-fold")[0] or info.id for info in infos))
        which = "none" if not found else f"{len(found)} settings"
        raise UserError(
            f"{folder} has {which}{f' that begin with {setting!r}' if setting else ''}; choose one with --setting, of: "
            f"{names}."
        )
    return [load_run(info.folder or Path()) for members in found.values() for info in members]


def answers_of(runs: Sequence[Run], collection: Collection) -> Answers:
    """Predictions of a setting's runs for a collection.

    For the collection that they were trained on each sound is predicted by the runs that did not learn from it: the one
    in whose test fold it lies, or all of them where it lies in none. For another collection it is the mean of all
    runs' probabilities. The class is the most probable one (decoding ``argmax``).

    Args:
        runs: Of one setting, one per fold.
        collection: The sounds, with the embeddings that the runs take.

    Raises:
        UserError: Classes or encoders differ, or no sound can be predicted.
    """
    if collection.taxonomy.hash != runs[0].taxonomy.hash:
        raise UserError(
            f"Collection {collection.name!r} has taxonomy {collection.taxonomy.id!r}, run {runs[0].id} has "
            f"{runs[0].taxonomy.id!r}; predictions are of the same classes."
        )
    own = runs[0].collection.hash == collection.hash
    if own:
        runs[0].check_collection(collection)
    total, counts = _out_of_fold(runs, collection) if own else _together(runs, collection)
    rows = np.flatnonzero(counts)
    if not len(rows):
        raise UserError(f"These runs can predict no sound of {collection.name!r}: each is missing or was trained on.")
    probabilities = (total[rows] / counts[rows, None]).astype(np.float32)
    ids = collection.sounds["sound_id"].to_numpy(object)
    predictions = PredictionTable(ids[rows], collection.taxonomy.argmax(probabilities), probabilities, runs[0].given)
    folds = f"{len(runs)} run{'s' * (len(runs) > 1)}"
    how = (
        f"out-of-fold predictions of {folds} for the collection that they were trained on"
        if own
        else f"mean probabilities of {folds} that were trained on {runs[0].collection.name!r}"
    )
    return Answers(predictions, tuple(runs), how, tuple(_notes(runs, collection, ids, counts, own=own)))


def _out_of_fold(runs: Sequence[Run], collection: Collection) -> tuple[np.ndarray, np.ndarray]:
    """Summed probabilities (N, C) of the runs that did not learn from a sound, and how many (N,): of the one that tests
    it, where one does.
    """
    total = np.zeros((len(collection), len(collection.taxonomy.codes)))
    counts, learned, tested = (np.zeros(len(collection), int) for _ in range(3))
    places = [np.array([collection.row_of[sound] for sound in run.sounds["sound_id"]], int) for run in runs]
    for run, rows in zip(runs, places, strict=True):
        learned[rows] += run.learned
        tested[rows] += run.held_out
    for run, rows in zip(runs, places, strict=True):
        answers = run.held_out | ((tested[rows] == 0) & (learned[rows] == 0))
        total[rows[answers]] += run.probabilities[answers]
        counts[rows[answers]] += 1
    return total, counts


def _together(runs: Sequence[Run], collection: Collection) -> tuple[np.ndarray, np.ndarray]:
    """Summed probabilities (N, C) of all runs for a collection that they were not trained on, and how many (N,)."""
    total = np.zeros((len(collection), len(collection.taxonomy.codes)))
    collection = runs[0].view(collection)
    rows = np.flatnonzero(collection.usable(runs[0].encoders))
    given = {
        kind: Embeddings(collection.embedding(kind)[rows], info)
        for kind in runs[0].encoders
        if (info := collection.encoder(kind))
    }
    if len(rows):
        for run in runs:
            total[rows] += predict(run, audio=given.get("audio"), text=given.get("text")).probabilities
    counts = np.zeros(len(collection), int)
    counts[rows] = len(runs)
    return total, counts


def _notes(runs: Sequence[Run], collection: Collection, ids: np.ndarray, counts: np.ndarray, *, own: bool) -> list[str]:
    notes = []
    if missing := int((counts == 0).sum()):
        why = "no embedding, or a run of their fold is missing" if own else "no embedding that the runs take"
        notes.append(f"{missing:,} of {len(collection):,} sounds have no prediction: {why}.")
    if not own:
        learned = {sound for run in runs for sound in run.sounds["sound_id"][run.learned]}
        if known := sum(sound in learned for sound in ids):
            notes.append(
                f"{known:,} sounds have ids of sounds that the runs were trained on: for these the predictions are no "
                "measure."
            )
    return notes
