from __future__ import annotations

import numpy as np

from bstviz.audio import decode, playback


def test_wav_bytes_are_16_bit_and_clipped() -> None:
    data = playback.to_wav(np.array([0.0, 0.5, 2.0, -2.0, -0.5] * 40, np.float32), 8_000)
    samples, rate = decode.load(data)
    assert (data[:4], data[8:12], rate) == (b"RIFF", b"WAVE", 8_000)
    np.testing.assert_allclose(samples[:4], [0, 0.5, 1, -1], atol=1e-4)
