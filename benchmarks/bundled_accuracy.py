"""Accuracy of the recipe of the bundled models on real recordings, audio only, beside baselines on the same embeddings
and folds.

    python benchmarks/bundled_accuracy.py collections/sounds [--more collections/sounds_more] [--seeds 1]

The collections are tables of recordings with the columns ``recording`` and ``collection``, imported and embedded by the
encoders of the bundled models. Five folds, grouped by recording (cuts of one recording stay together) and by collection
(what strangers' sounds are like). ``together`` is what the app and ``bstviz classify`` answer: the mean of the
hierarchical and the flat model. With ``--more``, both folders as one, grouped by collection, without the sounds that
the bundled models leave out for their licence. A seed draws folds, validation sounds and training alike.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from bstviz.datasets.collection import Collection, load_collection
from bstviz.datasets.splits import Folds, choose_folds
from bstviz.evaluation import metrics
from bstviz.models.config import LOSSES, recipe
from bstviz.models.run import Run
from bstviz.training.baselines import METHODS, BaselineConfig, fit_baseline
from bstviz.training.bundled import RECIPE, concatenate, usable
from bstviz.training.train import train_folds

FOLDS = 5
WANTED = {"recording": (0.82, 0.90), "collection": (0.34, 0.59)}
"""Second- and top-level accuracy that the bundled models' answer is to reach."""
Scores = list[tuple[float, float]]


def levels(found: dict[str, float]) -> tuple[float, float]:
    """Second- and top-level accuracy of a fold."""
    return found["second_accuracy"], found["top_accuracy"]


def together(members: list[Run]) -> tuple[float, float]:
    """Accuracies of the mean answer of runs of one fold on its test sounds."""
    first = members[0]
    mean = np.mean([run.probabilities[run.tested] for run in members], axis=0)
    return levels(metrics.evaluate(first.y_true[first.tested], mean, first.taxonomy.parents))


def scores(collection: Collection, folds: Folds, seed: int) -> dict[str, Scores]:
    """Accuracies by model, one pair per fold."""
    configs = {loss: recipe(RECIPE, loss=loss, modality="audio", seed=seed) for loss in LOSSES}
    trained = {loss: train_folds(collection, folds, range(FOLDS), config) for loss, config in configs.items()}
    out = {loss: [levels(run.metrics) for run in runs] for loss, runs in trained.items()}
    out["together"] = [together(list(members)) for members in zip(*trained.values(), strict=True)]
    for method in ("logistic", "knn"):
        config = BaselineConfig(method, "audio", seed=seed)
        out[METHODS[method]] = [levels(fit_baseline(collection, folds, f, config).metrics) for f in range(FOLDS)]
    return out


def measure(collection: Collection, group: str, seeds: int, wanted: tuple[float, float] | None = None) -> None:
    """Print the table of one grouping: mean ± deviation over folds, means over seeds."""
    drawn = [
        scores(collection, choose_folds(collection, folds=FOLDS, group=group, seed=seed), seed) for seed in range(seeds)
    ]
    print(
        f"{collection.name}: {len(collection):,} sounds, {collection.audio_encoder}; {FOLDS} folds grouped by {group}"
    )
    for model in drawn[0]:
        values = np.array([own[model] for own in drawn])  # (seeds, folds, levels)
        mean, deviation = values.mean((0, 1)), values.std(1).mean(0)
        cells = "   ".join(f"{100 * m:.2f} ± {100 * d:.2f}" for m, d in zip(mean, deviation, strict=True))
        each = "" if seeds == 1 else "   seeds " + " ".join(f"{100 * a:.2f}/{100 * b:.2f}" for a, b in values.mean(1))
        goal = "" if wanted is None or model != "together" else f"   (wanted: {wanted[0]:.2f}, {wanted[1]:.2f})"
        print(f"  {model:22} second / top {cells}{each}{goal}", flush=True)


def main(
    sounds: Path,
    more: Annotated[Path | None, typer.Option(help="Further recordings, measured as one with the first.")] = None,
    seeds: Annotated[int, typer.Option(help="Draws of folds and trainings.")] = 1,
) -> None:
    torch.set_num_threads(1)  # batches are small: more threads wait for each other
    collection = load_collection(sounds)
    for group, wanted in WANTED.items():
        measure(collection, group, seeds, wanted)
    if more is not None:
        measure(concatenate(usable(collection), [usable(load_collection(more))]), "collection", seeds)


if __name__ == "__main__":
    typer.run(main)
