"""What the tests of latent spaces share: small spaces whose structure is known, near-duplicates of one's choice."""

from __future__ import annotations

import numpy as np

from bstviz.datasets.collection import Collection
from bstviz.latent.near_duplicates import Duplicates


def clusters(n_classes: int = 4, per_class: int = 15, spread: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
    """Latents (n, 6) about a centre for each class, and their labels."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(n_classes), per_class)
    centres = rng.normal(size=(n_classes, 6))
    return (centres[labels] + spread * rng.normal(size=(len(labels), 6))).astype(np.float32), labels


def on_circle(*degrees: float) -> np.ndarray:
    """Latents (n, 2) of unit length in these directions."""
    angle = np.radians(degrees)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)


def pairs(collection: Collection, *ends: tuple[int, int]) -> Duplicates:
    """Near-duplicate pairs between rows of a collection."""
    left, right = np.array(ends).T
    return Duplicates("audio", left, right, np.ones(len(left), np.float32), 0.5, len(collection), len(collection))
