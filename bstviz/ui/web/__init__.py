"""The browser's side of the components: HTML, CSS and JavaScript, and how they and their bytes get there."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from streamlit import runtime

FOLDER = Path(__file__).parent


@cache
def component(name: str) -> Callable[..., Any]:
    """The component whose files are ``name.html``, ``name.css`` and ``name.js``; ``common.js`` stands before its script."""
    html, css, js = ((FOLDER / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    common = (FOLDER / "common.js").read_text(encoding="utf-8")
    return st.components.v2.component(f"bstviz_{name}", html=html, css=css, js=f"{common}\n{js}")


def address(data: bytes, media_type: str, key: str) -> str:
    """Address at which this browser session can fetch bytes, as long as nothing else is given the same key."""
    if not runtime.exists():
        return ""
    return runtime.get_instance().media_file_mgr.add(data, media_type, f"bstviz.{key}")


def packed(flags: np.ndarray | None) -> str | None:
    """(n,) bool as base64 of its bits; None stays None."""
    return None if flags is None else base64.b64encode(np.packbits(flags).tobytes()).decode()


def event(key: str, name: str) -> Any:
    """What a component has just sent under a name; None where it sent nothing. For its callbacks."""
    state = st.session_state.get(key)
    return None if state is None else state.get(name)
