from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from bstviz.audio.sound import resample
from bstviz.datasets import table
from bstviz.datasets.collection import Collection, load_collection
from bstviz.encoders import clap
from bstviz.encoders.base import Preprocessing
from bstviz.encoders.registry import load_audio_encoder
from bstviz.errors import UserError
from bstviz.inference.embed import embed_collection
from bstviz.latent import encoder_check
from bstviz.latent.encoder_check import EncoderCheck, check_encoder, checked

LENGTHS = (0.5, 3.0, 7.0, 9.0, 12.0, 15.0, 20.0, 33.0)  # seconds
FIELDS = ("title", "tags", "description")


def recording(seed: int, seconds: float) -> np.ndarray:
    """Noise (n,) at 8 kHz that swells and is never the same twice, so that crops and cuts of it differ."""
    rng = np.random.default_rng(seed)
    n = round(8_000 * seconds)
    tones = [np.sin(np.arange(n) * rng.uniform(0.02, 2.5) + rng.uniform(0, 6)) for _ in range(3)]
    return (np.linspace(0.01, 0.5, n) ** 2 * (np.sum(tones, axis=0) + rng.normal(size=n))).astype(np.float32)


@pytest.fixture(scope="module")
def embedded(tiny_clap: Path, tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Eight recordings of different lengths and their words, embedded by a small CLAP from 30 s of each."""
    folder = tmp_path_factory.mktemp("check")
    for i, seconds in enumerate(LENGTHS):
        soundfile.write(folder / f"s{i}.wav", recording(i, seconds), 8_000)
    words = [(f"s{i}", f"s{i}.wav", f"thing {i}", "loud, old", f"It is sound number {i} of all") for i in range(8)]
    pd.DataFrame(words, columns=["sound_id", "path", *FIELDS]).to_csv(folder / "t.csv", index=False)
    table.load(folder / "t.csv", audio_folder=folder).save(folder / "c")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clap, "load_route", lambda device: clap.transformers_route(str(tiny_clap), device))
        embed_collection(
            folder / "c", audio_encoder="clap", text_encoder="clap", preprocessing=Preprocessing(max_seconds=30.0)
        )
    return load_collection(folder / "c")


@pytest.fixture(autouse=True)
def small_route(tiny_clap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clap, "load_route", lambda device: clap.transformers_route(str(tiny_clap), device))


def made_otherwise(collection: Collection, preprocessing: Preprocessing, inputs: Callable | None = None) -> Collection:
    """The collection with audio embeddings of other preprocessing, or other inputs of the network, under its name."""
    encoder = load_audio_encoder("clap", preprocessing=preprocessing)
    clips = [collection.load_audio(row)[0] for row in range(len(collection))]
    with pytest.MonkeyPatch.context() as patch:
        if inputs is not None:
            patch.setattr(clap, "inputs", inputs)
        vectors = np.concatenate([encoder.embed([resample(clip, 8_000, encoder.rate)]) for clip in clips])
    return replace(collection, audio=vectors)


def sizes(found: EncoderCheck) -> dict[str, float]:
    return {row["size"]: row["worst"] for row in found.by_size()}


def test_vectors_made_here_are_the_same(embedded: Collection) -> None:
    found, unchecked = checked(embedded)
    assert unchecked == {}
    assert [(one.kind, one.verdict, one.passed) for one in found] == [("audio", "same", True), ("text", "same", True)]
    assert all(f"{row['worst']:.3f}" == "1.000" for one in found for row in one.by_size())
    assert list(sizes(found[0])) == ["all", "up to 10 s", "10 to 30 s", "over 30 s"]
    assert found[0].stated()["cosines"].keys() == set(embedded.sounds["sound_id"])


def test_shuffled_rows_are_told_from_another_encoder(embedded: Collection) -> None:
    assert embedded.audio is not None
    found = check_encoder(replace(embedded, audio=np.roll(embedded.audio, 1, axis=0)), "audio")
    assert (found.verdict, found.passed) == ("other rows", False)
    strange = np.random.default_rng(0).normal(size=embedded.audio.shape).astype(np.float32)
    assert check_encoder(replace(embedded, audio=strange), "audio").verdict == "other encoder"


@pytest.mark.parametrize(
    ("made", "words"),
    [(Preprocessing(max_seconds=10.0), "first 10 s"), (Preprocessing(30.0, antialias=True), "first 30 s, antialiased")],
)
def test_another_cut_or_antialiasing_is_named(
    embedded: Collection, made: Preprocessing, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder_check, "SAME", 0.99999)  # so small a network barely sees the antialiasing
    found = check_encoder(made_otherwise(embedded, made), "audio")
    assert (found.verdict, found.passed) == ("other preprocessing", False)
    assert f"Embedded from {words}, the vectors are the same" in found.reason
    assert sizes(found)["up to 10 s"] > 0.99999


def test_other_crops_differ_for_long_sounds_only(embedded: Collection) -> None:
    front = clap.inputs

    def first_set(sound: np.ndarray, *, antialias: bool) -> object:
        return front(sound, antialias=antialias)[:1].expand(2, -1, -1, -1) if len(front(sound)) > 1 else front(sound)

    other = made_otherwise(embedded, Preprocessing(max_seconds=30.0), first_set)
    found = check_encoder(other, "audio")
    assert (found.verdict, found.passed) == ("other crops", False)
    assert sizes(found)["up to 10 s"] > 0.9995 > sizes(found)["10 to 30 s"]
    assert other.audio_encoder is not None
    drawn = replace(other, audio_encoder=replace(other.audio_encoder, crops="one random set"))
    assert check_encoder(drawn, "audio").verdict in ("same but for crops", "other crops")


def test_another_way_to_join_words_is_named(embedded: Collection) -> None:
    encoder = clap.load_text()
    made = encoder.embed(embedded.texts(FIELDS, "{tags} {title} {description}"))
    found = check_encoder(replace(embedded, text=made), "text")
    assert found.verdict == "other preprocessing"
    assert "Joined as '{tags} {title} {description}', the vectors are the same" in found.reason


def test_few_sounds_are_drawn_from_every_length_and_alike_by_seed(embedded: Collection) -> None:
    few = check_encoder(embedded, "audio", sounds=3, seed=1)
    assert np.digitize(few.sizes, (10, 30), right=True).tolist() == [0, 1, 2]
    assert few.ids == check_encoder(embedded, "audio", sounds=3, seed=1).ids


def test_what_cannot_be_checked_is_said(embedded: Collection) -> None:
    found, unchecked = checked(replace(embedded, audio_root=None))
    assert [one.kind for one in found] == ["text"]
    assert "audio here" in unchecked["audio"]
    with pytest.raises(UserError, match="can be checked"):
        checked(replace(embedded, audio_root=None), by="audio")


def test_other_weights_are_not_compared(embedded: Collection) -> None:
    assert embedded.audio_encoder is not None
    other = replace(embedded, audio_encoder=replace(embedded.audio_encoder, weights_hash="0" * 16))
    with pytest.raises(UserError, match="of the weights 0000000000000000"):
        check_encoder(other, "audio")
