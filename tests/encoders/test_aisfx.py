from __future__ import annotations

from importlib import resources

import librosa
import numpy as np
import pytest
import torch

from bstviz.encoders.aisfx import MAX_WINDOWS, RATE, AiSFX, read_layers
from bstviz.encoders.registry import load_audio_encoder
from bstviz.encoders.runtime import Compiled, with_torch
from tests.encoders.conftest import load_any
from tests.fakes import tone


@pytest.fixture(scope="module")
def aisfx() -> AiSFX:
    """In torch and float32, on every machine."""
    load_any("audio", "aisfx")
    return AiSFX(Compiled(with_torch(read_layers(), "float32"), "torch"), "0")


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return (0.2 * np.random.default_rng(seed).normal(size=round(seconds * RATE))).astype(np.float32)


def package_network() -> torch.nn.Module:
    """The whole network as the aisfx package defines it, batch norms and all, with its own weights."""
    from aisfx.models.cnn2d import CrossNet, EmbeddingNet

    with resources.as_file(resources.files("aisfx") / "models" / "checkpoint.pth") as path:
        weights, classes = torch.load(path, map_location="cpu", weights_only=False)
    network = CrossNet(EmbeddingNet("max", 3, 1, 64), classes, "cpu")
    network.load_state_dict(weights)
    return network.eval()


def package_spectrogram(samples: np.ndarray) -> np.ndarray:
    """The package's librosa front end, written out: scaled log-mel (frames, 96) of a peak-normalised sound."""
    mel = librosa.feature.melspectrogram(
        y=samples / np.abs(samples).max(),
        sr=44_100,
        n_mels=96,
        norm=1.0,
        fmin=0.0,
        fmax=22_050.0,
        htk=True,
        power=2.0,
        hop_length=1024,
        win_length=2048,
    )
    return np.log10(mel * 10_000.0 + 1).T / 9.457798957824707


def test_aisfx_agrees_with_its_package_on_one_window(aisfx: AiSFX) -> None:
    samples = noise(99 * 1024 / RATE) + tone(660, 99 * 1024 / RATE, RATE)
    spectrogram = package_spectrogram(samples)
    assert spectrogram.shape == (100, 96)
    with torch.inference_mode():
        expected = package_network().get_embedding(torch.tensor(spectrogram[None], dtype=torch.float32))
    np.testing.assert_allclose(aisfx.embed([samples]), expected, atol=2e-4, rtol=1e-3)


def test_aisfx_averages_half_overlapping_windows(aisfx: AiSFX) -> None:
    samples = noise(199 * 1024 / RATE)  # 200 frames: windows at 0, 50 and 100
    spectrogram = package_spectrogram(samples)
    blocks = np.stack([spectrogram[start : start + 100] for start in (0, 50, 100)])
    with torch.inference_mode():
        expected = package_network().get_embedding(torch.tensor(blocks, dtype=torch.float32)).mean(0)
    np.testing.assert_allclose(aisfx.embed([samples])[0], expected, atol=2e-4, rtol=1e-3)


def test_aisfx_spectrogram_agrees_with_librosa(aisfx: AiSFX) -> None:
    samples = noise(3.0)
    np.testing.assert_allclose(aisfx.log_mel(samples), package_spectrogram(samples), atol=1e-5)


def test_aisfx_is_deterministic_whatever_shares_the_batch(aisfx: AiSFX) -> None:
    sounds = [noise(0.3, 1), noise(4.0, 2), noise(2.5, 3)]
    together = aisfx.embed(sounds)
    np.testing.assert_array_equal(together, aisfx.embed(sounds))
    alone = np.concatenate([aisfx.embed([s]) for s in sounds])
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_aisfx_repeats_a_short_sound_until_it_fills_a_window(aisfx: AiSFX) -> None:
    short = noise(0.4)
    np.testing.assert_allclose(aisfx.embed([short]), aisfx.embed([np.tile(short, 6)[: 99 * 1024]]), atol=1e-5)


def test_aisfx_embeddings_do_not_depend_on_loudness(aisfx: AiSFX) -> None:
    sound = noise(1.0)
    np.testing.assert_allclose(aisfx.embed([sound]), aisfx.embed([sound / 50]), atol=1e-3)


def test_aisfx_takes_silence_and_a_single_sample(aisfx: AiSFX) -> None:
    assert np.isfinite(aisfx.embed([np.zeros(RATE, np.float32), np.ones(1, np.float32)])).all()


def test_aisfx_leaves_the_given_samples_alone(aisfx: AiSFX) -> None:
    sound = noise(0.5)
    before = sound.copy()
    sound.flags.writeable = False
    aisfx.embed([sound])
    np.testing.assert_array_equal(sound, before)


@pytest.mark.parametrize(("frames", "count"), [(100, 1), (101, 2), (150, 2), (200, 3), (650, 12), (5_000, MAX_WINDOWS)])
def test_aisfx_windows_span_the_sound_and_are_bounded_in_number(frames: int, count: int) -> None:
    position = torch.arange(frames, dtype=torch.float32).unsqueeze(1).expand(frames, 96)
    windows = AiSFX.windows(position)
    assert windows.shape == (count, 100, 96)
    assert windows[0, 0, 0] == 0
    assert windows[-1, -1, 0] == frames - 1


@pytest.mark.parametrize(("frames", "starts"), [(100, [0]), (150, [0]), (200, [0, 100]), (300, [0, 100, 200])])
def test_brief_windows_do_not_overlap_and_span_the_sound(frames: int, starts: list[int]) -> None:
    position = torch.arange(frames, dtype=torch.float32).unsqueeze(1).expand(frames, 96)
    assert AiSFX.windows(position, 2)[:, 0, 0].tolist() == starts


@pytest.mark.parametrize("frames", [350, 651, 5_000])
def test_brief_windows_are_some_of_all_windows(frames: int) -> None:
    position = torch.arange(frames, dtype=torch.float32).unsqueeze(1).expand(frames, 96)
    every, brief = (AiSFX.windows(position, k)[:, 0, 0].tolist() for k in (1, 2))
    assert set(brief) < set(every)
    assert (brief[0], brief[-1], len(brief)) == (every[0], every[-1], (len(every) - 1) // 2 + 1)


def test_the_brief_encoder_is_another_one_that_agrees_on_a_sound_of_one_window(aisfx: AiSFX) -> None:
    brief = load_audio_encoder("aisfx-brief")
    assert (brief.info.id, brief.info.dim, brief.info.parts) == ("aisfx-brief", 768, (512, 256))
    short, long = noise(1.0), noise(6.0) * np.linspace(0, 1, 6 * RATE, dtype=np.float32)
    np.testing.assert_allclose(brief.embed([short])[:, :512], aisfx.embed([short]), atol=0.1)
    assert np.abs(brief.embed([long])[:, :512] - aisfx.embed([long])).max() > 0.1
