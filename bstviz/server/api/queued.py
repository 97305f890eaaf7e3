"""Sounds and words of programs, embedded beside the pages as those of visitors are: sounds are decoded in processes
apart, and embedded in worker processes of the programs' own, so that these and visitors never wait for each other.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from queue import SimpleQueue

import numpy as np

from bstviz.audio import decode
from bstviz.audio.sound import Sound
from bstviz.encoders.base import Embeddings, EncoderInfo
from bstviz.inference.classify import embed_sounds, embed_texts
from bstviz.jobs import background
from bstviz.jobs.background import Kind
from bstviz.jobs.fastest import cores

EMBED = Kind("embed-upload", niceness=5)
"""For visitors: one sound at a time, as each waits for their own."""
PROGRAM_KINDS = tuple(Kind(f"embed-http-{n}", niceness=5, threads=1) for n in range(max(1, min(cores(), 4))))
"""For programs: as many sounds at a time as there are cores, four at most."""
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


def warm(sounds: EncoderInfo | None, words: EncoderInfo) -> None:
    """Have decoders and worker processes started and encoders loaded, without waiting for it; none of sounds where the
    runs take none.
    """
    decode.warm()
    silence = [np.zeros(4_000, np.float32)]
    for kind in PROGRAM_KINDS:
        queue = background.queue_of(kind)
        if sounds is not None:
            queue.warm(str(sounds), embed_sounds, lambda: (sounds, silence, 4_000), owner=OWNER)
        queue.warm(str(words), embed_texts, lambda: (words, ["silence"]), owner=OWNER)


_FREE: SimpleQueue[Kind] = SimpleQueue()
for _kind in PROGRAM_KINDS:
    _FREE.put(_kind)


def _made(function: background.Function, *arguments: object) -> Embeddings:
    kind = _FREE.get()
    try:
        own = f"{OWNER} {secrets.token_hex(8)}"  # nothing of one program's is another's
        work = background.queue_of(kind).submit(own, function, lambda: arguments, owner=own, keep=False)
        found: Embeddings = work.result()
        return found
    finally:
        _FREE.put(kind)
