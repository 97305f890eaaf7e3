"""The pages as a person uses them: real clicks, lassos, playback and drops in Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.e2e

POINT = ".js-plotly-plot .scatterlayer .point"


def settled(page: Page) -> None:
    """Wait until the page is drawn and nothing runs any more."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')


def click_point(page: Page, index: int) -> None:
    box = page.locator(POINT).nth(index).bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def lasso(page: Page, chart: int = 0) -> None:
    """Draw a lasso around the middle of a chart."""
    plot = page.locator(".js-plotly-plot").nth(chart)
    plot.hover()
    plot.locator('.modebar-btn[data-val="lasso"]').click()
    box = plot.locator(".nsewdrag").first.bounding_box()
    assert box is not None
    x, y, w, h = (box[k] for k in ("x", "y", "width", "height"))
    corners = [(0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7), (0.3, 0.3)]
    page.mouse.move(x + 0.3 * w, y + 0.3 * h)
    page.mouse.down()
    for u, v in corners:
        page.mouse.move(x + u * w, y + v * h, steps=6)
    page.mouse.up()


def selected_ids(page: Page, chart: int) -> list[str]:
    script = "([i]) => { const t = document.querySelectorAll('.js-plotly-plot')[i].data[0];"
    script += " return Array.from(t.selectedpoints || []).map(k => t.customdata[k]).sort() }"
    return page.evaluate(script, [chart])


def test_a_clicked_point_can_be_heard(page: Page, address: str) -> None:
    page.goto(f"{address}/explore")
    page.wait_for_selector(POINT)
    assert page.locator(POINT).count() > 1_000
    click_point(page, 500)
    page.wait_for_selector("audio")
    page.wait_for_function("document.querySelector('audio').duration > 0.05")
    page.wait_for_function("document.querySelector('audio').currentTime > 0 || document.querySelector('audio').ended")


def test_a_lasso_lists_its_sounds(page: Page, address: str) -> None:
    page.goto(f"{address}/explore")
    page.wait_for_selector(POINT)
    settled(page)
    lasso(page)
    page.wait_for_selector("text=sounds selected")
    page.wait_for_selector('[data-testid="stDataFrame"]')


def test_selecting_on_the_left_map_brings_out_the_same_sounds_on_the_right(page: Page, address: str) -> None:
    page.goto(f"{address}/compare")
    page.wait_for_selector(POINT)
    page.wait_for_function("document.querySelectorAll('.js-plotly-plot').length >= 2")
    settled(page)
    lasso(page)
    page.wait_for_selector("text=brought out on both maps")
    settled(page)
    page.wait_for_function("(document.querySelectorAll('.js-plotly-plot')[1].data[0].selectedpoints || []).length > 1")
    assert selected_ids(page, 0) == selected_ids(page, 1)


def test_a_clicked_cell_lists_its_sounds(page: Page, address: str) -> None:
    page.goto(f"{address}/confusion")
    page.wait_for_selector(POINT)
    settled(page)
    click_point(page, 0)
    page.wait_for_selector("text=Solo percussion → Solo percussion")
    page.wait_for_selector("text=most certain first")


def test_a_link_to_a_page_opens_it_within_the_app(page: Page, address: str) -> None:
    page.goto(f"{address}/compare")
    page.wait_for_selector("text=Compare two latent spaces")
    page.wait_for_selector("text=Overview")
    page.goto(address)
    page.wait_for_selector("text=How well the runs do")
