"""Work in worker processes: real processes, whose ends are seen from outside."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from bstviz.audio import decode
from bstviz.errors import AwayError, UserError
from bstviz.jobs import background, background_process
from bstviz.jobs.background import Kind, Work, WorkQueue
from bstviz.jobs.background_process import WorkerProcess
from tests.fakes import until
from tests.jobs import pieces

PATIENCE = 60.0
KIND = Kind("test", niceness=3, threads=1)


@pytest.fixture(scope="module")
def shared() -> Iterator[WorkQueue]:
    queue = WorkQueue(KIND)
    yield queue
    queue.close()


@pytest.fixture
def queue() -> Iterator[WorkQueue]:
    """One whose process may be ended."""
    queue = WorkQueue(KIND)
    yield queue
    queue.close()


def ask(queue: WorkQueue, function: Callable[..., Any], *arguments: Any, key: object = None, owner: str = "a") -> Work:
    return queue.submit(key or object(), function, lambda: arguments, owner=owner)


def pid(queue: WorkQueue) -> int:
    """Of the queue's process."""
    return int(ask(queue, pieces.process).result())


def busy(queue: WorkQueue, go: str) -> Work:
    """A piece of another one, which lasts until a file is there."""
    work = ask(queue, pieces.waited_for, go, owner="z")
    until(lambda: work.state == "running")
    return work


def test_a_result_comes_from_another_process_that_stays_for_the_next_piece(shared: WorkQueue) -> None:
    assert ask(shared, pieces.doubled, 21).result() == 42
    first = pid(shared)
    assert first != os.getpid()
    assert pid(shared) == first


def test_the_process_gives_way_and_has_the_threads_of_its_kind(
    monkeypatch: pytest.MonkeyPatch, queue: WorkQueue
) -> None:
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert ask(queue, pieces.priority).result() == (min(19, os.nice(0) + 3), "2", "1")


def test_progress_and_the_place_in_the_queue_are_told(shared: WorkQueue, tmp_path: Path) -> None:
    first = ask(shared, pieces.waited_for, str(tmp_path / "go"))
    until(lambda: first.share)
    assert (first.state, first.share, first.words) == ("running", 0.25, "Waiting")
    second, third = (ask(shared, pieces.doubled, 1, owner=owner) for owner in "bc")
    assert [work.before() for work in (first, second, third)] == [0, 1, 2]
    (tmp_path / "go").touch()
    assert third.result() == 2
    assert third.before() == 0


def test_one_key_is_one_piece_whose_result_both_get(shared: WorkQueue, tmp_path: Path) -> None:
    first = ask(shared, pieces.waited_for, str(tmp_path / "go"), key="map", owner="a")
    second = ask(shared, pieces.waited_for, str(tmp_path / "go"), key="map", owner="b")
    assert first is second
    first.cancel("a")  # one of the two gives it up
    (tmp_path / "go").touch()
    assert second.result() == str(tmp_path / "go")
    assert shared.find("map") is second


def test_owners_take_turns(shared: WorkQueue, tmp_path: Path) -> None:
    file, go = str(tmp_path / "names"), str(tmp_path / "go")
    busy(shared, go)
    many = [ask(shared, pieces.noted, file, f"a{i}") for i in range(4)]
    one = ask(shared, pieces.noted, file, "b0", owner="b")
    assert [work.before() for work in (*many, one)] == [1, 3, 4, 5, 2]
    Path(go).touch()
    for work in (*many, one):
        work.result()
    assert Path(file).read_text().split() == ["a0", "b0", "a1", "a2", "a3"]


def test_who_leaves_takes_their_pieces_along_and_nobody_elses(shared: WorkQueue, tmp_path: Path) -> None:
    go = str(tmp_path / "go")
    busy(shared, go)
    own, kept, joint = (ask(shared, pieces.doubled, n, key=f"left {n}") for n in (1, 2, 3))
    assert ask(shared, pieces.doubled, 3, key="left 3", owner="b") is joint
    shared.leave("a", but=frozenset({"left 2"}))
    assert [work.state for work in (own, kept, joint)] == ["cancelled", "waiting", "waiting"]
    Path(go).touch()
    assert (kept.result(), joint.result()) == (4, 6)


def test_what_is_cancelled_while_it_reports_leaves_the_process_warm(shared: WorkQueue, tmp_path: Path) -> None:
    before = pid(shared)
    work = ask(shared, pieces.waited_for, str(tmp_path / "never"), key="never")
    until(lambda: work.share)
    work.cancel("a")
    assert work.state == "cancelled"
    assert shared.find("never") is None
    with pytest.raises(AwayError, match="cancelled"):
        work.result()
    assert pid(shared) == before


def test_what_is_cancelled_while_it_does_not_report_ends_its_process(queue: WorkQueue, tmp_path: Path) -> None:
    file = tmp_path / "pid"
    work = ask(queue, pieces.deaf, str(file))
    until(lambda: file.exists() and file.read_text())
    work.cancel("a")
    assert work.ended
    assert pid(queue) != int(file.read_text())
    assert not psutil.pid_exists(int(file.read_text()))


def test_a_process_that_is_killed_gives_a_sentence_and_the_next_piece_a_new_process(
    queue: WorkQueue, tmp_path: Path
) -> None:
    file = tmp_path / "pid"
    work = ask(queue, pieces.deaf, str(file), key="deaf")
    until(lambda: file.exists() and file.read_text())
    os.kill(int(file.read_text()), signal.SIGKILL)
    with pytest.raises(AwayError, match=r"ended from outside .*memory.* Ask for it again"):
        work.result()
    assert queue.find("deaf") is None
    new = pid(queue)
    assert new != int(file.read_text())
    os.kill(new, signal.SIGKILL)  # while it has nothing to do
    process = queue._process
    assert process is not None
    until(lambda: not process.alive)  # a zombie may have threads that are still ending
    assert ask(queue, pieces.doubled, 4).result() == 8


@pytest.mark.parametrize(("function", "words"), [(pieces.refused, "at least 5"), (pieces.full, "not enough memory")])
def test_errors_come_back_as_words(shared: WorkQueue, function: Callable[..., None], words: str) -> None:
    before = pid(shared)
    with pytest.raises(UserError, match=words):
        ask(shared, function).result()
    assert pid(shared) == before


def test_a_fault_of_the_program_is_logged_with_its_traceback(
    queue: WorkQueue, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError, match="fault of the program"):
        ask(queue, pieces.wrong).result()
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_what_a_piece_needs_is_asked_for_as_the_next_of_its_line_and_held_no_longer(
    shared: WorkQueue, tmp_path: Path
) -> None:
    asked: list[int] = []

    def arguments() -> tuple[int]:
        asked.append(threading.get_ident())
        return (3,)

    go = str(tmp_path / "go")
    busy(shared, go)
    ask(shared, pieces.doubled, 1)
    work = shared.submit("late", pieces.doubled, arguments, owner="a")
    assert not asked
    Path(go).touch()
    assert work.result() == 6
    assert len(asked) == 1
    assert work.arguments is not arguments
    assert work.given is None


def test_an_argument_that_cannot_be_had_fails_its_piece(shared: WorkQueue) -> None:
    def arguments() -> tuple[int]:
        raise AwayError("a.wav cannot be read now.")

    with pytest.raises(AwayError, match=r"a\.wav cannot be read"):
        shared.submit("away", pieces.doubled, arguments, owner="a").result()


class Bytes(bytearray):
    """Bytes that can be referred to weakly."""


@pytest.mark.parametrize("readable", [True, False])
def test_nothing_of_the_last_piece_is_held_once_who_asked_for_it_has_gone(shared: WorkQueue, readable: bool) -> None:
    held: list[weakref.ref[Bytes]] = []

    def arguments() -> tuple[int]:
        data = Bytes(1_000)
        held.append(weakref.ref(data))
        if not readable:
            decode.decode(bytes(data), name="a.wav")
        return (len(data),)

    work = shared.submit("last", pieces.doubled, arguments, owner="a", keep=False)
    work.wait()
    assert (work.error is None) == readable
    assert work.error is None or work.error.__traceback__ is None
    until(lambda: gc.collect() >= 0 and held[0]() is None)
    gone = weakref.ref(work)
    del work
    until(lambda: gc.collect() >= 0 and gone() is None)


def test_a_piece_whose_arguments_take_long_holds_up_its_own_line_alone(shared: WorkQueue) -> None:
    go = threading.Event()

    def slow() -> tuple[int]:
        assert go.wait(PATIENCE)
        return (1,)

    first = shared.submit("slow", pieces.doubled, slow, owner="a")
    behind = ask(shared, pieces.doubled, 2)
    assert [ask(shared, pieces.doubled, n, owner="b").result() for n in (3, 4)] == [6, 8]
    assert (first.state, behind.state) == ("waiting", "waiting")
    first.cancel("a")  # another one of the same owner waits for the thread to come back
    assert first.ended
    go.set()
    assert behind.result() == 4


class NoThread(threading.Thread):
    """A thread that the system does not start."""

    def start(self) -> None:
        raise RuntimeError("can't start new thread")


def test_what_there_is_no_thread_for_fails_and_holds_up_nobody(
    queue: WorkQueue, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as patch, pytest.raises(AwayError, match="no thread left"):
        patch.setattr(threading, "Thread", NoThread)
        ask(queue, pieces.doubled, 1, key="first")
    assert queue.find("first") is None
    work = busy(queue, str(tmp_path / "go"))
    waiting = [ask(queue, pieces.doubled, n) for n in range(3)]
    until(lambda: waiting[0].given)
    with monkeypatch.context() as patch:
        patch.setattr(threading, "Thread", NoThread)
        with pytest.raises(AwayError, match="no thread left"):
            ask(queue, pieces.doubled, 1, owner="b").result()
        (tmp_path / "go").touch()
        assert work.wait(PATIENCE)
        assert waiting[0].result() == 0
        for one in waiting[1:]:  # looked at when the first one began
            with pytest.raises(AwayError, match="no thread left"):
                one.result()
    assert ask(queue, pieces.doubled, 2).result() == 4


def test_a_piece_that_nobody_could_look_after_is_ended_at_once(
    queue: WorkQueue, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "pid"
    work = ask(queue, pieces.deaf, str(file))
    until(lambda: file.exists() and file.read_text())
    monkeypatch.setattr(threading, "Timer", lambda *given: NoThread())
    work.cancel("a")
    assert not psutil.pid_exists(int(file.read_text()))


def test_an_error_between_two_pieces_ends_neither_the_kind_nor_the_wait(
    queue: WorkQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = WorkQueue._begin

    def broken(queue: WorkQueue, owner: str, work: Work) -> Work:
        begin(queue, owner, work)
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(WorkQueue, "_begin", broken)
        with pytest.raises(UserError, match="fault of the program"):
            ask(queue, pieces.doubled, 1).result()
    assert ask(queue, pieces.doubled, 2).result() == 4


@pytest.mark.parametrize("way", ["leave", "cancel"])
def test_who_gives_up_many_pieces_begins_none_of_them(queue: WorkQueue, tmp_path: Path, way: str) -> None:
    begun: list[int] = []

    def arguments(n: int) -> tuple[int]:
        begun.append(n)
        return (n,)

    busy(queue, str(tmp_path / "go"))
    many = [queue.submit(n, pieces.doubled, partial(arguments, n), owner="a") for n in range(50)]
    until(lambda: many[0].given)
    queue.leave("a") if way == "leave" else background.cancel(many, "a")
    assert {work.state for work in many} == {"cancelled"}
    (tmp_path / "go").touch()
    assert ask(queue, pieces.doubled, 2, owner="b").result() == 4
    assert begun == [0]


def test_who_closes_a_queue_leaves_nobody_waiting(queue: WorkQueue, tmp_path: Path) -> None:
    busy(queue, str(tmp_path / "never"))
    waiting = ask(queue, pieces.doubled, 1)
    process = queue._process
    queue.close()
    assert waiting.wait(PATIENCE)
    assert waiting.state == "cancelled"
    assert process is not None
    assert not process.alive
    with pytest.raises(AwayError, match="stopping"):
        ask(queue, pieces.doubled, 1)


def test_there_are_no_more_queues_once_they_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_QUEUES", {})
    queue = background.queue_of(KIND)
    background.leave("a")
    background.close()
    assert queue._closed
    background.leave("a")
    with pytest.raises(AwayError, match="stopping"):
        background.queue_of(KIND)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_beside_a_piece_ends_neither_the_kind_nor_the_wait(
    queue: WorkQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(queue, "_do", lambda work: 1 / 0)
        with pytest.raises(UserError, match="fault of the program"):
            ask(queue, pieces.doubled, 1).result()
    with monkeypatch.context() as patch:
        patch.setattr(queue, "_over", lambda *given, **named: 1 / 0)
        ask(queue, pieces.doubled, 1).wait(1)
        thread = queue._thread
        assert thread is not None
        thread.join(PATIENCE)
    assert ask(queue, pieces.doubled, 2).result() == 4


def test_a_process_is_warmed_once(queue: WorkQueue, tmp_path: Path) -> None:
    file = tmp_path / "names"

    def warm() -> None:
        queue.warm("names", pieces.noted, lambda: (str(file), "warm"), owner="a")
        ask(queue, pieces.process).result()

    warm()
    warm()
    assert file.read_text().split() == ["warm"]
    queue._let_go()
    warm()
    warm()
    assert file.read_text().split() == ["warm"] * 2


def test_what_is_given_up_while_its_process_starts_is_stopped(
    queue: WorkQueue, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(background_process, "STOP_SECONDS", 0.1)
    start, given_up = WorkQueue._warm, threading.Event()

    def slowly(queue: WorkQueue) -> WorkerProcess:
        threading.Thread(target=lambda: (work.cancel("a"), given_up.set())).start()
        time.sleep(0.2)
        return start(queue)

    with monkeypatch.context() as patch:
        patch.setattr(WorkQueue, "_warm", slowly)
        work = ask(queue, pieces.deaf, str(tmp_path / "pid"))
        assert given_up.wait(PATIENCE)
    assert work.state == "cancelled"
    assert ask(queue, pieces.doubled, 2).result() == 4


def test_another_piece_is_not_stopped_in_place_of_one_that_has_ended(
    queue: WorkQueue, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(background_process, "STOP_SECONDS", 0.1)
    before = pid(queue)
    assert queue._process is not None
    queue._process.stop(queue._process.number)
    busy(queue, str(tmp_path / "go"))
    time.sleep(0.3)
    (tmp_path / "go").touch()
    assert pid(queue) == before


def test_what_libraries_print_is_no_answer(shared: WorkQueue) -> None:
    assert ask(shared, pieces.talkative).result() == "heard"


def test_results_are_kept_up_to_their_bytes(shared: WorkQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "RESULT_BYTES", 5_000_000)
    for name in "wxyz":
        ask(shared, pieces.array, 2_000_000, key=name).result()
    assert [shared.find(name) is not None for name in "wxyz"] == [False, False, True, True]
    mine = shared.submit("mine", pieces.doubled, lambda: (1,), owner="a", keep=False)
    assert mine.result() == 2
    assert shared.find("mine") is None
    ask(shared, pieces.array, 9_000_000, key="large").result()
    assert shared.find("large") is not None


def test_an_idle_process_is_ended(queue: WorkQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "IDLE", 0.1)
    first = pid(queue)
    until(lambda: not psutil.pid_exists(first))
    assert pid(queue) != first


KILLED = """
import sys, time
from bstviz.jobs.background import Kind, WorkQueue
from tests.jobs import pieces
queue = WorkQueue(Kind("test"))
queue.submit("deaf", pieces.deaf, lambda: (sys.argv[1],), owner="a")
time.sleep(600)
"""


def test_the_process_ends_with_the_one_that_started_it_however_that_ends(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, "-c", KILLED, str(file)])
    until(lambda: file.exists() and file.read_text())
    worker = psutil.Process(int(file.read_text()))
    parent.kill()
    parent.wait()
    assert not psutil.wait_procs([worker], timeout=PATIENCE)[1]
