"""What the tests of audio share: the pitch of a sound."""

from __future__ import annotations

import numpy as np


def strongest_frequency(samples: np.ndarray, rate: int) -> float:
    return float(np.abs(np.fft.rfft(samples * np.hanning(len(samples)))).argmax() * rate / len(samples))
