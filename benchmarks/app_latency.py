"""How long a person waits on Explore, against a bare page with one Plotly chart of the same points, in the same run.

``python -m benchmarks.app_latency --folder /tmp/bench`` makes runs of 1k, 11k, 100k and 1M sounds there (kept for the next
time), serves each on loopback with Explore and with the bare page, drives Chromium and prints p50 and p95 in seconds, bytes
on the wire until the first map, and the ratios. The browser starts each first map with an empty cache; servers are warm.
Times mean nothing between machines; the ratios do.
"""

from __future__ import annotations

import argparse
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
from playwright.sync_api import Browser, Page, TimeoutError, sync_playwright

from benchmarks.synthetic import make
from bstviz import webapp

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
]
COLORS = ("Second-level class", "Right or wrong", "Annotation confidence", "Split", "Top-level class")
PART = """(name) => { for (const e of document.querySelectorAll('[data-testid=stBidiComponentIsolated]')) {
  const found = e.shadowRoot?.querySelector(name); if (found) return found } return null }"""


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
        command, env=os.environ | environment, cwd=webapp.root(), stdout=subprocess.DEVNULL, start_new_session=True
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


@contextmanager
def window(browser: Browser) -> Iterator[Page]:
    """A fresh page with an empty cache."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(90_000)
    yield page
    context.close()


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


def explore(browser: Browser, address: str, repeats: int) -> dict[str, list[float]]:
    """Waiting times on Explore, seconds, and bytes until the first map."""
    out: dict[str, list[float]] = {name: [] for name in ("map", "bytes", "click", "neighbours", "recolour", "lasso")}
    drawn = f"() => ({PART})('.map')?.dataset.state === 'drawn'"
    with window(browser) as page:  # warm the server
        page.goto(f"{address}/explore")
        page.wait_for_function(drawn)
        idle(page)
    for _ in range(repeats):
        with window(browser) as page:
            count = wire(page)
            out["map"].append(
                timed(lambda page=page: page.goto(f"{address}/explore", wait_until="commit"), page, drawn)
            )  # type: ignore[misc]
            out["bytes"].append(count())
    with window(browser) as page:
        page.goto(f"{address}/explore")
        page.wait_for_function(drawn)
        idle(page)
        rng = np.random.default_rng(0)
        n = int(page.evaluate(f"({PART})('.map').dataset.drawn"))
        ready = f"(old) => {{ const a = ({PART})('.player audio'); return a && a.src !== old && a.readyState >= 3 }}"
        listed = f"(old) => {{ const l = ({PART})('.list'); return l?.sounds?.data && l.sounds.data.token !== old && l.querySelectorAll('tbody tr').length === 10 }}"
        for wanted in ("click", "neighbours"):
            for k in range(repeats + 1):
                spot = page.evaluate(f"(i) => ({PART})('.map').map.locate(i)", int(rng.integers(n)))
                old = {
                    "click": "({})('.player audio')?.src ?? ''",
                    "neighbours": "({})('.list')?.sounds?.data?.token ?? ''",
                }
                before = page.evaluate(old[wanted].format(PART))
                condition = ready if wanted == "click" else listed
                took = timed(lambda spot=spot: page.mouse.click(spot["x"], spot["y"]), page, condition, before)  # type: ignore[misc]
                if k:
                    out[wanted].append(took)
                idle(page)
        for k in range(repeats):
            label = COLORS[k % len(COLORS)]
            page.get_by_label("Colour").click()
            option = page.get_by_role("option", name=label)
            option.wait_for()
            changed = f"(label) => {{ const m = ({PART})('.map'); return m.querySelector('.legend .title').textContent === label && m.map.data.legend.title === label }}"
            out["recolour"].append(timed(option.click, page, changed, label))
            idle(page)
        out["lasso"] = [lasso(page, k) for k in range(repeats + 1)][1:]
    return out


def lasso(page: Page, turn: int) -> float:
    """Seconds from letting go of a lasso of about 500 sounds until their table stands."""
    script = f"""(turn) => {{ const app = ({PART})('.map').map, pane = app.panes[0], n = app.data.n;
      const all = Number(app.data.legend.entries.reduce((s, e) => s + e.all, 0)), want = Math.max(3, Math.round(500 * n / all));
      const at = (turn * 997) % n, x = pane.px[at], y = pane.py[at];
      const far = Array.from(pane.px, (v, i) => Math.max(Math.abs(v - x), Math.abs(pane.py[i] - y))).sort((a, b) => a - b);
      const box = pane.canvas.getBoundingClientRect(), r = Math.max(far[Math.min(want, n - 1)] / app.ratio, 3);
      const near = (v, low, high) => Math.min(Math.max(v, low + 4), high - 4), mx = box.left + x / app.ratio, my = box.top + y / app.ratio;
      return [near(mx - r, box.left, box.right), near(my - r, box.top + 40, box.bottom), near(mx + r, box.left, box.right),
        near(my + r, box.top + 40, box.bottom)] }}"""
    left, top, right, bottom = page.evaluate(script, turn)
    page.evaluate(f"({PART})('.map').map.use('lasso')")
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom), (left, top)):
        page.mouse.move(x, y, steps=3)
    before = page.evaluate(f"({PART})('.list')?.sounds?.data?.token ?? ''")
    done = f"(old) => {{ const l = ({PART})('.list'); return document.body.innerText.includes('selected') && l?.sounds?.data && l.sounds.data.token !== old && l.querySelectorAll('tbody tr').length > 0 }}"
    took = timed(page.mouse.up, page, done, before)
    page.evaluate(f"({PART})('.map').map.use('pan')")
    idle(page)
    return took


def bare(browser: Browser, address: str, repeats: int) -> dict[str, list[float]]:
    """Waiting times on the bare page: first map, and click until the script has run again."""
    out: dict[str, list[float]] = {"map": [], "bytes": [], "click": []}
    drawn = "() => { const g = document.querySelector('.js-plotly-plot'); return g?._fullData?.length && g.querySelector('.gl-canvas, canvas') && g._fullLayout?._plots?.xy?._scene?.count > 0 }"
    with window(browser) as page:
        page.goto(address)
        page.wait_for_function(drawn)
        idle(page)
    for _ in range(repeats):
        with window(browser) as page:
            count = wire(page)
            out["map"].append(timed(lambda page=page: page.goto(address, wait_until="commit"), page, drawn))  # type: ignore[misc]
            out["bytes"].append(count())
    with window(browser) as page:
        page.goto(address)
        page.wait_for_function(drawn)
        idle(page)
        watch = """() => { window.runs = 0; const app = document.querySelector('[data-testid="stApp"]'); let busy = false;
          new MutationObserver(() => { const now = app.dataset.testScriptState;
            if (now !== 'notRunning') busy = true; else if (busy) { busy = false; window.runs += 1 } })
            .observe(app, { attributes: true, attributeFilter: ['data-test-script-state'] }) }"""
        page.evaluate(watch)
        rng = np.random.default_rng(0)
        place = """(i) => { const g = document.querySelector('.js-plotly-plot'), l = g._fullLayout, t = g._fullData[0], b = g.getBoundingClientRect();
          return { n: t.x.length, x: b.left + l.xaxis._offset + l.xaxis.l2p(t.x[i]), y: b.top + l.yaxis._offset + l.yaxis.l2p(t.y[i]) } }"""
        n = page.evaluate(place, 0)["n"]
        for k in range(repeats + 1):
            spot = page.evaluate(place, int(rng.integers(n)))
            page.mouse.move(spot["x"], spot["y"])
            page.wait_for_timeout(300)
            before = page.evaluate("window.runs")
            took = timed(
                lambda spot=spot: page.mouse.click(spot["x"], spot["y"]), page, "(old) => window.runs > old", before
            )  # type: ignore[misc]
            if k:
                out["click"].append(took)
            idle(page)
    return out


def measure(
    browser: Browser, folder: Path, sizes: list[int], repeats: int, bare_limit: int
) -> dict[str, dict[str, list[float]]]:
    """All times, by page and size."""
    found = {}
    for n in sizes:
        run = make(folder / str(n), n) / "hierarchical"
        if n <= bare_limit:
            with served(
                Path(__file__).parent / "bare_page.py", {"BSTVIZ_BARE_RUN": str(run), "PYTHONPATH": str(webapp.root())}
            ) as address:
                try:
                    found[f"bare {n}"] = bare(browser, address, repeats)
                except TimeoutError:
                    print(f"bare page of {n:,}: did not draw or answer within 90 s", flush=True)
        with served(
            webapp.root() / "app.py", {webapp.EXPERIMENTS_VARIABLE: str(run), "PYTHONPATH": str(webapp.root())}
        ) as address:
            found[f"explore {n}"] = explore(browser, address, repeats)
        for name in (f"bare {n}", f"explore {n}"):
            if name in found:
                report(name, found[name])
    return found


def p(values: list[float], q: int) -> float:
    """A percentile."""
    return float(np.percentile(values, q))


def report(name: str, times: dict[str, list[float]]) -> None:
    words = [f"{k} {p(v, 50):.2f} / {p(v, 95):.2f} s" for k, v in times.items() if k != "bytes" and v]
    print(f"{name:>16}: {', '.join(words)}; {p(times['bytes'], 50) / 1e6:.2f} MB until the map", flush=True)


def ratios(found: dict[str, dict[str, list[float]]]) -> list[tuple[str, float, float]]:
    """The promises: what, measured ratio of p95s (or megabytes), and what it should be at most."""

    def against(a: str, x: str, b: str, y: str) -> float:
        return p(found[a][x], 95) / p(found[b][y], 95)

    out = []
    if {"bare 11000", "explore 11000"} <= set(found):
        small = ("explore 11000", "bare 11000")
        out += [
            ("11k: first map / bare map", against(small[0], "map", small[1], "map"), 1.5),
            ("11k: click to audio / bare click", against(small[0], "click", small[1], "click"), 2.0),
            ("11k: recolour / bare click", against(small[0], "recolour", small[1], "click"), 2.5),
            ("11k: lasso to table / bare click", against(small[0], "lasso", small[1], "click"), 2.5),
        ]
    if {"bare 11000", "explore 1000000"} <= set(found):
        out += [
            ("1M: first map / bare map at 11k", against("explore 1000000", "map", "bare 11000", "map"), 2.0),
            (
                "1M: click to neighbours / bare click at 11k",
                against("explore 1000000", "neighbours", "bare 11000", "click"),
                3.0,
            ),
            ("1M: MB on the wire until the map", p(found["explore 1000000"]["bytes"], 95) / 1e6, 6.0),
        ]
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where the made-up runs are kept; a temporary folder when left out")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 11_000, 100_000, 1_000_000])
    parser.add_argument("--repeats", type=int, default=12)
    parser.add_argument("--bare-limit", type=int, default=100_000, help="largest size to draw the bare page at")
    parser.add_argument("--json", type=Path, help="file for all times")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as spare, sync_playwright() as playwright:
        executable = os.environ.get("BSTVIZ_CHROMIUM", "/usr/bin/chromium")
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        found = measure(browser, options.folder or Path(spare), options.sizes, options.repeats, options.bare_limit)
        browser.close()
    for what, value, most in ratios(found):
        print(f"{what}: {value:.2f} (at most {most:g}) {'holds' if value <= most else 'FAILS'}")
    if options.json:
        options.json.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
