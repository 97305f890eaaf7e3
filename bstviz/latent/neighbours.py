"""Nearest neighbours among latents: exact, by cosine distance, always in the full latent space.

Cosine distance (1 - cosine similarity, 0 to 2) is the geometry in which the contrastive loss of equation 6 pulls sounds
together; it does not depend on the length of a latent.

Exact search by matrix product is the fastest there is for the sizes met here (``benchmarks/neighbours.py``), so no
approximate index stands beside it.
"""

from __future__ import annotations

import math

import numpy as np

QUERIES = 1024  # queries per matrix product at most, and
SIMILARITIES = 16_000_000  # similarities held at once, to bound memory
DEPTH = 64  # similarities that share one maximum while the greatest are looked for, at most


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (n, d) scaled to unit length; zero vectors stay zero."""
    norm = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: np.ndarray = np.divide(vectors, norm, out=np.zeros_like(vectors), where=norm > 0)
    return scaled


def largest(values: np.ndarray, k: int) -> np.ndarray:
    """Columns (q, k) of the k greatest of each row of values (q, n), in no order; k <= n.

    The k greatest lie in the k groups of columns whose maxima are greatest: only those are searched, some ten times as
    fast as partitioning whole rows. That is least work where as many columns are searched as there are groups.
    """
    n = values.shape[1]
    if k == 0:
        return np.empty((len(values), 0), np.int64)
    depth = min(math.isqrt(n // k), DEPTH)
    if depth < 4:
        return np.argpartition(values, n - k, axis=1)[:, n - k :]
    groups = n // depth  # column j is in group j % groups
    deep, rest = divmod(n, groups)
    maxima = values[:, : groups * deep].reshape(-1, deep, groups).max(axis=1)
    np.maximum(maxima[:, :rest], values[:, groups * deep :], out=maxima[:, :rest])
    held = np.argpartition(maxima, groups - k, axis=1)[:, groups - k :]
    columns = (held[:, :, None] + groups * np.arange(deep + 1)).reshape(len(values), -1)  # some end past the row
    candidates = np.where(columns < n, np.take_along_axis(values, np.minimum(columns, n - 1), 1), -np.inf)
    part = np.argpartition(candidates, candidates.shape[1] - k, axis=1)[:, candidates.shape[1] - k :]
    return np.take_along_axis(columns, part, 1)


class Index:
    """Latents ready to be searched again and again; only their lengths are kept, so they may be memory-mapped.

    Args:
        latents: (n, d) float32.
    """

    def __init__(self, latents: np.ndarray) -> None:
        self.latents = np.asarray(latents, np.float32)
        length = np.sqrt(np.einsum("nd,nd->n", self.latents, self.latents))
        self._scale = np.divide(1, length, out=np.zeros_like(length), where=length > 0)

    def __len__(self) -> int:
        return len(self.latents)

    def products(self, vectors: np.ndarray) -> np.ndarray:
        """Products (q, n) float32 of vectors (q, d) with all latents at unit length: cosine similarities, where the
        vectors are of unit length too.
        """
        products: np.ndarray = vectors @ self.latents.T
        products *= self._scale
        return products

    def nearest(
        self, queries: np.ndarray, k: int, *, without: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest latents of each query.

        Args:
            queries: (q, d) float32.
            k: How many; fewer come back where there are not so many.
            without: (q,) the row that each query leaves out: its own.

        Returns:
            Rows (q, k) int64, nearest first, and their cosine distances (q, k) float32.
        """
        wanted = unit(np.asarray(queries, np.float32))
        n = len(self)
        k = max(0, min(k, n - (without is not None)))
        rows, distances = np.empty((len(wanted), k), np.int64), np.empty((len(wanted), k), np.float32)
        block = max(1, min(QUERIES, SIMILARITIES // max(n, 1)))
        for start in range(0, len(wanted), block):
            here = slice(start, start + block)
            similarity = self.products(wanted[here])  # (block, n)
            if without is not None:
                similarity[np.arange(len(similarity)), without[here]] = -np.inf
            part = np.sort(largest(similarity, k), axis=1)  # of equals that are among them the first row comes first
            near = np.take_along_axis(similarity, part, 1)
            order = np.argsort(-near, axis=1, kind="stable")
            rows[here] = np.take_along_axis(part, order, 1)
            distances[here] = 1 - np.take_along_axis(near, order, 1)
        return rows, np.maximum(distances, 0)

    def around(self, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest latents of each of these rows, itself left out; as :meth:`nearest` gives them."""
        rows = np.asarray(rows, np.int64)
        return self.nearest(self.latents[rows], k, without=rows)


def nearest(queries: np.ndarray, latents: np.ndarray, k: int, *, itself: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest latents of each query, searched once; see :meth:`Index.nearest`.

    Args:
        queries: (q, d) float32.
        latents: (n, d) float32.
        k: How many.
        itself: Queries are the latents, row by row: leave each row out of its own neighbours.
    """
    return Index(latents).nearest(queries, k, without=np.arange(len(latents)) if itself else None)
