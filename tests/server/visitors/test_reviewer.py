from __future__ import annotations

import re
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient

from bstviz.server.routes import middleware
from bstviz.server.visitors.reviewer import COOKIE, reviewer_of_browser, reviewer_of_login


def page(request: object) -> Response:
    return HTMLResponse("a page")


def sound(request: object) -> Response:
    return PlainTextResponse("a sound")


def client(scheme: str = "http") -> TestClient:
    app = Starlette(routes=[Route("/", page), Route("/sound", sound)], middleware=middleware())
    return TestClient(app, base_url=f"{scheme}://testserver")


def test_a_page_brings_a_cookie_that_scripts_do_not_see_and_that_stays_the_same() -> None:
    browser = client()
    first = browser.get("/").headers["set-cookie"]
    assert re.fullmatch(rf"{COOKIE}=[0-9a-f]{{32}}; Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax", first)
    assert browser.get("/").headers["set-cookie"] == first
    assert client().get("/").headers["set-cookie"] != first
    assert client("https").get("/").headers["set-cookie"].endswith("; Secure")


def test_a_page_that_the_browser_has_brings_it_too(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("a page")
    (tmp_path / "a.js").write_text("a script")
    app = Starlette(routes=[Mount("/", StaticFiles(directory=tmp_path, html=True))], middleware=middleware())
    browser = TestClient(app, headers={"Accept": "text/html,*/*;q=0.8"})
    first = browser.get("/")
    had = {"If-None-Match": first.headers["etag"], "If-Modified-Since": first.headers["last-modified"]}
    assert browser.get("/", headers=had).headers["set-cookie"] == first.headers["set-cookie"]
    browser.cookies.clear()
    assert "set-cookie" in browser.get("/", headers=had).headers
    script = {"If-None-Match": browser.get("/a.js").headers["etag"], "Accept": "*/*"}
    assert browser.get("/a.js", headers=script).status_code == 304


def test_what_is_no_page_brings_none() -> None:
    assert "set-cookie" not in client().get("/sound").headers


def test_a_forged_cookie_names_nobody_and_is_replaced() -> None:
    for forged in ("", "a" * 31, "A" * 32, "é" * 32, "a" * 32 + "\n", "x" * 10_000):
        assert reviewer_of_browser({COOKIE: forged}) is None
    browser = client()
    browser.cookies.set(COOKIE, "forged")
    assert "forged" not in browser.get("/").headers["set-cookie"]


def test_the_id_that_decisions_bear_does_not_give_the_cookie_away() -> None:
    first, second = (reviewer_of_browser({COOKIE: digit * 32}) for digit in "ab")
    assert first is not None
    assert first != second
    assert first == reviewer_of_browser({COOKIE: "a" * 32, "another": "cookie"})
    assert "aaaa" not in first


def test_who_has_logged_in_is_known_by_what_the_provider_states() -> None:
    one = {"is_logged_in": True, "iss": "https://one", "sub": "1", "email": "a@b.c"}
    assert reviewer_of_login(one) == reviewer_of_login(one | {"email": "new@b.c"})
    assert reviewer_of_login(one) != reviewer_of_login(one | {"iss": "https://two"})
    assert reviewer_of_login({"is_logged_in": True, "email": "a@b.c"}) is not None
    assert reviewer_of_login({}) is None
    assert reviewer_of_login({"is_logged_in": False, "sub": "1"}) is None
    assert reviewer_of_login({"is_logged_in": True}) is None
