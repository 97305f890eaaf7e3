"""Columns that every page, CSV and Parquet file can take: words, numbers, times, yes and no."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bstviz.datasets.reading import EXACT

if TYPE_CHECKING:
    from collections.abc import Iterable

NESTED = (list, tuple, set, np.ndarray)
TIMES = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)
YEARS = 1, 9999
JOINED_BY = ","
"""Between the words of a list, as between tags."""


def plain_columns(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """A table's columns as plain values.

    Lists of words are joined; lists of other things, dicts and bytes are left out; infinite numbers are missing, and so
    are times outside the years that calendars know.

    Returns:
        The table, and what was done, a sentence each.
    """
    made: dict[Any, pd.Series[Any]] = {}
    joined, left, infinite, timeless = [], [], [], []
    for name in rows:
        values = rows[name]
        if values.dtype == object:
            kept = _plain(values)
            if kept is None:
                left.append(f"{name} ({_kind(values) or 'objects'})")
                continue
            if any(isinstance(cell, NESTED) for cell in values):
                joined.append(str(name))
            values = kept
        elif isinstance(values.dtype, pd.CategoricalDtype):
            values = values.astype("str").where(values.notna())
        elif values.dtype.kind == "c":
            left.append(f"{name} (complex numbers)")
            continue
        if pd.api.types.is_datetime64_any_dtype(values.dtype):
            wrong = values.notna() & ~values.dt.year.between(*YEARS)
            if wrong.any():
                timeless.append(f"{int(wrong.sum()):,} of {name}")
                values = values.mask(wrong)
        if pd.api.types.is_float_dtype(values.dtype):
            wrong = np.isinf(values.to_numpy(float, na_value=np.nan))
            if wrong.any():
                infinite.append(f"{int(wrong.sum()):,} of {name}")
                values = values.mask(wrong)
        made[name] = values
    notes = []
    if joined:
        notes.append(f"Lists of words were joined: {', '.join(joined)}.")
    if left:
        notes.append(f"Left out, as no value that can be shown: {', '.join(left)}. Embeddings are taken by --vector.")
    if infinite:
        notes.append(f"Infinite values are missing ones: {', '.join(infinite)}.")
    if timeless:
        notes.append(f"Times before the year {YEARS[0]} or after {YEARS[1]} are missing ones: {', '.join(timeless)}.")
    return pd.DataFrame(made, index=rows.index), notes


def is_plain(values: pd.Series[Any]) -> bool:
    """Whether a column holds values that can be compared and shown."""
    return values.dtype != object or _kind(values) == ""


def _kind(values: pd.Series[Any]) -> str:
    """What a column holds that is no plain value; empty where all is plain."""
    for cell in values:
        if isinstance(cell, NESTED):
            return "lists"
        if isinstance(cell, Mapping):
            return "dicts"
        if isinstance(cell, bytes):
            return "bytes"
    return ""


def _plain(values: pd.Series[Any]) -> pd.Series[Any] | None:
    """A column of objects as words, numbers, times, or yes and no; None where it cannot be."""
    cells = [None if not isinstance(c, NESTED) and pd.isna(c) is True else c for c in values]
    if any(isinstance(cell, NESTED) for cell in cells):
        if not all(cell is None or _are_words(cell) for cell in cells):
            return None
        words = [None if cell is None else JOINED_BY.join(_parts(cell)) or None for cell in cells]
        return pd.Series(words, index=values.index, dtype="str")
    present = [cell for cell in cells if cell is not None]
    if any(isinstance(cell, (Mapping, bytes, complex)) for cell in present):
        return None
    if present and all(isinstance(cell, (bool, np.bool_)) for cell in present):
        return pd.Series(cells, index=values.index, dtype="boolean")
    if (
        present
        and all(isinstance(cell, (int, float, np.number, Decimal)) for cell in present)
        and not any(isinstance(cell, int) and abs(cell) > EXACT for cell in present)
    ):
        return pd.Series([np.nan if c is None else float(c) for c in cells], index=values.index, dtype="float64")
    if present and all(isinstance(cell, TIMES) for cell in present) and len({type(c) for c in present}) == 1:
        return pd.Series(cells, index=values.index, dtype="object")
    return pd.Series([None if c is None else str(c) for c in cells], index=values.index, dtype="str")


def _are_words(cell: Any) -> bool:
    return isinstance(cell, str) or (isinstance(cell, NESTED) and all(isinstance(p, str) or p is None for p in cell))


def _parts(cell: str | Iterable[str | None]) -> list[str]:
    found = [cell] if isinstance(cell, str) else [part.strip() for part in cell if part]
    return sorted(found) if isinstance(cell, set) else found
