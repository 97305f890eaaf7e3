"""Confusion: what is confused with what, by annotation confidence, from out-of-fold predictions."""

from functools import partial

import streamlit as st

from bstviz.evaluation.confusion import CELLS
from bstviz.ui import query_params
from bstviz.ui.cache import loading
from bstviz.ui.components import pickers
from bstviz.ui.components.terms import meaning
from bstviz.ui.components.text import escape
from bstviz.ui.confusion import sections
from bstviz.ui.confusion.matrix import (
    CELL,
    MOST_CONFUSED,
    chosen_cell,
    find_most_confused,
    matrix,
    parse_cell,
    pick_axis,
    pick_cell,
)
from bstviz.ui.confusion.sides import Side, families, on_what_both_test, pick_side, say_what_is_there, scores
from bstviz.ui.confusion.sounds import cell_sounds
from bstviz.ui.page import guarded, reported

SECTIONS = ("Confused pairs", "Across thresholds", "Classes", "Groups", "Accuracy by threshold", "Calibration")
ADDRESS: query_params.Readers = {
    "model": ("confusion.a.model", str),
    "trained": ("confusion.a.trained", int),
    "tested": ("confusion.a.tested", int),
    "cell": (CELL, parse_cell),
    "section": ("confusion.section", str),
}


def pick_sides() -> list[Side]:
    """A setting and where its threshold applies, and another to compare it with where somebody wishes so."""
    known = families(list(loading.infos().values()))
    with st.container(horizontal=True, vertical_alignment="top"):
        sides = [pick_side("A", known, key="confusion.a")]
        compared = st.toggle(
            "Compare with B",
            key="confusion.compare",
            persist_state="session",
            help="Another model, or other thresholds",
        )
    if compared:
        with st.container(horizontal=True, vertical_alignment="top"):
            sides.append(pick_side("B", known, key="confusion.b", start=1))
    say_what_is_there(sides)
    return sides


@st.fragment
@guarded
def page() -> None:
    st.header("Confusion by annotation confidence")
    query_params.read("confusion", ADDRESS)
    sides = pick_sides()
    if not all(len(side.answers) for side in sides):
        st.info("No test sound has such an annotation confidence; lower the test's threshold.", icon=":material/info:")
        return
    views = {"A": sides}
    if len(sides) == 2:
        sides = list(on_what_both_test(*sides, key="confusion.shared"))
        views = {"A − B": sides, "A": sides[:1], "B": sides[1:]}
    taxonomy = sides[0].answers.taxonomy
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(views) > 1:
            looked = views[pickers.one_of("Matrix", list(views), key="confusion.view", name=str)]
        else:
            looked = sides
        cells = pickers.one_of(
            "Cells", list(CELLS), key="confusion.cells", name=CELLS.__getitem__, help=meaning("Cells")
        )
        along = pick_axis(taxonomy)
    find_most_confused(looked[0], along)
    view, panel = st.columns([3, 2], gap="medium")
    with view:
        matrix(looked, along, cells)
    with panel:
        scores(sides, key="confusion.scores")
        pick_cell(along)
        if cell := chosen_cell(taxonomy):
            cell_sounds(looked, cell, key="confusion.sounds")
        else:
            st.info("Click a cell, or choose its classes, to play its sounds.", icon=":material/touch_app:")
            st.button(
                "Show me the pair confused most often",
                key="confusion.most",
                icon=":material/play_circle:",
                on_click=reported(partial(st.session_state.__setitem__, CELL, MOST_CONFUSED)),
            )
    section = pickers.one_of("Show", SECTIONS, key="confusion.section", name=str)
    side = looked[0]
    st.caption(escape(f"Of {side.letter}: {side.words}."))
    if section == "Confused pairs":
        sections.pairs(side, along)
    elif section == "Across thresholds":
        sections.strip(side, along, cells)
    elif section == "Classes":
        sections.classes(side)
    elif section == "Groups":
        sections.groups(side)
    elif section == "Accuracy by threshold":
        sections.thresholds(side)
    else:
        sections.calibration(side)
    cell = chosen_cell(taxonomy)
    query_params.write(
        "confusion",
        {
            "model": sides[0].name,
            "trained": str(sides[0].trained),
            "tested": str(sides[0].tested),
            "cell": "|".join(cell) if cell else None,
            "section": section,
        },
    )


page()
