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


def test_a_clicked_cell_lists_its_sounds(page: Page, address: str) -> None:
    page.goto(f"{address}/confusion")
    page.wait_for_selector(POINT)
    settled(page)
    click_point(page, 0)
    page.wait_for_selector("text=Solo percussion → Solo percussion")
    page.wait_for_selector("text=most confident first")


def test_the_address_of_a_page_opens_it_within_the_app(page: Page, address: str) -> None:
    page.goto(f"{address}/compare")
    page.wait_for_selector('.plotly-map[data-state="drawn"]')
    page.wait_for_selector("text=Overview")
    page.goto(address)
    page.wait_for_selector("text=How well the runs do")
