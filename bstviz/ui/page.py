"""What every page is wrapped in: the navigation, the style, and messages in place of tracebacks."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import streamlit as st

from bstviz.errors import UserError

STYLE = """<style>
[data-testid="stMainBlockContainer"] {padding: 4.2rem 2.2rem 3rem; max-width: 1900px}
[data-testid="stMainBlockContainer"] h2 {padding-top: 0}
</style>"""
NAVIGATED = "navigated"
"""Set in a session that has been through :func:`navigation`."""


def navigation() -> st.Page:
    """The pages of the app on top of the window, and the one that is asked for."""
    st.session_state[NAVIGATED] = True
    return st.navigation(
        [
            st.Page("pages/home.py", title="Overview", icon=":material/home:", default=True),
            st.Page("pages/explore.py", title="Explore", icon=":material/scatter_plot:"),
            st.Page("pages/compare.py", title="Compare", icon=":material/compare:"),
            st.Page("pages/results.py", title="Results", icon=":material/monitoring:"),
            st.Page("pages/confusion.py", title="Confusion", icon=":material/grid_on:"),
            st.Page("pages/review.py", title="Review", icon=":material/rule:"),
            st.Page("pages/classify.py", title="Classify", icon=":material/graphic_eq:"),
        ],
        position="top",
    )


def guarded(page: Callable[[], None]) -> Callable[[], None]:
    """Decorator of a page (inside ``st.fragment``): what the user can correct is shown as a message in its place."""

    @wraps(page)
    def draw() -> None:
        if NAVIGATED not in st.session_state:  # a link to a page came before app.py ever ran, and runs that page alone
            navigation()
            st.rerun()
        st.html(STYLE)
        try:
            page()
        except UserError as error:
            st.error(str(error), icon=":material/error:")

    return draw
