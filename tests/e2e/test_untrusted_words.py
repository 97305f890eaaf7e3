"""Other people's words in Chromium: an experiment whose every text is hostile, on every page and in the report."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from playwright.sync_api import Browser, Page

from benchmarks.serving import served
from bstviz.reports.html import write_report
from bstviz.ui.components.text import JOINER
from tests.e2e.map_driver import MapDriver, settled
from tests.e2e.test_classify import INPUT, open_page
from tests.fakes import RATE, tone
from tests.hostile_words import hostile_experiment, one, words

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
HEARD: list[str] = []
"""Paths that the beacon was asked for."""
ROOTS = """const within = (root) => [...root.querySelectorAll("*")];
  const roots = (root) => [root, ...within(root).filter((e) => e.shadowRoot).flatMap((e) => roots(e.shadowRoot))];"""
INJECTED = f"""(beacon) => {{
  {ROOTS}
  const link = (e) => String(e.getAttribute("href") ?? e.getAttribute("xlink:href") ?? "");
  const led = (e) => /^javascript:|example\\.org/i.test(link(e)) || link(e).startsWith(beacon);
  const leaf = (e) => (e.children.length ? "" : e.textContent.trim());
  const found = roots(document).flatMap(within).filter((e) =>
    [...e.attributes].some((a) => /^on/i.test(a.name) || (a.name === "style" && a.value.includes(beacon)))
    || (e.matches("img, iframe, script, link, source, embed, object") && `${{e.src}} ${{e.href}}`.includes(beacon))
    || (e.matches("style") && e.textContent.includes(beacon))
    || (e.tagName.toLowerCase() === "a" && led(e))
    || e.matches(".katex, [aria-label='anchor icon'], [alt='Streamlit logo'][style*='inline-block']")
    || /^(b0ld|c0de|str1ke|h3ading|it3m|r3d|l1nk)$/.test(leaf(e))
    || leaf(e).includes("\\u{{1F604}}"));
  return found.map((e) => e.outerHTML.slice(0, 200)).concat(window.pwned ? ["window.pwned"] : []);
}}"""
"""What the page has that no page of ours has: elements that hostile words left behind."""
TEXT = f"""() => {{
  {ROOTS}
  return roots(document).map((root) => (root.body ?? root).textContent).join(" ").replace(/\\s+/g, " ");
}}"""


class Beacon(http.server.BaseHTTPRequestHandler):
    """Takes down what it is asked for."""

    def do_GET(self) -> None:
        HEARD.append(self.path)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def beacon() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Beacon)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def experiment(beacon: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile_experiment(tmp_path_factory.mktemp("hostile"), beacon)


def nothing_came_of_it(page: Page, beacon: str) -> None:
    assert page.evaluate(INJECTED, beacon) == []
    assert HEARD == []


def literal(page: Page, text: str) -> None:
    """The page shows a text as it is."""
    assert " ".join(text.split()) in page.evaluate(TEXT).replace(JOINER, "")


def test_hostile_words_are_words_on_every_page(
    browser: Browser, page: Page, experiment: Path, beacon: str, tmp_path: Path
) -> None:
    with served(["--experiment", str(experiment)]) as server:
        at = server.address
        page.goto(at)
        page.get_by_text("How well the runs do").wait_for()
        settled(page)
        literal(page, one("collection", beacon))
        nothing_came_of_it(page, beacon)

        page.goto(f"{at}/explore")
        shown = MapDriver(page)
        spot = shown.locate(shown.lonely())
        page.mouse.move(spot["x"], spot["y"])
        page.locator(".plotly-map .hoverlayer .hovertext").wait_for()
        nothing_came_of_it(page, beacon)
        page.mouse.click(spot["x"], spot["y"])
        page.get_by_text("Nearest in the latent space").wait_for()
        settled(page)
        page.get_by_label("Find a sound").fill("title 4")
        page.get_by_label("Find a sound").press("Enter")
        page.get_by_text("found").first.wait_for()
        settled(page)
        literal(page, one("tags", beacon))
        for kind in words(beacon)[:3]:
            literal(page, kind)
        nothing_came_of_it(page, beacon)

        page.goto(f"{at}/compare")
        MapDriver(page)
        page.get_by_text("Class by class").wait_for()
        settled(page)
        nothing_came_of_it(page, beacon)

        page.goto(f"{at}/results")
        page.get_by_role("radiogroup").first.wait_for()
        for number in range(page.get_by_test_id("stButtonGroup").first.get_by_role("radio").count()):
            page.get_by_test_id("stButtonGroup").first.get_by_role("radio").nth(number).click()
            settled(page)
            nothing_came_of_it(page, beacon)

        page.goto(f"{at}/confusion")
        page.get_by_text("Confused pairs").first.wait_for()
        page.locator("[data-testid=stPlotlyChart] .main-svg").first.wait_for()
        settled(page)
        nothing_came_of_it(page, beacon)
        page.get_by_text("Groups", exact=True).click()
        page.get_by_label("Group by").wait_for()
        settled(page)
        nothing_came_of_it(page, beacon)

        page.goto(f"{at}/review")
        page.get_by_text("Why:").first.wait_for()
        settled(page)
        literal(page, one("definition", beacon))
        nothing_came_of_it(page, beacon)
        page.get_by_text("Disputed", exact=True).click()
        page.get_by_text("Disputed:").wait_for()
        nothing_came_of_it(page, beacon)

        open_page(page, at)
        name = "<b>b0ld<b>**b0ld** $x$ :smile: [l1nk](javascript:alert(1)).wav"
        dropped = [tmp_path / name, tmp_path / f"broken {name}"]
        soundfile.write(dropped[0], tone(440), RATE)
        dropped[1].write_bytes(b"no sound")
        page.set_input_files(INPUT, [dropped[0]])
        page.locator("[data-answer]").wait_for()
        settled(page)
        literal(page, name)
        nothing_came_of_it(page, beacon)
        page.set_input_files(INPUT, [dropped[1]])  # the two are a table now
        page.get_by_text("2 of 2 sounds").wait_for()
        settled(page)
        nothing_came_of_it(page, beacon)


def test_hostile_words_are_words_in_the_report(page: Page, experiment: Path, beacon: str, tmp_path: Path) -> None:
    page.goto(write_report([experiment], tmp_path / "report.html").as_uri())
    page.wait_for_selector("body[data-drawn]")
    literal(page, one("collection", beacon))
    literal(page, one("note", beacon))
    nothing_came_of_it(page, beacon)
