"""Confusion: what is taken for what, by annotation confidence and where it applies, from out-of-fold answers."""

import streamlit as st

from bstviz.confusion import CELLS
from bstviz.ui import confusion, confusion_sections, loaders, pickers
from bstviz.ui.confusion_matrix import chosen_cell, matrix, pick_axis
from bstviz.ui.confusion_sounds import cell_sounds
from bstviz.ui.page import guarded
from bstviz.ui.text import escape

SECTIONS = ("Confused pairs", "Across thresholds", "Classes", "Groups", "Accuracy by threshold", "Calibration")


def pick_sides() -> list[confusion.Side]:
    """A setting and where its threshold applies, and another to compare it with where somebody wishes so."""
    known = confusion.families(list(loaders.infos().values()))
    with st.container(horizontal=True, vertical_alignment="top"):
        sides = [confusion.pick_side("A", known, key="confusion.a")]
        compared = st.toggle(
            "Compare with B", key="confusion.compare", persist_state="session", help="Another model or threshold"
        )
    if compared:
        with st.container(horizontal=True, vertical_alignment="top"):
            sides.append(confusion.pick_side("B", known, key="confusion.b", start=1))
    confusion.say_what_is_there(sides)
    return sides


@st.fragment
@guarded
def page() -> None:
    st.header("Confusion by annotation confidence")
    sides = pick_sides()
    if not all(len(side.answers) for side in sides):
        st.info("No test sound has such a confidence; lower the threshold of the test.", icon=":material/info:")
        return
    views = {"A": sides}
    if len(sides) == 2:
        sides = list(confusion.on_what_both_test(*sides, key="confusion.shared"))
        views = {"A − B": sides, "A": sides[:1], "B": sides[1:]}
    taxonomy = sides[0].answers.taxonomy
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(views) > 1:
            looked = views[pickers.one_of("Matrix", list(views), key="confusion.view", name=str)]
        else:
            looked = sides
        cells = pickers.one_of("Cells", list(CELLS), key="confusion.cells", name=CELLS.__getitem__)
        along = pick_axis(taxonomy)
    view, panel = st.columns([3, 2], gap="medium")
    with view:
        matrix(looked, along, cells)
    with panel:
        confusion.scores(sides, key="confusion.scores")
        if cell := chosen_cell(taxonomy):
            cell_sounds(looked, cell, key="confusion.sounds")
        else:
            st.info("Click a cell to hear its sounds.", icon=":material/touch_app:")
    section = pickers.one_of("Show", SECTIONS, key="confusion.section", name=str)
    side = looked[0]
    st.caption(escape(f"Of {side.letter}: {side.words}."))
    if section == "Confused pairs":
        confusion_sections.pairs(side, along)
    elif section == "Across thresholds":
        confusion_sections.strip(side, along, cells)
    elif section == "Classes":
        confusion_sections.classes(side)
    elif section == "Groups":
        confusion_sections.groups(side)
    elif section == "Accuracy by threshold":
        confusion_sections.thresholds(side)
    else:
        confusion_sections.calibration(side)


page()
