"""Descriptors: 53 measurable properties of a sound, in the place of an embedding and beside one.

Embeddings averaged over windows tell what a sound is like at a moment, and lose how it goes: whether it is one event or
a phrase, one note or a melody, cut short or a place that goes on. That is what is measured here, without weights: the
shape in time, repetition, spectrum, likeness to itself, and pitch of the peak-normalised sound. Of one longer than 30 s
the middle 30 s count.

References: G. Peeters, "A large set of audio features for sound description", CUIDADO 2004 (most of the descriptors);
E. Scheirer, M. Slaney, "Construction and evaluation of a robust multifeature speech/music discriminator", ICASSP 1997
(modulation of the energy).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from bstviz.encoders.base import EncoderInfo

RATE = 22_050
MIDDLE = 30 * RATE
WINDOW, HOP = 1024, 512
FRAME_SECONDS = HOP / RATE  # of a frame
FLOOR = 1e-12
LOUD, AUDIBLE = -30.0, -40.0  # dB below the loudest frame
ENERGY_QUANTILES = (5, 25, 50, 75, 95)
MODULATION_EDGES = (0.0, 0.5, 2.0, 6.0, 12.0, 22.0)  # Hz, of the energy
BAND_EDGES = (0, 120, 300, 700, 1_500, 3_000, 6_000, 11_100)  # Hz
PITCH_WINDOW, PITCH_FRAMES = 2_048, 60
PITCH_LAGS = (RATE // 2_000, 500)  # samples: 2 kHz down to 44 Hz
VOICED = 0.5  # autocorrelation from which a frame has a pitch
SEMITONE = 1 / 12  # octave
SIMILARITY_FRAMES = 40


class Descriptors:
    """The descriptors; an :class:`~bstviz.encoders.base.AudioEncoder`."""

    rate = RATE

    def __init__(self) -> None:
        self.info = EncoderInfo("descriptors", "1", len(describe(np.zeros(1, np.float32))))

    def __repr__(self) -> str:
        return f"Descriptors({self.info})"

    @staticmethod
    def embed(sounds: Sequence[np.ndarray]) -> np.ndarray:
        """Descriptors (n, 53) float32 of n mono sounds (samples,) float32 at 22.05 kHz, all finite."""
        rows = [list(describe(sound).values()) for sound in sounds]
        return np.array(rows, np.float32).reshape(len(sounds), -1)


def load(device: str = "cpu") -> Descriptors:
    """The encoder; it runs on the CPU whatever the device."""
    return Descriptors()


def describe(samples: np.ndarray) -> dict[str, float]:
    """All descriptors of a sound (n,) at 22.05 kHz by name."""
    start = max(0, len(samples) - MIDDLE) // 2
    x = np.array(samples[start : start + MIDDLE], np.float32)
    x /= max(float(np.abs(x).max(initial=0)), 1e-9)
    seconds = len(x) / RATE
    x = np.pad(x, (0, max(0, 2 * WINDOW - len(x))))
    frames = np.lib.stride_tricks.sliding_window_view(x, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW).astype(np.float32))).T.astype(np.float64) ** 2
    power = power / WINDOW**2 + FLOOR  # (bins, T)
    energy = power.sum(axis=0)
    decibels = 10 * np.log10(energy / energy.max() + 1e-8)
    found = {
        "log_seconds": float(np.log(seconds + 0.02)),
        "log_crest": float(-10 * np.log10(np.square(x).mean() + 1e-9)),
        "silent_samples": float((np.abs(x) < 1e-4).mean()),
        **_shape(energy, decibels),
        **_onsets(power, seconds),
        **_modulation(energy),
        **_spectrum(power, energy),
        **_likeness(power, decibels),
        **_pitch(x, decibels),
    }
    return {name: float(value) for name, value in found.items()}


def _shape(energy: np.ndarray, decibels: np.ndarray) -> dict[str, float]:
    """Of the energy in time (T,): its distribution, attack, decay, and the stretches that are loud."""
    length, peak = len(energy), int(energy.argmax())
    after = decibels[peak:]
    decay = int(np.argmax(after < -20)) if (after < -20).any() else len(after)
    loud = (decibels > LOUD).astype(int)
    return {
        **{
            f"energy_{q}": value
            for q, value in zip(ENERGY_QUANTILES, np.percentile(decibels, ENERGY_QUANTILES), strict=True)
        },
        "audible": (decibels > AUDIBLE).mean(),
        "loud_stretches": np.log1p((np.diff(loud) == 1).sum() + loud[0]),
        "attack": np.log((peak + 1) * FRAME_SECONDS),
        "peak_at": peak / length,
        "decay": np.log((decay + 1) * FRAME_SECONDS),
        "energy_centroid": (energy * np.arange(length)).sum() / energy.sum() / length,
    }


def _onsets(power: np.ndarray, seconds: float) -> dict[str, float]:
    """Of the rise of the log spectrum between frames: how much, how often, how regularly."""
    log = np.log10(power + 1e-6)
    flux = np.maximum(np.diff(log, axis=1), 0).mean(axis=0)  # (T - 1,)
    inner, threshold = flux[1:-1], flux.mean() + 1.5 * flux.std() + 0.02
    at = np.flatnonzero((inner > threshold) & (inner >= flux[:-2]) & (inner > flux[2:]))
    gaps = np.diff(at)
    rhythm = 0.0
    if len(flux) > 60:
        centred = flux - flux.mean()
        spectrum = np.fft.rfft(centred, 2 * len(centred))
        similarity = np.fft.irfft(np.abs(spectrum) ** 2)[: len(centred)] / (np.square(centred).sum() + 1e-9)
        rhythm = similarity[10:90].max()  # 0.2 to 2 s
    return {
        "flux": flux.mean(),
        "flux_deviation": flux.std(),
        "onsets": np.log1p(len(at)),
        "onset_rate": len(at) / (seconds + 0.1),
        "onset_irregularity": gaps.std() / gaps.mean() if len(gaps) > 2 else 1.0,
        "rhythm": rhythm,
    }


def _modulation(energy: np.ndarray) -> dict[str, float]:
    """Of the amplitude (T,): how much it goes up and down, and the shares of slow to fast."""
    amplitude = np.sqrt(energy)
    amplitude = amplitude / amplitude.mean()
    spectrum = np.abs(np.fft.rfft((amplitude - 1) * np.hanning(len(amplitude)))) ** 2
    hertz = np.fft.rfftfreq(len(amplitude), FRAME_SECONDS)
    total = spectrum.sum() + 1e-9
    shares = {
        f"modulation_from_{low:g}": spectrum[(hertz >= low) & (hertz < high)].sum() / total
        for low, high in pairwise(MODULATION_EDGES)
    }
    return {**shares, "modulation": amplitude.std()}


def _spectrum(power: np.ndarray, energy: np.ndarray) -> dict[str, float]:
    """Mean and deviation over time, weighted by energy, of what a frame's spectrum is like; energy by bands."""
    hertz = np.fft.rfftfreq(WINDOW, 1 / RATE)
    share = power / energy
    centroid = hertz @ share
    spread = np.sqrt(np.maximum(np.square(hertz) @ share - centroid**2, 0))
    rolloff = hertz[(share.cumsum(axis=0) < 0.85).sum(axis=0).clip(0, len(hertz) - 1)]
    flatness = np.exp(np.log(power).mean(axis=0)) / power.mean(axis=0)
    weights, out = energy / energy.sum(), {}
    for name, values in (
        ("centroid", np.log(centroid + 50)),
        ("spread", np.log(spread + 50)),
        ("rolloff", np.log(rolloff + 50)),
        ("flatness", np.log10(flatness + 1e-6)),
    ):
        mean = (values * weights).sum()
        out[name] = mean
        out[f"{name}_deviation"] = np.sqrt((np.square(values - mean) * weights).sum())
    total = power.mean(axis=1) / power.mean(axis=1).sum()
    for low, high in pairwise(BAND_EDGES):
        out[f"band_from_{low}"] = np.log10(total[(hertz >= low) & (hertz < high)].sum() + 1e-5)
    return out


def _likeness(power: np.ndarray, decibels: np.ndarray) -> dict[str, float]:
    """How like itself the log spectrum is over time, and how many lines stand out of its mean."""
    from scipy.signal import find_peaks

    log = np.log10(power + 1e-6)
    some = log[:, np.linspace(0, log.shape[1] - 1, min(log.shape[1], SIMILARITY_FRAMES)).astype(int)]
    some = some - some.mean(axis=0)
    some = some / (np.linalg.norm(some, axis=0) + 1e-9)
    similarity = some.T @ some
    audible = power[:, decibels > AUDIBLE].mean(axis=1)
    beginning = power[:, : max(1, power.shape[1] // 2)].mean(axis=1)
    lines, _ = find_peaks(np.log10(power[:, decibels > LOUD].mean(axis=1) + 1e-9), prominence=0.8)
    return {
        "self_similarity": similarity.mean(),
        "self_similarity_5": np.percentile(similarity, 5),
        "half_similarity": _correlation(audible, beginning),
        "lines": np.log1p(len(lines)),
    }


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / (np.sqrt(np.square(a).sum() * np.square(b).sum()) + FLOOR))


def _pitch(x: np.ndarray, decibels: np.ndarray) -> dict[str, float]:
    """Of some loud frames: how periodic they are, and the pitch in octaves of those that have one."""
    rows = np.flatnonzero(decibels > -25)
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), PITCH_FRAMES)).astype(int)]
    padded = np.pad(x, (0, PITCH_WINDOW))
    frames = padded[rows[:, None] * HOP + np.arange(PITCH_WINDOW)]
    frames = (frames - frames.mean(axis=1, keepdims=True)) * np.hanning(PITCH_WINDOW)
    similarity = np.fft.irfft(np.abs(np.fft.rfft(frames, 2 * PITCH_WINDOW)) ** 2)[:, : PITCH_LAGS[1]]
    similarity = similarity / (similarity[:, :1] + 1e-9)
    # the peak at lag 0 belongs to every sound: what counts lies behind its first zero
    shortest = np.where((similarity < 0).any(axis=1), (similarity < 0).argmax(axis=1), PITCH_LAGS[1])
    lags = np.arange(PITCH_LAGS[1])
    behind = np.where(lags >= np.maximum(shortest, PITCH_LAGS[0])[:, None], similarity, 0)
    periodic, lag = behind.max(axis=1), behind.argmax(axis=1)
    octaves = np.log2(RATE / np.maximum(lag[periodic > VOICED], 1))
    out = {"periodicity": periodic.mean(), "periodic_frames": (periodic > 0.6).mean()}
    if len(octaves) <= 2:
        return out | dict.fromkeys(("has_pitch", "pitch", "pitch_range", "pitch_deviation", "steps", "drift"), 0.0)
    moves = np.abs(np.diff(octaves))
    return out | {
        "has_pitch": 1.0,
        "pitch": np.median(octaves),
        "pitch_range": np.ptp(np.percentile(octaves, (10, 90))),
        "pitch_deviation": octaves.std(),
        "steps": np.log1p((moves > 0.8 * SEMITONE).sum()),
        "drift": np.median(moves),
    }
