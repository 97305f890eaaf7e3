"""What the address bar holds, so that a view can be sent to a colleague."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

VIEW = "view"
"""What the browser itself writes into the address: where a map is zoomed to."""


def read(page: str, readers: Mapping[str, tuple[str, Callable[[str], Any]]]) -> None:
    """Take up what the address names, once for each address that this session did not write itself.

    Args:
        page: Name of the page.
        readers: By parameter: the session state's key, and what makes its value of the text (ValueError or KeyError: leave it).
    """
    given = {name: st.query_params[name] for name in readers if name in st.query_params}
    if not given or given == st.session_state.get(f"{page}.address"):
        return
    for name, text in given.items():
        key, parse = readers[name]
        try:
            st.session_state[key] = parse(text)
        except (ValueError, KeyError):
            continue
    st.session_state[f"{page}.address"] = given


def write(page: str, values: Mapping[str, str | None]) -> None:
    """Put the view into the address; what is None goes."""
    wanted = {name: value for name, value in values.items() if value is not None}
    st.session_state[f"{page}.address"] = wanted
    if VIEW in st.query_params:
        wanted = wanted | {VIEW: st.query_params[VIEW]}
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)
