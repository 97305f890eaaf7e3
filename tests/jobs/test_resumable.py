from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from bstviz.errors import UserError
from bstviz.jobs.backend import Engine
from bstviz.jobs.resumable import AHEAD, Item, fingerprint, in_chunks, read_ahead


class Squares:
    """Yields one table per sound with the square of its source; writes what it did into a log."""

    def __init__(self, log: Path, pause: float = 0.0) -> None:
        self.log, self.pause = log, pause

    def __call__(self, items: Iterable[Item]) -> Iterator[pd.DataFrame]:
        for item in items:
            time.sleep(self.pause)
            with self.log.open("a") as log:
                log.write(f"{item.id}\n")
            yield pd.DataFrame({"id": [item.id], "fingerprint": [item.fingerprint], "square": [int(item.source) ** 2]})


def items(n: int, mark: str = "1") -> list[Item]:
    return [Item(f"s{i:03d}", str(i), mark) for i in range(n)]


def done(log: Path) -> list[str]:
    return log.read_text().split() if log.is_file() else []


def test_results_come_in_the_order_of_the_items(tmp_path: Path) -> None:
    wanted = items(7)[::-1]
    table = in_chunks(partial(Squares, tmp_path / "log"), wanted, tmp_path / "store")
    assert table["id"].tolist() == [item.id for item in wanted]
    assert table["square"].tolist() == [36, 25, 16, 9, 4, 1, 0]


def test_nothing_is_done_twice_and_what_is_new_or_changed_is_done(tmp_path: Path) -> None:
    make, store = partial(Squares, tmp_path / "log"), tmp_path / "store"
    in_chunks(make, items(4), store)
    changed = [*items(4)[:3], Item("s003", "9", "2"), Item("s004", "4", "1")]
    table = in_chunks(make, changed, store)
    assert done(tmp_path / "log") == ["s000", "s001", "s002", "s003", "s003", "s004"]
    assert table["square"].tolist() == [0, 1, 4, 81, 16]


def test_what_is_gone_is_left_out(tmp_path: Path) -> None:
    make, store = partial(Squares, tmp_path / "log"), tmp_path / "store"
    in_chunks(make, items(5), store)
    assert in_chunks(make, items(2), store)["id"].tolist() == ["s000", "s001"]
    assert in_chunks(make, [], store).empty


def _work(folder: Path) -> None:
    in_chunks(partial(Squares, folder / "log", 0.004), items(300), folder / "store")


def test_three_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    for after in (60, 120, 200):
        process = context.Process(target=_work, args=(tmp_path,))
        process.start()
        while len(done(tmp_path / "log")) < after:
            assert process.is_alive()
            time.sleep(0.002)
        assert process.pid
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    before = len(done(tmp_path / "log"))
    table = in_chunks(partial(Squares, tmp_path / "log"), items(300), tmp_path / "store")
    assert table["square"].tolist() == [i**2 for i in range(300)]
    assert 200 <= before < 300
    assert len(done(tmp_path / "log")) <= 303  # at most the chunk that each kill cut off


def test_progress_is_reported_once_per_sound(tmp_path: Path) -> None:
    seen: list[int] = []

    def track(steps: Iterable, *, total: int, description: str, completed: int = 0) -> Iterator:
        seen.extend([total, completed])
        yield from steps

    in_chunks(partial(Squares, tmp_path / "log"), items(3), tmp_path / "store", track=track)
    in_chunks(partial(Squares, tmp_path / "log"), items(5), tmp_path / "store", track=track)
    assert seen == [3, 0, 5, 3]


class Away(Squares):
    """Cannot read odd sounds the first time."""

    def __call__(self, items: Iterable[Item]) -> Iterator[pd.DataFrame]:
        for table in super().__call__(items):
            away = done(self.log).count(table["id"].iat[0]) == 1 and int(table["square"].iat[0]) % 2
            yield table.assign(fingerprint="") if away else table


def test_what_could_not_be_read_has_a_row_and_is_done_again(tmp_path: Path) -> None:
    make, store = partial(Away, tmp_path / "log"), tmp_path / "store"
    first = in_chunks(make, items(4), store)
    assert first["fingerprint"].tolist() == ["1", "", "1", ""]
    second = in_chunks(make, items(4), store)
    assert second["fingerprint"].tolist() == ["1"] * 4
    assert second["square"].tolist() == [0, 1, 4, 9]
    assert done(tmp_path / "log") == ["s000", "s001", "s002", "s003", "s001", "s003"]


def test_results_that_nobody_sees_are_no_quiet_success(tmp_path: Path) -> None:
    """As of workers that write to a disk of their own."""

    def nothing(items: Iterable[Item]) -> Iterator[pd.DataFrame]:
        yield from ()

    with pytest.raises(UserError, match=r"4 of 4 sounds have no result .* all machines see"):
        in_chunks(lambda: nothing, items(4), tmp_path / "store")


def test_a_fingerprint_changes_with_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a"
    assert fingerprint(file) == ""
    file.write_text("one")
    first = fingerprint(file)
    file.write_text("three")
    assert fingerprint(file) not in ("", first)


def test_reading_ahead_keeps_the_order_and_is_bounded() -> None:
    running: list[int] = []
    lock = threading.Lock()

    def load(i: int) -> int:
        with lock:
            running.append(i)
        time.sleep(0.001 * (i % 3))
        return i

    results = read_ahead(load, range(200))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    time.sleep(0.1)
    assert len(running) <= 3 + AHEAD + 1
    assert list(results) == list(range(3, 200))


def test_reading_ahead_passes_errors_on() -> None:
    def load(i: int) -> int:
        raise UserError(f"no {i}")

    with pytest.raises(UserError, match="no 0"):
        list(read_ahead(load, [0, 1]))


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(UserError, match="no engine 'spark'; known: local, ray"):
        Engine("spark")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="workers is 0"):
        Engine("ray", workers=0)


@pytest.mark.ray
@pytest.mark.slow
def test_ray_does_the_same_work_in_several_processes(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    make = partial(Squares, tmp_path / "log")
    in_chunks(make, items(10), tmp_path / "store")
    table = in_chunks(make, items(150), tmp_path / "store", engine=Engine("ray", workers=2))
    assert table["square"].tolist() == [i**2 for i in range(150)]
    assert sorted(done(tmp_path / "log")) == [item.id for item in items(150)]


class Blind(Squares):
    """On a machine that does not see the folder of results."""

    def __init__(self, log: Path) -> None:
        super().__init__(log)
        shutil.rmtree(log.parent / "store")


@pytest.mark.ray
@pytest.mark.slow
def test_a_ray_worker_that_does_not_see_the_share_says_so(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    with pytest.raises(UserError, match=r"The Ray worker on .* does not see .*store"):
        in_chunks(partial(Blind, tmp_path / "log"), items(4), tmp_path / "store", engine=Engine("ray", workers=1))
