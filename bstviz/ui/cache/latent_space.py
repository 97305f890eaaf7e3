"""What is worked out of a run's latents: its maps and how far to believe them, and each sound's neighbours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

from bstviz import log
from bstviz.latent import neighbours, projection
from bstviz.latent.projection import UmapSettings
from bstviz.plots import viewport
from bstviz.ui.cache.loaded import Loaded, identity_of


@st.cache_resource
def _maps() -> dict[tuple[str, int, UmapSettings], np.ndarray]:
    """UMAP maps made while the server runs, by run, dimensions and parameters."""
    return {}


def umap(loaded: Loaded, dimensions: int, settings: UmapSettings) -> np.ndarray | None:
    """A UMAP map (N, 2|3) float32 that the run holds or that was made before; None where it has yet to be made."""
    names = projection.columns_of("umap", dimensions)
    if settings == loaded.run.umap and set(names) <= set(loaded.run.projections):
        return loaded.run.projections[names].to_numpy(np.float32)
    return _maps().get((loaded.identity, dimensions, settings))


@log.timed("umap")
def make_umap(
    loaded: Loaded, dimensions: int, settings: UmapSettings, report: Callable[[float], None] | None = None
) -> np.ndarray:
    """Make a UMAP map and keep it while the server runs.

    Of many sounds it is made from a stratified sample, and the others are projected onto it.
    """
    latents = np.asarray(loaded.run.latents)
    rows = viewport.stratified(loaded.run.y_true, projection.UMAP_SOUNDS)
    fitted = projection.fit_umap(latents[rows], dimensions, settings, report=report)
    points = fitted
    if len(rows) < len(latents):
        points = projection.out_of_sample(latents, latents[rows], fitted)
        points[rows] = fitted
    _maps()[loaded.identity, dimensions, settings] = points
    return points


def umap_settings(loaded: Loaded) -> UmapSettings:
    """Parameters of the run's own UMAP maps, or the usual ones."""
    return loaded.run.umap or UmapSettings()


@st.cache_resource(
    max_entries=32, show_spinner="Making the UMAP map (some seconds, once) …", hash_funcs={Loaded: identity_of}
)
def coordinates(loaded: Loaded, method: str, dimensions: int, settings: UmapSettings) -> np.ndarray:
    """Map of a run, (N, 2|3) float32; a UMAP map that the run lacks is made and kept in memory."""
    if method == "pca":
        return loaded.run.projections[projection.columns_of(method, dimensions)].to_numpy(np.float32)
    found = umap(loaded, dimensions, settings)
    return make_umap(loaded, dimensions, settings) if found is None else found


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs={Loaded: identity_of})
def trustworthiness(loaded: Loaded, method: str, dimensions: int, settings: UmapSettings) -> float:
    """How far neighbours on a map are neighbours in the latent space, 0 to 1."""
    points = coordinates(loaded, method, dimensions, settings)
    return projection.trustworthiness(np.asarray(loaded.run.latents), points)


@st.cache_resource(max_entries=16, show_spinner=False, hash_funcs={Loaded: identity_of})
def index(loaded: Loaded) -> neighbours.Index:
    """A run's latents, ready to be searched."""
    return neighbours.Index(loaded.run.latents)


def nearest(loaded: Loaded, row: int, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Rows and cosine distances of a sound's k nearest neighbours in the latent space, itself left out."""
    rows, distances = index(loaded).around(np.array([row]), k)
    return rows[0], distances[0]
