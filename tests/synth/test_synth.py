from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from bstviz import synth
from bstviz.datasets.taxonomy import bst


@pytest.fixture(scope="module")
def catalogue() -> list[synth.SoundSpec]:
    return synth.catalogue()


def test_the_catalogue_covers_every_class_evenly(catalogue: list[synth.SoundSpec]) -> None:
    assert 1_000 <= len(catalogue) <= 1_200
    counts = Counter(s.label for s in catalogue)
    assert set(counts) == set(bst().codes)
    assert len(set(counts.values())) == 1


def test_ids_are_unique_and_say_the_class(catalogue: list[synth.SoundSpec]) -> None:
    assert len({s.sound_id for s in catalogue}) == len(catalogue)
    assert all(s.sound_id.rpartition("-")[0] == s.label for s in catalogue)


def test_confidences_are_shared_out_as_in_bsd10k(catalogue: list[synth.SoundSpec]) -> None:
    counts = Counter(s.confidence for s in catalogue)
    for confidence, share in {1: 0.01, 2: 0.07, 3: 0.30, 4: 0.55, 5: 0.07}.items():
        deviation = np.sqrt(share * (1 - share) / len(catalogue))
        assert counts[confidence] / len(catalogue) == pytest.approx(share, abs=4 * deviation)


def test_every_sound_has_a_title_and_most_have_tags(catalogue: list[synth.SoundSpec]) -> None:
    assert all(s.title.strip() for s in catalogue)
    assert np.mean([bool(s.tags) for s in catalogue]) > 0.9
    assert len({s.title for s in catalogue}) > 0.9 * len(catalogue)


def is_sound(samples: np.ndarray) -> bool:
    """Whether these are mono float32 samples, finite, audible, below full scale and 0.1 to 8 s long."""
    return (
        samples.dtype == np.float32
        and samples.ndim == 1
        and bool(np.isfinite(samples).all())
        and 0.5 < np.abs(samples).max() <= 0.8001
        and np.sqrt(np.mean(samples**2)) > 1e-3
        and 0.1 <= len(samples) / synth.SAMPLE_RATE <= 8.0
    )


@pytest.mark.slow
def test_every_fifth_sound_is_audible_and_bounded(catalogue: list[synth.SoundSpec]) -> None:
    for spec in catalogue[::5]:
        assert is_sound(synth.render(spec.sound_id)), spec.sound_id


@pytest.mark.parametrize("label", bst().codes)
def test_sounds_are_audible_bounded_and_always_the_same(label: str) -> None:
    for number in (0, 17, 31):
        sound_id = f"{label}-{number:03d}"
        samples = synth.render(sound_id)
        assert is_sound(samples), sound_id
    np.testing.assert_array_equal(samples, synth.render(sound_id))


def test_different_ids_sound_different() -> None:
    rendered = [synth.render(f"is-k-{i:03d}").tobytes() for i in range(6)]
    assert len(set(rendered)) == 6


def test_describing_does_not_depend_on_what_was_asked_before() -> None:
    first = synth.describe("fx-v-005")
    synth.render("m-m-001")
    assert synth.describe("fx-v-005") == first
    assert first in synth.catalogue()


@pytest.mark.parametrize("unknown", ["fx-zz-001", "fx-a", "fx-a-", "fx-a-x", "", "000"])
def test_an_unknown_id_raises_key_error(unknown: str) -> None:
    with pytest.raises(KeyError):
        synth.render(unknown)
    with pytest.raises(KeyError):
        synth.describe(unknown)
