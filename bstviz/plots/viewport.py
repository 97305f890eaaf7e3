"""Which points of a map are drawn, and which lie inside a region drawn on it.

A browser is sent a bounded number of points: all of a small map, a stratified sample of a large one, and all or a
denser sample of what lies in view once somebody has zoomed in. Selecting, filtering and counting never use the sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bstviz.schema import Finite

Renderer = Literal["gpu", "software", "none"]
"""What draws WebGL in a browser: a graphics card, the processor in its place, or nothing."""
DRAWN: dict[Renderer | None, tuple[int, int]] = {
    "gpu": (30_000, 30_000),
    "software": (12_000, 2_000),
    "none": (5_000, 5_000),
    None: (12_000, 2_000),
}
"""Greatest number of points that a browser is sent, in 2 dimensions and in 3; None until it is known."""


@dataclass(frozen=True)
class View:
    """A rectangle of a flat map, in its coordinates."""

    left: Finite
    right: Finite
    bottom: Finite
    top: Finite

    def holds(self, points: np.ndarray) -> np.ndarray:
        """Which points (n, 2) lie in it, (n,) bool."""
        x, y = points[:, 0], points[:, 1]
        inside: np.ndarray = (x >= self.left) & (x <= self.right) & (y >= self.bottom) & (y <= self.top)
        return inside


def stratified(labels: np.ndarray, limit: int, *, seed: int = 0) -> np.ndarray:
    """Rows of a sample with every label in proportion, and at least one of each.

    Args:
        labels: (n,) integers, -1 allowed.
        limit: Greatest number of rows; all come back where there are no more.
        seed: The same seed gives the same sample.

    Returns:
        (m,) int64, rising.
    """
    n = len(labels)
    if n <= limit:
        return np.arange(n)
    _, group, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    shares = np.maximum(sizes * limit // n, 1)
    order = np.lexsort((np.random.default_rng(seed).random(n, np.float32), group))
    within = np.arange(n) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.sort(order[within < np.repeat(shares, sizes)])


def drawn(labels: np.ndarray, inside: np.ndarray | None = None, *, limit: int) -> np.ndarray:
    """Rows of the points to draw: a stratified sample of all, or of those in view, (n,) bool."""
    if inside is None:
        return stratified(labels, limit)
    rows = np.flatnonzero(inside)
    sample: np.ndarray = rows[stratified(labels[rows], limit)]
    return sample


def enclosed(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Which points lie inside a closed polygon, (n,) bool, by the even-odd rule.

    Args:
        points: (n, 2).
        polygon: (m, 2) corners in order, m >= 3; the last joins the first.
    """
    box = View(
        *(float(v) for v in (polygon[:, 0].min(), polygon[:, 0].max(), polygon[:, 1].min(), polygon[:, 1].max()))
    )
    near = np.flatnonzero(box.holds(points))
    x, y = np.asarray(points[near], np.float64).T
    odd = np.zeros(len(near), bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y0 != y1:
            odd ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    inside = np.zeros(len(points), bool)
    inside[near[odd]] = True
    return inside
