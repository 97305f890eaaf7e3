"""All sounds as a table: sorted here over all of them, shown some hundred at a time, each to be played."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import streamlit as st

from bstviz.ui.cache.loaded import Loaded, identity_of
from bstviz.ui.components.sound_list import LIST_COLUMNS, LISTED, sound_list
from bstviz.ui.kept import kept

TABLE = "explore.table"
STANDARD_COLUMNS = ("class", "predicted", "predicted_confidence")
"""Beside the title."""
OF_LISTS = {name: str(LIST_COLUMNS[name]["label"]) for name in ("title", *STANDARD_COLUMNS)}
SORTED_BY_COLLECTION = ""
"""The order of the collection."""


def sounds_table(loaded: Loaded, passing: np.ndarray | None, *, on_open: Callable[[int], None]) -> None:
    """A table of all sounds that pass the filters.

    Args:
        loaded: The run.
        passing: (N,) bool, or None for all.
        on_open: Called with the row of a sound whose title was clicked.
    """
    names = OF_LISTS | {f"table: {name}": str(name) for name in loaded.table.columns if str(name) not in OF_LISTS}
    offered = [name for name in names if name != "title"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = st.selectbox(
            "Sort by",
            [SORTED_BY_COLLECTION, *names],
            format_func=lambda name: names.get(name, "Order of the collection"),
            key=f"{TABLE}.sort",
            width=220,
            persist_state="session",
        )
        down = st.toggle("Descending", key=f"{TABLE}.down", persist_state="session")
        shown = st.multiselect(
            "Columns",
            offered,
            default=list(STANDARD_COLUMNS),
            format_func=names.__getitem__,
            key=f"{TABLE}.columns",
            persist_state="session",
        )
        order = _order(loaded, by, bool(down))
        rows = order if passing is None else order[passing[order]]
        pages = max(math.ceil(len(rows) / LISTED), 1)
        page = 1
        if pages > 1:
            kept_page = min(int(st.session_state.get(f"{TABLE}.page", 1)), pages)
            st.session_state[f"{TABLE}.page"] = kept_page
            page = int(st.number_input(f"Page, of {pages:,}", 1, pages, key=f"{TABLE}.page", width=140))
    here = rows[(page - 1) * LISTED : page * LISTED]
    st.caption(_counted(len(rows), (page - 1) * LISTED, len(here)))
    own = [name for name in shown if name not in OF_LISTS]
    sound_list(
        [(loaded, int(row)) for row in here],
        key=f"{TABLE}.list",
        columns=("title", *(name for name in shown if name in OF_LISTS)),
        own=pd.DataFrame({names[name]: loaded.table[names[name]].iloc[here] for name in own}),
        on_open=lambda i: on_open(int(here[i])),
        height=520,
    )


def _counted(count: int, before: int, here: int) -> str:
    part = f"; {before + 1:,} to {before + here:,} on this page, whose heads sort it alone" * (here < count)
    return f"{count:,} sounds{part}"


@kept(max_entries=16, hash_funcs={Loaded: identity_of})
def _order(loaded: Loaded, by: str, down: bool) -> np.ndarray:
    """All rows in the order of a column; what has no value comes last."""
    run, codes = loaded.run, np.array([*loaded.run.taxonomy.codes, ""], object)
    if by == SORTED_BY_COLLECTION:
        order = np.arange(len(loaded.ids))
        return order[::-1] if down else order
    if by == "title":
        values = pd.Series(loaded.titles(np.arange(len(loaded.ids)))).str.casefold()
    elif by in ("class", "predicted"):
        values = pd.Series(codes[run.y_true if by == "class" else run.y_pred]).replace("", None)
    elif by == "predicted_confidence":
        values = pd.Series(run.confidence)
    else:
        values = loaded.table[by.removeprefix("table: ")].reset_index(drop=True)
        if not (pd.api.types.is_numeric_dtype(values) or pd.api.types.is_datetime64_any_dtype(values)):
            values = values.astype("str").where(values.notna(), None)
    return values.sort_values(ascending=not down, kind="stable", na_position="last").index.to_numpy()
