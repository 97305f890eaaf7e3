"""Accuracy on BSD10k's official folds, text only: ours against the reference network, logistic regression, kNN, kernel
ridge.

    python benchmarks/accuracy.py collections/bsd10k

The same vectors, test sounds and training sounds for all (each holds out validation sounds as its recipe says); mean ±
deviation over the five folds. Then what averaging the models of five folds brings to new sounds (nested: each outer
fold's training sounds are divided into five inner folds, whose models answer for the outer test sounds together), and
the structure of hierarchical and flat latents fold by fold.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks import reference
from bstviz.datasets.collection import Collection, load_collection
from bstviz.datasets.splits import Folds, choose_folds, split_fold, stratified_folds
from bstviz.models.config import LOSSES, REFERENCE_SIZES, Loss, NetworkSizes, recipe
from bstviz.models.run import Run
from bstviz.reports.summaries import STRUCTURE_METRICS
from bstviz.training.baselines import METHODS, BaselineConfig, fit_baseline
from bstviz.training.train import train_folds

RECIPES = {
    "reference network, published recipe": reference.PUBLISHED,
    "reference network, the paper's recipe": reference.PAPER,
}
DEFAULT_SIZES = NetworkSizes()


def shown(name: str, scores: list[float]) -> float:
    """Print a line of the table; returns the mean."""
    print(
        f"{name:48} {np.mean(scores):.4f} ± {np.std(scores):.4f}   " + " ".join(f"{s:.4f}" for s in scores), flush=True
    )
    return float(np.mean(scores))


def reference_scores(collection: Collection, folds: Folds, recipe: reference.Recipe, seed: int = 0) -> list[float]:
    """Second-level accuracy of the reference network on each fold; see :func:`reference.train`."""
    matrix, labels = np.nan_to_num(collection.embedding("text")), collection.labels
    usable = collection.usable(["text"])
    scores = []
    for fold in range(folds.count):
        split = split_fold(folds.assignment, fold, labels, usable, seed=seed, validation=recipe.validation)
        train, val, test = (np.flatnonzero(split == part) for part in ("train", "val", "test"))
        network = reference.train({"text": matrix}, labels, train, val, seed=1_000 * seed + fold, recipe=recipe)
        scores.append(float(np.mean(reference.predict(network, {"text": matrix}, test) == labels[test])))
    return scores


def ours(
    collection: Collection,
    folds: Folds,
    loss: Loss,
    seed: int = 0,
    *,
    named: str = "default",
    sizes: NetworkSizes = DEFAULT_SIZES,
) -> list[Run]:
    """A run of each fold."""
    config = recipe(named, loss=loss, modality="text", seed=seed, sizes=sizes)
    return train_folds(collection, folds, range(folds.count), config)


def kernel_ridge_scores(collection: Collection, folds: Folds) -> list[float]:
    """Second-level accuracy of kernel ridge regression on one-hot labels, a Gaussian kernel of standardised unit-length
    vectors.

    Its cost grows with the cube of the sounds, so it is measured here and is no baseline of sweeps.
    """
    from sklearn.kernel_ridge import KernelRidge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Normalizer, StandardScaler

    matrix, labels = collection.embedding("text"), collection.labels
    usable = collection.usable(["text"])
    scores = []
    for fold in range(folds.count):
        split = split_fold(folds.assignment, fold, labels, usable, seed=0)
        train, test = np.isin(split, ["train", "val"]), split == "test"
        model = make_pipeline(StandardScaler(), Normalizer(), KernelRidge(kernel="rbf", gamma=1.0, alpha=0.3))
        model.fit(matrix[train], np.eye(labels.max() + 1, dtype=np.float32)[labels[train]])
        scores.append(float(np.mean(model.predict(matrix[test]).argmax(1) == labels[test])))
    return scores


def ensemble_scores(collection: Collection, folds: Folds) -> tuple[list[float], list[float]]:
    """Accuracy on each outer fold of five inner folds' models: their mean alone, and of their averaged answers."""
    alone, together = [], []
    for fold in range(folds.count):
        labels = np.where(folds.assignment == fold, -1, collection.labels)
        inner = Folds(stratified_folds(labels, seed=fold), "inner")
        hidden = collection.sounds["class"].where(folds.assignment != fold)  # outer test sounds train nothing
        runs = train_folds(
            _with_classes(collection, hidden), inner, range(5), recipe("default", loss="flat", modality="text")
        )
        rows = _rows(collection, runs[0])
        test = (folds.assignment == fold)[rows]
        truth = collection.labels[rows][test]
        answers = [run.probabilities[test] for run in runs]
        alone.append(float(np.mean([np.mean(p.argmax(1) == truth) for p in answers])))
        together.append(float(np.mean(np.mean(answers, axis=0).argmax(1) == truth)))
    return alone, together


def _with_classes(collection: Collection, classes) -> Collection:
    return replace(collection, sounds=collection.sounds.assign(**{"class": classes}))


def _rows(collection: Collection, run: Run) -> np.ndarray:
    place = {sound_id: row for row, sound_id in enumerate(collection.sounds["sound_id"])}
    return np.array([place[sound_id] for sound_id in run.sounds["sound_id"]])


def main(
    collection: Path,
    seeds: Annotated[int, typer.Option(help="Trainings of each network.")] = 3,
    ensemble: Annotated[bool, typer.Option(help="Measure the fold ensemble too (25 trainings).")] = True,
) -> None:
    loaded = load_collection(collection)
    folds = choose_folds(loaded)
    words = int(loaded.usable(["text"]).sum())
    print(f"{loaded.name}: {words:,} of {len(loaded):,} sounds have words; {loaded.text_encoder}; folds: {folds.kind}")
    print("second-level accuracy, confidence >= 1, mean ± deviation over folds, then each fold")
    references = {
        name: [shown(f"{name}, seed {seed}", reference_scores(loaded, folds, recipe, seed)) for seed in range(seeds)]
        for name, recipe in RECIPES.items()
    }
    for method in ("knn", "logistic"):
        found = [fit_baseline(loaded, folds, fold, BaselineConfig(method, "text")) for fold in range(folds.count)]
        shown(METHODS[method], [b.metrics["second_accuracy"] for b in found])
    shown("kernel ridge regression", kernel_ridge_scores(loaded, folds))
    runs: dict[str, list[Run]] = {}
    means: dict[str, list[float]] = {}
    for named in ("default", "text"):
        for loss in LOSSES:
            for seed in range(seeds):
                trained = ours(loaded, folds, loss, seed, named=named)
                runs.setdefault(loss, trained)
                name = f"{loss}, recipe {named}"
                mean = shown(f"ours, {name}, seed {seed}", [run.metrics["second_accuracy"] for run in trained])
                means.setdefault(name, []).append(mean)
    large = ours(loaded, folds, "flat", sizes=replace(REFERENCE_SIZES, dropout=DEFAULT_SIZES.dropout))
    shown("ours, flat, at the reference's sizes, seed 0", [run.metrics["second_accuracy"] for run in large])
    for name, scores in means.items():
        for reference_name, theirs in references.items():
            gain = np.mean(scores) - np.mean(theirs)
            print(f"  gain of {name} over the {reference_name}: {gain:+.4f} (means over seeds)")
    if ensemble:
        alone, together = ensemble_scores(loaded, folds)
        shown("five inner folds, each alone, flat", alone)
        shown("five inner folds, averaged, flat", together)
        print(f"  gain of the fold ensemble {np.mean(together) - np.mean(alone):+.4f}")
    print("structure of test latents: flat -> hierarchical, by fold")
    for name in STRUCTURE_METRICS:
        pairs = [(a.metrics[name], b.metrics[name]) for a, b in zip(runs["flat"], runs["hierarchical"], strict=True)]
        higher = sum(b > a for a, b in pairs)
        print(
            f"{name:20} "
            + "  ".join(f"{a:.3f} -> {b:.3f}" for a, b in pairs)
            + f"   higher on {higher} of {len(pairs)}"
        )


if __name__ == "__main__":
    typer.run(main)
