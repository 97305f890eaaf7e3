"""What asks people to log in, in place of all pages, where the setting ``login`` names people."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from bstviz.server import login
from bstviz.ui.components.text import told

ADMISSION = "admission"
"""Where a session holds that its browser was let in."""


def must_log_in() -> bool:
    """Whether this session's visitor has to log in before anything is shown; else their browser is let in."""
    if not login.people():
        return False
    if not st.user.is_logged_in or not login.may_enter(st.user.to_dict()):
        return True
    st.session_state[ADMISSION] = login.admit(st.context.cookies.to_dict())
    return False


def login_pages(instead: Sequence[st.Page]) -> list[st.Page]:
    """What asks to log in, at the address of each page that it stands for."""
    return [
        st.Page(_ask, title="Log in", url_path=page.url_path or None, default=not page.url_path) for page in instead
    ]


def logout_pages() -> list[st.Page]:
    """A page that logs out whoever opens it, where people log in."""
    return [st.Page(_leave, title="Log out", icon=":material/logout:", url_path="logout")] if login.people() else []


def _ask() -> None:
    st.title("bstviz")
    if st.user.is_logged_in:
        who = str(st.user.get("email") or st.user.get("name") or "Somebody without an e-mail address")
        st.error(told(f"{who} is logged in, but not among those whom this server is for."), icon=":material/block:")
        if st.button("Log in as somebody else"):
            st.logout()
        return
    st.markdown("This server is for those who have an account. Log in to see and play what it has.")
    for provider in login.providers():
        if st.button(f"Log in with {provider}" if provider else "Log in", type="primary"):
            st.login(provider)


def _leave() -> None:
    st.session_state.pop(ADMISSION, None)
    st.logout()
