"""Memory that is needed no more goes back to the system, where the C library does that when it is told to."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from functools import cache

MMAP_THRESHOLD, ARENA_MAX = -3, -8  # M_MMAP_THRESHOLD and M_ARENA_MAX of malloc.h
APART = 2**18
"""Bytes from which an allocation stands apart, and goes back to the system when it is freed."""
ARROW_POOL = "ARROW_DEFAULT_MEMORY_POOL"
"""Variable that names where Arrow takes memory from, read when it first does."""


def share_memory() -> None:
    """Let all threads take memory from one place, and what is large stand apart (``mallopt(3)`` of the GNU C library),
    if this is called before any other thread has taken memory: a place that is there already goes to a new thread when
    its own has ended.

    Of places of their own, the free end is not given back by :func:`give_memory_back`. Nor is what Arrow has in its
    own, so it takes its memory, that of the tables' texts, from the same place.
    """
    library = _gnu()
    if library is None:
        return
    library.mallopt(MMAP_THRESHOLD, APART)
    library.mallopt(ARENA_MAX, 1)
    os.environ.setdefault(ARROW_POOL, "system")  # for the processes that this one starts, too
    if "pyarrow" in sys.modules:
        import pyarrow

        if os.environ[ARROW_POOL] == "system":
            pyarrow.set_memory_pool(pyarrow.system_memory_pool())


def give_memory_back() -> None:
    """Collect what nothing refers to any more, and give free memory back (``malloc_trim(3)`` of the GNU C library).

    What shares a page of memory with something that is still needed stays until it is written over.
    """
    gc.collect()
    library = _gnu()
    if library is not None:
        library.malloc_trim(0)


@cache
def _gnu() -> ctypes.CDLL | None:
    """The GNU C library; None where there is another."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") else None
