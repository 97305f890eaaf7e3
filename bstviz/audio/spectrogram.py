"""Sounds for the eye: log-mel spectrograms, their rows of equal frequency ratio, and the envelope of the waveform.

Conventions: samples are (n,) mono float32, rates in Hz, levels in dB below the peak.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FFT = 2048  # samples of a spectrogram's window


@dataclass(frozen=True, eq=False)
class Spectrogram:
    """Log-mel spectrogram: ``db`` (bands, frames) float32 in dB below the peak, ``frequency`` (bands,) in Hz."""

    db: np.ndarray
    frequency: np.ndarray


def spectrogram(samples: np.ndarray, rate: int, *, bands: int = 96, frames: int = 360) -> Spectrogram:
    """Log-mel spectrogram for the eye: at most ``frames`` columns, 80 dB of range.

    Args:
        samples: (n,) float32.
        rate: Sampling rate in Hz.
        bands: Number of mel bands between 30 Hz and the Nyquist frequency.
        frames: Greatest number of columns; the hop grows with the length of the sound.
    """
    import librosa

    hop = max(128, -(-len(samples) // frames))
    columns = 1 + len(samples) // hop
    samples = np.pad(samples, (0, max(0, FFT - len(samples))))
    high = rate / 2
    power = librosa.feature.melspectrogram(
        y=samples, sr=rate, n_fft=FFT, hop_length=hop, n_mels=bands, fmin=30.0, fmax=high
    )
    db = librosa.power_to_db(power, ref=max(float(power.max()), 1e-10), top_db=80.0).astype(np.float32)[:, :columns]
    frequency = librosa.mel_frequencies(n_mels=bands + 2, fmin=30.0, fmax=high)[1:-1]
    return Spectrogram(db, frequency.astype(np.float32))


def envelope(samples: np.ndarray, bins: int = 600) -> np.ndarray:
    """Waveform for the eye: lowest and highest sample of at most ``bins`` stretches, (bins, 2) int8, 127 full scale."""
    samples = np.clip(samples, -1, 1)
    edges = np.linspace(0, len(samples), min(bins, len(samples)), endpoint=False).astype(int)
    low, high = np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)
    return np.round(127 * np.stack([low, high], axis=1)).astype(np.int8)


def log_frequency(spectrogram: Spectrogram, *, rows: int = 128) -> tuple[np.ndarray, list[tuple[str, float]]]:
    """A spectrogram resampled to rows of equal frequency ratio.

    Args:
        spectrogram: Its bands in rising frequency.
        rows: Number of rows, lowest frequency first.

    Returns:
        Levels (rows, frames) uint8, 255 the peak and 0 80 dB below it; and ticks: text and height, 0 to 1.
    """
    own = spectrogram.frequency
    wanted = np.geomspace(own[0], own[-1], rows)
    at = np.interp(np.log(wanted), np.log(own), np.arange(len(own)))
    below = np.minimum(at.astype(int), len(own) - 2)
    share = (at - below)[:, None]
    db = spectrogram.db[below] * (1 - share) + spectrogram.db[below + 1] * share
    levels = np.round((np.clip(db, -80, 0) + 80) * 255 / 80).astype(np.uint8)
    hertz = [f for f in (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000) if own[0] <= f <= own[-1]]
    span = np.log(own[-1] / own[0])
    return levels, [(f"{f // 1000} kHz" if f >= 1_000 else f"{f} Hz", float(np.log(f / own[0]) / span)) for f in hertz]
