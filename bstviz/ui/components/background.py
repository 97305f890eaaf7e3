"""Long work on a page: how far it is, its place in the queue, a button to give it up, and what came of it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from bstviz.errors import UserError
from bstviz.jobs.background import Work
from bstviz.ui.components.text import told
from bstviz.ui.page import reported

EVERY = 1.0
"""Seconds between two looks at work that is going on."""
VISITOR = "visitor"
CANCELLED = "This was cancelled."


def visitor() -> str:
    """Who asks for work, in this session: a random name, known to nobody else."""
    return str(st.session_state.setdefault(VISITOR, secrets.token_hex(8)))


@dataclass
class Asked:
    """Work that a session waits for: all of it; ``cancelled`` once the session does no more."""

    works: Sequence[Work]
    cancelled: bool = False

    @property
    def over(self) -> bool:
        """Whether there is nothing to wait for any more."""
        return self.cancelled or all(work.ended for work in self.works)


def place(work: Work) -> str:
    """What is going on with a piece of work, in words."""
    if work.state == "waiting":
        return f"Waiting: {work.before():,} before yours"
    return f"{work.words or 'Starting'} …" + (f" {100 * work.share:.0f} %" if work.share else "")


def pending(what: str, *, key: str) -> bool:
    """Whether the work that ``st.session_state[key]`` holds as :class:`Asked` is still going on: then its progress is
    shown, and the page is drawn again at its end. Where it was cancelled or failed, that is said.
    """
    asked = st.session_state.get(key)
    if asked is None:
        return False
    if not asked.over:
        st.fragment(_progress, run_every=EVERY)(asked, what, key)
        return True
    if asked.cancelled:
        st.info(f"{what}: {CANCELLED}", icon=":material/cancel:")
        return False
    for work in asked.works:
        try:
            work.result()
        except UserError as error:
            st.warning(f"{what}: {told(error)}", icon=":material/error:")
    return False


def _progress(asked: Asked, what: str, key: str) -> None:
    """Drawn again every second."""
    if asked.over:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        first = next((work for work in asked.works if not work.ended), asked.works[-1])
        done = sum(1 if work.ended else work.share for work in asked.works) / len(asked.works)
        st.progress(min(done, 1.0), f"{what}: {place(first)}")
        st.button("Cancel", key=f"{key}.cancel", on_click=reported(partial(_cancel, asked, visitor())))


def _cancel(asked: Asked, owner: str) -> None:
    asked.cancelled = True
    for work in asked.works:
        work.cancel(owner)
