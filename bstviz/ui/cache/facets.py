"""What is known of each sound of a run: its columns, and its words to search in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from bstviz.plots.facets import Columns, search_text
from bstviz.ui.cache.loaded import Loaded, identity_of
from bstviz.ui.cache.loading import load_run, siblings


@st.cache_resource(max_entries=16, show_spinner=False, hash_funcs={Loaded: identity_of})
def _columns(loaded: Loaded, folds: tuple[int, ...], *, training: bool) -> Columns:
    def tested() -> np.ndarray:
        fold = np.full(len(loaded.ids), -1)
        for other in siblings(loaded):
            sibling = load_run(other.folder or Path())
            own = sibling.sounds["sound_id"][sibling.held_out]
            rows = loaded.ids.get_indexer(pd.Index(own))
            fold[rows[rows >= 0]] = other.fold
        return fold

    return Columns(loaded.run, loaded.table, tested if len(folds) > 1 else None, training=training)


def columns(loaded: Loaded, *, training: bool = False) -> Columns:
    """What is known of each sound of a run, and of its siblings as they are now; with ``training``, sounds that it was
    trained on count as right or wrong too.
    """
    return _columns(loaded, tuple(r.fold for r in siblings(loaded)), training=training)


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs={Loaded: identity_of})
def search_texts(loaded: Loaded) -> pd.Series:
    """Title and tags of each sound, in lower case."""
    return search_text(loaded.table)
