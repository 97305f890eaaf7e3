"""The way of a map's points: from the map of the run that was shown before to that of the run that is shown now."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st

from bstviz.errors import UserError
from bstviz.latent import alignment
from bstviz.ui.cache import loading, projections
from bstviz.ui.cache.loaded import Loaded
from bstviz.ui.components.plotly_map import Origin
from bstviz.ui.components.projection_picker import ChosenMap
from bstviz.ui.retraining.work import CAME


def origin(loaded: Loaded, shown: ChosenMap) -> Origin | None:
    """Where the points of a run's map were on the map before; None where there was no other one of these sounds."""
    run, old = st.session_state.get(CAME) or (None, None)
    if old is None or run != loading.run_path(loaded):
        return None
    try:
        before = loading.load(Path(old))
    except UserError:  # gone since
        return None
    settings = projections.umap_settings(before)
    if not projections.has_map(before, shown.method, shown.dimensions, settings):
        return None
    rows = before.ids.get_indexer(loaded.ids)
    there = rows >= 0
    if there.sum() < 3:
        return None
    points = projections.coordinates(before, shown.method, shown.dimensions, settings)[rows]
    if shown.method != "pca":  # maps of PCA lie on each other as they are stored
        points = _aligned(points, shown.points, there)
    return Origin(
        f"{before.identity}|{loaded.identity}|{shown.map_key}", np.where(there[:, None], points, shown.points)
    )


def _aligned(points: np.ndarray, fixed: np.ndarray, there: np.ndarray) -> np.ndarray:
    out = fixed.copy()
    out[there] = alignment.align(points[there], fixed[there]).points
    return out
