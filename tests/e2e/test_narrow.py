"""Narrow windows and the keyboard: what comes first, what is folded away, and the short way to the map."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
BEFORE_THE_MAP = 200
"""Pixels of head and closed drawer above it."""


@pytest.mark.parametrize("name", ["explore", "compare"])
def test_in_a_narrow_window_the_map_comes_first(page: Page, address: str, name: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}/{name}")
    page.locator("#map").wait_for(state="attached")
    page.locator(".drawer").first.wait_for()
    page.wait_for_function(f"() => document.querySelector('#map').getBoundingClientRect().top < {BEFORE_THE_MAP}")
    assert page.get_by_text("Colour", exact=True).is_hidden()
    page.locator(".drawer summary").first.click()
    page.get_by_text("Colour", exact=True).wait_for()


def test_in_a_narrow_window_filters_are_a_drawer_below_the_map(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}/explore")
    drawer, words = page.locator(".drawer.last summary"), page.get_by_role("textbox", name="Title or tags contain")
    drawer.wait_for()
    words.wait_for(state="hidden")
    ours, map_ = drawer.bounding_box(), page.locator("#map").bounding_box()
    assert ours is not None
    assert map_ is not None
    assert ours["y"] > map_["y"]
    drawer.click()
    words.wait_for()


def test_in_a_wide_window_there_are_no_drawers(page: Page, address: str) -> None:
    page.goto(f"{address}/explore")
    page.get_by_role("textbox", name="Title or tags contain").wait_for()
    assert page.locator(".drawer").evaluate_all("(all) => all.every((d) => d.getBoundingClientRect().height === 0)")


def test_a_link_skips_controls_and_filters(page: Page, address: str) -> None:
    page.goto(f"{address}/explore")
    page.locator("#map").wait_for(state="attached")
    link = page.get_by_role("link", name="Skip to the map")
    link.focus()
    page.wait_for_function("(link) => link.getBoundingClientRect().top >= 0", arg=link.element_handle())
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.id === 'map'")
