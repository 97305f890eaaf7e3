"""Building blocks shared by every synthesised sound: noise, envelopes, filters, rooms.

All signals are mono float64 arrays at :data:`SAMPLE_RATE`; all randomness comes from the generator handed in, so a
sound is the same on every machine that runs the same NumPy stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

SAMPLE_RATE = 44_100
"""Sampling rate of every synthesised sound, in Hz."""

Rng = np.random.Generator
Signal = NDArray[np.float64]
"""Mono samples, (n,) float64."""
Option = TypeVar("Option")


@dataclass(frozen=True, eq=False)
class Take:
    """One sound decided but not yet rendered.

    Attributes:
        title: What an uploader would have called it.
        tags: Lower-case tags, hyphenated where they are several words.
        description: One or two sentences.
        render: Makes the samples, (n,) float64 mono at :data:`SAMPLE_RATE`; called at most once, because it goes on
            drawing from the generator that made the take.
    """

    title: str
    tags: tuple[str, ...]
    description: str
    render: Callable[[], Signal]


Voice = Callable[[Rng], Take]
"""A recipe for one kind of sound: draws its parameters and words, returns the take."""


def samples(seconds: float) -> int:
    """Length in samples of a duration in seconds (at least 1)."""
    return max(1, round(seconds * SAMPLE_RATE))


def time(seconds: float) -> Signal:
    """Sample times in seconds, (n,)."""
    return np.arange(samples(seconds)) / SAMPLE_RATE


def choose(rng: Rng, options: Sequence[Option]) -> Option:
    """One of ``options``, uniformly, kept as the Python object it is."""
    return options[int(rng.integers(len(options)))]


def noise(rng: Rng, seconds: float, slope: float = 0.0) -> Signal:
    """Gaussian noise of unit RMS with a power spectrum of 1/f**slope (0 white, 1 pink, 2 brown)."""
    n = samples(seconds)
    if slope:
        # A little longer than asked for: large prime factors of the length make the transforms several times slower.
        size = fft.next_fast_len(n, real=True)
        spectrum = fft.rfft(rng.standard_normal(size))
        spectrum *= np.maximum(fft.rfftfreq(size, 1 / SAMPLE_RATE), 20.0) ** (-slope / 2)
        out: Signal = fft.irfft(spectrum, size)[:n]
    else:
        out = rng.standard_normal(n)
    return out / (float(np.sqrt(np.mean(out**2))) + 1e-12)


def wander(rng: Rng, seconds: float, rate: float) -> Signal:
    """A smooth random curve of about zero mean and unit deviation that turns ``rate`` times a second."""
    n = samples(seconds)
    knots = max(4, int(seconds * rate) + 4)
    return np.interp(np.linspace(0, knots - 1, n), np.arange(knots), rng.standard_normal(knots))


def total(parts: Iterable[Signal]) -> Signal:
    """Sum of signals of one length."""
    summed: Signal = np.sum(list(parts), axis=0)
    return summed


def oscillator(frequency: Signal | float, seconds: float, partials: Sequence[float] = (1.0,)) -> Signal:
    """Sum of harmonics with the given amplitudes, following a frequency in Hz (a number or a curve of n samples).

    Harmonics above 0.45 of the sampling rate are left out sample by sample, so glides do not alias.
    """
    n = samples(seconds)
    f = np.broadcast_to(np.asarray(frequency, float), (n,))
    phase = 2 * np.pi * np.cumsum(f) / SAMPLE_RATE
    out = np.zeros(n)
    for k, amplitude in enumerate(partials, start=1):
        if amplitude:
            out += np.where(f * k < 0.45 * SAMPLE_RATE, amplitude, 0.0) * np.sin(k * phase)
    return out


def decay(seconds: float, t60: float, attack: float = 0.002) -> Signal:
    """Struck envelope: a linear attack, then an exponential decay that falls 60 dB in ``t60`` seconds."""
    t = time(seconds)
    return np.minimum(t / max(attack, 1e-5), 1.0) * 10 ** (-3 * t / t60)


def adsr(seconds: float, attack: float, fall: float, sustain: float, release: float) -> Signal:
    """Sustained envelope with times in seconds and the sustain level in 0..1; release ends with the sound."""
    hold = max(seconds - release, attack + fall + 1e-3)
    points = [0.0, attack, attack + fall, hold, hold + release]
    return np.interp(time(seconds), points, [0.0, 1.0, sustain, sustain, 0.0])


def band(x: Signal, low: float | None = None, high: float | None = None, order: int = 2) -> Signal:
    """Butterworth filter: high-pass at ``low``, low-pass at ``high``, band-pass with both (Hz)."""
    nyquist = 0.49 * SAMPLE_RATE
    if low is not None and high is not None:
        sos = signal.butter(order, (max(low, 5.0), min(high, nyquist)), "bandpass", fs=SAMPLE_RATE, output="sos")
    elif low is not None:
        sos = signal.butter(order, max(low, 5.0), "highpass", fs=SAMPLE_RATE, output="sos")
    else:
        sos = signal.butter(order, min(high or nyquist, nyquist), "lowpass", fs=SAMPLE_RATE, output="sos")
    filtered: Signal = signal.sosfilt(sos, x)
    return filtered


def resonate(x: Signal, frequency: float, bandwidth: float) -> Signal:
    """Two-pole resonator of unit peak gain at ``frequency`` with the given bandwidth, both in Hz."""
    b, a = signal.iirpeak(min(frequency, 0.48 * SAMPLE_RATE), max(frequency / bandwidth, 0.3), fs=SAMPLE_RATE)
    filtered: Signal = signal.lfilter(b, a, x)
    return filtered


def place(out: Signal, x: Signal, at: float, gain: float = 1.0) -> None:
    """Add ``x`` into ``out`` in place from ``at`` seconds on; what runs over either edge is cut."""
    start = round(at * SAMPLE_RATE)
    if start < 0:
        x, start = x[-start:], 0
    end = min(start + len(x), len(out))
    if end > start:
        out[start:end] += gain * x[: end - start]


def room(rng: Rng, x: Signal, t60: float, wet: float, damping: float = 6_000.0) -> Signal:
    """Reverberation by a synthetic impulse response: decaying noise, duller as it fades; the tail is kept."""
    length = min(t60, 4.0)
    response = noise(rng, length) * decay(length, t60)
    late = band(response, high=damping / 3)
    blend = np.linspace(0.0, 1.0, len(response))
    response = band(response, high=damping) * (1 - blend) + late * blend
    response[: samples(0.004)] = 0.0
    tail: Signal = signal.fftconvolve(x, response / (np.sqrt(np.sum(response**2)) + 1e-12))
    out = np.pad(x, (0, len(tail) - len(x)))
    return (1 - wet) * out + wet * tail


def peak_of(x: Signal) -> float:
    """The largest absolute sample."""
    return float(np.max(np.abs(x)))


def fade(x: Signal, head: float = 0.003, tail: float = 0.02) -> Signal:
    """Linear fades of ``head`` and ``tail`` seconds, so a sound neither clicks in nor out."""
    n = len(x)
    ramp = np.ones(n)
    a, b = min(samples(head), n), min(samples(tail), n)
    ramp[:a] *= np.linspace(0, 1, a)
    ramp[n - b :] *= np.linspace(1, 0, b)
    return x * ramp


def normalise(x: Signal, peak: float = 0.8) -> Signal:
    """Scale to a peak of ``peak`` (full scale is 1) after removing any offset; silence stays silence."""
    x = x - np.mean(x)
    top = np.max(np.abs(x), initial=0.0)
    return x * (peak / top) if top > 0 else x
