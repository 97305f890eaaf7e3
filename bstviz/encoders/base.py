"""What an encoder is: it turns sounds or words into embeddings, and says which ones.

The encoders themselves stand in a module each, and :mod:`bstviz.encoders.registry` knows them by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from string import Formatter
from typing import Annotated, Any, Literal, Protocol

import numpy as np
from msgspec import Meta

from bstviz import schema
from bstviz.errors import UserError
from bstviz.schema import Line, Name


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
    """Turns words into embeddings; ``info.fields`` and ``info.template`` are filled in by whoever chooses them."""

    info: EncoderInfo

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Embeddings (n, dim) float32 of n texts, any of which may be empty."""
        ...


class SharedTextEncoder(TextEncoder, Protocol):
    """A text encoder whose words share the space of an audio encoder of the same id.

    ``logit_scale`` is what training multiplied cosines of sounds and words by, before the softmax.
    """

    logit_scale: float


AudioOrText = Literal["audio", "text"]
Dim = Annotated[int, Meta(ge=1, le=65_536)]
GIVEN = "given:"
"""How the ids of encoders begin whose embeddings were brought along: nothing here makes more of them."""
TEXT_FIELDS = ("title", "tags", "description")
"""The words that a sound of Freesound has."""


@dataclass(frozen=True)
class Preprocessing:
    """What is done to a sound before an audio encoder takes it, where there is a choice; it changes the vectors.

    Attributes:
        max_seconds: Only so much of a sound's beginning is embedded; None takes the whole.
        antialias: CLAP's shrunk spectrogram of a long clip is antialiased (:mod:`bstviz.encoders.clap`).
    """

    max_seconds: (
        Annotated[float, Meta(gt=0, le=1e9, description="a number above 0, or none for whole sounds")] | None
    ) = None
    antialias: bool = False

    def __post_init__(self) -> None:
        schema.check(self)

    def __str__(self) -> str:
        cut = f"first {self.max_seconds:g} s" if self.max_seconds is not None else ""
        return ", ".join(filter(None, (cut, "antialiased" if self.antialias else "")))


WHOLE = Preprocessing()
"""Whole sounds, with nothing antialiased."""


@dataclass(frozen=True)
class EncoderInfo:
    """Which encoder made an embedding matrix, and how; two are interchangeable only if equal.

    Attributes:
        id: Name in the registry of encoders.
        revision: Of the weights.
        dim: Of the embeddings.
        fields: Columns of the table that a text encoder read.
        template: How their words were joined (:func:`words_of`); empty where that is not known.
        preprocessing: Of an audio encoder.
        crops: Which crops of a longer sound were embedded, in words; no part of its identity: the mean over fixed crops
            stands for a random draw of them, which cannot be had again.
        weights_hash: Tells the weights from others, wherever they were loaded from; empty where it is not known, and
            so no part of its identity: see :meth:`same_weights`.
        via: What ran it, where there are several ways to the same weights: a package, its version, and a precision;
            no part of its identity.
        parts: Sizes of the parts that stand side by side in an embedding, which count alike in a network however many
            dimensions each has; () for a single one. No part of its identity.
    """

    id: Name
    revision: Line
    dim: Dim
    fields: tuple[Name, ...] = ()
    template: Line = ""
    preprocessing: Preprocessing = WHOLE
    crops: Line = field(default="", compare=False)
    weights_hash: Line = field(default="", compare=False)
    via: Line = field(default="", compare=False)
    parts: tuple[Dim, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if self.template:
            fields_of(self.template)
        if self.parts and sum(self.parts) != self.dim:
            raise UserError(
                f"The parts of encoder {self.id!r} have {sum(self.parts)} dimensions, and it has {self.dim}."
            )

    @property
    def configuration(self) -> str:
        """What a text encoder read, as text configurations are named: "title+tags"; its id where that is not known."""
        return "+".join(self.fields) or self.id

    def __str__(self) -> str:
        fields = f" ({' + '.join(self.fields)})" if self.fields else ""
        joined = f", joined {self.template!r}" if self.template not in ("", template_of(self.fields)) else ""
        prepared = f", {self.preprocessing}" if str(self.preprocessing) else ""
        via = f", via {self.via}" if self.via else ""
        return f"{self.id} {self.revision}{fields}{joined}, {self.dim}-d{prepared}{via}"

    def same_weights(self, other: EncoderInfo) -> bool:
        """Whether the weights of two encoders are the same, as far as both are known."""
        return not self.weights_hash or not other.weights_hash or self.weights_hash == other.weights_hash


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Embeddings and what made them: ``values`` (n, d) float32."""

    values: np.ndarray
    encoder: EncoderInfo


def template_of(fields: Sequence[str]) -> str:
    """How the words of fields are joined by default: "{title}. {tags}"."""
    return ". ".join(f"{{{name}}}" for name in fields)


def fields_of(template: str) -> tuple[str, ...]:
    """The fields that a template joins, in its order.

    Raises:
        UserError: It is no template, or names no field.
    """
    try:
        pieces = list(Formatter().parse(template))
    except ValueError as error:
        raise UserError(
            f"The text template is {template!r} ({error}); give one as {template_of(TEXT_FIELDS)!r}."
        ) from None
    found = tuple(name for _, name, form, conversion in pieces if name and not form and not conversion)
    if not found or len(found) < sum(name is not None for _, name, *_ in pieces):
        raise UserError(
            f"The text template is {template!r}; it holds names of columns in braces, as {template_of(TEXT_FIELDS)!r}."
        )
    return found


def words_of(values: Mapping[str, str], fields: Sequence[str], template: str = "") -> str:
    """One sound's text as encoders read it.

    A field without words is left out together with what stands before it in the template, and so is what stands before
    the first field that has some, unless that opens the template; without any words the text is empty.

    Args:
        values: Words by field.
        fields: Which of them.
        template: How they are joined, its fields being these; :func:`template_of` when left out.
    """
    text = ""
    for index, (before, name, *_) in enumerate(Formatter().parse(template or template_of(fields))):
        word = values.get(name, "").strip() if name else ""
        if word:
            text += (before if text or index == 0 else "") + word
        elif name is None and text:
            text += before
    return text


def completed(entry: Any) -> Any:
    """An encoder's entry of a header with what older ones do not say: their words were joined as is the default."""
    fields_read = entry.get("fields", []) if isinstance(entry, dict) else None
    if not isinstance(fields_read, (list, tuple)) or "template" in entry:
        return entry
    return {**entry, "template": template_of(fields_read)}


def encoder_from(entry: object, what: str = "The encoder") -> EncoderInfo:
    """EncoderInfo from a header's entry; ``what`` names it.

    Raises:
        UserError: Something in it is missing or not allowed.
    """
    return schema.convert(completed(entry), EncoderInfo, what)


def bare(info: EncoderInfo) -> EncoderInfo:
    """The identity of an encoder's space: without the fields that it read, and without what was done to sounds."""
    return replace(info, fields=(), template="", preprocessing=WHOLE)
