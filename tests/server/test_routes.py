from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.applications import Starlette

from bstviz.errors import UserError
from bstviz.server.contents import CONTENTS, Content
from bstviz.server.routes import WithoutPages, address_of, plotly_js, routes


def get(path: str, headers: Mapping[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a GET through Starlette's router."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asked = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": asked}
    answer = Starlette(routes=routes())(scope, receive, send)
    # In a thread of its own: once a browser test has run, playwright's event loop runs in this one
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, answer).result()
    start, *rest = sent
    return (
        start["status"],
        {name.decode(): value.decode() for name, value in start["headers"]},
        b"".join(part.get("body", b"") for part in rest),
    )


@pytest.fixture
def sound() -> Content:
    return CONTENTS.add(bytes(range(200)), "audio/wav")


def test_a_content_comes_with_its_type_and_may_be_kept_for_good(sound: Content) -> None:
    status, headers, body = get(f"/{address_of(sound)}")
    assert (status, body) == (200, sound.data)
    assert headers["content-type"] == "audio/wav"
    assert headers["content-length"] == "200"
    assert headers["cache-control"] == "private, max-age=31536000, immutable"
    assert headers["etag"] == f'"{sound.token}"'


@pytest.mark.parametrize("below", ["", "/lab/sounds", "/explore"])
def test_the_address_holds_below_any_path(sound: Content, below: str) -> None:
    assert get(f"{below}/{address_of(sound)}")[0] == 200


@pytest.mark.parametrize("path", ["/labbstviz/explore", "/lab/labbstviz/explore"])
def test_a_path_that_ends_in_our_name_keeps_its_pages(path: str) -> None:
    assert get(path)[2] == b"Not Found"  # of Starlette's, which asks the routes after ours first


def test_what_the_browser_has_is_not_sent_again(sound: Content) -> None:
    assert get(f"/{address_of(sound)}", {"if-none-match": f'"{sound.token}"'})[::2] == (304, b"")


def test_an_address_that_nobody_holds_is_not_found() -> None:
    assert get("/bstviz/0123")[0] == 404


@pytest.mark.parametrize(
    ("asked", "span", "first"),
    [
        ("bytes=0-", "0-199", 0),
        ("bytes=10-19", "10-19", 10),
        ("bytes=150-999", "150-199", 150),
        ("bytes=-20", "180-199", 180),
        ("bytes=-999", "0-199", 0),
    ],
)
def test_a_range_is_answered_as_rfc_9110_has_it(sound: Content, asked: str, span: str, first: int) -> None:
    status, headers, body = get(f"/{address_of(sound)}", {"range": asked})
    assert (status, headers["content-range"]) == (206, f"bytes {span}/200")
    assert body[0] == first
    assert int(headers["content-length"]) == len(body) == int(span.split("-")[1]) - first + 1


@pytest.mark.parametrize("asked", ["bytes=200-", "bytes=5-4", "bytes=-0"])
def test_a_range_of_nothing_is_refused(sound: Content, asked: str) -> None:
    status, headers, _ = get(f"/{address_of(sound)}", {"range": asked})
    assert (status, headers["content-range"]) == (416, "bytes */200")


@pytest.mark.parametrize("asked", ["bytes=-", "bytes=0-1,4-5", "lines=0-1"])
def test_what_is_not_one_range_of_bytes_is_answered_whole(sound: Content, asked: str) -> None:
    status, _, body = get(f"/{address_of(sound)}", {"range": asked})
    assert (status, body) == (200, sound.data)


def test_what_cannot_be_made_is_answered_with_the_reason() -> None:
    def make() -> bytes:
        raise UserError("noise.wav is silent.")

    content = CONTENTS.later(make, "application/json", name="picture of noise.wav")
    assert get(f"/{address_of(content)}")[::2] == (422, b"noise.wav is silent.")


def test_plotly_js_is_the_packages_own_and_shared_by_all() -> None:
    from plotly.offline import get_plotlyjs

    path = f"/{address_of(plotly_js())}"
    status, headers, body = get(path)
    assert (status, headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert headers["cache-control"].startswith("public, max-age=")
    assert body.decode() == get_plotlyjs()
    assert len(get(path, {"accept-encoding": "gzip, br"})[2]) < 0.4 * len(body)


def test_without_pages_programs_alone_are_answered() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        answered.append(scope.get("path", "socket"))

    async def send(message: Any) -> None:
        sent.append(message.get("status") or message.get("code"))

    answered: list[str] = []
    sent: list[int] = []
    for path in (
        "/api/v1/runs",
        "/lab/api/v1/classify",
        "/healthz",
        "/",
        "/_stcore/stream",
        "/api/v1",
        "/xapi/v1/runs",
    ):
        asyncio.new_event_loop().run_until_complete(
            WithoutPages(app)({"type": "http", "path": path, "method": "GET", "headers": []}, None, send)  # type: ignore[arg-type]
        )
    assert answered == ["/api/v1/runs", "/lab/api/v1/classify", "/healthz"]
    asyncio.new_event_loop().run_until_complete(WithoutPages(app)({"type": "websocket"}, None, send))  # type: ignore[arg-type]
    assert [status for status in sent if status] == [404] * 4 + [1008]
