"""Training the folds of a setting on a collection: its sounds to arrays, networks fitted on them, and their runs.

The numbers are made by :mod:`bstviz.training.fit`; a fold comes out the same whichever others it is trained with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from bstviz.datasets.collection import Collection
from bstviz.datasets.extra import join
from bstviz.datasets.splits import Folds, confident_sounds, split_collection
from bstviz.errors import UserError
from bstviz.evaluation import metrics
from bstviz.latent import structure
from bstviz.latent.projection import UmapSettings
from bstviz.models.config import ModelConfig, TrainConfig, kinds_of
from bstviz.models.losses import sound_weights
from bstviz.models.network import member_state
from bstviz.models.predict import Prediction, answers_table, forward
from bstviz.models.run import Run
from bstviz.training.fit import Fitted, Inputs, OnEpoch, Start, fit


def train_folds(
    collection: Collection,
    folds: Folds,
    chosen: Sequence[int],
    config: TrainConfig,
    *,
    device: str = "cpu",
    extra: Sequence[Collection] = (),
    held_out: Folds | None = None,
    umap: UmapSettings | None = None,
    on_epoch: OnEpoch | None = None,
) -> list[Run]:
    """Train folds side by side and gather everything the app needs of each; a fold does not depend on the others.

    Args:
        collection: Sounds with the embeddings that ``config.modality`` and ``config.text`` name.
        folds: Test folds of its sounds.
        chosen: Which folds to train.
        config: Settings.
        device: Torch device.
        extra: Further collections, whose sounds train too and are neither tested nor listed
            (:mod:`bstviz.datasets.extra`).
        held_out: Folds of all sounds, for calibration: further networks are trained without one of these folds each,
            and temperature and datastore's share are fitted on what they say of the sounds that were held out. By
            default they are fitted on the validation sounds, which may be cuts of the training ones.
        umap: Make UMAP maps with these settings; None leaves them to be made later.
        on_epoch: Progress.

    Raises:
        UserError: An embedding is missing, too few sounds remain, or a further collection has other classes or
            encoders.
    """
    listed, kinds = collection.with_text(config.text), kinds_of(config.modality)
    collection, folds = join(listed, folds, extra, kinds)
    usable = collection.usable(kinds)
    splits = {fold: _split(collection, folds, fold, usable, config) for fold in chosen}
    trained = train_splits(
        listed,
        splits,
        config,
        steps=_steps(collection, folds, usable, config),
        split_kind=folds.kind,
        device=device,
        behind=collection,
        held_out=held_out.assignment if held_out is not None else None,
        on_epoch=on_epoch,
        extra_training_data=tuple(other.name for other in extra),
    )
    return [run.with_umap(umap) if umap else run for run in trained.runs]


@dataclass(frozen=True, eq=False)
class Trained:
    """What :func:`train_splits` returns.

    Attributes:
        runs: One for each split.
        held_out: For each run (n, C) float32, in the order of its sounds: probabilities by the network of those further
            ones that did not learn the sound; NaN where each or none did. None where no further ones were trained.
    """

    runs: list[Run]
    held_out: list[np.ndarray | None]


def train_splits(
    listed: Collection,
    splits: Mapping[int, np.ndarray],
    config: TrainConfig,
    *,
    steps: int,
    split_kind: str,
    device: str = "cpu",
    behind: Collection | None = None,
    held_out: np.ndarray | None = None,
    start: Start | None = None,
    on_epoch: OnEpoch | None = None,
    **attributes: Any,
) -> Trained:
    """Train networks side by side, one for each split of the same sounds; arguments as for :func:`train_folds`.

    Args:
        listed: Sounds that the runs list, seen with the text that they take.
        splits: (N,) names of splits of all sounds, by the number of the fold that the run is called after.
        config: Settings.
        steps: Batches per epoch.
        split_kind: How the splits were made, in words.
        device: Torch device.
        behind: The listed sounds with others behind them, that train too.
        held_out: (N,) folds of the sounds, for calibration.
        start: What every network goes on from; None for weights drawn anew.
        on_epoch: Progress.
        attributes: Further ones of the runs.
    """
    kinds, collection = kinds_of(config.modality), behind if behind is not None else listed
    rows = np.flatnonzero(listed.usable(kinds))
    matrices = {kind: collection.embedding(kind) for kind in kinds}
    members, seeds = list(splits.values()), [1_000 * config.seed + fold for fold in splits]
    judges: list[list[int]] = []
    if held_out is not None:
        for fold, split in splits.items():
            calibrators = _held_out(split, held_out)
            judges.append(list(range(len(members), len(members) + len(calibrators))))
            members += calibrators
            seeds += [1_000 * config.seed + 100 * (1 + i) + fold for i in range(len(calibrators))]
        judges += [[member] for member in range(len(splits), len(members))]
    inputs = {kind: torch.from_numpy(np.nan_to_num(m)).to(device) for kind, m in matrices.items()}
    labels, parents = (torch.from_numpy(values).to(device) for values in _labels(collection, config))
    parts = [(_rows(split, IN_THE_LOSS, device), _rows(split, ("val",), device)) for split in members]
    fitted = fit(
        inputs,
        labels,
        parts,
        parents,
        model_config(collection, config),
        config,
        seeds=seeds,
        steps=steps,
        parts={kind: info.parts for kind in matrices if (info := collection.encoder(kind))},
        judges=judges or None,
        weights=_weights(collection, labels, [train for train, _ in parts], config),
        start=start,
        on_epoch=on_epoch,
    )
    before = len(start.datastore.keys) if start is not None and start.datastore is not None else 0
    answers = _answers(fitted, inputs, members, rows, before)
    same = {"train": config, "split_kind": split_kind, "precision": fitted.precision, **attributes}
    same["threads"] = torch.get_num_threads()
    runs = _runs(listed, rows, splits, fitted, answers, held_out=held_out is not None, **same)
    return Trained(runs, [_unseen(own, members, answers, rows) for own in judges[: len(runs)] or [[]] * len(runs)])


def _unseen(
    judges: Sequence[int], members: Sequence[np.ndarray], answers: Sequence[Prediction], rows: np.ndarray
) -> np.ndarray | None:
    """:attr:`Trained.held_out` of a run, by the members that judge it."""
    if not judges:
        return None
    out = np.full_like(answers[0].probabilities, np.nan)
    for member in judges:
        own = members[member][rows] == "val"
        out[own] = answers[member].probabilities[own]
    return out


IN_THE_LOSS = ("train", "partial")
"""Splits whose sounds are in the loss."""


def _split(collection: Collection, folds: Folds, fold: int, usable: np.ndarray, config: TrainConfig) -> np.ndarray:
    split = split_collection(
        collection,
        folds,
        fold,
        usable,
        min_confidence=config.min_confidence,
        validation=config.validation,
        seed=config.seed,
    )
    if config.partial_labels:
        kept = usable & confident_sounds(collection, config.min_confidence) & _partial(collection)
        if folds.groups is not None:
            judged = set(folds.groups[np.isin(split, ("test", "below_threshold", "val"))].tolist())
            kept &= ~pd.Series(folds.groups).isin(judged).to_numpy()
        split[kept] = "partial"
    return split


def _partial(collection: Collection) -> np.ndarray:
    """Whether a sound's top-level class is known and no second-level one, (N,) bool; False where it has none below it.

    Raises:
        UserError: There is no such sound.
    """
    partial = (collection.labels < 0) & np.isin(collection.top_labels, collection.taxonomy.parents)
    if not partial.any():
        raise UserError(
            f"partial_labels is on, but no sound of {collection.name!r} has a top-level class (column class_top) "
            "without a second-level one; leave it off, or import the sounds again."
        )
    return partial


def _labels(collection: Collection, config: TrainConfig) -> tuple[np.ndarray, np.ndarray]:
    """Labels (N,) and parents as :func:`bstviz.training.fit.fit` takes them; 0 where nothing is known."""
    parents = collection.taxonomy.parents
    if not config.partial_labels:
        return collection.labels.clip(0), parents
    labels = np.where(_partial(collection), len(parents) + collection.top_labels, collection.labels.clip(0))
    return labels, np.concatenate([parents, np.arange(len(collection.taxonomy.top_codes))])


def _held_out(split: np.ndarray, assignment: np.ndarray) -> list[np.ndarray]:
    """The split of a fold once for each fold of an assignment (N,), whose sounds become its validation sounds."""
    learned = np.isin(split, ("train", "val"))
    out = []
    for fold in np.unique(assignment[learned & (assignment >= 0)]):
        own = np.where(learned, "train", split).astype(object)
        own[learned & (assignment == fold)] = "val"
        out.append(own)
    return out


def _rows(split: np.ndarray, parts: tuple[str, ...], device: str) -> Tensor:
    return torch.from_numpy(np.flatnonzero(np.isin(split, parts))).to(device)


def model_config(collection: Collection, config: TrainConfig) -> ModelConfig:
    """Sizes of the networks that a collection's embeddings and classes ask for."""
    dims = {kind: collection.embedding(kind).shape[1] for kind in kinds_of(config.modality)}
    return ModelConfig(
        config.modality,
        audio_dim=dims.get("audio", 0),
        text_dim=dims.get("text", 0),
        n_classes=len(collection.taxonomy.codes),
        sizes=config.sizes,
    )


def _steps(collection: Collection, folds: Folds, usable: np.ndarray, config: TrainConfig) -> int:
    """Batches per epoch, the same for every fold: by the mean number of training sounds less the validation ones."""
    labelled = (collection.labels >= 0) | _partial(collection) if config.partial_labels else collection.labels >= 0
    known = usable & confident_sounds(collection, config.min_confidence) & labelled
    assignment = folds.at(config.min_confidence)
    mean = np.mean([(known & (assignment != fold)).sum() for fold in range(folds.count)])
    batches = (1 - config.validation) * float(mean) / config.batch_size
    return max(1, int(batches) if config.drop_last else round(batches))


def _weights(collection: Collection, labels: Tensor, trained: Sequence[Tensor], config: TrainConfig) -> Tensor | None:
    """Weights of the sounds in each member's loss (E, N), by its own training rows; None where all count the same."""
    confidence = torch.from_numpy(collection.sounds["confidence"].astype("Float64").to_numpy(float, na_value=np.nan))
    weights = [sound_weights(labels, confidence.to(labels.device), rows, config) for rows in trained]
    known = [own for own in weights if own is not None]
    return torch.stack(known) if known else None


def _answers(
    fitted: Fitted, inputs: Inputs, splits: Sequence[np.ndarray], rows: np.ndarray, before: int
) -> list[Prediction]:
    """Predictions of each member for some rows of the inputs; no sound answers for itself out of a datastore, in which
    so many others stand ``before`` those of the splits.
    """
    device = next(iter(inputs.values())).device
    shown = {kind: x[torch.from_numpy(rows).to(device)] for kind, x in inputs.items()}
    own = [_datastore_rows(split, rows, before).to(device) for split in splits]
    return forward(fitted.model, shown, fitted.temperatures, fitted.datastores, own=own)


def _datastore_rows(split: np.ndarray, rows: np.ndarray, before: int) -> Tensor:
    """Position of each row in the datastore, -1 where it is not there: (n,) int64; validation sounds follow training
    ones, and these what it had before.
    """
    positions = np.full(len(split), -1)
    stored = np.concatenate([np.flatnonzero(split == part) for part in ("train", "val")])
    positions[stored] = before + np.arange(len(stored))
    return torch.from_numpy(positions[rows])


def _runs(
    collection: Collection,
    rows: np.ndarray,
    splits: Mapping[int, np.ndarray],
    fitted: Fitted,
    answers: Sequence[Prediction],
    *,
    held_out: bool,
    **same: Any,
) -> list[Run]:
    """The run of each member, judged on its test sounds.

    Args:
        collection: The sounds that the runs list, with others behind them in the splits.
        rows: (n,) which of them they list.
        splits: (N,) of each member, by its fold.
        fitted: The members.
        answers: Their predictions for the rows, first to last; those of further members follow.
        held_out: Whether other members held out sounds to calibrate them by.
        same: Attributes that the runs share.
    """
    parents, runs = collection.taxonomy.parents, []
    for member, ((fold, split), answer) in enumerate(zip(splits.items(), answers[: len(splits)], strict=True)):
        tested = split[rows] == "test"
        y = collection.labels[rows][tested]
        scores: dict[str, float] = {}
        if len(y):
            scores = metrics.evaluate(y, answer.probabilities[tested], parents)
            scores |= structure.structure(answer.latent[tested], y, parents)
        run = Run.from_fit(
            collection,
            fold=fold,
            model=fitted.model.config,
            weights={name: value.cpu().numpy() for name, value in member_state(fitted.model, member).items()},
            sounds=answers_table(collection, rows, split[rows], answer),
            latents=answer.latent,
            metrics=scores,
            history=fitted.history[member],
            temperature=fitted.temperatures[member],
            datastore=fitted.datastores[member],
            held_out_gain=fitted.gains[member] if held_out else None,
            **same,
        )
        runs.append(run)
    return runs


def train_fold(collection: Collection, folds: Folds, fold: int, config: TrainConfig, **options: Any) -> Run:
    """Train one fold; arguments as for :func:`train_folds`."""
    return train_folds(collection, folds, [fold], config, **options)[0]
