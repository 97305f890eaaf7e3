"""BSD2k: the evaluation sounds of DCASE 2026 task 1, with anonymous ids, titles, tags and descriptions, and no classes.

By the layout that the challenge describes (``BSD2k_metadata.csv``, audio beside); not tried on the data itself.

Example: bstviz import bsd2k ~/BSD2k --out collections/bsd2k
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bstviz.datasets.base import Source

if TYPE_CHECKING:
    from bstviz.datasets.collection import Collection

SOURCE = Source(
    "bsd2k",
    "BSD2k",
    "https://dcase.community/challenge2026/",
    "stated with the data set",
    "DCASE 2026 Task 1, Heterogeneous Audio Classification: BSD2k, the evaluation set",
)


def load(place: str | Path, *, name: str | None = None) -> Collection:
    """Collection from the data set as it was downloaded, as for BSD10k; no sound has a class."""
    from bstviz.datasets import bsd_layout

    return bsd_layout.load(place, SOURCE, name=name, labelled=False)
