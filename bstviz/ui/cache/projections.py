"""Maps of the runs' latents, and how far to believe them. A UMAP map that a run lacks is made in the background: numba,
which it stands on, ends a process in which two threads come to it at once.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from bstviz.errors import UserError
from bstviz.jobs import background
from bstviz.jobs.background import Kind, Work
from bstviz.latent import projection
from bstviz.latent.projection import UmapSettings
from bstviz.plots import viewport
from bstviz.ui.cache.loaded import Loaded, identity_of, run_identity_of
from bstviz.ui.kept import kept

UMAP = Kind("umap")


def umap_settings(loaded: Loaded) -> UmapSettings:
    """Parameters of the run's own UMAP maps, or the usual ones."""
    return loaded.run.umap or UmapSettings()


def has_map(loaded: Loaded, method: str, dimensions: int, settings: UmapSettings) -> bool:
    """Whether a map is there: the run holds it, or it has been made while the server runs."""
    return _coordinates(loaded, method, dimensions, settings) is not None


def make_umap(loaded: Loaded, settings: UmapSettings, dimensions: int, *, owner: str) -> Work:
    """Have a UMAP map made; of many sounds it is fitted on a stratified sample, and the others are projected."""
    key, arguments = (loaded.run_identity, dimensions, settings), partial(_to_project, loaded, dimensions, settings)
    return background.queue_of(UMAP).submit(key, projection.fit_umap_of_many, arguments, owner=owner)


def warm_umap(*, owner: str) -> None:
    """Have UMAP compiled, which takes longer than a small map, while somebody chooses its parameters."""
    arguments = (np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32), np.arange(200), 2, UmapSettings())
    background.queue_of(UMAP).warm("umap", projection.fit_umap_of_many, lambda: arguments, owner=owner)


def coordinates(loaded: Loaded, method: str, dimensions: int, settings: UmapSettings) -> np.ndarray:
    """Map of a run, (N, 2|3) float32.

    Raises:
        UserError: It is a UMAP map that has yet to be made.
    """
    found = _coordinates(loaded, method, dimensions, settings)
    if found is None:
        raise UserError("This UMAP map is not there (any more): have it made on the page Explore.")
    return found


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs={Loaded: run_identity_of})
def trustworthiness(loaded: Loaded, method: str, dimensions: int, settings: UmapSettings) -> float:
    """How far neighbours on a map are neighbours in the latent space, 0 to 1."""
    points = coordinates(loaded, method, dimensions, settings)
    return projection.trustworthiness(np.asarray(loaded.run.latents), points)


def _to_project(loaded: Loaded, dimensions: int, settings: UmapSettings) -> tuple[object, ...]:
    rows = viewport.stratified(loaded.run.y_true, projection.UMAP_SOUNDS)
    return np.asarray(loaded.run.latents, np.float32), rows, dimensions, settings


def _coordinates(loaded: Loaded, method: str, dimensions: int, settings: UmapSettings) -> np.ndarray | None:
    if method == "umap" and settings != loaded.run.umap:
        return _made(loaded, dimensions, settings)
    held = _held(loaded, method, dimensions)
    return held if held is not None or method == "pca" else _made(loaded, dimensions, settings)


def _made(loaded: Loaded, dimensions: int, settings: UmapSettings) -> np.ndarray | None:
    work = background.queue_of(UMAP).find((loaded.run_identity, dimensions, settings))
    found: np.ndarray | None = work.result() if work is not None and work.state == "done" else None
    return found


@kept(max_entries=32, hash_funcs={Loaded: identity_of})
def _held(loaded: Loaded, method: str, dimensions: int) -> np.ndarray | None:
    names = projection.columns_of(method, dimensions)
    if not set(names) <= set(loaded.run.projections):
        return None
    return loaded.run.projections[names].to_numpy(np.float32)
