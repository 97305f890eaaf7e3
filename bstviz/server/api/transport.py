"""HTTP: requests are read within limits and held against the types of messages, answers and problems are JSON.

A sound is read as it comes, up to ``upload_megabytes``. So many requests are answered at once, the others wait in the
order in which they came, as long as their clients do; over :data:`WAITING` of them the server says when to ask again.
"""

from __future__ import annotations

import asyncio
import re
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache, partial
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

import msgspec

from bstviz import log, schema
from bstviz.errors import AwayError, UserError, in_words
from bstviz.jobs.background import FAULT
from bstviz.paths import without_places
from bstviz.server.api import queued
from bstviz.server.api.access import Access
from bstviz.server.api.endpoints import ENDPOINTS, Endpoint
from bstviz.server.api.messages import Problem
from bstviz.server.api.openapi import JSON, document
from bstviz.server.api.served import NoSuchThingError, Served, beside, text_classifier
from bstviz.server.health import health_routes

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

API_PATH = "api/v1"
API_THREADS = 4
"""Requests with sounds that are worked on at once, and as many others."""
WAITING = 64
"""Requests that the server has taken and not answered, at most."""
HELD = 2
"""Sounds of the greatest size that it holds at once, at most, in bytes."""
READ_SECONDS = 60.0
"""For which a body may make no progress."""
RETRY_SECONDS = 5
WORDS_BYTES = 2**20
"""Of a body of JSON at most."""
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")


class RefusedError(UserError):
    """A request that is refused before anything is made of it; ``status`` says how."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Interface:
    """The interface of one server.

    Args:
        served: What it answers about.
        access: Who may ask.
        upload_bytes: Of a sound, at most.
    """

    def __init__(self, served: Served, access: Access, *, upload_bytes: int) -> None:
        self.served, self.access, self.upload_bytes = served, access, upload_bytes
        self._taken = self._bytes = 0
        self._sounds = ThreadPoolExecutor(API_THREADS, thread_name_prefix="api-sounds")
        self._others = ThreadPoolExecutor(API_THREADS, thread_name_prefix="api")

    def routes(self) -> list[BaseRoute]:
        """Its routes, below whatever path the app is served."""
        from starlette.applications import Starlette
        from starlette.exceptions import HTTPException
        from starlette.routing import Mount, Route

        own = [Route("/openapi.json", self._document), *health_routes()]
        own += [Route(f"/{e.path}", partial(self._answer, e), methods=[e.method]) for e in ENDPOINTS]
        app = Starlette(routes=own, exception_handlers={HTTPException: _no_such_address})
        return [Mount(f"/{API_PATH}", app), Mount(f"/{{below:path}}/{API_PATH}", app)]

    def warm(self) -> None:
        """Make ready for the first sound."""
        with suppress(UserError, OSError):  # said to whoever asks
            _, classifier = self.served.classifier(())
            queued.warm(classifier.run.encoders.get("audio"), text_classifier().run.encoders["text"])
            _ = classifier.usual_distances, beside(classifier)

    async def _document(self, request: Request) -> Response:
        return _json(200, document(request.scope["root_path"], token=self.access.token is not None))

    async def _answer(self, endpoint: Endpoint, request: Request) -> Response:
        """The answer to a request, whatever becomes of it."""
        start = time.monotonic()
        try:
            status, body = 200, await self._asked(endpoint, request)
        except Exception as error:
            status, body = _status(error), _problem(error)
            if status == 500:
                log.warning("failed", kind="api", error=type(error).__name__)
        log.action("api", endpoint=endpoint.path.replace("/", "-"), status=status, seconds=time.monotonic() - start)
        return _json(status, body)

    async def _asked(self, endpoint: Endpoint, request: Request) -> object:
        if (refusal := self.access.refusal(request.headers)) is not None:
            raise RefusedError(401, refusal)
        query = query_from(endpoint.query, request.query_params)
        if self._taken >= WAITING:
            raise AwayError(f"{WAITING} requests wait already. Ask again in {RETRY_SECONDS} seconds.")
        self._taken += 1
        size = 0
        try:
            body = None
            if endpoint.method == "POST":
                sound = _is_sound(endpoint, request.headers.get("content-type", ""))
                data = await self._read(request, self.upload_bytes if sound else WORDS_BYTES)
                size = len(data)
                body = data if sound else body_from(endpoint.body, data)
            threads = self._sounds if endpoint.method == "POST" else self._others
            return await _unless_gone(request, threads.submit(endpoint.act, self.served, query, body))
        finally:
            self._taken -= 1
            self._bytes -= size

    async def _read(self, request: Request, limit: int) -> bytes:
        """The body of a request, counted among the bytes that are held."""
        from starlette.requests import ClientDisconnect

        stated = request.headers.get("content-length", "")
        too_large = RefusedError(413, f"The body has more than {limit:,} bytes, which is the most that is taken here.")
        if stated.isascii() and stated.isdecimal() and int(stated[:18]) > limit:
            raise too_large
        data, chunks = bytearray(), request.stream()
        try:
            while (chunk := await asyncio.wait_for(anext(chunks, None), READ_SECONDS)) is not None:
                data += chunk
                self._bytes += len(chunk)
                if len(data) > limit:
                    raise too_large
                if self._bytes > max(HELD * self.upload_bytes, limit):
                    raise AwayError(f"The server holds as many sounds as it can. Ask again in {RETRY_SECONDS} seconds.")
        except BaseException as error:
            self._bytes -= len(data)
            if isinstance(error, TimeoutError | ClientDisconnect):
                raise RefusedError(422, "The body did not come to its end. Send it again.") from None
            raise
        return bytes(data)


async def _unless_gone(request: Request, work: Future[object]) -> object:
    """What some work comes to; it is not begun for a client that has gone, which nobody answers (499)."""
    answer, gone = asyncio.wrap_future(work), asyncio.create_task(_gone(request))
    try:
        await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        left = work.cancel()  # unless it has begun
    if left:
        raise RefusedError(499, "Whoever asked has gone.")
    return await answer


async def _gone(request: Request) -> None:
    """Come to an end when the connection does."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def query_from(kind: type, given: QueryParams) -> Any:
    """What an address states, as a query of some type.

    Raises:
        UserError: It states something else; says what, and what is allowed.
    """
    kinds = _kinds(kind)
    entry: dict[str, object] = {}
    for name in dict.fromkeys(given):
        values = given.getlist(name)
        if name not in kinds:
            raise UserError(
                f"The address states {schema.shown(name)}; known are {', '.join(kinds) or 'no parameters'}."
            )
        if kinds[name] is tuple:
            entry[name] = values
        elif len(values) > 1:
            raise UserError(f"The address states {name} {len(values)} times; allowed is once.")
        else:
            entry[name] = _plain(kinds[name], values[0])
    return schema.convert(entry, kind, "The address")


def body_from(kind: type | None, data: bytes) -> Any:
    """A body of JSON as a message of some type; raises UserError likewise."""
    try:
        entry = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise UserError(f"The body is no JSON: {str(error)[:200]}. Send an object of named values.") from None
    if kind is None:  # no endpoint takes JSON of no type
        raise RefusedError(415, "A body of JSON is not taken here.")
    schema.known_only(entry, kind, "The body")
    return schema.convert(entry, kind, "The body")


@cache
def _kinds(kind: type) -> dict[str, type]:
    """What the parameters of a query are, by name: int, bool, tuple, and str for all others."""
    return {name: _basic(hint) for name, hint in get_type_hints(kind).items()}


def _basic(hint: Any) -> type:
    if get_origin(hint) is tuple:
        return tuple
    options = [one if isinstance(one, type) else type(one) for one in (hint, *get_args(hint))]
    return bool if bool in options else int if int in options else str


def _plain(kind: type, text: str) -> object:
    if kind is int and WHOLE_NUMBER.fullmatch(text):
        return int(text)
    return {"true": True, "false": False}.get(text, text) if kind is bool else text


def _is_sound(endpoint: Endpoint, content_type: str) -> bool:
    """Whether a body is a sound, else JSON, by its media type; 415 where it is neither."""
    kind = content_type.partition(";")[0].strip().lower()
    if endpoint.takes_sound and (kind == "application/octet-stream" or kind.startswith("audio/")):
        return True
    if kind == JSON and endpoint.body is not None:
        return False
    taken = "audio/…, application/octet-stream or application/json" if endpoint.takes_sound else JSON
    raise RefusedError(415, f"The body's Content-Type is {schema.shown(kind)}; allowed is {taken}.")


def _status(error: Exception) -> int:
    if isinstance(error, RefusedError):
        return error.status
    if isinstance(error, NoSuchThingError):
        return 404
    if isinstance(error, UserError):
        return 503 if isinstance(error, AwayError) else 422
    return 503 if in_words(error) is not None else 500


def _problem(error: Exception) -> Problem:
    return Problem(without_places(in_words(error) or FAULT))


def _no_such_address(request: Request, error: Exception) -> Response:
    """Starlette's own refusals: of an address, or of a method."""
    status = getattr(error, "status_code", 404)
    known = ", ".join(f"{e.method} {e.path}" for e in ENDPOINTS)
    sentence = f"There is no such address or method; there are {known}, GET openapi.json and GET healthz."
    return _json(status, Problem(sentence), getattr(error, "headers", None) or {})


def _json(status: int, content: object, headers: dict[str, str] | None = None) -> Response:
    from starlette.responses import Response

    own = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **(headers or {})}
    if status == 401:
        own["WWW-Authenticate"] = "Bearer"
    if status == 503:
        own["Retry-After"] = str(RETRY_SECONDS)
    return Response(msgspec.json.encode(content), status, own, media_type=JSON)
