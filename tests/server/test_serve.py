"""Each server is a process of its own, as people start it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit

from bstviz import paths
from bstviz.server.contents import CONTENTS
from bstviz.server.routes import address_of
from bstviz.server.serve import serve_app

Start = Callable[..., tuple[subprocess.Popen[str], str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a Python that serves on a port of the system's choice; gives the process and its address."""
    started: list[subprocess.Popen[str]] = []

    def begin(*command: str) -> tuple[subprocess.Popen[str], str]:
        server = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True, cwd=paths.root())
        started.append(server)
        assert server.stdout is not None
        for line in server.stdout:
            if found := re.search(r"URL: (http://localhost:\d+)", line):
                return server, found[1]
        raise AssertionError("the server ended without naming its address")

    yield begin
    for server in started:
        server.kill()
        server.wait()


def fetched(url: str) -> bytes:
    """Body of a GET, asked for until the server answers."""
    for _ in range(240):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.read()
        except urllib.error.HTTPError:
            raise
        except OSError:
            time.sleep(0.25)
    raise AssertionError(f"no answer from {url}")


@pytest.mark.slow
def test_sigterm_ends_the_process_and_frees_its_port(start: Start) -> None:
    server, url = start("-m", "bstviz", "app", "--port", "0")
    assert fetched(f"{url}/_stcore/health") == b"ok"
    assert b"<html" in fetched(url)
    with socket.create_connection(("localhost", int(url.rsplit(":", 1)[1]))):  # a browser that keeps its connection
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=5)
    with socket.create_server(("localhost", int(url.rsplit(":", 1)[1]))):
        pass


STREAMLIT = (
    "-m",
    "streamlit",
    "run",
    "app.py",
    "--server.port=0",
    "--server.headless=true",
    "--server.address=localhost",
)


@pytest.mark.slow
@pytest.mark.parametrize("command", [("-m", "bstviz", "app", "--port", "0"), STREAMLIT], ids=["bstviz", "streamlit"])
def test_both_commands_have_the_routes(start: Start, command: tuple[str, ...]) -> None:
    _, url = start(*command)
    with pytest.raises(urllib.error.HTTPError, match="404"):  # where there is no such route, Streamlit's page answers
        fetched(f"{url}/{address_of(CONTENTS.add(b'of no session', 'audio/wav'))}")


def test_the_server_gets_port_address_and_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}
    monkeypatch.setattr(streamlit.App, "run", lambda app, *, config: seen.update(config, script=app.script_path))
    monkeypatch.setattr(sys, "argv", ["bstviz"])
    for variable in (paths.EXPERIMENTS_VARIABLE, paths.COLLECTION_VARIABLE, paths.REVIEWS_VARIABLE):
        monkeypatch.setenv(variable, "")
    serve_app([tmp_path / "flat"], [tmp_path], reviews=tmp_path, port=0, address="::1")
    assert (seen["server.port"], seen["server.address"]) == (0, "::1")
    assert seen["script"] == paths.root() / "app.py"
    assert os.environ[paths.EXPERIMENTS_VARIABLE] == str(tmp_path / "flat")
    assert os.environ[paths.COLLECTION_VARIABLE] == os.environ[paths.REVIEWS_VARIABLE] == str(tmp_path)


@pytest.mark.slow
def test_a_browser_opens_on_the_port_that_the_system_chose(start: Start) -> None:
    opened = (
        "import webbrowser; webbrowser.open = lambda url: print('opened', url, flush=True)\n"
        "from bstviz.server.serve import serve_app; serve_app(port=0, browser=True)"
    )
    server, url = start("-c", opened)
    assert server.stdout is not None
    assert next(line for line in server.stdout if line.startswith("opened")) == f"opened {url}\n"
