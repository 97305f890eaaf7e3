"""The app as it starts, with real sounds that are on Freesound, in a browser without internet."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from benchmarks.serving import served

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def both(browser: Browser) -> Iterator[str]:
    """Address of the app on all that comes with it."""
    with served() as server:
        yield server.address


@pytest.fixture
def offline(browser: Browser, both: str) -> Iterator[Page]:
    """A page of a browser that reaches the app alone."""

    def only_the_app(route: Route) -> None:
        if route.request.url.startswith(both):
            route.continue_()
        else:
            route.abort("internetdisconnected")

    page = browser.new_page()
    page.route(re.compile("^https?:"), only_the_app)
    page.set_default_timeout(60_000)
    yield page
    page.close()


def test_the_overview_shows_the_demo_and_bsd10k(offline: Page, both: str) -> None:
    offline.goto(both)
    for name in ("bstviz demo", "BSD10k, words"):
        expect(offline.get_by_role("heading", name=name)).to_be_visible(timeout=60_000)
    expect(offline.get_by_text("Its sounds are on Freesound")).to_be_visible()


def test_without_internet_review_says_who_would_play_and_goes_on(offline: Page, both: str) -> None:
    offline.goto(f"{both}/review")
    expect(offline.get_by_text("this needs a connection to the internet").first).to_be_visible(timeout=60_000)
    expect(offline.get_by_text("have embeddings, so the models alone judge")).to_be_visible(timeout=60_000)


def test_confusion_is_by_threshold_on_real_sounds(offline: Page, both: str) -> None:
    offline.goto(f"{both}/confusion")
    expect(offline.get_by_text("10,311 test sounds")).to_be_visible(timeout=60_000)
    offline.get_by_role("radio", name="≥ 4").last.click()  # of the test
    expect(offline.get_by_text("6,476 test sounds")).to_be_visible(timeout=60_000)
