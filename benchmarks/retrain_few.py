"""What a few labels, given in selections on the map, bring on the sounds that nobody labelled.

    bstviz train assets/demo --no-umap --out demo-hierarchical
    bstviz train assets/demo --no-umap --loss flat --out demo-flat
    bstviz import table sounds/metadata.csv --audio sounds --out collections/sounds
    bstviz embed collections/sounds --text-encoder none
    python benchmarks/retrain_few.py collections/sounds demo-hierarchical demo-flat

The model before has learned none of the sounds, nor has the choice of settings (the recipe `finetune` was chosen on
other folders). Of `--sounds` sounds, drawn by lot, `--labels` are labelled as on the page: around one that is drawn by
lot the nearest ones on the PCA map that are of its class get it in one act, of up to `--reach` that are looked at.
Retrained models are judged on the others. Printed for each loss and way: accuracy in percent, mean over seeds and each
seed's.
"""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from bstviz.datasets.collection import Collection, load_collection
from bstviz.inference.explore import run_inference
from bstviz.models.experiment_folder import find_runs
from bstviz.models.run import Run, load_run
from bstviz.review.decisions import Decision, Record
from bstviz.review.retraining.retrain import FEW_LABELS, counterpart, retrain


def drawn(collection: Collection, count: int, seed: int) -> Collection:
    """Some labelled sounds of a collection."""
    usable = np.flatnonzero(collection.usable(["audio"]) & (collection.labels >= 0))
    rows = np.sort(np.random.default_rng(seed).choice(usable, min(count, len(usable)), replace=False))
    assert collection.audio is not None
    return dataclasses.replace(
        collection,
        sounds=collection.sounds.iloc[rows].reset_index(drop=True),
        audio=collection.audio[rows],
        text=None,
        text_encoder=None,
        further_texts=(),
    )


def labelled(before: Run, classes: np.ndarray, *, labels: int, reach: int, seed: int) -> Record:
    """Decisions in selections on a run's map."""
    rng = np.random.default_rng(seed)
    points, ids = before.projections[["pca_x", "pca_y"]].to_numpy(float), before.sounds["sound_id"].tolist()
    left, made = np.ones(len(classes), bool), list[Decision]()
    while len(made) < labels:
        one = int(rng.choice(np.flatnonzero(left)))
        near = np.argsort(((points - points[one]) ** 2).sum(axis=1), kind="stable")
        act = [row for row in near[left[near]][:reach] if classes[row] == classes[one]][: labels - len(made)]
        left[act] = False
        for row in act:
            made.append(
                Decision(ids[row], None, classes[row], "", "2026-01-01T00:00:00Z", "x", f"d{row}", act=f"a{one}")
            )
    return Record(tuple(made))


def accuracies(run: Run, classes: np.ndarray, rows: np.ndarray) -> tuple[float, float]:
    """Second-level and top-level accuracy in percent on some rows."""
    labels, parents = run.taxonomy.encode(classes), run.taxonomy.parents
    right = run.y_pred[rows] == labels[rows], parents[run.y_pred[rows]] == parents[labels[rows]]
    return float(100 * right[0].mean()), float(100 * right[1].mean())


def main(
    collection: Path,
    before: list[Path],
    sounds: int = 300,
    labels: int = 60,
    reach: Annotated[int, typer.Option(help="Sounds around one that are looked at for a selection.")] = 12,
    seeds: int = 3,
) -> None:
    models = [load_run(path) for folder in before for path in find_runs(folder)]
    models = [run for run in models if run.fold == 0]
    everything = load_collection(collection)
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for seed in range(seeds):
        truth = drawn(everything, sounds, seed)
        classes = truth.sounds["class"].to_numpy(object)
        bare = truth.sounds.assign(**{"class": truth.sounds["class"].where(np.zeros(len(truth), bool))})
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            library = load_collection(dataclasses.replace(truth, sounds=bare).save(place / "library"))
            for model in models:
                run = run_inference(model, library)
                run.save(place / "runs" / run.id)
            runs = [load_run(path) for path in find_runs(place / "runs")]
            record = labelled(counterpart(runs, "hierarchical"), classes, labels=labels, reach=reach, seed=seed)
            others = ~library.sounds["sound_id"].isin(record.agreed).to_numpy()
            for run in runs:
                found.setdefault((run.train.loss, "before"), []).append(accuracies(run, classes, others))
            for way, few in (("retrained", FEW_LABELS), ("from scratch", 0)):
                version = retrain(library, record, runs, place / way, few=few)
                for path in find_runs(version.folder):
                    after = load_run(path)
                    found.setdefault((after.train.loss, way), []).append(accuracies(after, classes, others))
            acts = len({decision.act for decision in record.decisions})
            kinds = len({decision.new for decision in record.decisions})
            print(f"seed {seed}: {labels} labels of {kinds} classes in {acts} acts, {int(others.sum())} other sounds")
    for (loss, way), pairs in sorted(found.items()):
        for level, values in zip(("second", "top"), np.array(pairs).T, strict=True):
            each = ", ".join(f"{value:.1f}" for value in values)
            print(f"{loss:12} {way:12} {level:6} level {values.mean():.1f} % ({each})")


if __name__ == "__main__":
    typer.run(main)
