"""How much of an encoder's speed is left when sounds come from files, and what a second Ray worker adds.

    python benchmarks/embed_throughput.py FOLDER [--files 500] [--rounds 2] [--ray-files 300]

Prints two ratios, each against a reference measured in the same run:

- files / bare: sounds a second of the library's way (read ahead, decode, resample, embed, write parts) over those of the encoder's
  bare forward on the same sounds, decoded beforehand, in the same batches and with the same threads; the best of alternating rounds;
- ray / one: two Ray workers over one process with one thread, both from files; the rate between the first part and the last, and
  with Ray's start counted in.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch

from bstviz.datasets import folder as bare_folder
from bstviz.library import BATCH, Embedder, hear
from bstviz.parts import LOCAL, Engine, Item, in_parts, stamp


class Clock:
    """A progress bar that keeps the time of every step."""

    def __init__(self) -> None:
        self.times = [time.perf_counter()]

    def __call__(self, steps: Iterable[Any], **_: Any) -> Iterator[Any]:
        for step in steps:
            self.times.append(time.perf_counter())
            yield step

    def rate(self, *, from_first: bool) -> float:
        """Sounds a second, from the first result on or from the call on."""
        first = next((i for i, t in enumerate(self.times) if t > self.times[1] + 1e-3), 1) if from_first else 0
        return (len(self.times) - 1 - first) / (self.times[-1] - self.times[first if first else 0])


def from_files(embedder: Embedder, items: list[Item], engine: Engine = LOCAL) -> Clock:
    """Embed sounds the library's way into a store of its own."""
    make = (lambda: embedder) if engine is LOCAL else partial(Embedder, embedder.encoder.info.id)
    with tempfile.TemporaryDirectory() as place:
        clock = Clock()
        in_parts(make, items, Path(place), engine=engine, track=clock)
    return clock


def bare(embedder: Embedder, sounds: list) -> float:
    """Sounds a second of the encoder's forward alone."""
    start = time.perf_counter()
    for first in range(0, len(sounds), BATCH):
        embedder.encoder.embed(sounds[first : first + BATCH])
    return len(sounds) / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--ray-files", type=int, default=300)
    parser.add_argument("--encoder", default="aisfx")
    arguments = parser.parse_args()
    root = arguments.folder.resolve()
    paths = bare_folder.find(root)[: arguments.files]
    items = [Item(path, str(root / path), stamp(root / path)) for path in paths]
    embedder = Embedder(arguments.encoder)
    sounds = [hear(item).at(embedder.encoder.rate) for item in items]
    seconds = sum(len(s) for s in sounds) / embedder.encoder.rate
    print(
        f"{len(items)} files, {seconds / len(items):.1f} s each on average; {arguments.encoder}, {torch.get_num_threads()} threads"
    )
    embedder.encoder.embed(sounds[:4])
    forward, library = [], []
    for _ in range(arguments.rounds):
        forward.append(bare(embedder, sounds))
        library.append(from_files(embedder, items).rate(from_first=False))
        print(f"  bare forward {forward[-1]:.2f}/s, from files {library[-1]:.2f}/s")
    print(f"files / bare: {max(library) / max(forward):.3f}  (wanted: at least 0.90)")
    few = items[: arguments.ray_files]
    if not few:
        return
    torch.set_num_threads(1)
    one = from_files(embedder, few)
    two = from_files(embedder, few, Engine("ray", workers=2))
    print(
        f"  one process, one thread {one.rate(from_first=True):.2f}/s; two Ray workers {two.rate(from_first=True):.2f}/s"
    )
    print(f"ray / one: {two.rate(from_first=True) / one.rate(from_first=True):.2f}  (wanted: at least 1.7)")
    print(
        f"ray / one with Ray's start: {two.rate(from_first=False) / one.rate(from_first=False):.2f} over {len(few)} files"
    )


if __name__ == "__main__":
    main()
