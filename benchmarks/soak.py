"""Many visitors for many minutes: is every answer about the sound that was asked for, and how long does one wait?

    python -m benchmarks.soak [--sessions 20] [--minutes 10] [--sounds 11000] [--large 100000] [--folder FOLDER]

Serves two runs of ``--sounds`` sounds and two of ``--large`` sounds in one app, and drives it without browsers
(:mod:`benchmarks.sessions`). One visitor alone comes first, then ``--sessions`` at once for ``--minutes``, who act
every 5 to 10 s each: 60 % look at sounds, 20 % recolour or filter, 10 % review a label, 10 % drop a sound of 5 s.
Meanwhile another visitor has the UMAP map of the large run made, and the library is imported again in another order.
With ``--calm`` there is neither.

Prints what was done and how long it took, alone and in company, and exits with 1 where a limit does not hold: no error;
no wrong sound (each says its number, which is compared with its id); p95 of looking at most 3 times that of one alone;
drops of more than 5 s say where they stand in the queue; memory of the server and its workers in the end at most 1.1
times that of minute 2 (or of the first fifth, of a shorter soak).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.sessions import RefusedError, Session
from benchmarks.synthetic import make
from benchmarks.visitors import LOOKING, PROMPT, Journal, Visitor
from bstviz import paths
from bstviz.models.config import LOSSES
from tests.e2e.conftest import free_port, serve, stop

PAUSE = 5.0, 10.0
"""Seconds between one's acts, from and to."""
SLOWER, GROWTH = 3.0, 1.1
"""Limits: of looking in company against alone, and of memory in the end against the beginning."""
SMALL, LARGE, REVIEWS = "small", "large", "reviews"
"""Folders of the two libraries and of the decisions."""
LARGE_FILES = 300
"""Sounds of the large library that have a file."""
LONGEST = 600.0
"""Seconds that the large UMAP map may take."""


@dataclass
class Memory:
    """Resident bytes of a server and its workers over time: a reading a second."""

    server: psutil.Process
    read: list[tuple[float, int]] = field(default_factory=list)

    async def watch(self) -> None:
        """Read for ever."""
        while True:
            self.read.append((time.perf_counter(), await asyncio.to_thread(self.now)))
            await asyncio.sleep(1)

    def now(self) -> int:
        """Bytes now; those of a process that has just ended count no more."""
        total = 0
        for process in (self.server, *self.server.children(recursive=True)):
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total

    def around(self, moment: float, width: float = 10.0) -> float:
        """Median in the seconds around a moment."""
        return float(np.median([size for at, size in self.read if abs(at - moment) <= width]))


@dataclass
class Soak:
    """What came of it.

    Attributes:
        warm: What the first visitor did, whom everything has to be loaded for.
        alone: What one visitor did alone.
        company: What all did.
        memory: Bytes in the beginning and in the end.
        lost: Decisions that are not in the record as they were made.
        umap: Seconds that the UMAP map took; None where there was none.
    """

    warm: Journal = field(default_factory=Journal)
    alone: Journal = field(default_factory=Journal)
    company: Journal = field(default_factory=Journal)
    memory: tuple[float, float] = (1.0, 1.0)
    lost: int = 0
    umap: float | None = None

    @property
    def journals(self) -> tuple[Journal, ...]:
        """All of them."""
        return self.warm, self.alone, self.company

    @property
    def slower(self) -> float:
        """How many times longer the 95th of 100 looks takes in company."""
        return float(np.percentile(self.company.looking(), 95) / np.percentile(self.alone.looking(), 95))

    def limits(self) -> dict[str, bool]:
        """What has to hold, and whether it does."""
        errors = [error for journal in self.journals for error in journal.errors]
        wrong = [answer for journal in self.journals for answer in journal.wrong]
        compared = sum(journal.compared for journal in self.journals)
        decided = sum(len(journal.decided) for journal in self.journals)
        waits, unplaced = max(self.company.seconds.get("drop", [0.0])), len(self.company.unplaced)
        return {
            f"{len(errors)} errors": not errors,
            f"{len(wrong)} wrong answers, {compared} sounds compared": not wrong and compared > 0,
            f"{self.lost} decisions lost of {decided}": not self.lost,
            f"looking {self.slower:.1f} times as long, of {SLOWER:g}": self.slower <= SLOWER,
            f"{self.company.waited} drops showed their place, {unplaced} of more than {PROMPT:g} s did not say where "
            f"they stood; the longest took {waits:.1f} s": not unplaced,
            f"memory {self.memory[1] / self.memory[0]:.2f} times, of {GROWTH:g}": self.memory[1]
            <= GROWTH * self.memory[0],
        }

    def report(self) -> str:
        """All figures."""
        lines = [f"{'':>10} {'acts':>6} {'p50':>7} {'p95':>7}   alone: {'acts':>4} {'p50':>7} {'p95':>7}"]
        for kind in dict.fromkeys([*LOOKING, *self.company.seconds, "looking"]):
            sides = []
            for journal in (self.company, self.alone):
                own = journal.looking() if kind == "looking" else journal.seconds.get(kind, [])
                p50, p95 = np.percentile(own, [50, 95]) if own else (np.nan, np.nan)
                sides.append((len(own), p50, p95))
            (n, p50, p95), (m, q50, q95) = sides
            lines.append(f"{kind:>10} {n:>6} {p50:>6.2f}s {p95:>6.2f}s   {'':>6} {m:>4} {q50:>6.2f}s {q95:>6.2f}s")
        lines.append(f"memory {self.memory[0] / 2**20:,.0f} MiB, in the end {self.memory[1] / 2**20:,.0f} MiB")
        if self.umap is not None:
            lines.append(f"the large UMAP map took {self.umap:.0f} s")
        for name in ("silent", "wrong", "errors"):
            found = Counter(one[:300] for journal in self.journals for one in getattr(journal, name))
            lines += [f"{sum(found.values())} {name}", *(f"  {n} x {one}" for one, n in found.most_common(10))]
        return "\n".join([*lines, *(f"{'ok' if holds else 'NO'}  {what}" for what, holds in self.limits().items())])


def libraries(folder: Path, sounds: int, large: int) -> list[Path]:
    """The library of so many sounds that is visited, first of all by its name, and a large one unless it has none."""
    made = [make(folder / SMALL, sounds, name="first", own_files=sounds, embedded=True)]
    if large:
        made.append(make(folder / LARGE, large, name="large", own_files=min(LARGE_FILES, large)))
    return made


async def soak(
    address: str, server: psutil.Process, folder: Path, *, sessions: int, minutes: float, acts: int, calm: bool
) -> Soak:
    """One visitor alone for some acts, then many for some minutes, and meanwhile what takes long.

    Args:
        address: Of the app.
        server: Its process.
        folder: Of the libraries, as :func:`libraries` makes them.
        sessions: How many visitors.
        minutes: For how long.
        acts: Of one visitor alone.
        calm: Neither a large map nor another import.
    """
    done, memory = Soak(), Memory(server)
    async with Session(address) as session:
        visitor = Visitor(session, done.warm, seed=0)
        for act in (
            visitor.click,
            visitor.recolor,
            visitor.click_in_both,
            visitor.filter,
            visitor.review,
            visitor.drop,
        ):
            await visitor.do(act)
        visitor.journal = done.alone
        for _ in range(acts):
            await visitor.act(0)
    start, end = time.perf_counter(), time.perf_counter() + 60 * minutes
    tasks = [asyncio.create_task(_visit(address, done.company, seed, end)) for seed in range(1, sessions + 1)]
    watch = asyncio.create_task(memory.watch())
    if not calm:
        tasks.append(asyncio.create_task(_make_map(address, done, start + 6 * minutes)))
        tasks.append(asyncio.create_task(_import_again(folder / SMALL, start + 30 * minutes)))
    await asyncio.gather(*tasks)
    await asyncio.sleep(1)
    watch.cancel()
    with suppress(asyncio.CancelledError):
        await watch  # an error of its own is raised
    early = start + min(120.0, 12 * minutes)
    width = min(10.0, 3 * minutes)
    done.memory = memory.around(early, width), memory.around(end - width, width)
    done.lost = lost(folder / REVIEWS, [d for journal in done.journals for d in journal.decided])
    return done


def lost(folder: Path, decided: Sequence[tuple[str, str]]) -> int:
    """How many decisions, each a sound and a verdict, the records of a folder do not hold as they were made."""
    lines = [json.loads(line) for file in folder.glob("*.jsonl") for line in file.read_text().splitlines()]
    made = Counter((line["sound_id"], _verdict(line)) for line in lines if "sound_id" in line)
    return sum((Counter(decided) - made).values())


def _verdict(line: dict[str, Any]) -> str:
    return "unsure" if line["new"] is None else "keep" if line["new"] == line["old"] else "accept"


async def _visit(address: str, journal: Journal, seed: int, end: float) -> None:
    async with Session(address) as session:
        visitor = Visitor(session, journal, seed=seed)
        await asyncio.sleep(float(visitor.random.uniform(0, PAUSE[1])))
        while time.perf_counter() < end:
            await visitor.act(float(visitor.random.uniform(*PAUSE)))


async def _make_map(address: str, done: Soak, begin: float) -> None:
    """Ask for the large run's UMAP map, and wait until it stands."""
    await asyncio.sleep(begin - time.perf_counter())
    async with Session(address, patience=LONGEST) as session:
        try:
            await session.open("explore", f"run={LARGE}/{next(iter(LOSSES))}&map=umap")
            start = time.perf_counter()
            pressed = asyncio.create_task(session.press("Make"))
            await session.until(lambda: session.find("explore.map.view") is not None and _is_umap(session))
            done.umap = time.perf_counter() - start
            await pressed
        except RefusedError as error:
            done.company.errors.append(str(error))
        done.company.errors += session.problems


def _is_umap(session: Session) -> bool:
    return session.data("explore.map.view")["figure"]["layout"]["xaxis"]["title"]["text"].startswith("UMAP")


async def _import_again(folder: Path, begin: float) -> None:
    """Import the library again, in a process of its own that gives way."""
    await asyncio.sleep(begin - time.perf_counter())
    code = f"import os, pathlib, benchmarks.synthetic as s; os.nice(10); s.import_again(pathlib.Path({str(folder)!r}))"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=paths.root())
    if await process.wait():
        raise RuntimeError(f"{folder} could not be imported again")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--acts", type=int, default=100, help="of one visitor alone")
    parser.add_argument("--sounds", type=int, default=11_000)
    parser.add_argument("--large", type=int, default=100_000)
    parser.add_argument("--calm", action="store_true", help="no large map, no other import")
    parser.add_argument("--folder", type=Path, help="a new folder for the libraries; a temporary one when left out")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = given.folder or Path(place)
        made = libraries(folder, given.sounds, 0 if given.calm else given.large)
        experiments = [f"--experiment={library / loss}" for library in made for loss in LOSSES]
        port = free_port()
        server = serve([*experiments, "--reviews", str(folder / REVIEWS)], port)
        try:
            done = asyncio.run(
                soak(
                    f"http://localhost:{port}",
                    psutil.Process(server.pid),
                    folder,
                    sessions=given.sessions,
                    minutes=given.minutes,
                    acts=given.acts,
                    calm=given.calm,
                )
            )
        finally:
            stop(server)
    print(done.report())
    sys.exit(not all(done.limits().values()))


if __name__ == "__main__":
    main()
