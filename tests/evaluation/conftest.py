"""What the tests of evaluation share: near-duplicates of one's choice."""

from __future__ import annotations

import numpy as np

from bstviz.datasets.collection import Collection
from bstviz.evaluation.near_duplicates import Duplicates


def pairs(collection: Collection, *ends: tuple[int, int]) -> Duplicates:
    left, right = np.array(ends).T
    return Duplicates("audio", left, right, np.ones(len(left), np.float32), 0.5, len(collection), len(collection))
