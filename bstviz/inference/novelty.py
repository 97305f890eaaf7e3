"""How unusual a sound is for a collection: its distance to its neighbours, against the collection's own distances.

A sound's distance is the mean cosine distance to its k nearest neighbours in the latent space. Its novelty is the share
of the collection's own sounds that lie nearer to their neighbours than it does to its: 0.5 is usual, 1 is unlike
anything there. The own sounds that count are those the run was not trained on, where there are enough: training draws a
sound to its class, so that any new one would look unusual beside the trained ones.

References: S. Ramaswamy et al., "Efficient Algorithms for Mining Outliers from Large Data Sets", SIGMOD 2000.
"""

from __future__ import annotations

import numpy as np

from bstviz.latent.neighbours import nearest
from bstviz.models.run import Run

NOVELTY_NEIGHBOURS = 5
ENOUGH, SAMPLE = 50, 2_000  # own sounds to measure against: at least, at most


def mean_distance(latents: np.ndarray, others: np.ndarray, *, itself: bool = False) -> np.ndarray:
    """Mean cosine distance (n,) of latents (n, d) to their nearest neighbours among others (m, d)."""
    rows, distances = nearest(latents, others, NOVELTY_NEIGHBOURS + itself)
    return distances[:, int(itself) :].mean(axis=1) if rows.size else np.zeros(len(latents), np.float32)


def usual_distances(run: Run, *, seed: int = 0) -> np.ndarray:
    """Sorted distances (m,) of a run's own sounds to their neighbours, a sample of large runs; none without latents."""
    if not run.latent_dim:
        return np.zeros(0, np.float32)
    rows = np.flatnonzero(run.sounds["split"].isin(["test", "below_threshold", "unused"]))
    if len(rows) < ENOUGH:
        rows = np.arange(len(run.latents))
    if len(rows) > SAMPLE:
        rows = np.sort(np.random.default_rng(seed).choice(rows, SAMPLE, replace=False))
    return np.sort(mean_distance(run.latents[rows], run.latents, itself=True))


def novelty(latents: np.ndarray, run: Run, usual: np.ndarray, *, itself: bool = False) -> np.ndarray:
    """Novelty (n,) float32 in 0..1 of latents (n, d) for a run with its :func:`usual_distances`.

    New ones, or with ``itself`` some of the run's own, each of which is no neighbour of itself. NaN where the run has
    left its own latents out.
    """
    if not run.latent_dim:
        return np.full(len(latents), np.nan, np.float32)
    rank = np.searchsorted(usual, mean_distance(latents, run.latents, itself=itself), side="right")
    return (rank / max(len(usual), 1)).astype(np.float32)
