from __future__ import annotations

import hashlib
import types
from pathlib import Path

import librosa
import numpy as np
import pytest
import torch

from bstviz.datasets.collection import Collection
from bstviz.encoders import clap, clap_weights
from bstviz.encoders.base import EncoderInfo, Preprocessing
from bstviz.encoders.clap import CROPS, FRAMES, RATE, ClapAudio, ClapText
from bstviz.encoders.registry import load_audio_encoder, load_text_encoder
from bstviz.errors import UserError
from tests.fakes import tone
from tests.tiny_clap import write_tiny_clap, write_tokenizer


@pytest.fixture(scope="module")
def audio_encoder(tiny_clap: Path) -> ClapAudio:
    return ClapAudio(clap.transformers_route(str(tiny_clap), "cpu"))


@pytest.fixture(scope="module")
def reader(tiny_clap: Path) -> ClapText:
    return ClapText(clap.transformers_route(str(tiny_clap), "cpu"))


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return (0.2 * np.random.default_rng(seed).normal(size=round(seconds * RATE))).astype(np.float32)


def test_the_spectrogram_is_librosas() -> None:
    samples = noise(1.0)
    expected = librosa.feature.melspectrogram(
        y=samples,
        sr=48_000,
        n_fft=1024,
        hop_length=480,
        n_mels=64,
        fmin=50,
        fmax=14_000,
        htk=True,
        norm=None,
        pad_mode="reflect",
    )
    got = clap.log_mel(torch.from_numpy(samples)).numpy()
    np.testing.assert_allclose(got, 10 * np.log10(np.maximum(expected, 1e-10)).T, atol=1e-3)


def test_the_input_is_that_of_transformers_own_front_end() -> None:
    from transformers import ClapFeatureExtractor

    extractor = ClapFeatureExtractor(frequency_min=50, frequency_max=14_000)
    for seconds in (0.7, 4.0, 10.0):
        samples = noise(seconds)
        quantised = ((samples * 32_767).astype(np.int16) / 32_767).astype(np.float32)
        expected = extractor(quantised, sampling_rate=RATE)["input_features"][0]
        np.testing.assert_allclose(clap.inputs(samples)[0].numpy(), expected, atol=0.02)


@pytest.mark.parametrize("seconds", [0.01, 3.0, 10.0, 10.005])
def test_up_to_ten_seconds_there_is_one_input_of_four_equal_channels(seconds: float) -> None:
    fed = clap.inputs(noise(seconds))
    assert fed.shape == (1, 4, FRAMES, 64)
    assert (fed[0, 0] == fed[0, 3]).all()


@pytest.mark.parametrize("seconds", [10.02, 15.0, 30.0])
def test_above_ten_seconds_fixed_crops_cover_front_middle_and_back(seconds: float) -> None:
    sound = noise(seconds)
    fed = clap.inputs(sound)
    assert fed.shape == (CROPS, 4, FRAMES, 64)
    torch.testing.assert_close(fed, clap.inputs(sound))
    whole = clap.log_mel(torch.from_numpy(np.trunc(np.clip(sound, -1, 1) * 32_767).astype(np.float32) / 32_767))
    for one in fed:
        places = [
            next(s for s in range(len(whole) - FRAMES + 1) if torch.allclose(whole[s : s + FRAMES], crop))
            for crop in one[1:]
        ]
        assert places == sorted(places)
        span = len(whole) - FRAMES + 1
        assert all(k * span // 3 - 2 <= place <= (k + 1) * span // 3 + 2 for k, place in enumerate(places))


def test_short_sounds_are_repeated_and_then_padded() -> None:
    fed = clap.inputs(noise(4.0))[0, 0]
    torch.testing.assert_close(fed[2:398], fed[402:798], atol=0.05, rtol=0)  # two repetitions fit
    assert (fed[805:] == -100).all()


def test_embeddings_are_of_unit_length_and_do_not_depend_on_the_batch(audio_encoder: ClapAudio) -> None:
    sounds = [noise(0.3, 1), tone(500, 12.0, RATE), noise(11.0, 2), *(noise(0.2, s) for s in range(3, 12))]
    together = audio_encoder.embed(sounds)
    assert together.shape == (12, 64)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(together, audio_encoder.embed(sounds))
    np.testing.assert_allclose(together, np.concatenate([audio_encoder.embed([s]) for s in sounds]), atol=1e-4)
    assert np.linalg.norm(together[0] - together[1]) > 0.05


def test_a_long_sound_is_the_mean_over_its_crops(audio_encoder: ClapAudio) -> None:
    sound = noise(15.0)
    with torch.inference_mode():
        mean = audio_encoder._route.embed_audio(clap.inputs(sound), torch.ones(CROPS, dtype=torch.bool)).mean(0).numpy()
    np.testing.assert_allclose(audio_encoder.embed([sound])[0], mean / np.linalg.norm(mean), atol=1e-5)


def test_silence_and_nothing_have_an_embedding(audio_encoder: ClapAudio) -> None:
    out = audio_encoder.embed([np.zeros(RATE, np.float32), np.zeros(0, np.float32)])
    assert np.isfinite(out).all()


def test_samples_are_rounded_to_sixteen_bits_and_clipped(audio_encoder: ClapAudio) -> None:
    sound = noise(1.0)
    rounded = (np.trunc(sound * 32_767) / 32_767).astype(np.float32)
    np.testing.assert_allclose(audio_encoder.embed([sound]), audio_encoder.embed([rounded]), atol=1e-4)
    torch.testing.assert_close(clap.inputs(50 * sound), clap.inputs(np.clip(50 * sound, -1, 1)))


def test_texts_have_unit_length_whatever_shares_the_batch(reader: ClapText) -> None:
    texts = ["rain on a tent", "", "a dog", *(f"sound {i}" for i in range(9)), "long " * 200]
    together = reader.embed(texts)
    assert together.shape == (13, 64)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(together, np.concatenate([reader.embed([t]) for t in texts]), atol=1e-5)


def test_both_kinds_load_from_the_folder_that_is_named(tiny_clap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BSTVIZ_CLAP", str(tiny_clap))
    monkeypatch.setattr(clap, "util", types.SimpleNamespace(find_spec=lambda name: None))
    for_audio, for_text = load_audio_encoder("clap"), load_text_encoder("clap")
    assert for_audio.info == for_text.info == EncoderInfo("clap", clap.REVISION, 64)
    assert for_audio.info.via.startswith("transformers ")
    assert "via transformers" in str(for_audio.info)
    assert for_audio.rate == 48_000


def test_the_way_is_recorded_in_the_collection_and_no_part_of_its_identity(
    tmp_path: Path, collection: Collection
) -> None:
    from dataclasses import replace

    from bstviz.datasets.collection import load_collection

    info = replace(collection.audio_encoder, via="laion-clap 1.1.7")  # type: ignore[type-var]
    saved = load_collection(replace(collection, audio_encoder=info).save(tmp_path / "c"))
    assert saved.audio_encoder is not None
    assert saved.audio_encoder.via == "laion-clap 1.1.7"
    assert saved.audio_encoder == collection.audio_encoder


def test_a_tokenizer_of_another_size_is_refused(tmp_path: Path) -> None:
    write_tokenizer(tmp_path, tokens=300)
    with pytest.raises(UserError, match=r"has 300 tokens; CLAP's has 50,265"):
        clap.load_tokenizer(tmp_path)


def test_offline_what_is_missing_is_named_with_a_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BSTVIZ_OFFLINE", "1")
    monkeypatch.setenv("BSTVIZ_CACHE", str(tmp_path))
    with pytest.raises(
        UserError, match=r"lacks config\.json, vocab\.json, merges\.txt, model\.safetensors.*offline mode.*BSTVIZ_CLAP"
    ):
        clap.transformers_route(str(clap_weights.weights_folder()), "cpu")
    monkeypatch.setenv("BSTVIZ_CLAP", str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="which is not a folder"):
        load_audio_encoder("clap")


def hub(monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], stated: dict[str, str]) -> list[str]:
    """A model hub with these files, stating these checksums; returns what was downloaded."""
    import huggingface_hub

    fetched: list[str] = []

    def download(repo: str, name: str, *, local_dir: str) -> None:
        fetched.append(name)
        Path(local_dir).mkdir(parents=True, exist_ok=True)
        (Path(local_dir) / name).write_bytes(files[name])

    class Api:
        def model_info(self, repo: str, *, files_metadata: bool) -> types.SimpleNamespace:
            lfs = {n: types.SimpleNamespace(sha256=s) for n, s in stated.items()}
            return types.SimpleNamespace(siblings=[types.SimpleNamespace(rfilename=n, lfs=lfs.get(n)) for n in files])

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.delenv("BSTVIZ_OFFLINE", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return fetched


def test_missing_files_are_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = hashlib.sha256(b"weights").hexdigest()
    fetched = hub(monkeypatch, {"config.json": b"{}", "pytorch_model.bin": b"weights"}, {"pytorch_model.bin": digest})
    clap_weights.need(tmp_path, "some/where", ("config.json",), ("model.safetensors", "pytorch_model.bin"))
    assert fetched == ["config.json", "pytorch_model.bin"]
    clap_weights.need(tmp_path, "some/where", ("config.json", "pytorch_model.bin"))
    assert len(fetched) == 2


def test_a_damaged_download_is_thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub(monkeypatch, {"model.safetensors": b"half"}, {"model.safetensors": "0" * 64})
    with pytest.raises(UserError, match="arrived damaged"):
        clap_weights.need(tmp_path, "some/where", ("model.safetensors",))
    assert not (tmp_path / "model.safetensors").exists()


def test_a_pickle_of_an_unknown_hash_is_opened_only_where_its_owner_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / clap_weights.LAION_FILE
    torch.save({"state_dict": {"module.a": torch.arange(3.0)}}, file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    monkeypatch.setenv(clap_weights.HASH_VARIABLE, "0" * 64)
    with pytest.raises(UserError, match=f"SHA-256 {digest}.*is not opened.*set BSTVIZ_CLAP_SHA256={digest}"):
        clap_weights.laion_state(tmp_path)
    monkeypatch.setenv(clap_weights.HASH_VARIABLE, digest.upper())
    assert clap_weights.laion_state(tmp_path)["a"].tolist() == [0, 1, 2]
    file.unlink()  # once opened, plain tensors are kept
    monkeypatch.delenv(clap_weights.HASH_VARIABLE)
    assert list(clap_weights.laion_state(tmp_path)) == ["a"]


def test_a_cut_clip_and_an_antialiased_one_are_other_embeddings(tiny_clap: Path) -> None:
    route = clap.transformers_route(str(tiny_clap), "cpu")
    sound = noise(25.0)
    plain, smooth = clap.inputs(sound), clap.inputs(sound, antialias=True)
    assert (plain[:, 1:] == smooth[:, 1:]).all()
    assert smooth[0, 0].std() < plain[0, 0].std()  # the mean of 2.5 frames varies less than every other one
    assert torch.equal(clap.inputs(sound[: 10 * RATE]), clap.inputs(sound[: 10 * RATE], antialias=True))
    antialiased = ClapAudio(route, antialias=True)
    assert antialiased.info != ClapAudio(route).info
    assert antialiased.info.preprocessing == Preprocessing(antialias=True)


def test_weights_are_told_apart_whatever_names_them(tiny_clap: Path, tmp_path: Path) -> None:
    same = clap.transformers_route(str(tiny_clap), "cpu").weights_hash
    other = clap.transformers_route(str(write_tiny_clap(tmp_path / "other", seed=1)), "cpu").weights_hash
    assert len(same) == len(other) == 16
    assert same != other
    matrix = torch.eye(3)
    assert (
        clap.hash_of(matrix)
        == clap.hash_of(matrix.double())
        == hashlib.sha256(np.eye(3, dtype="<f4").tobytes()).hexdigest()[:16]
    )
