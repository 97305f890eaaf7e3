"""An audio encoder for the beginnings of sounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bstviz.encoders.base import AudioEncoder


class Shortened:
    """An encoder that embeds the first seconds of each sound; an :class:`~bstviz.encoders.base.AudioEncoder`.

    Its info is the encoder's, with ``max_seconds``.
    """

    def __init__(self, encoder: AudioEncoder, seconds: float) -> None:
        self.encoder = encoder
        self.rate = encoder.rate
        cut = replace(encoder.info.preprocessing, max_seconds=seconds)
        self.info = replace(encoder.info, preprocessing=cut)

    def __repr__(self) -> str:
        return f"Shortened({self.encoder!r}, {self.info.preprocessing.max_seconds:g} s)"

    def embed(self, sounds: Sequence[np.ndarray]) -> np.ndarray:
        """Embeddings (n, dim) float32 of the beginnings of n mono sounds (samples,) float32 at :attr:`rate`."""
        length = round((self.info.preprocessing.max_seconds or 0) * self.rate)
        return self.encoder.embed([sound[:length] for sound in sounds])
