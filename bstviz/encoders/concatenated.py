"""Several audio encoders as one: their embeddings side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bstviz.audio.sound import resample
from bstviz.encoders.base import AudioEncoder, EncoderInfo, Preprocessing


class Concatenated:
    """Encoders side by side; an :class:`~bstviz.encoders.base.AudioEncoder` at the highest of their rates.

    Its id and revision are theirs, joined by ``+``; its parts are theirs, one after another.
    """

    def __init__(self, encoders: Sequence[AudioEncoder]) -> None:
        self.encoders = tuple(encoders)
        infos = [encoder.info for encoder in self.encoders]
        ids, revisions = ("+".join(getattr(info, name) for info in infos) for name in ("id", "revision"))
        parts = tuple(part for info in infos for part in info.parts or (info.dim,))
        via, crops, weights = (
            " + ".join(filter(None, (getattr(info, name) for info in infos)))
            for name in ("via", "crops", "weights_hash")
        )
        self.info = EncoderInfo(
            ids,
            revisions,
            sum(info.dim for info in infos),
            preprocessing=Preprocessing(antialias=any(info.preprocessing.antialias for info in infos)),
            crops=crops,
            weights_hash=weights,
            via=via,
            parts=parts,
        )
        self.rate = max(encoder.rate for encoder in self.encoders)

    def __repr__(self) -> str:
        return f"Concatenated({', '.join(map(repr, self.encoders))})"

    def embed(self, sounds: Sequence[np.ndarray]) -> np.ndarray:
        """Embeddings (n, sum of dims) float32 of n mono sounds (samples,) float32 at :attr:`rate`."""
        chunks = [
            encoder.embed([resample(sound, self.rate, encoder.rate) for sound in sounds]) for encoder in self.encoders
        ]
        return np.concatenate(chunks, axis=1)
