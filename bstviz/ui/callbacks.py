"""What the widgets of a session call, which can be let go of.

Streamlit keeps the callback of every widget that it has drawn until the session ends, drawn still or not, and so all
that a callback refers to: a version of a library, for one, that nobody looks at any more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import streamlit as st

SESSION_CALLBACKS = "bstviz.callbacks"


class Callback:
    """A callback of this session, until :func:`let_go`; then it does nothing."""

    def __init__(self, act: Callable[..., object]) -> None:
        self.act: Callable[..., object] | None = act
        st.session_state.setdefault(SESSION_CALLBACKS, WeakSet()).add(self)

    def __call__(self, *arguments: Any) -> None:
        if self.act is not None:
            self.act(*arguments)


def let_go() -> None:
    """Have all callbacks so far refer to nothing; the next run of a page gives its widgets new ones."""
    for callback in st.session_state.pop(SESSION_CALLBACKS, ()):
        callback.act = None
