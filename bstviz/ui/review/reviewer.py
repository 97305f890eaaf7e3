"""Who decides in this window, and under which name."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass

import streamlit as st
from cachetools import LRUCache

from bstviz import schema
from bstviz.errors import UserError
from bstviz.review.decisions import SIGNATURE_LENGTH, Decision, Record, Signature
from bstviz.server.visitors.reviewer import reviewer_of_browser, reviewer_of_login
from bstviz.ui.components.text import escape
from bstviz.ui.page import reported

NAME, WINDOW_ID = "review.name", "review.window"
NAMES_KEPT = 10_000
"""Reviewers whose names are kept before their first decision."""


_LOCK = threading.Lock()
"""Of these names: sessions run in threads of their own."""


@dataclass(frozen=True)
class Reviewer:
    """Somebody who decides on labels.

    Attributes:
        id: Told from others by it.
        name: What they call themselves, or their login does; None where they have not said.
        stays: Whether the id is the same after the page is loaded again.
        logged_in: Whether a login says who they are.
    """

    id: str
    name: str | None
    stays: bool = True
    logged_in: bool = False

    def names(self, decision: Decision) -> str:
        """Who made a decision, in words."""
        if decision.by == self.id:
            return "you"
        return f"“{decision.name}”" if decision.name else "somebody else"


@st.cache_resource
def _names() -> LRUCache[str, str]:
    """Names by reviewers' ids, as they were given last; an empty one was taken back."""
    return LRUCache(NAMES_KEPT)


def reviewer(window: str) -> Reviewer:
    """Who decides: somebody who has logged in, else a browser, else this window, which then has no more than itself.

    Args:
        window: Tells this window from others.
    """
    claims = st.user.to_dict()
    login = reviewer_of_login(claims)
    if login is not None:
        return Reviewer(login, _signature(str(claims.get("name") or claims.get("email") or "")), logged_in=True)
    browser = reviewer_of_browser(st.context.cookies)
    own = browser or window
    with _LOCK:
        name = _names().get(own)
    return Reviewer(own, name or None, stays=browser is not None)


def window() -> str:
    """What tells this browser window from others."""
    return str(st.session_state.setdefault(WINDOW_ID, uuid.uuid4().hex[:8]))


def me() -> Reviewer:
    """Who decides in this window."""
    return reviewer(window())


def ask_name(who: Reviewer, record: Record) -> None:
    """A field for the reviewer's name, which holds the one given before; the name itself where a login states it."""
    if who.logged_in:
        st.caption(f"You decide as {escape(who.name or 'somebody without a name')}.")
        return
    if NAME not in st.session_state:
        with _LOCK:
            name = _names().get(who.id)
        if name is None:
            last = record.last_by(who.id)
            name = (last.name if last is not None else None) or ""
        st.session_state[NAME] = name
        if name:
            _keep_name(who.id)
    st.text_input(
        "Your name",
        key=NAME,
        max_chars=SIGNATURE_LENGTH,
        placeholder="Shown with your decisions",
        help="Everybody who reviews here sees it. Nothing checks it. It may stay empty.",
        on_change=reported(_keep_name),
        args=(who.id,),
    )
    if not who.stays:
        st.caption("Your browser keeps no cookie of this server: after a reload your decisions count as another's.")


def _keep_name(who: str) -> None:
    """Keep the name in the field as that of a reviewer."""
    given = str(st.session_state.get(NAME) or "")
    name = _signature(given)
    if given.strip() and name is None:
        raise UserError(f"{schema.shown(given)} is no name: allowed are up to {SIGNATURE_LENGTH} signs that show.")
    with _LOCK:
        _names()[who] = name or ""


def _signature(text: str) -> str | None:
    """Words as a name that decisions may bear; None where they are none."""
    try:
        return schema.convert(text.strip(), Signature, "The name")
    except UserError:
        return None
