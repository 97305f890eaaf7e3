"""The selected sounds, kept over recolouring, filters, projections, runs and pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from bstviz.plots.facets import OWN, Column
from bstviz.ui import query_params
from bstviz.ui.cache import loading
from bstviz.ui.cache.loaded import Loaded
from bstviz.ui.components.downloads import downloads
from bstviz.ui.components.plotly_map import Mode
from bstviz.ui.components.sound_list import LISTED, sound_list
from bstviz.ui.page import reported

ON_MAP, MAP_RUN, MAP_SOUND = "explore.selected", "explore.run", "explore.sound"
"""Where the selection, the run and the current sound of the Explore page are kept."""
NOTHING: tuple[pd.Index, str, np.ndarray] = (pd.Index([]), "", np.array([], np.int64))
"""No selection, as the session keeps one."""
ADDRESS = 800
"""Characters of a selection at most in an address."""


def selected(key: str, loaded: Loaded) -> np.ndarray:
    """Rows of the selected sounds in a run, rising, (m,) int64; sounds that the run does not list are left out."""
    kept: tuple[pd.Index, str, np.ndarray] = st.session_state.get(key, NOTHING)
    ids, identity, rows = kept
    if identity != loaded.identity:
        rows = loaded.ids.get_indexer(ids)
        rows = np.unique(rows[rows >= 0])
        st.session_state[key] = (ids, loaded.identity, rows)
    return rows


def select(key: str, loaded: Loaded, rows: np.ndarray, mode: Mode = "replace") -> None:
    """Select sounds of a run: these alone, these too, or these no longer."""
    old = selected(key, loaded)
    if mode == "add":
        rows = np.union1d(old, rows)
    elif mode == "remove":
        rows = np.setdiff1d(old, rows)
    rows = np.sort(np.asarray(rows, np.int64))
    st.session_state[key] = (loaded.ids[rows], loaded.identity, rows)


def show_on_map(loaded: Loaded, ids: np.ndarray, sound: str | None = None) -> None:
    """Select sounds by id on the Explore map of this run, make one the current one, and go there."""
    rows = loaded.ids.get_indexer(pd.Index(ids))
    select(ON_MAP, loaded, rows[rows >= 0])
    st.session_state[MAP_RUN] = loading.run_path(loaded)
    if sound is not None:
        st.session_state[MAP_SOUND] = sound
    st.switch_page("pages/explore.py")


def written(key: str) -> str | None:
    """The selection for an address; None without one, or where it is too long (beyond some sixty sounds)."""
    ids = st.session_state.get(key, NOTHING)[0]
    if not 0 < len(ids) <= ADDRESS:
        return None
    text = json.dumps(list(ids), separators=(",", ":"))
    return text if len(text) <= ADDRESS else None


def parse(text: str) -> tuple[pd.Index, str, np.ndarray]:
    """A selection from an address, as the session keeps it; ValueError where it is none."""
    ids = query_params.from_json(text, list[str])
    return pd.Index(ids, dtype=object), "", np.array([], np.int64)


def table_of(loaded: Loaded, rows: np.ndarray) -> pd.DataFrame:
    """Selected sounds as a table to take away: the collection's columns, split, classes and all probabilities.

    A column of the collection that is called as one of the run's says so, as in "split (table)".
    """
    run = loaded.run
    own = run.sounds.iloc[rows].reset_index(drop=True)
    known = loaded.table.iloc[rows].drop(columns=["sound_id", "class"], errors="ignore").reset_index(drop=True)
    front = own[["sound_id", "split", "y_true", "y_pred"]].assign(predicted_confidence=run.confidence[rows])
    same = ["content"] if "content" in known else []  # what both know of a sound is told once
    rest = own.drop(columns=[*front, *same], errors="ignore")
    known = known.rename(columns={name: OWN.format(name) for name in (*front, *rest) if name in known})
    return pd.concat([front, known, rest], axis=1)


def makeup(column: Column, rows: np.ndarray) -> pd.DataFrame:
    """How a selection is made up against the whole: count, share of the selection, share of all, and their ratio."""
    here, everywhere = column.counts(rows), column.counts()
    table = pd.DataFrame({"label": column.labels, "selected": here, "all": everywhere})
    table["share"] = here / max(here.sum(), 1)
    table["overall"] = everywhere / max(everywhere.sum(), 1)
    table["ratio"] = table["share"] / table["overall"].where(table["overall"] > 0)
    return table[table["selected"] > 0].sort_values("selected", ascending=False, ignore_index=True)


def selection_panel(
    loaded: Loaded,
    rows: np.ndarray,
    column: Column,
    *,
    key: str,
    on_open: Callable[[int], None],
    on_clear: Callable[[], None],
) -> None:
    """A selection: its sounds, each to be played; its make-up against the whole; and files of it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"#### {len(rows):,} sound{'s' if len(rows) != 1 else ''} selected")
        downloads(partial(table_of, loaded, rows), "selection", key=key)
        st.button("Clear (Esc)", on_click=reported(on_clear), key=f"{key}.clear", icon=":material/close:")
    st.caption("← and → step through them. Hold Ctrl while drawing a region to add to the selection, Alt to remove.")
    sound_list(
        [(loaded, int(row)) for row in rows[:LISTED]],
        key=f"{key}.list",
        on_open=lambda i: on_open(int(rows[i])),
        height=300,
        total=len(rows),
    )
    made = makeup(column, rows)
    st.dataframe(
        made.assign(share=100 * made["share"], overall=100 * made["overall"]),
        hide_index=True,
        key=f"{key}.makeup",
        height=min(38 + 35 * len(made), 300),
        column_config={
            "label": st.column_config.TextColumn(column.label),
            "selected": st.column_config.NumberColumn("Selected", format="localized"),
            "all": st.column_config.NumberColumn("All", format="localized"),
            "share": st.column_config.NumberColumn("Of the selection", format="%.1f %%"),
            "overall": st.column_config.NumberColumn("Of all", format="%.1f %%"),
            "ratio": st.column_config.NumberColumn(
                "Ratio", format="%.1f×", help="Share of the selection divided by share of all"
            ),
        },
    )
