"""Sounds for a browser: what it plays as it is, and a WAV of what it does not. The content decides, never the name."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from bstviz.audio import decode
from bstviz.audio.sound import FULL_RATE, pcm16, resample

WAV = "audio/wav"
PLAYED = {
    ("WAV", "PCM_U8"): WAV,
    ("WAV", "PCM_16"): WAV,
    ("WAVEX", "PCM_16"): WAV,
    ("FLAC", "PCM_S8"): "audio/flac",
    ("FLAC", "PCM_16"): "audio/flac",
    ("FLAC", "PCM_24"): "audio/flac",
    ("OGG", "VORBIS"): "audio/ogg",
    ("OGG", "OPUS"): "audio/ogg",
    ("MP3", "MPEG_LAYER_III"): "audio/mpeg",
}
"""What current browsers play, by libsndfile's names of format and coding, and the media types. They play no ADPCM, no
64-bit float and no 24 bits in 32, and clip a float WAV over full scale, which is repaired here."""
RATES = (3_000, 192_000)
"""Rates in Hz that they play; Chromium refuses 1 and 2 kHz."""
CHANNELS = 8
"""As many as they play; of a chain of OGG they play about the first link, and of MP3 without a table they guess the
length, as libsndfile does."""
SERVED_RATES = (8_000, FULL_RATE)
"""Rates in Hz of the WAV made here."""


@dataclass(frozen=True, eq=False)
class Playable:
    """A sound as a browser gets it.

    Attributes:
        data: Bytes that it plays.
        media_type: Their type.
        samples: Gives samples (n,) float32 mono and their rate in Hz, decoded once.
    """

    data: bytes
    media_type: str
    samples: Callable[[], tuple[np.ndarray, int]]

    def wav(self) -> bytes:
        """The sound as a WAV, for a browser that refuses ``data`` all the same."""
        return to_wav(*self.samples())


def playable(data: bytes | None, decoded: Callable[[], tuple[np.ndarray, int]]) -> Playable:
    """A sound as a browser gets it: its own bytes where browsers play them, else a WAV of its samples.

    Args:
        data: Its file; None where it has none that plays as it should sound.
        decoded: Gives samples (n,) float32 mono and their rate in Hz.

    Raises:
        UserError: It has to be decoded and cannot be.
    """
    samples = cache(decoded)
    media_type = None if data is None else played_as(data)
    if data is None or media_type is None:
        return Playable(to_wav(*samples()), WAV, samples)
    return Playable(data, media_type, samples)


def played_as(data: bytes) -> str | None:
    """Media type of a file that browsers play as it is, to its end and with its length; None for any other."""
    found = decode.coding(data)
    if found is None or not (RATES[0] <= found.rate <= RATES[1] and found.channels <= CHANNELS and found.as_stated):
        return None
    return PLAYED.get((found.format, found.subtype))


def to_wav(samples: np.ndarray, rate: int) -> bytes:
    """16-bit PCM WAV of mono samples (n,), clipped to -1..1, at their rate or the nearest that all browsers play."""
    import soundfile

    served = min(max(rate, SERVED_RATES[0]), SERVED_RATES[1])
    buffer = io.BytesIO()
    soundfile.write(buffer, pcm16(resample(samples, rate, served)), served, format="WAV", subtype="PCM_16")
    return buffer.getvalue()
