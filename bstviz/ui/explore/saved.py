"""Saved views: those that a visitor has given a name, in the session and in the address, which can be bookmarked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Annotated

import streamlit as st
from msgspec import Meta

from bstviz import schema
from bstviz.errors import UserError
from bstviz.ui import query_params
from bstviz.ui.components.text import escape
from bstviz.ui.explore import views
from bstviz.ui.explore.address import in_address
from bstviz.ui.explore.views import MapView
from bstviz.ui.page import reported

SAVED = "explore.views"
"""Where the session keeps them, by name."""
SAVED_VIEWS = 20
VIEWS_IN_ADDRESS = 5_000
"""Characters of saved views at most in an address: the last ones that fit."""
ViewName = Annotated[str, Meta(min_length=1, max_length=60, pattern=schema.SAFE)]


def saved_views() -> dict[str, MapView]:
    """This visitor's, by name, in the order in which they were saved."""
    found: dict[str, MapView] = st.session_state.setdefault(SAVED, {})
    return found


def parse(text: str) -> dict[str, MapView]:
    """Saved views from an address, without those that are none; ValueError where it holds no views at all."""
    found = {}
    for name, stated in query_params.from_json(text, dict[str, object]).items():
        with suppress(UserError):
            view = schema.convert({name: stated}, dict[ViewName, dict[ViewName, str]], "The address")
            found[name] = MapView(view[name])
    return dict(list(found.items())[-SAVED_VIEWS:])


def written() -> str | None:
    """The saved views for an address; None without any."""
    stated: dict[str, Mapping[str, str]] = {}
    for name, view in reversed(saved_views().items()):
        more = {name: in_address(view.parameters), **stated}
        if len(_text(more)) > VIEWS_IN_ADDRESS:
            break
        stated = more
    return _text(stated) if stated else None


def pick_view(now: MapView) -> None:
    """Names of the saved views, each to be shown or forgotten, and a field that saves what is shown now."""
    known = saved_views()
    with st.popover("Views", icon=":material/bookmark:"):
        with st.form("explore.views.form", border=False, clear_on_submit=True):
            st.text_input("Save this view as", key="explore.views.name", max_chars=60, placeholder="a name")
            st.form_submit_button("Save", on_click=reported(partial(_save, now)))
        for place, (name, view) in enumerate(known.items()):  # keys are of places, as there may be any number of names
            with st.container(horizontal=True):
                st.button(escape(name), key=f"explore.views.{place}", on_click=reported(views.show), args=(view,))
                st.button(
                    "",
                    key=f"explore.views.{place}.forget",
                    icon=":material/delete:",
                    type="tertiary",
                    help="Forget this view",
                    on_click=reported(_forget),
                    args=(name,),
                )
        if in_address(now.parameters) != now.parameters:
            st.caption("A search, filters or colours that are too long for the address last for this visit.")
        if known:
            st.caption(
                "They are in this page's address: bookmark it to keep them. A selection of more than some sixty sounds "
                "lasts for this visit."
            )


def _save(now: MapView) -> None:
    name = schema.one_line(str(st.session_state["explore.views.name"]))
    if name:
        others = {other: view for other, view in saved_views().items() if other != name}
        st.session_state[SAVED] = dict(list((others | {name: now}).items())[-SAVED_VIEWS:])


def _forget(name: str) -> None:
    st.session_state[SAVED] = {other: view for other, view in saved_views().items() if other != name}


def _text(stated: Mapping[str, Mapping[str, str]]) -> str:
    return json.dumps(stated, ensure_ascii=False, separators=(",", ":"))
