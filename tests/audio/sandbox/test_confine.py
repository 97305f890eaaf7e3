"""A confined process, as it is started for decoding, that tries what it may not."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

linux = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"), reason="the filter is of Linux"
)
TRIES = {
    "read a file": "open('/etc/hostname').read()",
    "list a folder": "os.listdir('/')",
    "write a file": "os.open('new', os.O_CREAT | os.O_WRONLY)",
    "make a socket": "socket.socket()",
    "make a local socket": "socket.socket(socket.AF_UNIX)",
    "fork": "os.fork()",
    "start a program": "os.execv('/bin/true', ['true'])",
    "end another process": "os.kill(os.getppid(), 0)",
    "limit another process": "resource.prlimit(os.getppid(), resource.RLIMIT_CPU)",
    "take more memory": "bytearray(2 * confine.MEMORY)",
}
ALLOWED = {
    "end a thread": "t = threading.Thread(target=print); t.start(); t.join()",
    "take some memory": "bytearray(confine.MEMORY // 2)",
    "draw at random": "os.urandom(8)",
    "sleep": "time.sleep(0.001)",
}


def confined(code: str) -> subprocess.CompletedProcess[str]:
    """A process that is confined and then runs some code."""
    imports = "import os, resource, socket, threading, time\nfrom bstviz.audio.sandbox import confine\n"
    begin = "confine.confine()\n"
    return subprocess.run([sys.executable, "-c", imports + begin + code], capture_output=True, text=True, timeout=60)


@linux
def test_nothing_outside_can_be_touched() -> None:
    """All in one process: each try on a line of its own, with what it gave."""
    tries = "".join(
        f"try:\n    {code}\n    print({name!r}, 'DONE')\nexcept (OSError, MemoryError) as error:\n"
        f"    print({name!r}, type(error).__name__)\n"
        for name, code in TRIES.items()
    )
    lines = confined(tries).stdout.splitlines()
    assert len(lines) == len(TRIES)
    assert [line for line in lines if not line.endswith(("OSError", "MemoryError"))] == []
    assert lines[-1].endswith("MemoryError")


@linux
def test_memory_threads_and_clocks_stay() -> None:
    done = confined("\n".join(ALLOWED.values()) + "\nprint('all')")
    assert done.stdout.split() == ["all"], done.stderr


@linux
def test_a_program_for_another_kind_of_processor_is_ended() -> None:
    """The filter knows one numbering of calls; whoever uses another is not asked twice."""
    from bstviz.audio.sandbox import confine

    steps = confine._steps(confine.MACHINES[platform.machine()])
    assert (steps[0].code, steps[0].k) == (confine.LOAD, confine.AUDIT)
    assert (steps[2].code, steps[2].k) == (confine.RETURN, confine.KILL)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX")
def test_processor_time_is_limited_anew_for_each_file() -> None:
    spin = "confine.allow_seconds(1)\nwhile time.process_time() < 0.7: pass\n"
    done = confined(spin + spin.replace("0.7", "1.4") + "print('both')\nwhile True: pass")
    assert done.stdout == "" or done.stdout == "both\n"
    assert done.returncode == -24  # SIGXCPU
