"""What this process and its decoder processes say to each other, over two pipes.

A message is a header, JSON, and a body, bytes, each preceded by its size. Nothing in it is ever executed, unlike in a
pickle: who has taken over a decoder by a file can say what he likes.

======================================  ==============================================
to the decoder                          from it
======================================  ==============================================
                                        ``ready``
``do``, ``name``, ``size``,             ``offset``, ``bytes``: a part of the file, please
``seconds``; the file's first bytes
``{}``; the part of the file            the answer of :mod:`bstviz.audio.sandbox.process`
======================================  ==============================================
"""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO

SIZES = struct.Struct("<IQ")
HEADER = 2**20
"""Bytes of a header at most."""
PART_BYTES = 2**20
"""Bytes of a file that are sent at a time, at most."""

Header = dict[str, Any]
Body = bytes | bytearray | memoryview


def send(pipe: BinaryIO, header: Header, body: Body = b"") -> None:
    """Send a message."""
    text = json.dumps(header).encode()
    pipe.write(SIZES.pack(len(text), memoryview(body).nbytes) + text)
    pipe.write(body)
    pipe.flush()


def receive(pipe: BinaryIO, *, at_most: int) -> tuple[Header, bytearray]:
    """The next message.

    Args:
        pipe: Read to the message's end.
        at_most: Bytes of the body that are taken.

    Raises:
        EOFError: The other side is gone.
        ValueError: It is no message, or too large.
    """
    header_size, body_size = SIZES.unpack(_exactly(pipe, SIZES.size))
    if header_size > HEADER or body_size > at_most:
        raise ValueError(f"a message of {header_size:,} and {body_size:,} bytes; at most {at_most:,} are taken")
    header = json.loads(bytes(_exactly(pipe, header_size)))
    if not isinstance(header, dict):
        raise ValueError("a message without a header")
    return header, _exactly(pipe, body_size)


def _exactly(pipe: BinaryIO, size: int) -> bytearray:
    out = bytearray(size)
    view, got = memoryview(out), 0
    while got < size:
        read = pipe.readinto(view[got:])  # type: ignore[attr-defined]
        if not read:
            raise EOFError
        got += read
    return out
