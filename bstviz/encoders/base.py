"""What an encoder is: it turns sounds or words into embeddings, and says which ones.

The encoders themselves stand in a module each, and :mod:`bstviz.encoders.registry` knows them by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np


class AudioEncoder(Protocol):
    """Turns sounds into embeddings.

    Attributes:
        info: Id, revision and dimension, recorded with everything made from the embeddings.
        rate: Sampling rate in Hz that :meth:`embed` expects.
    """

    info: EncoderInfo
    rate: int

    def embed(self, sounds: Sequence[np.ndarray]) -> np.ndarray:
        """Embeddings (n, dim) float32 of n mono sounds, each (samples,) float32 at :attr:`rate`."""
        ...


class TextEncoder(Protocol):
    """Turns words into embeddings; ``info.fields`` is filled in by whoever chooses the fields."""

    info: EncoderInfo

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Embeddings (n, dim) float32 of n texts, any of which may be empty."""
        ...


AudioOrText = Literal["audio", "text"]
GIVEN = "given:"
"""How the ids of encoders begin whose embeddings were brought along: nothing here makes more of them."""


@dataclass(frozen=True)
class EncoderInfo:
    """Which encoder made an embedding matrix; two are interchangeable only if equal.

    Attributes:
        id: Name in the registry of encoders.
        revision: Of the weights.
        dim: Of the embeddings.
        fields: Columns of the table that a text encoder read.
        via: What ran it, where there are several ways to the same weights: a package, its version, and a precision;
            no part of its identity.
        parts: Sizes of the parts that stand side by side in an embedding, which count alike in a network however many
            dimensions each has; () for a single one. No part of its identity.
    """

    id: str
    revision: str
    dim: int
    fields: tuple[str, ...] = ()
    via: str = field(default="", compare=False)
    parts: tuple[int, ...] = field(default=(), compare=False)

    @property
    def configuration(self) -> str:
        """What a text encoder read, as text configurations are named: "title+tags"; its id where that is not known."""
        return "+".join(self.fields) or self.id

    def __str__(self) -> str:
        fields = f" ({' + '.join(self.fields)})" if self.fields else ""
        via = f", via {self.via}" if self.via else ""
        return f"{self.id} {self.revision}{fields}, {self.dim}-d{via}"


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Embeddings and what made them: ``values`` (n, d) float32."""

    values: np.ndarray
    encoder: EncoderInfo


def words_of(values: Mapping[str, str], fields: Sequence[str]) -> str:
    """One sound's text as encoders read it: the given fields that are not empty, joined by ". "."""
    return ". ".join(part for name in fields if (part := values.get(name, "").strip()))


def encoder_from(entry: dict[str, Any] | None) -> EncoderInfo | None:
    """EncoderInfo from a header entry."""
    return EncoderInfo(**entry | {name: tuple(entry.get(name, ())) for name in ("fields", "parts")}) if entry else None


def bare(info: EncoderInfo) -> EncoderInfo:
    """An encoder's identity without the fields that it read."""
    return replace(info, fields=())
