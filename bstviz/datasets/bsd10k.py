"""BSD10k (any version): 10,956 Freesound sounds with BST classes, annotation confidence and CLAP embeddings.

Example: bstviz import bsd10k ~/BSD10k-v1.2 --out collections/bsd10k
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bstviz.datasets.base import Source

if TYPE_CHECKING:
    from bstviz.datasets.collection import Collection

SOURCE = Source(
    "bsd10k",
    "BSD10k",
    "https://zenodo.org/records/17233904",
    "CC BY 4.0 for the annotations; each sound has the licence its uploader gave it",
    "P. Anastasopoulou, J. Torrey, X. Serra, F. Font, Heterogeneous sound classification with the Broad Sound Taxonomy "
    "and Dataset, DCASE 2024",
    record="19868804",  # version 1.2
)


def load(place: str | Path, *, name: str | None = None) -> Collection:
    """Collection from the data set as it was downloaded; raises UserError where the layout does not hold.

    Args:
        place: A folder of it, unpacked or with its archives, or one archive.
        name: Of the collection.
    """
    from bstviz.datasets import bsd_layout

    return bsd_layout.load(place, SOURCE, name=name)
