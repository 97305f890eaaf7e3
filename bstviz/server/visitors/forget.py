"""Sessions whose visitors have gone: closed in time, and what they held given back to the system.

Streamlit keeps the session of a window that was closed for two minutes, so that a connection that broke for a moment
finds it again, and lets go of it only when somebody else comes after that. Here a session is closed
:attr:`~bstviz.server.settings.Settings.forget_seconds` after its window has gone, whoever comes: its uploads go, and
with its state everything that was made of them. At the next looks the memory is given back, as freed memory would
otherwise hold its bytes until it is needed, and decoder processes are replaced, which hold the last file that they had.
What pages keep for all (:class:`KeptForAll`) goes with the last visitor who used it, unless nobody else is here to want
the memory.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from bstviz import log
from bstviz.audio.sandbox.pool import POOL
from bstviz.jobs import background
from bstviz.jobs.memory import give_memory_back

LOOK_EVERY = 5.0
"""Seconds between two looks at who has gone."""
TIDIED = 3
"""Looks after the end of a session at which memory is given back: scripts and connections end when they come to it."""
LINGERING = 60.0
"""Seconds for which a session that was closed may be held by what still ends; looks count after it at most."""


class State(Protocol):
    """What a session knows from one run of a page to the next."""

    def clear(self) -> None:
        """Forget it."""


class Session(Protocol):
    """A session of Streamlit's."""

    @property
    def session_state(self) -> State:
        """Its state."""


class KeptForAll(Protocol):
    """What pages keep for all visitors, and who of them has used it."""

    def leave(self, visitor: str) -> None:
        """This visitor uses nothing any more."""

    def sweep(self) -> bool:
        """Let go of what no visitor uses; whether there was any."""


@dataclass(eq=False)
class Visit:
    """A session that this server has served.

    Attributes:
        name: What the server knows it by, and what it asks for work by.
        session: The session, as long as anybody holds it.
        uploads: Whether sounds could be given in it.
        away_since: When its window was first missed, in seconds; None while there is one.
    """

    name: str
    session: weakref.ReferenceType[Session]
    uploads: bool = False
    away_since: float | None = None

    def empty(self) -> None:
        """Give up the work that the session waits for, and empty its state: Streamlit's loop holds the session that it
        served last until it serves another.
        """
        background.leave(self.name)
        session = self.session()
        if session is not None:
            session.session_state.clear()


class Visits:
    """The visits of this server, by the names of their sessions.

    Attributes:
        keepers: Told who has gone.
    """

    def __init__(self) -> None:
        self._by_name: dict[str, Visit] = {}
        self.keepers: list[KeptForAll] = []

    def __len__(self) -> int:
        return len(self._by_name)

    def see(self, name: str, session: Session, *, uploads: bool = False) -> None:
        """A window of this session is here; with ``uploads``, sounds can be given in it."""
        visit = self._by_name.setdefault(name, Visit(name, weakref.ref(session)))
        visit.uploads |= uploads

    def over(self, connected: Callable[[str], bool], now: float, patience: float) -> dict[str, Visit]:
        """Visits whose window has been away for ``patience`` seconds, each once.

        Args:
            connected: Whether a session has a window now.
            now: In seconds.
            patience: In seconds.
        """
        gone = {}
        for name, visit in list(self._by_name.items()):  # pages add to it from threads of their own
            if connected(name):
                visit.away_since = None
            elif visit.away_since is None:
                visit.away_since = now
            elif now - visit.away_since >= patience:
                gone[name] = self._by_name.pop(name)
        return gone


VISITS = Visits()
"""Those of this process."""


def this_visitor() -> str | None:
    """Name of the session that this code runs for; None where it runs for none."""
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    context = get_script_run_ctx(suppress_warning=True)
    return None if context is None else context.session_id


def see_visitor(*, uploads: bool = False) -> str | None:
    """Note the session that this code runs for, and return its name; None where no server runs it for one. See
    :meth:`Visits.see`.
    """
    from streamlit import runtime

    name = this_visitor()
    if name is None or not runtime.exists():
        return None
    session = runtime.get_instance().get_app_session(name)
    if session is not None:
        VISITS.see(name, session, uploads=uploads)
    return name


async def forget_visitors(patience: float) -> None:
    """Close sessions ``patience`` seconds after their window has gone, until this is cancelled; runs in the server's
    own loop.
    """
    from streamlit import runtime

    tidying = 0
    closed: dict[Visit, float] = {}
    while True:
        await asyncio.sleep(min(LOOK_EVERY, patience))
        if not runtime.exists():
            continue
        now = time.monotonic()
        closed = {visit: end for visit, end in closed.items() if visit.session() is not None and now < end}
        if closed or tidying:
            tidying = TIDIED if closed else tidying - 1
            with suppress(Exception), log.timed("forget"):  # which logs it; the next look tries again
                for visit in closed:
                    visit.empty()  # again: a script that was running then has written into it since
                await asyncio.to_thread(give_back)
        server = runtime.get_instance()
        for name, visit in VISITS.over(server.is_active_session, now, patience).items():
            if visit.uploads:
                tidying, closed[visit] = TIDIED, now + LINGERING
            try:
                server.close_session(name)
                visit.empty()
            except Exception as error:  # of one visitor: the others are closed all the same
                log.warning("forget", error=type(error).__name__)
            for keeper in VISITS.keepers:
                keeper.leave(name)
        swept = [keeper.sweep() for keeper in VISITS.keepers if len(VISITS)]
        if any(swept):
            await asyncio.to_thread(give_memory_back)


def give_back() -> None:
    """Give freed memory back to the system, and end decoder processes that have had a file.

    What shares a page of memory with something that is still needed stays until it is written over (what was searched
    for afterwards, and found: docs/serving.md, Memory). Where the C library is not GNU's, freed memory is given back as
    that library sees fit.
    """
    POOL.renew()
    give_memory_back()
