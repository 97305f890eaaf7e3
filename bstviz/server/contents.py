"""Bytes that browsers fetch by address: each named by its hash, and kept as long as somebody holds it."""

from __future__ import annotations

import gzip
import hashlib
import secrets
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

SESSION_BYTES = 256 * 2**20
"""Bytes that one session holds at most, beside the newest."""


@dataclass(eq=False)
class Content:
    """Bytes with a media type, made when they are first asked for.

    Attributes:
        token: Their name, hexadecimal SHA-256.
        media_type: Their media type.
        make: Gives the bytes; lets go of what they were made of when they are.
    """

    token: str
    media_type: str
    make: Callable[[], bytes]

    @cached_property
    def data(self) -> bytes:
        """The bytes."""
        made = self.make()
        self.make = lambda: made
        return made

    @cached_property
    def compressed(self) -> bytes | None:
        """The bytes under gzip, worked out once; None where that is not worth its while, as for sounds and arrays."""
        text = self.media_type.startswith("text/") or self.media_type == "application/json"
        return gzip.compress(self.data, 6, mtime=0) if text and len(self.data) > 1_000 else None

    @property
    def size(self) -> int:
        """Number of bytes made so far."""
        return len(self.__dict__.get("data", b"")) + len(self.__dict__.get("compressed") or b"")


class Contents:
    """What can be fetched now. Holds nothing itself: a content is gone with the last one who holds it."""

    def __init__(self) -> None:
        self._by_token: weakref.WeakValueDictionary[str, Content] = weakref.WeakValueDictionary()
        self._lock = threading.Lock()
        self._salt = secrets.token_bytes(
            16
        )  # what a name stands for holds within this process, a browser's cache beyond

    def add(self, data: bytes, media_type: str) -> Content:
        """The content of some bytes, the same one for all who ask while anyone holds it."""
        content = self._named(data, media_type, lambda: data)
        _ = content.data  # counts as made
        return content

    def later(self, make: Callable[[], bytes], media_type: str, *, name: str) -> Content:
        """A content that is made when a browser asks for it.

        Args:
            make: Gives the bytes, in a thread of the server; what it raises as a UserError the browser is told.
            media_type: Their media type.
            name: Tells the bytes from all others of this process.
        """
        return self._named(self._salt + name.encode(), media_type, make)

    def _named(self, name: bytes, media_type: str, make: Callable[[], bytes]) -> Content:
        token = hashlib.sha256(media_type.encode() + b"\n" + name).hexdigest()
        with self._lock:
            found = self._by_token.get(token)
            if found is None:
                found = self._by_token[token] = Content(token, media_type, make)
            return found

    def get(self, token: str) -> Content | None:
        """The content of this name, if anyone holds it."""
        return self._by_token.get(token)


CONTENTS = Contents()
"""Those of this process."""


class Held:
    """What one session holds, by keys of its own: the newest content of each key and the one before, which a browser
    may still be fetching. Over the limit, what was least recently shown goes first.

    Args:
        limit: In bytes.
    """

    def __init__(self, limit: int = SESSION_BYTES) -> None:
        self._limit = limit
        self._by_key: OrderedDict[str, tuple[Content, ...]] = OrderedDict()

    def hold(self, key: str, content: Content) -> None:
        """Hold a content under a key."""
        before = self._by_key.pop(key, ())
        self._by_key[key] = before if content in before[:1] else (content, *before[:1])
        while len(self._by_key) > 1 and self.size > self._limit:
            self._by_key.popitem(last=False)

    @property
    def size(self) -> int:
        """Bytes held."""
        return sum(c.size for c in {c for held in self._by_key.values() for c in held})
