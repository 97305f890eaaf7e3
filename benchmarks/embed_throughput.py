"""How fast sounds from files are embedded on one core against plain torch, what of an encoder's speed is left when they
come from files, and what a second Ray worker adds.

    python benchmarks/embed_throughput.py FOLDER [FOLDER ...] [--files 500] [--pipeline-files 500] [--ray-files 500]

The files are drawn from all folders by :data:`SEED`. Each ratio is against a reference measured in the same run:

- ratio exact / ratio all: processor time that the library's way (read ahead, decode, resample, embed, write chunks)
  takes on one core with the encoders as they were first written (torch in float32, SoundNet's layers one by one), over
  that with the same windows in today's runtime, and over that with the default encoder, which is brief. In
  groups of :data:`GROUP` files, each measured all three ways in turn; and the smallest cosine between embeddings of the
  first two. Processor time is what other work on the machine touches least;
- files / bare: sounds a second of the library's way over those of the encoder's bare forward on the same sounds,
  decoded beforehand, in the same batches and with the same threads; the median over groups, and the same by processor
  time;
- ray / one: two Ray workers over one process on one core (where the system can pin it; its reading threads would else
  take a part of the second core), both from files, the one process before and after; the rate while all workers are
  busy, from the first chunk to the first worker's last, and with Ray's start and its uneven end counted in; and the
  same against one process that may read ahead on other cores.

Before the last two, how much of the machine other work takes, by the processor time that a spinning process gets on
each core: below 0.95 none of their ratios by the clock means much.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
from pyarrow import parquet
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from bstviz.datasets.folder import list_sounds
from bstviz.encoders import aisfx, runtime, soundnet
from bstviz.encoders.base import AudioEncoder
from bstviz.encoders.concatenated import Concatenated
from bstviz.encoders.weights import weights_file
from bstviz.inference.embed import BATCH_SOUNDS, Embedder, load_sound
from bstviz.jobs.backend import LOCAL, Engine
from bstviz.jobs.resumable import Item, fingerprint, in_chunks
from bstviz.models.config import AUDIO_ENCODER

GROUP = 64
SEED = 0
WHOLE = "aisfx+soundnet"
"""The default encoder before the brief one."""


class PlainLayer(nn.Module):
    """A layer of SoundNet as a convolution over time with its activation and pooling, batch norm folded in."""

    def __init__(self, weights: dict[str, np.ndarray], sizes: tuple[int, ...]) -> None:
        super().__init__()
        into, out, kernel, stride, padding, pool = sizes
        conv, norm = nn.Conv1d(into, out, kernel, stride, padding).eval(), nn.BatchNorm1d(out).eval()
        kernels = np.ascontiguousarray(weights["weights"].reshape(kernel, into, out).transpose(2, 1, 0))
        conv.load_state_dict({"weight": torch.from_numpy(kernels), "bias": torch.from_numpy(weights["biases"])})
        names = {"weight": "gamma", "bias": "beta", "running_mean": "mean", "running_var": "var"}
        state = {name: torch.from_numpy(np.ascontiguousarray(weights[own])) for name, own in names.items()}
        norm.load_state_dict(state, strict=False)
        self.steps = nn.Sequential(fuse_conv_bn_eval(conv, norm), nn.ReLU(), *([nn.MaxPool1d(pool)] if pool else []))

    def forward(self, x: Tensor) -> Tensor:
        """(w, channels, 1, time) to the same."""
        out: Tensor = self.steps(x[:, :, 0])
        return out[:, :, None]


def plain_encoders() -> AudioEncoder:
    """aiSFX and SoundNet side by side as they were first written: in torch and float32."""
    network = runtime.Compiled(runtime.with_torch(aisfx.read_layers(), "float32"), "torch")
    weights = soundnet.read_weights(weights_file(soundnet.SOUNDNET_WEIGHTS))
    layers = [PlainLayer(weights[f"conv{i}"], sizes) for i, sizes in enumerate(soundnet.LAYERS, 1)]
    return Concatenated(
        [
            aisfx.AiSFX(network, metadata.version("aisfx")),
            soundnet.SoundNet(layers, metadata.version("soundnet"), "cpu"),
        ]
    )


@dataclass(frozen=True)
class Work:
    """What was done from files: sounds, seconds from the call to the end, when each chunk was on disk with how many
    sounds, and by how many workers.
    """

    sounds: int
    seconds: float
    chunks: list[tuple[float, int]]
    workers: int = 1

    @property
    def rate(self) -> float:
        """Sounds a second, everything counted in."""
        return self.sounds / self.seconds

    @property
    def steady_rate(self) -> float:
        """Sounds a second while every worker has work: from the first chunk to the last that comes before a worker runs
        dry.
        """
        busy = self.chunks[: len(self.chunks) - self.workers + 1]
        return sum(n for _, n in busy[1:]) / (busy[-1][0] - busy[0][0])


def from_files(embedder: Embedder, items: list[Item], engine: Engine = LOCAL) -> Work:
    """Embed sounds the library's way into a store of its own."""
    make = (lambda: embedder) if engine is LOCAL else partial(Embedder, embedder.encoder.info.id)
    with tempfile.TemporaryDirectory() as place:
        start = time.perf_counter()
        in_chunks(make, items, Path(place), engine=engine)
        seconds = time.perf_counter() - start
        files = Path(place).glob("*.parquet")
        chunks = sorted((f.stat().st_mtime, parquet.read_metadata(f).num_rows) for f in files)
        return Work(len(items), seconds, chunks, engine.workers or 1)


def bare(embedder: Embedder, sounds: list) -> float:
    """Sounds a second of the encoder's forward alone."""
    start = time.perf_counter()
    for first in range(0, len(sounds), BATCH_SOUNDS):
        embedder.encoder.embed(sounds[first : first + BATCH_SOUNDS])
    return len(sounds) / (time.perf_counter() - start)


def quiet(seconds: float = 2.0) -> float:
    """Share of all cores that this machine gives: processor time over time, of one spinning process per core."""
    spin = (
        f"import time; end = time.perf_counter() + {seconds}\n"
        "while time.perf_counter() < end: pass\nprint(time.process_time())"
    )
    command = [sys.executable, "-S", "-c", spin]
    spinning = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(os.cpu_count() or 1)]
    return float(np.mean([float(process.communicate()[0]) for process in spinning])) / seconds


@contextmanager
def one_core() -> Iterator[None]:
    """This process on one core for a while, where the system lets it be pinned (Linux)."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def compare(items: list[Item]) -> None:
    """Prints processor time of the three ways on one core, and their ratios."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    ways = {"plain": Embedder(WHOLE), "exact": Embedder(WHOLE), "brief": Embedder(AUDIO_ENCODER)}
    ways["plain"].encoder = plain_encoders()
    print(f"one core, {len(items)} files; exact: {ways['exact'].encoder.info}; brief: {ways['brief'].encoder.info}")
    spent, least = dict.fromkeys(ways, 0.0), 1.0
    with one_core(), tempfile.TemporaryDirectory() as place:
        for way, embedder in ways.items():
            in_chunks(lambda e=embedder: e, items[:4], Path(place) / f"warm-{way}")
        for first in range(0, len(items), GROUP):
            made = {}
            for way, embedder in ways.items():
                start = time.process_time()
                store = Path(place) / f"{way}-{first}"
                table = in_chunks(lambda e=embedder: e, items[first : first + GROUP], store)
                spent[way] += time.process_time() - start
                made[way] = np.stack([v for v in table["embedding"] if v is not None])
            a, b = made["plain"], made["exact"]
            cosines = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
            least = min(least, float(cosines.min()))
            done = min(first + GROUP, len(items))
            print("  " + ", ".join(f"{way} {1e3 * s / done:.1f} ms a file" for way, s in spent.items()), flush=True)
    print(f"smallest cosine, exact to plain: {least:.6f}  (wanted: at least 0.9999)")
    print(f"ratio exact {spent['plain'] / spent['exact']:.2f}")
    print(f"ratio all {spent['plain'] / spent['brief']:.2f}", flush=True)
    torch.set_num_threads(threads)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--files", type=int, default=500, help="of the comparison with plain torch")
    parser.add_argument("--pipeline-files", type=int, default=500, help="of files / bare")
    parser.add_argument("--ray-files", type=int, default=500)
    parser.add_argument("--encoder", default=AUDIO_ENCODER, help="of the last two")
    arguments = parser.parse_args()
    paths = [path for root in arguments.folders for path in (root.resolve() / name for name in list_sounds(root).files)]
    random.Random(SEED).shuffle(paths)
    everything = [Item(str(path), str(path), fingerprint(path)) for path in paths]
    if arguments.files:
        compare(everything[: arguments.files])
    items, few = everything[: arguments.pipeline_files], everything[: arguments.ray_files]
    if not items and not few:
        return
    print(f"share of the cores that is free: {quiet():.2f}", flush=True)
    embedder = Embedder(arguments.encoder)
    sounds = [load_sound(item).at(embedder.encoder.rate) for item in items]
    seconds = sum(len(s) for s in sounds) / embedder.encoder.rate
    print(
        f"{len(items)} files of {seconds / max(len(items), 1):.1f} s on average; {arguments.encoder}, "
        f"{torch.get_num_threads()} threads"
    )
    embedder.encoder.embed([load_sound(item).at(embedder.encoder.rate) for item in everything[:4]])
    ratios, spent = [], [0.0, 0.0]
    for first in range(0, len(items), GROUP):
        ways = (
            lambda rows: bare(embedder, sounds[rows]),
            lambda rows: from_files(embedder, items[rows]).rate,
        )
        order = (0, 1) if len(ratios) % 2 else (1, 0)
        rates = {}
        for way in order:
            start = time.process_time()
            rates[way] = ways[way](slice(first, first + GROUP))
            spent[way] += time.process_time() - start
        ratios.append(rates[1] / rates[0])
        print(f"  bare forward {rates[0]:.2f}/s, from files {rates[1]:.2f}/s: {ratios[-1]:.3f}", flush=True)
    if ratios:
        message = f"files / bare: {np.median(ratios):.3f}  (wanted: at least 0.90)"
        print(f"{message}; by processor time {spent[0] / spent[1]:.3f}")
    if not few:
        return
    torch.set_num_threads(1)
    alone, reading_ahead = [], []
    two = None
    for turn in range(2):
        with one_core():
            alone.append(from_files(embedder, few))
        reading_ahead.append(from_files(embedder, few))
        if turn == 0:
            two = from_files(embedder, few, Engine("ray", workers=2))
    assert two is not None
    for words, works in (("on one core", alone), ("with one thread, reading ahead on others", reading_ahead)):
        rate, steady = (np.mean([getattr(w, name) for w in works]) for name in ("rate", "steady_rate"))
        print(f"  one process {words} {steady:.2f}/s; two Ray workers {two.steady_rate:.2f}/s")
        print(
            f"ray / one process {words}: {two.steady_rate / steady:.2f}; with Ray's start {two.rate / rate:.2f}, "
            f"{len(few)} files"
        )


if __name__ == "__main__":
    main()
