"""Audio and words pooled, against numbers worked by hand and scipy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from bstviz.datasets.taxonomy import bst, load_taxonomy
from bstviz.inference import pool
from bstviz.inference.classify import ranked
from bstviz.inference.pool import TextModel, gain, held_out_gain, pooled, text_model_beside
from bstviz.models.predict import Prediction
from bstviz.models.run import Run
from tests.fakes import FakeAudioEncoder, FakeTextEncoder

Fakes = tuple[FakeAudioEncoder, FakeTextEncoder]
RNG = np.random.default_rng(0)


def test_a_pool_worked_by_hand() -> None:
    audio, words = np.array([[0.64, 0.36]], np.float32), np.array([[0.04, 0.96]], np.float32)
    square_roots = np.array([0.8 * 0.2, 0.6 * 0.9797959])
    np.testing.assert_allclose(pooled(audio, words, 0.5)[0], square_roots / square_roots.sum(), rtol=1e-5)


def test_the_pool_is_the_softmax_of_the_weighted_logits() -> None:
    logits = RNG.normal(size=(2, 5, 23))
    found = pooled(softmax(logits[0], axis=1), softmax(logits[1], axis=1), 0.3)
    np.testing.assert_allclose(found, softmax(0.7 * logits[0] + 0.3 * logits[1], axis=1), rtol=1e-5)


def test_what_is_learned_later_changes_the_pool_as_it_changes_its_parts() -> None:
    """Externally Bayesian (Genest & Zidek 1986): a likelihood may come before the pool or after it."""
    audio, words, likelihood = RNG.dirichlet(np.ones(23), 4), RNG.dirichlet(np.ones(23), 4), RNG.uniform(0.1, 1, 23)

    def updated(p: np.ndarray) -> np.ndarray:
        return p * likelihood / (p * likelihood).sum(axis=1, keepdims=True)

    np.testing.assert_allclose(
        pooled(updated(audio), updated(words), 0.4), updated(pooled(audio, words, 0.4)), rtol=1e-4
    )


def test_without_words_the_audio_stays_to_the_bit() -> None:
    audio = RNG.dirichlet(np.ones(23), 3).astype(np.float32)
    words = np.full((3, 23), np.nan, np.float32)
    words[1] = 1 / 23
    found = pooled(audio, words, 0.4)
    np.testing.assert_array_equal(found[[0, 2]], audio[[0, 2]])
    assert (found[1] != audio[1]).any()


def test_the_gain_is_that_over_the_class_frequencies() -> None:
    labels = np.array([0, 0, 0, 1])
    frequencies = np.repeat([[0.75, 0.25]], 4, axis=0)
    assert gain(frequencies, labels) == pytest.approx(0)
    entropy = -0.75 * np.log(0.75) - 0.25 * np.log(0.25)
    assert gain(np.eye(2)[labels], labels) == pytest.approx(entropy)
    assert gain(np.zeros((0, 2)), labels[:0]) == 0


def test_weights_follow_the_gains_on_test_sounds_or_the_measured_ones(runs: dict[str, Run]) -> None:
    audio, text = runs["audio"], TextModel(runs["text"])
    heard, read = held_out_gain(audio), held_out_gain(runs["text"])
    tested = audio.sounds["split"] == "test"
    assert heard == pytest.approx(gain(audio.probabilities[tested], audio.y_true[tested]))
    assert text.weight([audio]) == pytest.approx(read / (heard + read))
    assert TextModel(replace(runs["text"], held_out_gain=1.0)).weight([replace(audio, held_out_gain=3.0)]) == 0.25
    assert TextModel(replace(runs["text"], held_out_gain=-0.1)).weight([audio]) == 0


def test_a_measured_gain_is_kept_with_the_run(runs: dict[str, Run], tmp_path: Path) -> None:
    from bstviz.models.run import load_run

    assert load_run(replace(runs["audio"], held_out_gain=1.25).save(tmp_path / "run")).held_out_gain == 1.25
    assert runs["audio"].held_out_gain is None


def test_an_answer_with_words_shows_both_its_parts(runs: dict[str, Run], encoders: Fakes) -> None:
    text, audio = TextModel(runs["text"]), runs["audio"]
    probabilities = RNG.dirichlet(np.ones(23), 1).astype(np.float32)
    answer = ranked(bst(), Prediction(np.zeros((1, 8)), probabilities, np.ones((1, 2))))
    joint = text.join(answer, "title some tags", [audio])
    assert joint.parts is not None
    assert (joint.parts.audio, joint.parts.words) == (answer, "title some tags")
    by_words = text.predict(["title some tags"])
    np.testing.assert_array_equal(joint.parts.by_words.prediction.probabilities, by_words)
    expected = pooled(probabilities, by_words, text.weight([audio]))
    np.testing.assert_array_equal(joint.prediction.probabilities, expected)
    assert joint.second[0].probability == expected[0, bst().top_down(expected)[0]]
    assert text.join(answer, "", [audio]) is answer
    stored = replace(answer, own="s001")
    assert text.join(stored, "title some tags", [audio]) is stored


def test_texts_are_embedded_once_and_empty_ones_not_at_all(runs: dict[str, Run], encoders: Fakes) -> None:
    found = TextModel(runs["text"]).predict(["a dog", "", "a dog", "rain"])
    assert encoders[1].embedded == 2
    np.testing.assert_array_equal(found[0], found[2])
    assert np.isnan(found[1]).all()
    np.testing.assert_allclose(found[[0, 3]].sum(axis=1), 1, atol=1e-5)


def test_the_text_model_stands_beside_audio_models_of_its_classes_only(
    runs: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs["text"].save(tmp_path / "text")
    monkeypatch.setattr(pool, "assets", lambda: tmp_path)
    assert text_model_beside(runs["audio"]) is not None
    assert text_model_beside(runs["both"]) is None
    (tmp_path / "own.csv").write_text("code,parent,name\na,,A\na-a,a,AA\na-b,a,AB\n")
    assert text_model_beside(replace(runs["audio"], taxonomy=load_taxonomy(tmp_path / "own.csv"))) is None
