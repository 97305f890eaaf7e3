"""What the tests of latent spaces share: small spaces whose structure is known."""

from __future__ import annotations

import numpy as np


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
