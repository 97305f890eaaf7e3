"""A decoded sound: samples at their own rate, whole or in excerpts, and what a person should know about it.

Conventions: samples are mono float32, nominally within -1..1; rates are in Hz, durations in seconds.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

FULL_RATE = 48_000
SEGMENT_SECONDS, SEGMENTS = 5.0, 24  # of the answer over time


@dataclass(frozen=True, eq=False)
class Segment:
    """A stretch of a sound from ``start`` to ``stop`` seconds, and what is taken of it: samples (n,) float32."""

    start: float
    stop: float
    samples: np.ndarray


@dataclass(frozen=True, eq=False)
class Sound:
    """A decoded sound.

    Attributes:
        samples: (n,) float32 mono; of a sound longer than :data:`bstviz.audio.repair.MAX_SECONDS` its excerpts, joined.
        rate: In Hz.
        seconds: Length of the whole file.
        channels: Of the file.
        format: What the content is, e.g. WAV.
        starts: Where in the file each excerpt starts, in seconds; (0.0,) for a sound that is held as a whole.
        notes: What a person should know about it, a sentence each.
    """

    samples: np.ndarray
    rate: int
    seconds: float
    channels: int
    format: str
    starts: tuple[float, ...] = (0.0,)
    notes: tuple[str, ...] = ()

    @cached_property
    def content(self) -> str:
        """What tells its content from others, 32 hexadecimal digits: a hash of rate and samples in 16 bits.

        It is the same in every container and lossless format, at 16 bits and above, and for the WAV that a page serves
        of a sound (:func:`bstviz.audio.playback.to_wav`); bytes and names of files do not matter.
        """
        digest = hashlib.sha256(self.rate.to_bytes(4, "little"))
        digest.update(pcm16(self.samples).tobytes())
        return digest.hexdigest()[:32]

    def at(self, rate: int) -> np.ndarray:
        """Samples (n,) float32 at another rate in Hz."""
        return resample(self.samples, self.rate, rate)

    def around(self, time: float, seconds: float) -> np.ndarray:
        """At most ``seconds`` of the sound about ``time``, from the nearest excerpt where it is not held as a whole."""
        length = len(self.samples) // len(self.starts)
        index = max(int(np.searchsorted(self.starts, time, side="right")) - 1, 0)
        size = min(round(seconds * self.rate), length)
        start = round((time - self.starts[index]) * self.rate) - size // 2
        start = index * length + min(max(start, 0), length - size)
        return self.samples[start : start + size]

    def segments(self, *, seconds: float = SEGMENT_SECONDS, at_most: int = SEGMENTS) -> list[Segment]:
        """The sound in equal stretches of at least ``seconds``, of each of which the middle ``seconds`` are taken."""
        count = min(max(int(self.seconds / seconds), 1), at_most)
        edges = np.linspace(0.0, self.seconds, count + 1).tolist()
        return [Segment(a, b, self.around((a + b) / 2, seconds)) for a, b in pairwise(edges)]


def pcm16(samples: np.ndarray) -> np.ndarray:
    """Samples (n,) in 16 bits, little-endian, clipped to -1..1; decoded and coded again they are the same."""
    return np.clip(np.rint(samples * np.float32(2**15)), -(2**15), 2**15 - 1).astype("<i2")


def resample(samples: np.ndarray, rate: int, target: int) -> np.ndarray:
    """Band-limited resampling of (n,) float32 from ``rate`` to ``target`` Hz (soxr, high quality)."""
    if rate == target:
        return samples
    import soxr

    return np.asarray(soxr.resample(samples, rate, target), np.float32)
