"""What an experiment predicts for a collection: out of fold where it was trained on it, else the mean of its folds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bstviz.datasets.collection import Collection
from bstviz.encoders.base import Embeddings
from bstviz.errors import UserError
from bstviz.models.predict import predict
from bstviz.models.run import Run
from bstviz.predictions.answers import answers_of, load_setting
from bstviz.training.train import train_folds
from tests.fakes import quick, small_collection, stratified

Runs = dict[str, Run]


@pytest.fixture(scope="module")
def folds(collection: Collection) -> list[Run]:
    return train_folds(collection, stratified(collection, 2), [0, 1], quick(modality="text"))


def test_its_own_collection_is_predicted_out_of_fold(collection: Collection, folds: list[Run]) -> None:
    answers = answers_of(folds, collection)
    assert answers.predictions.sound_ids.tolist() == collection.sounds["sound_id"].tolist()
    for run in folds:
        rows = answers.predictions.rows_of(run.sounds["sound_id"][run.tested])
        np.testing.assert_allclose(answers.predictions.probabilities[rows], run.probabilities[run.tested], rtol=1e-6)
    assert "out-of-fold predictions of 2 runs" in answers.how


def test_a_sound_whose_fold_is_missing_has_no_prediction(collection: Collection, folds: list[Run]) -> None:
    answers = answers_of(folds[:1], collection)
    assert len(answers.predictions) == folds[0].tested.sum()
    assert "24 of 48 sounds have no prediction" in answers.notes[0]


def test_another_collection_gets_the_mean_of_the_folds(folds: list[Run]) -> None:
    other = small_collection(seed=0, name="other")
    sounds = other.sounds.assign(sound_id="x" + other.sounds["sound_id"], **{"class": None})
    other = replace(other, sounds=sounds)
    answers = answers_of(folds, other)
    assert other.text is not None
    assert other.text_encoder is not None
    text = Embeddings(other.text, other.text_encoder)
    expected = np.mean([predict(run, text=text).probabilities for run in folds], axis=0)
    np.testing.assert_allclose(answers.predictions.probabilities, expected, rtol=1e-5)
    assert answers.how == "mean probabilities of 2 runs that were trained on 'small'"
    assert answers.notes == ()


def test_ids_that_it_was_trained_on_in_another_collection_are_said(folds: list[Run]) -> None:
    changed = small_collection(seed=1, name="again")
    assert "48 sounds have ids of sounds that the runs were trained on" in answers_of(folds, changed).notes[0]


def test_of_several_settings_one_has_to_be_chosen(runs: Runs, tmp_path: Path) -> None:
    for run in runs.values():
        run.save(tmp_path / run.id)
    with pytest.raises(UserError, match=r"3 settings; choose one with --setting, of: .*hierarchical-audio-c1"):
        load_setting(tmp_path)
    assert [run.id for run in load_setting(tmp_path, "hierarchical-text-c1")] == [runs["text"].id]
    with pytest.raises(UserError, match="none that begin with 'flat'"):
        load_setting(tmp_path, "flat")
