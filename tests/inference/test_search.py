from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.metrics.pairwise import cosine_similarity

from bstviz.audio import decode
from bstviz.datasets.collection import Collection
from bstviz.encoders import clap, registry
from bstviz.encoders.base import EncoderInfo
from bstviz.encoders.clap import ClapAudio, ClapText
from bstviz.errors import UserError
from bstviz.inference import classify
from bstviz.inference.search import example_scores, joined, matching, search, search_text, top
from bstviz.latent.neighbours import Index
from bstviz.models.run import Run
from bstviz.training.baselines import BaselineConfig, fit_baseline
from bstviz.training.preset import grid_of, load_preset
from bstviz.training.zero_shot import class_vectors, prompts, zero_shot
from tests.fakes import TEXT_DIM, FakeAudioEncoder, FakeTextEncoder, small_collection, stratified, write_tones


class SharedWords(FakeTextEncoder):
    """Words in the space of sounds."""

    logit_scale = 30.0


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> tuple[Collection, FakeTextEncoder]:
    """Sounds whose embeddings are those of their class's descriptions, in a space that words share."""
    words = SharedWords()
    words.info = replace(words.info, id="pair")
    monkeypatch.setitem(registry.ENCODERS, ("text", "pair"), lambda device: words)
    classify._text_encoder.cache_clear()
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
    assert found.scores[0] == pytest.approx(1, abs=1e-5)
    assert (np.diff(found.scores) <= 0).all()


def test_without_a_shared_space_the_sounds_words_are_searched(collection: Collection, encoders: object) -> None:
    texts = collection.texts(("title", "tags"))
    embedded = replace(collection, text=FakeTextEncoder().embed(texts))
    found = search(embedded, texts[7], k=1)
    assert found.by == "text"
    assert texts[found.rows[0]].split() == texts[7].split() or found.scores[0] == pytest.approx(1)


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
    with pytest.raises(UserError, match="neither the id of a sound"):
        search(collection, like=["nobody"])
    with pytest.raises(UserError, match="run: bstviz embed"):
        search(replace(collection, audio=None, audio_encoder=None, text=None, text_encoder=None), like=["s001"])
    newer = replace(shared[0], audio_encoder=EncoderInfo("pair", "2", TEXT_DIM))
    with pytest.raises(UserError, match="embed the collection again"):
        search(newer, "dog")


def test_words_of_no_encoder_are_looked_for_in_title_and_tags(collection: Collection) -> None:
    found = search(replace(collection, text=None, text_encoder=None), "SOME title 4")
    assert (found.by, found.words) == ("substring", "words within title and tags")
    assert collection.sounds["title"].iloc[found.rows].tolist() == [
        "title 4",
        *(f"title {i}" for i in (14, 24, 34)),
        *(f"title {i}" for i in range(40, 46)),
    ]
    assert found.ranked == 12  # 46 and 47 come after the ten


def test_words_are_found_in_title_and_tags_in_any_order_and_case() -> None:
    table = pd.DataFrame({"title": ["Rain & wind", None, "Dog"], "tags": ["farm,loud", "farm,loud", None]})
    texts = search_text(table)
    assert matching(texts, "WIND farm rain").tolist() == [True, False, False]
    assert matching(texts, "loud").tolist() == [True, True, False]
    assert not matching(texts, "(.*").any()
    assert matching(texts, "").all()


def test_a_score_is_the_mean_cosine_to_the_liked_less_that_to_the_others_by_their_share() -> None:
    sounds = np.array([[2, 0], [0, 3], [-1, 0], [1, 1], [0, 0]], np.float32)
    scores = example_scores(Index(sounds), np.array([[5, 0], [0, 1]]), np.array([[-4, 0]]))
    half = 0.5 * (1 + 0)
    share = 1 / 3
    by_hand = [half + share, half, -half - share, 0.5**0.5 * (1 + share), 0]
    np.testing.assert_allclose(scores, by_hand, atol=1e-6)
    unknown = example_scores(Index(np.array([[1, 0], [np.nan, 0]], np.float32)), np.array([[1, 0]]), np.zeros((0, 2)))
    assert unknown.tolist() == [1, -np.inf]


def test_scores_by_words_and_by_examples_count_in_standard_deviations() -> None:
    words = np.array([1, 2, 3, -np.inf], np.float32)
    alike = np.array([-10, 0, 10, 99], np.float32)
    np.testing.assert_allclose(joined([words, alike]), [-(6**0.5), 0, 6**0.5, -np.inf], rtol=1e-6)
    assert joined([alike]) is alike
    held = np.array([1, -np.inf, 1, 1], np.float32)
    assert np.isfinite(joined([held, alike])).tolist() == [True, False, True, True]
    assert np.argmax(joined([held, alike])) == 3


def test_the_best_are_those_of_a_full_sort_without_the_examples() -> None:
    scores = np.random.default_rng(0).normal(size=5_000).astype(np.float32)
    scores[:100] = -np.inf
    best, values = top(scores, 50, without=np.array([int(scores.argmax())]))
    assert best.tolist() == np.argsort(-scores)[1:51].tolist()
    np.testing.assert_array_equal(values, scores[best])
    assert len(top(scores[:103], 50)[0]) == 3


def test_sounds_like_some_and_unlike_others_are_ranked_in_the_space_of_a_run_or_of_embeddings(
    collection: Collection, runs: dict[str, Run]
) -> None:
    run = runs["audio"]
    for space, vectors in ((run, run.latents), (None, collection.embedding("audio"))):
        found = search(collection, like=["s002", "s003"], unlike=["s040"], run=space, k=99)
        cosine = cosine_similarity(vectors)
        expected = cosine[:, 2:4].mean(axis=1) - cosine[:, 40] / 3
        assert set(found.rows) == set(range(48)) - {2, 3, 40}
        np.testing.assert_allclose(found.scores, expected[found.rows], atol=1e-5)
        assert (np.diff(found.scores) <= 0).all()
        assert (found.ranked, found.by) == (48, None)
    assert search(collection, like=["s002"], run=run).space.startswith("the latent space of hierarchical")
    assert search(collection, like=["s002"]).space == "embeddings by fake-audio 1, 16-d"


def test_a_new_sound_is_embedded_as_the_collection_was(
    collection: Collection, runs: dict[str, Run], encoders: object, tmp_path: Path
) -> None:
    (file,) = write_tones(tmp_path, ["m-sp"], 1)["path"]
    embedded = FakeAudioEncoder().embed([decode.load(tmp_path / file)[0]])
    audio = np.array(collection.embedding("audio"))
    audio[11] = 2 * embedded[0]
    there = replace(collection, audio=audio)
    for source in (tmp_path / file, str(tmp_path / file), (tmp_path / file).read_bytes()):
        found = search(there, like=[source], k=1)
        assert found.rows.tolist() == [11]
        assert found.scores[0] == pytest.approx(1, abs=1e-5)
    assert search(there, like=[tmp_path / file], run=runs["audio"], k=3).scores[0] <= 1
    with pytest.raises(UserError, match=r"has no place in the latent space of .*audio model"):
        search(collection, like=[tmp_path / file], run=runs["both"])
    with pytest.raises(UserError, match="does not exist"):
        search(collection, like=[tmp_path / "nothing.wav"])


def test_a_run_for_other_sounds_is_refused(collection: Collection, runs: dict[str, Run]) -> None:
    fewer = replace(collection, sounds=collection.sounds.iloc[:40], audio=None, text=None)
    with pytest.raises(UserError, match="of its 48 sounds 8 are not in"):
        search(fewer, like=["s001"], run=runs["audio"])


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
        found.scores, np.sort(sounds @ text_encoder.embed(["rain on a tent"])[0])[::-1][:5], atol=1e-5
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
