"""Label quality: hand-worked scores, and planted wrong labels that come first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from bstviz import paths
from bstviz.datasets.taxonomy import bst
from bstviz.errors import UserError
from bstviz.evaluation.out_of_fold import pool
from bstviz.review import cached, label_quality
from bstviz.review.label_quality import LabelQuality, judging_runs, neighbour_votes, score_labels
from bstviz.training.train import train_folds
from tests.fakes import quick, small_collection, stratified

CLASSES = len(bst().codes)


def spread(**shares: float) -> np.ndarray:
    """Probabilities by class code, with underscores for hyphens."""
    out = np.zeros(CLASSES, np.float32)
    for code, share in shares.items():
        out[bst().codes.index(code.replace("_", "-"))] = share
    return out


@pytest.fixture
def quality() -> LabelQuality:
    """Three sounds labelled Animals: one surely not, one that the models differ on, one right."""
    first = np.stack([spread(fx_a=0.0, fx_v=0.9, ss_n=0.1), spread(fx_a=0.6, ss_n=0.4), spread(fx_a=1.0)])
    second = np.stack([spread(fx_a=0.2, fx_v=0.8), spread(fx_a=0.2, ss_n=0.8), spread(fx_a=0.8, fx_v=0.2)])
    votes = np.stack([spread(fx_a=0.1, fx_v=0.9), spread(fx_a=0.4, ss_n=0.6), spread(fx_a=1.0)])
    label = bst().codes.index("fx-a")
    return LabelQuality(
        np.array(["a", "b", "c"], object),
        np.full(3, label),
        bst(),
        ("one", "two"),
        np.stack([first, second]),
        votes,
        10,
        np.empty((3, 0), object),
    )


def test_probabilities_are_half_the_models_mean_and_half_the_votes(quality: LabelQuality) -> None:
    # sound a: models (0 + .2) / 2 = .1, votes .1 -> label .1; vehicles ((.9 + .8) / 2 + .9) / 2 = .875
    # sound b: models .4, votes .4 -> label .4; nature ((.4 + .8) / 2 + .6) / 2 = .6
    # sound c: models .9, votes 1 -> label .95; vehicles (.1 + 0) / 2 = .05
    np.testing.assert_allclose(quality.scores, [0.1 / 0.975, 0.4, 0.95], rtol=1e-6)
    assert quality.order.tolist() == [0, 1, 2]
    assert [bst().codes[c] for c in quality.suggested] == ["fx-v", "ss-n", "fx-v"]


def test_a_suggestion_may_be_no_single_models_first_choice() -> None:
    models = np.stack([[spread(m_m=0.6, fx_v=0.4)], [spread(is_p=0.6, fx_v=0.4)]])
    quality = LabelQuality(
        np.array(["a"], object),
        np.array([bst().codes.index("ss-n")]),
        bst(),
        ("one", "two"),
        models,
        np.stack([spread(sp_s=0.6, fx_v=0.4)]),
        10,
        np.empty((1, 0), object),
    )
    assert bst().codes[quality.suggested[0]] == "fx-v"


def test_reasons_name_what_each_model_predicts(quality: LabelQuality) -> None:
    assert quality.agree.tolist() == [True, False, True]
    assert quality.reasons(0)[:3] == [
        "one predicts Vehicles (90 %), given label under 1 %",
        "two predicts Vehicles (80 %), given label 20 %",
        "9 of its 10 nearest sounds are labelled Vehicles, 1 with the given label",
    ]
    assert "the models disagree" in quality.reasons(1)
    assert quality.reasons(2)[-1] == "10 of its 10 nearest sounds are labelled Animals"


def test_neighbours_vote_as_scikit_learn_finds_them_and_never_for_themselves() -> None:
    rng = np.random.default_rng(0)
    vectors, labels = rng.normal(size=(60, 5)).astype(np.float32), rng.integers(0, 4, 60)
    rows = np.array([3, 17, 40])
    votes, near = neighbour_votes(vectors, labels, 4, 7, rows)
    found = NearestNeighbors(n_neighbors=8, metric="cosine").fit(vectors).kneighbors(vectors[rows])[1][:, 1:]
    np.testing.assert_array_equal(near, found)
    np.testing.assert_allclose(votes, [np.bincount(labels[f], minlength=4) / 7 for f in found], rtol=1e-6)
    own = labels.copy()
    own[rows[0]] = (labels[rows[0]] + 1) % 4
    np.testing.assert_array_equal(neighbour_votes(vectors, own, 4, 7, rows[:1])[0], votes[:1])


@pytest.fixture(scope="module")
def planted():
    """A small collection with three wrong labels, and the out-of-fold answers of both losses on it."""
    right = small_collection()
    classes = right.sounds["class"].copy()
    wrong = {"s003": "fx-v", "s020": "m-sp", "s041": "is-p"}
    for sound, code in wrong.items():
        classes.iloc[right.row_of[sound]] = code
    collection = replace(right, sounds=right.sounds.assign(**{"class": classes}))
    folds = stratified(collection)
    runs = [
        train_folds(collection, folds, range(folds.count), quick(loss=loss, epochs=15))
        for loss in ("hierarchical", "flat")
    ]
    return right, collection, runs, wrong


def test_planted_wrong_labels_come_first_with_their_true_class(planted) -> None:
    right, collection, runs, wrong = planted
    quality = score_labels([pool(own) for own in runs], collection)
    first = quality.order[: len(wrong)]
    assert set(quality.sound_ids[first]) == set(wrong)
    assert quality.suggested[first].tolist() == [right.labels[right.row_of[s]] for s in quality.sound_ids[first]]
    assert quality.likely_wrong[first].all()
    assert quality.near.shape == (len(quality), 7)  # the square root of 48 sounds
    assert all(quality.sound_ids[i] not in quality.near[i] for i in range(len(quality)))


def test_answers_for_another_version_of_the_collection_are_refused(planted) -> None:
    right, _, runs, _ = planted
    with pytest.raises(UserError, match="as it is now"):
        score_labels([pool(own) for own in runs], right)


def test_runs_that_differ_in_the_loss_alone_judge_labels_together(planted) -> None:
    runs = [run for own in planted[2] for run in own]
    others = [replace(run, train=replace(run.train, min_confidence=3)) for run in runs]
    assert [[run.train.loss for run in own] for own in judging_runs([*others, *runs])] == [
        ["hierarchical"] * 4,
        ["flat"] * 4,
    ]


def test_what_runs_of_both_losses_answered_for_a_library_judges_it_together(planted) -> None:
    hierarchical, flat = planted[2]
    answers = [replace(run, answered_by=f"{run.train.loss} {run.fold}") for run in (*hierarchical, *flat)]
    for like in (None, answers[0]):
        found = judging_runs(answers, like)
        assert [[(run.train.loss, run.fold) for run in own] for own in found] == [
            [("hierarchical", 0)],
            [("flat", 0)],
        ]
    assert judging_runs([*hierarchical, answers[4]]) == [list(hierarchical)]


def test_settings_are_scored_on_the_sounds_that_all_predict_in_the_order_of_the_first(planted) -> None:
    _, collection, runs, _ = planted
    first, second = (pool(own) for own in runs)
    some = second.where(np.arange(len(second)) % 3 != 0)
    there = set(some.sound_ids)
    quality = score_labels([first, some], collection)
    assert quality.sound_ids.tolist() == [sound for sound in first.sound_ids if sound in there]
    at = {sound: i for i, sound in enumerate(some.sound_ids)}
    np.testing.assert_array_equal(quality.models[1], some.probabilities[[at[sound] for sound in quality.sound_ids]])


def test_kept_neighbours_give_the_same_queue(planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, collection, runs, _ = planted
    pooled = [pool(own) for own in runs]
    fresh = score_labels(pooled, collection)
    assert fresh.likely_wrong.any()
    monkeypatch.setenv(paths.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setattr(cached, "LEAST_ROWS", 1)
    assert score_labels(pooled, collection).likely_wrong.any()
    monkeypatch.setattr(label_quality, "neighbour_votes", None)
    monkeypatch.setattr(LabelQuality, "_confident_learning", None)
    again = score_labels(pooled, collection)
    for name in ("order", "scores", "votes", "near", "likely_wrong"):
        np.testing.assert_array_equal(getattr(again, name), getattr(fresh, name))
    others = [replaced.where(np.arange(len(replaced)) > 0) for replaced in pooled]
    with pytest.raises(TypeError, match="not callable"):  # of other sounds others are the neighbours
        score_labels(others, collection)
    monkeypatch.setattr(label_quality, "LIKELY_WRONG_VERSION", label_quality.LIKELY_WRONG_VERSION + 1)
    with pytest.raises(TypeError, match="not callable"):
        assert score_labels(pooled, collection).likely_wrong.any()
    for name in ("SHOWN", "VOTES_VERSION"):
        with monkeypatch.context() as another, pytest.raises(TypeError, match="not callable"):
            another.setattr(label_quality, name, getattr(label_quality, name) + 1)
            score_labels(pooled, collection)
