"""Nothing that only POSIX has is used unguarded: no such module, no such call."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import bstviz

MODULES = {"fcntl", "grp", "pty", "pwd", "resource", "spwd", "syslog", "termios", "tty"}
CALLS = {
    "os": {
        "chown",
        "chroot",
        "confstr",
        "fchmod",
        "fchown",
        "fork",
        "forkpty",
        "getegid",
        "geteuid",
        "getgid",
        "getgroups",
        "getloadavg",
        "getpgid",
        "getpgrp",
        "getpriority",
        "getresuid",
        "getsid",
        "getuid",
        "killpg",
        "lchown",
        "mkfifo",
        "nice",
        "posix_spawn",
        "sched_getaffinity",
        "sched_setaffinity",
        "setgid",
        "setpgid",
        "setsid",
        "setuid",
        "statvfs",
        "sysconf",
        "umask",
        "uname",
        "wait",
    },
    "signal": {
        "SIGALRM",
        "SIGCHLD",
        "SIGHUP",
        "SIGKILL",
        "SIGPIPE",
        "SIGUSR1",
        "SIGUSR2",
        "alarm",
        "pause",
        "setitimer",
    },
    "time": {"tzset"},
}
"""``os.umask`` is everywhere, but changes the mask of all threads."""
GUARDS = {"os.name", "sys.platform", "hasattr"}


def unguarded(tree: ast.AST) -> Iterator[str]:
    """Uses of what only POSIX has, outside of branches that ask for the system or for the name."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If | ast.IfExp) and any(guard in ast.unparse(node.test) for guard in GUARDS):
            continue
        if isinstance(node, ast.Import):
            yield from (f"import {name.name}" for name in node.names if name.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES | set(CALLS):
            named = MODULES if node.module in MODULES else CALLS[node.module]
            yield from (
                f"from {node.module} import {name.name}"
                for name in node.names
                if named is MODULES or name.name in named
            )
        elif isinstance(node, ast.Attribute) and node.attr in CALLS.get(ast.unparse(node.value), ()):
            yield ast.unparse(node)
        yield from unguarded(node)


def test_the_package_uses_nothing_that_only_posix_has() -> None:
    package = Path(bstviz.__file__).parent
    found = {
        f"{file.relative_to(package)}: {use}"
        for file in package.rglob("*.py")
        for use in unguarded(ast.parse(file.read_text(encoding="utf-8")))
    }
    assert not found


@pytest.mark.parametrize(
    ("source", "uses"),
    [
        ("import fcntl", ["import fcntl"]),
        ("from os import fork, path", ["from os import fork"]),
        ("def f():\n    os.kill(1, signal.SIGKILL)", ["signal.SIGKILL"]),
        ("n = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else 1", []),
        ("if os.name == 'nt':\n    pass\nelse:\n    os.getuid()", []),
        ("os.getuid()\nif os.name == 'nt':\n    pass", ["os.getuid"]),
    ],
)
def test_a_use_is_found_unless_guarded(source: str, uses: list[str]) -> None:
    assert list(unguarded(ast.parse(source))) == uses
