"""SoundNet: the published network on the published weights, safely read."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from bstviz.encoders import weights
from bstviz.encoders.soundnet import LONGEST, RATE, SHORTEST, SOUNDNET_WEIGHTS, WINDOWS, SoundNet, _ArraysOnly
from tests.encoders.conftest import load_any
from tests.fakes import tone


@pytest.fixture(scope="module")
def soundnet() -> SoundNet:
    encoder = load_any("audio", "soundnet")
    assert isinstance(encoder, SoundNet)
    return encoder


@pytest.fixture(scope="module")
def weights_file(soundnet: SoundNet) -> Path:
    return weights.weights_file(SOUNDNET_WEIGHTS)


def published(file: Path, samples: np.ndarray) -> np.ndarray:
    """The paper's layers one by one (its table 1), batch norm and all, on a sound (n,): means of two."""
    layers = np.load(file, allow_pickle=True, encoding="latin1").item()
    sizes = {1: (2, 32, 8), 2: (2, 16, 8), 3: (2, 8, 0), 4: (2, 4, 0), 5: (2, 2, 4), 6: (2, 2, 0)}
    x = torch.from_numpy(256 * samples / np.abs(samples).max())[None, None].float()
    outputs = []
    for number, (stride, padding, pool) in sizes.items():
        w = {name: torch.from_numpy(np.asarray(v)) for name, v in layers[f"conv{number}"].items()}
        x = functional.conv1d(x, w["weights"][:, 0].permute(2, 1, 0), w["biases"], stride, padding)
        x = functional.batch_norm(x, w["mean"], w["var"], w["gamma"], w["beta"], eps=1e-5).relu()
        x = functional.max_pool1d(x, pool) if pool else x
        if number > 4:
            outputs.append(x.mean(dim=2)[0])
    return torch.cat(outputs).numpy()


def test_an_embedding_is_the_mean_of_the_published_layers(soundnet: SoundNet, weights_file: Path) -> None:
    sound = (0.1 * np.random.default_rng(0).normal(size=6 * RATE)).astype(np.float32)
    np.testing.assert_allclose(soundnet.embed([sound])[0], published(weights_file, sound), atol=1e-3)


def test_the_brief_one_is_the_fifth_layer_alone(soundnet: SoundNet) -> None:
    brief = load_any("audio", "soundnet-brief")
    sounds = [tone(440, seconds=1.0, rate=RATE), tone(880, seconds=7.0, rate=RATE)]
    np.testing.assert_array_equal(brief.embed(sounds), soundnet.embed(sounds)[:, :256])
    assert (brief.info.parts, soundnet.info.parts) == ((256,), (256, 512))


@pytest.mark.parametrize("length", [SHORTEST, SHORTEST + 1, SHORTEST + 7, SHORTEST + 15, 6 * RATE + 3])
def test_sounds_of_every_length_agree_with_the_published_layers(
    soundnet: SoundNet, weights_file: Path, length: int
) -> None:
    sound = (0.1 * np.random.default_rng(length).normal(size=length)).astype(np.float32)
    np.testing.assert_allclose(soundnet.embed([sound])[0], published(weights_file, sound), atol=1e-3)


def test_short_sounds_are_repeated_and_loudness_does_not_matter(soundnet: SoundNet) -> None:
    short = tone(440, 0.3, RATE)
    repeated = np.tile(short, 20)[:SHORTEST]
    np.testing.assert_allclose(soundnet.embed([short / 50]), soundnet.embed([repeated]), atol=1e-3)


def test_of_long_sounds_excerpts_are_spread_over_all_their_length(soundnet: SoundNet) -> None:
    long = np.arange(3 * LONGEST, dtype=np.float32)
    outputs = soundnet.excerpts(long).numpy() / 256 * long[-1]
    assert outputs.shape == (WINDOWS, SHORTEST)
    np.testing.assert_allclose(outputs[0, 0], 0, atol=1e-3)
    np.testing.assert_allclose(outputs[-1, -1], long[-1], rtol=1e-5)


def test_silence_and_a_single_sample_are_taken(soundnet: SoundNet) -> None:
    assert np.isfinite(soundnet.embed([np.zeros(RATE, np.float32), np.ones(1, np.float32)])).all()


def test_nothing_but_arrays_is_unpickled(tmp_path: Path) -> None:
    class Command:
        def __reduce__(self) -> tuple:
            return Path.touch, (tmp_path / "done",)

    file = tmp_path / "evil"
    file.write_bytes(pickle.dumps(Command()))
    with file.open("rb") as stream, pytest.raises(pickle.UnpicklingError):
        _ArraysOnly(stream).load()
    assert not (tmp_path / "done").exists()
