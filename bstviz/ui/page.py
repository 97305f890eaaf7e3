"""What every page is wrapped in: the navigation, the style, and messages in place of tracebacks, whether the page fails
or what somebody does on it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from bstviz import log
from bstviz.errors import in_words
from bstviz.server.visitors.forget import see_visitor
from bstviz.ui.cache import versions
from bstviz.ui.callbacks import Callback
from bstviz.ui.components.text import escape, told
from bstviz.ui.login import login_pages, logout_pages, must_log_in

STYLE = """<style>
[data-testid="stMainBlockContainer"] {padding: 4.2rem 2.2rem 3rem; max-width: 1900px}
[data-testid="stMainBlockContainer"] h2 {padding-top: 0}
[data-testid="stElementContainer"]:is(:has(.skip), :has(.target)) {position: absolute; width: auto}
.skip {position: fixed; top: -4rem; left: 1rem; z-index: 1000000; padding: .4rem .8rem; border-radius: .5rem}
.skip, [data-testid="stMultiSelectTagsContainer"] [data-tag] {background: #2565d4 !important; color: #fff !important}
[data-testid="stMultiSelectTagsContainer"] [data-tag] * {color: #fff !important}
.skip:focus {top: .6rem}
[data-testid="stElementContainer"]:has(.drawer) {display: none}
@media (max-width: 640px) {
  [data-testid="stMainBlockContainer"] {padding: 4.2rem 1rem 2rem}
  [data-testid="stElementContainer"]:has(.drawer) {display: block; width: 100%}
  .drawer summary {padding: .4rem .2rem; font-weight: 600; cursor: pointer}
  .drawer.last {border-top: 1px solid #8886}
  [data-testid="stColumn"]:has(.drawer.last) {order: 1}
  :is([data-testid="stVerticalBlock"], [data-testid="stHorizontalBlock"]):has(
    > [data-testid="stElementContainer"] .drawer:not([open])) > :not(:has(.drawer)) {display: none}
  [data-testid="stHorizontalBlock"]:has(.drawer.row:not([open])) >
    [data-testid="stColumn"]:not(:has(.drawer)) {display: none}
}
</style>"""
PROBLEM = "problem"
"""Where the session keeps what went wrong in a callback until the page is drawn."""
NAVIGATED = "navigated"
"""Set in a session that has been through :func:`navigation`."""


def navigation() -> st.Page:
    """The pages of the app on top of the window, and the one that is asked for; as long as a visitor has to log in,
    what asks for that in their place.
    """
    see_visitor()
    pages = [
        st.Page("pages/home.py", title="Overview", icon=":material/home:", default=True),
        st.Page("pages/explore.py", title="Explore", icon=":material/scatter_plot:"),
        st.Page("pages/compare.py", title="Compare", icon=":material/compare:"),
        st.Page("pages/results.py", title="Results", icon=":material/monitoring:"),
        st.Page("pages/confusion.py", title="Confusion", icon=":material/grid_on:"),
        st.Page("pages/review.py", title="Review", icon=":material/rule:"),
        st.Page("pages/classify.py", title="Classify", icon=":material/graphic_eq:"),
        *logout_pages(),
    ]
    if must_log_in():
        return st.navigation(login_pages(pages), position="hidden")
    st.session_state[NAVIGATED] = True
    return st.navigation(pages, position="top")


def skip_link(to: str = "map") -> None:
    """A link for the keyboard, seen when it has the focus, past controls and filters to :func:`target`."""
    st.html(f'<a class="skip" href="#{to}">Skip to the {to}</a>')


def target(name: str = "map") -> None:
    """Where a :func:`skip_link` leads."""
    st.html(f'<div class="target" id="{name}" tabindex="-1"></div>')


def drawer(name: str, place: Literal["here", "row", "last"] = "here") -> None:
    """In a narrow window, fold what stands with it into a drawer, closed at first; in a wide one nothing is seen of it.

    Args:
        name: What the drawer says.
        place: "here" folds what stands in the same container, "row" the whole row of columns that it is in the first
            of, and "last" its column, which then stands below the others.
    """
    st.html(f'<details class="drawer {place}"><summary>{name}</summary></details>')


def guarded(page: Callable[[], None], *, title: str | None = None) -> Callable[[], None]:
    """Decorator of a page (inside ``st.fragment``): what is no fault of the program is shown as a message in its place
    (:func:`bstviz.errors.in_words`), and above it what went wrong in a callback (:func:`reported`) and what is another
    on disk than on the page.

    Args:
        page: The page.
        title: Stands above all this, and is there before anything is looked for on the disk.
    """

    @wraps(page)
    def draw() -> None:
        if NAVIGATED not in st.session_state:  # a link to a page came before app.py ever ran, and runs that page alone
            navigation()
            st.rerun()
        st.html(STYLE)
        if title is not None:
            st.title(title)
        if PROBLEM in st.session_state:
            _say(st.session_state.pop(PROBLEM))
        try:
            _say_versions()
            with log.timed("page", page=Path(page.__code__.co_filename).stem):
                page()
        except Exception as error:
            if (words := in_words(error)) is None:
                raise
            _say(words)

    return draw


def reported(act: Callable[..., object]) -> Callable[..., None]:
    """A callback whose errors the page tells of, as of its own: Streamlit calls it before the page, outside of it.

    Every ``on_click``, ``on_change`` and ``on_select`` goes through here; those of components of ours do by themselves.
    """

    def answer(*arguments: Any) -> None:
        try:
            act(*arguments)
        except Exception as error:
            if (words := in_words(error)) is None:
                raise
            st.session_state[PROBLEM] = words

    return Callback(answer)


def _say_versions() -> None:
    """What is another on disk than what the page shows, with a button that shows it, and which runs were left out."""
    if changes := versions.look():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(
                f"Changed on disk: {escape('; '.join(changes))}. This page shows what was there before.",
                icon=":material/sync_problem:",
            )
            st.button("Reload", key="versions.reload", on_click=reported(versions.reload), icon=":material/refresh:")
    if unreadable := versions.shown().unreadable:
        names = ", ".join(dict.fromkeys(path.name for path in unreadable))
        st.caption(f":material/warning: Left out, as they cannot be read: {escape(names)}. The Overview says why.")


def _say(words: str) -> None:
    st.error(told(words), icon=":material/error:")
