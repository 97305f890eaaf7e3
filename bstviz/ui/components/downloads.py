"""Buttons that take a table away, as CSV for spreadsheets and as Parquet for programs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from bstviz.datasets.writing import csv_bytes, parquet_bytes

Contents = Callable[[pd.DataFrame], bytes]
FORMS: tuple[tuple[str, str, Contents], ...] = (
    ("CSV", "text/csv", csv_bytes),
    ("Parquet", "application/vnd.apache.parquet", parquet_bytes),
)


def downloads(table: Callable[[], pd.DataFrame], name: str, *, key: str, what: str = "") -> None:
    """A button for each form of a table.

    Args:
        table: Makes it, once a button is pressed.
        name: Of the file, without suffix.
        key: Of the buttons; ``.csv`` and ``.parquet`` follow.
        what: Said of the table before its form: "Decisions as".
    """
    for form, media_type, contents in FORMS:
        st.download_button(
            f"{what} {form}".strip(),
            partial(_contents, contents, table),
            f"{name}.{form.lower()}",
            media_type,
            key=f"{key}.{form.lower()}",
            icon=":material/download:",
            on_click="ignore",
        )


def _contents(contents: Contents, table: Callable[[], pd.DataFrame]) -> bytes:
    return contents(table())
