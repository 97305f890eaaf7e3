"""How long a person waits on Explore, against a bare page with one Plotly chart of the same points, in the same run.

``python -m benchmarks.app_latency --folder bench`` makes runs of 1k, 11k, 100k and 1M sounds there (kept for the next
time), serves Explore and the bare page side by side on loopback, drives them in turns with Chromium and prints p50 and
p95 in seconds, bytes on the wire until the first map, and the ratios. The browser starts each first map with an empty
cache; servers are warm. Times mean nothing between machines; the ratios do. The bare page never draws a million points:
there the reference is the bare page at 11k.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.synthetic import make
from bstviz import paths

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
]
VIEWPORT = {"width": 1440, "height": 1000}
REFERENCE = 11_000
COLORS = ("Second-level class", "Right or wrong", "Annotation confidence", "Split", "Top-level class")
NEAR, CHOSEN = '.list[data-name="explore.card.near"]', '.list[data-name="explore.selection.list"]'
PART = """(name) => { for (const e of document.querySelectorAll('[data-testid=stBidiComponentIsolated]')) {
  const found = e.shadowRoot?.querySelector(name); if (found) return found } return null }"""
BARE_DRAWN = "() => document.querySelector('.js-plotly-plot')?._fullLayout?._plots?.xy?._scene?.count > 0"
BARE_PLACE = """(i) => {
  const g = document.querySelector('.js-plotly-plot'), l = g._fullLayout, t = g._fullData[0];
  const box = g.getBoundingClientRect();
  const x = box.left + l.xaxis._offset + l.xaxis.l2p(t.x[i]), y = box.top + l.yaxis._offset + l.yaxis.l2p(t.y[i]);
  return { n: t.x.length, x, y } }"""
REGION = """(app, turn) => { const pane = app.panes[0], n = app.data.n;
  const all = app.data.legend.entries.reduce((s, e) => s + e.all, 0);
  const want = Math.max(3, Math.round(500 * n / all)), at = (turn * 997) % n, x = pane.px[at], y = pane.py[at];
  const far = Array.from(pane.px, (v, i) => Math.max(Math.abs(v - x), Math.abs(pane.py[i] - y))).sort((a, b) => a - b);
  const box = pane.canvas.getBoundingClientRect(), r = Math.max(far[Math.min(want, n - 1)] / app.ratio, 3);
  const near = (v, low, high) => Math.min(Math.max(v, low + 4), high - 4);
  const across = (v) => near(v, box.left, box.right), down = (v) => near(v, box.top + 40, box.bottom);
  const mx = box.left + x / app.ratio, my = box.top + y / app.ratio;
  return [across(mx - r), down(my - r), across(mx + r), down(my + r)] }"""

SPOT = """(map, i) => { const { x, y } = map.locate(i), pane = map.panes[0], box = pane.canvas.getBoundingClientRect();
  return { x, y, sound: map.nearest(pane, (x - box.left) * map.ratio, (y - box.top) * map.ratio) } }"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def served(script: Path, environment: dict[str, str]) -> Iterator[str]:
    """Address of a Streamlit script while it is served."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless=true", f"--server.port={port}"]
    command += ["--server.fileWatcherType=none", "--browser.gatherUsageStats=false"]
    server = subprocess.Popen(
        command, env=os.environ | environment, cwd=paths.root(), stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=2).close()
                break
            except OSError:
                time.sleep(0.5)
        yield f"http://localhost:{port}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


def wire(page: Page) -> Callable[[], int]:
    """Counts bytes that reach a page, over HTTP and websocket."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    total = [0]

    def http(event: dict) -> None:
        total[0] += event["encodedDataLength"]

    def frame(event: dict) -> None:
        total[0] += len(event["response"]["payloadData"]) * 3 // 4  # base64

    session.on("Network.loadingFinished", http)
    session.on("Network.webSocketFrameReceived", frame)
    return lambda: total[0]


def idle(page: Page) -> None:
    page.wait_for_timeout(200)
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    page.wait_for_timeout(150)


def timed(act: Callable[[], None], page: Page, done: str, argument: object = None) -> float:
    """Seconds from an act until a condition holds, asked at every frame."""
    start = time.perf_counter()
    act()
    page.wait_for_function(done, arg=argument)
    return time.perf_counter() - start


class Measured:
    """One page of one size: a first map in a fresh window each time, everything else in a window that stays open.

    Args:
        browser: Chromium.
        address: Of the page.
        drawn: JavaScript that says whether the first map stands.
    """

    def __init__(self, browser: Browser, address: str, drawn: str) -> None:
        self.browser, self.address, self.drawn = browser, address, drawn
        self.times: dict[str, list[float]] = {}
        self.random = np.random.default_rng(0)
        self.runs = 0
        self.page = browser.new_page(viewport=VIEWPORT)
        self.page.set_default_timeout(60_000)
        self.page.on("websocket", lambda socket: socket.on("framereceived", self._received))
        self.page.goto(address)
        self.page.wait_for_function(drawn)
        idle(self.page)

    def _received(self, payload: bytes | str) -> None:
        if isinstance(payload, bytes) and ForwardMsg.FromString(payload).WhichOneof("type") == "script_finished":
            self.runs += 1

    def note(self, what: str, value: float) -> None:
        """Keep a time."""
        self.times.setdefault(what, []).append(value)

    def first_map(self) -> None:
        """Seconds until the map stands in a browser with an empty cache, and the bytes that took."""
        context = self.browser.new_context(viewport=VIEWPORT)
        page = context.new_page()
        page.set_default_timeout(60_000)
        count = wire(page)
        self.note("map", timed(lambda: page.goto(self.address, wait_until="commit"), page, self.drawn))
        self.note("bytes", count())
        context.close()


class Bare(Measured):
    """The page with one chart and nothing else."""

    def __init__(self, browser: Browser, address: str) -> None:
        super().__init__(browser, address, BARE_DRAWN)
        self.n = self.page.evaluate(BARE_PLACE, 0)["n"]

    def click(self) -> None:
        """Seconds from a click on a point until the script has run again.

        A click that no point took is made again elsewhere.
        """
        spot = self.page.evaluate(BARE_PLACE, int(self.random.integers(self.n)))
        self.page.mouse.move(spot["x"], spot["y"])
        self.page.wait_for_timeout(300)
        before, start = self.runs, time.perf_counter()
        self.page.mouse.click(spot["x"], spot["y"])
        while self.runs == before and time.perf_counter() - start < 15:
            self.page.wait_for_timeout(4)
        if self.runs == before:
            return self.click()
        self.note("click", time.perf_counter() - start)
        return idle(self.page)


class Explore(Measured):
    """Explore."""

    def __init__(self, browser: Browser, address: str) -> None:
        super().__init__(browser, f"{address}/explore", f"() => ({PART})('.map')?.dataset.state === 'drawn'")
        self.n = int(self.page.evaluate(f"({PART})('.map').dataset.drawn"))
        self.turn, self.colors, self.last = 0, itertools.cycle(COLORS), -1

    def _click(self, what: str, state: str, done: str) -> None:
        spot = self._spot()
        while spot["sound"] == self.last:  # a click on the sound that is shown already changes nothing
            spot = self._spot()
        self.last = spot["sound"]
        before = self.page.evaluate(state)
        self.note(what, timed(lambda: self.page.mouse.click(spot["x"], spot["y"]), self.page, done, before))
        idle(self.page)

    def _spot(self) -> dict[str, float]:
        """Where a point is on the screen, and the index of the one that a click there means."""
        return self.page.evaluate(f"(i) => ({SPOT})(({PART})('.map').map, i)", int(self.random.integers(self.n)))

    def click(self) -> None:
        """Seconds from a click on a point until its audio can be played."""
        ready = (
            f"(old) => {{ const a = ({PART})('.player'); return a?.dataset.sound && a.dataset.sound !== old "
            "&& a.querySelector('audio').readyState >= 3 }"
        )
        self._click("click", f"({PART})('.player')?.dataset.sound ?? ''", ready)

    def neighbours(self) -> None:
        """Seconds from a click on a point until its ten neighbours stand."""
        listed = (
            f"(old) => {{ const l = ({PART})('{NEAR}'); return l?.sounds?.data && l.sounds.data.token !== old "
            "&& l.querySelectorAll('tbody tr').length === 10 }"
        )
        self._click("neighbours", f"({PART})('{NEAR}')?.sounds?.data?.token ?? ''", listed)

    def recolor(self) -> None:
        """Seconds from choosing a colouring until map and legend show it."""
        label = next(self.colors)
        self.page.get_by_label("Colour").click()
        option = self.page.get_by_role("option", name=label)
        option.wait_for()
        done = (
            f"(label) => {{ const m = ({PART})('.map'); return m.map.data.legend.title === label "
            "&& m.querySelector('.legend .title').textContent === label }"
        )
        self.note("recolour", timed(option.click, self.page, done, label))
        idle(self.page)

    def lasso(self) -> None:
        """Seconds from letting go of a lasso around some 500 sounds until their table stands."""
        self.turn += 1
        left, top, right, bottom = self.page.evaluate(f"(turn) => ({REGION})(({PART})('.map').map, turn)", self.turn)
        self.page.evaluate(f"({PART})('.map').map.use('lasso')")
        self.page.mouse.move(left, top)
        self.page.mouse.down()
        for x, y in ((right, top), (right, bottom), (left, bottom), (left, top)):
            self.page.mouse.move(x, y, steps=3)
        done = f"() => ({PART})('{CHOSEN}')?.querySelectorAll('tbody tr').length > 0"
        self.note("lasso", timed(self.page.mouse.up, self.page, done))
        self.page.evaluate(f"({PART})('.map').map.use('pan')")
        idle(self.page)
        self.page.evaluate(f"({PART})('.map').map.send('clear', true)")
        self.page.wait_for_function(f"() => !({PART})('{CHOSEN}')")
        idle(self.page)


def measure(browser: Browser, folder: Path, n: int, repeats: int, bare_limit: int) -> tuple[Explore, Bare, int]:
    """Explore at one size and the bare page at the same size, or at 11k where that never draws, in turns."""
    size = n if n <= bare_limit else REFERENCE
    root = {"PYTHONPATH": str(paths.root())}
    run, other = (make(folder / str(k), k) / "hierarchical" for k in (n, size))
    with (
        served(Path(__file__).parent / "bare_page.py", {"BSTVIZ_BARE_RUN": str(other)} | root) as plain,
        served(paths.root() / "app.py", {paths.EXPERIMENTS_VARIABLE: str(run)} | root) as full,
    ):
        explore, bare = Explore(browser, full), Bare(browser, plain)
        acts = [explore.click, explore.neighbours, explore.recolor, explore.lasso]
        for act in (*acts, bare.click):  # warm
            act()
        explore.times.clear()
        bare.times.clear()
        for _ in range(repeats):
            for act in (bare.first_map, explore.first_map, *(step for one in acts for step in (bare.click, one))):
                act()
        explore.page.close()
        bare.page.close()
    return explore, bare, size


def p(values: list[float], q: int) -> float:
    """A percentile."""
    return float(np.percentile(values, q))


def report(name: str, times: dict[str, list[float]]) -> None:
    """Print p50 / p95."""
    words = [f"{k} {p(v, 50):.2f} / {p(v, 95):.2f} s" for k, v in times.items() if k != "bytes"]
    print(f"{name:>17}: {', '.join(words)}; {p(times['bytes'], 50) / 1e6:.2f} MB until the map", flush=True)


def promises(
    n: int, size: int, explore: dict[str, list[float]], bare: dict[str, list[float]]
) -> list[tuple[str, float, float]]:
    """What should hold: in words, the ratio of p95s (or megabytes), and what it is to be at most."""
    at = "the bare page" if size == n else f"the bare page at {size:,}"

    def ratio(mine: str, its: str) -> float:
        return p(explore[mine], 95) / p(bare[its], 95)

    if n == REFERENCE:
        limits = [("map", "map", 1.5), ("click", "click", 2.0), ("recolour", "click", 2.5), ("lasso", "click", 2.5)]
    elif size != n:
        limits = [("map", "map", 2.0), ("neighbours", "click", 3.0)]
    else:
        limits = []
    found = [(f"{n:,}: {mine} / {its} of {at}", ratio(mine, its), most) for mine, its, most in limits]
    return [*found, (f"{n:,}: megabytes until the map", p(explore["bytes"], 95) / 1e6, 6.0)] if size != n else found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where the made-up runs are kept; a temporary folder when left out")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, REFERENCE, 100_000, 1_000_000])
    parser.add_argument("--repeats", type=int, default=12)
    parser.add_argument("--bare-limit", type=int, default=100_000, help="largest size that the bare page is drawn at")
    parser.add_argument("--json", type=Path, help="file for all times")
    options = parser.parse_args()
    everything = {}
    with tempfile.TemporaryDirectory() as spare, sync_playwright() as playwright:
        executable = os.environ.get("BSTVIZ_CHROMIUM", "/usr/bin/chromium")
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        for n in options.sizes:
            explore, bare, size = measure(
                browser, options.folder or Path(spare), n, options.repeats, options.bare_limit
            )
            report(f"bare {size:,}", bare.times)
            report(f"explore {n:,}", explore.times)
            for what, value, most in promises(n, size, explore.times, bare.times):
                print(f"    {what}: {value:.2f}, at most {most:g}: {'holds' if value <= most else 'FAILS'}", flush=True)
            everything[str(n)] = {"explore": explore.times, "bare": bare.times, "bare_size": size}
            if options.json:  # after each size: a run that is stopped keeps what it has
                options.json.write_text(json.dumps(everything))
        browser.close()


if __name__ == "__main__":
    main()
