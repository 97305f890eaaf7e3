"""What is worked out of a run's latents: each sound's neighbours."""

from __future__ import annotations

import numpy as np

from bstviz.latent import neighbours
from bstviz.ui.cache.loaded import Loaded, run_identity_of
from bstviz.ui.kept import kept


@kept(max_entries=16, hash_funcs={Loaded: run_identity_of})
def index(loaded: Loaded) -> neighbours.Index:
    """A run's latents, ready to be searched."""
    return neighbours.Index(loaded.run.latents)


def nearest(loaded: Loaded, row: int, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Rows and cosine distances of a sound's k nearest neighbours in the latent space, itself left out."""
    rows, distances = index(loaded).around(np.array([row]), k)
    return rows[0], distances[0]
