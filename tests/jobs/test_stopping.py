"""Each process that is stopped is one of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
import pytest

from bstviz.jobs import stopping

BUSY = """
import subprocess, sys, threading, time
from bstviz.jobs import stopping
stopping.raise_when_stopped()
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
threading.Thread(target=time.sleep, args=(600,)).start()
print(child.pid, flush=True)
time.sleep(600)
"""


def running(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process at once")
@pytest.mark.parametrize("number", stopping.SIGNALS)
def test_a_process_whose_threads_go_on_is_ended_with_its_children(number: signal.Signals) -> None:
    process = subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.send_signal(number)
    process.communicate(timeout=stopping.GRACE + 10)
    assert process.returncode == 128 + number
    assert not running(child)


def test_a_stop_is_no_error_that_code_would_catch() -> None:
    assert not issubclass(stopping.Stopped, Exception)
    assert stopping.Stopped(signal.SIGTERM).status == 143
