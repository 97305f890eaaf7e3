"""BSD35k-CS: about 35,000 Freesound sounds with the BST classes their own uploaders chose, and CLAP embeddings.

Example: bstviz import bsd35k ~/BSD35k-CS --out collections/bsd35k
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bstviz.datasets.base import Source

if TYPE_CHECKING:
    from bstviz.datasets.collection import Collection

SOURCE = Source(
    "bsd35k",
    "BSD35k-CS",
    "https://zenodo.org/records/19187099",
    "CC BY 4.0; each sound has the licence its uploader gave it",
    "P. Anastasopoulou, F. Font, BSD35k-CS (Broad Sound Dataset 35k - Crowd Sourced), Zenodo 2026",
    record="19187100",
)


def load(place: str | Path, *, name: str | None = None) -> Collection:
    """Collection from the data set as it was downloaded, as for BSD10k."""
    from bstviz.datasets import bsd_layout

    return bsd_layout.load(place, SOURCE, name=name)
