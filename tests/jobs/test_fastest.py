from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bstviz.errors import UserError
from bstviz.jobs.fastest import FILE, ROUNDS, fastest, processor_name
from bstviz.paths import CACHE_VARIABLE, cache_folder


class Clock:
    """A clock that goes on by what the work says, and by nothing else."""

    def __init__(self) -> None:
        self.now = 0.0
        self.taken = 0

    def __call__(self) -> float:
        return self.now

    def work(self, *seconds: float) -> Callable[[], None]:
        """Work that takes these seconds in turn, the last ones for ever."""
        left = list(seconds)

        def run() -> None:
            self.now += left.pop(0) if len(left) > 1 else left[0]
            self.taken += 1

        return run


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    return tmp_path / FILE


def test_the_faster_is_taken_and_remembered(cache: Path) -> None:
    clock = Clock()
    assert fastest("q", {"slow": clock.work(3.0), "quick": clock.work(2.0)}, clock=clock) == "quick"
    assert clock.taken == 2 * (1 + ROUNDS)
    assert json.loads(cache.read_text()) == {"q": "quick"}
    assert fastest("q", {"slow": clock.work(1.0), "quick": clock.work(2.0)}, clock=clock) == "quick"
    assert clock.taken == 2 * (1 + ROUNDS)
    assert fastest("another", {"slow": clock.work(1.0), "quick": clock.work(2.0)}, clock=clock) == "slow"
    assert set(json.loads(cache.read_text())) == {"q", "another"}


def test_warming_up_and_a_disturbed_round_do_not_count(cache: Path) -> None:
    clock = Clock()
    ways = {"steady": clock.work(2.0), "warm": clock.work(60.0, 1.0, 9.0, 1.0)}
    assert fastest("q", ways, clock=clock) == "warm"


@pytest.mark.parametrize(("seconds", "expected"), [(1.0, "float32"), (0.95, "float32"), (0.8, "bfloat16")])
def test_the_first_is_kept_where_the_other_is_hardly_faster(cache: Path, seconds: float, expected: str) -> None:
    clock = Clock()
    assert fastest("q", {"float32": clock.work(1.0), "bfloat16": clock.work(seconds)}, clock=clock) == expected


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"q": "a way that is gone"}'])
def test_a_damaged_or_outdated_answer_is_measured_again(cache: Path, text: str) -> None:
    cache.write_text(text)
    clock = Clock()
    assert fastest("q", {"a": clock.work(1.0), "b": clock.work(2.0)}, clock=clock) == "a"
    assert json.loads(cache.read_text())["q"] == "a"


def test_without_a_cache_that_can_be_written_it_is_measured_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    clock = Clock()
    assert fastest("q", {"a": clock.work(2.0), "b": clock.work(1.0)}, clock=clock) == "b"


def test_the_processor_has_a_name() -> None:
    assert processor_name()


def test_without_a_home_it_is_timed_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(name: str) -> str:
        raise RuntimeError(f"could not determine the home directory for {name!r}")

    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    monkeypatch.setattr("pooch.os_cache", homeless)
    clock = Clock()
    ways = {"slow": lambda: clock.work(2.0)(), "quick": lambda: clock.work(1.0)()}
    assert fastest("what?", ways, clock=clock) == "quick"
    with pytest.raises(UserError, match=CACHE_VARIABLE):
        cache_folder()
