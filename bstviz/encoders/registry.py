"""The registry of encoders: by kind and id, a factory that imports what it needs when it is called.

Nothing here imports a deep-learning framework.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from threading import Lock
from typing import Any

from bstviz.encoders.base import GIVEN, WHOLE, AudioEncoder, AudioOrText, EncoderInfo, Preprocessing, TextEncoder, bare
from bstviz.errors import UserError

Factory = Callable[..., Any]


def _lazy(module: str, function: str = "load") -> Factory:
    return lambda device, **options: getattr(import_module(module), function)(device, **options)


ENCODERS: dict[tuple[AudioOrText, str], Factory] = {
    ("audio", "aisfx"): _lazy("bstviz.encoders.aisfx"),
    ("audio", "aisfx-brief"): _lazy("bstviz.encoders.aisfx", "load_brief"),
    ("audio", "soundnet"): _lazy("bstviz.encoders.soundnet"),
    ("audio", "soundnet-brief"): _lazy("bstviz.encoders.soundnet", "load_brief"),
    ("audio", "descriptors"): _lazy("bstviz.encoders.descriptors"),
    ("audio", "clap"): _lazy("bstviz.encoders.clap", "load_audio"),
    ("text", "minilm"): _lazy("bstviz.encoders.minilm"),
    ("text", "clap"): _lazy("bstviz.encoders.clap", "load_text"),
}
"""Factories by kind and id; each takes a torch device name and gives an encoder. An id that stands under both kinds
names a pair that shares one space: its texts can be compared with its sounds.
"""
ANTIALIASED = ("clap",)
"""Audio encoders that shrink long sounds, and whose factories take ``antialias``."""
_LOADING = Lock()
"""One encoder is loaded at a time: what torch may unpickle is set for a whole process, and an app loads in several
threads.
"""


def _load(kind: AudioOrText, encoder_id: str, device: str, **options: Any) -> Any:
    try:
        factory = ENCODERS[kind, encoder_id]
    except KeyError:
        if encoder_id.startswith(GIVEN):
            raise UserError(
                f"The embeddings were brought along, made elsewhere by {encoder_id.removeprefix(GIVEN)!r}: a new sound "
                f"would need that encoder, which bstviz does not have. Maps, Results, Confusion and Review go without."
            ) from None
        known = ", ".join(name for k, name in ENCODERS if k == kind)
        raise UserError(f"There is no {kind} encoder {encoder_id!r}; known: {known}.") from None
    with _LOADING:
        return factory(device, **options)


def load_audio_encoder(encoder_id: str, *, preprocessing: Preprocessing = WHOLE, device: str = "cpu") -> AudioEncoder:
    """The audio encoder of that id, ready to use; ids joined by ``+`` give their embeddings side by side.

    Args:
        encoder_id: As in :data:`ENCODERS`.
        preprocessing: What is done to sounds before.
        device: Torch device.

    Raises:
        UserError: The id is unknown, it has no antialiasing, or a package or its weights are missing.
    """
    ids = encoder_id.split("+")
    antialias = {"antialias": True} if preprocessing.antialias else {}
    if antialias and not set(ids) & set(ANTIALIASED):
        raise UserError(
            f"Antialiasing is a choice of {', '.join(ANTIALIASED)}, and {encoder_id!r} has none: leave it out."
        )
    encoders: list[AudioEncoder] = [
        _load("audio", name, device, **(antialias if name in ANTIALIASED else {})) for name in ids
    ]
    encoder = encoders[0]
    if len(encoders) > 1:
        from bstviz.encoders.concatenated import Concatenated

        encoder = Concatenated(encoders)
    if preprocessing.max_seconds is None:
        return encoder
    from bstviz.encoders.shortened import Shortened

    return Shortened(encoder, preprocessing.max_seconds)


def load_text_encoder(encoder_id: str, *, device: str = "cpu") -> TextEncoder:
    """The text encoder of that id, ready to use.

    Raises:
        UserError: The id is unknown, or a package or its weights are missing.
    """
    encoder: TextEncoder = _load("text", encoder_id, device)
    return encoder


def audio_encoder_of(info: EncoderInfo, *, device: str = "cpu") -> AudioEncoder:
    """The audio encoder that makes such embeddings: by id, and with the same preprocessing.

    Raises:
        UserError: As :func:`load_audio_encoder`, or it is another revision, or of other weights.
    """
    encoder = load_audio_encoder(info.id, preprocessing=info.preprocessing, device=device)
    check_same(encoder.info, info)
    return encoder


def text_encoder_of(info: EncoderInfo, *, device: str = "cpu") -> TextEncoder:
    """The text encoder that made such embeddings, or shares the space of such embeddings of sounds.

    Raises:
        UserError: As :func:`load_text_encoder`, or it is another revision, or of other weights.
    """
    encoder = load_text_encoder(info.id, device=device)
    check_same(encoder.info, info)
    return encoder


def check_same(here: EncoderInfo, made: EncoderInfo) -> None:
    """Refuse (UserError) to compare embeddings by the encoder here with some that were made by another."""
    if bare(here) != bare(made) or not here.same_weights(made):
        weights = f", of the weights {made.weights_hash} and {here.weights_hash}" if not here.same_weights(made) else ""
        raise UserError(
            f"The embeddings are by {made}, the encoder here is {here}{weights}: embed the collection again, or bring "
            "back what made them."
        )
