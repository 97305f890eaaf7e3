"""Who comes in where people log in, and what a stranger's requests get."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bstviz.errors import UserError
from bstviz.paths import LOGIN_VARIABLE
from bstviz.server import login, routes
from bstviz.server.contents import CONTENTS

PROVIDER = {"client_id": "a", "client_secret": "b", "server_metadata_url": "https://c.example"}
SECTION = {"redirect_uri": "https://d.example/oauth2callback", "cookie_secret": "0" * 64}
LET_IN = {"_streamlit_user": "signed", "other": "1"}


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> None:
    """The people of one domain, and one more, may come in."""
    monkeypatch.setenv(LOGIN_VARIABLE, os.pathsep.join(["*@lab.example", "eve@elsewhere.example"]))


def status(path: str, cookies: dict[str, str]) -> int:
    """Status of a GET that reaches the middleware, and behind it routes that answer everything."""
    said: list[dict[str, Any]] = []

    async def ask() -> None:
        app = Starlette(
            routes=[Route("/{path:path}", lambda request: PlainTextResponse("hidden"))], middleware=routes.middleware()
        )
        scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers(cookies)}

        async def send(message: Any) -> None:
            said.append(dict(message))

        async def receive() -> dict[str, Any]:
            return {"type": "http.request"}

        await app(scope, receive, send)

    with ThreadPoolExecutor(1) as apart:  # browser tests leave a loop in this thread
        apart.submit(asyncio.run, ask()).result()
    return int(said[0]["status"])


def headers(cookies: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(b"cookie", "; ".join(f"{name}={value}" for name, value in cookies.items()).encode())] if cookies else []


@pytest.mark.parametrize(
    ("claims", "enters"),
    [
        ({"email": "Ana@Lab.example"}, True),
        ({"email": "eve@elsewhere.example", "email_verified": True}, True),
        ({"email": "eve@elsewhere.example", "email_verified": "true"}, True),
        ({"email": "ana@lab.example", "email_verified": False}, False),
        ({"email": "ana@lab.example", "email_verified": "false"}, False),
        ({"email": "ana@lab.example", "email_verified": None}, False),
        ({"email": "ana@lab.example.evil.example"}, False),
        ({"email": "bob@elsewhere.example"}, False),
        ({"email": "@lab.example\n"}, False),
        ({"email": None, "name": "ana@lab.example"}, False),
        ({}, False),
    ],
)
@pytest.mark.usefixtures("lab")
def test_only_the_people_named_come_in(claims: dict[str, Any], enters: bool) -> None:
    assert login.may_enter(claims) is enters


def test_everybody_whom_the_provider_knows_comes_in_by_a_star(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOGIN_VARIABLE, "*")
    assert login.may_enter({"sub": "1"})


@pytest.mark.parametrize(
    "path", ["/media/a.wav", "/below/media/a.wav", "//media/a", "/_stcore/upload_file/s/f", "/_stcore/metrics"]
)
@pytest.mark.usefixtures("lab")
def test_streamlits_routes_to_what_visitors_give_and_get_want_the_cookie_of_a_session_let_in(path: str) -> None:
    assert status(path, LET_IN) == 401
    held = login.admit(LET_IN)
    assert held is not None
    assert [status(path, c) for c in (LET_IN, {}, {"_streamlit_user": "forged"}, {"other": "1"})] == [
        200,
        401,
        401,
        401,
    ]
    del held
    assert status(path, LET_IN) == 401


@pytest.mark.parametrize("path", ["/", "/explore", "/_stcore/health", "/_stcore/stream", "/auth/login", "/healthz"])
@pytest.mark.usefixtures("lab")
def test_what_the_page_that_asks_needs_is_open(path: str) -> None:
    assert status(path, {}) == 200


def test_nobody_is_asked_where_nobody_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOGIN_VARIABLE, "")
    assert status("/media/a.wav", {}) == 200
    login.check()


@pytest.mark.usefixtures("lab")
def test_our_own_contents_go_to_nobody_else_either() -> None:
    content = CONTENTS.add(b"of a visitor", "audio/wav")

    def answer(cookies: dict[str, str]) -> int:
        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers(cookies)}
        return routes.answer(Request(scope | {"path_params": {"token": content.token}})).status_code

    held = login.admit(LET_IN)
    assert held is not None
    assert [answer(cookies) for cookies in ({}, LET_IN, {"_streamlit_user": "forged"})] == [401, 200, 401]


@pytest.mark.usefixtures("lab")
def test_a_session_without_a_login_cookie_lets_in_no_browser() -> None:
    assert login.admit({"other": "1"}) is None
    assert not login.answers({"other": "1"})


@pytest.mark.usefixtures("lab")
def test_a_cookie_in_parts_is_one_cookie() -> None:
    parts = {"_streamlit_user": "chunks-2", "_streamlit_user_1": "a", "_streamlit_user_2": "b"}
    held = login.admit(parts)
    assert held is not None
    assert login.answers(parts)
    assert not login.answers(parts | {"_streamlit_user_2": "c"})


@pytest.mark.parametrize(
    ("auth", "sentence"),
    [
        (None, "needs redirect_uri and cookie_secret in .*secrets.toml"),
        (SECTION, "needs client_id, client_secret, server_metadata_url"),
        (SECTION | PROVIDER | {"cookie_secret": "short"}, "has 5 characters; allowed are 32 and more"),
        (SECTION | {"lab": {"client_id": "a"}}, "the provider lab lacks client_secret and server_metadata_url"),
    ],
)
@pytest.mark.usefixtures("lab")
def test_a_server_does_not_start_half_closed(
    monkeypatch: pytest.MonkeyPatch, auth: dict[str, Any] | None, sentence: str
) -> None:
    monkeypatch.setattr("streamlit.secrets", {} if auth is None else {"auth": auth})
    with pytest.raises(UserError, match=sentence):
        login.check()


@pytest.mark.usefixtures("lab")
def test_providers_are_those_with_and_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamlit.secrets", {"auth": SECTION | PROVIDER | {"lab": PROVIDER}})
    login.check()
    assert login.providers() == (None, "lab")
