from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bstviz.audio import decode, playback
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


def test_content_is_that_of_rate_and_samples_in_16_bits_in_every_container(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).uniform(-1.2, 1.2, 4_000).astype(np.float32)
    sound = Sound(samples, 8_000, 0.5, 1, "synthesised")
    served = playback.to_wav(samples, 8_000)
    assert decode.decode(served).content == sound.content
    assert playback.to_wav(decode.decode(served).samples, 8_000) == served
    coded, rate = soundfile.read(io.BytesIO(served), dtype="int16")
    for subtype, suffix in (("PCM_16", "flac"), ("PCM_24", "wav"), ("FLOAT", "wav"), ("PCM_16", "aiff")):
        soundfile.write(tmp_path / f"{subtype}.{suffix}", coded, rate, subtype=subtype)
        assert decode.decode(tmp_path / f"{subtype}.{suffix}").content == sound.content
    assert Sound(samples, 16_000, 0.25, 1, "WAV").content != sound.content
    assert Sound(samples[1:], 8_000, 0.5, 1, "WAV").content != sound.content
    assert len(sound.content) == 32
