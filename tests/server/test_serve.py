"""Each server is a process of its own, as people start it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest
import streamlit

import bstviz
from bstviz import paths
from bstviz.errors import UserError
from bstviz.jobs.stopping import GRACE
from bstviz.server import serve
from bstviz.server.contents import CONTENTS
from bstviz.server.routes import address_of
from bstviz.server.serve import serve_app
from bstviz.server.settings import NAMES, variable

PATIENCE = 2 + 2 * GRACE
"""Seconds: twice what it takes where nothing else is done."""
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


BUSY = """
import subprocess, sys, time
from bstviz.server import routes
routes.answer = lambda request: time.sleep(600)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("child", child.pid, flush=True)
from bstviz.cli.app import main
sys.argv = ["bstviz", "app", "--port", "0"]
main()
"""


def ended(server: subprocess.Popen[str], url: str, number: signal.Signals) -> int:
    """Status of a server that was sent a signal, when it has ended in time; its port is free by then."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))):  # a browser that keeps its connection
        server.send_signal(number)
        status = server.wait(timeout=PATIENCE)
    with socket.create_server((host, int(port))):
        return status


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_busy_server_and_its_children_and_frees_its_port(start: Start, number: signal.Signals) -> None:
    server, url = start("-c", BUSY)
    children = psutil.Process(server.pid).children(recursive=True)

    def ask() -> None:
        with suppress(OSError):
            urllib.request.urlopen(f"{url}/bstviz/{'0' * 64}", timeout=60)

    assert b"<html" in fetched(url)
    threading.Thread(target=ask, daemon=True).start()
    time.sleep(0.5)
    ended(server, url, number)
    assert children and not psutil.wait_procs(children, timeout=1)[1]


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
def test_both_commands_have_the_routes_and_end_when_told(start: Start, command: tuple[str, ...]) -> None:
    server, url = start(*command)
    assert fetched(f"{url}/_stcore/health") == b"ok"
    for below in ("", "/behind/a/proxy"):
        stated = json.loads(fetched(f"{url}{below}/healthz"))
        assert (stated["status"], stated["version"]) == ("ok", bstviz.__version__)
    with pytest.raises(urllib.error.HTTPError, match="404"):  # where there is no such route, Streamlit's page answers
        fetched(f"{url}/{address_of(CONTENTS.add(b'of no session', 'audio/wav'))}")
    ended(server, url, signal.SIGTERM)


def test_the_server_gets_port_address_and_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}
    monkeypatch.setattr(streamlit.App, "run", lambda app, *, config: seen.update(config, script=app.script_path))
    monkeypatch.setattr(sys, "argv", ["bstviz"])
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        monkeypatch.setenv(variable(name), "")
    (tmp_path / "bstviz.toml").write_text('upload_megabytes = 7\naddress = "localhost"\n', encoding="utf-8")
    serve_app([tmp_path / "flat"], [tmp_path], reviews=tmp_path, port=0, address="127.0.0.1")
    assert (seen["server.port"], seen["server.address"], seen["server.maxUploadSize"]) == (0, "127.0.0.1", 7)
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


class _Other(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "ok", "instance": "0123456789abcdef"}')

    def log_message(self, *_: object) -> None:
        pass


def test_no_browser_opens_on_a_server_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webbrowser.open", lambda url: pytest.fail(f"opened {url}"))
    with HTTPServer(("127.0.0.1", 0), _Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        serve._open_browser(f"http://127.0.0.1:{other.server_port}", "")
        other.shutdown()


def test_a_port_that_is_taken_is_refused_before_anything_is_served(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(UserError, match="is taken by another program"):
        serve_app([tmp_path], port=other.getsockname()[1])
