"""Plotly charts on the page: their settings, and what was clicked on them."""

from __future__ import annotations

from typing import Any

import streamlit as st

PLAIN_CONFIG = {"displayModeBar": False}


def dark() -> bool:
    """Whether the page is dark."""
    return st.context.theme.type == "dark"


def selected_ids(event: Any) -> list[str]:
    """What a chart's selected points carry as customdata, which arrives as a scalar, a list or a dict."""
    points = (event or {}).get("selection", {}).get("points", [])
    ids = []
    for point in points:
        data = point.get("customdata")
        if isinstance(data, dict):
            data = next(iter(data.values()), None)
        if isinstance(data, (list, tuple)):
            data = data[0] if data else None
        if data is not None:
            ids.append(str(data))
    return ids
