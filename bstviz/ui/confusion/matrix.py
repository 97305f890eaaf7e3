"""The confusion matrix on its page: the classes on its axes, clicks on its cells, pictures and tables of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from bstviz.datasets.taxonomy import Taxonomy
from bstviz.evaluation import confusion
from bstviz.evaluation.confusion import CELLS, Axis, Cells
from bstviz.plots.confusion import NAMED, confusion_figure, difference_figure
from bstviz.ui.components import pickers
from bstviz.ui.components.charts import dark, selected_ids
from bstviz.ui.components.downloads import downloads
from bstviz.ui.components.text import escape
from bstviz.ui.confusion.sides import Side
from bstviz.ui.page import reported

CELL = "confusion.cell"
"""Where the chosen cell is kept, as its two codes."""
MOST_CONFUSED = "most confused"
"""In an address, in place of a cell: the pair of classes that is confused most often."""
MATRIX, OPEN, IMAGE = "confusion.matrix", "confusion.open", "confusion.image"
IMAGES = ("svg", "png")


def pick_axis(taxonomy: Taxonomy) -> Axis:
    """Which top-level classes are open, and buttons for none and all."""

    def opens(codes: Sequence[str]) -> None:
        st.session_state[OPEN] = list(codes)

    if not set(st.session_state.get(OPEN, ["?"])) <= set(taxonomy.top_codes):
        opens(taxonomy.top_codes)
    opened = st.pills(
        "Open",
        taxonomy.top_codes,
        selection_mode="multi",
        key=OPEN,
        format_func=lambda code: escape(taxonomy[code].name),
        persist_state="session",
        help="A top-level class is one row and column, or one for each of its second-level classes",
    )
    st.button("Collapse all", on_click=reported(opens), args=([],), icon=":material/unfold_less:")
    st.button("Open all", on_click=reported(opens), args=(taxonomy.top_codes,), icon=":material/unfold_more:")
    return confusion.axis(taxonomy, opened)


def parse_cell(text: str) -> tuple[str, str] | str:
    """A cell from an address, or :data:`MOST_CONFUSED`; ValueError where it is neither."""
    if text == MOST_CONFUSED:
        return text
    true, predicted = text.split("|")
    return true, predicted


def find_most_confused(side: Side, along: Axis) -> None:
    """Choose the cell of the pair that a side confuses most often, where an address asked for that."""
    if st.session_state.get(CELL) != MOST_CONFUSED:
        return
    pairs = confusion.confused_pairs(confusion.counts(side.answers, along), along)
    st.session_state[CELL] = None if pairs.empty else (str(pairs["true"].iloc[0]), str(pairs["predicted"].iloc[0]))


def chosen_cell(taxonomy: Taxonomy) -> tuple[str, str] | None:
    """Codes of the cell that was clicked last, if this taxonomy has them."""
    cell = st.session_state.get(CELL)
    return cell if cell and all(code in taxonomy for code in cell) else None


def pick_cell(along: Axis) -> None:
    """Choice of a cell by its two classes, for the keyboard and for fingers; the one that was clicked last stands
    there.
    """
    codes = [c.code for c in along.classes]
    names = {c.code: f"{c.name} ({c.code})" for c in along.classes}
    now = st.session_state.get(CELL) or (None, None)

    def picked() -> None:
        chosen = tuple(st.session_state[key] for key in keys)
        if None not in chosen:
            st.session_state[CELL] = chosen

    keys = ("confusion.cell.true", "confusion.cell.predicted")
    with st.container(horizontal=True):
        for key, label, code in zip(keys, ("True class", "Predicted class"), now, strict=True):
            value = code or st.session_state.get(key)
            st.session_state[key] = value if value in codes else None
            st.selectbox(
                label,
                codes,
                format_func=names.__getitem__,
                placeholder="Choose",
                key=key,
                on_change=reported(picked),
                index=None,
            )


def matrix(sides: Sequence[Side], along: Axis, cells: Cells) -> None:
    """The matrix of one side, or the difference of two, to click and download."""

    def clicked() -> None:
        cells_of = {f"{true}|{predicted}": (true, predicted) for true in along.codes for predicted in along.codes}
        for chosen in selected_ids(st.session_state[MATRIX]):
            if chosen in cells_of:
                st.session_state[CELL] = cells_of[chosen]

    counts = [confusion.counts(side.answers, along) for side in sides]
    look: dict[str, Any] = {
        "cells": cells,
        "dark": dark(),
        "height": 760 if len(along.classes) > NAMED else 560,
        "chosen": chosen_cell(sides[0].answers.taxonomy),
    }
    if len(sides) == 1:
        values = confusion.shares(counts[0], cells)
        figure = confusion_figure(counts[0], along, title=f"{sides[0].words}\n{CELLS[cells]}", **look)
    else:
        values = confusion.difference(counts[0], counts[1], cells)
        words = "\n".join(f"{side.letter}: {side.words}" for side in sides)
        figure = difference_figure(counts[0], counts[1], along, title=f"{words}\nA − B, {CELLS[cells]}", **look)
    image = st.session_state.get(IMAGE, IMAGES[0])
    picture = {"format": image, "filename": "confusion", "scale": 1 if image == "svg" else 3}
    config = {"displaylogo": False, "displayModeBar": True, "modeBarButtons": [["toImage"]]}
    st.plotly_chart(
        figure,
        key=MATRIX,
        on_select=reported(clicked),
        selection_mode="points",
        config={**config, "toImageButtonOptions": picture},
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        downloads(lambda: confusion.table(values, along, counts[0].sum(axis=1)), "confusion", key="confusion")
        pickers.one_of("The camera above saves", IMAGES, key=IMAGE, name=str.upper)
