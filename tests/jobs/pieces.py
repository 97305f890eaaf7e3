"""Pieces of work for worker processes, which import them from here."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bstviz.errors import UserError
from bstviz.jobs.background_process import Report


def doubled(value: int, *, report: Report) -> int:
    report(0.5, "Doubling")
    return 2 * value


def process(*, report: Report) -> int:
    return os.getpid()


def priority(*, report: Report) -> tuple[int, str | None, str | None]:
    """Niceness, and the threads of numeric libraries."""
    return os.nice(0), os.environ.get("OMP_NUM_THREADS"), os.environ.get("NUMBA_NUM_THREADS")


def waited_for(file: str, *, report: Report) -> str:
    """Ends when a file is there; reports until then."""
    while not Path(file).exists():
        report(0.25, "Waiting")
        time.sleep(0.02)
    return file


def deaf(file: str, *, report: Report) -> None:
    """Says in a file that it is there, and reports no more."""
    Path(file).write_text(str(os.getpid()))
    time.sleep(600)


def noted(file: str, name: str, *, report: Report) -> None:
    """Adds a name to a file."""
    with Path(file).open("a") as out:
        out.write(f"{name}\n")


def array(n: int, *, report: Report) -> np.ndarray:
    return np.arange(n, dtype=np.uint8)


def refused(*, report: Report) -> None:
    raise UserError("There are 3 sounds; at least 5 are needed.")


def picky(encoder: Any, texts: Sequence[str], *, report: Report) -> Any:
    """Embeddings of texts, none of which may speak of wind."""
    from bstviz.inference.classify import embed_texts

    if any("wind" in text.lower() for text in texts):
        raise UserError("These words cannot be read.")
    return embed_texts(encoder, texts, report=report)


def full(*, report: Report) -> None:
    raise MemoryError


def wrong(*, report: Report) -> None:
    raise ZeroDivisionError("a fault of the program")


def talkative(*, report: Report) -> str:
    print("a library that prints")
    os.write(1, b"and another one")
    return "heard"
