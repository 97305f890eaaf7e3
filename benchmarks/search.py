"""Search by example: how many of the sounds that are found are of the same class, and what a search takes.

    python -m benchmarks.search COLLECTION [--teach COLLECTION ...] [--demo assets/demo] [--thumbs 5]
    python -m benchmarks.search --speed [--size 1000000]

Each labelled sound of the collection, which is embedded by the encoder of the bundled models, is a query; all others
are ranked, and mean average precision (mAP) is of those of its second-level class. Cuts of one recording (column
``recording``) are neither found nor missed by each other. Compared are: cosine on raw embeddings; cosine in the latent
space of a hierarchical model of the bundled models' recipe that has not learned from the collection, but from the demo
and from ``--teach``, less what shares a source (column ``collection``) with it; and by folds, grouped by that column,
whose model learned from the other sounds of the collection too, where only the fold's own sounds are ranked.

Thumbs are a person's who knows the classes: the first few of the ranking are said to be of the query's class or not,
each is one more example for or against, and the rest is ranked again. Both figures are of that rest.
``--speed`` compares a search by one sound and one with thumbs with a bare query of ten nearest neighbours.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer

from benchmarks.neighbours import latents as made_up
from bstviz import paths
from bstviz.datasets.collection import Collection, load_collection
from bstviz.datasets.splits import Folds, group_values, stratified_folds
from bstviz.encoders.base import Embeddings
from bstviz.inference import search
from bstviz.latent.neighbours import Index
from bstviz.models.config import Loss
from bstviz.models.predict import predict
from bstviz.models.run import Run
from bstviz.training.bundled import config_of, usable
from bstviz.training.train import train_fold

FOLDS = 5
LOSS: Loss = "hierarchical"


def average_precision(relevant: np.ndarray) -> float:
    """Average precision of a ranking (n,) bool, best first; nan where nothing is relevant."""
    found = np.flatnonzero(relevant)
    return float(np.mean(np.arange(1, len(found) + 1) / (found + 1))) if len(found) else float("nan")


def thumbed(
    index: Index, labels: np.ndarray, recordings: np.ndarray, thumbs: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Average precision (n,) of each sound as a query: of all others, and of those that are left after some thumbs,
    before the thumbs and after.
    """
    whole, before, after = [], [], []
    nothing = np.zeros((0, index.latents.shape[1]), np.float32)
    for query in range(len(labels)):
        own, same = index.latents[[query]], labels == labels[query]
        hidden = recordings == recordings[query]
        scores = search.example_scores(index, own, nothing)
        order = np.argsort(-np.where(hidden, -np.inf, scores), kind="stable")[: int((~hidden).sum())]
        whole.append(average_precision(same[order]))
        judged, rest = order[:thumbs], order[thumbs:]
        before.append(average_precision(same[rest]))
        liked = np.concatenate([own, index.latents[judged[same[judged]]]])
        again = search.example_scores(index, liked, index.latents[judged[~same[judged]]])
        after.append(average_precision(same[rest[np.argsort(-again[rest], kind="stable")]]))
    return np.array(whole), np.array(before), np.array(after)


def stated(name: str, found: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], thumbs: int) -> None:
    """Print the means over all queries of one way to search."""
    whole, before, after = (float(np.nanmean(np.concatenate(part))) for part in zip(*found, strict=True))
    print(
        f"  {name:44} mAP {whole:.3f}; the rest after {thumbs} thumbs {before:.3f} -> {after:.3f} "
        f"({100 * (after / before - 1):+.0f} %)",
        flush=True,
    )


def latents_of(run: Run, collection: Collection, rows: np.ndarray) -> np.ndarray:
    """Latents (n, Z) of some of a collection's sounds."""
    info = collection.encoder("audio")
    assert info is not None
    return predict(run, audio=Embeddings(collection.embedding("audio")[rows], info)).latent


def trained(demo: Collection, extra: list[Collection], seed: int) -> Run:
    """A hierarchical model of the bundled recipe on the demo and further collections."""
    folds = Folds(stratified_folds(demo.labels, seed=seed), "stratified 5-fold over the demo sounds")
    return train_fold(demo, folds, 0, config_of(LOSS, "audio", seed=seed), extra=extra)


def part_of(collection: Collection, rows: np.ndarray) -> Collection:
    """Some of a collection's sounds."""
    return replace(
        collection,
        sounds=collection.sounds.iloc[rows].reset_index(drop=True),
        audio=collection.embedding("audio")[rows],
        text=None,
        text_encoder=None,
        further_texts=(),
    )


def quality(folder: Path, teach: Sequence[Path], demo: Collection, thumbs: int, seed: int) -> None:
    """Print mAP of each way to search."""
    torch.set_num_threads(1)
    collection = load_collection(folder)
    collection = part_of(collection, np.flatnonzero(collection.usable(["audio"]) & (collection.labels >= 0)))
    sounds, labels = collection.sounds, collection.labels
    recordings = group_values(sounds, "recording")
    sources = group_values(sounds, "collection")
    raw = collection.embedding("audio")

    def ranked(vectors: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return thumbed(Index(vectors), labels[rows], recordings[rows], thumbs)

    everything = np.arange(len(labels))
    print(f"{len(labels):,} sounds of {collection.name}, {len(set(labels.tolist()))} classes; seed {seed}")
    stated("raw embeddings", [ranked(raw, everything)], thumbs)
    others = []
    for path in teach:
        more = usable(load_collection(path))
        shares = more.sounds["collection"].isin(set(sounds["collection"])) | more.sounds["recording"].isin(
            set(sounds["recording"])
        )
        others.append(part_of(more, np.flatnonzero(~shares.to_numpy() & more.usable(["audio"]))))
    ways: dict[str, list[Collection]] = {"latents, learned from the demo alone": []}
    if others:
        taught = " and ".join(f"{len(more):,} of {more.name}" for more in others)
        ways[f"latents, learned from the demo and {taught}"] = others
    for name, extra in ways.items():
        run = trained(demo, extra, seed)
        stated(name, [ranked(latents_of(run, collection, everything), everything)], thumbs)
    by_fold, raw_by_fold = [], []
    assignment = stratified_folds(labels, n_folds=FOLDS, seed=seed, groups=sources)
    for fold in range(FOLDS):
        rows, rest = np.flatnonzero(assignment == fold), np.flatnonzero(assignment != fold)
        run = trained(demo, [usable(part_of(collection, rest)), *others], seed)
        by_fold.append(ranked(latents_of(run, collection, rows), rows))
        raw_by_fold.append(ranked(raw[rows], rows))
    stated("each fold's sounds: raw embeddings", raw_by_fold, thumbs)
    stated("each fold's sounds: latents, learned from the rest", by_fold, thumbs)


def seconds(function: Callable[[], Any]) -> float:
    """Least of nine times."""
    times = []
    for _ in range(9):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def speed(n: int) -> None:
    """Print what a search takes beside a bare query of neighbours."""
    index = Index(made_up(n))
    own, up, down = index.latents[[5]], index.latents[5:9], index.latents[9:11]
    bare = seconds(lambda: index.nearest(own, 10))
    print(f"{n:,} sounds: a bare query {1000 * bare:.1f} ms", flush=True)
    for name, like, unlike in (("one sound", own, own[:0]), ("four for, two against", up, down)):
        for k in (10, 500):
            took = seconds(partial(_best, index, like, unlike, k))
            print(f"  {name}, best {k}: {1000 * took:.1f} ms, {took / bare:.2f} times that", flush=True)


def _best(index: Index, like: np.ndarray, unlike: np.ndarray, k: int) -> None:
    search.top(search.example_scores(index, like, unlike), k)


def main(
    collection: Annotated[Path | None, typer.Argument()] = None,
    teach: Annotated[list[Path] | None, typer.Option(help="Collections that a model may learn from, too.")] = None,
    demo: Path | None = None,
    thumbs: int = 5,
    seed: int = 0,
    speeds: Annotated[bool, typer.Option("--speed", help="Time searches instead.")] = False,
    size: Annotated[int, typer.Option(help="Sounds of --speed.")] = 1_000_000,
) -> None:
    if speeds:
        speed(size)
    elif collection is not None:
        quality(collection, teach or [], load_collection(demo or paths.assets() / "demo"), thumbs, seed)


if __name__ == "__main__":
    typer.run(main)
