from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bstviz.datasets.collection import Collection
from bstviz.encoders.base import AudioOrText, Embeddings, Preprocessing
from bstviz.errors import UserError
from bstviz.models.predict import network, network_probabilities, predict
from bstviz.models.run import Run
from bstviz.training.train import train_fold
from tests.fakes import quick, stratified, with_descriptions

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


def test_a_network_alone_is_what_its_latents_say_without_the_datastore(collection: Collection) -> None:
    """What is stored is the blend; what the stored latents say, blended with the datastore's votes, is that again."""
    folds = stratified(collection)
    run = train_fold(collection, folds, 0, quick(modality="both", epochs=2, retrieval=True))
    assert run.datastore is not None
    blended = replace(run, datastore=replace(run.datastore, share=0.3))
    kinds = {kind: given(collection, kind) for kind in run.encoders}
    alone = predict(replace(run, datastore=None), **kinds).probabilities
    np.testing.assert_allclose(network_probabilities(blended), alone, atol=1e-6)
    assert np.abs(predict(blended, **kinds).probabilities - alone).max() > 0.01
    unshared = replace(run, datastore=replace(run.datastore, share=0.0))
    assert network_probabilities(unshared) is unshared.probabilities


@pytest.mark.parametrize("change", [{"id": "clap"}, {"revision": "2"}])
def test_another_encoder_is_refused(runs: Runs, collection: Collection, change: dict[str, str]) -> None:
    audio = given(collection, "audio")
    other = Embeddings(audio.values, replace(audio.encoder, **change))  # type: ignore[arg-type]
    with pytest.raises(UserError, match="not interchangeable") as caught:
        predict(runs["audio"], audio=other)
    assert "fake-audio 1, 16-d" in str(caught.value)
    assert str(other.encoder) in str(caught.value)


def test_sounds_of_another_cut_or_of_other_weights_are_refused(runs: Runs, collection: Collection) -> None:
    audio = given(collection, "audio")
    cut = replace(audio, encoder=replace(audio.encoder, preprocessing=Preprocessing(30.0)))
    with pytest.raises(UserError, match="embeddings of whole sounds; these are of first 30 s"):
        predict(runs["audio"], audio=cut)
    run = runs["audio"]
    known = replace(run, encoders={"audio": replace(audio.encoder, weights_hash="a" * 16)})
    predict(known, audio=audio)  # whose weights are not known
    with pytest.raises(UserError, match=r"with the weights a{16}; these are of b{16}"):
        predict(known, audio=replace(audio, encoder=replace(audio.encoder, weights_hash="b" * 16)))


def test_text_of_other_fields_is_refused(collection: Collection) -> None:
    """Weights trained on one text refuse the other, though the encoder is the same; typed words have no fields."""
    both = with_descriptions(collection)
    run = train_fold(both, stratified(both), 0, quick(modality="text", text="title+tags+description", epochs=2))
    first, own = given(both, "text"), given(both.with_text(run.text), "text")
    np.testing.assert_allclose(predict(run, text=own).probabilities, run.probabilities, atol=1e-6)
    with pytest.raises(UserError, match=r"are of title\+tags\. Embed .* --text-fields title,tags,description"):
        predict(run, text=first)
    typed = Embeddings(own.values, replace(own.encoder, fields=()))
    np.testing.assert_array_equal(predict(run, text=typed).latent, predict(run, text=own).latent)


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
