"""The app, or another script of Streamlit, served on this machine while somebody looks at it with a Chromium."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bstviz import paths

APP, API, SCRIPT = ("bstviz", "app"), ("bstviz", "serve"), ("streamlit", "run")
"""Commands that serve."""
OPTIONS = {
    APP: ["--port={}"],
    API: ["--port={}"],
    SCRIPT: [
        "--server.port={}",
        "--server.headless=true",
        "--server.address=localhost",
        "--server.fileWatcherType=none",
        "--browser.gatherUsageStats=false",
    ],
}
"""What they are given, by command; the port is filled in."""
PATIENCE = 120.0
"""Seconds within which a server has to answer."""
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
]
"""Of Chromium."""


def chromium() -> str | None:
    """Path of a Chromium: BSTVIZ_CHROMIUM, or one on the path; None for playwright's own."""
    return os.environ.get("BSTVIZ_CHROMIUM") or next((p for n in NAMES if (p := shutil.which(n))), None)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Server:
    """A server that answers: its address and process."""

    address: str
    process: subprocess.Popen


@contextmanager
def served(
    arguments: Sequence[str] = (),
    *,
    command: tuple[str, ...] = APP,
    port: int | None = None,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[Server]:
    """What a command serves, until the context ends; a free port when none is given. Others as for :func:`serve`."""
    port = port or free_port()
    process = serve(arguments, port, command=command, environment=environment, cwd=cwd)
    try:
        yield Server(f"http://localhost:{port}", process)
    finally:
        stop(process)


def serve(
    arguments: Sequence[str],
    port: int,
    *,
    command: tuple[str, ...] = APP,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen:
    """Start a server, in a group of processes of its own, and wait until it answers.

    Args:
        arguments: Of the command.
        port: To listen on.
        command: :data:`APP` or :data:`SCRIPT`.
        environment: Variables beside those of this process, whose experiments are not passed on.
        cwd: Where it runs; where the app's code is when left out.

    Raises:
        RuntimeError: It ended instead.
        TimeoutError: It does not answer within :data:`PATIENCE`.
    """
    options = [option.format(port) for option in OPTIONS[command]]
    kept = {name: value for name, value in os.environ.items() if name != paths.EXPERIMENTS_VARIABLE}
    process = subprocess.Popen(
        [sys.executable, "-m", *command, *arguments, *options],
        env=kept | {"PYTHONPATH": str(paths.root())} | dict(environment or {}),
        cwd=cwd or paths.root(),
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(process, port)
    except BaseException:
        stop(process)
        raise
    return process


def stop(process: subprocess.Popen) -> None:
    """End a server and all that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    process.wait(timeout=30)


def _wait_for(process: subprocess.Popen, port: int) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"The server ended with status {process.returncode} before it answered.")
        with suppress(OSError):
            path = "healthz" if "serve" in process.args else "_stcore/health"
            urllib.request.urlopen(f"http://localhost:{port}/{path}", timeout=2).close()
            return
        time.sleep(0.5)
    raise TimeoutError(f"The server did not answer within {PATIENCE:.0f} s.")
