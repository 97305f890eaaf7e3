"""What a browser takes from the server, and what from its own cache."""

from __future__ import annotations

import signal
import socket
import time

import pytest
from playwright.sync_api import Page

from benchmarks.serving import free_port, serve
from bstviz.server.routes import address_of, plotly_js

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_a_second_page_takes_plotly_js_from_the_browsers_cache(page: Page, address: str) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    asked: set[str] = set()
    taken: list[int] = []

    def requested(event: dict) -> None:
        if event["request"]["url"].endswith(address_of(plotly_js())):
            asked.add(event["requestId"])

    def finished(event: dict) -> None:
        if event["requestId"] in asked:
            taken.append(event["encodedDataLength"])

    session.on("Network.requestWillBeSent", requested)
    session.on("Network.loadingFinished", finished)
    for path in ("explore", "compare"):
        page.goto(f"{address}/{path}")
        page.add_script_tag(url=address_of(plotly_js()))
        page.wait_for_function("() => window.Plotly !== undefined")
        page.wait_for_timeout(500)
    assert 500_000 < taken[0] < len(plotly_js().data) / 2  # compressed
    assert sum(taken[1:]) == 0


def test_the_server_ends_at_once_while_pages_are_open(page: Page) -> None:
    port = free_port()
    server = serve([], port)
    page.goto(f"http://localhost:{port}/results")
    page.locator("h2").first.wait_for()
    begin = time.monotonic()
    server.send_signal(signal.SIGTERM)
    server.wait(timeout=30)
    assert time.monotonic() - begin < 5
    with socket.create_server(("localhost", port)):
        pass
