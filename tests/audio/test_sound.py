from __future__ import annotations

import numpy as np
import pytest

from bstviz.audio.sound import Sound, resample
from tests.audio.conftest import strongest_frequency
from tests.fakes import tone


def test_downsampling_removes_what_would_alias() -> None:
    samples = resample(tone(15_000, 1.0, 44_100), 44_100, 16_000)
    assert np.abs(samples[500:-500]).max() < 1e-3


def test_segments_tile_a_sound_and_hold_their_middle() -> None:
    rising = np.concatenate([tone(100 * (i + 1), 1.0) for i in range(30)])
    sound = Sound(rising, 8_000, 30.0, 1, "WAV")
    segments = sound.segments(seconds=5, at_most=24)
    assert [(p.start, p.stop) for p in segments] == [(5.0 * i, 5.0 * (i + 1)) for i in range(6)]
    np.testing.assert_array_equal(np.concatenate([p.samples for p in segments]), rising)
    few = sound.segments(seconds=2, at_most=3)
    assert [(p.start, p.stop) for p in few] == [(0, 10), (10, 20), (20, 30)]
    assert [len(p.samples) for p in few] == [16_000] * 3
    assert strongest_frequency(few[1].samples[8_000:], 8_000) == pytest.approx(1_600, abs=5)
    (short,) = Sound(tone(300), 8_000, 0.25, 1, "WAV").segments()
    np.testing.assert_array_equal(short.samples, tone(300))
