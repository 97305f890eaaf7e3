"""The structure of a latent space in numbers, and class by class what two models make of the same sounds.

Conventions: latents are (n, d); labels (n,) int64 of either level; distances are cosine.

References: P. J. Rousseeuw, "Silhouettes", 1987.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from bstviz.latent.neighbours import QUERIES, nearest, unit


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


def spread(latents: np.ndarray) -> float:
    """Mean cosine distance of latents (n, d) from their mean direction, 0 (all alike) to 1; nan without any.

    One minus the mean resultant length of directional statistics (K. V. Mardia, P. E. Jupp, 2000).
    """
    return float(1 - np.linalg.norm(unit(latents).mean(axis=0))) if len(latents) else float("nan")


def compare_classes(
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
        One row per class that occurs: ``label``, ``sounds``, ``change`` (mean); accuracy, spread and purity (mean) as
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
