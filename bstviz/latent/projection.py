"""Maps of a latent space: PCA and UMAP in two and three dimensions, and out-of-sample projection onto them.

PCA projects new points exactly. UMAP objects are not kept (their pickles break between versions); a new point goes to
the mean of its nearest neighbours' coordinates, weighted by nearness, and is to be drawn as approximate.

References: L. McInnes, J. Healy, J. Melville, "UMAP", 2018; J. Venna, S. Kaski, "Local multidimensional scaling", 2006
(trustworthiness).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd
from msgspec import Meta

from bstviz.errors import UserError
from bstviz.latent.neighbours import QUERIES, largest, nearest, unit
from bstviz.schema import Seed

AXES = ("x", "y", "z")
UMAP_SOUNDS = 30_000
"""Sounds that a UMAP map made in the app is fitted on at most; the others are projected out of sample."""


@dataclass(frozen=True, eq=False)
class PCA:
    """A fitted PCA: ``mean`` (d,), ``components`` (3, d), ``explained`` (3,) shares of the variance; float32."""

    mean: np.ndarray
    components: np.ndarray
    explained: np.ndarray

    def transform(self, latents: np.ndarray) -> np.ndarray:
        """Coordinates (n, 3) float32 of latents (n, d)."""
        coordinates: np.ndarray = (latents - self.mean) @ self.components.T
        return coordinates.astype(np.float32)


@dataclass(frozen=True)
class UmapSettings:
    """Parameters of a UMAP fit; the metric is cosine, as for neighbours."""

    n_neighbors: Annotated[int, Meta(ge=2, le=100_000)] = 15
    min_dist: Annotated[float, Meta(ge=0, lt=1)] = 0.1
    seed: Seed = 0


def fit_pca(latents: np.ndarray) -> PCA:
    """PCA with three components of latents (n, d), n >= 2; a missing component is zero."""
    if len(latents) < 2:
        raise UserError(f"A map needs at least 2 sounds; there are {len(latents)}.")
    from sklearn import decomposition

    n = min(3, *latents.shape)
    found = decomposition.PCA(n, svd_solver="covariance_eigh").fit(latents)
    rows = found.components_
    rows = rows * np.sign(rows[np.arange(n), np.abs(rows).argmax(axis=1)])[:, None]  # same sign on every machine
    components, explained = np.zeros((3, latents.shape[1]), np.float32), np.zeros(3, np.float32)
    components[:n], explained[:n] = rows, np.nan_to_num(found.explained_variance_ratio_)
    return PCA(found.mean_.astype(np.float32), components, explained)


def pca_map(latents: np.ndarray) -> tuple[PCA, pd.DataFrame]:
    """PCA of latents (n, d) and the coordinates (n rows) by it; no coordinates where d is 0."""
    n, d = latents.shape
    if not d:
        nothing = np.zeros((3, 0), np.float32)
        return PCA(np.zeros(0, np.float32), nothing, np.zeros(3, np.float32)), pd.DataFrame(index=range(n))
    pca = fit_pca(latents)
    return pca, pca_table(pca, latents)


class _Percent:
    """A file for UMAP's progress bar that hands on the share that it prints, 0 to 1."""

    def __init__(self, report: Callable[[float], None]) -> None:
        self._report = report

    def write(self, text: str) -> None:
        found = re.search(r"(\d+)%", text)
        if found:
            self._report(int(found[1]) / 100)

    def flush(self) -> None:
        """There is nothing to flush."""


def fit_umap(
    latents: np.ndarray,
    dimensions: int,
    settings: UmapSettings | None = None,
    *,
    report: Callable[[float], None] | None = None,
) -> np.ndarray:
    """UMAP coordinates (n, dimensions) float32 of latents (n, d); the same seed gives the same map.

    Args:
        latents: (n, d) float32.
        dimensions: 2 or 3.
        settings: Its parameters.
        report: Called with the share of the layout that is done, 0 to 1.

    Raises:
        UserError: There are fewer than 5 sounds.
    """
    settings = settings or UmapSettings()
    if len(latents) < 5:
        raise UserError(f"UMAP needs at least 5 sounds; there are {len(latents)}. Use PCA.")
    import umap

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reducer = umap.UMAP(
            n_components=dimensions,
            n_neighbors=min(settings.n_neighbors, len(latents) - 1),
            min_dist=settings.min_dist,
            metric="cosine",
            random_state=settings.seed,
            n_jobs=1,
            init="spectral" if len(latents) > 3 * (dimensions + 2) else "random",
            tqdm_kwds={"file": _Percent(report), "disable": False} if report else None,
        )
        return np.asarray(reducer.fit_transform(latents), np.float32)


def fit_umap_of_many(
    latents: np.ndarray,
    rows: np.ndarray,
    dimensions: int,
    settings: UmapSettings,
    *,
    report: Callable[[float, str], None],
) -> np.ndarray:
    """UMAP coordinates (n, dimensions) float32 of latents (n, d), fitted on some of them; the others are projected.

    Args:
        latents: (n, d) float32.
        rows: (m,) those that it is fitted on.
        dimensions: 2 or 3.
        settings: Its parameters.
        report: Called with the share that is done, 0 to 1, and what is being done.
    """
    report(0, "Finding neighbours")
    fitted = fit_umap(latents[rows], dimensions, settings, report=lambda share: report(share, "Laying out"))
    if len(rows) == len(latents):
        return fitted
    report(1, "Projecting the other sounds")
    points = out_of_sample(latents, latents[rows], fitted)
    points[rows] = fitted
    return points


def pca_table(pca: PCA, latents: np.ndarray) -> pd.DataFrame:
    """Columns pca_x, pca_y, pca_z (n,) float32."""
    return pd.DataFrame(pca.transform(latents), columns=[f"pca_{a}" for a in AXES])


def umap_table(latents: np.ndarray, settings: UmapSettings | None = None) -> pd.DataFrame:
    """Columns umap2_x, umap2_y (the flat map) and umap3_x, umap3_y, umap3_z, each (n,) float32."""
    flat, deep = fit_umap(latents, 2, settings), fit_umap(latents, 3, settings)
    columns = [*(f"umap2_{a}" for a in AXES[:2]), *(f"umap3_{a}" for a in AXES)]
    return pd.DataFrame(np.hstack([flat, deep]), columns=columns)


def columns_of(method: str, dimensions: int) -> list[str]:
    """Columns of a projections table that hold a map: ``method`` is pca or umap, ``dimensions`` 2 or 3."""
    stem = "pca" if method == "pca" else f"umap{dimensions}"
    return [f"{stem}_{a}" for a in AXES[:dimensions]]


def out_of_sample(new: np.ndarray, latents: np.ndarray, coordinates: np.ndarray, *, k: int = 5) -> np.ndarray:
    """Approximate out-of-sample coordinates (m, 2|3) of new latents (m, d) on a map (n, 2|3) of latents (n, d).

    The weighted mean of the k nearest neighbours' coordinates, weights falling with cosine distance.
    """
    rows, distances = nearest(new, latents, k)
    weights = 1 / np.maximum(distances, 1e-6)
    weights /= weights.sum(axis=1, keepdims=True)
    means: np.ndarray = (weights[:, :, None] * coordinates[rows]).sum(axis=1)
    return means.astype(np.float32)


def trustworthiness(
    latents: np.ndarray, coordinates: np.ndarray, *, k: int = 10, sample: int = 2_000, seed: int = 0
) -> float:
    """How far neighbours on a map are neighbours in the latent space, 0 to 1, on at most ``sample`` sounds.

    That of ``sklearn.manifold`` by cosine, without sorting whole rows: only the ranks of the neighbours on the map
    count.
    """
    n = min(len(latents), sample)
    if n <= 2 * k + 1:
        return float("nan")
    rows = np.arange(n) if n == len(latents) else np.random.default_rng(seed).choice(len(latents), n, replace=False)
    z, mapped = unit(np.asarray(latents[rows], np.float64)), np.asarray(coordinates[rows], np.float64)
    penalty = 0
    for start in range(0, n, QUERIES):
        block = np.arange(start, min(start + QUERIES, n))
        own = np.arange(len(block)), block
        nearness = 2 * mapped[block] @ mapped.T - (mapped**2).sum(axis=1)  # squared distance falls as it rises
        likeness = z[block] @ z.T
        nearness[own] = likeness[own] = -np.inf
        near = largest(nearness, k)
        for column in near.T:
            rank = 1 + (likeness > likeness[own[0], column][:, None]).sum(axis=1)
            penalty += int(np.maximum(rank - k, 0).sum())
    return 1 - penalty * 2 / (n * k * (2 * n - 3 * k - 1))
