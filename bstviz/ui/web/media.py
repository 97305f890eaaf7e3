"""Bytes that the browser fetches by address.

Components get arrays and sounds of megabytes this way once, not as text within every message. The session's state holds
them, and they are gone with the session.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from bstviz.server import routes
from bstviz.server.contents import CONTENTS, Content, Held

SESSION_HELD = "bstviz.held"


def address(data: bytes, media_type: str, key: str) -> str:
    """Address at which browsers can fetch bytes, as long as this session gives the key to nothing else."""
    return _hold(key, CONTENTS.add(data, media_type))


def address_of_later(make: Callable[[], bytes], media_type: str, key: str, *, name: str) -> str:
    """Address of bytes that are made when a browser fetches them; see :meth:`bstviz.server.contents.Contents.later`."""
    return _hold(key, CONTENTS.later(make, media_type, name=name))


def let_go() -> None:
    """Hold nothing for this session's browser but what the next run of a page gives it."""
    st.session_state.pop(SESSION_HELD, None)


def plotly_js() -> str:
    """Address of plotly.js, which a browser fetches once and keeps."""
    return routes.address_of(routes.plotly_js())


def _hold(key: str, content: Content) -> str:
    st.session_state.setdefault(SESSION_HELD, Held()).hold(key, content)
    return routes.address_of(content)
