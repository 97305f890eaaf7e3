"""A table of sounds, each of which can be played in its row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import streamlit as st

from bstviz.plots.panes.overlays import NEIGHBOURS
from bstviz.ui.cache.loaded import Loaded
from bstviz.ui.components.charts import dark
from bstviz.ui.components.player import sound_player
from bstviz.ui.components.terms import meaning
from bstviz.ui.web import SentRow, component, event

LISTED = 500
"""Rows of a list at most."""
NEIGHBOUR_COLUMNS = ("title", "distance", "class")
LIST_COLUMNS: dict[str, dict[str, Any]] = {
    "title": {"label": "Title", "kind": "open"},
    "class": {"label": "Class", "kind": "class"},
    "predicted": {"label": "Predicted", "kind": "class"},
    "predicted_confidence": {"label": "Confidence", "kind": "number", "digits": 2, "help": meaning("Confidence")},
    "distance": {"label": "Distance", "kind": "number", "digits": 3, "help": meaning("Distance")},
    "note": {"label": "Note", "kind": "text"},
    "overlap": {"label": "Change", "kind": "overlap", "help": meaning("Changed neighbourhood")},
}


def sound_list(
    entries: Sequence[tuple[Loaded, int]],
    *,
    key: str,
    columns: Sequence[str] = ("title", "class", "predicted", "predicted_confidence"),
    distances: np.ndarray | None = None,
    notes: Sequence[str] | None = None,
    on_open: Callable[[int], None] | None = None,
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
        notes: A word on each, for the column of that name; kept, lost or gained for ``overlap``, which shows their
            colours.
        on_open: Called with the position of the entry whose title was clicked.
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

    playing = st.session_state.get(f"{key}.playing")
    component("sound_list")(
        key=key,
        data={
            "name": key,
            "token": token,
            "columns": [LIST_COLUMNS[name] for name in columns],
            "rows": _rows(shown, columns, distances, notes),
            "signs": _signs(shown),
            "player": f"{key}.player",
            "opens": on_open is not None,
            "keys": keys,
            "height": height,
        },
        on_play_change=played,
        on_open_change=opened,
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
    notes: Sequence[str] | None,
) -> list[list[Any]]:
    """The cells of each row; classes by their codes, and changes by their words, as :func:`_signs` has them."""
    words = [""] * len(shown) if notes is None else list(notes)
    cells: dict[str, list[Any]] = {"note": words, "overlap": words}
    cells["distance"] = [None] * len(shown) if distances is None else distances.tolist()
    for loaded in {loaded.identity: loaded for loaded, _ in shown}.values():
        positions = [at for at, (other, _) in enumerate(shown) if other.identity == loaded.identity]
        for name, own in _of_run(loaded, np.array([shown[at][1] for at in positions])).items():
            whole = cells.setdefault(name, [None] * len(shown))
            for at, cell in zip(positions, own, strict=True):
                whole[at] = cell
    return [list(row) for row in zip(*(cells[name] for name in columns), strict=True)] if shown else []


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
