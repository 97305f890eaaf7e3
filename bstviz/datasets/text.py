"""Files of text in the encodings that programs write: UTF-8, UTF-16 and UTF-32 with a mark or without, Windows-1252.

A file may be in two of them, as where one was appended to another: bytes that are not UTF-8 are read as Windows-1252,
and that is reported.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from bstviz.errors import UserError

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF8: "utf-8-sig",
}
"""Encodings by the mark that a file of them begins with; the longer marks come first, as they begin with others."""
PROBED, PLAIN, PLAIN_SHARE = 1_000, 3, 0.05
"""Bytes by which UTF-16 without a mark is known, and the least count and share of its characters that are plain."""
NOT_UTF8, NO_WESTERN = re.compile("[\\udc80-\\udcff]"), "\udc81\udc8d\udc8f\udc90\udc9d"
"""Bytes that are not UTF-8, as Python's surrogateescape stands for them, and those that Windows-1252 has not either."""
NO_TEXT = {
    b"PK\x03\x04": "a spreadsheet or an archive",
    b"\xd0\xcf\x11\xe0": "a spreadsheet",
    b"\x1f\x8b": "compressed",
    b"PAR1": "Parquet under another name",
}
"""What else a file may be that is called a table, by its first bytes."""


def decoded_text(path: Path) -> tuple[str, list[str]]:
    """The text of a file, and a note where it is not in UTF-8.

    Raises:
        UserError: It is no text, or in an encoding that cannot be found out for certain; with line and column.
    """
    raw = path.read_bytes()
    other = next((words for mark, words in NO_TEXT.items() if raw.startswith(mark)), None)
    if other is not None:
        raise UserError(f"Cannot read {path} as text: it is {other}. Save it as CSV.")
    stated = next((name for mark, name in BYTE_ORDER_MARKS.items() if raw.startswith(mark)), None)
    encoding = stated or _without_mark(raw[:PROBED])
    try:
        text = raw.decode(encoding, "surrogateescape" if encoding.startswith("utf-8") else "strict")
    except UnicodeDecodeError as error:
        raise UserError(f"Cannot read {path}: it begins as {encoding}, but {error}. Save it as UTF-8.") from None

    def at(position: int) -> int:
        return len(text[:position].encode(encoding, "surrogateescape"))

    odd = [found.start() for found in NOT_UTF8.finditer(text)]
    try:
        read = NOT_UTF8.sub(lambda found: found[0].encode("utf-8", "surrogateescape").decode("cp1252"), text)
    except UnicodeDecodeError:
        first = next(i for i in odd if text[i] in NO_WESTERN)
        raise UserError(
            f"Cannot read {path}: byte {raw[at(first)]:#04x} at {_spot(raw, at(first))}, is neither UTF-8 nor "
            "Windows-1252. Save it as UTF-8."
        ) from None
    first_odd, text = at(odd[0]) if odd else 0, read
    if "\0" in text:
        raise UserError(
            f"Cannot read {path}: there is a zero byte at {_spot(text.encode(), text.encode().index(0))}, which no "
            "text has. Save it anew."
        )
    if not odd:
        return text, [f"{path.name} is in {encoding.upper()[:6]}."] if "utf-8" not in encoding else []
    if len(odd) >= sum(character > "\x7f" for character in text) - len(odd):
        return text, [f"{path.name} is not in UTF-8; it was read as Windows-1252 (Western European)."]
    return text, [
        f"{path.name} is in UTF-8 but for {len(odd):,} bytes, at {_spot(raw, first_odd)} for one, which were read as "
        "Windows-1252 (Western European)."
    ]


def _without_mark(raw: bytes) -> str:
    """The encoding of a text that does not state it: in UTF-16 every other byte of what is plain in it is zero."""
    first, second = raw[::2].count(0), raw[1::2].count(0)
    if max(first, second) < max(PLAIN_SHARE * len(raw) / 2, PLAIN) or min(first, second) > 0:
        return "utf-8"
    return "utf-16-be" if first else "utf-16-le"


def _spot(raw: bytes, position: int) -> str:
    """Where in a file a byte stands: "line 2, column 4"."""
    return f"line {raw[:position].count(10) + 1}, column {position - raw.rfind(10, 0, position)}"
