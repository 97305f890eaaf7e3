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
    "https://zenodo.org/records/19187100",
    "stated with the dataset; each sound has the licence its uploader gave it",
    "DCASE 2026 Task 1, Heterogeneous Audio Classification: BSD35k-CS",
)


def load(folder: str | Path, *, name: str | None = None) -> Collection:
    """Collection from the unpacked dataset; raises UserError where the layout does not hold."""
    from bstviz.datasets import bsd_layout

    return bsd_layout.load(folder, SOURCE, name=name)
