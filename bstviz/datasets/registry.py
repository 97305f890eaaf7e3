"""The data sets by name, a module each (see :class:`bstviz.datasets.base.Dataset`).

A new one is a file and its name below; the commands ``import`` and ``datasets`` walk the registry.
"""

from bstviz.datasets import bsd2k, bsd10k, bsd35k, demo, folder, freesound, table
from bstviz.datasets.base import Dataset

DATASETS: dict[str, Dataset] = {m.SOURCE.id: m for m in (bsd10k, bsd35k, bsd2k, freesound, table, folder, demo)}
