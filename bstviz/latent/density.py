"""Where on a map a group of sounds lies densely: a kernel density on a grid, and the levels that hold given shares.

References: D. W. Scott, "Multivariate Density Estimation", 1992, rule 6.42 (bandwidth); R. J. Hyndman, "Computing and
graphing highest density regions", 1996 (levels).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Density:
    """A Gaussian kernel density of points on a grid.

    Attributes:
        x: (g,) float64 centres of the cells along the first axis.
        y: (g,) float64 along the second.
        share: (g, g) float64, the share of the whole in each cell; rows along ``y``, columns along ``x``.
    """

    x: np.ndarray
    y: np.ndarray
    share: np.ndarray

    def level(self, held: float) -> float:
        """Share per cell at or above which the densest cells together hold a part of the whole, in 0..1."""
        falling = np.sort(self.share, axis=None)[::-1]
        return float(falling[np.searchsorted(np.cumsum(falling), held * falling.sum())])


def density(points: np.ndarray, bounds: np.ndarray, *, cells: int = 96) -> Density:
    """Kernel density of points by Scott's rule, an axis at a time.

    Args:
        points: (n, 2), n >= 2.
        bounds: (2, 2), low and high end of each axis.
        cells: Of the grid along each axis.
    """
    from scipy.ndimage import gaussian_filter

    x, y = (np.linspace(low, high, cells + 1) for low, high in bounds)
    counts, _, _ = np.histogram2d(points[:, 1], points[:, 0], bins=(y, x))
    bandwidth = points.std(axis=0, ddof=1) * len(points) ** (-1 / 6)
    sigma = bandwidth / np.array([x[1] - x[0], y[1] - y[0]])
    smooth = gaussian_filter(counts, sigma[::-1], mode="constant")
    return Density((x[:-1] + x[1:]) / 2, (y[:-1] + y[1:]) / 2, smooth / smooth.sum())
