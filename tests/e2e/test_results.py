"""The results page on a small table 1 in a real Chromium: every figure of the paper drawn, and the numbers as a CSV."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from benchmarks.serving import served
from bstviz.datasets.collection import Collection, load_collection
from bstviz.datasets.taxonomy import bst
from bstviz.reports import html, table
from bstviz.training.preset import SweepPreset, grid_of
from bstviz.training.sweep import run_sweep
from tests.e2e.test_app import settled
from tests.fakes import small_collection, stratified

pytestmark = pytest.mark.e2e

DRAWN = {
    "Confusion": (".heatmaplayer", 1),
    "Latent spaces": (".annotation", 4),  # the panels' titles: the four settings of figure 2
    "Classes": (".barlayer .point", 23),
    "Training": (".scatterlayer .js-line", 2 * 4 + 4),  # two losses and an accuracy of four folds
    "Attention": (".scatterlayer .point", 23),
    "Calibration": (".scatterlayer .js-line", 3),  # both levels and the diagonal
}
"""What a section's figure is made of, and how many of it."""


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Sounds of all classes, enough of them at every threshold."""
    made = small_collection(bst().codes, per_class=12)
    return load_collection(made.save(tmp_path_factory.mktemp("collections") / "all"))


@pytest.fixture(scope="module")
def experiment(collection: Collection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("table1")
    preset = SweepPreset(
        "x",
        modalities=("audio", "both"),
        min_confidences=(1, 3, 4),
        baselines=("knn",),
        train={"epochs": 3, "min_steps": 0},
    )
    list(run_sweep(collection, stratified(collection), grid_of(preset, collection), out, jobs=1))
    return out


@pytest.fixture(scope="module")
def results(browser: Browser, experiment: Path) -> Iterator[str]:
    with served(["--experiment", str(experiment)]) as server:
        yield f"{server.address}/results"


def show(page: Page, section: str) -> None:
    page.get_by_role("radio", name=section, exact=True).click()
    settled(page)


def test_every_figure_of_the_paper_is_drawn(page: Page, results: str) -> None:
    page.goto(results)
    page.wait_for_selector(".scatterlayer .point")
    for section, (selector, count) in DRAWN.items():
        show(page, section)
        page.wait_for_function(
            "([selector, count]) => document.querySelectorAll('.js-plotly-plot ' + selector).length === count",
            arg=[selector, count],
        )
    show(page, "Structure")
    page.wait_for_selector("text=On the test sounds of 4 folds that both have")
    assert page.locator('[data-testid="stException"], [data-testid="stAlertContentError"]').count() == 0


def test_the_table_is_a_csv_of_every_metric(page: Page, results: str, experiment: Path) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(results)
    page.wait_for_selector(".scatterlayer .point")
    wider = (
        "table => [table, table.parentElement].some(e => e.scrollWidth > Math.ceil(e.getBoundingClientRect().width))"
    )
    assert not page.locator('[data-testid="stTable"] table').evaluate(wider)
    assert page.locator('[data-testid="stTable"]').bounding_box()["width"] <= 1280  # type: ignore[index]
    with page.expect_download() as download:
        page.get_by_text("CSV of every metric").click()
    saved = download.value.path().read_text(encoding="utf-8-sig")
    assert saved == table.write(table.load_rows([experiment]), "csv")
    assert len(saved.splitlines()) == 1 + 2 * 3 * 2 + 2 * 3


def test_the_html_report_shows_offline_what_the_page_shows(
    browser: Browser, page: Page, results: str, experiment: Path, tmp_path: Path
) -> None:
    page.goto(results)
    page.wait_for_selector(".scatterlayer .point")
    dots = "[...document.querySelector('.js-plotly-plot').data].map(trace => [trace.name, [...trace.y]])"
    shown = page.evaluate(dots)
    with page.expect_download() as download:
        page.get_by_text("CSV of every metric").click()
    rows = list(csv.DictReader(download.value.path().open(encoding="utf-8-sig")))
    plot = "document.querySelector('.js-plotly-plot .heatmaplayer').closest('.js-plotly-plot')"
    matrix = f"[...{plot}.calcdata[0][0].z].map(row => [...row])"
    show(page, "Confusion")
    page.wait_for_selector(".heatmaplayer .hm")
    confused = page.evaluate(matrix)

    file = html.write_report([experiment], tmp_path / "report.html")
    context = browser.new_context(offline=True, color_scheme="dark")
    asked: list[str] = []
    broken: list[str] = []
    opened = context.new_page()
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("pageerror", lambda error: broken.append(str(error)))
    opened.goto(file.as_uri())
    opened.wait_for_selector("body[data-drawn=dark]", timeout=90_000)
    assert asked == [file.as_uri()]
    assert not broken
    assert opened.evaluate(dots) == shown
    assert opened.evaluate(matrix) == confused
    # six of the twelve settings have attention, and six pairs of losses a map
    assert opened.locator(".js-plotly-plot").count() == 5 + 1 + 12 * 4 + 6 + 6
    printed = [line.inner_text().split("\t") for line in opened.locator("table").first.locator("tbody tr").all()]
    context.close()
    metrics = [f"{name}_{part}" for name in table.TABLE_METRICS for part in ("mean", "std_over_folds")]
    expected = [[f"{100 * float(row[name]):.2f}" for name in metrics] for row in rows]
    assert [re.findall(r"\d+\.\d\d(?! ?\))", " ".join(line[3:8])) for line in printed] == expected
