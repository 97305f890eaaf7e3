"""Descriptors: sounds whose properties are known by construction."""

from __future__ import annotations

import numpy as np
import pytest

from bstviz.encoders.descriptors import MIDDLE, RATE, Descriptors, describe

SECONDS = 2
TIME = np.arange(SECONDS * RATE) / RATE
NOISE = np.random.default_rng(0).normal(size=len(TIME)).astype(np.float32)


def tone(hertz: float) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * TIME).astype(np.float32)


def melody(*hertz: float) -> np.ndarray:
    parts = np.array_split(TIME, len(hertz))
    return np.concatenate([np.sin(2 * np.pi * f * part) for f, part in zip(hertz, parts, strict=True)])


@pytest.mark.parametrize("hertz", [110.0, 440.0, 1_000.0])
def test_a_tone_has_its_pitch_and_its_centroid(hertz: float) -> None:
    found = describe(tone(hertz))
    assert found["pitch"] == pytest.approx(np.log2(hertz), abs=0.03)
    assert (found["pitch_range"], found["steps"], found["has_pitch"]) == (pytest.approx(0, abs=0.01), 0, 1)
    assert np.exp(found["centroid"]) - 50 == pytest.approx(hertz, rel=0.05, abs=20)
    assert found["log_crest"] == pytest.approx(10 * np.log10(2), abs=0.05)  # a sine's peak is 3 dB above its rms


def test_noise_has_no_pitch_and_a_flat_spectrum() -> None:
    noise, note = describe(NOISE), describe(tone(440))
    assert noise["has_pitch"] == 0
    assert noise["flatness"] > note["flatness"] + 2
    assert noise["periodicity"] < 0.3 < note["periodicity"]


def test_an_octave_up_and_down_is_a_range_of_one_octave_in_steps() -> None:
    found = describe(melody(220, 440, 220, 440))
    assert found["pitch_range"] == pytest.approx(1, abs=0.05)
    assert np.expm1(found["steps"]) == pytest.approx(3)


def test_clicks_are_counted_and_their_rate_is_per_second() -> None:
    clicks = np.zeros_like(NOISE)
    for start in range(RATE // 4, len(clicks), RATE // 2):  # one each half second: four
        clicks[start : start + 400] = NOISE[start : start + 400]
    found = describe(clicks)
    assert np.expm1(found["onsets"]) == pytest.approx(4)
    assert np.expm1(found["loud_stretches"]) == pytest.approx(4)
    assert found["onset_rate"] == pytest.approx(2, rel=0.1)


def test_a_beat_of_four_hertz_is_modulation_between_two_and_six() -> None:
    found = describe(NOISE * (1 + np.sin(2 * np.pi * 4 * TIME)))
    assert found["modulation_from_2"] > 0.8


def test_decay_and_attack_are_told_apart() -> None:
    falling = NOISE * np.exp(-6 * TIME)
    assert describe(falling)["attack"] < describe(falling[::-1])["attack"]
    assert describe(falling)["energy_centroid"] < 0.2 < 0.8 < describe(falling[::-1])["energy_centroid"]


def test_loudness_of_the_file_does_not_count() -> None:
    quiet, loud = (Descriptors().embed([gain * NOISE])[0] for gain in (0.001, 0.9))
    np.testing.assert_allclose(quiet, loud, atol=1e-3)


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(1), np.ones(5), np.zeros(RATE), NOISE[:1_000]])
def test_every_sound_has_finite_descriptors(samples: np.ndarray) -> None:
    found = Descriptors().embed([samples.astype(np.float32)])
    assert found.shape == (1, Descriptors().info.dim)
    assert np.isfinite(found).all()


def test_of_a_long_sound_the_middle_counts() -> None:
    long = np.concatenate([np.zeros(RATE), np.tile(NOISE, 15), np.zeros(RATE)])
    assert len(long) > MIDDLE
    assert describe(long)["audible"] == 1
    assert describe(long)["log_seconds"] == pytest.approx(np.log(30.02))
