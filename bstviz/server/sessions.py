"""Sessions whose visitors have gone: closed in time, and what they held given back to the system.

Streamlit keeps the session of a window that was closed for two minutes, so that a connection that broke for a moment
finds it again, and lets go of it only when the next window is closed after that. Here a session is closed
:attr:`~bstviz.server.settings.Settings.forget_seconds` after its window has gone, whether anybody comes or not: its
uploads, and with its state everything that was made of them. Then the memory is given back, as a freed page would
otherwise hold its bytes until somebody needs it, and decoder processes are replaced, which hold the last file they had.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import sys
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from bstviz import log
from bstviz.audio.sandbox.pool import POOL

if TYPE_CHECKING:
    from streamlit.runtime.app_session import AppSession

LOOK_EVERY = 5.0
"""Seconds between two looks at who has gone."""


class Visits:
    """The sessions of this server, and since when the windows of some have been away."""

    def __init__(self) -> None:
        self._away_since: dict[str, float | None] = {}
        self._sessions: weakref.WeakValueDictionary[str, AppSession] = weakref.WeakValueDictionary()

    def see(self, name: str, session: AppSession) -> None:
        """A window of this session is here."""
        self._away_since[name], self._sessions[name] = None, session

    def over(self, connected: Callable[[str], bool], now: float, patience: float) -> list[str]:
        """Sessions that have been away for ``patience`` seconds, by name, each once.

        Args:
            connected: Whether a session has a window now.
            now: In seconds.
            patience: In seconds.
        """
        seen = list(self._away_since.items())  # pages add to it from threads of their own
        for name, since in seen:
            if connected(name):
                self._away_since[name] = None
            elif since is None:
                self._away_since[name] = now
        gone = [name for name, since in seen if since is not None and now - since >= patience and not connected(name)]
        for name in gone:
            del self._away_since[name]
        return gone

    def empty(self, name: str) -> None:
        """Empty the state of a session, which Streamlit's own loop may hold until it serves another one."""
        session = self._sessions.pop(name, None)
        if session is not None:
            session.session_state.clear()


VISITS = Visits()
"""Those of this process."""


def see_visitor() -> None:
    """Note the session that this code runs for, if a server runs it for one."""
    from streamlit import runtime
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    context = get_script_run_ctx(suppress_warning=True)
    if context is not None and runtime.exists():
        session = runtime.get_instance().get_app_session(context.session_id)
        if session is not None:
            VISITS.see(context.session_id, session)


async def forget_visitors(seconds: float) -> None:
    """Close sessions ``seconds`` after their windows have gone, until this is cancelled; runs in the server's loop."""
    from streamlit import runtime

    tidying = 0
    while True:
        await asyncio.sleep(min(LOOK_EVERY, seconds))
        if not runtime.exists():
            continue
        server = runtime.get_instance()
        for name in VISITS.over(server.is_active_session, time.monotonic(), seconds):
            server.close_session(name)
            VISITS.empty(name)
            tidying = 2  # a script that was still at work for it has ended by the next look
        if tidying:
            tidying -= 1
            with log.timed("forget"):
                await asyncio.to_thread(give_back)


def give_back() -> None:
    """Give freed memory back to the system, as far as it takes it, and end decoder processes that have had a file."""
    POOL.renew()
    gc.collect()  # a closed session is a circle of objects
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    """``malloc_trim(3)`` of the GNU C library; None where there is another."""
    if sys.platform != "linux":
        return None
    with suppress(AttributeError, OSError):
        return ctypes.CDLL(None).malloc_trim  # type: ignore[no-any-return]
    return None
