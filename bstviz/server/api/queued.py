"""Sounds and words of programs, embedded as those of visitors are: decoded in processes apart, then embedded one at a
time in one worker process, in which programs and visitors take turns.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import numpy as np

from bstviz.audio import decode
from bstviz.audio.sound import Sound
from bstviz.encoders.base import Embeddings, EncoderInfo
from bstviz.inference.classify import embed_sounds, embed_texts
from bstviz.jobs import background
from bstviz.jobs.background import Kind

EMBED = Kind("embed-upload", niceness=5)
OWNER = "http"


def decoded(data: bytes, name: str) -> Sound:
    """A sound from the bytes of its file; UserError where it cannot be decoded within the limits."""
    return decode.decode(data, name=name or "the sound")


def embedded_sound(encoder: EncoderInfo, sound: Sound) -> Embeddings:
    """The embedding (1, d_a) of a sound, waited for."""
    return _made(embed_sounds, encoder, [sound.samples], sound.rate)


def embedded_texts(encoder: EncoderInfo, texts: Sequence[str]) -> Embeddings:
    """Embeddings (n, d_t) of texts, waited for."""
    return _made(embed_texts, encoder, list(texts))


def warm(sounds: EncoderInfo, words: EncoderInfo) -> None:
    """Have decoders and the worker process started and two encoders loaded, without waiting for it."""
    decode.warm()
    queue, silence = background.queue_of(EMBED), [np.zeros(4_000, np.float32)]
    queue.warm(str(sounds), embed_sounds, lambda: (sounds, silence, 4_000), owner=OWNER)
    queue.warm(str(words), embed_texts, lambda: (words, ["silence"]), owner=OWNER)


def _made(function: background.Function, *arguments: object) -> Embeddings:
    own = f"{OWNER} {secrets.token_hex(8)}"  # nothing of one program's is another's
    work = background.queue_of(EMBED).submit(own, function, lambda: arguments, owner=own, keep=False)
    found: Embeddings = work.result()
    return found
