"""Long work beside the pages: in worker processes of this one, which go on answering meanwhile.

Work of a kind is done one piece at a time, in a process of its own that is kept warm, has a lower priority and ends
with this one. Who asks gets a :class:`Work`, which says how far it is, how many pieces come before it, and its result.
The same piece asked for twice is one, whose result all get. Each owner, a visitor for example, has a line of their own,
and the lines take turns: a thousand pieces of one hold up another's by one.

    work = queue_of(MAPS).submit(key, fit, lambda: (latents, settings), owner=visitor)
    work.wait(2.0)
    work.result() if work.ended else work.share

A piece that is given up (:meth:`Work.cancel`) is told so when it next reports, and its process is ended where it does
not report in time. A process that ends otherwise fails the piece it was at; the next one gets a new process.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from bstviz import log
from bstviz.errors import AwayError, UserError, in_words
from bstviz.jobs.background_process import FaultError, WorkerEndedError, WorkerProcess

Function = Callable[..., Any]
Arguments = Callable[[], tuple[Any, ...]]
State = Literal["waiting", "running", "done", "failed", "cancelled"]
RESULT_BYTES = 128 * 2**20
"""Bytes of results that are kept of a kind, those asked for last; the newest one is kept whatever its size."""
IDLE = 600.0
"""Seconds after which a process that has nothing to do is ended, and its memory given back."""


@dataclass(frozen=True)
class Kind:
    """What is done one piece at a time, in a process of its own.

    Attributes:
        name: A word for the log, where it stands for the action.
        niceness: Added to that of this process, 0 to 19; at 19 it waits for nearly everything else.
        threads: Of its numeric libraries, where the environment does not say (``OMP_NUM_THREADS``, …).
    """

    name: str
    niceness: int = 10
    threads: int = max(1, (os.cpu_count() or 1) // 2)


class Work:
    """A piece of work that was asked for (:meth:`WorkQueue.submit`). Any thread may look at it.

    Attributes:
        key: What it is known by, among all of its kind.
        state: ``waiting`` in the queue, ``running``, or ended: ``done``, ``failed`` or ``cancelled``.
        share: How much of it is done, 0 to 1, as it reports.
        words: What it is doing now, as it reports.
    """

    def __init__(self, queue: WorkQueue, key: Hashable, function: Function, arguments: Arguments, keep: bool) -> None:
        self.key = key
        self.state: State = "waiting"
        self.share, self.words = 0.0, ""
        self.function, self.arguments, self.keep = function, arguments, keep
        self.owners: set[str] = set()
        self.size = 0  # bytes of the result
        self._queue, self._ended = queue, threading.Event()
        self._value: Any = None
        self._error: UserError | None = None

    def __repr__(self) -> str:
        return f"Work({self._queue.kind.name}, {self.state}, {self.share:.0%})"

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self._ended.is_set()

    @property
    def error(self) -> UserError | None:
        """Why there is no result of it, once it has failed or was cancelled."""
        if self.state == "cancelled":
            return AwayError("This was cancelled. Ask for it again when you want it.")
        return self._error

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for its end, so long at most; returns whether it has ended."""
        return self._ended.wait(seconds)

    def before(self) -> int:
        """How many pieces are done before it, the one that is running among them; 0 where it is waiting no more."""
        return self._queue.before(self)

    def result(self) -> Any:
        """What came of it.

        Raises:
            UserError: It failed, or was cancelled; an AwayError where it may well succeed another time.
        """
        self._ended.wait()
        if (error := self.error) is not None:
            raise type(error)(*error.args)
        return self._value

    def cancel(self, owner: str) -> None:
        """Give it up for one of its owners; it ends when nobody wants it any more."""
        self._queue.cancel(self, owner)

    def end(self, state: State, value: Any = None, error: UserError | None = None) -> None:
        """Say what came of it; for its queue."""
        self.state, self._value, self._error = state, value, error
        self.function, self.arguments = _nothing, tuple  # what it was to work on is held no longer
        self._ended.set()


class WorkQueue:
    """The pieces of one kind, and the process that does them.

    Args:
        kind: Of work.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self._lock = threading.Condition()
        self._lines: dict[str, deque[Work]] = {}  # of waiting pieces, by owner; the first one's turn is next
        self._pending: dict[Hashable, Work] = {}
        self._kept: OrderedDict[Hashable, Work] = OrderedDict()
        self._running: Work | None = None
        self._process: WorkerProcess | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(
        self,
        key: Hashable,
        function: Function,
        arguments: Arguments,
        *,
        owner: str,
        keep: bool = True,
    ) -> Work:
        """Ask for a piece of work, or for the one of the same key that is waiting, running, or done and kept.

        Args:
            key: What it is known by: everything that its result depends on.
            function: Of a module of the package; called in the worker process, with ``report`` besides the arguments:
                ``report(share, words="")`` says how far it is, 0 to 1, and raises where the work was given up.
            arguments: Gives the arguments, when their turn comes; called in a thread of this process, which waits for
                it. A :class:`UserError` fails the piece. They and the result go by pickle to the worker and back.
            owner: Who asks: pieces of all owners take turns.
            keep: Whether others find the result later; else only this :class:`Work` holds it.
        """
        with self._lock:
            if (found := self._found(key)) is not None and (found.ended or owner in found.owners):
                return found
            work = found or Work(self, key, function, arguments, keep)
            work.owners.add(owner)
            self._pending[key] = work
            if work.state == "waiting":
                self._lines.setdefault(owner, deque()).append(work)
            if self._thread is None:
                # a daemon that lasts as long as this process: Linux ends the worker with the thread that started it
                self._thread = threading.Thread(target=self._serve, daemon=True, name=f"background {self.kind.name}")
                self._thread.start()
            self._lock.notify_all()
            return work

    def find(self, key: Hashable) -> Work | None:
        """A piece that is waiting, running, or done and kept."""
        with self._lock:
            return self._found(key)

    def before(self, work: Work) -> int:
        """How many pieces are done before one, by what is asked for now."""
        with self._lock:
            lines = list(self._lines.values())
            turns = []
            for rank, line in enumerate(lines):
                if work in line:
                    own = line.index(work)  # before it, each other line has so many turns, and one more if it is ahead
                    others = (min(len(other), own + (i < rank)) for i, other in enumerate(lines) if i != rank)
                    turns.append(own + sum(others))
            return min(turns) + (self._running is not None) if turns else 0

    def cancel(self, work: Work, owner: str) -> None:
        """See :meth:`Work.cancel`."""
        with self._lock:
            if owner not in work.owners or work.ended:
                return
            work.owners.discard(owner)
            line = self._lines.get(owner, deque())
            if work in line:
                line.remove(work)
            if not line:
                self._lines.pop(owner, None)
            if work.owners:
                return
            running = work is self._running
            self._end(work, "cancelled")
            process, number = self._process, self._process.number if self._process is not None else 0
        if running and process is not None:
            process.stop(number)

    def leave(self, owner: str, *, but: frozenset[Hashable] = frozenset()) -> None:
        """Give up all that an owner has asked for and is not done, but for the pieces of some keys."""
        with self._lock:
            own = [work for key, work in self._pending.items() if owner in work.owners and key not in but]
        for work in own:
            self.cancel(work, owner)

    def close(self) -> None:
        """End the process, and begin nothing more."""
        with self._lock:
            self._closed = True
            process, self._process = self._process, None
        if process is not None:
            process.end()

    def _found(self, key: Hashable) -> Work | None:
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        return self._pending.get(key)

    def _end(self, work: Work, state: State, value: Any = None, error: UserError | None = None) -> None:
        """Say what came of a piece, and keep it if it is to be kept; under the lock."""
        if work.ended:
            return
        self._pending.pop(work.key, None)
        if state == "done" and work.keep:
            self._kept[work.key] = work
            while len(self._kept) > 1 and sum(kept.size for kept in self._kept.values()) > RESULT_BYTES:
                self._kept.popitem(last=False)
        work.end(state, value, error)

    def _serve(self) -> None:
        while (work := self._next()) is not None:
            start = time.monotonic()
            self._do(work)
            log.action(self.kind.name, seconds=time.monotonic() - start, state=work.state)

    def _next(self) -> Work | None:
        """The piece whose turn it is, when there is one; None when the queue is closed."""
        with self._lock:
            while not self._closed:
                for owner in list(self._lines):
                    line = self._lines.pop(owner)
                    work = line.popleft()
                    if line:
                        self._lines[owner] = line  # behind all others
                    if work.state == "waiting":  # who shares a piece may have had it done already
                        work.state, self._running = "running", work
                        return work
                if not self._lock.wait(IDLE) and not self._lines:
                    self._let_go()
        return None

    def _do(self, work: Work) -> None:
        """Do a piece, and say what came of it."""
        state: State = "failed"
        value: Any = None
        error: UserError | None = None
        try:
            function, arguments = work.function, work.arguments()
            if not work.ended:
                process = self._warm()
                value, work.size = process.run(function, arguments, partial(_take, work, process))
                state = "done"
        except WorkerEndedError as ended:
            self._let_go()
            error = AwayError(
                f"The process for this was ended from outside (status {ended}), most often for want of memory. Ask for "
                "it again when less is running, or for less at a time."
            )
        except Exception as other:
            words = in_words(other)
            error = other if isinstance(other, UserError) else UserError(words or FAULT)
            if words is None:
                name = str(other) if isinstance(other, FaultError) else type(other).__name__
                log.warning("failed", kind=self.kind.name, error=name)
        with self._lock:
            self._end(work, state, value, error)
            self._running = None

    def _warm(self) -> WorkerProcess:
        """The process, alive."""
        with self._lock:
            if self._process is None or not self._process.alive:
                try:
                    self._process = WorkerProcess(self.kind.niceness, self.kind.threads)
                except OSError as error:
                    raise AwayError(
                        f"The process for this cannot be started now ({error.strerror or error}). Try again when less "
                        "is running."
                    ) from None
            return self._process

    def _let_go(self) -> None:
        """End the process, if there is one; the next piece gets a new one. Under the lock or not."""
        process, self._process = self._process, None
        if process is not None:
            process.end()


FAULT = "This failed by a fault of the program; the server's log says more. Please report it."


def _nothing() -> None:
    """What an ended piece would still have to do."""


def _take(work: Work, process: WorkerProcess, share: float, words: str) -> None:
    work.share, work.words = share, words
    if work.ended:  # given up as it was begun
        process.stop(process.number)


_QUEUES: dict[Kind, WorkQueue] = {}
_MAKING = threading.Lock()


def queue_of(kind: Kind) -> WorkQueue:
    """This process's queue of a kind."""
    with _MAKING:
        return _QUEUES.setdefault(kind, WorkQueue(kind))


def close() -> None:
    """End all worker processes; what they were at fails, and what waits is never begun."""
    with _MAKING:
        closing = list(_QUEUES.values())
        _QUEUES.clear()
    for queue in closing:
        queue.close()


atexit.register(close)
