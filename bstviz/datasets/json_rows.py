"""Rows of JSON and JSON lines, as every program writes them: halves of characters are mended, what cannot be read is
refused with its line.
"""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bstviz.errors import UserError
from bstviz.paths import readable

if TYPE_CHECKING:
    import pandas as pd

SURROGATE_ESCAPE = re.compile(r"\\ud[89a-f]", re.IGNORECASE)
OTHER_SURROGATE = re.compile("[\\ud800-\\udc7f\\udd00-\\udfff]")
"""Halves of characters: as JSON writes them, and those of them that stand for no byte of a name."""


def json_rows(path: Path, text: str, notes: list[str]) -> pd.DataFrame:
    """Rows of JSON lines, or of a ``.json`` file's list of objects; the index is the ``line`` or ``row`` of each.

    Args:
        path: The file, for messages.
        text: What is in it.
        notes: What was mended is added here.

    Raises:
        UserError: It is no such JSON. The text says where, and why.
    """
    import pandas as pd

    whole = path.suffix.lower() == ".json"
    unit, number = "row" if whole else "line", 1
    try:
        if whole:
            records = list(enumerate(json.loads(text), 1))
        else:  # line by line, so that a fault has its line
            records = []
            for number, line in enumerate(io.StringIO(text, newline=None), 1):
                if line.strip():
                    records.append((number, json.loads(line.rstrip("\r\n"))))
    except json.JSONDecodeError as error:
        at = error.lineno if whole else number
        raise UserError(f"Cannot read {path}: line {at}, column {error.colno}: {error.msg}.") from None
    except (ValueError, RecursionError):  # more digits or brackets within brackets than Python reads
        at_line = "" if whole else f"line {number}: "
        raise UserError(
            f"Cannot read {path}: {at_line}a number of thousands of digits, or thousands of brackets within brackets. "
            "Leave them out."
        ) from None
    except TypeError:
        records = [(1, None)]
    wrong = next((number for number, record in records if not isinstance(record, dict)), None)
    if wrong is not None:
        raise UserError(f'Cannot read {path}: {unit} {wrong} is no object such as {{"file_name": "a.wav"}}.')
    if SURROGATE_ESCAPE.search(text):
        try:
            mended = [(number, without_halves(record)) for number, record in records]
        except RecursionError:
            raise UserError(f"Cannot read {path}: thousands of brackets within brackets. Leave them out.") from None
        halved = [number for (number, new), (_, old) in zip(mended, records, strict=True) if new != old]
        if halved:
            notes.append(
                f"{len(halved):,} {unit}s of {path.name} hold halves of characters, {unit} {halved[0]} for one: bytes "
                "of names are written as \\xNN, others as \N{REPLACEMENT CHARACTER}."
            )
        records = mended
    return pd.DataFrame([record for _, record in records], index=pd.Index([n for n, _ in records], name=unit))


def without_halves(value: Any) -> Any:
    """A value of JSON whose texts hold no lone surrogate, which no file or page takes.

    Those by which Python stands for the bytes of a name that is not UTF-8 (PEP 383) are written as
    :func:`bstviz.paths.readable` does, so that the file is found.
    """
    if isinstance(value, str):
        return readable(OTHER_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value))
    if isinstance(value, list):
        return [without_halves(part) for part in value]
    if isinstance(value, dict):
        return {without_halves(name): without_halves(part) for name, part in value.items()}
    return value
