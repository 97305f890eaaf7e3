"""Other people's words on the page, as literal text."""

from __future__ import annotations

import html

import pandas as pd

from bstviz.datasets.taxonomy import Taxonomy


def escape(text: str) -> str:
    """Other people's text as literal Markdown."""
    for mark in "\\`*_{}[]()<>#+!|~$:":
        text = text.replace(mark, f"\\{mark}" if mark not in "<>" else {"<": "&lt;", ">": "&gt;"}[mark])
    return text


def texts_from(taxonomy: Taxonomy) -> str:
    """Markdown: whose class definitions these are, where a data set brought them; else empty."""
    return f" Class definitions: {escape(taxonomy.texts_from)}." if taxonomy.texts_from else ""


def words(table: pd.DataFrame, column: str, row: int) -> str:
    """A cell as text, empty where it is missing or the column is."""
    if column not in table:
        return ""
    cell = table[column].iloc[row : row + 1]
    return "" if cell.isna().all() else str(cell.iat[0])


def chip(label: str, color: str) -> str:
    """HTML of a class name on its colour, in a text colour that is legible on it."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    ink = "#14171c" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "#ffffff"
    style = f"background:{color};color:{ink};padding:2px 9px;border-radius:10px;font-size:.82rem;white-space:nowrap"
    return f'<span style="{style}">{html.escape(label)}</span>'
