"""The synthesised demo sounds: about 1,100, over all 23 classes, each made from its id alone.

Conventions: an id is ``<class>-<number>``, as in ``fx-a-017``. Its SHA-256 seeds the generator that draws everything,
so titles, tags and samples depend on nothing else and no audio file is stored.

An ambiguous sound is a blend of its own class with one that it is often confused with; the stronger the blend, the
lower its annotation confidence. Confidences are shared out as in BSD10k (1/7/30/55/7 % for 1 to 5).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from bstviz.synth import (
    ambiences,
    animals,
    bodies,
    design,
    elements,
    experimental,
    indoors,
    instruments,
    machines,
    music,
    nature,
    objects,
    speech,
    urban,
    vehicles,
)
from bstviz.synth.dsp import SAMPLE_RATE, Signal, Take, Voice, choose, fade, normalise

__all__ = ["SAMPLE_RATE", "SoundSpec", "catalogue", "describe", "render"]

_MODULES = (
    music,
    instruments,
    speech,
    objects,
    vehicles,
    machines,
    bodies,
    animals,
    elements,
    experimental,
    design,
    nature,
    indoors,
    urban,
    ambiences,
)
VOICES: dict[str, tuple[Voice, ...]] = {code: voices for module in _MODULES for code, voices in module.VOICES.items()}
"""The voices of every class, in the order of the taxonomy."""
SOUNDS_PER_CLASS = 48
CONFUSED_WITH: dict[str, tuple[str, ...]] = {
    "m-sp": ("is-p", "m-m"),
    "m-si": ("is-s", "m-m"),
    "m-m": ("m-si", "m-sp"),
    "is-p": ("fx-o", "m-sp"),
    "is-s": ("m-si", "is-k"),
    "is-w": ("is-e", "m-si"),
    "is-k": ("m-si", "is-s"),
    "is-e": ("fx-el", "ss-s"),
    "sp-s": ("sp-p", "fx-h"),
    "sp-c": ("ss-u", "fx-h"),
    "sp-p": ("sp-s", "fx-ex"),
    "fx-o": ("fx-m", "is-p"),
    "fx-v": ("fx-m", "ss-u"),
    "fx-m": ("fx-v", "fx-o"),
    "fx-h": ("fx-o", "sp-s"),
    "fx-a": ("ss-n", "fx-h"),
    "fx-n": ("ss-n", "fx-o"),
    "fx-ex": ("fx-el", "ss-s"),
    "fx-el": ("is-e", "fx-ex"),
    "ss-n": ("fx-n", "fx-a"),
    "ss-i": ("ss-u", "fx-o"),
    "ss-u": ("ss-i", "fx-v"),
    "ss-s": ("is-e", "fx-ex"),
}
CONFIDENCE_SHARES = {1: 0.01, 2: 0.07, 3: 0.30, 4: 0.55, 5: 0.07}
BLEND = {1: 0.85, 2: 0.6, 3: 0.25}
"""Amplitude of the other class against the sound's own, by annotation confidence; 4 and 5 are not blended."""


@dataclass(frozen=True)
class SoundSpec:
    """What is known of a demo sound before it is rendered."""

    sound_id: str
    label: str
    confidence: int
    title: str
    tags: tuple[str, ...]
    description: str


def _generator(text: str) -> np.random.Generator:
    """A generator that the text alone seeds, the same in every process."""
    return np.random.Generator(np.random.PCG64(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")))


def _parse(sound_id: str) -> tuple[str, int]:
    """Class code and number of an id."""
    label, _, number = sound_id.rpartition("-")
    if label not in VOICES or not number.isdigit():
        raise KeyError(f"unknown demo sound {sound_id!r}; ids look like 'fx-a-017'")
    return label, int(number)


def _confidence(sound_id: str) -> int:
    """Annotation confidence (1 to 5) drawn for a sound."""
    draw = _generator(f"confidence {sound_id}").random()
    edges = np.cumsum(list(CONFIDENCE_SHARES.values()))
    return 1 + int(np.searchsorted(edges, draw * edges[-1], side="right"))


def _take(sound_id: str) -> Take:
    """The sound's take: its class's voices take turns by number."""
    label, number = _parse(sound_id)
    voices = VOICES[label]
    return voices[number % len(voices)](_generator(f"take {sound_id}"))


def describe(sound_id: str) -> SoundSpec:
    """Class, confidence and words of a demo sound, without rendering it.

    Raises:
        KeyError: There is no such id.
    """
    label, _ = _parse(sound_id)
    take = _take(sound_id)
    return SoundSpec(sound_id, label, _confidence(sound_id), take.title, take.tags, take.description)


def catalogue() -> list[SoundSpec]:
    """All demo sounds, class by class."""
    return [describe(f"{label}-{i:03d}") for label in VOICES for i in range(SOUNDS_PER_CLASS)]


def render(sound_id: str) -> Signal:
    """Samples of a demo sound, (n,) float32 mono at 44.1 kHz, peak 0.8.

    Raises:
        KeyError: There is no such id.
    """
    label, _ = _parse(sound_id)
    own = normalise(_take(sound_id).render())
    weight = BLEND.get(_confidence(sound_id))
    if weight:
        rng = _generator(f"blend {sound_id}")
        other = choose(rng, CONFUSED_WITH[label])
        guest = normalise(choose(rng, VOICES[other])(rng).render())
        n = len(own)
        own = own + weight * np.pad(guest, (0, max(0, n - len(guest))))[:n]
    return normalise(fade(own)).astype(np.float32)
