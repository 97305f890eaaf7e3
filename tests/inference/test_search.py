from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from bstviz.datasets.collection import Collection
from bstviz.encoders import clap, registry
from bstviz.encoders.base import EncoderInfo
from bstviz.encoders.clap import ClapAudio, ClapText
from bstviz.errors import UserError
from bstviz.inference.search import search
from bstviz.training.baselines import BaselineConfig, fit_baseline
from bstviz.training.preset import grid_of, load_preset
from bstviz.training.zero_shot import class_vectors, prompts, zero_shot
from tests.fakes import TEXT_DIM, FakeTextEncoder, small_collection, stratified


class SharedWords(FakeTextEncoder):
    """Words in the space of sounds."""

    logit_scale = 30.0


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> tuple[Collection, FakeTextEncoder]:
    """Sounds whose embeddings are those of their class's descriptions, in a space that words share."""
    words = SharedWords()
    words.info = replace(words.info, id="pair")
    monkeypatch.setitem(registry.ENCODERS, ("text", "pair"), lambda device: words)
    collection = small_collection()
    described = class_vectors(prompts(collection.taxonomy), words.embed)[collection.labels]
    noise = 0.01 * np.random.default_rng(0).normal(size=described.shape)
    info = EncoderInfo("pair", "1", TEXT_DIM)
    return replace(collection, audio=(described + noise).astype(np.float32), audio_encoder=info), words


def test_words_find_the_sounds_that_lie_next_to_them(shared: tuple[Collection, FakeTextEncoder]) -> None:
    collection, words = shared
    target = collection.embedding("audio")[20]
    words.embed = lambda texts: np.repeat(target[None], len(texts), 0)  # type: ignore[method-assign]
    found = search(collection, "whatever", k=3)
    assert found.by == "audio"
    assert found.rows[0] == 20
    assert found.similarities[0] == pytest.approx(1, abs=1e-5)
    assert (np.diff(found.similarities) <= 0).all()


def test_without_a_shared_space_the_sounds_words_are_searched(collection: Collection, encoders: object) -> None:
    texts = collection.texts(("title", "tags"))
    embedded = replace(collection, text=FakeTextEncoder().embed(texts))
    found = search(embedded, texts[7], k=1)
    assert found.by == "text"
    assert texts[found.rows[0]].split() == texts[7].split() or found.similarities[0] == pytest.approx(1)


def test_sounds_without_embedding_are_never_found(shared: tuple[Collection, FakeTextEncoder]) -> None:
    collection, _ = shared
    assert collection.audio is not None
    collection.audio[:40] = np.nan
    assert set(search(collection, "dog", k=99).rows) == set(range(40, 48))


def test_what_cannot_be_searched_is_refused(
    collection: Collection, shared: tuple[Collection, FakeTextEncoder], encoders: object
) -> None:
    with pytest.raises(UserError, match="query is empty"):
        search(collection, "  ")
    with pytest.raises(UserError, match="cannot be compared with audio embeddings"):
        search(collection, "dog", by="audio")
    with pytest.raises(UserError, match="--audio-encoder clap"):
        search(replace(collection, text=None, text_encoder=None), "dog")
    newer = replace(shared[0], audio_encoder=EncoderInfo("pair", "2", TEXT_DIM))
    with pytest.raises(UserError, match="embed the collection again"):
        search(newer, "dog")


def test_the_nearest_description_is_the_zero_shot_class(shared: tuple[Collection, FakeTextEncoder]) -> None:
    collection, _ = shared
    probabilities = zero_shot(collection)
    assert probabilities.shape == (48, 23)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (probabilities.argmax(axis=1) == collection.labels).all()
    baseline = fit_baseline(collection, stratified(collection), 0, BaselineConfig("zeroshot", "audio"))
    assert (baseline.metrics["second_accuracy"], baseline.metrics["n"]) == (1, 12)
    assert collection.audio is not None
    collection.audio[0] = np.nan
    assert np.isnan(zero_shot(collection)[0]).all()
    with pytest.raises(UserError, match="zero-shot compares sounds"):
        BaselineConfig("zeroshot", "text")


def test_sweeps_compare_with_zero_shot_where_the_encoder_takes_text(
    shared: tuple[Collection, FakeTextEncoder], collection: Collection
) -> None:
    def zero_shots(of: Collection) -> list[tuple[str, int]]:
        work = grid_of(load_preset("table1"), of)
        return [(b.modality, b.min_confidence) for b in work.baselines if b.method == "zeroshot"]

    assert zero_shots(shared[0]) == [("audio", 1), ("audio", 3), ("audio", 4)]
    assert zero_shots(collection) == []
    newer = replace(shared[0], audio_encoder=EncoderInfo("pair", "2", TEXT_DIM))
    assert zero_shots(newer) == []
    assert any("zeroshot: pair cannot read" in reason for reason in grid_of(load_preset("table1"), newer).left_out)


def test_zero_shot_needs_words_and_sounds_in_one_space(collection: Collection, encoders: object) -> None:
    with pytest.raises(UserError, match="one space"):
        zero_shot(collection)


def test_a_class_is_asked_for_by_name_definition_and_examples(collection: Collection) -> None:
    found = prompts(collection.taxonomy)
    assert len(found) == 23
    animal = collection.taxonomy["fx-a"]
    asked = found[collection.taxonomy.codes.index("fx-a")]
    assert asked == [
        "This is a sound of animals.",
        "Sound effects: Animals.",
        animal.definition,
        animal.examples,
    ]


def test_a_class_vector_is_the_mean_of_its_prompts_at_unit_length() -> None:
    vectors = {"a": [3.0, 0.0], "b": [0.0, 0.5], "c": [-2.0, 0.0]}
    found = class_vectors([["a", "b"], ["c"]], lambda texts: np.array([vectors[text] for text in texts]))
    np.testing.assert_allclose(found, [[0.5**0.5, 0.5**0.5], [-1, 0]])


def test_clap_itself_searches_and_classifies_by_its_own_logit_scale(
    tiny_clap: Path, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clap, "load_route", lambda device: clap.transformers_route(str(tiny_clap), device))
    audio_encoder, text_encoder = ClapAudio(clap.load_route("cpu")), ClapText(clap.load_route("cpu"))
    sounds = audio_encoder.embed([np.random.default_rng(i).normal(0, 0.1, 9_600).astype(np.float32) for i in range(48)])
    embedded = replace(collection, audio=sounds, audio_encoder=audio_encoder.info)
    found = search(embedded, "rain on a tent", k=5)
    np.testing.assert_allclose(
        found.similarities, np.sort(sounds @ text_encoder.embed(["rain on a tent"])[0])[::-1][:5], atol=1e-5
    )
    asked = np.stack([text_encoder.embed(texts).mean(axis=0) for texts in prompts(collection.taxonomy)])
    cosine = sounds @ asked.T / np.linalg.norm(asked, axis=1)
    assert text_encoder.logit_scale == pytest.approx(1 / 0.07, rel=1e-3)  # of weights that were never trained
    np.testing.assert_allclose(zero_shot(embedded), softmax(cosine / 0.07, axis=1), atol=1e-4)
    baseline = fit_baseline(embedded, stratified(embedded), 1, BaselineConfig("zeroshot", "audio"))
    test = stratified(embedded).assignment == 1
    right = cosine.argmax(axis=1) == embedded.labels
    assert baseline.metrics["second_accuracy"] == pytest.approx(right[test].mean())


def test_words_of_other_weights_are_not_compared_with_sounds(shared: tuple[Collection, FakeTextEncoder]) -> None:
    collection, words = shared
    assert collection.audio_encoder is not None
    words.info = replace(words.info, weights_hash="a" * 16)
    assert search(collection, "dog").by == "audio"
    other = replace(collection, audio_encoder=replace(collection.audio_encoder, weights_hash="b" * 16))
    with pytest.raises(UserError, match=r"of the weights b{16} and a{16}"):
        search(other, "dog")
