"""What to label next, in Chromium: a chosen sound is played, and the batch is selected on the map."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.map_driver import MapDriver, settled

pytestmark = pytest.mark.e2e


def test_a_batch_is_listed_played_and_selected_on_the_map(page: Page, address: str) -> None:
    page.goto(f"{address}/explore")
    MapDriver(page)
    page.get_by_text("What to label next").click()
    page.get_by_text(re.compile(r"those first from which the models learn most")).wait_for()
    settled(page)
    row = page.locator(".list tbody tr").first
    row.get_by_role("button").first.click()
    audio = page.locator(".player audio")
    page.wait_for_function("(a) => a.currentTime > 0 || a.ended", arg=audio.element_handle())
    count = page.locator(".list tbody tr").count()
    page.get_by_role("button", name="Select these on the map").click()
    expect(page.get_by_role("heading", name=re.compile(rf"^{count} sounds? selected"))).to_be_visible()
