"""What a sound costs as there are more of them: bytes on disk, seconds and memory of what the app does with a run.

``python -m benchmarks.scaling FOLDER`` makes runs of 10k, 100k and 1M sounds there (kept for the next time) and prints
what they cost, by the clock and of processor time, which other work touches least. Every figure is taken in a process
of its own, whose greatest resident memory it states; ``serve`` is the app's own process, watched while Chromium opens
Explore. ``--sounds FOLDER`` adds what it costs to embed its files and to predict, and ``--raw`` one query for
neighbours over 10M latents in half precision, in a file that is deleted then. Before everything, the share of the cores
that other work leaves.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil
from playwright.sync_api import sync_playwright

from benchmarks.app_latency import MAP_DRAWN, Explore, first_map
from benchmarks.embed_throughput import from_files, quiet
from benchmarks.serving import ARGUMENTS, chromium, served
from benchmarks.synthetic import make
from bstviz import paths
from bstviz.datasets.collection import load_collection
from bstviz.datasets.folder import list_sounds
from bstviz.encoders.base import Embeddings
from bstviz.inference.embed import Embedder
from bstviz.jobs.resumable import Item, fingerprint
from bstviz.latent.neighbours import Index
from bstviz.latent.projection import UMAP_SOUNDS, UmapSettings, fit_pca, fit_umap, fit_umap_of_many, pca_table
from bstviz.models.config import AUDIO_ENCODER
from bstviz.models.predict import network, predict
from bstviz.models.run import Run, load_run
from bstviz.plots.viewport import stratified

SIZES = (10_000, 100_000, 1_000_000)
RAW_SOUNDS, RAW_BLOCK = 10_000_000, 250_000
QUERIES = 20
MEGABYTE = 2**20
Figures = dict[str, float]


@contextmanager
def timed(into: Figures, name: str) -> Iterator[None]:
    """Keep the seconds that something takes under a name, by the clock and of processor time."""
    start, spent = time.perf_counter(), time.process_time()
    yield
    into[name] = time.perf_counter() - start
    into[f"{name} of processor time"] = time.process_time() - spent


def run_of(folder: Path) -> Run:
    return load_run(folder / "hierarchical")


def disk(folder: Path) -> Figures:
    """Bytes a sound of the collection (without embeddings) and of one run."""
    n = len(run_of(folder).sounds)
    parts = {"collection": folder / "sounds", "run": folder / "hierarchical"}
    return {
        f"{name}, bytes a sound": sum(f.stat().st_size for f in place.rglob("*") if f.is_file()) / n
        for name, place in parts.items()
    }


def load(folder: Path) -> Figures:
    """Seconds to load the collection and the run, everything checked."""
    found: Figures = {}
    with timed(found, "load collection, s"):
        collection = load_collection(folder / "sounds")
    with timed(found, "load run, s"):
        run = run_of(folder)
    assert len(collection) == len(run.sounds)
    return found | {"loaded, MB": psutil.Process().memory_info().rss / MEGABYTE}


def pca(folder: Path) -> Figures:
    """Seconds to fit PCA and to place all sounds."""
    latents, found = run_of(folder).latents, Figures()
    with timed(found, "PCA, s"):
        pca_table(fit_pca(latents), latents)
    return found


def neighbours(folder: Path) -> Figures:
    """Seconds until sounds can be searched, and median seconds of an exact query for ten neighbours."""
    latents, found, times = run_of(folder).latents, Figures(), []
    with timed(found, "index, s"):
        index = Index(latents)
    for row in np.random.default_rng(0).choice(len(latents), QUERIES, replace=False):
        start = time.perf_counter()
        index.around(np.array([row]), 10)
        times.append(time.perf_counter() - start)
    return found | {"neighbours of a sound, ms": 1e3 * float(np.median(times))}


def umap(folder: Path) -> Figures:
    """Seconds of each part of a UMAP as the app makes it: fitted on some sounds, the others projected out of sample."""
    run, found, begun = run_of(folder), Figures(), dict[str, tuple[float, float]]()
    latents, rows = np.asarray(run.latents, np.float32), stratified(run.y_true, UMAP_SOUNDS)
    fit_umap(latents[:1_000], 2)  # compiles

    def report(_: float, part: str) -> None:
        begun.setdefault(part, (time.perf_counter(), time.process_time()))

    fit_umap_of_many(latents, rows, 2, UmapSettings(), report=report)
    report(1, "the end")
    for (part, start), end in pairwise(begun.items()):
        found[f"{part}, s"], found[f"{part}, s of processor time"] = np.subtract(end[1], start).tolist()
    return found


def serve(folder: Path) -> Figures:
    """Seconds until the first and the second visitor see Explore's map, and of the first recolouring; the server's
    memory before and after.
    """
    n, found = len(run_of(folder).sounds), Figures()
    with served([f"--experiment={folder / 'hierarchical'}"]) as server, sync_playwright() as playwright:
        process = psutil.Process(server.process.pid)
        found["server at rest, MB"] = process.memory_info().rss / MEGABYTE
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        for visitor in ("first", "second"):
            seconds, count = first_map(browser, f"{server.address}/explore", MAP_DRAWN)
            found[f"first map, {visitor} visitor, s"] = seconds
        page = Explore(browser, server.address, n)
        page.recolor()
        browser.close()
        found["bytes to a browser, MB"] = count / MEGABYTE
        found["first recolouring, s"] = page.times["recolour"][0]
        found["server on Explore, MB"] = process.memory_info().rss / MEGABYTE
        found["server, processor time, s"] = sum(process.cpu_times()[:2])
    return found


MEASURES: dict[str, Callable[[Path], Figures]] = {f.__name__: f for f in (disk, load, pca, neighbours, umap, serve)}


def embedding(sounds: Path, count: int) -> Figures:
    """What the default encoder takes for a file, with the library's way of reading and writing; bytes of its vector."""
    files = [sounds.resolve() / name for name in list_sounds(sounds).files][
        :: max(len(list_sounds(sounds).files) // count, 1)
    ]
    items = [Item(str(file), str(file), fingerprint(file)) for file in files[:count]]
    embedder = Embedder(AUDIO_ENCODER)
    from_files(embedder, items[:8])  # warm
    start, spent = time.perf_counter(), time.process_time()
    from_files(embedder, items)
    return {
        "embed a file, ms": 1e3 * (time.perf_counter() - start) / len(items),
        "of processor time, ms": 1e3 * (time.process_time() - spent) / len(items),
        "embedding, bytes": 4 * embedder.encoder.info.dim,
    }


def prediction() -> Figures:
    """What a bundled audio run takes for an embedding, of 100k."""
    collection = load_collection(paths.assets() / "demo")
    run = load_run(paths.assets() / "runs" / "hierarchical-audio-c1-fold0")
    encoder = collection.encoder("audio")
    assert encoder is not None
    rows = np.arange(100_000) % len(collection)
    many = Embeddings(collection.embedding("audio")[rows], encoder)
    model, found = network(run), Figures()
    with timed(found, "s"):
        predict(run, audio=many, model=model)
    return {f"predict a sound, m{name}": 1e3 * seconds / len(rows) for name, seconds in found.items()}


def raw() -> Figures:
    """One exact query over 10M latents of 64 half-precision numbers that lie in a file, block by block."""
    rng, found = np.random.default_rng(0), Figures()
    with tempfile.TemporaryDirectory() as place:
        latents = np.memmap(Path(place) / "latents", np.float16, "w+", shape=(RAW_SOUNDS, 64))
        block = rng.normal(size=(RAW_BLOCK, 64)).astype(np.float32)
        for first in range(0, RAW_SOUNDS, RAW_BLOCK):
            latents[first : first + RAW_BLOCK] = block + rng.normal(size=64)
        latents.flush()
        query = np.asarray(latents[RAW_SOUNDS // 2], np.float32)
        for turn in ("first query, s", "second query, s"):
            with timed(found, turn):
                best = [nearest_of(latents[a : a + RAW_BLOCK], query, a) for a in range(0, RAW_SOUNDS, RAW_BLOCK)]
                similar, rows = map(np.concatenate, zip(*best, strict=True))
                assert rows[similar.argmax()] == RAW_SOUNDS // 2
        found["file, MB"] = latents.nbytes / MEGABYTE
    return found


def nearest_of(block: np.ndarray, query: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Cosines with the query, and rows, of the ten nearest in a block that begins at a row."""
    values = block.astype(np.float32)
    similar = values @ query / np.sqrt(np.einsum("nd,nd->n", values, values))
    rows = np.argpartition(similar, -10)[-10:]
    return similar[rows], rows + first


def apart(*arguments: str) -> Figures:
    """The figures of one measure, taken in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.scaling", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stderr[-2_000:]}")
    found: Figures = json.loads(done.stdout.splitlines()[-1])
    return found


def show(heading: str, found: Figures) -> None:
    print(f"{heading}: " + "; ".join(f"{name} {value:,.4g}" for name, value in found.items()), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--measures", nargs="+", choices=MEASURES, default=list(MEASURES))
    parser.add_argument("--sounds", type=Path, help="folder of sound files to embed")
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--raw", action="store_true")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        alone = MEASURES | {
            "embedding": lambda _: embedding(options.sounds, options.files),
            "prediction": lambda _: prediction(),
            "raw": lambda _: raw(),
        }
        found = alone[options.alone](options.folder)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(found | ({} if options.alone in ("disk", "serve") else {"greatest, MB": peak})))
        return
    print(f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GB; share that is free: {quiet():.2f}")
    others = ["prediction"] + ["embedding"] * bool(options.sounds) + ["raw"] * options.raw
    for name in others if options.sounds or options.raw else []:
        given = ["--sounds", str(options.sounds), "--files", str(options.files)] if name == "embedding" else []
        show(name, apart(str(options.folder), "--alone", name, *given))
    for n in options.sizes:
        folder = make(options.folder / str(n), n)
        for name in options.measures:
            show(f"{n:,} {name}", apart(str(folder), "--alone", name))


if __name__ == "__main__":
    main()
