"""How many labels a queue of sounds to label next saves, against a random choice.

    python benchmarks/label_efficiency.py collections/bsd10k --fold 0

The labels of one fold's training sounds are hidden, but for a few of each class; then batch after batch is labelled
with the true classes, chosen by :func:`bstviz.review.next_sounds.next_sounds` or drawn, a model is fitted on all of
them, and judged on the test sounds of the fold. Folds are grouped by uploader; sounds without words are left out.

Learners: ``networks`` are the hierarchical and the flat network of the default recipe with ``--steps`` optimiser
steps, trained anew on every set; the queue heeds both, and each is judged. ``ridge`` is kernel ridge regression on
one-hot labels, a Gaussian kernel of the standardised unit-length vectors (as in ``benchmarks/accuracy.py``), solved
exactly; its scores, cut at 0 and divided by their sum, are the probabilities.

Printed: the second-level accuracy by number of labels, and the labels needed for the target, which are those of the
first batch that reaches it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from bstviz.datasets.collection import Collection, load_collection
from bstviz.datasets.splits import choose_folds
from bstviz.models.config import LOSSES, ModelConfig, recipe
from bstviz.review.label_quality import standardised
from bstviz.review.next_sounds import next_sounds

ALPHA, GAMMA = 0.3, 1.0
"""Of kernel ridge regression, as in ``benchmarks/accuracy.py``."""


@dataclass(eq=False)
class Data:
    """The sounds with the embeddings: unit vectors (N, d) of the standardised embeddings, labels (N,), folds (N,)."""

    vectors: np.ndarray
    labels: np.ndarray
    folds: np.ndarray
    raw: np.ndarray
    parents: np.ndarray

    @property
    def classes(self) -> int:
        return len(self.parents)


def data_of(collection: Collection) -> Data:
    """The sounds of a collection that have words and a class."""
    folds = choose_folds(collection, folds=5, group="uploader").assignment
    rows = np.flatnonzero(collection.usable(["text"]) & (collection.labels >= 0) & (folds >= 0))
    vectors = standardised(collection, ["text"], rows)
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    raw = collection.embedding("text")[rows]
    return Data(vectors.astype(np.float32), collection.labels[rows], folds[rows], raw, collection.taxonomy.parents)


@dataclass(eq=False)
class Ridge:
    """Kernel ridge regression of a set of labelled rows that grows at its end, solved exactly: the Cholesky factor of
    the kernel grows with it.
    """

    data: Data
    rows: np.ndarray = field(default_factory=lambda: np.array([], np.int64))

    def __post_init__(self) -> None:
        self.kernel = np.empty((len(self.data.vectors), 0), np.float32)  # (N, n)
        self.factor = np.empty((0, 0))  # (n, n), lower

    def grow(self, new: np.ndarray) -> None:
        """Take further labelled rows."""
        from scipy.linalg import solve_triangular

        x = self.data.vectors
        added = np.exp(-GAMMA * 2 * (1 - x @ x[new].T))
        cross = solve_triangular(self.factor, added[self.rows].astype(float), lower=True)  # (n, new)
        corner = added[new] + ALPHA * np.eye(len(new)) - cross.T @ cross
        above = np.concatenate([self.factor, np.zeros((len(self.rows), len(new)))], axis=1)
        below = np.concatenate([cross.T, np.linalg.cholesky(corner)], axis=1)
        self.factor = np.concatenate([above, below])
        self.kernel = np.concatenate([self.kernel, added], axis=1)
        self.rows = np.concatenate([self.rows, new])

    def probabilities(self) -> np.ndarray:
        """Scores cut at 0 and divided by their sum, (N, C) float32."""
        from scipy.linalg import cho_solve

        truth = np.eye(self.data.classes)[self.data.labels[self.rows]]
        scores = np.maximum(self.kernel @ cho_solve((self.factor, True), truth).astype(np.float32), 0)
        shares: np.ndarray = scores / np.maximum(scores.sum(axis=1, keepdims=True), 1e-9)
        return shares


def ridges(data: Data) -> Callable[[Sequence[np.ndarray]], list[dict[str, np.ndarray]]]:
    """A function of sets of labelled rows that gives the probabilities of :class:`Ridge` for each; the sets of its next
    call are those of the last one with more rows at their ends.
    """
    held: list[Ridge] = []

    def learn(sets: Sequence[np.ndarray]) -> list[dict[str, np.ndarray]]:
        held.extend(Ridge(data) for _ in sets[len(held) :])
        for own, rows in zip(held, sets, strict=True):
            own.grow(rows[len(own.rows) :])
        return [{"ridge": own.probabilities()} for own in held]

    return learn


def networks(data: Data, sets: Sequence[np.ndarray], *, steps: int) -> list[dict[str, np.ndarray]]:
    """Probabilities (N, C) of the hierarchical and the flat network of the default recipe, for each of some sets of
    labelled rows of one size; all are trained side by side.
    """
    import torch

    from bstviz.models.predict import forward
    from bstviz.training.fit import fit

    inputs = {"text": torch.from_numpy(data.raw)}
    labels, parents = torch.from_numpy(data.labels), torch.from_numpy(data.parents)
    splits = []
    for rows in sets:
        order = np.random.default_rng(len(rows)).permutation(rows)
        held = max(1, len(rows) // 20)  # for the temperature and the datastore's share
        splits.append((torch.from_numpy(order[held:]), torch.from_numpy(order[:held])))
    found: list[dict[str, np.ndarray]] = [{} for _ in sets]
    for loss in LOSSES:
        config = recipe("default", loss=loss, modality="text", epochs=4, min_steps=0, precision="float32")
        model = ModelConfig("text", 0, data.raw.shape[1], data.classes, config.sizes)
        fitted = fit(
            inputs,
            labels,
            splits,
            parents,
            model,
            config,
            seeds=[1_000 * len(sets[0]) + i for i in range(len(sets))],
            steps=steps // 4,
        )
        answers = forward(fitted.model, inputs, fitted.temperatures, fitted.datastores)
        for own, answer in zip(found, answers, strict=True):
            own[loss] = answer.probabilities
    return found


def first_labels(data: Data, pool: np.ndarray, per_class: int, seed: int) -> np.ndarray:
    """Rows of so many sounds of each class, drawn from a pool."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.permutation(pool[data.labels[pool] == c])[:per_class] for c in range(data.classes)])


def next_batch(
    data: Data, pool: np.ndarray, known: np.ndarray, models: np.ndarray, size: int, strategy: str, seed: int
) -> np.ndarray:
    """Rows of a pool to label next, (size,), chosen by the queue of models (W, N, C), or drawn."""
    open_ = np.setdiff1d(pool, known)
    if strategy == "random":
        return np.random.default_rng((seed, len(known))).permutation(open_)[:size]
    return next_sounds(data.vectors, models, open_, known, count=size, seed=seed).rows


def main(
    collection: Path,
    learner: Annotated[str, typer.Option(help="ridge or networks.")] = "networks",
    fold: Annotated[int, typer.Option(help="Test fold, of five grouped by uploader.")] = 0,
    seeds: Annotated[int, typer.Option(help="Of the first labels, the draws and the training: 1 to this.")] = 3,
    per_class: Annotated[int, typer.Option(help="First labels of each class.")] = 5,
    size: Annotated[int, typer.Option(help="Sounds of a batch.")] = 100,
    target: Annotated[float, typer.Option(help="Second-level accuracy to reach, percent.")] = 70.0,
    least: Annotated[int, typer.Option(help="Go on to so many labels where all have reached the target.")] = 2_500,
    most: Annotated[int, typer.Option(help="Labels at most.")] = 100_000,
    steps: Annotated[int, typer.Option(help="Optimiser steps of a network.")] = 400,
) -> None:
    data = data_of(load_collection(collection))
    pool, test = np.flatnonzero(data.folds != fold), np.flatnonzero(data.folds == fold)
    print(f"fold {fold}: {len(pool):,} sounds to label, {len(test):,} test sounds; {learner}", flush=True)
    learn = partial(networks, data, steps=steps) if learner == "networks" else ridges(data)
    members = [(strategy, seed) for strategy in ("queue", "random") for seed in range(1, seeds + 1)]
    sets = [first_labels(data, pool, per_class, seed) for _, seed in members]
    needed: dict[tuple[str, str, int], int] = {}
    while True:
        answers, count = learn(sets), len(sets[0])
        for name in answers[0]:
            scores = [100 * np.mean(a[name][test].argmax(axis=1) == data.labels[test]) for a in answers]
            for (strategy, seed), score in zip(members, scores, strict=True):
                if score >= target:
                    needed.setdefault((name, strategy, seed), count)
            print(
                f"{count:5} {name:12} "
                + "  ".join(f"{s} {n}: {v:.1f}" for (s, n), v in zip(members, scores, strict=True)),
                flush=True,
            )
        if count >= min(most, len(pool)) or (len(needed) == len(members) * len(answers[0]) and count >= least):
            break
        batches = [
            next_batch(data, pool, known, np.stack(list(own.values())), size, *member)
            for member, known, own in zip(members, sets, answers, strict=True)
        ]
        sets = [np.concatenate(pair) for pair in zip(sets, batches, strict=True)]
    for name in answers[0]:
        for strategy in ("queue", "random"):
            found = [needed.get((name, strategy, seed), f"over {count}") for seed in range(1, seeds + 1)]
            print(f"labels needed for {target:g} %, {name}, {strategy}: {', '.join(map(str, found))}")


if __name__ == "__main__":
    typer.run(main)
