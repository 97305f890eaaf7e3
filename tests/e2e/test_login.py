"""Where people log in, a stranger sees a button and gets nothing by address; somebody who has logged in, everything."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from benchmarks.serving import free_port, served
from bstviz import paths
from tests.login_provider import Provider, serving_provider

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Provider]]:
    """Address of the app for the people of one domain, and the provider that says who somebody is."""
    folder, port = tmp_path_factory.mktemp("closed"), free_port()
    address = f"http://localhost:{port}"
    with serving_provider() as provider:
        provider.write_secrets(folder, address)
        with served(port=port, environment={paths.LOGIN_VARIABLE: "*@lab.example"}, cwd=folder):
            yield address, provider


def test_a_stranger_sees_a_button_and_gets_nothing_by_address(closed: tuple[str, Provider], page: Page) -> None:
    address, provider = closed
    provider.claims["email"] = "ana@lab.example"
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(f"{address}/explore")
    page.get_by_role("button", name="Log in", exact=True).wait_for()
    assert page.get_by_text("Explore").count() == 0
    page.get_by_role("button", name="Log in", exact=True).click()
    page.get_by_text("Loaded", exact=True).wait_for()
    page.get_by_role("link", name="Explore", exact=True).click()
    page.locator(".js-plotly-plot").first.wait_for()
    ours = [url for url in fetched if re.search(r"/bstviz/[0-9a-f]{64}$", url)]
    assert ours and all(page.request.get(url).status == 200 for url in ours)
    browser = page.context.browser
    assert browser is not None
    stranger = browser.new_context()
    assert [stranger.request.get(url).status for url in ours] == [401] * len(ours)
    stranger.add_cookies([{"name": "_streamlit_user", "value": "forged", "url": address}])
    assert [stranger.request.get(url).status for url in ours] == [401] * len(ours)
    stranger.close()
    page.get_by_role("link", name="Log out").click()
    page.get_by_role("button", name="Log in", exact=True).wait_for()
    assert [page.request.get(url).status for url in ours] == [401] * len(ours)


def test_somebody_who_is_not_named_is_told_so(closed: tuple[str, Provider], page: Page) -> None:
    address, provider = closed
    provider.claims["email"] = "bob@elsewhere.example"
    page.goto(address)
    page.get_by_role("button", name="Log in", exact=True).click()
    page.get_by_text("elsewhere.example is logged in, but not among those").wait_for()
    assert page.get_by_text("Explore").count() == 0
    page.get_by_role("button", name="Log in as somebody else").click()
    page.get_by_role("button", name="Log in", exact=True).wait_for()
