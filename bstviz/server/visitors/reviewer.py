"""Who decides on labels: somebody who has logged in, or else a browser, told from others by a cookie.

The cookie holds random digits and is set with every page. Scripts of a page cannot read it, other sites' pages do not
send it, and nothing but decisions on labels is kept by it: by its hash, so that whoever reads the record of decisions
cannot decide in another's name.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "bstviz_reviewer"
VALUE = re.compile(r"[0-9a-f]{32}")
COOKIE_SECONDS = 400 * 24 * 3_600
"""For which a browser keeps the cookie after its last page; browsers keep none for longer."""
CONDITIONS = ("if-none-match", "if-modified-since")
"""What a browser has is answered by 304, which tells no page from what is none; so a page is sent again, a few kB."""
CLAIMS = ("sub", "email")
"""What tells somebody who has logged in from others, by the first that the provider states."""


def reviewer_of_browser(cookies: Mapping[str, str]) -> str | None:
    """Id of the reviewer at a browser; None where it sent no cookie of ours."""
    value = str(cookies.get(COOKIE, ""))
    return _id(f"browser {value}") if VALUE.fullmatch(value) else None


def reviewer_of_login(claims: Mapping[str, object]) -> str | None:
    """Id of the reviewer who has logged in, by what the provider states; None where nobody has."""
    if not claims.get("is_logged_in"):
        return None
    stated = next((claims[name] for name in CLAIMS if claims.get(name)), None)
    return None if stated is None else _id(f"login {claims.get('iss', '')} {stated}")


def _id(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class WithCookie:
    """Middleware that sets the cookie with every page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.datastructures import Headers, MutableHeaders
        from starlette.requests import HTTPConnection

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    had = HTTPConnection(scope).cookies.get(COOKIE, "")
                    value = had if VALUE.fullmatch(had) else secrets.token_hex(16)
                    secure = "; Secure" if scope["scheme"] == "https" else ""
                    about = f"Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Lax{secure}"
                    headers.append("Set-Cookie", f"{COOKIE}={value}; {about}")
            await send(message)

        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if "text/html" in Headers(scope=scope).get("accept", ""):
            kept = [(name, value) for name, value in scope["headers"] if name.decode("latin-1") not in CONDITIONS]
            scope = {**scope, "headers": kept}
        await self._app(scope, receive, with_cookie)
