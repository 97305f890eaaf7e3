"""How long a retraining takes: from a click to the new version on disk, its PCA map aligned to the one before.

    bstviz import table bsd10k_v1.2.parquet --source bsd10k --out collections/bsd10k
    bstviz embed collections/bsd10k --audio-encoder none
    python benchmarks/retrain.py collections/bsd10k --fold-column test_fold

The model before is trained by the recipe `quick` on one fold. Then a share of the training labels is decided anew (each
sound gets the class that it has, of a collection in which another one stood), and a process of its own is asked to
retrain both losses, as the app's is. Printed: wall and processor seconds, of which the training, second-level and
top-level accuracy of the test fold by each loss, and how far the PCA map moved.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from bstviz.datasets.collection import load_collection
from bstviz.datasets.splits import choose_folds
from bstviz.models.config import recipe
from bstviz.models.experiment_folder import find_runs
from bstviz.models.run import load_run
from bstviz.review.decisions import Decision, Record
from bstviz.review.retraining.retrain import retrain
from bstviz.training.train import train_fold


def main(
    collection: Path,
    fold_column: Annotated[str | None, typer.Option(help="Column with the data's own folds.")] = None,
    modality: Annotated[str, typer.Option(help="audio, text or both.")] = "text",
    wrong: Annotated[int, typer.Option(help="Labels that are decided.")] = 100,
    seed: int = 0,
) -> None:
    sounds = load_collection(collection)
    rng = np.random.default_rng(seed)
    rows = rng.choice(np.flatnonzero(sounds.labels >= 0), wrong, replace=False)
    codes = np.array(sounds.taxonomy.codes, object)
    right = sounds.sounds["class"].to_numpy(object)
    spoiled = right.copy()
    spoiled[rows] = codes[(sounds.labels[rows] + rng.integers(1, len(codes), wrong)) % len(codes)]
    spoiled_sounds = sounds.sounds.assign(**{"class": spoiled}).astype({"class": "str"})
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        dataclasses.replace(sounds, sounds=spoiled_sounds).save(place / "collection")
        base = load_collection(place / "collection")
        folds = choose_folds(base, column=fold_column)
        for loss in ("hierarchical", "flat"):
            run = train_fold(base, folds, 0, recipe("quick", loss=loss, modality=modality))
            run.save(place / "before" / run.id)
        made = Record(
            tuple(
                Decision(
                    str(base.sounds["sound_id"].iat[row]),
                    spoiled[row],
                    right[row],
                    "",
                    "2026-01-01T00:00:00Z",
                    "x",
                    f"d{row}",
                )
                for row in rows
            )
        )
        start, processor = time.perf_counter(), time.process_time()
        base = load_collection(place / "collection")
        before = [load_run(path) for path in find_runs(place / "before")]
        loaded = time.perf_counter()
        version = retrain(base, made, before, place / "versions")
        wall, spent = time.perf_counter() - start, time.process_time() - processor
        usable = int(base.usable([modality] if modality != "both" else ["audio", "text"]).sum())
        took = f"{wall:.1f} s wall, {spent:.1f} s processor ({loaded - start:.1f} s loading)"
        print(f"{usable:,} sounds, {wrong} decisions: {took}")
        for old in before:
            new = load_run(version.folder / old.id)
            scores = [
                f"{100 * run.metrics[name]:.1f}" for name in ("second_accuracy", "top_accuracy") for run in (old, new)
            ]
            moved = np.linalg.norm(
                new.projections[["pca_x", "pca_y"]].to_numpy() - old.projections[["pca_x", "pca_y"]].to_numpy(), axis=1
            )
            print(
                f"{new.train.loss}: second level {scores[0]} -> {scores[1]} %, top level {scores[2]} -> {scores[3]} %, "
                f"{len(new.history['val_loss'])} epochs; the median point moved "
                f"{np.median(moved) / old.projections['pca_x'].std():.2f} deviations of the map"
            )


if __name__ == "__main__":
    typer.run(main)
