"""What pages keep between reruns, within one limit of bytes for the whole server.

:func:`kept` is ``st.cache_resource`` whose values share that limit: over it, what was used least recently goes,
whichever function it is of, and is made anew when it is asked for. The newest value stays, however large it is.
A value that others refer to and that is kept itself, as a run is, counts once, and goes after these. What only visitors
used who have gone, or who have reloaded since, goes when the server sweeps (:mod:`bstviz.server.visitors.forget`).
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
from bstviz.server.visitors.forget import VISITS, this_visitor

MEGABYTES = 4_096
"""Where the settings do not say; see :attr:`bstviz.server.settings.Settings.cache_megabytes`."""
MEASURED_FOR = 60.0
"""Seconds for which the size of a value is believed: some fill when they are first used."""
UNUSED_FOR = 60.0
"""Seconds since its last use for which a value that no visitor uses any more is kept: who reloads asks for it again."""
Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")


class Place(Generic[Value]):
    """Where a value is kept, until it has to go."""

    def __init__(self, value: Value) -> None:
        self.value: Value | None = value
        self.held = True
        self.size, self.measured = 0, time.monotonic()
        self.inside: list[Place[Any]] = []  # others, whose values this one refers to and counts without
        self.users: set[str | None] = set()  # names of sessions; None is no visitor, and stays
        self.used = self.measured

    def see(self) -> None:
        """Whoever this code runs for uses the value now."""
        self.users.add(this_visitor())
        self.used = time.monotonic()


class _Places(LRUCache[int, Place[Any]]):
    """Places by their ids, least recently used first; what leaves for want of bytes lets go of its value."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit, getsizeof=lambda place: min(place.size, limit))
        self.held: dict[int, Place[Any]] = {}
        self.gone: list[Place[Any]] = []  # since those that count without them were last counted

    def __setitem__(self, name: int, place: Place[Any]) -> None:
        super().__setitem__(name, place)
        self.held[name] = place

    def __delitem__(self, name: int) -> None:
        super().__delitem__(name)
        place = self.held.pop(name)
        place.value, place.held = None, False
        self.gone.append(place)


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
        self._measure(place, value)
        with self._lock:
            self._use(place)
        return place

    def _measure(self, place: Place[Any], value: object) -> None:
        """Have a place count the bytes of a value, without those of others that are kept themselves."""
        with self._lock:
            others = {id(other.value): other for other in self._places.held.values() if other.value is not value}
        met: set[int] = set()
        place.size = bytes_of(value, without=others, met=met)
        place.inside = [others[one] for one in met]

    def _use(self, place: Place[Any]) -> None:
        """Count a place as used, and then those inside of it, which leave after it; under the lock."""
        place.see()
        self._touch(place)  # nor may they leave for its sake
        self._count(place)
        self._touch(place)
        while self._places.gone:
            left = self._places.gone.pop()
            for other in list(self._places.held.values()):
                if other.held and not left.held and left in other.inside:
                    self._count(other)

    def _touch(self, place: Place[Any]) -> None:
        """Count those inside of a place as used, and those inside of them after them; under the lock."""
        ahead = list(place.inside)
        for one in ahead:
            if self._places.get(id(one)) is not None:  # which makes it the one that was used last
                one.see()
                ahead += [inner for inner in one.inside if inner is not place and inner not in ahead]

    def _count(self, place: Place[Any]) -> None:
        """Count a place, and with it what has left of those inside of it and is held by it alone; under the lock."""
        value = place.value
        place.size += sum(one.size for one in place.inside if not one.held)
        place.inside = [one for one in place.inside if one.held]
        self._places[id(place)] = place
        place.value, place.held = value, True  # if it has grown, it may just have gone for itself

    def holds(self, place: Place[Any]) -> bool:
        """Whether a place still has its value."""
        return place.held

    def use(self, place: Place[Value]) -> Value | None:
        """The value of a place, which counts as used; None where it has gone."""
        value = place.value
        if time.monotonic() - place.measured > MEASURED_FOR and not isinstance(value, FULL):
            place.measured = time.monotonic()
            self._measure(place, value)
        with self._lock:
            if not place.held:
                return None
            self._use(place)
            return value

    def remove(self, place: Place[Any]) -> None:
        """Let go of a value."""
        with self._lock:
            self._places.pop(id(place), None)

    def leave(self, visitor: str | None) -> None:
        """A visitor, by the name of their session, uses nothing any more, or asks anew for what they still do."""
        with self._lock:
            for place in self._places.held.values():
                place.users.discard(visitor)

    def sweep(self) -> bool:
        """Let go of what no visitor uses, and nobody has for :data:`UNUSED_FOR`; whether there was any."""
        now = time.monotonic()
        with self._lock:
            unused = [p for p in self._places.held.values() if not p.users and now - p.used >= UNUSED_FOR]
            for place in unused:
                del self._places[id(place)]
        return bool(unused)

    @property
    def size(self) -> int:
        """Bytes kept, by what each value counts."""
        with self._lock:
            return int(self._places.currsize)


KEEPER = Keeper(lambda: 2**20 * paths.limit(paths.CACHE_MEGABYTES_VARIABLE, MEGABYTES))
"""That of this process."""
VISITS.keepers.append(KEEPER)


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


def bytes_of(value: object, *, without: Collection[int] = (), met: set[int] | None = None) -> int:
    """Bytes that a value takes with all that it holds: arrays, tables, tensors, text, and what is in containers,
    objects, closures and caches. An array that is a mapped file counts nothing.

    Args:
        value: The value.
        without: Ids of objects that do not count, nor what they hold.
        met: Where those of them are put that it refers to.
    """
    torch = sys.modules.get("torch")
    seen = set(without)
    total = 0.0
    ahead: list[tuple[object, float]] = [(value, 1.0)]  # and how many like it there are
    while ahead:
        one, times = ahead.pop()
        if id(one) in seen:
            if met is not None and id(one) in without:
                met.add(id(one))
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
