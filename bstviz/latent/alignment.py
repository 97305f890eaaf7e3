"""Two latent spaces of the same sounds: one aligned to the other, and how far each sound keeps its neighbours.

References: J. C. Gower, "Generalized Procrustes analysis", 1975.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bstviz.latent.neighbours import Index, nearest
from bstviz.latent.projection import PCA


@dataclass(frozen=True, eq=False)
class Alignment:
    """One set of points aligned to another.

    Attributes:
        points: (n, d) float32, moved, rotated or mirrored, and scaled to the other's size.
        disparity: What is left between the two after both are scaled to unit size, 0 (same shape) to 1.
    """

    points: np.ndarray
    disparity: float


def align(moving: np.ndarray, fixed: np.ndarray) -> Alignment:
    """Procrustes alignment of n points (n, d1) with n others (n, d2), as if the narrower set were padded with zeros.

    The disparity is that of ``scipy.spatial.procrustes``; nan where all points of a set are equal.
    """
    fit = _procrustes(moving, fixed)
    points = (moving - fit.means[0]) @ fit.rotation * fit.factor + fit.means[1]
    return Alignment(points.astype(np.float32), fit.disparity)


def align_pca(pca: PCA, latents: np.ndarray, fixed: np.ndarray) -> PCA:
    """A PCA whose map lies on another map of the same sounds, by Procrustes in its three dimensions.

    The space of the three components stays, within it the axes are turned, mirrored and scaled: an axis is no principal
    one any more, and its share of the variance is that of the turned axis. New sounds are projected onto the map that
    is seen.

    Args:
        pca: Of the d dimensions of the latents.
        latents: (n, d) those of its sounds that the other map has.
        fixed: (n, 3) their coordinates on the other map.
    """
    points = pca.transform(latents)
    fit = _procrustes(points, fixed)
    turned = fit.rotation.T @ pca.components  # (3, d), unit rows
    offset = fit.means[1] - fit.means[0] @ fit.rotation * fit.factor
    mean = pca.mean - offset @ turned / fit.factor
    explained = (fit.rotation.T**2) @ pca.explained
    return PCA(mean.astype(np.float32), (fit.factor * turned).astype(np.float32), explained.astype(np.float32))


def disparity(first: np.ndarray, second: np.ndarray) -> float:
    """What is left between n points (n, d1) and n others (n, d2) after a Procrustes fit; see :class:`Alignment`."""
    return _procrustes(first, second).disparity


@dataclass(frozen=True, eq=False)
class _Fit:
    """What aligns n points (n, d1) to n others (n, d2): means, a rotation (d1, d2), a factor; and what is left."""

    means: tuple[np.ndarray, np.ndarray]
    rotation: np.ndarray
    factor: float
    disparity: float


def _procrustes(moving: np.ndarray, fixed: np.ndarray) -> _Fit:
    """The fit in double precision, in blocks: latents of a million sounds may be memory-mapped."""
    means = moving.mean(axis=0, dtype=np.float64), fixed.mean(axis=0, dtype=np.float64)
    product, own, wanted = np.zeros((moving.shape[1], fixed.shape[1])), 0.0, 0.0
    for start in range(0, len(moving), 65_536):
        a, b = (p[start : start + 65_536] - mean for p, mean in zip((moving, fixed), means, strict=True))
        product += a.T @ b
        own, wanted = own + float((a**2).sum()), wanted + float((b**2).sum())
    if not own or not wanted:
        return _Fit(means, np.eye(*product.shape), 1.0, float("nan"))
    left, singular, right = np.linalg.svd(product, full_matrices=False)
    fit = min(float(singular.sum()) / (own * wanted) ** 0.5, 1.0)
    return _Fit(means, left @ right, (wanted / own) ** 0.5, 1 - fit**2)


def neighbour_jaccard(first: np.ndarray, second: np.ndarray, *, k: int = 10) -> np.ndarray:
    """Jaccard index of sounds' k nearest neighbours in two latent spaces of the same n sounds, in 0..1.

    Args:
        first: (n, d1) latents.
        second: (n, d2) latents.
        k: How many neighbours.

    Returns:
        (n,) float64.
    """
    return jaccard(*(nearest(latents, latents, k, itself=True)[0] for latents in (first, second)))


def jaccard(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Jaccard index, (m,) float64 in 0..1, of each row's items in (m, k1) and (m, k2); none occurs twice in a row."""
    shared: np.ndarray = (first[:, :, None] == second[:, None, :]).any(axis=2).sum(axis=1)
    index: np.ndarray = shared / np.maximum(first.shape[1] + second.shape[1] - shared, 1)
    return index


@dataclass(frozen=True, eq=False)
class NeighbourOverlap:
    """Neighbours of one sound in two spaces: rows in both, in the first only, in the second only; nearest first."""

    kept: np.ndarray
    lost: np.ndarray
    gained: np.ndarray


def neighbour_overlap(first: Index, second: Index, row: int, *, k: int = 10) -> NeighbourOverlap:
    """Which of a sound's k nearest neighbours stay, go and come from the first space to the second."""
    (a,), (b,) = (index.around(np.array([row]), k)[0] for index in (first, second))
    return NeighbourOverlap(a[np.isin(a, b)], a[~np.isin(a, b)], b[~np.isin(b, a)])
