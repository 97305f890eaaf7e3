"""What the tests of audio share: the pitch of a sound, and decoding it in this process, where settings can change."""

from __future__ import annotations

from functools import partial

import numpy as np

from bstviz.audio import decoders
from bstviz.audio.chained import BytesFile
from bstviz.audio.sound import Sound


def strongest_frequency(samples: np.ndarray, rate: int) -> float:
    return float(np.abs(np.fft.rfft(samples * np.hanning(len(samples)))).argmax() * rate / len(samples))


def decoded_here(data: bytes, name: str = "the sound") -> Sound:
    return decoders.decoded(partial(BytesFile, data), name)
