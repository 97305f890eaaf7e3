"""The browser's side of the components: HTML, CSS and JavaScript, and how they and their bytes get there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from bstviz import schema
from bstviz.errors import UserError
from bstviz.schema import Count, Kind
from bstviz.ui.page import reported
from bstviz.ui.web.media import address, address_of_later, plotly_js

__all__ = ["SentRow", "address", "address_of_later", "component", "event", "plotly_js"]
FILES = Path(__file__).parent


@dataclass(frozen=True)
class SentRow:
    """A row of what a component shows: its index in what was sent under a token."""

    token: str
    index: Count

    def of(self, token: str, count: int) -> int | None:
        """The index, if it is one of ``count`` rows of what is shown now; None for what was shown before, or never."""
        return self.index if self.token == token and self.index < count else None


@cache
def component(name: str, *, isolated: bool = True) -> Callable[..., Any]:
    """The component of ``name.html``, ``name.css`` and ``name.js``, with ``common.js`` before its script.

    ``isolated`` puts it into a shadow tree, where no style sheet of the page reaches it. What goes wrong in its
    callbacks is told on the page.
    """
    html, css, js = ((FILES / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    common = (FILES / "common.js").read_text(encoding="utf-8")
    mount: Callable[..., Any] = st.components.v2.component(
        f"bstviz_{name}", html=html, css=css, js=f"{common}\n{js}", isolate_styles=isolated
    )

    def mounted(**given: Any) -> Any:
        return mount(**{key: reported(value) if key.startswith("on_") else value for key, value in given.items()})

    return mounted


def event(key: str, name: str, kind: type[Kind], otherwise: Kind | None = None) -> Kind | None:
    """What a component has just sent under a name, for its callbacks.

    Args:
        key: Of the component.
        name: Of the event.
        kind: What is sent, as a type for :func:`bstviz.schema.convert`; whoever forges another changes nothing.
        otherwise: Given back where nothing or something else was sent.
    """
    state = st.session_state.get(key)
    if not isinstance(state, Mapping) or name not in state:
        return otherwise
    try:
        return schema.convert(state[name], kind, name)
    except UserError:
        return otherwise
