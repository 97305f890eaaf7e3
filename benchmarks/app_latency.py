"""How long a person waits on Explore, against a bare page with one Plotly chart of the same points, in the same run.

``python -m benchmarks.app_latency --folder bench`` makes runs of 1k, 11k, 100k and 1M sounds there (kept for the next
time), serves Explore and the bare page side by side on loopback, drives them in turns with Chromium and prints p50 and
p95 in seconds, bytes on the wire until the first map, and each act against the bare page's own; it exits with 1 where a
limit does not hold. The browser starts each first map with an empty cache; servers are warm. The bare page is served
from an empty folder, with Streamlit's own defaults instead of the app's settings. Times mean nothing between machines;
the ratios do. Beyond 11k sounds the reference is the bare page at 11k. At 11k the two linked maps of Compare are
dragged too, against the drag of Explore's one, and Explore's map is turned in three dimensions: the time between the
frames of a turn.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.serving import ARGUMENTS, SCRIPT, Server, chromium, served
from benchmarks.synthetic import make
from bstviz import paths

VIEWPORT = {"width": 1440, "height": 1000}
REFERENCE = 11_000
COLORS = ("Second-level class", "Right or wrong", "Top-level class")
NEAR, CHOSEN = '.list[data-name="explore.card.near"]', '.list[data-name="explore.selection.list"]'
PART = """(name) => { for (const e of document.querySelectorAll('[data-testid=stBidiComponentIsolated]')) {
  const found = e.shadowRoot?.querySelector(name); if (found) return found } return null }"""
GRAPH = "document.querySelector('.js-plotly-plot')"
BARE_DRAWN = f"() => {GRAPH}?._fullLayout?._plots?.xy?._scene?.count > 0"
MAP_DRAWN = "() => document.querySelector('.plotly-map')?.dataset.state === 'drawn'"
PLACE = f"""(i) => {{
  const g = {GRAPH}, l = g._fullLayout, t = g._fullData[0], box = g.getBoundingClientRect();
  const x = l.xaxis._offset + l.xaxis.l2p(t.x[i]), y = l.yaxis._offset + l.yaxis.l2p(t.y[i]);
  return {{ x: box.left + x, y: box.top + y }} }}"""
"""Where a drawn point is on the screen."""
REGION = f"""([turn, all]) => {{ const g = {GRAPH}, l = g._fullLayout, t = g._fullData[0], n = t.x.length;
  const px = Array.from(t.x, (v) => l.xaxis.l2p(v)), py = Array.from(t.y, (v) => l.yaxis.l2p(v));
  const want = Math.max(3, Math.round(500 * n / all)), at = (turn * 997) % n;
  const far = px.map((v, i) => Math.max(Math.abs(v - px[at]), Math.abs(py[i] - py[at]))).sort((a, b) => a - b);
  const box = g.getBoundingClientRect(), r = Math.max(far[Math.min(want, n - 1)], 3);
  const near = (v, size) => Math.min(Math.max(v, 4), size - 4);
  const left = box.left + l.xaxis._offset, top = box.top + l.yaxis._offset;
  const across = (v) => left + near(v, l.xaxis._length), down = (v) => top + near(v, l.yaxis._length);
  return [across(px[at] - r), down(py[at] - r), across(px[at] + r), down(py[at] + r)] }}"""
"""A square around some 500 sounds."""
TURN = f"""() => {{ const view = () => {GRAPH}._fullLayout.scene._scene.glplot.cameraParams.view.join();
  const seen = (window.turned = []); let before = performance.now(), from = view();
  const tick = (now) => {{ const at = view(); if (at !== from) seen.push(now - before); [before, from] = [now, at];
    if (window.turned === seen) requestAnimationFrame(tick) }}; requestAnimationFrame(tick) }}"""
"""Keep the milliseconds before each frame in which the camera has moved, in ``window.turned``."""
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"


def app_on(experiment: Path, **environment: str) -> AbstractContextManager[Server]:
    """The app on an experiment, served as Streamlit's own command does, with variables of the environment."""
    experiments = {paths.EXPERIMENTS_VARIABLE: str(experiment.resolve())}
    return served([str(paths.root() / "app.py")], command=SCRIPT, environment=experiments | environment)


@contextmanager
def bare_on(run: Path, script: str) -> Iterator[Server]:
    """A bare page on a run, served from an empty folder: Streamlit's own defaults hold, not the app's settings."""
    page, variables = Path(__file__).resolve().parent / script, {"BSTVIZ_BARE_RUN": str(run.resolve())}
    with (
        tempfile.TemporaryDirectory() as empty,
        served([str(page)], command=SCRIPT, environment=variables, cwd=Path(empty)) as server,
    ):
        yield server


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


def first_map(browser: Browser, address: str, drawn: str) -> tuple[float, int]:
    """Seconds until a map stands in a browser with an empty cache, and the bytes that took."""
    context = browser.new_context(viewport=VIEWPORT)
    page = context.new_page()
    page.set_default_timeout(120_000)
    count = wire(page)
    seconds = timed(lambda: page.goto(address, wait_until="commit"), page, drawn)
    taken = count()
    context.close()
    return seconds, taken


class Measured:
    """One page of one size: a first map in a fresh window each time, everything else in a window that stays open.

    Args:
        browser: Chromium.
        address: Of the page.
        drawn: JavaScript that says whether the first map stands.
        n: Sounds of the run.
    """

    def __init__(self, browser: Browser, address: str, drawn: str, n: int) -> None:
        self.browser, self.address, self.is_drawn, self.n = browser, address, drawn, n
        self.times: dict[str, list[float]] = {}
        self.random = np.random.default_rng(0)
        self.runs = self.turn = self.drags = 0
        self.last = -1
        self.colors = itertools.cycle(COLORS)
        self.page = browser.new_page(viewport=VIEWPORT)
        self.page.set_default_timeout(120_000)
        self.page.on("websocket", lambda socket: socket.on("framereceived", self._received))
        self.page.goto(address)
        self.page.wait_for_function(drawn)
        idle(self.page)
        self.drawn = self.page.evaluate(f"() => {GRAPH}._fullData[0].x.length")

    def _received(self, payload: bytes | str) -> None:
        if isinstance(payload, bytes) and ForwardMsg.FromString(payload).WhichOneof("type") == "script_finished":
            self.runs += 1

    def note(self, what: str, value: float) -> None:
        """Keep a time."""
        self.times.setdefault(what, []).append(value)

    def first_map(self) -> None:
        """Seconds until the map stands in a browser with an empty cache, and the bytes that took."""
        seconds, count = first_map(self.browser, self.address, self.is_drawn)
        self.note("map", seconds)
        self.note("bytes", count)

    def spot(self) -> dict[str, float]:
        """Where a point is on the screen, with the mouse over it, that is not the one meant last: a click on the sound
        that is shown already changes nothing.
        """
        while True:
            spot = self.page.evaluate(PLACE, int(self.random.integers(self.drawn)))
            self.page.mouse.move(spot["x"], spot["y"])
            self.page.wait_for_timeout(300)
            meant = self.page.evaluate(f"() => {GRAPH}._hoverdata?.[0]?.pointNumber ?? -1")
            if meant not in (-1, self.last):
                self.last = meant
                return spot

    def drag(self) -> None:
        """Seconds to move the map by twelve steps of the mouse, there or back, until the last frame stands."""
        self.drags += 1
        box = self.page.locator(".js-plotly-plot").bounding_box()
        assert box
        x, y, by = box["x"] + box["width"] / 4, box["y"] + box["height"] / 3, 60 if self.drags % 2 else -60

        def move() -> None:
            self.page.mouse.move(x, y)
            self.page.mouse.down()
            self.page.mouse.move(x + by, y + by / 2, steps=12)
            self.page.mouse.up()

        self.note("drag", timed(move, self.page, FRAMES))
        idle(self.page)

    def recolor(self) -> None:
        """Seconds from choosing a colouring until the map shows it."""
        label = next(self.colors)
        self.page.get_by_label("Colour", exact=True).click()
        option = self.page.get_by_role("option", name=label)
        option.wait_for()
        self.note("recolour", timed(option.click, self.page, self.RECOLORED, label))
        idle(self.page)

    RECOLORED = ""

    def outline(self) -> None:
        """Draw a lasso around some 500 sounds, the mouse still down at its end."""
        self.turn += 1
        left, top, right, bottom = self.page.evaluate(REGION, [self.turn, self.n])
        self.page.locator(".modebar-btn[data-val='lasso']").click()
        self.page.mouse.move(left, top)
        self.page.mouse.down()
        for x, y in ((right, top), (right, bottom), (left, bottom), (left, top)):
            self.page.mouse.move(x, y, steps=3)

    def pan(self) -> None:
        """Take the tool that moves the map."""
        self.page.locator(".modebar-btn[data-val='pan']").click()


class Bare(Measured):
    """The page with one chart and nothing else."""

    RECOLORED = f"(label) => {GRAPH}?._fullLayout?.meta === label"

    def __init__(self, browser: Browser, address: str, n: int) -> None:
        super().__init__(browser, address, BARE_DRAWN, n)

    def _answered(self, act: Callable[[], None]) -> float | None:
        """Seconds until the script has run again and a frame has been drawn since, as Explore's acts are timed; None
        where it does not run.
        """
        before, start = self.runs, time.perf_counter()
        act()
        while self.runs == before and time.perf_counter() - start < 15:
            self.page.wait_for_timeout(4)
        self.page.wait_for_function("true")
        return time.perf_counter() - start if self.runs > before else None

    def click(self) -> None:
        """Seconds from a click on a point until the script has run again; a click that no point took is made again."""
        spot = self.spot()
        seconds = self._answered(lambda: self.page.mouse.click(spot["x"], spot["y"]))
        if seconds is None:
            return self.click()
        self.note("click", seconds)
        return idle(self.page)

    def lasso(self) -> None:
        """Seconds from letting go of a lasso until the script has run again."""
        self.outline()
        seconds = self._answered(self.page.mouse.up)
        self.pan()
        idle(self.page)
        if seconds is None:
            return self.lasso()
        return self.note("lasso", seconds)


class Explore(Measured):
    """Explore."""

    RECOLORED = "(label) => document.querySelector('.plotly-map .legendtitletext')?.textContent === label"

    def __init__(self, browser: Browser, address: str, n: int) -> None:
        super().__init__(browser, f"{address}/explore", MAP_DRAWN, n)

    def _click(self, what: str, state: str, done: str) -> None:
        spot, before = self.spot(), self.page.evaluate(state)
        self.note(what, timed(lambda: self.page.mouse.click(spot["x"], spot["y"]), self.page, done, before))
        idle(self.page)

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

    def lasso(self) -> None:
        """Seconds from letting go of a lasso around some 500 sounds until their table stands."""
        self.outline()
        done = f"() => ({PART})('{CHOSEN}')?.querySelectorAll('tbody tr').length > 0"
        self.note("lasso", timed(self.page.mouse.up, self.page, done))
        self.pan()
        idle(self.page)
        self.page.keyboard.press("Escape")
        self.page.wait_for_function(f"() => !({PART})('{CHOSEN}')")
        idle(self.page)


class Compare(Measured):
    """Two linked maps."""

    def __init__(self, browser: Browser, address: str, n: int) -> None:
        super().__init__(browser, f"{address}/compare", MAP_DRAWN, n)


class Turned(Measured):
    """Explore in three dimensions."""

    def __init__(self, browser: Browser, address: str, n: int) -> None:
        super().__init__(browser, f"{address}/explore?dimensions=3", MAP_DRAWN, n)

    def turned(self) -> None:
        """Seconds before each frame of a turn by forty steps of the mouse, there or back."""
        self.drags += 1
        box = self.page.locator(".js-plotly-plot").bounding_box()
        assert box
        x, y, by = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, 240 if self.drags % 2 else -240
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.evaluate(TURN)
        self.page.mouse.move(x + by, y + by / 6, steps=40)
        frames = self.page.evaluate("() => { const seen = window.turned; window.turned = null; return seen }")
        self.page.mouse.up()
        for milliseconds in frames[1:]:  # the first waited for the mouse
            self.note("frame", milliseconds / 1000)
        idle(self.page)


def measure(browser: Browser, folder: Path, n: int, repeats: int, bare_limit: int) -> tuple[Explore, Bare, int]:
    """Explore at one size and the bare page at the same size, or at 11k where that never draws, in turns."""
    size = n if n <= bare_limit else REFERENCE
    run, other = (make(folder / str(k), k) / "hierarchical" for k in (n, size))
    with bare_on(other, "bare_page.py") as plain, app_on(run) as full:
        explore, bare = Explore(browser, full.address, n), Bare(browser, plain.address, size)
        turns = [bare.click, explore.click, explore.neighbours, bare.recolor, explore.recolor]
        turns += [bare.lasso, explore.lasso, bare.drag, explore.drag]
        for act in turns:  # warm
            act()
        explore.times.clear()
        bare.times.clear()
        for _ in range(repeats):
            for act in (bare.first_map, explore.first_map, *turns):
                act()
        explore.page.close()
        bare.page.close()
    return explore, bare, size


def measure_more(browser: Browser, folder: Path, n: int, repeats: int) -> tuple[Compare, Turned, Explore]:
    """Compare's two maps and a turned one, beside Explore's flat one, in turns."""
    both = make(folder / str(n), n)
    with app_on(both) as app:
        one, two, turned = (page(browser, app.address, n) for page in (Explore, Compare, Turned))
        for again in range(repeats + 1):
            for act in (one.drag, two.drag, turned.turned):
                act()
            if not again:  # warm
                for page in (one, two, turned):
                    page.times.clear()
        for page in (one, two, turned):
            page.page.close()
    return two, turned, one


def p(values: list[float], q: int) -> float:
    """A percentile."""
    return float(np.percentile(values, q))


def report(name: str, times: dict[str, list[float]]) -> None:
    """Print p50 / p95."""
    words = [f"{k} {p(v, 50):.2f} / {p(v, 95):.2f} s" for k, v in times.items() if k != "bytes"]
    size = f"; {p(times['bytes'], 50) / 1e6:.2f} MB until the map" if "bytes" in times else ""
    print(f"{name:>17}: {', '.join(words)}{size}", flush=True)


def judged(what: str, value: float, p95: float, most: float) -> bool:
    """Print what was promised; whether it holds."""
    holds = value <= most
    print(f"    {what}: {value:.3g} (p95 {p95:.3g}), at most {most:g}: {'holds' if holds else 'FAILS'}", flush=True)
    return holds


def promises(
    n: int, size: int, explore: dict[str, list[float]], bare: dict[str, list[float]]
) -> list[tuple[str, float, float, float]]:
    """What should hold: in words, the ratio of medians (or megabytes), that of p95s, and what the first is to be at
    most.
    """
    at = "the bare page" if size == n else f"the bare page at {size:,}"
    if n == REFERENCE:
        acts = ("map", 1.4), ("click", 1.3), ("recolour", 1.3), ("lasso", 1.25), ("drag", 1.25)
        limits = [(act, act, most) for act, most in acts]
    else:
        limits = [("map", "map", 1.7), ("neighbours", "click", 2.0)] if size != n else []
    found = [
        (
            f"{n:,}: {mine} / {its} of {at}",
            p(explore[mine], 50) / p(bare[its], 50),
            p(explore[mine], 95) / p(bare[its], 95),
            most,
        )
        for mine, its, most in limits
    ]
    megabytes = [p(explore["bytes"], q) / 1e6 for q in (50, 95)]
    return [*found, (f"{n:,}: megabytes until the map", *megabytes, 6.0)] if size != n else found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where the made-up runs are kept; a temporary folder when left out")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, REFERENCE, 100_000, 1_000_000])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--bare-limit", type=int, default=REFERENCE, help="largest size that the bare page is drawn at")
    parser.add_argument("--json", type=Path, help="file for all times")
    options = parser.parse_args()
    everything, holds = {}, []
    with tempfile.TemporaryDirectory() as spare, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        for n in options.sizes:
            explore, bare, size = measure(
                browser, options.folder or Path(spare), n, options.repeats, options.bare_limit
            )
            report(f"bare {size:,}", bare.times)
            report(f"explore {n:,}", explore.times)
            holds += [judged(*promise) for promise in promises(n, size, explore.times, bare.times)]
            everything[str(n)] = {"explore": explore.times, "bare": bare.times, "bare_size": size}
            if n == REFERENCE:
                two, turned, one = measure_more(browser, options.folder or Path(spare), n, options.repeats)
                for name, page in (("one map", one), ("two maps", two), ("in 3-d", turned)):
                    report(name, page.times)
                ratios = [p(two.times["drag"], q) / p(one.times["drag"], q) for q in (50, 95)]
                holds.append(judged(f"{n:,}: drag of two linked maps / of one", *ratios, 2.0))
                frames = [1000 * p(turned.times["frame"], q) for q in (50, 95)]
                frame = f"milliseconds a frame of a turn, {turned.drawn:,} points drawn"
                holds.append(judged(frame, *frames, 150.0))
                everything[f"{n} linked"] = {"one": one.times, "two": two.times, "turned": turned.times}
            if options.json:  # after each size: a run that is stopped keeps what it has
                options.json.write_text(json.dumps(everything))
        browser.close()
    sys.exit(not all(holds))


if __name__ == "__main__":
    main()
