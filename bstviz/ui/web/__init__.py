"""The browser's side of the components: HTML, CSS and JavaScript, and how they and their bytes get there."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from bstviz.ui.page import reported
from bstviz.ui.web.media import address, address_of_later, plotly_js

__all__ = ["address", "address_of_later", "component", "event", "plotly_js"]
FILES = Path(__file__).parent


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


def event(key: str, name: str) -> Any:
    """What a component has just sent under a name; None where it sent nothing. For its callbacks."""
    state = st.session_state.get(key)
    return None if state is None else state.get(name)
