"""What every page is wrapped in: its style, and messages in place of tracebacks."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from bstviz.errors import UserError

STYLE = """<style>
[data-testid="stMainBlockContainer"] {padding: 4.2rem 2.2rem 3rem; max-width: 1900px}
[data-testid="stMainBlockContainer"] h2 {padding-top: 0}
</style>"""


def guarded(page: Callable[[], None]) -> Callable[[], None]:
    """Decorator of a page (inside ``st.fragment``): what the user can put right is shown as a message in its place."""

    @wraps(page)
    def draw() -> None:
        if (
            PagesManager.uses_pages_directory
        ):  # a link to a page came before app.py ever ran: start over with its navigation
            PagesManager.uses_pages_directory = False
            st.rerun()
        st.html(STYLE)
        try:
            page()
        except UserError as error:
            st.error(str(error), icon=":material/error:")

    return draw
