"""The two ways to CLAP on the same random weights: laion-clap's own code, and transformers by the front end here."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from streamlit.testing.v1 import AppTest

from bstviz import paths
from bstviz.datasets.collection import load_collection
from bstviz.encoders import clap, clap_weights
from bstviz.encoders.base import Preprocessing
from bstviz.encoders.clap import RATE, ClapAudio, ClapText
from bstviz.training.train import train_fold
from tests.cli.conftest import invoke
from tests.fakes import quick, small_collection, stratified
from tests.tiny_clap import write_tokenizer
from tests.ui.conftest import seen

pytestmark = pytest.mark.clap
TEXTS = ["rain on a tent", "", "a dog barks", "violin " * 100]


def renamed(name: str) -> str | None:
    """Name in transformers of a parameter of laion-clap; None where it has none."""
    if re.search(
        r"spectrogram_extractor|logmel_extractor|audio_transform|text_transform|tscam_conv|head\.",
        name,
    ):
        return None
    projection = re.fullmatch(r"(audio|text)_projection\.(0|2)\.(weight|bias)", name)
    if projection:
        return f"{projection[1]}_projection.linear{1 if projection[2] == '0' else 2}.{projection[3]}"
    for old, new in (
        ("text_branch", "text_model"),
        ("audio_branch", "audio_model.audio_encoder"),
        ("attn.proj", "attention.output.dense"),
        ("attn.relative_position", "attention.self.relative_position"),
        ("mlp.fc1", "intermediate.dense"),
        ("mlp.fc2", "output.dense"),
        ("norm1", "layernorm_before"),
        ("norm2", "layernorm_after"),
        ("bn0", "batch_norm"),
    ):
        name = name.replace(old, new)
    return name


def translated(state: dict[str, torch.Tensor], known: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """laion-clap's parameters under transformers' names."""
    out = {}
    for name, value in state.items():
        new = renamed(name)
        if new is None:
            continue
        if ".attn.qkv." in name:  # one matrix there, three here
            stem = new.replace("attn.qkv", "attention.self.{}")
            for part, kind in zip(value.chunk(3), ("query", "key", "value"), strict=True):
                out[stem.format(kind)] = part.contiguous()
            continue
        out[new] = value
    return {name: value for name, value in out.items() if name in known}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same random weights as LAION's checkpoint and as a folder of transformers."""
    from transformers import ClapConfig, ClapModel

    laion, hugging = (tmp_path_factory.mktemp(name) for name in ("laion", "hugging"))
    for folder in (laion, hugging):
        write_tokenizer(folder)
    torch.manual_seed(0)
    with clap._without_hub():
        import laion_clap

        model = laion_clap.CLAP_Module(enable_fusion=True, device="cpu").model
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1 and "extractor" not in name:
                parameter.normal_(0, 0.05)
    state = {f"module.{k}": v for k, v in model.state_dict().items()}
    file = laion / clap_weights.LAION_FILE
    torch.save({"epoch": 1, "name": "random", "state_dict": state}, file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(clap_weights.HASH_VARIABLE, hashlib.sha256(file.read_bytes()).hexdigest())
        clap_weights.laion_state(laion)
    config = ClapConfig()
    config.audio_config.enable_fusion = True
    config.audio_config.patch_embeds_hidden_size = 96
    other = ClapModel(config)
    known = other.state_dict()
    moved = translated(model.state_dict(), known)
    missing = {
        n
        for n in known
        if n not in moved
        and not n.endswith(("position_ids", "token_type_ids", "num_batches_tracked", "relative_position_index"))
    }
    assert missing == set(), sorted(missing)[:20]
    other.load_state_dict(moved, strict=False)
    other.save_pretrained(hugging)
    return laion, hugging


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE)
    return (
        0.2 * rng.normal(size=n) * np.linspace(0, 1, n) + 0.3 * np.sin(np.arange(n) * rng.uniform(0.01, 0.3))
    ).astype(np.float32)


@pytest.fixture(scope="module")
def embedded(folders: tuple[Path, Path]) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    clips = [noise(seconds, i) for i, seconds in enumerate((0.5, 3.0, 7.3, 10.0, 12.0, 31.0))]
    routes = clap.laion_route(str(folders[0]), "cpu"), clap.transformers_route(str(folders[1]), "cpu")
    return ClapAudio(routes[0]).embed(clips), ClapAudio(routes[1]).embed(clips), clips


def test_the_package_is_the_way_that_is_taken(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BSTVIZ_CLAP", str(folders[0]))
    assert clap.load_audio().info.via == "laion-clap 1.1.7"


def test_both_ways_give_the_same_embeddings(embedded: tuple[np.ndarray, np.ndarray, list]) -> None:
    package, transformers, clips = embedded
    cosine = (package * transformers).sum(axis=1)
    print("cosine of the two ways:", dict(zip([len(c) / RATE for c in clips], cosine.round(6).tolist(), strict=True)))
    assert (cosine >= 0.999).all()
    between = package @ package.T
    assert between[np.triu_indices(len(clips), 1)].min() < 0.999  # clips differ at all


def test_up_to_ten_seconds_the_packages_own_preprocessing_gives_the_same(
    folders: tuple[Path, Path], embedded: tuple[np.ndarray, np.ndarray, list]
) -> None:
    from safetensors.torch import load_file

    with clap._without_hub():
        import laion_clap

        own = laion_clap.CLAP_Module(enable_fusion=True, device="cpu")
    own.model.load_state_dict(load_file(folders[0] / f"{clap.REVISION}.safetensors"), strict=False)
    _, ours, clips = embedded
    np.random.seed(0)
    theirs = np.concatenate([own.get_audio_embedding_from_data([clip]) for clip in clips])
    cosine = (theirs * ours).sum(axis=1)
    print("cosine with the package's preprocessing:", cosine.round(6).tolist())
    assert (cosine[:4] >= 0.999).all()
    assert (
        cosine[4:] >= 0.9
    ).all()  # one draw of random crops there, four fixed sets here; the shrunk picture is smoothed there


def test_both_ways_read_the_same(folders: tuple[Path, Path]) -> None:
    package = ClapText(clap.laion_route(str(folders[0]), "cpu")).embed(TEXTS)
    transformers = ClapText(clap.transformers_route(str(folders[1]), "cpu")).embed(TEXTS)
    assert ((package * transformers).sum(axis=1) >= 0.999).all()


def test_either_way_the_weights_and_their_logit_scale_are_the_same(folders: tuple[Path, Path]) -> None:
    package, transformers = clap.laion_route(str(folders[0]), "cpu"), clap.transformers_route(str(folders[1]), "cpu")
    assert package.weights_hash == transformers.weights_hash
    assert package.logit_scale == pytest.approx(transformers.logit_scale)


def test_the_package_shrinks_a_long_clip_as_we_do_with_antialiasing() -> None:
    from laion_clap.training.data import get_audio_features

    with clap._without_hub():
        import laion_clap

        settings = laion_clap.CLAP_Module(enable_fusion=True, device="cpu").model_cfg["audio_cfg"]
    sound = noise(25.0)
    quantised = torch.from_numpy((np.clip(sound, -1, 1) * 32_767).astype(np.int16).astype(np.float32) / 32_767)
    theirs = get_audio_features({}, quantised, 480_000, "fusion", "repeatpad", settings)["mel_fusion"][0]
    rms = {
        way: float((clap.inputs(sound, antialias=way)[0, 0] - theirs).square().mean().sqrt()) for way in (True, False)
    }
    print("rms difference of the shrunk spectrogram in dB, antialiased and not:", rms)
    assert rms[True] < 0.01 < rms[False]


@pytest.fixture(scope="module")
def ten_sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collection of ten sounds of different lengths, of two classes, without embeddings."""
    folder = tmp_path_factory.mktemp("ten")
    rows = []
    for i, seconds in enumerate((0.4, 1.0, 2.5, 5.0, 9.9, 10.0, 10.5, 15.0, 29.0, 33.0)):
        soundfile.write(folder / f"{i}.wav", noise(seconds, i), RATE)
        rows.append((f"{i}", f"{i}.wav", ("fx-a", "m-m")[i % 2], f"sound {i}", "loud, old"))
    pd.DataFrame(rows, columns=["sound_id", "path", "class", "title", "tags"]).to_csv(folder / "t.csv", index=False)
    result = invoke("import", "table", folder / "t.csv", "--audio", folder, "--out", folder / "c")
    assert result.exit_code == 0, result.output
    return folder / "c"


def test_embed_makes_the_same_collection_by_either_way(
    folders: tuple[Path, Path], ten_sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {}
    for way, folder in zip(("laion-clap", "transformers"), folders, strict=True):
        copy = Path(shutil.copytree(ten_sounds, tmp_path / way / "c"))
        monkeypatch.setenv(clap_weights.FOLDER_VARIABLE, str(folder))
        if way == "transformers":
            monkeypatch.setattr(clap, "util", types.SimpleNamespace(find_spec=lambda name: None))
        encoders = ("--audio-encoder", "clap", "--text-encoder", "clap", "--text-fields", "title,tags")
        result = invoke("embed", copy, *encoders, "--max-seconds", 30)
        assert result.exit_code == 0, result.output
        assert f"first 30 s, via {way} " in " ".join(result.output.split())
        found[way] = load_collection(copy)
        checked = invoke("check-encoder", copy)
        assert (checked.exit_code, checked.stdout.count("same: ")) == (0, 2), checked.output
    package, transformers = found.values()
    assert package.encoders == transformers.encoders
    for kind in ("audio", "text"):
        cosine = (package.embedding(kind) * transformers.embedding(kind)).sum(axis=1)
        print(f"cosine of {kind} by the two ways:", cosine.round(6).tolist())
        assert (cosine >= 0.999).all()


def test_the_page_classifies_by_the_package(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(clap_weights.FOLDER_VARIABLE, str(folders[0]))
    made_by = clap.load_audio().info
    vectors = np.random.default_rng(0).normal(size=(48, made_by.dim)).astype(np.float32)
    cut = replace(made_by, preprocessing=Preprocessing(max_seconds=30.0))
    collection = replace(small_collection(), audio=vectors, audio_encoder=cut)
    run = train_fold(collection, stratified(collection, 2), 0, quick(modality="audio"))
    run.save(tmp_path / "runs" / run.id)
    monkeypatch.setenv(paths.EXPERIMENTS_VARIABLE, str(tmp_path / "runs"))
    app = AppTest.from_file(str(Path(__file__).parents[2] / "app.py"), default_timeout=300).run()
    app = app.switch_page("pages/classify.py").run()
    buffer = io.BytesIO()
    soundfile.write(buffer, noise(12.0, 99), RATE, format="WAV")
    app.file_uploader(key="classify.files").set_value([("new.wav", buffer.getvalue(), "audio/wav")]).run()
    assert not app.exception
    shown = seen(" ".join(caption.value for caption in app.caption))
    assert "Embedded via laion-clap 1.1.7" in shown
    assert "(first 30 s)" in shown
