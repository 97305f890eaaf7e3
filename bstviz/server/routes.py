"""The routes: every content at an address of its own, which a browser keeps for good.

An address names what is behind it, so the same address never means anything else: a page that is loaded again takes
plotly.js from the browser's cache. Contents of visitors are for their own browser only (``private``).
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from bstviz.errors import UserError
from bstviz.paths import without_places
from bstviz.server import login
from bstviz.server.contents import CONTENTS, Content
from bstviz.server.health import health_routes
from bstviz.server.visitors.caches import KeepsCaches
from bstviz.server.visitors.reviewer import WithCookie

if TYPE_CHECKING:
    from starlette.middleware import Middleware
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Receive, Scope, Send

PLACE = "bstviz"
FOR_GOOD = "max-age=31536000, immutable"
FOR_PROGRAMS = re.compile(r"(?:^|/)(?:api/v1/.*|healthz)\Z", re.DOTALL)
BYTES = re.compile(r"bytes=(\d*)-(\d*)")


def routes() -> list[BaseRoute]:
    """Routes for ``st.App``, whatever path it is served below (``server.baseUrlPath``, a proxy's)."""
    from starlette.routing import Route

    ours = f"/{PLACE}/{{token}}"
    return [Route(ours, answer), Route(f"/{{below:path}}{ours}", answer), *health_routes()]


def middleware(*, pages: bool = True) -> list[Middleware]:
    """What every request to ``st.App`` passes: it asks who may come in, tells reviewers' browsers apart, and keeps the
    caches of all from each; without ``pages``, programs alone are answered.
    """
    from starlette.middleware import Middleware

    own = [] if pages else [Middleware(WithoutPages)]
    return [*own, Middleware(login.Withheld), Middleware(WithCookie), Middleware(KeepsCaches)]


class WithoutPages:
    """Middleware that lets through what is asked of the interface for programs and of ``/healthz`` alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.responses import PlainTextResponse

        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http" and not FOR_PROGRAMS.search(scope["path"]):
            await PlainTextResponse("Programs alone are answered here, at /api/v1.", 404)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def address_of(content: Content) -> str:
    """Address of a content, relative to any page of the app."""
    return f"{PLACE}/{content.token}"


@cache
def plotly_js() -> Content:
    """plotly.js as the installed ``plotly`` package brings it, held for good."""
    from plotly.offline import get_plotlyjs

    return CONTENTS.add(get_plotlyjs().encode(), "text/javascript; charset=utf-8")


def answer(request: Request) -> Response:
    """A content, or the part of it that was asked for; 304 where the browser has it, 404 where nobody holds it, 401
    where people log in and this browser was not let in.
    """
    from starlette.responses import Response

    if not login.answers(request.cookies):
        return Response("Log in first.", 401)
    everyones = plotly_js()  # held from the first request on, whoever asks
    content = CONTENTS.get(request.path_params["token"])
    if content is None:
        return Response("Nothing is kept at this address any more; load the page again.", 404)
    shared = "public" if content is everyones else "private"
    headers = {
        "ETag": f'"{content.token}"',
        "Cache-Control": f"{shared}, {FOR_GOOD}",
        "Content-Type": content.media_type,
        "Content-Encoding": "identity",  # or else Streamlit would compress at every answer
        "X-Content-Type-Options": "nosniff",
        "Accept-Ranges": "bytes",
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    try:
        size = len(content.data)
    except UserError as error:
        return Response(without_places(str(error)), 422)
    part = part_of(request.headers.get("range", ""), size)
    if part is None:
        if "gzip" in request.headers.get("accept-encoding", "") and content.compressed is not None:
            return Response(content.compressed, headers=headers | {"Content-Encoding": "gzip"})
        return Response(content.data, headers=headers)
    if not part:
        return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{size}"})
    span = f"bytes {part.start}-{part.stop - 1}/{size}"
    return Response(content.data[part.start : part.stop], 206, headers | {"Content-Range": span})


def part_of(asked: str, size: int) -> range | None:
    """The bytes that a Range header asks for, an empty range where there are none of them; None where it does not ask
    for one range of bytes, and everything is sent (RFC 9110, section 14.2).
    """
    found = BYTES.fullmatch(asked.strip())
    if not found or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        return range(max(size - int(last), 0), size)
    return range(int(first), min(int(last) + 1, size) if last else size)
