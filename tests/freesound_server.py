"""A server of the shape of Freesound's API, version 2, as its code and documentation have it; see docs/freesound.md."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import soundfile

from tests.fakes import RATE, tone

TOKEN = "secret0123456789abcdefSECRET"
PACK, USER = 77, "Tür & Tor"
LISTS = ("/apiv2/search/", f"/apiv2/packs/{PACK}/sounds/", f"/apiv2/users/{quote(USER)}/sounds/")
MAX_PAGE = 150
CODES = ("fx-a", "m-sp", "ss-n")
NAMES = {
    "fx-a": ("Sound effects", "Animals"),
    "m-sp": ("Music", "Solo percussion"),
    "ss-n": ("Soundscapes", "Nature"),
}


@cache
def ogg(hz: float) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, tone(hz, 0.25), RATE, format="OGG", subtype="VORBIS")
    return buffer.getvalue()


@dataclass
class Refusal:
    """An answer in place of the next one: its status, what it says, and ``Retry-After`` in seconds."""

    status: int
    detail: str = ""
    retry_after: str | None = None
    body: bytes | None = None


@dataclass
class FreesoundServer:
    """What it has, how it answers, and what it was asked.

    Attributes:
        sounds: Every sound, with all its fields; None is one that only the search knows.
        refusals: What the next answers of the API are, first to last.
        previews: Bytes of previews by path, which may be none; what is missing is answered 404.
        cut: Paths of previews of which the next answer breaks off.
        slow: Seconds that a preview takes.
        moved: By how paths begin, the address that leads on from them, once a request.
        asked: Path, query and headers of every request, in order.
    """

    sounds: list[dict[str, Any] | None] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    previews: dict[str, bytes] = field(default_factory=dict)
    cut: list[str] = field(default_factory=list)
    slow: float = 0.0
    moved: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    root: str = ""

    @property
    def address(self) -> str:
        return f"{self.root}/apiv2"

    @property
    def fetched(self) -> list[str]:
        """Paths of previews that were asked for."""
        return [path for path, _, _ in self.asked if path.startswith("/previews/")]

    def add(self, number: int, **changes: Any) -> None:
        """Add a sound, of the class and pitch that its number gives."""
        which = number % len(CODES)
        category, subcategory = NAMES[CODES[which]]
        path = f"/previews/{number}-hq.ogg"
        self.previews[path] = ogg(300 + 700 * which + number % 2)
        self.sounds.append(
            {
                "id": number,
                "url": f"https://freesound.org/people/u/sounds/{number}/",
                "name": f"Sound {number}.wav",
                "tags": ["loop", f"take-{number}"],
                "description": "As it was\nrecorded",
                "category": category,
                "subcategory": subcategory,
                "category_code": CODES[which],
                "category_is_user_provided": number % 2 == 0,
                "created": f"2014-04-{1 + number % 28:02d}T20:07:11",
                "license": "http://creativecommons.org/licenses/by/4.0/",
                "gen_ai_preference": None,
                "username": f"user{number % 5}",
                "pack_name": "Rain" if number % 4 else None,
                "duration": 0.25,
                "samplerate": 44100.0,
                "previews": {"preview-lq-ogg": f"{self.root}/never", "preview-hq-ogg": f"{self.root}{path}"},
            }
            | changes
        )


def _handler(server: FreesoundServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            server.asked.append((parts.path, query, dict(self.headers)))
            led_on = "led=on" in parts.query
            moved = next((to for start, to in server.moved.items() if parts.path.startswith(start)), None)
            if moved and not led_on:
                self.answer(301, b"", {"Location": f"{moved}{parts.path}?{parts.query}&led=on"})
            elif parts.path.startswith("/previews/"):
                self.preview(parts.path)
            elif server.refusals:
                refusal = server.refusals.pop(0)
                body = refusal.body if refusal.body is not None else json.dumps({"detail": refusal.detail}).encode()
                self.answer(refusal.status, body, {"Retry-After": refusal.retry_after})
            elif self.headers.get("Authorization") != f"Token {TOKEN}":
                self.answer(401, b'{"detail": "Invalid token"}', {"WWW-Authenticate": "Token"})
            elif parts.path in (
                "/apiv2/search/",
                f"/apiv2/packs/{PACK}/sounds/",
                "/apiv2/users/T%C3%BCr%20%26%20Tor/sounds/",
            ):
                self.page(parts.path, query)
            else:
                self.answer(404, b'{"detail": "Not found"}')

        def page(self, path: str, query: dict[str, str]) -> None:
            size, number = min(int(query.get("page_size", 15)), MAX_PAGE), int(query.get("page", 1))
            found = [] if query.get("query") == "nothing" else server.sounds
            if number > 1 and (number - 1) * size >= len(found):
                self.answer(404, b'{"detail": "Invalid page."}')
                return
            wanted = query.get("fields", "id,name,tags,username,license").split(",")
            results = [
                sound and {name: value for name, value in sound.items() if name in wanted}
                for sound in found[(number - 1) * size : number * size]
            ]
            more = number * size < len(found)
            following = f"{server.root}{path}?{urlencode(query | {'page': number + 1})}" if more else None
            page = {"count": len(found), "previous": None, "next": following, "results": results}
            self.answer(200, json.dumps(page).encode())

        def preview(self, path: str) -> None:
            time.sleep(server.slow)
            data = server.previews.get(path)
            if data is None:
                self.answer(404, b"<html>Not found</html>")
                return
            if path in server.cut:
                server.cut.remove(path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[: len(data) // 2])
                self.close_connection = True
                return
            self.answer(200, data)

        def answer(self, status: int, data: bytes, headers: dict[str, str | None] | None = None) -> None:
            with suppress(OSError):  # whoever asked may be gone
                self.send_response(status)
                for name, value in (headers or {}).items():
                    if value is not None:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

    return Handler


@contextmanager
def serving(sounds: int = 7) -> Iterator[FreesoundServer]:
    """Context with a server that has some sounds, numbered from 1000."""
    server = FreesoundServer()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    server.root = f"http://127.0.0.1:{http.server_address[1]}"
    for number in range(1000, 1000 + sounds):
        server.add(number)
    thread = threading.Thread(target=partial(http.serve_forever, 0.01), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
