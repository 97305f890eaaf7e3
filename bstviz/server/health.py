"""``/healthz``: whether this server answers, which version it is, and which of several servers."""

from __future__ import annotations

import json
import secrets
import urllib.request
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from bstviz import __version__

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

HEALTH_PATH = "healthz"
INSTANCE = secrets.token_hex(8)
"""Tells this process from every other server; no secret."""


@dataclass(frozen=True)
class Health:
    """What a server states of itself."""

    status: Literal["ok"]
    version: str
    instance: str


def health_routes() -> list[BaseRoute]:
    """The route, below whatever path the app is served."""
    from starlette.routing import Route

    return [Route(f"/{HEALTH_PATH}", _answer), Route(f"/{{below:path}}/{HEALTH_PATH}", _answer)]


def _answer(request: Request) -> Response:
    from starlette.responses import JSONResponse

    stated = Health("ok", __version__, INSTANCE)
    return JSONResponse(asdict(stated), headers={"Cache-Control": "no-store"})


def is_this_server(url: str) -> bool:
    """Whether the server at an address is this process; raises OSError where none answers."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"{url}/{HEALTH_PATH}", timeout=2) as answer:
        try:
            stated = json.loads(answer.read(1_000))
        except ValueError:
            return False
    return isinstance(stated, dict) and stated.get("instance") == INSTANCE
