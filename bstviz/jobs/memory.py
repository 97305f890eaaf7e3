"""Memory that is needed no more goes back to the system, where the C library does that when it is told to."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache


def give_memory_back() -> None:
    """Collect what nothing refers to any more, and give free memory back (``malloc_trim(3)`` of the GNU C library).

    What shares a page of memory with something that is still needed stays until it is written over.
    """
    gc.collect()
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    if sys.platform != "linux":
        return None
    with suppress(AttributeError, OSError):
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
        return trim
    return None
