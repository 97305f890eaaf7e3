"""Many visitors for many minutes: is every answer about the sound that was asked for, and how long does one wait?

    python -m benchmarks.soak [--sessions 20] [--minutes 10] [--sounds 11000] [--large 100000] [--folder FOLDER]

Serves two runs of ``--sounds`` sounds and two of ``--large`` sounds in one app, and drives it without browsers
(:mod:`benchmarks.sessions`). One visitor alone comes first, for ``--acts``, then ``--sessions`` at once for
``--minutes``, who act every 5 to 10 s each: 60 % look at sounds, 20 % recolour or filter, 10 % review a label, 10 %
drop a sound of 5 s. Each has done everything once before that counts. Meanwhile, after a fifth of the time, another
visitor has the UMAP map of the large run made, and after half of it the library is imported again in another order.
With ``--calm`` there is neither.

Prints what was done and how long it took, alone and in company, and exits with 1 where a limit does not hold: no error;
no wrong sound (each says its number, which is compared with its id, on each page that plays); no other prediction for a
known sound than one alone got; no sound that does not play, unless the page says that it was changed on disk; no
decision lost of some; p95 of looking at most 3 times that of one alone; a drop says within 5 s where it stands in the
queue; memory of the server, and of those of its workers that are there all the while, in the end at most 1.1 times that
of minute 2 (or of the first fifth, of a shorter soak).
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
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.serving import served
from benchmarks.sessions import Session
from benchmarks.synthetic import make
from benchmarks.visitors import CHANGED, KNOWN, LOOKING, PLAYERS, PROMPT, Journal, Visitor
from bstviz import paths
from bstviz.models.config import LOSSES

PAUSE = 5.0, 10.0
"""Seconds between one's acts, from and to."""
ALONE = 1.0
"""Seconds between the acts of one alone."""
EARLY, MAP, IMPORT = 0.2, 0.22, 0.5
"""Shares of the time after which memory is read first (or after two minutes), and a map and another import begin."""
SLOWER, GROWTH = 3.0, 1.1
"""Limits: of looking in company against alone, and of memory in the end against the beginning."""
SERVER, WORKERS, OTHERS = "server", "workers", "other workers"
"""Whose memory is read."""
SMALL, LARGE, REVIEWS = "small", "large", "reviews"
"""Folders of the two libraries and of the decisions."""
FAULTS = "errors", "wrong", "silent"
"""What a journal has of them."""
LARGE_FILES = 300
"""Sounds of the large library that have a file."""
LONGEST = 600.0
"""Seconds that the large UMAP map may take."""


@dataclass
class Memory:
    """Resident bytes of a server and its workers, by number of process, over time: a reading a second."""

    server: psutil.Process
    read: list[tuple[float, dict[int, int]]] = field(default_factory=list)

    async def watch(self) -> None:
        """Read for ever."""
        while True:
            self.read.append((time.perf_counter(), await asyncio.to_thread(self.now)))
            await asyncio.sleep(1)

    def now(self) -> dict[int, int]:
        """Bytes now; a worker that has just ended is left out."""
        found = {self.server.pid: self.server.memory_info().rss}
        for process in self.server.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                found[process.pid] = process.memory_info().rss
        return found

    def around(self, moment: float, width: float) -> dict[int, float]:
        """Medians in the seconds around a moment, of the processes that were there all the while."""
        read = [sizes for at, sizes in self.read if abs(at - moment) <= width]
        all_the_while = set.intersection(*(set(sizes) for sizes in read)) if read else ()
        return {pid: float(np.median([sizes[pid] for sizes in read])) for pid in all_the_while}

    def compared(self, early: float, late: float, width: float) -> dict[str, tuple[float, float]]:
        """Bytes around two moments: of the server, of the workers that were there at both, and of all others."""
        before, after = self.around(early, width), self.around(late, width)
        workers = (before.keys() & after.keys()) - {self.server.pid}
        groups = {SERVER: {self.server.pid}, WORKERS: workers}
        groups[OTHERS] = (before.keys() | after.keys()) - workers - {self.server.pid}
        return {
            name: (sum(before.get(pid, 0.0) for pid in own), sum(after.get(pid, 0.0) for pid in own))
            for name, own in groups.items()
        }


@dataclass
class Soak:
    """What came of it.

    Attributes:
        calm: Nothing was changed on disk.
        warm: What each did first.
        alone: What one visitor did alone.
        company: What all did.
        memory: Bytes in the beginning and in the end, as :meth:`Memory.compared` gives them.
        lost: Decisions that are not in the record as they were made.
        umap: Seconds that the UMAP map took; None where there was none.
    """

    calm: bool = False
    warm: Journal = field(default_factory=Journal)
    alone: Journal = field(default_factory=Journal)
    company: Journal = field(default_factory=Journal)
    memory: dict[str, tuple[float, float]] = field(default_factory=dict)
    lost: int = 0
    umap: float | None = None

    @property
    def journals(self) -> tuple[Journal, ...]:
        """All of them."""
        return self.warm, self.alone, self.company

    @property
    def slower(self) -> float:
        """How many times longer the 95th of 100 looks takes in company."""
        if not (self.company.looking() and self.alone.looking()):
            return float("nan")
        return float(np.percentile(self.company.looking(), 95) / np.percentile(self.alone.looking(), 95))

    def faultless(self) -> dict[str, bool]:
        """What has to hold however busy the machine is, and whether it does."""
        errors, wrong, silent = ([one for j in self.journals for one in getattr(j, name)] for name in FAULTS)
        if not self.calm:
            silent = [one for one in silent if CHANGED not in one.lower()]
        compared = sum((journal.compared for journal in self.journals), Counter())
        answered = sum(journal.answered for journal in self.journals)
        decided = sum(len(journal.decided) for journal in self.journals)
        pages = ", ".join(f"{compared[page]} on {page}" for page in PLAYERS)
        return {
            f"{len(errors)} errors": not errors,
            f"{len(wrong)} wrong answers": not wrong,
            f"sounds compared: {pages}": all(compared[page] for page in PLAYERS),
            f"{answered} predictions compared": answered > 0,
            f"{len(silent)} silent, but for what was changed on disk": not silent,
            f"{self.lost} decisions lost of {decided}": decided > 0 and not self.lost,
        }

    def limits(self) -> dict[str, bool]:
        """All that has to hold, and whether it does."""
        waits, unplaced = max(self.company.seconds.get("drop", [0.0])), len(self.company.unplaced)
        found = {
            f"looking {self.slower:.1f} times as long, of {SLOWER:g}": self.slower <= SLOWER,
            f"{self.company.waited} drops showed their place, {unplaced} did not say within {PROMPT:g} s where they "
            f"stood; the longest took {waits:.1f} s": not unplaced,
        }
        for name in (SERVER, WORKERS):
            before, after = self.memory.get(name, (0.0, 0.0))
            times = after / before if before else float("nan")
            found[f"memory of the {name} {times:.2f} times, of {GROWTH:g}"] = times <= GROWTH
        return self.faultless() | found

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
        for name, (before, after) in self.memory.items():
            lines.append(f"memory of the {name} {before / 2**20:,.0f} MiB, in the end {after / 2**20:,.0f} MiB")
        if self.umap is not None:
            lines.append(f"the large UMAP map took {self.umap:.0f} s")
        for name in FAULTS:
            found = Counter(one[:300] for journal in self.journals for one in getattr(journal, name))
            lines += [f"{sum(found.values())} {name}", *(f"  {n} x {one}" for one, n in found.most_common(10))]
        return "\n".join([*lines, *(f"{'ok' if holds else 'NO'}  {what}" for what, holds in self.limits().items())])


def libraries(folder: Path, sounds: int, large: int) -> list[Path]:
    """The library of so many sounds that is visited, first of all by its name, and a large one unless it has none."""
    made = [make(folder / SMALL, sounds, name="first", own_files=sounds, embedded=True)]
    if large:
        made.append(make(folder / LARGE, large, name="large", own_files=min(LARGE_FILES, large)))
    return made


def run(folder: Path, *, sounds: int, large: int, sessions: int, minutes: float, acts: int, calm: bool) -> Soak:
    """Make the libraries in a folder, serve them, and :func:`soak`."""
    made = libraries(folder, sounds, 0 if calm else large)
    experiments = [f"--experiment={library / loss}" for library in made for loss in LOSSES]
    with served([*experiments, "--reviews", str(folder / REVIEWS)]) as server:
        process = psutil.Process(server.process.pid)
        going = soak(server.address, process, folder, sessions=sessions, minutes=minutes, acts=acts, calm=calm)
        return asyncio.run(going)


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
    done, memory, answers, seconds = Soak(calm), Memory(server), {}, 60 * minutes
    async with Session(address) as session:
        visitor = Visitor(session, done.warm, seed=0, answers=answers)
        await _warm(visitor)
        for number in KNOWN:
            await visitor.do(partial(visitor.drop_sound, number))
        if len(set(answers.values())) < len(KNOWN):
            done.warm.errors.append(f"The answers for {len(KNOWN)} known sounds are not as many: {answers}")
        visitor.journal = done.alone
        for _ in range(acts):
            await visitor.act(ALONE)
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(Session(address)) for _ in range(sessions)]
        visitors = [Visitor(one, done.warm, seed=seed, answers=answers) for seed, one in enumerate(opened, 1)]
        await asyncio.gather(*(_warm(visitor) for visitor in visitors))
        start = time.perf_counter()
        end = start + seconds
        tasks = [_visit(visitor, done.company, end) for visitor in visitors]
        if not calm:
            tasks.append(_make_map(address, done, start + MAP * seconds))
            tasks.append(_import_again(folder / SMALL, done, start + IMPORT * seconds))
        watch = asyncio.create_task(memory.watch())
        await asyncio.gather(*tasks)
    await asyncio.sleep(1)
    watch.cancel()
    try:
        await watch
    except asyncio.CancelledError:
        pass
    except psutil.Error as error:
        done.company.errors.append(f"The server's memory could not be read: {error}")
    width = min(10.0, (MAP - EARLY) * seconds)
    done.memory = memory.compared(start + min(120.0, EARLY * seconds), end - width, width)
    done.lost = lost(folder / REVIEWS, [d for journal in done.journals for d in journal.decided])
    return done


def lost(folder: Path, decided: Sequence[tuple[str, str]]) -> int:
    """How many decisions, each a sound and a verdict, the records of a folder do not hold as they were made."""
    lines = [json.loads(line) for file in folder.glob("*.jsonl") for line in file.read_text().splitlines()]
    made = Counter((line["sound_id"], _verdict(line)) for line in lines if "sound_id" in line)
    return sum((Counter(decided) - made).values())


def _verdict(line: dict[str, Any]) -> str:
    return "unsure" if line["new"] is None else "keep" if line["new"] == line["old"] else "accept"


async def _warm(visitor: Visitor) -> None:
    for act in visitor.acts:
        await visitor.do(act)


async def _visit(visitor: Visitor, journal: Journal, end: float) -> None:
    visitor.journal = journal
    await asyncio.sleep(float(visitor.random.uniform(0, PAUSE[1])))
    while time.perf_counter() < end:
        await visitor.act(float(visitor.random.uniform(*PAUSE)))


async def _make_map(address: str, done: Soak, begin: float) -> None:
    """Ask for the large run's UMAP map, and wait until it stands."""
    await asyncio.sleep(begin - time.perf_counter())
    try:
        async with Session(address, patience=LONGEST) as session:
            await session.open("explore", f"run={LARGE}/{next(iter(LOSSES))}&map=umap")
            made = session.until(lambda: session.find("explore.map.view") is not None and _is_umap(session))
            done.umap, _ = await asyncio.gather(made, session.press("Make"))
            done.company.errors += session.problems
    except Exception as error:  # whatever it is: the visitors go on
        done.company.errors.append(f"the large map: {error!r}")


def _is_umap(session: Session) -> bool:
    return session.data("explore.map.view")["figure"]["layout"]["xaxis"]["title"]["text"].startswith("UMAP")


async def _import_again(folder: Path, done: Soak, begin: float) -> None:
    """Import the library again, in a process of its own that gives way."""
    await asyncio.sleep(begin - time.perf_counter())
    code = f"import os, pathlib, benchmarks.synthetic as s; os.nice(10); s.import_again(pathlib.Path({str(folder)!r}))"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=paths.root())
    if await process.wait():
        done.company.errors.append(f"{folder} could not be imported again")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--acts", type=int, default=200, help="of one visitor alone")
    parser.add_argument("--sounds", type=int, default=11_000)
    parser.add_argument("--large", type=int, default=100_000)
    parser.add_argument("--calm", action="store_true", help="no large map, no other import")
    parser.add_argument("--folder", type=Path, help="a new folder for the libraries; a temporary one when left out")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = given.folder or Path(place)
        done = run(
            folder,
            sounds=given.sounds,
            large=given.large,
            sessions=given.sessions,
            minutes=given.minutes,
            acts=given.acts,
            calm=given.calm,
        )
    print(done.report())
    sys.exit(not all(done.limits().values()))


if __name__ == "__main__":
    main()
