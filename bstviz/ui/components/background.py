"""Long work on a page: how far it is, its place in the queue, a button to give it up, and what came of it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import streamlit as st

from bstviz.jobs.background import Work, cancel
from bstviz.server.visitors.forget import see_visitor
from bstviz.ui.components.text import told
from bstviz.ui.page import reported

EVERY = 1.0
"""Seconds between two looks at work that is going on."""
AT_ONCE = 2.0
"""Seconds that a page waits for work of many pieces before it shows how far that is."""
VISITOR = "visitor"
SOON = 0.3
"""Seconds that are not worth a word."""


def visitor() -> str:
    """Who asks for work, in this session: its name on the server, which gives up what it waits for at the session's
    end; a random one where there is no server.
    """
    return see_visitor() or str(st.session_state.setdefault(VISITOR, secrets.token_hex(8)))


@dataclass(eq=False)
class Asked:
    """Work that a session waits for.

    Attributes:
        works: All of it.
        items: How many things it is about, where they are counted.
        about: What it is for, to tell it from other work.
        owner: Who has asked.
        cancelled: Whether the session waits no more.
    """

    works: Sequence[Work]
    items: int = 0
    about: object = None
    owner: str = field(default_factory=visitor)
    cancelled: bool = False

    @property
    def over(self) -> bool:
        """Whether there is nothing to wait for any more."""
        return self.cancelled or all(work.ended for work in self.works)

    @property
    def share(self) -> float:
        """How much is done, 0 to 1."""
        return min(sum(1 if work.ended else work.share for work in self.works) / max(len(self.works), 1), 1)


def in_words(work: Work) -> str:
    """What is going on with a piece of work: its place in the queue, or how far it is."""
    if work.state == "waiting" and (before := work.before()):
        return f"waiting, {before:,} before yours"
    return f"{work.words.lower() or 'working'} …" + (f" {100 * work.share:.0f} %" if work.share else "")


def wait(works: Sequence[Work], *, at_most: float = float("inf")) -> None:
    """Wait for work in this run of the script, some seconds at most; its place in the queue is shown meanwhile."""
    start, slot = time.monotonic(), st.empty()
    for work in works:
        while (left := start + at_most - time.monotonic()) > 0 and not work.wait(min(SOON, left)):
            slot.caption(in_words(work).capitalize())
    slot.empty()


def progress(asked: Asked, what: str, *, key: str) -> None:
    """How far work is, and a button to cancel it; looks again every second, and draws the page anew at its end."""
    st.fragment(_progress, run_every=EVERY)(asked, what, key)


def pending(what: str, *, key: str) -> bool:
    """Whether the work that ``st.session_state[key]`` holds as :class:`Asked` is going on: then its progress is shown.
    Where it was cancelled or failed, that is said.
    """
    asked = st.session_state.get(key)
    if asked is None:
        return False
    if not asked.over:
        progress(asked, what, key=key)
        return True
    if asked.cancelled:
        st.info(f"{what}: cancelled.", icon=":material/cancel:")
        return False
    for error in filter(None, (work.error for work in asked.works)):
        st.warning(f"{what}: {told(error)}", icon=":material/error:")
    return False


def _progress(asked: Asked, what: str, key: str) -> None:
    if asked.over:
        st.rerun()
    first = next((work for work in asked.works if not work.ended), asked.works[-1])
    counted = f"{int(asked.share * asked.items):,} of {asked.items:,}" if asked.items else ""
    words = ", ".join(filter(None, (counted, in_words(first) if first.state == "waiting" or not counted else "")))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(asked.share, f"{what}: {words}")
        st.button("Cancel", key=f"{key}.cancel", on_click=reported(partial(_cancel, asked)))


def _cancel(asked: Asked) -> None:
    asked.cancelled = True
    cancel(asked.works, asked.owner)
