"""The page that asks people to log in, in place of all others, where the setting ``login`` names people."""

from __future__ import annotations

import streamlit as st

from bstviz.server import login
from bstviz.ui.components.text import told

ADMISSION = "admission"
"""Where a session holds that its browser was let in."""


def login_page() -> st.Page | None:
    """The one page of somebody who has not logged in or may not come in; None for everybody else."""
    if not login.people():
        return None
    if st.user.is_logged_in and login.may_enter(st.user.to_dict()):
        st.session_state[ADMISSION] = login.admit(st.context.cookies.to_dict())
        return None
    return st.Page(_ask, title="Log in", icon=":material/login:", default=True)


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
    st.markdown("This server is for those who have an account. Log in to see and hear what it has.")
    for provider in login.providers():
        if st.button(f"Log in with {provider}" if provider else "Log in", type="primary"):
            st.login(provider)


def _leave() -> None:
    st.session_state.pop(ADMISSION, None)
    st.logout()
