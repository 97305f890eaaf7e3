"""Decoded blocks to one mono sound: mixed, and what is anomalous about them repaired and reported.

What happens to anomalous sounds, each reported in :attr:`bstviz.audio.sound.Sound.notes` or, where there is nothing
but silence, in a UserError:

====================================  =====================================================================
a file that ends before its time      what arrived is taken
samples that are not numbers          become silence
samples far beyond full scale         the sound is brought down to full scale
stored as floats, some beyond it      the same: nothing is lost of them, unlike by clipping
clipping                              left as it is
a constant offset (DC)                removed
channels that cancel each other out   the loudest one is taken
longer than :data:`MAX_SECONDS`       excerpts over its whole length are taken
a name that does not fit the content  the content counts
silence, or less than 10 ms           refused
====================================  =====================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bstviz.audio.sound import FULL_RATE, Sound
from bstviz.errors import UserError

MAX_SECONDS = 600.0
"""At most this much of a sound is held in memory (less above :data:`FULL_RATE`); of a longer one, excerpts."""
EXCERPTS = 60
MIN_SECONDS = 0.01

MIN_RATE, MAX_RATE = 1_000, 768_000
SILENCE = 1e-4  # -80 dB below full scale; the loudest sample of a sound must lie above

CLIPPED, FULL_SCALE, BEYOND = 1e-3, 0.9995, 2.0  # share of samples, at this level; a peak that no decoder overshoots to
OFFSET = 0.1  # a constant part below this is left alone: short sounds have one by nature
CANCELLED = 0.1  # the mix's level, as a share of the loudest channel's
CONTENT_OF = {
    ".wav": ("WAV", "WAVEX", "RF64"),
    ".flac": ("FLAC",),
    ".ogg": ("OGG",),
    ".oga": ("OGG",),
    ".opus": ("OGG",),
    ".mp3": ("MP3", "MPEG"),
    ".aif": ("AIFF",),
    ".aiff": ("AIFF",),
    ".m4a": ("MP4",),
    ".mp4": ("MP4",),
    ".aac": ("AAC",),
}
"""What files of these names hold; the names are libsndfile's, or FFmpeg's in capitals."""

Ranges = Sequence[tuple[int, int]]
Blocks = Callable[[Ranges], Iterator[np.ndarray]]


@dataclass(frozen=True, eq=False)
class Mix:
    """What a decoder made of a file: the mono mix and what was counted on the way."""

    mono: np.ndarray
    starts: tuple[float, ...]
    rate: int
    channels: int
    format: str
    seconds: float
    cut: bool
    not_numbers: int
    full_scale: float
    peak: float
    solo: int | None
    floats: bool = False  # stored as floating-point numbers, which go beyond full scale


class _Mixer:
    """Mixes blocks (n, channels) to mono as they come, counting what is anomalous about them."""

    def __init__(self, channels: int) -> None:
        self.blocks: list[np.ndarray] = []
        self.frames = self.not_numbers = self.at_full_scale = 0
        self.peak = 0.0
        self.energy = np.zeros(channels)

    def add(self, block: np.ndarray, channel: int | None) -> None:
        if not np.isfinite(block.sum(dtype=np.float64)):  # one number tells whether the samples need looking at
            finite = np.isfinite(block)
            self.not_numbers += int(block.size - finite.sum())
            block = np.where(finite, block, 0)
        peak = max(float(block.max(initial=0.0)), -float(block.min(initial=0.0)))
        self.peak = max(self.peak, peak)
        if peak >= FULL_SCALE:
            self.at_full_scale += int((np.abs(block) >= FULL_SCALE).sum())
        if block.shape[1] == 1:
            channel = 0
        else:
            self.energy += np.square(block, dtype=np.float64).sum(axis=0)
        mono = block.mean(axis=1, dtype=np.float64) if channel is None else block[:, channel]
        self.frames += len(block)
        self.blocks.append(mono.astype(np.float32))

    def loudest_if_cancelled(self) -> int | None:
        """The loudest channel, where the mix has lost nearly all of what the channels hold."""
        own = sum(float(np.square(block, dtype=np.float64).sum()) for block in self.blocks)
        loudest = int(self.energy.argmax())
        return loudest if own < CANCELLED**2 * self.energy[loudest] else None


def mix_down(blocks: Blocks, frames: int | None, rate: int, channels: int, kind: str, shown: str) -> Mix | None:
    """Mix a stream, whole or in excerpts; None where nothing comes out of it.

    Args:
        blocks: Yields (n, channels) float32 of ranges of frames, as far as the file goes; may raise when it is damaged.
        frames: How many the header promises; None where it does not say.
        rate: In Hz.
        channels: How many.
        kind: What the content is.
        shown: Name for messages.
    """
    if not MIN_RATE <= rate <= MAX_RATE:
        raise UserError(
            f"{shown} states a sampling rate of {rate:,} Hz; supported are {MIN_RATE:,} to {MAX_RATE:,} Hz."
        )
    held = round(MAX_SECONDS * min(rate, FULL_RATE))
    ranges: Ranges = [(0, min(frames, held) if frames is not None else held)]
    if frames is not None and frames > held:
        size = held // EXCERPTS
        starts = np.linspace(0, frames - size, EXCERPTS).astype(int)
        ranges = [(int(s), int(s) + size) for s in starts]

    def mixed(channel: int | None) -> _Mixer:
        mixer = _Mixer(channels)
        try:
            for block in blocks(ranges):
                mixer.add(block, channel)
        except MemoryError:
            raise
        except Exception:  # a damaged file: each decoder raises its own; what came before it is kept
            return mixer
        return mixer

    mixer = mixed(None)
    if not mixer.frames:
        return None
    solo = mixer.loudest_if_cancelled() if channels > 1 else None
    if solo is not None:
        mixer = mixed(solo)
    mono = np.concatenate(mixer.blocks)
    wanted = sum(stop - start for start, stop in ranges)
    cut = frames is not None and wanted - len(mono) > max(0.02 * wanted, 0.1 * rate)
    end = len(mono) if len(ranges) == 1 else frames or 0
    if cut and len(ranges) > 1:  # the excerpts that are complete
        size = wanted // len(ranges)
        ranges = ranges[: max(len(mono) // size, 1)]
        mono = mono[: len(ranges) * size]
        end = ranges[-1][0] + len(mono) // len(ranges)
    return Mix(
        mono=mono,
        starts=tuple(start / rate for start, _ in ranges),
        rate=rate,
        channels=channels,
        format=kind,
        seconds=end / rate,
        cut=cut,
        not_numbers=mixer.not_numbers,
        full_scale=mixer.at_full_scale / (mixer.frames * channels),
        peak=mixer.peak,
        solo=solo,
    )


def repaired(mix: Mix, shown: str) -> Sound:
    """A sound from a mix: offset and scale repaired, everything anomalous reported; UserError for silence."""
    mono, rate = mix.mono, mix.rate
    if len(mono) < MIN_SECONDS * rate:
        raise UserError(
            f"{shown} holds {1000 * len(mono) / rate:.0f} ms of sound; at least {1000 * MIN_SECONDS:.0f} ms are needed."
        )
    notes = []
    suffix = Path(shown).suffix.lower()
    if mix.format not in CONTENT_OF.get(suffix, (mix.format,)):
        notes.append(f"It is named {suffix}, but its content is {mix.format}; the content was read.")
    if mix.cut:
        notes.append(f"The file is damaged or cut off: only {len(mono) / rate:.1f} s could be read.")
    if mix.not_numbers:
        notes.append(f"{mix.not_numbers:,} samples are not numbers; they were taken as silence.")
    if mix.solo is not None:
        notes.append(f"Its channels cancel each other out; channel {mix.solo + 1}, the loudest, was taken.")
    offset = float(mono.mean(dtype=np.float64))
    scale = mix.peak if mix.peak > (1 / FULL_SCALE if mix.floats else BEYOND) else 1.0
    if abs(offset) > OFFSET * scale:
        mono = mono - np.float32(offset)
        notes.append(f"A constant offset (DC) of {offset / scale:+.2f} was removed.")
    if scale != 1.0:
        mono = mono / np.float32(scale)
        notes.append(f"Its samples reach {scale:.3g} times full scale; they were brought down.")
    elif mix.full_scale > CLIPPED and not (mix.floats and mix.peak > 1):
        notes.append(f"It is clipped: {100 * mix.full_scale:.1f} % of the samples are at full scale.")
    if float(np.abs(mono).max()) < SILENCE:
        raise UserError(f"{shown} is silent: no sample is louder than -80 dB. There is nothing to classify in it.")
    if len(mix.starts) > 1:
        excerpt = len(mono) / len(mix.starts) / rate
        notes.append(
            f"It is {mix.seconds / 60:.0f} minutes long; {len(mix.starts)} excerpts of {excerpt:.1f} s, spread over "
            "all of it, were taken."
        )
    return Sound(mono, rate, mix.seconds, mix.channels, mix.format, mix.starts, tuple(notes))
