"""Which map of a run to show: PCA at once, UMAP once it has been made, in two dimensions or three."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from bstviz.latent.projection import UMAP_SOUNDS, UmapSettings
from bstviz.plots import maps
from bstviz.ui.cache import projections
from bstviz.ui.cache.loaded import Loaded
from bstviz.ui.components.background import Asked, pending, visitor
from bstviz.ui.components.pickers import pick_map
from bstviz.ui.page import reported

UMAP_NEIGHBOURS, SEEDS = 200, 10_000
"""Greatest number of neighbours and greatest seed that UMAP can be asked for."""


@dataclass(frozen=True, eq=False)
class ChosenMap:
    """A map of a run: how it was made, its coordinates (N, 2|3) float32 and axis titles."""

    method: str
    dimensions: int
    settings: UmapSettings
    points: np.ndarray
    axes: list[str]

    @property
    def map_key(self) -> str:
        """Names the map among those of a run."""
        made = f".{self.settings}" if self.method == "umap" else ""
        return f"{self.method}{self.dimensions}{made}"


def chosen(loaded: Loaded, method: str, dimensions: int, settings: UmapSettings | None = None) -> ChosenMap:
    """A run's map."""
    settings = settings or projections.umap_settings(loaded)
    points = projections.coordinates(loaded, method, dimensions, settings)
    return ChosenMap(method, dimensions, settings, points, maps.axis_titles(loaded.run, method, dimensions))


def pick_projection(loaded: Loaded, *, key: str, at_once: bool = False) -> ChosenMap:
    """Pickers of projection and dimensions; for UMAP its parameters, open before it is made.

    Until a UMAP map has been made, PCA is shown; ``at_once`` it is asked for without a press of "Make".
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        method, dimensions = pick_map(key=key)
        if method == "pca":
            return chosen(loaded, "pca", dimensions)
        settings = st.session_state.get(f"{key}.settings") or projections.umap_settings(loaded)
        if projections.has_map(loaded, "umap", dimensions, settings):
            with st.popover("", icon=":material/tune:", help="UMAP's parameters"):
                _form(loaded, dimensions, settings, key=key)
            return chosen(loaded, "umap", dimensions, settings)
    asked = _of(loaded, dimensions, settings, key=key)
    if at_once and asked not in st.session_state:
        st.session_state[asked] = Asked([projections.make_umap(loaded, settings, dimensions, owner=visitor())])
    with st.container(border=True):
        if not pending("UMAP map", key=asked):
            projections.warm_umap(owner=visitor())
        st.markdown("**The UMAP map has to be made first.** Until then, PCA is shown.")
        _form(loaded, dimensions, settings, key=key)
    return chosen(loaded, "pca", dimensions)


def made(runs: Sequence[Loaded], method: str, dimensions: int, *, key: str) -> str:
    """The projection that can be shown of runs now: UMAP with their own parameters is made first, and PCA shown until
    then.
    """
    own = [(loaded, projections.umap_settings(loaded)) for loaded in runs]
    missing = [each for each in own if not projections.has_map(each[0], method, dimensions, each[1])]
    if not missing:
        return method
    asked = f"{key}.{dimensions}.{'|'.join(loaded.identity for loaded in runs)}"

    def ask() -> None:
        works = [projections.make_umap(loaded, settings, dimensions, owner=visitor()) for loaded, settings in missing]
        st.session_state[asked] = Asked(works)

    if asked not in st.session_state:
        ask()
    if not pending("UMAP map" + "s" * (len(missing) > 1), key=asked):
        st.button("Make UMAP", key=f"{key}.make", on_click=reported(ask))
    return "pca"


def words(settings: UmapSettings) -> str:
    """UMAP's parameters in words."""
    return f"{settings.n_neighbors} neighbours, minimum distance {settings.min_dist:g}, seed {settings.seed}"


def written(settings: UmapSettings) -> str:
    """UMAP's parameters for an address."""
    return f"{settings.n_neighbors},{settings.min_dist:g},{settings.seed}"


def parse(text: str) -> UmapSettings:
    """UMAP's parameters from an address; ValueError where they are none, or out of bounds."""
    neighbours, distance, seed = text.split(",")
    found = UmapSettings(int(neighbours), float(distance), int(seed))
    if not (2 <= found.n_neighbors <= UMAP_NEIGHBOURS and 0 <= found.min_dist <= 0.99 and 0 <= found.seed <= SEEDS):
        raise ValueError(f"not parameters of UMAP: {text}")
    return found


def _form(loaded: Loaded, dimensions: int, settings: UmapSettings, *, key: str) -> None:
    n = len(loaded.ids)

    def ask() -> None:
        st.session_state[f"{key}.asked"] = True

    with st.form(f"{key}.form", border=False):
        left, middle, right, last = st.columns([2, 2, 1, 1], vertical_alignment="bottom")
        with left:
            neighbours = st.slider(
                "Neighbours",
                2,
                min(UMAP_NEIGHBOURS, max(n - 1, 3)),
                min(settings.n_neighbors, n - 1),
                key=f"{key}.neighbours",
                help="Few show fine structure, many show broad structure.",
            )
        with middle:
            distance = st.slider(
                "Minimum distance",
                0.0,
                0.99,
                settings.min_dist,
                0.01,
                key=f"{key}.distance",
                help="How close together points may lie.",
            )
        with right:
            seed = st.number_input("Seed", 0, SEEDS, settings.seed, key=f"{key}.seed")
        with last:
            st.form_submit_button("Make", type="primary", key=f"{key}.make", on_click=reported(ask))
    if n > UMAP_SOUNDS:
        st.caption(
            f"Fitted on {UMAP_SOUNDS:,} sounds, stratified by class; "
            "the others are projected out of sample (approximate)."
        )
    if st.session_state.pop(f"{key}.asked", False):
        own = UmapSettings(int(neighbours), float(distance), int(seed))
        if not projections.has_map(loaded, "umap", dimensions, own):
            work = projections.make_umap(loaded, own, dimensions, owner=visitor())
            st.session_state[_of(loaded, dimensions, own, key=key)] = Asked([work])
        st.session_state[f"{key}.settings"] = own
        st.rerun()


def _of(loaded: Loaded, dimensions: int, settings: UmapSettings, *, key: str) -> str:
    """Where a session keeps what it has asked for."""
    return f"{key}.{loaded.identity}.{dimensions}.{written(settings)}"


def trust(loaded: Loaded, shown: ChosenMap) -> str:
    """How far to believe a map, as a sentence."""
    value = projections.trustworthiness(loaded, shown.method, shown.dimensions, shown.settings)
    if shown.method == "pca":
        held = 100 * float(loaded.run.pca.explained[: shown.dimensions].sum())
        every = loaded.run.latents.shape[1]
        kind = f"PCA: these {shown.dimensions} components hold {held:.0f} % of the variance of {every} dimensions."
    else:
        kind = f"UMAP ({words(shown.settings)}): neighbourhoods are meaningful, distances between far groups are not."
    measured = (
        ""
        if np.isnan(value)
        else f" Trustworthiness {value:.3f} (1: all neighbours on the map are neighbours in the latent space)."
    )
    return kind + measured
