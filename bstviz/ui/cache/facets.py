"""What is known of each sound of a run: its columns, and its words to search in."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bstviz.inference.search import search_text
from bstviz.plots.facets import Columns
from bstviz.ui.cache.loaded import Loaded, identity_of
from bstviz.ui.cache.loading import run_at, sibling_keys
from bstviz.ui.kept import kept

Folds = tuple[tuple[int, str, str], ...]
"""Versions of siblings, as :func:`bstviz.ui.cache.loading.sibling_keys` names them."""


@kept(max_entries=16, hash_funcs={Loaded: identity_of})
def columns_among(loaded: Loaded, folds: Folds, *, training: bool) -> Columns:
    """What is known of each sound of a run, and of its siblings in these versions; see :func:`columns`."""

    def tested() -> np.ndarray:
        fold = np.full(len(loaded.ids), -1)
        for index, path, digest in folds:
            sibling = run_at(path, digest)
            own = sibling.sounds["sound_id"][sibling.held_out]
            rows = loaded.ids.get_indexer(pd.Index(own))
            fold[rows[rows >= 0]] = index
        return fold

    return Columns(loaded.run, loaded.table, tested if len(folds) > 1 else None, training=training)


def columns(loaded: Loaded, *, training: bool = False) -> Columns:
    """What is known of each sound of a run, and of its siblings in the versions that the session shows; with
    ``training``, sounds that it was trained on count as right or wrong too.
    """
    return columns_among(loaded, sibling_keys(loaded), training=training)


@kept(max_entries=8, hash_funcs={Loaded: identity_of})
def search_texts(loaded: Loaded) -> pd.Series:
    """Title and tags of each sound, in lower case."""
    return search_text(loaded.table)
