"""Plotly charts on the page: their settings, and what was clicked on them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from bstviz import schema
from bstviz.errors import UserError
from bstviz.schema import Count

PLAIN_CONFIG = {"displayModeBar": False}


def dark() -> bool:
    """Whether the page is dark."""
    return st.context.theme.type == "dark"


@dataclass(frozen=True)
class _Points:
    points: tuple[dict[str, Any], ...] = ()
    rows: tuple[Count, ...] = ()


@dataclass(frozen=True)
class _Chosen:
    selection: _Points = _Points()


def _selection(event: object) -> _Points:
    """What is selected in a chart or a table; nothing where the browser sends another form."""
    try:
        return schema.convert(event or {}, _Chosen, "The selection").selection
    except UserError:
        return _Points()


def selected_ids(event: object) -> list[str]:
    """What a chart's selected points carry as customdata, which arrives as a scalar, a list or a dict."""
    ids = []
    for point in _selection(event).points:
        data = point.get("customdata")
        if isinstance(data, dict):
            data = next(iter(data.values()), None)
        if isinstance(data, (list, tuple)):
            data = data[0] if data else None
        if data is not None:
            ids.append(str(data))
    return ids


def table_key(key: str, rows: Iterable[object]) -> str:
    """Key of a table to select in: of other rows another one, as a browser names a row by its number alone."""
    return f"{key}.{hashlib.sha256(json.dumps([str(row) for row in rows]).encode()).hexdigest()[:12]}"


def selected_row(event: object, count: int) -> int | None:
    """The selected one of the ``count`` rows of a table; None where none is."""
    return next((row for row in _selection(event).rows if row < count), None)
