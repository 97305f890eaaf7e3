"""A decoder process: takes one file after another and answers, confined to that.

Its file comes in parts, by messages; it opens none. Answers are, by what is asked (``do``):

- ``decode``: the fields of a :class:`bstviz.audio.sound.Sound`, and its samples, float32, as the body;
- ``duration``: ``seconds``, or null;
- ``coding``: the fields of a :class:`bstviz.audio.decoders.Coding`, or null;
- and of each, instead: ``problem``, a sentence for a person, or ``memory``, true, where there was not enough of it.
"""

from __future__ import annotations

import io
import math
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any, BinaryIO

from bstviz.audio import decoders
from bstviz.audio.chained import Opening
from bstviz.audio.sandbox import confine, messages
from bstviz.audio.sandbox.messages import Body, Header
from bstviz.errors import UserError

BUFFER = 2**16
"""Bytes that are taken at a time from a part that is here."""


def main() -> None:
    """Answer what standard input asks, on standard output, until that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal's whole group; who started this process ends it
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    _end_with(requests.fileno())
    decoders.load_libraries()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):  # what libraries print is nobody's; until here a fault is shown
        os.dup2(nowhere, standard)
    os.close(nowhere)
    confined = confine.confine()
    try:
        messages.send(answers, {"ready": True, "confined": confined})
        serve(requests, answers)
    except (EOFError, OSError):  # nobody asks any more
        pass
    os._exit(0)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer one request after another; EOFError when there are no more."""
    while True:
        asked, first = messages.receive(requests, at_most=messages.PART_BYTES)
        confine.allow_seconds(asked["seconds"])
        opening = partial(_open, requests, answers, asked["size"], memoryview(first))
        try:
            header, body = QUESTIONS[asked["do"]](opening, asked["name"])
        except UserError as error:
            header, body = {"problem": str(error)}, b""
        except MemoryError:
            header, body = {"memory": True}, b""
        messages.send(answers, header, body)


def _decode(opening: Opening, shown: str) -> tuple[Header, Body]:
    sound = decoders.decoded(opening, shown)
    fields = {name: getattr(sound, name) for name in ("rate", "seconds", "channels", "format", "starts", "notes")}
    return fields, sound.samples.data.cast("B")


def _duration(opening: Opening, shown: str) -> tuple[Header, Body]:
    seconds = decoders.duration(opening)
    return {"seconds": seconds if seconds is not None and math.isfinite(seconds) else None}, b""


def _coding(opening: Opening, shown: str) -> tuple[Header, Body]:
    found = decoders.coding(opening)
    return {"coding": found and asdict(found)}, b""


QUESTIONS: dict[str, Callable[[Opening, str], tuple[Header, Body]]] = {
    "decode": _decode,
    "duration": _duration,
    "coding": _coding,
}


class _Sent(io.RawIOBase):
    """A file that lies elsewhere, of which parts are sent when they are asked for.

    Args:
        requests: Where they come from.
        answers: Where they are asked for.
        size: Of the file, in bytes.
        first: Its first bytes, which are here already.
    """

    def __init__(self, requests: BinaryIO, answers: BinaryIO, size: int, first: memoryview) -> None:
        self._requests, self._answers, self._size = requests, answers, size
        self._start, self._part = 0, first
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """libsndfile seeks before the beginning of damaged files."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = max(base + offset, 0)
        return self._position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        own = self._part[self._position - self._start :] if self._position >= self._start else self._part[:0]
        if not own and self._position < self._size:
            own = self._next()
        size = min(len(own), len(view))
        view[:size] = own[:size]
        self._position += size
        return size

    def _next(self) -> memoryview:
        """The part of the file that begins at the position, kept in place of the one before."""
        size = min(self._size - self._position, messages.PART_BYTES)
        messages.send(self._answers, {"offset": self._position, "bytes": size})
        self._start, self._part = self._position, memoryview(messages.receive(self._requests, at_most=size)[1])
        return self._part


def _open(requests: BinaryIO, answers: BinaryIO, size: int, first: memoryview) -> BinaryIO:
    return io.BufferedReader(_Sent(requests, answers, size, first), BUFFER)


def _end_with(requests: int) -> None:
    """End this process as soon as nobody can ask it any more, even while it decodes (POSIX)."""
    try:
        from select import poll
    except ImportError:
        return
    hung_up = poll()
    hung_up.register(requests, 0)

    def wait() -> None:
        hung_up.poll()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()
