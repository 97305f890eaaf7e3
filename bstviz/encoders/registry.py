"""The registry of encoders: by kind and id, a factory that imports what it needs when it is called.

Nothing here imports a deep-learning framework.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from threading import Lock
from typing import Any

from bstviz.encoders.base import GIVEN, AudioEncoder, AudioOrText, TextEncoder
from bstviz.errors import UserError

Factory = Callable[[str], Any]


def _lazy(module: str, function: str = "load") -> Factory:
    return lambda device: getattr(import_module(module), function)(device)


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
"""Factories by kind and id; each takes a torch device name and returns an encoder. An id that stands under both kinds
names a pair that shares one space: its texts can be compared with its sounds.
"""
_LOADING = Lock()
"""One encoder is loaded at a time: what torch may unpickle is set for a whole process, and an app loads in several
threads.
"""


def _load(kind: AudioOrText, encoder_id: str, device: str) -> Any:
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
        return factory(device)


def load_audio_encoder(encoder_id: str, *, device: str = "cpu") -> AudioEncoder:
    """The audio encoder of that id, ready to use; ids joined by ``+`` give their embeddings side by side.

    Raises:
        UserError: The id is unknown, or a package or its weights are missing.
    """
    encoders: list[AudioEncoder] = [_load("audio", name, device) for name in encoder_id.split("+")]
    if len(encoders) == 1:
        return encoders[0]
    from bstviz.encoders.concatenated import Concatenated

    return Concatenated(encoders)


def load_text_encoder(encoder_id: str, *, device: str = "cpu") -> TextEncoder:
    """The text encoder of that id, ready to use.

    Raises:
        UserError: The id is unknown, or a package or its weights are missing.
    """
    encoder: TextEncoder = _load("text", encoder_id, device)
    return encoder
