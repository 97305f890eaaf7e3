"""The look that the figures share: margins, the legend above the figure, axes without marks."""

from __future__ import annotations

import html

MARGIN = {"l": 8, "r": 8, "t": 34, "b": 8}
LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
EMPTY_AXIS = {"showgrid": False, "zeroline": False, "showticklabels": False}


def literal(text: str) -> str:
    """Other people's text for a Plotly figure: its few tags (``<b>``, ``<a href>``) mean nothing in it. Quotes stay,
    as Plotly knows no name for them.
    """
    return html.escape(text, quote=False)
