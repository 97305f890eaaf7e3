"""A table of sounds, each of which can be played in its row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from bstviz.plots.panes.overlays import NEIGHBOURS
from bstviz.ui.cache.loaded import Loaded
from bstviz.ui.components.charts import dark
from bstviz.ui.components.player import sound_player
from bstviz.ui.components.terms import meaning
from bstviz.ui.web import SentRow, component, event

LISTED = 500
"""Rows of a list at most."""
CELL_CHARACTERS = 200
"""Characters of a cell at most."""
NEIGHBOUR_COLUMNS = ("title", "distance", "class")
LIST_COLUMNS: dict[str, dict[str, Any]] = {
    "title": {"label": "Title", "kind": "open"},
    "class": {"label": "Class", "kind": "class"},
    "predicted": {"label": "Predicted", "kind": "class"},
    "predicted_confidence": {"label": "Confidence", "kind": "number", "digits": 2, "help": meaning("Confidence")},
    "distance": {"label": "Distance", "kind": "number", "digits": 3, "help": meaning("Distance")},
    "score": {"label": "Score", "kind": "number", "digits": 3, "help": meaning("Score")},
    "thumbs": {"label": "Like this?", "kind": "thumbs"},
    "note": {"label": "Note", "kind": "text"},
    "overlap": {"label": "Change", "kind": "overlap", "help": meaning("Changed neighbourhood")},
}


@dataclass(frozen=True)
class SentThumb(SentRow):
    """A row whose thumb was pressed: up or down."""

    up: bool


def sound_list(
    entries: Sequence[tuple[Loaded, int]],
    *,
    key: str,
    columns: Sequence[str] = ("title", "class", "predicted", "predicted_confidence"),
    distances: np.ndarray | None = None,
    scores: np.ndarray | None = None,
    notes: Sequence[str] | None = None,
    own: pd.DataFrame | None = None,
    on_open: Callable[[int], None] | None = None,
    on_thumb: Callable[[int, bool], None] | None = None,
    keys: bool = False,
    height: int = 400,
    total: int | None = None,
) -> int | None:
    """Table of sounds with a play button each; columns sort by a click on their heads. Below it stands the player of
    the one that was played last, whose position is given back.

    Args:
        entries: Runs and rows in them; all of one taxonomy. The first :data:`LISTED` are listed, and a caption says so.
        key: Of the component.
        columns: What to show, of :data:`LIST_COLUMNS`.
        distances: Distance of each, for the column of that name.
        scores: Score of each, for the column of that name.
        notes: A word on each, for the column of that name; kept, lost or gained for ``overlap``, which shows their
            colours.
        own: Further columns, by what they are called; numbers are shown as such, and all else as words.
        on_open: Called with the position of the entry whose title was clicked.
        on_thumb: Called with the position of the entry whose thumb was pressed, and whether it is up, for the column
            ``thumbs``.
        keys: Whether j and k play the next and the previous one; one list of a page at most.
        height: Greatest height in pixels.
        total: How many sounds there are, where only the first are given.
    """
    shown, total = entries[:LISTED], total or len(entries)
    if total > len(shown):
        st.caption(f"The first {len(shown)} of {total:,} are listed.")
    token = f"{hash(tuple((loaded.identity, row) for loaded, row in shown))}"

    def position(name: str) -> int | None:
        row = event(key, name, SentRow)
        return None if row is None else row.of(token, len(shown))

    def played() -> None:
        at = position("play")
        if at is not None:
            turn = st.session_state.get(f"{key}.playing", {}).get("event_id", 0) + 1
            st.session_state[f"{key}.playing"] = {"index": at, "event_id": turn, "token": token}

    def opened() -> None:
        at = position("open")
        if at is not None and on_open:
            on_open(at)

    def thumbed() -> None:
        thumb = event(key, "thumb", SentThumb)
        at = None if thumb is None else thumb.of(token, len(shown))
        if thumb is not None and at is not None and on_thumb:
            on_thumb(at, thumb.up)

    playing = st.session_state.get(f"{key}.playing")
    further, cells = _further(own, len(shown))
    component("sound_list")(
        key=key,
        data={
            "name": key,
            "token": token,
            "columns": [LIST_COLUMNS[name] for name in columns] + further,
            "rows": [a + b for a, b in zip(_rows(shown, columns, distances, scores, notes), cells, strict=True)],
            "signs": _signs(shown),
            "player": f"{key}.player",
            "opens": on_open is not None,
            "keys": keys,
            "height": height,
        },
        on_play_change=played,
        on_open_change=opened,
        on_thumb_change=thumbed,
    )
    if playing and playing["token"] == token:
        loaded, row = shown[playing["index"]]
        sound_player(loaded, row, key=f"{key}.player", autoplay=True, event_id=playing["event_id"])
        return int(playing["index"])
    return None


def _rows(
    shown: Sequence[tuple[Loaded, int]],
    columns: Sequence[str],
    distances: np.ndarray | None,
    scores: np.ndarray | None,
    notes: Sequence[str] | None,
) -> list[list[Any]]:
    """The cells of each row; classes by their codes, and changes by their words, as :func:`_signs` has them."""
    words = [""] * len(shown) if notes is None else list(notes)
    cells: dict[str, list[Any]] = {"note": words, "overlap": words, "thumbs": words}
    for name, values in (("distance", distances), ("score", scores)):
        cells[name] = [None] * len(shown) if values is None else values.astype(float).round(5).tolist()
    for loaded in {loaded.identity: loaded for loaded, _ in shown}.values():
        positions = [at for at, (other, _) in enumerate(shown) if other.identity == loaded.identity]
        for name, own in _of_run(loaded, np.array([shown[at][1] for at in positions])).items():
            whole = cells.setdefault(name, [None] * len(shown))
            for at, cell in zip(positions, own, strict=True):
                whole[at] = cell
    return [list(row) for row in zip(*(cells[name] for name in columns), strict=True)] if shown else []


def _further(own: pd.DataFrame | None, count: int) -> tuple[list[dict[str, Any]], list[list[Any]]]:
    """Columns of a table of one's own, and the cells of each row."""
    columns: list[dict[str, Any]] = []
    cells: list[list[Any]] = []
    for name, values in () if own is None else own.items():
        if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            digits = 0 if pd.api.types.is_integer_dtype(values) else 2
            columns.append({"label": str(name), "kind": "number", "digits": digits})
            finite = np.isfinite(values.to_numpy(float, na_value=np.nan))
            cells.append([float(v) if known else None for v, known in zip(values, finite, strict=True)])
        else:
            columns.append({"label": str(name), "kind": "text"})
            cells.append(values.astype("str").where(values.notna(), "").str.slice(0, CELL_CHARACTERS).tolist())
    return columns, [list(row) for row in zip(*cells, strict=True)] if cells else [[] for _ in range(count)]


def _of_run(loaded: Loaded, rows: np.ndarray) -> dict[str, list[Any]]:
    """Cells of sounds of one run, by the names of their columns."""
    run = loaded.run
    codes = np.array([*run.taxonomy.codes, ""], object)  # no class is -1, the last
    return {
        "title": loaded.titles(rows),
        "class": codes[run.y_true[rows]].tolist(),
        "predicted": codes[run.y_pred[rows]].tolist(),
        "predicted_confidence": run.confidence[rows].astype(float).round(4).tolist(),
    }


def _signs(shown: Sequence[tuple[Loaded, int]]) -> dict[str, dict[str, dict[str, str]]]:
    """What stands in columns of a kind for a class, by its code, and for a change of neighbours: words and a color."""
    second = shown[0][0].run.taxonomy.second if shown else ()
    return {
        "class": {"": {"text": "–", "color": "transparent"}}
        | {c.code: {"text": c.name, "color": c.color} for c in second},
        "overlap": {kind: {"text": kind, "color": colors[dark()]} for kind, colors in NEIGHBOURS.items()},
    }
