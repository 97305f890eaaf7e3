"""The faster of several ways to do the same work: timed once per machine, and kept in the cache."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TypeVar

from bstviz import storage
from bstviz.errors import UserError
from bstviz.paths import cache_folder

FILE = "fastest.json"
ROUNDS = 5
LEAST_GAIN = 0.1
"""Share of the first way's time that another has to save: less is within what a busy machine adds."""
Name = TypeVar("Name", bound=str)


def fastest(
    question: str, ways: Mapping[Name, Callable[[], object]], *, clock: Callable[[], float] | None = None
) -> Name:
    """Name of the way that takes the least time; the first one where no other is faster by :data:`LEAST_GAIN`.

    Every way is taken once to warm up and then :data:`ROUNDS` times in turn; its shortest time counts. The answer is
    kept in the cache folder, so that all processes of a machine get the same one; where that cannot be written, each
    process measures for itself.

    Args:
        question: What is to be done, and on what: everything that may change the answer.
        ways: What to time, by name.
        clock: Seconds that have passed; the processor's when left out.
    """
    try:
        file = cache_folder() / FILE
    except UserError:  # nobody is at home
        return _measured(ways, clock or time.perf_counter)
    known = _read(file).get(question)
    if known not in ways:
        with suppress(OSError, UserError):
            file.parent.mkdir(parents=True, exist_ok=True)
            with storage.locked(file.with_name(f"{FILE}.measured")):  # who waits here finds the answer in the file
                known = _read(file).get(question)
                if known not in ways:
                    known = _measured(ways, clock or time.perf_counter)
                    storage.write_file(file, (json.dumps({**_read(file), question: known}, indent=1) + "\n").encode())
    return next((name for name in ways if name == known), None) or _measured(ways, clock or time.perf_counter)


def _read(file: Path) -> dict[str, str]:
    """Answers by question; none where the file is missing or damaged."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _measured(ways: Mapping[Name, Callable[[], object]], clock: Callable[[], float]) -> Name:
    for work in ways.values():
        work()
    times = dict.fromkeys(ways, float("inf"))
    for _ in range(ROUNDS):
        for name, work in ways.items():
            start = clock()
            work()
            times[name] = min(times[name], clock() - start)
    first, best = next(iter(ways)), min(times, key=times.__getitem__)
    return best if times[best] < (1 - LEAST_GAIN) * times[first] else first


def cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def processor_name() -> str:
    """What the system calls this machine's processor."""
    import platform

    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def has_bfloat16() -> bool:
    """Whether the processor multiplies in bfloat16 at all; it may be slower by it (AVX512-BF16 without AMX)."""
    import torch

    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
