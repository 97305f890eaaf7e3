"""What is shown on the Explore page, as parameters: what a view is, and what of it an address holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from bstviz.ui import query_params
from bstviz.ui.cache import loading
from bstviz.ui.cache.loaded import Loaded
from bstviz.ui.components import filters, projection_picker, selection
from bstviz.ui.components.projection_picker import ChosenMap
from bstviz.ui.explore import colors, searching

FILTERS, COLOR = "explore.filters", "explore.color"
VIEW_READERS: query_params.Readers = {
    "run": (selection.MAP_RUN, loading.run_named),
    "map": ("explore.map.method", str),
    "dimensions": ("explore.map.dimensions", int),
    "umap": ("explore.map.settings", projection_picker.parse),
    "color": (COLOR, str),
    "only": (f"{FILTERS}.chosen", filters.parse),
    "words": (f"{FILTERS}.words", str),
    "selected": (selection.ON_MAP, selection.parse),
    "search": (searching.SEARCH, searching.parse),
    "colors": (colors.OWN_COLORS, colors.parse),
}
"""What makes a view, by parameter."""
WITHOUT: Mapping[str, Callable[[], Any]] = {
    "only": dict,
    "words": str,
    "selected": lambda: selection.NOTHING,
    "search": searching.Search,
    "colors": dict,
}
"""What the session holds where an address leaves a parameter out; others stay as they are."""
IN_ADDRESS = 2_000
"""Characters of a parameter at most in an address, which browsers and proxies cut off somewhere."""


def view_parameters(loaded: Loaded, shown: ChosenMap, by: str) -> dict[str, str]:
    """What is shown now, as parameters, however long."""
    stated = {
        "run": loading.run_name(loaded),
        "map": shown.method,
        "dimensions": str(shown.dimensions),
        "color": by,
        "umap": projection_picker.written(shown.settings) if shown.method == "umap" else None,
        "only": filters.written(FILTERS),
        "words": st.session_state.get(f"{FILTERS}.words") or None,
        "selected": selection.written(selection.ON_MAP),
        "search": searching.written(),
        "colors": colors.written(),
    }
    return {name: value for name, value in stated.items() if value is not None}


def in_address(parameters: Mapping[str, str]) -> dict[str, str]:
    """Those parameters that an address holds; a longer search, colours or filters last for the visit."""
    return {name: text for name, text in parameters.items() if len(text) <= IN_ADDRESS}
