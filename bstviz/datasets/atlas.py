"""Sounds as the table that embedding-atlas opens: a point on a map each, with its nearest ones, truth and prediction.

Its conventions, as of version 0.26: coordinates in ``projection_x`` and ``projection_y``; ``__neighbors`` holds, row by
row, ``{"ids": [...], "distances": [...]}``, ids being zero-based rows in order of distance. Such a table of its own is
read by :mod:`bstviz.datasets.table`; ids are its ``__row_index__`` where it has no others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from bstviz.datasets.taxonomy import Taxonomy

X, Y, NEIGHBORS = "projection_x", "projection_y", "__neighbors"
RENAMED = {"predicted": "prediction", "confidence": "prediction_confidence"}
"""What a run's own table calls otherwise: confidence is the annotators' in a table of sounds."""
CODES = {
    "class": "class_name",
    "top": "top_name",
    "prediction": "prediction_name",
    "predicted_top": "prediction_top_name",
}


def atlas_table(
    answers: pd.DataFrame,
    sounds: pd.DataFrame,
    taxonomy: Taxonomy,
    *,
    coordinates: np.ndarray,
    neighbours: np.ndarray,
    distances: np.ndarray,
) -> pd.DataFrame:
    """One row per sound: what a run answers, what the collection knows, coordinates and neighbours.

    Args:
        answers: As :meth:`bstviz.models.run.Run.frame` gives them.
        sounds: The collection's columns for the same sounds; one that is called as an answer is left out.
        taxonomy: Names of the classes.
        coordinates: (N, 2) of a map.
        neighbours: (N, k) rows of the nearest sounds, nearest first.
        distances: (N, k) of these.
    """
    import pandas as pd

    from bstviz.datasets.plain import plain_columns

    own = answers.rename(columns=RENAMED)
    own = own[[c for c in own if not str(c).startswith(("pca_", "umap_"))]]
    for code, name in CODES.items():
        own[name] = [taxonomy[c].name if isinstance(c, str) else None for c in own[code]]
    own = own.drop(columns=["top", "predicted_top"])
    known = plain_columns(sounds.reset_index(drop=True))[0]
    made = pd.concat([own.reset_index(drop=True), known[[c for c in known if c not in own]]], axis=1)
    made[[X, Y]] = np.asarray(coordinates, np.float64)
    near = zip(neighbours.tolist(), distances.astype(np.float64).tolist(), strict=True)
    made[NEIGHBORS] = pd.Series([{"ids": ids, "distances": far} for ids, far in near], dtype="object")
    return made
