"""Memory that is needed no more: what malloc is asked for, as a process of its own states it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys

import pytest

from bstviz.jobs.memory import ARROW_POOL

PLACES = """
import ctypes, sys, threading
from bstviz.jobs.memory import share_memory

def take(*given, **named):
    thread = threading.Thread(target=bytearray, args=(50_000,))
    thread.start()
    thread.join()

{steps}
ctypes.CDLL(None).malloc_stats()
"""
SERVE = """
from bstviz.cli import app, web
web.serve_app = take
sys.argv = ["bstviz", "app"]
try:
    app.main()
except SystemExit:
    import streamlit  # with threads of libraries
    take()
"""
pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only the GNU C library is asked")


@pytest.mark.parametrize(
    ("steps", "places"),
    [("take()", 2), ("share_memory(); take()", 1), ("take(); share_memory(); take()", 2)],
    ids=["unasked", "asked", "asked-too-late"],
)
def test_threads_take_memory_from_one_place_if_that_is_asked_for_before_any_has(steps: str, places: int) -> None:
    assert places_after(steps) == places


def test_a_server_asks_for_it_before_any_has() -> None:
    assert places_after(SERVE) == 1


@pytest.mark.parametrize("steps", ["import pyarrow; share_memory()", "share_memory(); import pyarrow"])
def test_arrow_takes_memory_from_there_too(steps: str) -> None:
    asked = "from bstviz.jobs.memory import share_memory; {}; print(pyarrow.default_memory_pool().backend_name)"
    environment = {name: value for name, value in os.environ.items() if name != ARROW_POOL}
    code = [sys.executable, "-c", asked.format(steps)]
    assert subprocess.check_output(code, env=environment, text=True).strip() == "system"


def places_after(steps: str) -> int:
    """From how many places a process has taken memory."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    code = [sys.executable, "-c", PLACES.format(steps=steps)]
    stated = subprocess.run(code, env=environment, stderr=subprocess.PIPE, text=True, check=True).stderr
    return len(re.findall(r"^Arena \d+:", stated, re.MULTILINE))
