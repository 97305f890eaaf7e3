"""How a latent space is built, and how two of them differ on the same sounds.

Conventions: latents are (n, d); labels (n,) int64 of either level; distances are cosine.

References: P. J. Rousseeuw, "Silhouettes", 1987; J. C. Gower, "Generalized Procrustes analysis", 1975.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bstviz.neighbours import QUERIES, Index, nearest, unit


def silhouette(latents: np.ndarray, labels: np.ndarray) -> float:
    """Mean silhouette, -1 to 1: how much nearer sounds are to their own class than to the next one.

    NaN below 2 classes.
    """
    from sklearn.metrics import silhouette_score

    if not 2 <= len(np.unique(labels)) < len(labels):
        return float("nan")
    return float(silhouette_score(latents, labels, metric="cosine"))


def knn_purity(latents: np.ndarray, labels: np.ndarray, *, k: int = 10) -> float:
    """Mean share of a sound's k nearest neighbours that have its class, 0 to 1."""
    rows, _ = nearest(latents, latents, k, itself=True)
    return float((labels[rows] == labels[:, None]).mean()) if rows.size else float("nan")


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


def retrieval_map(latents: np.ndarray, labels: np.ndarray) -> float:
    """Mean average precision, 0 to 1, of finding the sounds of a sound's class by ranking all others by distance.

    Sounds that are alone in their class are no queries; nan where all are.
    """
    z = unit(np.asarray(latents, np.float32))
    precisions = []
    for start in range(0, len(z), QUERIES):
        similarity = z[start : start + QUERIES] @ z.T  # (block, n)
        own = np.arange(len(similarity))
        similarity[own, start + own] = -np.inf  # a query is not its own answer: it comes last, and is cut off
        order = np.argsort(-similarity, axis=1)[:, :-1]
        hits = labels[order] == labels[start : start + QUERIES, None]
        precision = hits.cumsum(axis=1) / np.arange(1, len(z))
        found = hits.sum(axis=1)
        precisions.append(((precision * hits).sum(axis=1) / np.maximum(found, 1))[found > 0])
    scored = np.concatenate(precisions) if precisions else np.empty(0)
    return float(scored.mean()) if len(scored) else float("nan")


def tree_correlation(latents: np.ndarray, labels: np.ndarray, parents: np.ndarray) -> float:
    """Spearman correlation, -1 to 1, of the distances between class centroids and those in the taxonomy's tree.

    A centroid is the mean of a class's unit-length latents. Two second-level classes are 2 apart in the tree under one
    top-level class, else 4. nan where the classes that occur are all equally far apart.

    Args:
        latents: (n, d).
        labels: (n,) second-level labels.
        parents: (C,).
    """
    from scipy.stats import spearmanr

    z = unit(np.asarray(latents, np.float32))
    present = np.unique(labels)
    centroids = unit(np.stack([z[labels == c].mean(axis=0) for c in present])) if len(present) else z[:0]
    one, two = np.triu_indices(len(present), 1)
    distance = 1 - (centroids[one] * centroids[two]).sum(axis=1)
    tree = np.where(parents[present[one]] == parents[present[two]], 2, 4)
    if len(np.unique(tree)) < 2:
        return float("nan")
    return float(spearmanr(distance, tree).statistic)


@dataclass(frozen=True, eq=False)
class Exchange:
    """Neighbours of one sound in two spaces: rows in both, in the first only, in the second only; nearest first."""

    kept: np.ndarray
    lost: np.ndarray
    gained: np.ndarray


def exchange(first: Index, second: Index, row: int, *, k: int = 10) -> Exchange:
    """Which of a sound's k nearest neighbours stay, go and come from the first space to the second."""
    (a,), (b,) = (index.around(np.array([row]), k)[0] for index in (first, second))
    return Exchange(a[np.isin(a, b)], a[~np.isin(a, b)], b[~np.isin(b, a)])


@dataclass(frozen=True, eq=False)
class Alignment:
    """One set of points brought onto another.

    Attributes:
        points: (n, d) float32, moved, turned or mirrored, and scaled to the other's size.
        disparity: What is left between the two after both are scaled to unit size, 0 (same shape) to 1.
    """

    points: np.ndarray
    disparity: float


@dataclass(frozen=True, eq=False)
class _Fit:
    """What brings n points (n, d1) onto n others (n, d2): their means, a turn (d1, d2), a factor; and what is left."""

    means: tuple[np.ndarray, np.ndarray]
    turn: np.ndarray
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


def disparity(first: np.ndarray, second: np.ndarray) -> float:
    """What is left between n points (n, d1) and n others (n, d2) after a Procrustes fit; see :class:`Alignment`."""
    return _procrustes(first, second).disparity


def align(moving: np.ndarray, fixed: np.ndarray) -> Alignment:
    """Procrustes alignment of n points (n, d1) with n others (n, d2), as if the narrower set were padded with zeros.

    The disparity is that of ``scipy.spatial.procrustes``; nan where all points of a set are equal.
    """
    fit = _procrustes(moving, fixed)
    points = (moving - fit.means[0]) @ fit.turn * fit.factor + fit.means[1]
    return Alignment(points.astype(np.float32), fit.disparity)


def spread(latents: np.ndarray) -> float:
    """Mean cosine distance of latents (n, d) from their mean direction, 0 (all alike) to 1; nan without any.

    One minus the mean resultant length of directional statistics (K. V. Mardia, P. E. Jupp, 2000).
    """
    return float(1 - np.linalg.norm(unit(latents).mean(axis=0))) if len(latents) else float("nan")


def per_class(
    first: tuple[np.ndarray, np.ndarray, np.ndarray],
    second: tuple[np.ndarray, np.ndarray, np.ndarray],
    labels: np.ndarray,
    change: np.ndarray,
    n_classes: int,
) -> pd.DataFrame:
    """What two models make of each class, on the same n sounds, at one level.

    Args:
        first: Latents (n, d1), predicted labels (n,) and share of each sound's nearest neighbours that have its class
            (n,), NaN where it was not measured, of the one.
        second: Those of the other.
        labels: (n,) true labels.
        change: (n,) how much each sound's neighbourhood changed, 0 to 1; NaN where it was not measured.
        n_classes: Number of classes.

    Returns:
        One row a class that occurs: ``label``, ``sounds``, ``change`` (mean); accuracy, spread and purity (mean) as
        ``*_first``, ``*_second`` and ``*_difference`` (second minus first); ``confused_with``, the class that takes
        most of its sounds in both models together (-1 for none), and ``confused_*``, the share of its sounds that go
        there.
    """
    rows = []
    for label in range(n_classes):
        own = labels == label
        if not own.any():
            continue
        taken = [np.bincount(predicted[own], minlength=n_classes) for _, predicted, _ in (first, second)]
        wrong = np.where(np.arange(n_classes) == label, 0, taken[0] + taken[1])
        rival = int(wrong.argmax()) if wrong.any() else -1
        values = {
            "accuracy": [t[label] / own.sum() for t in taken],
            "spread": [spread(latents[own]) for latents, _, _ in (first, second)],
            "purity": [_mean(shares[own]) for _, _, shares in (first, second)],
            "confused": [t[rival] / own.sum() if rival >= 0 else 0.0 for t in taken],
        }
        row: dict[str, float] = {"label": label, "sounds": int(own.sum()), "confused_with": rival}
        row["change"] = _mean(change[own])
        for name, (a, b) in values.items():
            row |= {f"{name}_first": float(a), f"{name}_second": float(b), f"{name}_difference": float(b - a)}
        rows.append(row)
    return pd.DataFrame(rows).astype({"label": int, "sounds": int, "confused_with": int}) if rows else pd.DataFrame()


def _mean(values: np.ndarray) -> float:
    """Mean of what was measured; nan where nothing was."""
    measured = values[~np.isnan(values)]
    return float(measured.mean()) if len(measured) else float("nan")


def structure(latents: np.ndarray, labels: np.ndarray, parents: np.ndarray) -> dict[str, float]:
    """Silhouette, kNN purity and retrieval mAP at both levels, and the correlation with the taxonomy's tree.

    Args:
        latents: (n, d).
        labels: (n,) second-level labels.
        parents: (C,).
    """
    top = parents[labels]
    return {
        "top_silhouette": silhouette(latents, top),
        "second_silhouette": silhouette(latents, labels),
        "top_knn_purity": knn_purity(latents, top),
        "second_knn_purity": knn_purity(latents, labels),
        "top_retrieval_map": retrieval_map(latents, top),
        "second_retrieval_map": retrieval_map(latents, labels),
        "tree_correlation": tree_correlation(latents, labels, parents),
    }
