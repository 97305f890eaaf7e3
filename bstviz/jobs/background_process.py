"""A worker process: its two ends.

Both are this program, on this machine, with the same rights, so they speak by pickles, over two pipes:

=============================  =======================================
to the worker                  from it
=============================  =======================================
``run``, number, what to run   ``report``, number, share, words
``stop``, number               ``done`` or ``failed``, number, what
=============================  =======================================
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from bstviz.errors import AwayError, UserError, in_words
from bstviz.jobs import stopping
from bstviz.jobs.child import start_child
from bstviz.jobs.memory import give_memory_back, share_memory

STOP_SECONDS = 2.0
"""Seconds for a piece that was given up to report and be told so; then its process is ended."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
TIDY = 10.0
"""Seconds after which a worker gives free memory back, of sounds that are somebody's: between two pieces, if there is
work all the time.
"""
LIKELIER = 500  # of 1,000: where memory runs out, Linux ends a worker rather than the server
WORKER_START = "import sys; from bstviz.jobs.background_process import main; main(*map(int, sys.argv[1:]))"


class Report(Protocol):
    """Says how far a piece of work is: a share, 0 to 1, and what is being done; raises where it was given up."""

    def __call__(self, share: float, words: str = "") -> None: ...


class WorkerEndedError(Exception):
    """The process ended before it answered; the text is its exit status."""


class FaultError(Exception):
    """The function raised what is a fault of the program; the text is the error's name."""


class GivenUp(BaseException):  # no error: it passes what catches errors
    """Raised by ``report`` where nobody wants the result any more."""


class WorkerProcess:
    """A worker process. One thread at a time runs work in it; any may stop that.

    Args:
        niceness: Added to this process's.
        threads: Of its numeric libraries, where the environment does not say.
    """

    def __init__(self, niceness: int, threads: int) -> None:
        environment = {**dict.fromkeys(THREADS, str(threads)), **os.environ}
        self._process = start_child(WORKER_START, os.getpid(), niceness, environment=environment)
        self._requests, self._answers = cast(BinaryIO, self._process.stdin), cast(BinaryIO, self._process.stdout)
        self._sending = threading.Lock()
        self._turn = threading.Lock()  # held while what is run changes, or is ended
        self.number = 0
        self._busy = False

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its number among the system's processes."""
        return self._process.pid

    def take(self) -> None:
        """Give the next piece its number, under which it can be stopped from now on; :meth:`run` has to follow."""
        with self._turn:
            self.number += 1
            self._busy = True

    def run(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], report: Callable[[float, str], None]
    ) -> tuple[Any, int]:
        """Result of a function, and its size in bytes; of the piece that was taken last.

        Args:
            function: Of a module; called with the arguments, and ``report``.
            arguments: Whatever pickles.
            report: Called with what the function reports.

        Raises:
            UserError: Of the function; what the system refused it is one, too.
            FaultError: The function has a fault.
            WorkerEndedError: The process has ended.
        """
        try:
            self._send("run", self.number, pickle.dumps((function, arguments), pickle.HIGHEST_PROTOCOL))
            while True:
                kind, number, *rest = pickle.load(self._answers)
                if number != self.number:
                    continue
                if kind == "report":
                    report(*rest)
                elif kind == "done":
                    return pickle.loads(rest[0]), len(rest[0])
                else:
                    raise rest[0]
        except (EOFError, OSError, pickle.UnpicklingError):
            with suppress(OSError):
                self._process.kill()
            raise WorkerEndedError(str(self._process.wait())) from None
        finally:
            with self._turn:
                self._busy = False

    def stop(self, number: int) -> None:
        """Give up what is run under a number, without waiting for its end."""

        def end() -> None:
            with self._turn:  # so that it is no other piece's process by then
                if self._busy and self.number == number:
                    self.end()

        timer = threading.Timer(STOP_SECONDS, end)
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError:  # there is no thread that would look whether it has stopped
            end()
        with suppress(OSError, ValueError):
            self._send("stop", number)

    def end(self) -> None:
        """End it, and what it has started."""
        children = stopping.children(self.pid) if self.alive else []
        with suppress(OSError):
            self._process.kill()  # first, as it might start more
        stopping.end_all(children)
        self._process.wait()

    def _send(self, *message: Any) -> None:
        with self._sending:
            pickle.dump(message, self._requests, pickle.HIGHEST_PROTOCOL)
            self._requests.flush()


def main(parent: int, niceness: int) -> None:
    """Do what standard input asks, one piece at a time, and answer on standard output, until the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal's whole group; who started this process ends it
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)  # what libraries print is no answer
    os.close(nowhere)
    stopping.end_with(parent)
    share_memory()
    if hasattr(os, "nice"):
        os.nice(niceness)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(LIKELIER), encoding="ascii")
    pieces: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
    given_up: set[int] = set()
    threading.Thread(target=_listen, args=(requests, pieces, given_up), daemon=True).start()

    def send(*message: Any) -> None:
        pickle.dump(message, answers, pickle.HIGHEST_PROTOCOL)
        answers.flush()

    tidied = time.monotonic()
    with suppress(OSError):  # nobody listens any more
        while True:
            try:
                piece = pieces.get(timeout=TIDY)
            except queue.Empty:
                give_memory_back()
                piece = pieces.get()
            send(*_answer(*piece, given_up, send))
            del piece
            if time.monotonic() - tidied > TIDY:
                give_memory_back()
                tidied = time.monotonic()
    os._exit(0)


def _listen(requests: BinaryIO, pieces: queue.SimpleQueue[tuple[int, bytes]], given_up: set[int]) -> None:
    """Take what the parent says, while work is done, too; without a parent, end."""
    try:
        while True:
            kind, number, *what = pickle.load(requests)
            if kind == "run":
                given_up.intersection_update({number})  # it may have been given up already
                pieces.put((number, what.pop()))  # this thread holds it no longer
            else:
                given_up.add(number)
    except (EOFError, OSError):
        os._exit(0)


def _answer(number: int, what: bytes, given_up: set[int], send: Callable[..., None]) -> tuple[Any, ...]:
    def report(share: float, words: str = "") -> None:
        if number in given_up:
            raise GivenUp
        send("report", number, float(share), words)

    try:
        function, arguments = pickle.loads(what)
        result = pickle.dumps(function(*arguments, report=report), pickle.HIGHEST_PROTOCOL)
        return "done", number, result
    except GivenUp:
        return "failed", number, AwayError("This was cancelled.")
    except UserError as error:
        return "failed", number, type(error)(*error.args)
    except Exception as error:
        words = in_words(error)
        if words is None:
            traceback.print_exc()
        return "failed", number, UserError(words) if words is not None else FaultError(type(error).__name__)
