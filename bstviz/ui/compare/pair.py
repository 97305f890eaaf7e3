"""Two runs on the sounds that they share: their maps in one frame, and how each sound's neighbourhood changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from bstviz.latent import alignment
from bstviz.latent.neighbours import Index
from bstviz.latent.structure import compare_classes
from bstviz.plots import viewport
from bstviz.plots.facets import Column, most_confident_mistake, number_column
from bstviz.plots.maps import paired, shared_rows
from bstviz.reports.summaries import STRUCTURE_METRICS
from bstviz.ui.cache import facets, loading, projections
from bstviz.ui.cache.loaded import Loaded, identity_of
from bstviz.ui.components.plotly_map import Sounds
from bstviz.ui.kept import kept

PAIRS = 400_000_000
"""Similarities measured at most for the change of neighbourhoods.

Of more sounds than 20,000, a sample is measured against all.
"""
CHANGE = "change"


@dataclass(frozen=True, eq=False)
class Pair:
    """Two runs; everything is in the order of the M sounds that they share.

    Attributes:
        left: The one.
        right: The other.
        a: (M,) rows of the sounds in the left run.
        b: (M,) rows of them in the right one.
    """

    left: Loaded
    right: Loaded
    a: np.ndarray
    b: np.ndarray

    def __len__(self) -> int:
        return len(self.a)

    @property
    def identity(self) -> str:
        """Names the pair."""
        return f"{self.left.identity}||{self.right.identity}"

    @property
    def truth(self) -> np.ndarray:
        """Second-level labels of the shared sounds, (M,), -1 without one."""
        labels: np.ndarray = self.left.run.y_true[self.a]
        return labels

    @property
    def sounds(self) -> Sounds:
        """The shared sounds, as a map takes them."""
        tops = [facets.columns(loaded)["top"] for loaded in (self.left, self.right)]
        return Sounds(self.identity, self.truth, paired(tops, (self.a, self.b))[0])

    @property
    def tested(self) -> np.ndarray:
        """Which sounds have a class and are out of fold in both runs, (M,) bool."""
        left, right = self.left.run, self.right.run
        rows: np.ndarray = (left.y_true >= 0)[self.a] & left.held_out[self.a] & right.held_out[self.b]
        return rows

    def position(self, sound_id: str) -> int | None:
        """Position of a sound among the shared ones."""
        row = self.left.row_of(sound_id)
        found = np.flatnonzero(self.a == (-1 if row is None else row))
        return int(found[0]) if len(found) else None


@kept(max_entries=16, hash_funcs={Loaded: identity_of})
def pair(left: Loaded, right: Loaded) -> Pair:
    """Two runs on the sounds that they share.

    Raises:
        UserError: They share fewer than 3, or are of different taxonomies.
    """
    return Pair(left, right, *shared_rows(left.run, right.run))


def mistake_of_the_left(both: Pair) -> int | None:
    """Position of a sound that the left run alone predicts wrong, the one that it is most confident of; where both are
    wrong of the same ones, of any; None where it makes no mistake.
    """
    right = np.zeros(len(both.left.ids), bool)
    right[both.a] = both.tested & (both.right.run.y_true == both.right.run.y_pred)[both.b]
    row = most_confident_mistake(both.left.run, right)
    if row is None:
        shared = np.zeros(len(both.left.ids), bool)
        shared[both.a] = both.tested
        row = most_confident_mistake(both.left.run, shared)
    return None if row is None else both.position(str(both.left.ids[row]))


def _latents(loaded: Loaded, rows: np.ndarray) -> np.ndarray:
    latents = loaded.run.latents
    return latents if len(rows) == len(latents) and (np.diff(rows) == 1).all() else latents[rows]


@kept(max_entries=8, hash_funcs={Pair: identity_of})
def indices(both: Pair) -> tuple[Index, Index]:
    """The shared sounds' latents in both runs, ready to be searched."""
    return Index(_latents(both.left, both.a)), Index(_latents(both.right, both.b))


@dataclass(frozen=True, eq=False)
class Neighbourhoods:
    """The ten nearest of the sounds that were measured.

    Attributes:
        rows: (m,) positions of those sounds, rising.
        first: (m, 10) positions of their nearest on the left, nearest first.
        second: Those on the right.
    """

    rows: np.ndarray
    first: np.ndarray
    second: np.ndarray

    def spread_out(self, values: np.ndarray, n: int) -> np.ndarray:
        """Values (m,) as one for each of n sounds, float32, NaN where it was not measured."""
        out = np.full(n, np.nan, np.float32)
        out[self.rows] = values
        return out


@kept(max_entries=8, show_spinner="Comparing every sound's neighbours …", hash_funcs={Pair: identity_of})
def neighbourhoods(both: Pair) -> Neighbourhoods:
    """The ten nearest of every shared sound in both runs, or of a stratified sample of many."""
    rows = viewport.stratified(both.truth, max(PAIRS // len(both), 500))
    first, second = (index.around(rows, 10)[0].astype(np.int32) for index in indices(both))
    return Neighbourhoods(rows, first, second)


def measured(both: Pair) -> str:
    """What the change of neighbourhoods was measured on, as a sentence; empty where it was every sound."""
    m = len(neighbourhoods(both).rows)
    return (
        ""
        if m == len(both)
        else f" Neighbourhoods are measured on {m:,} sounds, stratified by class, each against all."
    )


def change(both: Pair) -> np.ndarray:
    """How much each sound's ten nearest neighbours changed, (M,): 0 none, 1 all, NaN where it was not measured."""
    near = neighbourhoods(both)
    return near.spread_out(1 - alignment.jaccard(near.first, near.second), len(both))


@kept(max_entries=16, hash_funcs={Pair: identity_of})
def aligned(both: Pair, method: str, dimensions: int) -> tuple[np.ndarray, alignment.Alignment]:
    """The left map (M, 2|3), and the right one aligned to it."""
    left, right = (
        projections.coordinates(loaded, method, dimensions, projections.umap_settings(loaded))
        for loaded in (both.left, both.right)
    )
    fixed = left[both.a]
    return fixed, alignment.align(right[both.b], fixed)


@kept(max_entries=8, hash_funcs={Pair: identity_of})
def disparity(both: Pair) -> float:
    """Procrustes disparity of the two latent spaces, in all dimensions."""
    first, second = indices(both)
    return alignment.disparity(second.latents, first.latents)


def colors(both: Pair, by: str, *, training: bool = False) -> tuple[Column, Column]:
    """What colours the left map and the right one: each run's own predictions, in the same colours, and its siblings in
    the versions that the session shows; with ``training``, sounds that a run was trained on count as right or wrong
    too.
    """
    left, right = (loading.sibling_keys(loaded) for loaded in (both.left, both.right))
    return _colors(both, by, (left, right), training=training)


@kept(max_entries=64, hash_funcs={Pair: identity_of})
def _colors(both: Pair, by: str, folds: tuple[facets.Folds, facets.Folds], *, training: bool) -> tuple[Column, Column]:
    if by == CHANGE:
        column = number_column(CHANGE, "Changed neighbourhood", change(both), low=0, high=1)
        return column, column
    left, right = (
        facets.columns_among(loaded, own, training=training)[by]
        for loaded, own in zip((both.left, both.right), folds, strict=True)
    )
    return paired((left, right), (both.a, both.b))


def structure(loaded: Loaded) -> dict[str, list[float]]:
    """Structure of a run and its siblings on their test sounds: each measure's value, one per fold."""
    folds = [info.metrics for info in loading.siblings(loaded)]
    return {name: [fold[name] for fold in folds if name in fold] for name in STRUCTURE_METRICS}


@st.cache_data(max_entries=32, show_spinner=False, hash_funcs={Pair: identity_of})
def per_class(both: Pair, *, top: bool) -> pd.DataFrame:
    """What the two runs make of each class, on the sounds that are out of fold in both.

    See :func:`bstviz.latent.structure.compare_classes`.
    """
    rows = np.flatnonzero(both.tested)
    taxonomy = both.left.run.taxonomy
    level = taxonomy.parents if top else np.arange(len(taxonomy.second))
    first, second = indices(both)
    truth = np.where(both.truth < 0, -1, level[both.truth])
    found = neighbourhoods(both)

    def purity(near: np.ndarray) -> np.ndarray:
        return found.spread_out((truth[near] == truth[found.rows][:, None]).mean(axis=1), len(both))[rows]

    return compare_classes(
        (first.latents[rows], level[both.left.run.y_pred[both.a[rows]]], purity(found.first)),
        (second.latents[rows], level[both.right.run.y_pred[both.b[rows]]], purity(found.second)),
        truth[rows],
        change(both)[rows],
        len(taxonomy.top) if top else len(taxonomy.second),
    )
