"""Accuracy of the bundled models' procedure on recordings of collections that it was not trained on, audio only.

    python benchmarks/bundled_accuracy.py collections/sounds collections/sounds_more ... [--demo assets/demo]
        [--only-half choose] [--tested-only sounds_third] [--group recording] [--seeds 1] [--before]

The collections are tables of recordings with the columns ``recording`` and ``collection``, imported and embedded by the
encoders of the bundled models; sounds that the bundled models leave out for their licence are left out. Five folds,
grouped by collection (what strangers' sounds are like) or by recording (cuts of one recording stay together); the demo,
where it is given, trains in all of them. What is measured is :mod:`bstviz.training.bundled.models` itself, calibration
included: ``together`` is what the app and ``bstviz classify`` answer, the mean of the hierarchical and the flat model,
decoded top-down, and below it by argmax. ``--before`` measures the recipe ``default`` as it is, calibrated on its own
validation sounds; ``--own-calibration`` the bundled models' settings calibrated so. A collection that is
``--tested-only`` is in the test of its folds and trains nothing: what it would teach is what is measured.

The encoder's parts were chosen on half of the collections (by a hash of their names), with networks trained on that
half (``--only-half choose``), noise and smoothing with both halves seen; figures are reported on the other half, with
networks trained on all collections but those of the fold. A seed draws folds, validation sounds and training alike.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
import typer

from bstviz.datasets.collection import Collection, load_collection
from bstviz.datasets.extra import concatenate, shared
from bstviz.datasets.splits import Folds, group_values, stratified_folds
from bstviz.datasets.taxonomy import Decoding
from bstviz.errors import UserError
from bstviz.evaluation.calibration import expected_calibration_error
from bstviz.models.config import LOSSES, Loss, TrainConfig, recipe
from bstviz.training.bundled.models import RECIPE, config_of, usable
from bstviz.training.train import train_fold

FOLDS = 5
Half = Literal["choose", "report"]


def half_of(collections: np.ndarray) -> np.ndarray:
    """``choose`` or ``report`` for each collection's name, by its hash."""
    halves: tuple[Half, Half] = ("choose", "report")
    return np.array([halves[hashlib.sha1(str(name).encode()).digest()[0] % 2] for name in collections])


def answers(
    everything: Collection, folds: Folds, config: Callable[[Loss], TrainConfig], *, taught: np.ndarray, held_out: bool
) -> dict[str, np.ndarray]:
    """Probabilities (N, C) by model for the sounds that are tested, each from the networks of its fold.

    Args:
        everything: N sounds.
        folds: Which fold each is tested in, -1 for never.
        config: Settings for a loss.
        taught: (N,) bool, what may be trained on.
        held_out: Calibrate on what further networks, trained without, answered for, as the bundled models are.
    """
    out = {loss: np.zeros((len(everything), len(everything.taxonomy.codes))) for loss in LOSSES}
    for fold in range(folds.count):
        tested = folds.assignment == fold
        classes = everything.sounds["class"].where(taught | tested, None)
        known = replace(everything, sounds=everything.sounds.assign(**{"class": classes}))
        for loss, probabilities in out.items():
            run = train_fold(known, folds, fold, config(loss), held_out=folds if held_out else None)
            probabilities[tested] = run.probabilities[run.tested]
            print(f"  fold {fold}, {loss}: temperature {run.temperature:.2f}", file=sys.stderr, flush=True)
    return out | {"together": np.mean(list(out.values()), axis=0)}


def figures(
    collection: Collection, rows: np.ndarray, probabilities: np.ndarray, decoding: Decoding
) -> tuple[float, float, float, float]:
    """Second- and top-level accuracy of the answers, and the calibration errors at both levels, on some rows."""
    taxonomy, truth, own = collection.taxonomy, collection.labels[rows], probabilities[rows]
    answer = taxonomy.decode(own, decoding)
    right = answer == truth, taxonomy.parents[answer] == taxonomy.parents[truth]
    errors = (expected_calibration_error(truth, own, parents=p) for p in (None, taxonomy.parents))
    return float(right[0].mean()), float(right[1].mean()), *errors


def main(
    recordings: list[Path],
    demo: Annotated[Path | None, typer.Option(help="The demo collection, which trains in every fold.")] = None,
    group: Annotated[Literal["collection", "recording"], typer.Option(help="What is kept in one fold.")] = "collection",
    only_half: Annotated[
        Half | None,
        typer.Option(help="Train and test on one half of the collections alone, as when settings are chosen."),
    ] = None,
    tested_only: Annotated[
        list[str] | None, typer.Option(help="Name of a collection that trains nothing; repeatable.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Draws of folds and trainings.")] = 1,
    before: Annotated[bool, typer.Option(help="The recipe as it is, calibrated on its own validation sounds.")] = False,
    own_calibration: Annotated[bool, typer.Option(help="Calibrate on a network's own validation sounds.")] = False,
) -> None:
    torch.set_num_threads(1)  # batches are small: more threads wait for each other
    collections = [*([load_collection(demo)] if demo else []), *(usable(load_collection(path)) for path in recordings)]
    everything = concatenate(collections[0], collections[1:])
    kept = [len(collections[0]), *(int((~shared(collections[0], c)).sum()) for c in collections[1:])]
    members = np.repeat([c.name for c in collections], kept)
    if unknown := set(tested_only or ()) - set(members.tolist()):
        raise UserError(f"--tested-only {', '.join(sorted(unknown))}: the collections are {', '.join(set(members))}.")
    recorded = np.arange(len(everything)) >= (len(collections[0]) if demo else 0)
    half = half_of(group_values(everything.sounds, "collection"))
    tested = recorded & (everything.labels >= 0) & (only_half is None or half == only_half)
    taught = (tested | ~recorded) & ~np.isin(members, tested_only or [])

    def config(loss: Loss, seed: int) -> TrainConfig:
        return recipe(RECIPE, loss=loss, modality="audio", seed=seed) if before else config_of(loss, "audio", seed=seed)

    print(f"{int(tested.sum()):,} recordings, {everything.audio_encoder}; {FOLDS} folds by {group}, {seeds} seeds")
    found: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    for seed in range(seeds):
        groups = group_values(everything.sounds, group)
        labels = np.where(tested, everything.labels, -1)
        folds = Folds(stratified_folds(labels, n_folds=FOLDS, seed=seed, groups=groups), f"by {group}")
        given = answers(
            everything, folds, partial(config, seed=seed), taught=taught, held_out=not (before or own_calibration)
        )
        for part in ("choose", "report", "all"):
            rows = np.flatnonzero(tested & ((part == "all") | (half == part)))
            if not len(rows):
                continue
            rated = {name: figures(everything, rows, p, "top_down") for name, p in given.items()}
            rated["together, by argmax"] = figures(everything, rows, given["together"], "argmax")
            for name, values in rated.items():
                found.setdefault((f"{part}, {len(rows):,} sounds", name), []).append(values)
    for (part, name), values in found.items():
        second, top, error, top_error = np.mean(values, axis=0)
        print(
            f"{part:24} {name:20} second {100 * second:.2f}  top {100 * top:.2f}  ECE {error:.3f}, top {top_error:.3f}"
        )


if __name__ == "__main__":
    typer.run(main)
