"""Sounds for a browser: what it plays as it is, and a WAV of what it does not."""

from __future__ import annotations

import io

import numpy as np

from bstviz.audio.sound import FULL_RATE, Sound, pcm16

BROWSER_TYPES = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".mp3": "audio/mpeg",
}
"""Formats that current browsers play as they are, with their media types."""
PLAYED = {"FLAC": "audio/flac", "OGG": "audio/ogg", "MP3": "audio/mpeg"}
"""The same by content."""


def to_wav(samples: np.ndarray, rate: int) -> bytes:
    """16-bit PCM WAV of mono samples (n,), clipped to -1..1."""
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, pcm16(samples), rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def playable(sound: Sound, data: bytes) -> tuple[bytes, str]:
    """What a browser plays of an upload, and its media type: the file itself where that is much smaller, else a mono
    WAV.
    """
    media_type = PLAYED.get(sound.format)
    if media_type and not sound.notes and 4 * len(sound.samples) > 2 * len(data):
        return data, media_type
    rate = min(max(sound.rate, 8_000), FULL_RATE)
    return to_wav(sound.at(rate), rate), "audio/wav"
