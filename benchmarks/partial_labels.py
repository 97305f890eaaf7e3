"""What labels are worth of which only the top level is known: the second level of a share of them is hidden.

    python benchmarks/partial_labels.py collections/bsd10k --fold-column test_fold

In every fold a seeded share of its training labels is hidden; its test sounds keep theirs. Three trainings of each
fold: with those sounds left out, with their top-level classes as partial labels, and with nothing hidden. Printed for
each: second-level, top-level accuracy and hierarchical F1 in percent, mean and deviation over folds, and the gain over
leaving them out with its standard error over folds (of means over seeds), in points.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer

from bstviz.datasets.collection import Collection, load_collection
from bstviz.datasets.splits import choose_folds
from bstviz.models.config import DEFAULT_LOSS, TrainConfig, kinds_of, recipe
from bstviz.training.train import train_fold

SHOWN = ("second_accuracy", "top_accuracy", "hierarchical_f1")
HIDDEN, PARTIAL, WHOLE = "hidden sounds left out", "hidden sounds as partial labels", "nothing hidden"


def hide(collection: Collection, rows: np.ndarray, share: float, seed: int) -> Collection:
    """The collection with the second level of a share of some rows hidden, by lot."""
    rng = np.random.default_rng(seed)
    chosen = np.zeros(len(collection), bool)
    chosen[rng.permutation(rows)[: round(share * len(rows))]] = True
    codes = np.array(collection.taxonomy.top_codes, object)[collection.top_labels]
    tops = pd.Series(np.where(chosen, codes, None), index=collection.sounds.index, dtype="str")
    classes = collection.sounds["class"].mask(chosen)
    return replace(collection, sounds=collection.sounds.assign(**{"class": classes, "class_top": tops}))


def scores(collection: Collection, config: TrainConfig, *, fold_column: str | None, share: float) -> np.ndarray:
    """Metrics (3, folds, len(SHOWN)) of the three trainings of every fold."""
    folds = choose_folds(collection, column=fold_column)
    usable = collection.usable(kinds_of(config.modality)) & (collection.labels >= 0)
    out = np.zeros((3, folds.count, len(SHOWN)))
    for fold in range(folds.count):
        rows = np.flatnonzero(usable & (folds.assignment != fold))
        part = hide(collection, rows, share, 1_000 * config.seed + fold)
        ways = ((part, config), (part, replace(config, partial_labels=True)), (collection, config))
        for way, (sounds, settings) in enumerate(ways):
            metrics = train_fold(sounds, folds, fold, settings).metrics
            out[way, fold] = [100 * metrics[name] for name in SHOWN]
    return out


def main(
    collection: Path,
    fold_column: Annotated[str | None, typer.Option(help="Column with the data's own folds.")] = None,
    modality: Annotated[str, typer.Option(help="audio, text or both.")] = "text",
    loss: Annotated[str, typer.Option(help="flat or hierarchical.")] = DEFAULT_LOSS,
    share: Annotated[float, typer.Option(help="Share of the training labels to hide.")] = 0.2,
    seeds: Annotated[list[int] | None, typer.Option(help="Of training and hiding; repeatable.")] = None,
) -> None:
    torch.set_num_threads(1)  # batches are small
    sounds = load_collection(collection)
    config = recipe("default", loss=loss, modality=modality)
    runs = [scores(sounds, replace(config, seed=seed), fold_column=fold_column, share=share) for seed in seeds or [0]]
    found = np.stack(runs).mean(axis=0)  # (3, folds, metrics)
    print(f"{loss}, {modality}, {100 * share:.0f} % hidden, {len(runs)} seed{'s' * (len(runs) > 1)}\n")
    print("| Training labels | Second-level | Top-level | Hierarchical F1 | Gain, second-level | Gain, top-level |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, values in zip((HIDDEN, PARTIAL, WHOLE), found, strict=True):
        cells = [f"{m:.2f} ± {d:.2f}" for m, d in zip(values.mean(axis=0), values.std(axis=0), strict=True)]
        gains = (values - found[0])[:, :2]
        errors = gains.std(axis=0, ddof=1) / len(gains) ** 0.5
        cells += (
            ["-"] * 2 if name == HIDDEN else [f"{g:+.2f} ± {e:.2f}" for g, e in zip(gains.mean(0), errors, strict=True)]
        )
        print(f"| {' | '.join([name, *cells])} |")


if __name__ == "__main__":
    typer.run(main)
