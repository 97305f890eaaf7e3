"""What a decoder process may still do once it has loaded what it needs: read and write its pipes, manage its own memory
and threads, and end.

Two fences, each as far as the system has it:

- limits of memory, written files, open files and core dumps, and of processor time for each file (POSIX; macOS does not
  enforce the one of memory);
- a filter of system calls (Linux on x86-64 and AArch64): all others fail as if the kernel did not have them. No file
  is opened, no socket made, no program started, no other process touched.

Source: seccomp(2), "Linux Socket Filtering" (BPF) in the kernel's documentation, and its tables of system calls.
"""

from __future__ import annotations

import ctypes
import platform
import sys
import time
from contextlib import suppress
from dataclasses import dataclass

from bstviz import paths

MEMORY = 2**30
"""Bytes that a decoder process may allocate where the settings do not say; the longest sounds that are held need about
half of it."""
OPEN_FILES = 16

CALLS = {  # by name: number on x86-64, on AArch64
    "brk": (12, 214),
    "clock_getres": (229, 114),
    "clock_gettime": (228, 113),
    "clock_nanosleep": (230, 115),
    "close": (3, 57),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "fcntl": (72, 25),
    "fstat": (5, 80),
    "futex": (202, 98),
    "getpid": (39, 172),
    "getrandom": (318, 278),
    "getrusage": (98, 165),
    "gettid": (186, 178),
    "gettimeofday": (96, 169),
    "lseek": (8, 62),
    "madvise": (28, 233),
    "membarrier": (324, 283),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "mremap": (25, 216),
    "munmap": (11, 215),
    "nanosleep": (35, 101),
    "ppoll": (271, 73),
    "poll": (7, None),
    "read": (0, 63),
    "readv": (19, 65),
    "restart_syscall": (219, 128),
    "rseq": (334, 293),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sched_getaffinity": (204, 123),
    "sched_yield": (24, 124),
    "set_robust_list": (273, 99),
    "sigaltstack": (131, 132),
    "sysinfo": (99, 179),
    "write": (1, 64),
    "writev": (20, 66),
}
"""What a decoder process may ask of the kernel."""


@dataclass(frozen=True)
class _Machine:
    """A processor's own numbers: what the kernel calls it, and its calls that need a closer look."""

    audit: int
    seccomp: int
    clone: int
    prlimit: int
    column: int


MACHINES = {
    "x86_64": _Machine(audit=0xC000003E, seccomp=317, clone=56, prlimit=302, column=0),
    "aarch64": _Machine(audit=0xC00000B7, seccomp=277, clone=220, prlimit=261, column=1),
}
OTHER_NUMBERS = 0x40000000  # from here on, x86-64's second numbering of the same calls

LOAD, IF_EQUAL, IF_AT_LEAST, IF_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, NO_SUCH_CALL = 0x7FFF0000, 0x80000000, 0x00050000 | 38  # ENOSYS, upon which libc takes another way, if any
CALL_NUMBER, AUDIT, FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
CLONE_THREAD = 0x10000
SET_FILTER, ALL_THREADS, NO_NEW_PRIVILEGES = 1, 1, 38  # of seccomp(2) and prctl(2)


class _Step(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("steps", ctypes.c_ushort), ("first", ctypes.POINTER(_Step)))


def memory() -> int:
    """Bytes that a decoder process may allocate; UserError where the setting is no number."""
    return 2**20 * paths.limit(paths.DECODE_MEGABYTES_VARIABLE, MEMORY // 2**20)


def confine() -> bool:
    """Put up the fences around this process, for good; one that the system does not have is left out.

    Returns:
        Whether the filter of system calls stands, where the system should have it.
    """
    if sys.platform != "win32":
        import resource

        limits = {"RLIMIT_DATA": memory(), "RLIMIT_FSIZE": 0, "RLIMIT_NOFILE": OPEN_FILES, "RLIMIT_CORE": 0}
        for name, limit in limits.items():
            with suppress(AttributeError, ValueError, OSError):
                resource.setrlimit(getattr(resource, name), (limit, limit))
    machine = MACHINES.get(platform.machine())
    if sys.platform == "linux" and machine is not None and sys.maxsize > 2**32:
        return _filter_calls(machine)
    return True


def allow_seconds(seconds: int) -> None:
    """Let the system end this process when it has used so many more seconds of processor time, where it does that."""
    if sys.platform != "win32":
        import resource

        with suppress(ValueError, OSError):
            hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
            resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + 1 + seconds, hard))


def _filter_calls(machine: _Machine) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    steps = _steps(machine)
    program = _Program(len(steps), (_Step * len(steps))(*steps))
    none = ctypes.c_ulong(0)
    kept = libc.prctl(NO_NEW_PRIVILEGES, ctypes.c_ulong(1), none, none, none) == 0
    number, what, threads = ctypes.c_long(machine.seccomp), ctypes.c_ulong(SET_FILTER), ctypes.c_ulong(ALL_THREADS)
    return bool(libc.syscall(number, what, threads, ctypes.byref(program)) == 0 and kept)


def _steps(machine: _Machine) -> list[_Step]:
    """The filter, run at every system call: all of :data:`CALLS`, new threads, and limits of this process itself."""
    steps = [
        _Step(LOAD, 0, 0, AUDIT),
        _Step(IF_EQUAL, 1, 0, machine.audit),
        _Step(RETURN, 0, 0, KILL),
        _Step(LOAD, 0, 0, CALL_NUMBER),
        _Step(IF_AT_LEAST, 0, 1, OTHER_NUMBERS),
        _Step(RETURN, 0, 0, NO_SUCH_CALL),
    ]
    for numbers in CALLS.values():
        number = numbers[machine.column]
        if number is not None:
            steps += [_Step(IF_EQUAL, 0, 1, number), _Step(RETURN, 0, 0, ALLOW)]
    for number, test in ((machine.clone, (IF_BIT, CLONE_THREAD)), (machine.prlimit, (IF_EQUAL, 0))):
        steps += [
            _Step(IF_EQUAL, 0, 4, number),
            _Step(LOAD, 0, 0, FIRST_ARGUMENT),
            _Step(test[0], 0, 1, test[1]),
            _Step(RETURN, 0, 0, ALLOW),
            _Step(RETURN, 0, 0, NO_SUCH_CALL),
        ]
    return [*steps, _Step(RETURN, 0, 0, NO_SUCH_CALL)]
