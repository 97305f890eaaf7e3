"""How long each page takes to open, cold and warm, against a bare page of the same widgets, in the same run.

``python -m benchmarks.pages --folder bench`` makes an experiment of BSD10k's size there, kept for the next time: 11,000
sounds with embeddings, five folds of hierarchical and flat runs at three thresholds. It opens each page of the app and
of ``bare_pages.py`` in turns with Chromium, always in a fresh window with an empty cache, on loopback, and prints p50
and p95 in seconds and each p50 against the bare page's own. The bare pages are served from an empty folder, with
Streamlit's own defaults instead of the app's settings. Times mean nothing between machines; the ratios do. It exits
with 1 where what was promised of a ratio does not hold.

*cold*: the first page of a server that has just started, with what is kept on the disk between servers (the system's
own cache of files, compiled Python, ``BSTVIZ_CACHE``). *first*: the same with an empty ``BSTVIZ_CACHE``; once a
collection, so it is one time. *warm*: opened before, by another session, on a server that has opened every page.

Each is timed twice: until *text* is seen, the first heading, paragraph or label; and until the page *stands*: the
script has ended, all charts and components are drawn, and a frame has followed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks.app_latency import FRAMES, REFERENCE, VIEWPORT, app_on, bare_on, judged, p
from benchmarks.serving import ARGUMENTS, chromium
from benchmarks.synthetic import make_experiment
from bstviz import paths

PAGES = ("home", "explore", "compare", "results", "confusion", "review", "classify")
STATES = ("cold", "first", "warm")
LIMITS = {("review", "cold"): 2.0, ("results", "warm"): 1.5, ("confusion", "warm"): 1.5}
"""What a page may take until it stands, in bare pages."""
LIMITS_OF_TEXT = {("home", state): 1.5 for state in ("cold", "warm")}
"""What a page may take until its first text, in bare pages."""
WORDS_OF = {"text": "its first text", "stands": "it stands"}
TEXT = """() => [...document.querySelectorAll('[data-testid=stMainBlockContainer] :is(h1, h2, h3, p, label)')]
  .some((e) => e.innerText.trim())"""
STANDS = """() => { const all = (what) => [...document.querySelectorAll(what)];
  return document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
    && !all('[data-testid=stSkeleton], [data-testid=stSpinner]').length
    && all('[data-testid=stPlotlyChart]').every((e) => e.querySelector('.js-plotly-plot .main-svg'))
    && all('.plotly-map').every((e) => e.dataset.state === 'drawn')
    && all('[data-testid=stBidiComponentIsolated]').every((e) => e.shadowRoot?.childElementCount) }"""


@dataclass
class Opened:
    """Seconds until text was seen and until the page stood."""

    text: list[float] = field(default_factory=list)
    stands: list[float] = field(default_factory=list)


def opened(browser: Browser, address: str, times: Opened) -> None:
    """Open a page in a fresh window and keep how long it took."""
    context = browser.new_context(viewport=VIEWPORT)
    page = context.new_page()
    page.set_default_timeout(120_000)
    start = time.perf_counter()
    page.goto(address, wait_until="commit")
    for condition, kept in ((TEXT, times.text), (STANDS, times.stands)):
        page.wait_for_function(condition)
        if condition == STANDS:
            page.evaluate(FRAMES)
        kept.append(time.perf_counter() - start)
    context.close()


@dataclass(frozen=True)
class Servers:
    """Starts the app and the bare pages on one experiment."""

    experiment: Path
    work: Path

    @contextmanager
    def bare(self) -> Iterator[str]:
        """Address of the bare pages; the name of one follows."""
        run = next(self.experiment.glob("*/run.json")).parent
        with bare_on(run, "bare_pages.py") as server:
            yield f"{server.address}/?page="

    @contextmanager
    def app(self) -> Iterator[str]:
        """Address of the app; the name of a page follows."""
        places = {paths.CACHE_VARIABLE: str(self.work / "cache"), paths.REVIEWS_VARIABLE: str(self.work)}
        with app_on(self.experiment, **places) as server:
            yield f"{server.address}/"

    def forget(self) -> None:
        """Empty the app's cache on the disk."""
        shutil.rmtree(self.work / "cache", ignore_errors=True)


def first_opened(browser: Browser, servers: Servers, page: str, repeats: int) -> dict[str, Opened]:
    """Times of a page that a server which has just started opens first, by state, and the bare page's, in turns."""
    times = {"bare cold": Opened(), "first": Opened(), "cold": Opened()}
    times["bare first"] = times["bare cold"]
    for again in range(repeats + 1):
        with servers.bare() as bare:
            opened(browser, bare + page, times["bare cold"])
        if not again:
            servers.forget()
        with servers.app() as app:
            opened(browser, app + page, times["cold" if again else "first"])
    return times


def opened_again(browser: Browser, servers: Servers, pages: list[str], repeats: int) -> dict[str, dict[str, Opened]]:
    """Times of pages that were opened before, by page and state, and the bare pages', in turns."""
    times = {page: {"bare warm": Opened(), "warm": Opened()} for page in pages}
    with servers.app() as app, servers.bare() as bare:
        for again in range(repeats + 1):
            for page in pages:
                for address, name in ((bare, "bare warm"), (app, "warm")):
                    opened(browser, address + page, times[page][name] if again else Opened())
    return times


def report(page: str, times: dict[str, Opened]) -> bool:
    """Print p50 / p95 of a page's times, or its one time, and p50 against the bare page's; whether what was promised
    holds.
    """
    holds = True
    for state in (state for state in STATES if state in times):
        words = []
        for measured in ("text", "stands"):
            own, bare = (getattr(times[name], measured) for name in (state, f"bare {state}"))
            ratio = f"{p(own, 50) / p(bare, 50):.2f} of {p(bare, 50):.2f} / {p(bare, 95):.2f}"
            taken = f"{own[0]:.2f}" if len(own) == 1 else f"{p(own, 50):.2f} / {p(own, 95):.2f}"
            words.append(f"{measured} {taken} s, {ratio}")
        print(f"{page:>9} {state:>5}: {'; '.join(words)}", flush=True)
        for measured, limits in (("text", LIMITS_OF_TEXT), ("stands", LIMITS)):
            if most := limits.get((page, state)):
                own, bare = (getattr(times[name], measured) for name in (state, f"bare {state}"))
                ratios = (p(own, q) / p(bare, q) for q in (50, 95))
                holds &= judged(f"until {WORDS_OF[measured]} / the bare page", *ratios, most)
    return holds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where the made-up runs are kept; a temporary folder when left out")
    parser.add_argument("--sounds", type=int, default=REFERENCE)
    parser.add_argument("--pages", nargs="+", choices=PAGES, default=list(PAGES))
    parser.add_argument("--again", action="store_true", help="warm alone")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--json", type=Path, help="file for all times")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as spare, sync_playwright() as playwright:
        experiment = make_experiment((options.folder or Path(spare)) / f"experiment-{options.sounds}", options.sounds)
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        servers = Servers(experiment, Path(spare))
        times: dict[str, dict[str, Opened]] = {page: {} for page in options.pages}
        hold = []
        for page in options.pages if not options.again else ():
            times[page] |= first_opened(browser, servers, page, options.repeats)
            hold.append(report(page, times[page]))
        for page, own in opened_again(browser, servers, options.pages, options.repeats).items():
            times[page] |= own
            hold.append(report(page, own))
        browser.close()
    if options.json:
        kept = {page: {name: vars(one) for name, one in own.items()} for page, own in times.items()}
        options.json.write_text(json.dumps(kept))
    sys.exit(not all(hold))


if __name__ == "__main__":
    main()
