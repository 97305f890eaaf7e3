"""The decoder processes of this process: started when they are first needed, kept warm, and replaced where a file has
ended one.

Each takes one file at a time. It ends with this process, however that ends: it hangs on a pipe that closes then.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import BinaryIO, TypeVar, cast

from bstviz import log, paths
from bstviz.audio.repair import MAX_SECONDS
from bstviz.audio.sandbox import messages
from bstviz.audio.sandbox.confine import memory
from bstviz.audio.sandbox.messages import Header
from bstviz.audio.sound import FULL_RATE
from bstviz.errors import AwayError, UserError
from bstviz.jobs.child import start_child
from bstviz.jobs.fastest import cores

PROCESSES = max(2, min(cores(), 4))
FILES_EACH = 1_000
"""Files after which a process is replaced, and with it what its libraries have lost track of."""
FILE_SECONDS, BYTES_A_SECOND = 10, 5 * 2**20
"""Processor time for a file where the settings do not say, and how many of its bytes give it a second more."""
CLOCK_SECONDS = 3
"""Seconds of the clock for each of them: the machine may be busy with other work."""
ANSWER = round(4 * MAX_SECONDS * FULL_RATE)
"""Bytes of an answer at most: the samples of the longest sound that is held."""
STARTING = 60.0  # seconds of the clock in which a process has to have loaded its libraries
PASSED_ON = (
    "PATH",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "LANG",
    "LC_ALL",
    paths.DECODE_MEGABYTES_VARIABLE,
)
"""Variables that a decoder process gets; none of those in which people keep passwords and keys."""
ENDING = 5.0  # seconds of the clock for a process that has closed its pipe to be gone
OUTSIDE = (-signal.SIGTERM, -getattr(signal, "SIGKILL", signal.SIGTERM), -getattr(signal, "SIGHUP", signal.SIGTERM))
"""Exit statuses of a process that somebody else has ended: the system for want of memory, or who ends its group."""
NO_TIME = getattr(signal, "SIGXCPU", None)
START = "from bstviz.audio.sandbox.process import main; main()"


Answer = TypeVar("Answer")


class EndedError(Exception):
    """A decoder process ended before it answered, or said what makes no sense."""


class NotStartedError(EndedError):
    """It ended before it was ready for a file."""


class Process:
    """One decoder process. Only one thread talks to it at a time."""

    def __init__(self) -> None:
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._process = start_child(START, environment=environment)
        self._requests, self._answers = cast(BinaryIO, self._process.stdin), cast(BinaryIO, self._process.stdout)
        self._ready = self.timed_out = self.ended_from_outside = False
        self.files = 0

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def ask(self, what: str, file: BinaryIO, size: int, shown: str) -> tuple[Header, bytearray]:
        """The process's answer about a file.

        Args:
            what: A key of :data:`bstviz.audio.sandbox.process.QUESTIONS`.
            file: Read where the process wants it.
            size: Of the file, in bytes.
            shown: Name for messages.

        Raises:
            AwayError: The file cannot be read.
            EndedError: There is no answer.
        """
        try:
            if not self._ready:
                with self._ended_after(STARTING):
                    said = self._received()[0]
                    self._ready = said["ready"]
                    if not said.get("confined", True):
                        _warn()
        except (EOFError, OSError, ValueError, KeyError) as error:
            raise NotStartedError(str(error)) from None
        self.files += 1
        try:
            with self._ended_after(CLOCK_SECONDS * seconds_for(size)):
                asked: Header = {"do": what, "name": shown, "size": size, "seconds": seconds_for(size)}
                part = _read(file, 0, min(size, messages.PART_BYTES), shown)
                while True:
                    messages.send(self._requests, asked, part)
                    header, body = self._received()
                    if "offset" not in header:
                        return header, body
                    asked, part = {}, _read(file, int(header["offset"]), int(header["bytes"]), shown)
        except (UserError, MemoryError):
            raise
        except (EOFError, OSError) as error:
            with suppress(subprocess.TimeoutExpired):
                self.ended_from_outside = self._process.wait(ENDING) in OUTSIDE
            raise EndedError(str(error)) from None
        except Exception as error:  # numbers without bounds, lists within lists: what it says is a stranger's
            raise EndedError(str(error)) from None

    def _received(self) -> tuple[Header, bytearray]:
        return messages.receive(self._answers, at_most=ANSWER)

    @contextmanager
    def _ended_after(self, seconds: float) -> Iterator[None]:
        """Context in which the process is ended when the clock has gone so far."""

        def end() -> None:
            self.timed_out = True
            self._process.kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def end(self) -> int:
        """End it; returns its exit status, where a signal ended it that signal's negative number."""
        with suppress(OSError):
            self._process.kill()
        for pipe in (self._requests, self._answers):
            with suppress(OSError):  # what was not sent yet
                pipe.close()
        return self._process.wait()


class Pool:
    """Processes for one file each at a time.

    Args:
        processes: How many there are at most; who comes when all are busy waits.
    """

    def __init__(self, processes: int = PROCESSES) -> None:
        self._most = processes
        self.forget()

    def forget(self) -> None:
        """Begin anew, as a child must that was forked from the process whose pipes these are."""
        self._turns = threading.BoundedSemaphore(self._most)
        self._lock = threading.Lock()
        self._idle: list[Process] = []
        self._all: set[Process] = set()

    def warm(self) -> None:
        """Start a process, if there is none, without waiting for it."""
        with self._lock:
            if not self._all:
                self._idle.append(self._started())

    def renew(self) -> None:
        """End every process that has had a file, and with it what it holds of the file, now or when it has answered."""
        with self._lock:
            used = [process for process in self._idle if process.files]
            self._idle = [process for process in self._idle if not process.files]
            self._all.difference_update(used)
            for busy in self._all.difference(self._idle):
                busy.files = FILES_EACH
        for process in used:
            process.end()
        if used:
            self.warm()

    def ask(
        self, what: str, file: BinaryIO, size: int, shown: str, take: Callable[[Header, bytearray], Answer]
    ) -> Answer:
        """What a decoder process says about a file.

        Args:
            what: A key of :data:`bstviz.audio.sandbox.process.QUESTIONS`.
            file: Read where the process wants it.
            size: Of the file, in bytes.
            shown: Name for messages.
            take: Makes of the answer's header and body what is returned; raises where they make no sense.

        Raises:
            AwayError: The file cannot be read now, or there is not the time or no process to decode it.
            UserError: The decoders refuse the file, or it has ended the process.
        """
        with self._turns:
            process = self._taken()
            good = False
            try:
                header, body = process.ask(what, file, size, shown)
                if "problem" in header:
                    good = True
                    raise UserError(str(header["problem"]))
                if "memory" in header:
                    raise UserError(
                        f"{shown} could not be decoded within {memory() / 2**20:,.0f} MB of memory: it is damaged, or "
                        "too large. Convert it with another program and try again."
                    )
                answer = take(header, body)
                good = True
                return answer
            except NotStartedError:
                raise AwayError(
                    "No sound can be decoded: the process for it ends at its start (what it says stands in the log, "
                    f"status {self._ended(process)}). Install bstviz again."
                ) from None
            except (UserError, MemoryError):
                raise
            except Exception:  # also of ``take``
                status = self._ended(process)
                raise _refusal(
                    shown, seconds_for(size), status, process.timed_out, process.ended_from_outside
                ) from None
            finally:
                if good and not process.timed_out and process.files < FILES_EACH:
                    with self._lock:
                        self._idle.append(process)
                else:
                    self._ended(process)

    def _taken(self) -> Process:
        """An idle process, or a new one."""
        with self._lock:
            while self._idle:
                process = self._idle.pop()
                if process.alive:
                    return process
                self._all.discard(process)
            return self._started()

    def _started(self) -> Process:
        try:
            for setting in (memory, lambda: seconds_for(0)):
                setting()
        except UserError as error:  # of the settings: no file's fault
            raise AwayError(str(error)) from None
        try:
            process = Process()
        except OSError as error:
            raise AwayError(
                f"No sound can be decoded now: the process for it cannot be started ({error.strerror or error})."
            ) from None
        self._all.add(process)
        return process

    def _ended(self, process: Process) -> int:
        """End a process; returns its exit status."""
        with self._lock:
            self._all.discard(process)
        return process.end()

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            ending, self._all, self._idle = self._all, set(), []
        for process in ending:
            process.end()


@cache
def _warn() -> None:
    """Log once that the system refused the fence of system calls."""
    log.warning("decoder-not-confined")


def seconds_for(size: int) -> int:
    """Seconds of processor time that a file of so many bytes may take."""
    return paths.limit(paths.DECODE_SECONDS_VARIABLE, FILE_SECONDS) + size // BYTES_A_SECOND


def _read(file: BinaryIO, offset: int, size: int, shown: str) -> bytes:
    """A part of a file; AwayError where it cannot be read."""
    if offset < 0 or not 0 <= size <= messages.PART_BYTES:
        raise ValueError(f"there is no part of {size} bytes at {offset}")
    try:
        file.seek(offset)
        return file.read(size)
    except OSError as error:
        raise AwayError(f"{shown} could not be read: {error.strerror or error}.") from None


def _refusal(shown: str, seconds: int, status: int, timed_out: bool, from_outside: bool) -> UserError:
    """What to say of a file that has ended a decoder process."""
    if timed_out:
        return AwayError(
            f"{shown} was not decoded within {CLOCK_SECONDS * seconds} seconds. Try again when the machine is less "
            "busy, or convert the file with another program."
        )
    if from_outside:
        return AwayError(
            f"{shown} was not decoded: the process for it was ended from outside, most often for want of memory. Try "
            "again when less is running."
        )
    why = (
        f"takes more than {seconds} seconds of processor time" if NO_TIME and status == -NO_TIME else "ends the decoder"
    )
    return UserError(
        f"{shown} could not be decoded: it {why}, as damaged files may. Convert it with another program and try again."
    )


POOL = Pool()
"""That of this process."""
atexit.register(POOL.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=POOL.forget)
