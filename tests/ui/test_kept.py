"""What pages keep, and that it is bounded by bytes."""

from __future__ import annotations

import functools
import gc
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pytest
import torch

from bstviz.ui import kept
from bstviz.ui.kept import Keeper, bytes_of

MEGABYTE = 2**20


@pytest.fixture
def keeper(monkeypatch: pytest.MonkeyPatch) -> Iterator[Keeper]:
    """One of ten megabytes, in place of the shared one."""
    made = Keeper(lambda: 10 * MEGABYTE)
    monkeypatch.setattr(kept, "KEEPER", made)
    yield made


def test_many_large_values_take_no_more_than_the_limit(keeper: Keeper) -> None:
    @kept.kept(max_entries=1_000)
    def noise(seed: int) -> np.ndarray:
        return np.full(MEGABYTE // 8, seed, np.float64)

    tracemalloc.start()
    for seed in range(50):
        assert noise(seed)[0] == seed
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 8 * MEGABYTE < held < 11 * MEGABYTE
    assert keeper.size <= 10 * MEGABYTE


def test_what_was_used_least_recently_goes_whichever_function_it_is_of(keeper: Keeper) -> None:
    made: list[object] = []

    @kept.kept(max_entries=100)
    def first(key: int) -> bytes:
        made.append(key)
        return bytes(4 * MEGABYTE)

    @kept.kept(max_entries=100)
    def second(key: str) -> bytes:
        made.append(key)
        return bytes(4 * MEGABYTE)

    first(1), second("a"), first(1), second("b")
    assert made == [1, "a", "b"]
    first(1), second("a")
    assert made == [1, "a", "b", "a"]


def test_a_value_larger_than_the_limit_is_kept_until_the_next(keeper: Keeper) -> None:
    made: list[int] = []

    @kept.kept(max_entries=100)
    def large(key: int) -> bytes:
        made.append(key)
        return bytes(30 * MEGABYTE)

    assert len(large(1)) == len(large(1)) == 30 * MEGABYTE
    assert made == [1]
    large(2), large(1)
    assert made == [1, 2, 1]


def test_what_streamlit_lets_go_of_counts_no_more(keeper: Keeper) -> None:
    @kept.kept(max_entries=2)
    def small(key: int) -> bytes:
        return bytes(MEGABYTE)

    for key in range(5):
        small(key)
    assert 2 * MEGABYTE <= keeper.size < 2.1 * MEGABYTE


def test_a_value_that_fills_later_is_measured_again(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    class Filling:
        @cached_property
        def samples(self) -> np.ndarray:
            return np.ones(MEGABYTE, np.float32)

    @kept.kept(max_entries=2)
    def filling(key: int) -> Filling:
        return Filling()

    assert filling(1).samples.nbytes == 4 * MEGABYTE
    assert keeper.size < MEGABYTE
    monkeypatch.setattr(kept, "MEASURED_FOR", 0.0)
    filling(1)
    assert keeper.size > 4 * MEGABYTE


def test_what_is_kept_itself_counts_once(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []

    @kept.kept(max_entries=8)
    def run(key: int) -> Holding:
        made.append(key)
        return Holding(np.full(6 * MEGABYTE, key, np.uint8), {})

    @kept.kept(max_entries=8)
    def pooled(key: int, threshold: int) -> list[object]:
        made.append((key, threshold))
        return [run(key), np.full(MEGABYTE // 2, threshold, np.uint8)]

    for _ in range(3):
        for threshold in range(5):
            pooled(1, threshold)
        monkeypatch.setattr(kept, "MEASURED_FOR", 0.0)
    assert made == [(1, 0), 1, (1, 1), (1, 2), (1, 3), (1, 4)]
    assert keeper.size == pytest.approx(8.5 * MEGABYTE, rel=0.01)
    run(2)
    gc.collect()
    assert keeper.size <= 10 * MEGABYTE


def test_a_value_that_grows_past_the_limit_is_the_newest_and_stays(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    @kept.kept(max_entries=2)
    def growing(key: int) -> list[bytes]:
        return []

    growing(1).append(bytes(30 * MEGABYTE))
    monkeypatch.setattr(kept, "MEASURED_FOR", 0.0)
    assert growing(1) is growing(1)
    assert len(growing(1)) == 1
    assert keeper.size == 10 * MEGABYTE


def test_what_is_held_by_another_value_leaves_after_it(keeper: Keeper) -> None:
    run = keeper.add(np.zeros(6 * MEGABYTE, np.uint8))
    page = keeper.add({"run": run.value})
    for _ in range(2):
        assert page.inside == [run]
        keeper.use(run), keeper.use(page)
    other = keeper.add(np.zeros(6 * MEGABYTE, np.uint8))
    assert [place.held for place in (run, page, other)] == [False, False, True]
    assert 6 * MEGABYTE <= keeper.size < 7 * MEGABYTE
    assert page.value is None


def test_what_has_left_counts_with_the_values_that_still_hold_it(keeper: Keeper) -> None:
    run = keeper.add(np.zeros(6 * MEGABYTE, np.uint8))
    page = keeper.add([run.value, np.zeros(6 * MEGABYTE, np.uint8)])  # only one of both fits
    assert (run.held, page.held, page.size // MEGABYTE) == (False, True, 12)
    assert keeper.size == 10 * MEGABYTE
    small = keeper.add(np.zeros(MEGABYTE, np.uint8))
    assert (page.held, small.held) == (False, True)
    outer = keeper.add([small.value])
    keeper.remove(small)  # for want of entries, not of bytes
    keeper.use(outer)
    assert MEGABYTE <= keeper.size < 1.1 * MEGABYTE


def test_values_that_hold_each_other_count_once(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MEASURED_FOR", 0.0)
    first: list[object] = [bytes(MEGABYTE)]
    second: list[object] = [bytes(2 * MEGABYTE), first]
    first.append(second)
    places = [keeper.add(first), keeper.add(second)]
    for place in (*places, *places):
        keeper.use(place)
    assert keeper.size == pytest.approx(3 * MEGABYTE, rel=0.01)


def test_none_is_a_value_too(keeper: Keeper) -> None:
    made: list[int] = []

    @kept.kept(max_entries=2)
    def nothing(key: int) -> None:
        made.append(key)

    assert nothing(1) is nothing(1) is None
    assert made == [1]


@dataclass(frozen=True, eq=False)
class Holding:
    """An object with two arrays."""

    first: np.ndarray
    second: dict[str, list[np.ndarray]]


def test_bytes_are_those_of_all_that_a_value_holds() -> None:
    array = np.zeros(MEGABYTE, np.uint8)
    closure = functools.cache(lambda: array)
    closure()
    for value, expected in [
        (array, 1),
        (array[::2], 1),  # a view holds all of it
        (array.view(np.float32), 1),
        (np.frombuffer(bytearray(MEGABYTE), np.uint8), 1),
        ([array, array], 1),
        (Holding(array, {"a": [array.copy(), array.copy()]}), 3),
        (closure, 1),
        (functools.partial(np.sum, array), 1),
        (torch.zeros(MEGABYTE // 4), 1),
        (torch.nn.Linear(MEGABYTE // 4, 2, bias=False), 2),
        (pd.DataFrame({"a": np.zeros(MEGABYTE // 8), "b": np.zeros(MEGABYTE // 8)}), 2),
        (b"x" * MEGABYTE, 1),
        ([b"%08d" % i for i in range(20_000)], 20_000 * (8 + 33 + 8) / MEGABYTE),  # of many alike some are measured
    ]:
        assert bytes_of(value) / MEGABYTE == pytest.approx(expected, rel=0.05), type(value)


@dataclass
class Script:
    """A run of a page's script, for a session."""

    session_id: str


@pytest.fixture
def visitor(monkeypatch: pytest.MonkeyPatch) -> Script:
    """Whoever looks; no minute has to pass until what nobody uses goes."""
    script = Script("one")
    monkeypatch.setattr(kept, "this_visitor", lambda: script.session_id)
    monkeypatch.setattr(kept, "UNUSED_FOR", 0.0)
    return script


def test_what_a_visitor_alone_has_used_goes_with_them(keeper: Keeper, visitor: Script) -> None:
    made: list[str] = []

    @kept.kept(max_entries=100)
    def library(name: str) -> bytes:
        made.append(name)
        return bytes(MEGABYTE)

    library("of one"), library("of both")
    visitor.session_id = "other"
    library("of both")
    assert not keeper.sweep()
    keeper.leave("one")
    assert keeper.sweep() and not keeper.sweep()
    assert MEGABYTE <= keeper.size < 1.1 * MEGABYTE
    library("of both"), library("of one")
    assert made == ["of one", "of both", "of one"]


def test_what_another_value_in_use_is_made_of_stays(keeper: Keeper, visitor: Script) -> None:
    made: list[str] = []

    @kept.kept(max_entries=100)
    def library() -> list[bytes]:
        made.append("library")
        return [bytes(MEGABYTE)]

    @kept.kept(max_entries=100)
    def view(of: str) -> tuple[list[bytes], str]:
        made.append(of)
        return library(), of

    view("map")
    visitor.session_id = "other"
    view("map")
    keeper.leave("one")
    assert not keeper.sweep()
    view("map"), view("list")
    assert made == ["map", "library", "list"]


def test_what_is_used_again_within_a_minute_stays(
    keeper: Keeper, visitor: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    @kept.kept(max_entries=100)
    def library() -> bytes:
        return bytes(MEGABYTE)

    monkeypatch.setattr(kept, "UNUSED_FOR", 60.0)
    library()
    keeper.leave("one")
    assert not keeper.sweep()
    library()
    monkeypatch.setattr(kept, "UNUSED_FOR", 0.0)
    assert not keeper.sweep()
