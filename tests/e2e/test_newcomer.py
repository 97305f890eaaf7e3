"""The first five minutes of somebody who has read nothing, in a real Chromium: each step in at most three clicks."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page

from tests.e2e.test_app import settled

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
CLICKS = 3


class Clicks:
    """Counts the clicks of each step."""

    def __init__(self) -> None:
        self.made = 0

    def on(self, what: Locator) -> None:
        what.first.click()
        self.made += 1

    def taken(self) -> int:
        """How many were made since the last question."""
        made, self.made = self.made, 0
        return made


def test_a_newcomer_finds_the_way(page: Page, address: str) -> None:
    clicks = Clicks()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    page.get_by_text("Find mistakes by ear").wait_for()
    page.locator(".small-map .dots i").first.wait_for(state="attached")

    # A mistake of the hierarchical model is played
    clicks.on(page.get_by_role("link", name="Play its mistakes"))
    page.get_by_text("most confident first").wait_for()
    clicks.on(page.get_by_role("button", name="Play"))
    page.wait_for_function(
        """() => [...document.querySelectorAll('*')].some((e) => [...(e.shadowRoot?.querySelectorAll('audio') ?? [])]
          .some((a) => !a.paused || a.currentTime > 0))"""
    )
    assert clicks.taken() <= CLICKS

    # Where the flat model put it
    clicks.on(page.get_by_role("link", name="Where the other model puts"))
    page.wait_for_selector('.plotly-map[data-state="drawn"]')
    page.get_by_text("Ten nearest, left against right").wait_for()
    page.get_by_text("right predicted").wait_for()
    assert clicks.taken() <= CLICKS

    # An example is classified
    clicks.on(page.get_by_role("link", name="Classify"))
    clicks.on(page.get_by_role("button", name="Cow"))
    page.locator("[data-answer]").wait_for()
    assert "Animals" in page.locator("[data-answer]").inner_text()
    assert clicks.taken() <= CLICKS

    # Table 1
    clicks.on(page.get_by_role("link", name="Results"))
    page.locator('[data-testid="stTable"]').wait_for()
    settled(page)
    assert "Hierarchical" in page.locator('[data-testid="stTable"]').inner_text()
    assert clicks.taken() <= CLICKS
    assert not errors


def test_the_dots_move_to_where_the_other_model_puts_them(page: Page, address: str) -> None:
    page.goto(address)
    dot = page.locator(".small-map .dots i").first
    dot.wait_for(state="attached")
    page.wait_for_timeout(3_000)
    before = dot.bounding_box()
    page.get_by_text("Show where the non-hierarchical model puts them").click()
    page.wait_for_function(
        "([dot, x, y]) => { const at = dot.getBoundingClientRect(); return Math.hypot(at.x - x, at.y - y) > 2 }",
        arg=[dot.element_handle(), before["x"], before["y"]] if before else None,
    )


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_of_the_overview_is_wider_than_the_window(page: Page, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(address)
    page.get_by_text("How well the runs do").wait_for()
    page.locator(".small-map .dots i").first.wait_for(state="attached")
    settled(page)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
