"""Processes of this program's own that it speaks with over two pipes, and that end with it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping


def start_child(code: str, *arguments: int, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """A Python process that imports what this one imports, with pipes for its standard input and output.

    Args:
        code: What it runs.
        arguments: Its ``sys.argv[1:]``.
        environment: Its variables, but for those that say where modules are and that text is UTF-8.

    Raises:
        OSError: The system starts none now.
    """
    modules = {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)), "PYTHONUTF8": "1"}
    return subprocess.Popen(
        [sys.executable, "-P", "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**environment, **modules},
    )
