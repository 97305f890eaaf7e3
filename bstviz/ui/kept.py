"""What pages keep between reruns, within one limit of bytes for the whole server.

:func:`kept` is ``st.cache_resource`` whose values share that limit: over it, what was used least recently goes,
whichever function it is of, and is made anew when it is asked for. The newest value stays, however large it is.
A value that others refer to and that is kept itself, as a run is, counts once.
``st.cache_data`` has a limit of its own, Streamlit's ``server.maxCacheDataSize``, which the server sets to the same.
"""

from __future__ import annotations

import functools
import gc
import sys
import threading
import time
import types
from collections.abc import Callable, Collection
from typing import Any, Generic, Literal, ParamSpec, TypeVar, cast

import numpy as np
import pandas as pd
import streamlit as st
from cachetools import LRUCache

from bstviz import paths

MEGABYTES = 4_096
"""Where the settings do not say; see :attr:`bstviz.server.settings.Settings.cache_megabytes`."""
MEASURED_FOR = 60.0
"""Seconds for which the size of a value is believed: some fill when they are first used."""
Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")


class Place(Generic[Value]):
    """Where a value is kept, until it has to go."""

    def __init__(self, value: Value) -> None:
        self.value: Value | None = value
        self.held = True
        self.size, self.measured = 0, time.monotonic()


class _Places(LRUCache[int, Place[Any]]):
    """Places by their ids, least recently used first; what leaves for want of bytes lets go of its value."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit, getsizeof=lambda place: min(place.size, limit))
        self.held: dict[int, int] = {}  # ids of the values

    def __setitem__(self, name: int, place: Place[Any]) -> None:
        super().__setitem__(name, place)
        self.held[name] = id(place.value)

    def __delitem__(self, name: int) -> None:
        super().__delitem__(name)
        del self.held[name]

    def popitem(self) -> tuple[int, Place[Any]]:
        name, place = super().popitem()
        place.value, place.held = None, False
        return name, place


class Keeper:
    """Keeps values within a limit; threads may share it.

    Args:
        limit: Gives the limit in bytes.
    """

    def __init__(self, limit: Callable[[], int]) -> None:
        self._limit = limit
        self._lock = threading.Lock()

    @functools.cached_property
    def _places(self) -> _Places:
        return _Places(self._limit())

    def add(self, value: Value) -> Place[Value]:
        """Keep a value; what was used least recently may go for it."""
        place = Place(value)
        place.size = self._measured(value)
        with self._lock:
            self._places[id(place)] = place
        return place

    def _measured(self, value: object) -> int:
        """Bytes of a value, without those of others that are kept themselves and that it refers to."""
        with self._lock:
            others = set(self._places.held.values())
        return bytes_of(value, without=others - {id(value)})

    def holds(self, place: Place[Any]) -> bool:
        """Whether a place still has its value."""
        return place.held

    def use(self, place: Place[Value]) -> Value | None:
        """The value of a place, which counts as used; None where it has gone."""
        value = place.value
        if time.monotonic() - place.measured > MEASURED_FOR and not isinstance(value, FULL):
            place.measured = time.monotonic()
            place.size = self._measured(value)
        with self._lock:
            if not place.held:
                return None
            self._places[id(place)] = place
            place.value, place.held = value, True  # if it has grown, it may just have gone for itself
            return value

    def remove(self, place: Place[Any]) -> None:
        """Let go of a value."""
        with self._lock:
            self._places.pop(id(place), None)
            place.value, place.held = None, False

    @property
    def size(self) -> int:
        """Bytes kept, by what each value counts."""
        with self._lock:
            return int(self._places.currsize)


KEEPER = Keeper(lambda: 2**20 * paths.limit(paths.CACHE_MEGABYTES_VARIABLE, MEGABYTES))
"""That of this process."""


def kept(
    *,
    max_entries: int,
    show_spinner: bool | str = False,
    hash_funcs: dict[str | type[Any], Callable[[Any], Any]] | None = None,
    scope: Literal["global", "session"] = "global",
) -> Callable[[Callable[Arguments, Value]], Callable[Arguments, Value]]:
    """Decorator of a function whose values are kept for all sessions, or each session's for itself.

    Args:
        max_entries: Values of this function at most.
        show_spinner: What is said while a value is made.
        hash_funcs: What values are known by, for each type of argument.
        scope: Whom they are kept for.
    """

    def decorate(make: Callable[Arguments, Value]) -> Callable[Arguments, Value]:
        @functools.wraps(make)
        def made(*given: Arguments.args, **named: Arguments.kwargs) -> Place[Value]:
            return KEEPER.add(make(*given, **named))

        cached = st.cache_resource(
            max_entries=max_entries,
            show_spinner=show_spinner,
            hash_funcs=hash_funcs,
            scope=scope,
            validate=KEEPER.holds,
            on_release=KEEPER.remove,
        )(made)

        @functools.wraps(make)
        def keep(*given: Arguments.args, **named: Arguments.kwargs) -> Value:
            place = cached(*given, **named)
            value = KEEPER.use(place)
            if value is None and not place.held:  # it had to go a moment ago
                return make(*given, **named)
            return cast(Value, value)

        return keep

    return decorate


LEAVES = (str, bytes, bytearray, int, float, complex, type(None), types.CodeType, threading.Thread)
FULL = (*LEAVES, np.ndarray, pd.DataFrame, pd.Series, pd.Index)
"""Values that do not grow."""
SAMPLED = 1_000
"""Entries of a long container that are looked at; the others are taken to be like them."""


def bytes_of(value: object, *, without: Collection[int] = ()) -> int:
    """Bytes that a value takes with all that it holds: arrays, tables, tensors, text, and what is in containers,
    objects, closures and caches. An array that is a mapped file counts nothing.

    Args:
        value: The value.
        without: Ids of objects that do not count, nor what they hold.
    """
    torch = sys.modules.get("torch")
    seen = set(without)
    total = 0.0
    ahead: list[tuple[object, float]] = [(value, 1.0)]  # and how many like it there are
    while ahead:
        one, times = ahead.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, np.ndarray):
            if one.base is not None:
                ahead.append((one.base, times))
            elif not isinstance(one, np.memmap):
                total += times * one.nbytes
                ahead.append((one.tolist() if one.dtype.hasobject else None, times))
        elif isinstance(one, pd.DataFrame | pd.Series | pd.Index):
            total += times * float(np.sum(one.memory_usage(deep=True)))
        elif torch is not None and isinstance(one, torch.Tensor):
            total += times * one.untyped_storage().nbytes()
        elif isinstance(one, memoryview):
            ahead.append((one.obj, times))
        elif isinstance(one, types.FunctionType):
            ahead += [(cell.cell_contents, times) for cell in one.__closure__ or () if cell != types.CellType()]
        elif not isinstance(one, type | types.ModuleType):
            total += times * sys.getsizeof(one, 0)
            inside = [] if isinstance(one, LEAVES) else gc.get_referents(one)
            step = max(1, len(inside) // SAMPLED)
            ahead += [(inner, times * step) for inner in inside[::step]]
    return round(total)
