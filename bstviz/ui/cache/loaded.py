"""A run with its collection as one loaded version, and what caches know such things by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import pandas as pd

from bstviz.datasets.collection import Collection
from bstviz.models import run


class Identified(Protocol):
    """What has a unique name among all of its type; another version has another name."""

    @property
    def identity(self) -> str:
        """The name."""


def identity_of(thing: Identified) -> str:
    """What a cache knows an object by, for ``hash_funcs``."""
    return thing.identity


def run_identity_of(loaded: Loaded) -> str:
    """What a cache knows a run by, whose values depend on no collection, for ``hash_funcs``."""
    return loaded.run_identity


@dataclass(frozen=True, eq=False)
class Loaded:
    """A run with the collection that it belongs to, its sounds in one order.

    Attributes:
        run: The run.
        collection: Its collection, or None where it cannot be found.
        problem: Why there is no collection.
        rows: (N,) rows of the collection's table, in the run's order; -1 without a collection.
        table: N rows: the collection's columns for the run's sounds (bare columns without a collection).
        identity: Names this version of the run and of the collections that may be its own.
        run_identity: Names this version of the run alone.
    """

    run: run.Run
    collection: Collection | None
    problem: str | None
    rows: np.ndarray
    table: pd.DataFrame
    identity: str
    run_identity: str

    @cached_property
    def ids(self) -> pd.Index:
        """Sound ids in the run's order."""
        ids: pd.Index = pd.Index(self.run.sounds["sound_id"])
        return ids

    def row_of(self, sound_id: str) -> int | None:
        """Row of a sound in the run, if it lists it."""
        found = int(self.ids.get_indexer(pd.Index([sound_id]))[0])
        return found if found >= 0 else None

    def title(self, row: int) -> str:
        """Title of a run's sound, or its id."""
        return self.titles(np.array([row]))[0]

    def titles(self, rows: np.ndarray) -> list[str]:
        """Titles of a run's sounds, ids where there is none."""
        titles = self.table["title"].iloc[rows].tolist()
        ids = self.run.sounds["sound_id"].iloc[rows].tolist()
        return [t if isinstance(t, str) and t else str(i) for t, i in zip(titles, ids, strict=True)]
