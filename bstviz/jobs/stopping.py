"""Stopping: SIGTERM and Ctrl-C end this process and all that it has started within seconds, whatever they are doing.

What lasts is written so that a process may end at any moment, so nothing is waited for longer than that.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache, partial
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import psutil

GRACE = 3.0
"""From the signal until the process is ended, if it has not ended by itself."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)
DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


class Stopped(BaseException):  # no error, as KeyboardInterrupt is none
    """The process was asked to stop. It passes what catches errors, and context managers tidy up.

    Attributes:
        status: Exit status, as shells state it: 128 and the signal's number.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.status = 128 + number


def raise_when_stopped() -> None:
    """From now on either signal raises :class:`Stopped` in the main thread, and has to end the process in time."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as the shell has it of what runs in its background
            signal.signal(number, _raise)
    end_in_time()


def end_in_time() -> None:
    """From now on either signal, besides what it does already, ends this process within :data:`GRACE`.

    Only the main thread can ask for that; from another, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    pipe = _deadline()
    for number in SIGNALS:
        before = signal.getsignal(number)
        if callable(before) and getattr(before, "func", None) is not _begin:
            signal.signal(number, partial(_begin, pipe, before))


def children(of: int | None = None) -> list[psutil.Process]:
    """All processes that this one has started, or another one, and those that they have."""
    import psutil

    with suppress(psutil.Error):
        return psutil.Process(of).children(recursive=True)
    return []


def end_all(processes: Sequence[psutil.Process]) -> None:
    """End processes, and wait for their end, a second at most."""
    import psutil

    for process in processes:
        with suppress(psutil.Error):
            process.kill()
    with suppress(psutil.Error):
        psutil.wait_procs(processes, timeout=1)


def end_children() -> None:
    """End all processes that this one has started, and those that they have."""
    end_all(children())


def end_with(parent: int) -> None:
    """From now on the system ends this process when the thread that started it ends (Linux), whatever it is doing.

    Args:
        parent: Process that the thread is of; where that has ended already, this one ends now.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(DEATH_SIGNAL, ctypes.c_ulong(signal.SIGKILL))
        if os.getppid() != parent:
            os._exit(0)


def end(status: int) -> NoReturn:
    """End this process and its children now; what other threads do, and what Python tidies up at its end, is not waited
    for.
    """
    end_children()
    with suppress(OSError, ValueError):  # nobody may be reading any more
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


def _raise(number: int, frame: FrameType | None) -> None:
    raise Stopped(number)


def _begin(pipe: int, before: Any, number: int, frame: FrameType | None) -> None:
    """A signal's handler, which may interrupt any code: it takes no lock."""
    os.write(pipe, bytes([number]))
    before(number, frame)


@cache
def _deadline() -> int:
    """Pipe to a thread that ends this process :data:`GRACE` after a signal's number has been written to it."""
    following, pipe = os.pipe()

    def follow() -> None:
        number = os.read(following, 1)[0]
        time.sleep(GRACE)
        end(128 + number)

    threading.Thread(target=follow, daemon=True, name="deadline").start()
    return pipe
