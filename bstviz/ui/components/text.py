"""Other people's words on the page, as literal text: one function for each place that words go to.

:func:`escape` for whatever Streamlit reads as Markdown (texts, labels, options that are buttons, cells of
``st.table``), :func:`html.escape` for HTML, :func:`bstviz.plots.style.literal` for Plotly, :func:`address` for where a
link leads, :func:`bstviz.datasets.writing.in_markdown` for files. Options of select boxes and cells of
``st.dataframe`` are text as they are, and so is the ``textContent`` of components of ours.
"""

from __future__ import annotations

import html
import re
import string
import urllib.parse
from functools import lru_cache

import pandas as pd

from bstviz import log, paths
from bstviz.datasets.taxonomy import Taxonomy

LITERAL = str.maketrans({mark: f"\\{mark}" for mark in string.punctuation})
JOINER = "\u2060"
"""A character of no width that keeps apart what would be read together."""
READ_LATER = re.compile(r":(?=[\w+/-]+:|//)|@(?=\w)|(?<=www)(?=\.)|(?<!\S)[-<>~](?=(?:>|-|=|->)(?!\S))", re.IGNORECASE)
"""What is looked for in text that has no marks any more: icons and emoji between colons, addresses, arrows and dashes
that stand by themselves; not ``--option`` and ``given:name``, which people copy.
"""


def escape(text: str) -> str:
    """Other people's text as literal Markdown on one line.

    CommonMark's backslash takes the meaning of every mark (section 2.4). What Streamlit and GitHub's extension make of
    plain text afterwards (``:material/home:``, ``:smile:``, ``www.example.org``, ``->``) is kept apart by
    :data:`JOINER`.
    """
    return READ_LATER.sub(lambda found: found[0] + JOINER, " ".join(text.split())).translate(LITERAL)


def address(text: str) -> str:
    """Where a link may lead, safe between the marks of Markdown and HTML: over HTTP; empty for anything else."""
    if not re.match(r"https?://[\w\[]", text, re.IGNORECASE):
        return ""
    return urllib.parse.quote(text, safe="%/:?#[]@!$&()*+,;=~-._")


def told(error: object) -> str:
    """An error as Markdown, without where on the server's disk things lie; the server's verbose log has it whole."""
    _log(str(error))
    return "  \n".join(map(escape, paths.without_places(str(error)).splitlines()))


@lru_cache(1024)
def _log(text: str) -> None:
    """Once for each error, however often a page is drawn."""
    log.told(text)


def texts_from(taxonomy: Taxonomy) -> str:
    """Markdown: whose class definitions these are, where a data set brought them; else empty."""
    return f" Class definitions: {escape(taxonomy.texts_from)}." if taxonomy.texts_from else ""


def words(table: pd.DataFrame, column: str, row: int) -> str:
    """A cell as text, empty where it is missing or the column is."""
    if column not in table:
        return ""
    cell = table[column].iloc[row : row + 1]
    return "" if cell.isna().all() else str(cell.iat[0])


INKS = ("#000000", "#ffffff")
"""What is written on colours: one of the two has a contrast of at least 4.58 with any."""


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours "#rrggbb", 1 to 21 (WCAG 2.2, "contrast ratio")."""

    def luminance(color: str) -> float:
        shares = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def chip(label: str, color: str) -> str:
    """HTML of a class name on its colour, in the text colour that contrasts more with it."""
    ink = max(INKS, key=lambda ink: contrast(ink, color))
    style = f"background:{color};color:{ink};padding:2px 9px;border-radius:10px;font-size:.82rem;white-space:nowrap"
    return f'<span style="{style}">{html.escape(label)}</span>'
