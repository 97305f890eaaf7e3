"""What the address bar holds, so that a view can be sent to a colleague."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from bstviz import schema
from bstviz.errors import UserError
from bstviz.schema import Kind

VIEW = "view"
"""What the browser itself writes into the address: where a map is zoomed to."""
Readers = Mapping[str, tuple[str, Callable[[str], Any]]]
"""By parameter: the session state's key, and what makes its value of the text (ValueError or KeyError: leave it)."""
PARAMETER_LENGTH = 10_000  # characters of a parameter
UNDER_WAY = 10.0  # seconds in which a click may still come with an address from before the last one


def from_json(text: str, kind: type[Kind]) -> Kind:
    """A parameter in JSON as a type of :mod:`bstviz.schema`; ValueError where it is none."""
    try:
        return schema.convert(json.loads(text), kind, "The address")
    except (UserError, RecursionError) as error:
        raise ValueError(str(error)) from None


def read(page: str, readers: Readers) -> None:
    """Apply what the address names, once for each address that this session did not write itself.

    A click made while an answer is under way comes with the address from before it. So addresses written a moment ago
    do not count as new ones; an older one is, as the browser's way back brings it.

    Args:
        page: Name of the page.
        readers: Of its parameters.
    """
    given = {name: st.query_params[name] for name in readers if name in st.query_params}
    if not given or given in (address for address, _ in _written(page)):
        return
    for name, text in given.items():
        key, parse = readers[name]
        try:
            if len(text) > PARAMETER_LENGTH:
                continue
            st.session_state[key] = parse(text)
        except (ValueError, KeyError):  # forged, or of something that is no longer here
            continue
    st.session_state[f"{page}.address"] = [(given, time.monotonic())]


def write(page: str, values: Mapping[str, str | None]) -> None:
    """Put the view into the address; what is None goes."""
    wanted = {name: value for name, value in values.items() if value is not None}
    st.session_state[f"{page}.address"] = [*_written(page), (wanted, time.monotonic())]
    if VIEW in st.query_params:
        wanted = wanted | {VIEW: st.query_params[VIEW]}
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


def _written(page: str) -> list[tuple[dict[str, str], float]]:
    """Addresses of this session with their times: the last one, and those written a moment ago."""
    known: list[tuple[dict[str, str], float]] = st.session_state.get(f"{page}.address", [])
    now = time.monotonic()
    return [entry for entry in known[:-1] if now - entry[1] < UNDER_WAY] + known[-1:]
