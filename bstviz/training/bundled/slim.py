"""Runs for looking at: their predictions out of fold, as few bytes as that takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bstviz.latent.projection import UmapSettings, pca_map
from bstviz.models.run import Run
from bstviz.models.run_info import Part

STEP = 2.0**-11
"""Of probabilities: that between numbers in half precision just below 1."""
IN_ORDER = 3
"""Classes of a sound that keep their order: the predicted one, the one that top-2 accuracy counts too, the next."""


def rounded(probabilities: np.ndarray) -> np.ndarray:
    """Probabilities (n, C) in half precision and steps of :data:`STEP`, which pack well: (n, C) float16.

    None becomes 0, and the greatest :data:`IN_ORDER` of a sound keep their order: who is predicted is never lost.
    """
    steps = np.maximum(np.round(probabilities / STEP), 0.5) * STEP
    out = steps.astype(np.float16)
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :IN_ORDER].T
    rows = np.arange(len(out))
    for higher, lower in zip(order[-2::-1], order[:0:-1], strict=True):  # from the least of them upwards
        least = np.nextafter(out[rows, lower], np.float16(1))
        out[rows, higher] = np.maximum(out[rows, higher], least)
    return out


def without_latents(run: Run) -> Run:
    """The run without its latents and their maps."""
    none = np.zeros((len(run.sounds), 0), np.float32)
    pca, projections = pca_map(none)
    return replace(run, latents=none, pca=pca, projections=projections, umap=None, left_out=(*run.left_out, "latents"))


def slim(run: Run, *, latents: bool) -> Run:
    """A run without weights, datastore and the course of its training, with the sounds of its test fold alone.

    Args:
        run: Of any kind; what was measured on it stays.
        latents: Keep the latents of these sounds, on PCA's map as it was fitted, and on a UMAP map of their own.
    """
    kept = run.held_out
    sounds = run.sounds[kept].drop(columns="content", errors="ignore").reset_index(drop=True)
    names = [f"p_{code}" for code in run.taxonomy.codes]
    sounds[names] = rounded(run.probabilities[kept]).astype(np.float32)
    parts: tuple[Part, ...] = ("weights", "history", "training sounds")
    bare = replace(run, weights={}, datastore=None, history={}, sounds=sounds, umap=None, left_out=parts)
    if not latents:
        return without_latents(bare)
    maps = [name for name in run.projections if not str(name).startswith("umap")]
    own = run.projections.loc[kept, maps].reset_index(drop=True)
    return replace(bare, latents=np.array(run.latents[kept]), projections=own).with_umap(UmapSettings())
