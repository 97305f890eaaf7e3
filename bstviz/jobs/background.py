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

Long because the lines, the process and the arguments of a queue change together, under one lock.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from bstviz import log
from bstviz.errors import AwayError, UserError, in_words
from bstviz.jobs.background_process import FaultError, WorkerEndedError, WorkerProcess
from bstviz.jobs.fastest import cores

Function = Callable[..., Any]
Arguments = Callable[[], tuple[Any, ...]]
State = Literal["waiting", "running", "done", "failed", "cancelled"]
RESULT_BYTES = 128 * 2**20
"""Bytes of results that are kept of a kind, those asked for last; the newest one is kept whatever its size."""
NEXT_READY = 4
"""Owners for whom the arguments of their next piece are made ready at once."""
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
    threads: int = max(1, cores() // 2)


class Work:
    """A piece of work that was asked for (:meth:`WorkQueue.submit`). Any thread may look at it.

    Attributes:
        queue: That it was asked of.
        key: What it is known by, among all of its kind.
        state: ``waiting`` in the queue, ``running``, or ended: ``done``, ``failed`` or ``cancelled``.
        share: How much of it is done, 0 to 1, as it reports.
        words: What it is doing now, as it reports.
    """

    def __init__(self, queue: WorkQueue, key: Hashable, function: Function, arguments: Arguments, keep: bool) -> None:
        self.queue, self.key = queue, key
        self.state: State = "waiting"
        self.share, self.words = 0.0, ""
        self.function, self.arguments, self.keep = function, arguments, keep
        self.owners: set[str] = set()
        self.given: tuple[Any, ...] | None = None  # the arguments, once they are ready
        self.size = 0  # bytes of the result
        self._ended = threading.Event()
        self._value: Any = None
        self._error: UserError | None = None

    def __repr__(self) -> str:
        return f"Work({self.queue.kind.name}, {self.state}, {self.share:.0%})"

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self._ended.is_set()

    @property
    def error(self) -> UserError | None:
        """Why there is no result of it, once it has failed or was cancelled."""
        if self.state == "cancelled":
            return AwayError("This was cancelled. Ask for it again when you want it.")
        if self._error is None:
            return None
        return type(self._error)(*self._error.args)  # a new one: raising it has it hold what it went through

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for its end, so long at most; returns whether it has ended."""
        return self._ended.wait(seconds)

    def before(self) -> int:
        """How many pieces are done before it, the one that is running among them; 0 where it is waiting no more."""
        return self.queue.before(self)

    def result(self) -> Any:
        """What came of it.

        Raises:
            UserError: It failed, or was cancelled; an AwayError where it may well succeed another time.
        """
        self._ended.wait()
        if (error := self.error) is not None:
            raise error
        return self._value

    def cancel(self, owner: str) -> None:
        """Give it up for one of its owners; it ends when nobody wants it any more."""
        self.queue.cancel([self], owner)

    def end(self, state: State, value: Any = None, error: UserError | None = None) -> None:
        """Say what came of it; for its queue."""
        self.state, self._value, self._error = state, value, error
        self.function, self.arguments, self.given = _nothing, tuple, None  # what it was to work on is held no longer
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
        self._preparing: dict[str, Work] = {}  # by owner: whose arguments a thread is making ready
        self._running: Work | None = None
        self._process: WorkerProcess | None = None
        self._started = 0  # processes so far
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
            arguments: Gives the arguments; called in a thread of this process when the piece is the next of its owner,
                for :data:`NEXT_READY` owners at once. The piece takes its turn when they are there: until then it holds
                up what the same owner asked for later, and nobody else's. A :class:`UserError` fails the piece. They
                and the result go by pickle to the worker and back.
            owner: Who asks: pieces of all owners take turns.
            keep: Whether others find the result later; else only this :class:`Work` holds it.

        Raises:
            AwayError: The queue is closed, or the system gives it no thread.
        """
        with self._lock:
            self._check_open()
            if (found := self._found(key)) is not None and (found.ended or owner in found.owners):
                return found
            if self._thread is None or not self._thread.is_alive():
                # a daemon that lasts as long as this process: Linux ends the worker with the thread that started it
                self._thread = _started(self._serve, name=f"background {self.kind.name}")
            work = found or Work(self, key, function, arguments, keep)
            work.owners.add(owner)
            self._pending[key] = work
            if work.state == "waiting":
                self._lines.setdefault(owner, deque()).append(work)
            self._look_ahead()
            self._lock.notify_all()
            return work

    def warm(self, key: Hashable, function: Function, arguments: Arguments, *, owner: str) -> None:
        """Have a piece done for what it leaves loaded in the process: once for each process, however often asked."""
        with self._lock:
            number = self._started + (
                self._process is None or not self._process.alive
            )  # the next one, if there is none
        self.submit(("warm", key, number), function, arguments, owner=owner)

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

    def cancel(self, works: Iterable[Work], owner: str) -> None:
        """Give up pieces for an owner, all at once: none of them is made ready meanwhile. See :meth:`Work.cancel`."""
        running = False
        with self._lock:
            for work in works:
                if owner not in work.owners or work.ended:
                    continue
                work.owners.discard(owner)
                self._take_out(work, owner)
                if not work.owners:
                    running |= work is self._running
                    self._end(work, "cancelled")
            self._look_ahead()
            process, number = self._process, self._process.number if self._process is not None else 0
        if running and process is not None:
            process.stop(number)

    def leave(self, owner: str, *, but: frozenset[Hashable] = frozenset()) -> None:
        """Give up all that an owner has asked for and is not done, but for the pieces of some keys."""
        with self._lock:
            own = [work for key, work in self._pending.items() if owner in work.owners and key not in but]
        self.cancel(own, owner)

    def close(self) -> None:
        """End the process, and begin nothing more: what is not done counts as cancelled."""
        with self._lock:
            self._closed = True
            for work in list(self._pending.values()):
                self._end(work, "cancelled")
            self._lines.clear()
            self._lock.notify_all()
            process, self._process = self._process, None
        if process is not None:
            process.end()

    def _check_open(self) -> None:
        if self._closed:
            raise AwayError(CLOSED)

    def _take_out(self, work: Work, owner: str) -> None:
        """Take a piece out of an owner's line, if it is in it; under the lock."""
        line = self._lines.get(owner, deque())
        if work in line:
            line.remove(work)
        if not line:
            self._lines.pop(owner, None)

    def _look_ahead(self) -> None:
        """Have the arguments of the next pieces made ready, of the owners whose turns come first; under the lock.

        Pieces for which there is no thread fail: nothing would come back to them.
        """
        busy = len(self._preparing) + sum(line[0].given is not None for line in self._lines.values())
        for owner in list(self._lines):
            while busy < NEXT_READY and owner not in self._preparing and (line := self._lines.get(owner)):
                work = line[0]
                if work in self._preparing.values() or work.given is not None:
                    break
                try:
                    _started(self._prepare, work, owner, name="arguments")
                except AwayError as error:
                    self._fail(work, error)
                else:
                    self._preparing[owner] = work
                    busy += 1

    def _prepare(self, work: Work, owner: str) -> None:
        given, error = None, None
        try:
            given = work.arguments()
        except Exception as other:
            error = self._told(other)
        with self._lock:
            if error is not None:
                self._fail(work, error)
            elif not work.ended:
                work.given = given
            del self._preparing[owner]
            self._look_ahead()
            self._lock.notify_all()

    def _fail(self, work: Work, error: UserError) -> None:
        """Say why nothing comes of a piece that waits; under the lock."""
        self._end(work, "failed", error=error)
        for one in work.owners:
            self._take_out(work, one)

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
        while not self._closed:
            try:
                if (work := self._next()) is not None:
                    start = time.monotonic()
                    self._do(work)
                    log.action(self.kind.name, seconds=time.monotonic() - start, state=work.state)
            except Exception as error:  # whatever it is: the next piece is done all the same
                told = self._told(error)
                if self._running is not None:
                    self._over(self._running, "failed", error=told)
            work = None  # what came of it is whose it is, and not held while the next one is waited for

    def _next(self) -> Work | None:
        """The piece whose turn it is, when there is one that can be begun; None when the queue is closed."""
        with self._lock:
            while not self._closed:
                for owner, line in self._lines.items():
                    if line[0].given is not None:
                        return self._begin(owner, line[0])
                if not self._lock.wait(IDLE) and not self._lines:
                    self._let_go()
        return None

    def _begin(self, owner: str, work: Work) -> Work:
        """Give an owner's next piece its turn; under the lock."""
        work.state, self._running = "running", work
        for one in work.owners:
            self._take_out(work, one)
        if owner in self._lines:
            self._lines[owner] = self._lines.pop(owner)  # behind all others
        self._look_ahead()
        return work

    def _do(self, work: Work) -> None:
        """Do a piece, and say what came of it."""
        state: State = "failed"
        value: Any = None
        error: UserError | None = None
        try:
            with self._lock:  # from here on, who gives it up finds the process and the piece's number
                function, arguments, work.given = work.function, work.given, None
                process = None if work.ended or arguments is None else self._warm()
                if process is not None:
                    process.take()
            if process is not None and arguments is not None:
                value, work.size = process.run(function, arguments, partial(_take, work))
                state = "done"
        except WorkerEndedError as ended:
            self._let_go()
            error = AwayError(
                f"The process for this was ended from outside (status {ended}), most often for want of memory. Ask for "
                "it again when less is running, or for less at a time."
            )
        except Exception as other:
            error = self._told(other)
        self._over(work, state, value, error)

    def _over(self, work: Work, state: State, value: Any = None, error: UserError | None = None) -> None:
        with self._lock:
            self._end(work, state, value, error)
            self._running = None

    def _told(self, error: Exception) -> UserError:
        """What is kept of an exception: another one, without the frames that it went through and all that they hold."""
        if isinstance(error, UserError):
            return type(error)(*error.args)
        words = in_words(error)
        if words is None:
            name = str(error) if isinstance(error, FaultError) else type(error).__name__
            log.warning("failed", kind=self.kind.name, error=name)
        return UserError(words or FAULT)

    def _warm(self) -> WorkerProcess:
        """The process, alive; under the lock."""
        self._check_open()
        if self._process is None or not self._process.alive:
            try:
                self._process = WorkerProcess(self.kind.niceness, self.kind.threads)
            except OSError as error:
                raise AwayError(
                    f"The process for this cannot be started now ({error.strerror or error}). Try again when less "
                    "is running."
                ) from None
            self._started += 1
        return self._process

    def _let_go(self) -> None:
        """End the process, if there is one; the next piece gets a new one. Under the lock or not."""
        process, self._process = self._process, None
        if process is not None:
            process.end()


CLOSED = "The server is stopping. Ask for this again when it is back."
FAULT = "This failed by a fault of the program; the server's log says more. Please report it."


def _nothing() -> None:
    """What an ended piece would still have to do."""


def _take(work: Work, share: float, words: str) -> None:
    work.share, work.words = share, words


def _started(function: Callable[..., None], *arguments: Any, name: str) -> threading.Thread:
    """A thread; AwayError where the system gives no more."""
    thread = threading.Thread(target=function, args=arguments, daemon=True, name=name)
    try:
        thread.start()
    except RuntimeError:
        raise AwayError("There is no thread left for this. Try again when less is running.") from None
    return thread


_QUEUES: dict[Kind, WorkQueue] | None = {}  # None once they are closed
_MAKING = threading.Lock()


def queue_of(kind: Kind) -> WorkQueue:
    """This process's queue of a kind; AwayError once all are closed."""
    with _MAKING:
        if _QUEUES is None:
            raise AwayError(CLOSED)
        return _QUEUES.setdefault(kind, WorkQueue(kind))


def cancel(works: Iterable[Work], owner: str) -> None:
    """Give up pieces, of whatever kind, for one of their owners: see :meth:`WorkQueue.cancel`."""
    by_queue: dict[WorkQueue, list[Work]] = {}
    for work in works:
        by_queue.setdefault(work.queue, []).append(work)
    for queue, own in by_queue.items():
        queue.cancel(own, owner)


def leave(owner: str) -> None:
    """Give up all that an owner has asked for and is not done, of whatever kind."""
    with _MAKING:
        queues = list((_QUEUES or {}).values())
    for queue in queues:
        queue.leave(owner)


def close() -> None:
    """End all worker processes, for good: what they were at and what waits counts as cancelled."""
    global _QUEUES
    with _MAKING:
        closing, _QUEUES = list((_QUEUES or {}).values()), None
    for queue in closing:
        queue.close()


atexit.register(close)
