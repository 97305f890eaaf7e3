from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bstviz.datasets.collection import Collection
from bstviz.encoders.base import AudioOrText
from bstviz.errors import UserError
from bstviz.models.predict import Embeddings, network, predict
from bstviz.models.run import Run

Runs = dict[str, Run]


def given(collection: Collection, kind: AudioOrText) -> Embeddings:
    info = collection.encoder(kind)
    assert info is not None
    return Embeddings(collection.embedding(kind), info)


@pytest.mark.parametrize("modality", ["audio", "text", "both"])
def test_answers_are_those_stored_with_the_run(runs: Runs, collection: Collection, modality: str) -> None:
    run = runs[modality]
    answer = predict(run, **{kind: given(collection, kind) for kind in run.encoders})
    np.testing.assert_allclose(answer.probabilities, run.probabilities, atol=1e-6)
    np.testing.assert_allclose(answer.latent, run.latents, atol=1e-6)
    attention = run.sounds[["attention_audio", "attention_text"]].to_numpy()
    np.testing.assert_allclose(answer.attention, attention, atol=1e-6)


def test_a_kind_that_the_run_does_not_take_is_not_looked_at(runs: Runs, collection: Collection) -> None:
    audio = given(collection, "audio")
    alone = predict(runs["audio"], audio=audio)
    with_text = predict(runs["audio"], audio=audio, text=given(collection, "text"))
    np.testing.assert_array_equal(alone.probabilities, with_text.probabilities)


def test_batches_do_not_change_the_answer(runs: Runs, collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    audio = given(collection, "audio")
    whole = predict(runs["audio"], audio=audio)
    monkeypatch.setattr("bstviz.models.predict.BATCH_ROWS", 7)
    np.testing.assert_allclose(predict(runs["audio"], audio=audio).probabilities, whole.probabilities, atol=1e-6)


def test_a_kept_network_gives_the_same_answer(runs: Runs, collection: Collection) -> None:
    run, audio = runs["audio"], given(collection, "audio")
    kept = network(run)
    assert not kept.training
    np.testing.assert_array_equal(
        predict(run, audio=audio, model=kept).probabilities, predict(run, audio=audio).probabilities
    )


@pytest.mark.parametrize("change", [{"id": "clap"}, {"revision": "2"}])
def test_another_encoder_is_refused(runs: Runs, collection: Collection, change: dict[str, str]) -> None:
    audio = given(collection, "audio")
    other = Embeddings(audio.values, replace(audio.encoder, **change))  # type: ignore[arg-type]
    with pytest.raises(UserError, match="not interchangeable") as caught:
        predict(runs["audio"], audio=other)
    assert "fake-audio 1, 16-d" in str(caught.value)
    assert str(other.encoder) in str(caught.value)


def test_a_missing_modality_is_refused_and_not_replaced_by_zeros(runs: Runs, collection: Collection) -> None:
    with pytest.raises(UserError, match="needs text; for sounds without text choose a run of another modality"):
        predict(runs["both"], audio=given(collection, "audio"))
    with pytest.raises(UserError, match="needs audio"):
        predict(runs["audio"], text=given(collection, "text"))


def test_nan_is_refused(runs: Runs, collection: Collection) -> None:
    audio = given(collection, "audio")
    values = audio.values.copy()
    values[3] = np.nan
    with pytest.raises(UserError, match="no audio embedding"):
        predict(runs["audio"], audio=Embeddings(values, audio.encoder))
