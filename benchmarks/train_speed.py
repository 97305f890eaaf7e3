"""How fast an epoch trains against a plain reference loop, and what share of the machine's matrix speed a step reaches.

The data of the claim: text embeddings (384-d) of BSD10k where given, and random 512-d vectors in place of the audio's,
both of 6,595 sounds; batches of 64, both modalities. Times of one machine mean little, so all are taken in this one
run.

    python benchmarks/train_speed.py --collection collections/bsd10k

prints ``ratio reference-sizes R1`` and ``ratio default-sizes R2``: seconds of a reference epoch over ours.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from benchmarks import reference
from bstviz.datasets.collection import load_collection
from bstviz.models.config import REFERENCE_SIZES, ModelConfig, TrainConfig, recipe
from bstviz.models.network import Network, count_parameters
from bstviz.training.fit import fit, resolved_precision

SOUNDS, CLASSES, BATCH = 6_595, 23, 64


def data(collection: Path | None) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Embeddings of both kinds and labels; random ones without a collection."""
    rng = np.random.default_rng(0)
    text, labels = rng.normal(size=(SOUNDS, 384)).astype(np.float32), rng.integers(0, CLASSES, SOUNDS)
    if collection is not None:
        loaded = load_collection(collection)
        rows = np.flatnonzero(loaded.usable(["text"]) & (loaded.labels >= 0))[:SOUNDS]
        text, labels = loaded.embedding("text")[rows], loaded.labels[rows]
    return {"audio": rng.normal(size=(len(text), 512)).astype(np.float32), "text": text}, labels


def reference_epoch(matrices: dict[str, np.ndarray], labels: np.ndarray, *, epochs: int) -> list[float]:
    """Seconds of each epoch of the reference loop."""
    torch.manual_seed(0)
    network = reference.Network([m.shape[1] for m in matrices.values()], CLASSES)
    print(f"reference network: {count_parameters(network) / 1e6:.2f} M parameters")
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3, weight_decay=1e-5)
    with tempfile.TemporaryDirectory() as folder:
        reference.write_files(Path(folder), matrices)
        files = reference.Files(Path(folder), list(matrices), np.arange(len(labels)), labels, augment=True)
        batches = reference.loader(files, shuffle=True, workers=4)
        return [_seconds(lambda: reference.epoch(network, batches, optimiser)) for _ in range(epochs)]


def our_epoch(
    matrices: dict[str, np.ndarray], labels: np.ndarray, config: TrainConfig, *, epochs: int, members: int
) -> list[float]:
    """Seconds of each epoch of ours a network, ``members`` of them trained side by side."""
    inputs = {kind: torch.from_numpy(m) for kind, m in matrices.items()}
    rows = torch.arange(len(labels))
    model = ModelConfig("both", matrices["audio"].shape[1], matrices["text"].shape[1], CLASSES, config.sizes)
    print(
        f"  {count_parameters(Network(model)) / 1e6:.2f} M parameters, {resolved_precision(config, model, 'cpu')}, "
        f"{members} at once"
    )
    times = [time.perf_counter()]
    fit(
        inputs,
        torch.from_numpy(labels),
        [(rows, rows[:64])] * members,
        torch.zeros(CLASSES, dtype=torch.int64),
        model,
        config,
        seeds=range(members),
        steps=len(labels) // BATCH,
        on_epoch=lambda epoch, total: times.append(time.perf_counter()),
    )
    return [seconds / members for seconds in np.diff(times)]


def matrix_speed(width: int = 512) -> float:
    """GFLOP/s of the machine's float32 matrix product at the shapes of the reference sizes."""
    a, b = torch.randn(BATCH, width), torch.randn(width, 2 * width)
    flops = 2 * BATCH * width * 2 * width
    for _ in range(20):
        a @ b
    best = min(_seconds(lambda: [a @ b for _ in range(50)]) for _ in range(8)) / 50
    return flops / best / 1e9


def _seconds(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main(
    collection: Annotated[
        Path | None, typer.Option(help="BSD10k with text embeddings; random vectors without.")
    ] = None,
    epochs: Annotated[int, typer.Option(help="Epochs of each; the fastest counts.")] = 3,
) -> None:
    matrices, labels = data(collection)
    speed = matrix_speed()
    print(
        f"{len(labels):,} sounds, batch {BATCH}; float32 matrix product {speed:.0f} GFLOP/s on "
        f"{torch.get_num_threads()} threads"
    )
    theirs = min(reference_epoch(matrices, labels, epochs=epochs))
    print(f"reference loop: {theirs:.2f} s an epoch")
    both = {
        "modality": "both",
        "epochs": epochs + 1,
        "min_steps": 0,
        "patience": 0,
        "retrieval": False,
        "precision": "auto",
    }
    plain = {**both, "precision": "float32"}
    settings = {
        "reference-sizes": (recipe("paper", **both), (1,)),
        "reference-sizes in float32": (recipe("paper", **plain), (1,)),
        "default-sizes": (recipe("default", **both), (1, 5)),
        "default-sizes in float32": (recipe("default", **plain), (1, 5)),
    }
    for name, (config, members) in settings.items():
        print(f"{name}:")
        ours = min(min(our_epoch(matrices, labels, config, epochs=epochs, members=m)) for m in members)
        print(f"  {ours:.2f} s an epoch")
        print(f"ratio {name} {theirs / ours:.1f}")
        if config.sizes == REFERENCE_SIZES:
            model = Network(ModelConfig("both", 512, 384, CLASSES, config.sizes))
            flops = 6 * BATCH * count_parameters(model) * (len(labels) // BATCH)
            print(f"share of the float32 matrix speed {flops / ours / 1e9 / speed:.0%}")


if __name__ == "__main__":
    typer.run(main)
