"""Retraining: flat and hierarchical models on the decisions so far, on cached embeddings, in seconds.

Where there are many labels weights are drawn anew, by the recipe ``quick``. Few labels teach a network little: there
training goes on from the weights of the runs before it, by the recipe ``finetune``, and their datastore gets the new
labels. What it goes on from is always the first model, with all labels so far: the order in which labels came, and how
often somebody retrained, changes nothing.
"""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bstviz import storage
from bstviz.datasets.collection import Collection
from bstviz.datasets.splits import confident_sounds, fold_options, group_values, split_fold, stratified_folds
from bstviz.errors import UserError
from bstviz.evaluation.out_of_fold import Info, differ_in_loss_alone
from bstviz.inference.classify import DECODING
from bstviz.inference.explore import decoded
from bstviz.latent.alignment import align_pca
from bstviz.latent.projection import pca_table
from bstviz.models import config
from bstviz.models.config import DEFAULT_LOSS, LOSSES, Loss, TrainConfig, kinds_of
from bstviz.models.experiment_folder import write_experiment
from bstviz.models.run import Run, load_run
from bstviz.models.run_info import RunInfo
from bstviz.review.applied import apply_decisions
from bstviz.review.decisions import Record
from bstviz.review.retraining.held_out import write_answers
from bstviz.review.retraining.versions import HELD_OUT, VERSION_COLLECTION, Version, next_version, version_of

Report = Callable[[float, str], None]
"""Called with the share that is done, 0 to 1, and what is being done; what it raises ends the retraining."""
FEW_LABELS = 1_000
"""Labelled sounds below which training goes on from the weights before it."""
LEAST_LABELS = 10
HELD_OUT_PARTS = 5
ALL_TRAIN = "none: all labelled sounds train; judged by networks trained without a fifth of them each"


def beside(infos: Sequence[RunInfo], *, modality: str | None = None, fold: int = 0) -> list[RunInfo]:
    """Of some runs those that a retraining replaces together: one for each loss, alike in everything else.

    Args:
        infos: Runs of one collection.
        modality: Of these; that of the first one when left out.
        fold: Of these.

    Raises:
        UserError: There is none of our own.
    """
    of_fold = [info for info in infos if info.fold == fold and info.predicts]
    own = [info for info in of_fold if modality in (None, info.train.modality)]
    if not own:
        raise UserError(
            f"None of these runs can be retrained: asked for are models trained here, of fold {fold}"
            f"{f' and {modality}' if modality else ''}. Name other runs."
        )
    return alike(next((info for info in own if info.train.loss == DEFAULT_LOSS), own[0]), own)


def alike(first: RunInfo, infos: Iterable[RunInfo]) -> list[RunInfo]:
    """A run, and of some others with weights one for each other loss that differs from it in the loss alone."""
    by_loss: dict[str, RunInfo] = {first.train.loss: first}
    for info in infos:
        if info.predicts and differ_in_loss_alone(first, info):
            by_loss.setdefault(info.train.loss, info)
    return list(by_loss.values())


def counterpart(before: Sequence[Info], loss: str) -> Info:
    """Of the runs before a retraining the one that a run of this loss is compared with."""
    return next((run for run in before if run.train.loss == loss), before[0])


def no_report(share: float, words: str) -> None:
    """Report nothing."""


def retrain(
    collection: Collection,
    decisions: Record,
    before: Sequence[Run],
    out: Path,
    *,
    losses: Sequence[Loss] = tuple(LOSSES),
    seed: int = 0,
    few: int = FEW_LABELS,
    report: Report = no_report,
) -> Version:
    """Make the next version of a collection and its runs from the decisions on its labels.

    Test sounds stay test sounds. Where the runs before have none (they answered for a library that they did not learn)
    all labelled sounds train, and further networks, trained without a fifth of them each, calibrate and judge.

    Args:
        collection: The sounds that the decisions are about, with their embeddings.
        decisions: The record; disputed decisions change nothing.
        before: Runs of this collection, of one modality, threshold and fold, one for each loss at most; the first says
            which these are. Each loss is compared with, and may start from, the run of its own, or else the first.
        out: Folder of versions (:func:`bstviz.review.retraining.versions.versions_folder`).
        losses: Which models to train.
        seed: Of training.
        few: Labelled sounds below which training goes on from the weights before it.
        report: Progress.

    Returns:
        The version, on disk.

    Raises:
        UserError: Nothing is to be changed, a run is of another collection, or too few sounds have a class.
    """
    if not before:
        raise UserError("A retraining needs a run to compare with; answer for the sounds first: bstviz explore FOLDER.")
    for run in before:
        run.check_collection(collection)
    report(0.0, "Applying the decisions")
    first = before[0]
    changed = apply_decisions(collection.with_text(None), decisions)
    listed = first.view(changed)
    acts = _acts(listed, decisions)
    done: list[_Trained] = []
    for i, loss in enumerate(losses):
        own = counterpart(before, loss)

        def on_epoch(epoch: int, epochs: int, done: int = i, loss: Loss = loss) -> None:
            report(0.95 * (done + epoch / epochs) / len(losses), f"Training {LOSSES[loss].words.lower()}")

        done.append(_train(listed, own, loss, acts, seed=seed, few=few, on_epoch=on_epoch))
    report(0.95, "Saving")
    version = _save(changed, before, done, out)
    report(1.0, "Saving")
    return version


@dataclass(frozen=True, eq=False)
class _Trained:
    """A run, the one that it is compared with, the one that it started from, and what networks that did not learn a
    sound say of it.
    """

    run: Run
    before: Run
    base: Run | None
    answers: np.ndarray | None


def _train(
    listed: Collection,
    before: Run,
    loss: Loss,
    acts: np.ndarray,
    *,
    seed: int,
    few: int,
    on_epoch: Callable[[int, int], None],
) -> _Trained:
    """Train one model on a version of a collection."""
    import torch

    from bstviz.training.train import train_splits

    torch.set_num_threads(1)  # batches are small: more threads wait for each other
    train = before.train
    chosen: dict[str, Any] = {"loss": loss, "modality": train.modality, "min_confidence": train.min_confidence}
    chosen |= {"text": listed.chosen_text, "seed": seed}
    split, parts = _split(listed, before, chosen, acts)
    labelled = int(np.isin(split, ("train", "val")).sum())
    base = _base(before, loss) if labelled < few else None
    start, setting = None, config.recipe("quick", **chosen)
    if base is not None:
        setting = config.recipe("finetune", **chosen, sizes=base.train.sizes, standardise=base.train.standardise)
        start = _start(base, listed, setting)
        if start is None:
            base, setting = None, config.recipe("quick", **chosen)
    trained = train_splits(
        listed,
        {before.fold: split},
        setting,
        steps=max(1, round(labelled / setting.batch_size)),
        split_kind=before.split_kind if parts is None else ALL_TRAIN,
        held_out=parts,
        start=start,
        on_epoch=on_epoch,
    )
    run = _aligned(trained.runs[0], before)
    if before.decoding == DECODING:  # else answers would differ by how they are read
        run = decoded(run)
    return _Trained(run, before, base, trained.held_out[0])


def _acts(collection: Collection, decisions: Record) -> np.ndarray:
    """What each sound was decided in, (N,) int64: sounds decided together are alike, and are held out together."""
    known: dict[str, int] = {}
    agreed = decisions.agreed
    names = ((d.act or sound if (d := agreed.get(sound)) else sound) for sound in collection.sounds["sound_id"])
    return np.array([known.setdefault(name, len(known)) for name in names], np.int64)


def _split(
    collection: Collection, before: Run, chosen: dict[str, Any], acts: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """Split of each sound (N,), and where none of them is set aside for the test the parts (N,) that networks are
    trained without, of whole acts.

    Raises:
        UserError: Too few sounds have a class.
    """
    usable = collection.usable(kinds_of(chosen["modality"]))
    confident = confident_sounds(collection, chosen["min_confidence"])
    rows = np.flatnonzero(usable & confident & (collection.labels >= 0))
    kinds = len(np.unique(collection.labels[rows]))
    if len(rows) < LEAST_LABELS or kinds < 2:
        raise UserError(
            f"{len(rows)} sounds of {collection.name!r} have a class to train on, of {kinds} classes; at least "
            f"{LEAST_LABELS} of 2 classes are needed. Label more."
        )
    ids = collection.sounds["sound_id"]
    share = TrainConfig().validation
    if before.held_out.any() and (before.learned.any() or "training sounds" in before.left_out):
        tested = ids.isin(set(before.sounds["sound_id"][before.held_out])).to_numpy()
        folds = np.where(tested, before.fold, before.fold + 1)
        options = fold_options(before.split_kind) or []
        column = options[options.index("--group") + 1] if "--group" in options else None
        groups = group_values(collection.sounds, column) if column else None
        same = {"seed": chosen["seed"], "groups": groups, "confident": confident, "validation": share}
        return split_fold(folds, before.fold, collection.labels, usable, **same), None
    labels = np.full(len(collection), -1, np.int64)
    labels[rows] = collection.labels[rows]
    count = min(HELD_OUT_PARTS, int(np.bincount(labels[rows]).max()), len(np.unique(acts[rows])))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # classes with fewer sounds than parts: they are in some
        parts = stratified_folds(labels, n_folds=count, seed=chosen["seed"], groups=acts) if count > 1 else None
    split = np.full(len(collection), "unused", object)
    split[rows] = "train"
    rng = np.random.default_rng(chosen["seed"])
    split[rng.permutation(rows)[: max(2, round(share * len(rows)))]] = "val"
    return split, parts


def _base(before: Run, loss: Loss) -> Run | None:
    """The run that a retraining goes on from: the one before it or, where that is of a version, what that went on from;
    None where that is not there.
    """
    version = version_of(before.folder) if before.folder else None
    if version is None:
        return before
    there = [load_run(path) for path in version.started_from if path.is_dir()]
    return counterpart(there, loss) if there else None


def _start(base: Run, listed: Collection, setting: TrainConfig) -> Any:
    """What training goes on from; None without weights, or where the network would have another shape, or other classes
    or encoders.

    The datastore is kept where it holds sounds of other collections: those of this one may have other labels now.
    """
    import torch

    from bstviz.training.fit import Start
    from bstviz.training.train import model_config

    encoders = {kind: listed.encoder(kind) for kind in kinds_of(setting.modality)}
    same = base.model == model_config(listed, setting) and base.taxonomy.hash == listed.taxonomy.hash
    if not base.predicts or not same or any(base.encoders.get(kind) != info for kind, info in encoders.items()):
        return None
    learned = base.sounds["sound_id"][base.learned]
    store = None if learned.isin(listed.row_of).any() else base.datastore
    return Start({name: torch.from_numpy(np.array(values)) for name, values in base.weights.items()}, store)


def _aligned(run: Run, before: Run) -> Run:
    """A run whose PCA map lies on that of another one, as far as both list the same sounds."""
    place = {sound_id: row for row, sound_id in enumerate(before.sounds["sound_id"])}
    rows = np.array([place.get(sound_id, -1) for sound_id in run.sounds["sound_id"]])
    shared = rows >= 0
    columns = [f"pca_{axis}" for axis in "xyz"]
    if shared.sum() < 3 or not set(columns) <= set(before.projections):
        return run
    fixed = before.projections[columns].to_numpy(np.float64)[rows[shared]]
    pca = align_pca(run.pca, run.latents[shared], fixed)
    return dataclasses.replace(run, pca=pca, projections=pca_table(pca, run.latents))


def _save(changed: Collection, before: Sequence[Run], done: Sequence[_Trained], out: Path) -> Version:
    """Write a version as a whole: it is there with its collection and runs, or not at all."""
    out.mkdir(parents=True, exist_ok=True)
    with storage.locked(out / "versions"):
        version = next_version(out)
        with storage.replaced_folder(version.folder) as fresh:
            changed.save(fresh / VERSION_COLLECTION)
            place = str(fresh / VERSION_COLLECTION)
            for one in done:
                about = dataclasses.replace(one.run.collection, path=place)
                dataclasses.replace(one.run, collection=about).save(fresh / one.run.id)
            answers = {one.run.train.loss: (one.run, one.answers) for one in done if one.answers is not None}
            if answers:
                write_answers(fresh / HELD_OUT, answers)
            seen_from = partial(_seen_from, version.folder)
            entry = {
                "collection": {"name": changed.name, "hash": changed.hash},
                "settings": [dataclasses.asdict(one.run.train) for one in done],
                "before": [seen_from(run) for run in before if run.folder],
                "started_from": [seen_from(one.base) for one in done if one.base is not None and one.base.folder],
            }
            write_experiment(fresh, entry)
    return version


def _seen_from(folder: Path, run: Run) -> str:
    """Path of a run as seen from a folder, so that both can move together."""
    return Path(os.path.relpath(run.folder or Path(), folder.resolve())).as_posix()
