"""Accuracy of the bundled models' procedure on recordings of collections that it was not trained on, audio only.

    python benchmarks/bundled_accuracy.py collections/sounds collections/sounds_more ... [--demo assets/demo]
        [--half report|choose|all] [--seeds 1] [--before]

The collections are tables of recordings with the columns ``recording`` and ``collection``, imported and embedded by the
encoders of the bundled models; sounds that the bundled models leave out for their licence are left out. Five folds,
grouped by collection (what strangers' sounds are like) or by recording (cuts of one recording stay together); the demo,
where it is given, trains in all of them. What is measured is :mod:`bstviz.training.bundled` itself, calibration
included: ``together`` is what the app and ``bstviz classify`` answer, the mean of the hierarchical and the flat model,
decoded top-down. ``--before`` measures the recipe ``default`` as it is, calibrated on its own validation sounds.

Settings were chosen on half of the collections (by a hash of their names); figures are reported on the other half, with
networks trained on all collections but those of the fold. A seed draws folds, validation sounds and training alike.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
import typer

from bstviz.datasets.collection import Collection, load_collection
from bstviz.datasets.extra import concatenate
from bstviz.datasets.splits import Folds, group_values, stratified_folds
from bstviz.evaluation.calibration import expected_calibration_error
from bstviz.models.config import LOSSES, recipe
from bstviz.training.bundled import RECIPE, config_of, usable
from bstviz.training.train import train_fold

FOLDS = 5
Half = Literal["all", "choose", "report"]


def half_of(collections: np.ndarray) -> np.ndarray:
    """``choose`` or ``report`` for each collection's name, by its hash."""
    halves: tuple[Half, Half] = ("choose", "report")
    return np.array([halves[hashlib.sha1(str(name).encode()).digest()[0] % 2] for name in collections])


def answers(everything: Collection, folds: Folds, seed: int, *, before: bool, track: bool) -> dict[str, np.ndarray]:
    """Probabilities (N, C) by model for the sounds that are tested, each from the networks of its fold."""
    out = {loss: np.zeros((len(everything), len(everything.taxonomy.codes))) for loss in LOSSES}
    for loss, probabilities in out.items():
        for fold in range(folds.count):
            if before:
                run = train_fold(everything, folds, fold, recipe(RECIPE, loss=loss, modality="audio", seed=seed))
            else:
                run = train_fold(everything, folds, fold, config_of(loss, "audio", seed=seed), held_out=folds)
            probabilities[folds.assignment == fold] = run.probabilities[run.tested]
            if track:
                print(f"  seed {seed}, {loss}, fold {fold}: temperature {run.temperature:.2f}", flush=True)
    return out | {"together": np.mean(list(out.values()), axis=0)}


def figures(collection: Collection, rows: np.ndarray, probabilities: np.ndarray) -> tuple[float, float, float, float]:
    """Second- and top-level accuracy of the answers (top-down), and their calibration errors, on some rows."""
    taxonomy, truth, own = collection.taxonomy, collection.labels[rows], probabilities[rows]
    answer = taxonomy.top_down(own)
    right = answer == truth, taxonomy.parents[answer] == taxonomy.parents[truth]
    errors = (expected_calibration_error(truth, own, parents=p) for p in (None, taxonomy.parents))
    return float(right[0].mean()), float(right[1].mean()), *errors


def main(
    recordings: list[Path],
    demo: Annotated[Path | None, typer.Option(help="The demo collection, which trains in every fold.")] = None,
    group: Annotated[Literal["collection", "recording"], typer.Option(help="What is kept in one fold.")] = "collection",
    half: Annotated[Half, typer.Option(help="Which half of the collections is tested.")] = "report",
    only_half: Annotated[bool, typer.Option(help="Train on that half alone too, as when settings are chosen.")] = False,
    seeds: Annotated[int, typer.Option(help="Draws of folds and trainings.")] = 1,
    before: Annotated[bool, typer.Option(help="The recipe as it is, calibrated on its own validation sounds.")] = False,
    progress: Annotated[bool, typer.Option(help="A line for each training.")] = False,
) -> None:
    torch.set_num_threads(1)  # batches are small: more threads wait for each other
    collections = [*([load_collection(demo)] if demo else []), *(usable(load_collection(path)) for path in recordings)]
    everything = concatenate(collections[0], collections[1:])
    recorded = np.arange(len(everything)) >= (len(collections[0]) if demo else 0)
    own = half_of(group_values(everything.sounds, "collection"))
    tested = recorded & (everything.labels >= 0) & ((half == "all") | (own == half))
    labels = np.where(tested if only_half else recorded, everything.labels, -1)
    print(f"{int(tested.sum()):,} recordings tested ({half}), {everything.audio_encoder}; {FOLDS} folds by {group}")
    found: dict[str, list[tuple[float, ...]]] = {}
    for seed in range(seeds):
        groups = group_values(everything.sounds, group)
        folds = Folds(stratified_folds(labels, n_folds=FOLDS, seed=seed, groups=groups), f"by {group}")
        for model, probabilities in answers(everything, folds, seed, before=before, track=progress).items():
            rows = np.flatnonzero(tested & (folds.assignment >= 0))
            found.setdefault(model, []).append(figures(everything, rows, probabilities))
    for model, values in found.items():
        second, top, error, top_error = np.mean(values, axis=0)
        print(f"  {model:14} second {100 * second:.2f}  top {100 * top:.2f}  ECE {error:.3f}, top {top_error:.3f}")


if __name__ == "__main__":
    typer.run(main)
