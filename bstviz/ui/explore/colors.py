"""Own colours: what a visitor has chosen for the values of a column."""

from __future__ import annotations

import json
from typing import Annotated

import streamlit as st
from msgspec import Meta

from bstviz.plots.facets import Column
from bstviz.schema import Color, Line
from bstviz.ui import query_params
from bstviz.ui.components.text import escape
from bstviz.ui.page import reported

OWN_COLORS = "explore.own_colors"
"""Where the session keeps them."""
COLORED = 30
"""Values of a column that can be given a colour, at most; a column of numbers has a scale."""
COLUMNS_COLORED = 20
"""Columns whose colours are kept at most: those that were given some last."""
Chosen = dict[str, Annotated[dict[Line, Color], Meta(max_length=COLORED)]]


def chosen_colors() -> Chosen:
    """Colours by label, by the name of the column."""
    found: Chosen = st.session_state.setdefault(OWN_COLORS, {})
    return found


def parse(text: str) -> Chosen:
    """Colours from an address; ValueError where there are none."""
    return dict(list(query_params.from_json(text, Chosen).items())[-COLUMNS_COLORED:])


def written() -> str | None:
    """The colours as an address states them; None without any."""
    found = chosen_colors()
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")) if found else None


def pick_colors(column: Column) -> None:
    """A colour for each value of a column, and the way back to those that it had."""
    if column.values is not None:
        return
    with st.popover("", icon=":material/palette:", help="Own colours"):
        for place, category in enumerate(column.categories[:COLORED]):
            key = f"explore.colors.{place}"  # of the place, as a visitor may look at any number of columns
            st.session_state[key] = category.color
            st.color_picker(escape(category.label), key=key, on_change=reported(_choose), args=(column, place, key))
        if column.name in chosen_colors():
            st.button("As they were", key="explore.colors.back", on_click=reported(_forget), args=(column.name,))


def _choose(column: Column, place: int, key: str) -> None:
    others = {name: own for name, own in chosen_colors().items() if name != column.name}
    own = chosen_colors().get(column.name, {}) | {column.labels[place]: str(st.session_state[key])}
    st.session_state[OWN_COLORS] = dict(list((others | {column.name: own}).items())[-COLUMNS_COLORED:])


def _forget(name: str) -> None:
    st.session_state[OWN_COLORS] = {n: own for n, own in chosen_colors().items() if n != name}
