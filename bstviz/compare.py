"""How a latent space is built, and how two of them differ on the same sounds.

Conventions: latents are (n, d); labels (n,) int64 of either level; distances are cosine.

References: P. J. Rousseeuw, "Silhouettes", 1987.
"""

from __future__ import annotations

import numpy as np

from bstviz.neighbours import BLOCK, nearest, unit


def silhouette(latents: np.ndarray, labels: np.ndarray) -> float:
    """Mean silhouette, -1 to 1: how much nearer sounds are to their own class than to the next one; nan below 2 classes."""
    from sklearn.metrics import silhouette_score

    if not 2 <= len(np.unique(labels)) < len(labels):
        return float("nan")
    return float(silhouette_score(latents, labels, metric="cosine"))


def knn_purity(latents: np.ndarray, labels: np.ndarray, *, k: int = 10) -> float:
    """Mean share of a sound's k nearest neighbours that have its class, 0 to 1."""
    rows, _ = nearest(latents, latents, k, itself=True)
    return float((labels[rows] == labels[:, None]).mean()) if rows.size else float("nan")


def neighbour_jaccard(first: np.ndarray, second: np.ndarray, *, k: int = 10) -> np.ndarray:
    """Jaccard index of each sound's k nearest neighbours in two latent spaces of the same sounds, (n,) in 0..1."""
    a, _ = nearest(first, first, k, itself=True)
    b, _ = nearest(second, second, k, itself=True)
    shared = (a[:, :, None] == b[:, None, :]).any(axis=2).sum(axis=1)
    return shared / np.maximum(a.shape[1] + b.shape[1] - shared, 1)


def retrieval_map(latents: np.ndarray, labels: np.ndarray) -> float:
    """Mean average precision, 0 to 1, of finding the sounds of a sound's class by ranking all others by distance.

    Sounds that are alone in their class are no queries; nan where all are.
    """
    z = unit(np.asarray(latents, np.float32))
    precisions = []
    for start in range(0, len(z), BLOCK):
        similarity = z[start : start + BLOCK] @ z.T  # (block, n)
        own = np.arange(len(similarity))
        similarity[own, start + own] = -np.inf  # a query is not its own answer: it comes last, and is cut off
        order = np.argsort(-similarity, axis=1)[:, :-1]
        hits = labels[order] == labels[start : start + BLOCK, None]
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
