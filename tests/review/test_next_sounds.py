"""Which sounds to label next: hand-worked scores, spread, and a queue that heeds labels and decisions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist, jensenshannon

from bstviz.datasets.collection import Collection
from bstviz.datasets.taxonomy import bst
from bstviz.errors import UserError
from bstviz.inference.explore import run_inference
from bstviz.models.run import Run, load_run
from bstviz.review.acts import decide
from bstviz.review.decisions import Record, read_record
from bstviz.review.label_quality import judging_runs
from bstviz.review.next_sounds import labelling_queue, next_sounds
from bstviz.training.train import train_fold
from tests.fakes import quick, small_collection, stratified

C = len(bst().codes)


def answers(n: int, models: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(C, 0.2), (models, n)).astype(np.float32)


def circle(n: int) -> np.ndarray:
    angles = 2 * np.pi * np.arange(n) / n
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_scores_are_those_worked_out_by_hand() -> None:
    models = np.zeros((2, 2, C), np.float32)
    models[:, 0, 0] = 1  # both sure of the same
    models[0, 1, 1] = models[1, 1, 2] = 1  # each sure of another: no margin, no class shared
    chosen = next_sounds(circle(2), models, np.arange(2), np.array([], int), count=2)
    assert chosen.rows.tolist() == [1, 0]
    np.testing.assert_allclose(chosen.uncertainty, [1, 0], atol=1e-6)
    np.testing.assert_allclose(chosen.disagreement, [1, 0], atol=1e-6)
    np.testing.assert_allclose(chosen.scores, [1, 0], atol=1e-6)
    assert chosen.novelty.tolist() == [0, 0]  # nothing is labelled


def test_disagreement_is_the_squared_jensen_shannon_distance_in_bits() -> None:
    models = answers(40)
    chosen = next_sounds(circle(40), models, np.arange(40), np.array([], int), count=40)
    expected = jensenshannon(models[0].astype(float), models[1].astype(float), base=2, axis=1) ** 2
    np.testing.assert_allclose(chosen.disagreement, expected[chosen.rows], atol=1e-5)
    two = np.sort(models.mean(axis=0), axis=1)[:, -2:]
    np.testing.assert_allclose(chosen.uncertainty, (1 - (two[:, 1] - two[:, 0]))[chosen.rows], atol=1e-6)


def test_novelty_ranks_the_distance_to_the_nearest_labelled_sound() -> None:
    vectors = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
    labelled, open_ = np.arange(10), np.arange(10, 60)
    chosen = next_sounds(vectors, answers(60), open_, labelled, count=50)
    away = cdist(vectors[open_], vectors[labelled], "cosine").min(axis=1)
    assert open_[away.argsort()].tolist() == chosen.rows[chosen.novelty.argsort()].tolist()
    assert (chosen.novelty.min(), chosen.novelty.max()) == (0, 1)


def test_a_batch_takes_one_of_each_heap_of_equally_doubtful_sounds() -> None:
    rng = np.random.default_rng(0)
    heap = np.repeat(np.arange(4), 25)
    vectors = np.eye(4, dtype=np.float32)[heap] + 0.01 * rng.normal(size=(100, 4)).astype(np.float32)
    models = np.full((1, 100, C), 1 / C, np.float32)
    chosen = next_sounds(vectors, models, np.arange(100), np.array([], int), count=4)
    assert sorted(heap[chosen.rows]) == [0, 1, 2, 3]
    assert chosen.stands_for.tolist() == [25, 25, 25, 25]
    assert "stands for 25 sounds like it" in chosen.reason(0, bst())


def test_without_models_and_labels_the_clusters_choose() -> None:
    heap = np.repeat(np.arange(3), 30)
    vectors = np.eye(3, dtype=np.float32)[heap]  # of each heap all alike
    chosen = next_sounds(vectors, np.empty((0, 90, C), np.float32), np.arange(90), np.array([], int), count=3)
    assert sorted(heap[chosen.rows]) == [0, 1, 2]


def test_alike_sounds_fill_the_batch_and_none_comes_twice() -> None:
    vectors = np.ones((50, 3), np.float32)
    chosen = next_sounds(vectors, answers(50), np.arange(50), np.array([], int), count=10)
    assert len(set(chosen.rows.tolist())) == 10
    none = next_sounds(vectors, answers(50), np.array([], int), np.arange(50), count=10)
    assert len(none) == 0


def test_the_same_seed_gives_the_same_sounds() -> None:
    vectors = np.random.default_rng(1).normal(size=(500, 8)).astype(np.float32)
    one, two = (next_sounds(vectors, answers(500), np.arange(500), np.arange(20), count=20, seed=3) for _ in range(2))
    assert one.rows.tolist() == two.rows.tolist()
    assert sorted(one.scores, reverse=True) == one.scores.tolist()


@pytest.fixture(scope="module")
def half() -> Collection:
    """A collection of which every second sound has no class."""
    whole = small_collection(per_class=12)
    classes = whole.sounds["class"].where(np.arange(len(whole)) % 2 == 0)
    return replace(whole, sounds=whole.sounds.assign(**{"class": classes}))


@pytest.fixture(scope="module")
def trained(half: Collection) -> list[Run]:
    return [train_fold(half, stratified(half), 0, quick(loss=loss)) for loss in ("hierarchical", "flat")]


def test_a_queue_holds_sounds_without_class_and_decided_ones_leave_it(
    half: Collection, trained: list[Run], tmp_path: Path
) -> None:
    queue = labelling_queue(trained, half, Record(), count=5)
    assert queue.among == "unlabelled" and queue.open_count == len(half) // 2
    assert len(queue.names) == 2
    table = queue.table()
    assert table["sound_id"].tolist() == queue.ids.tolist()
    assert half.sounds.set_index("sound_id").loc[table["sound_id"], "class"].isna().all()
    record = tmp_path / "record.jsonl"
    decided = str(queue.ids[0])
    decide(record, half.hash, sound_id=decided, old=None, new=None, why="unsure", by="me")
    after = labelling_queue(trained, half, read_record(record, half.hash), count=1_000)
    assert decided not in after.ids and after.open_count == queue.open_count - 1


def test_runs_that_answered_for_a_library_disagree(half: Collection, trained: list[Run], tmp_path: Path) -> None:
    sounds = half.sounds.assign(**{"sound_id": "new" + half.sounds["sound_id"], "class": pd.Series(dtype="str")})
    library = replace(half, name="library", sounds=sounds)
    answers = [run_inference(load_run(run.save(tmp_path / run.id)), library) for run in trained]
    runs = [run for own in judging_runs(answers) for run in own]
    queue = labelling_queue(runs, library, Record(), count=20)
    assert len(queue.names) == 2
    assert queue.sounds.disagreement.any()


def test_labelled_sounds_are_judged_by_models_that_did_not_learn_from_them(
    half: Collection, trained: list[Run]
) -> None:
    queue = labelling_queue(trained, half, Record(), count=1_000, among="labelled")
    held_out = trained[0].sounds["sound_id"][trained[0].held_out & (trained[0].y_true >= 0)]
    assert set(queue.ids) == set(held_out)


def test_a_queue_of_nothing_says_so(half: Collection, trained: list[Run], runs: dict[str, Run]) -> None:
    whole = replace(
        trained[0], sounds=trained[0].sounds.assign(y_true=pd.Series("fx-a", index=trained[0].sounds.index))
    )
    with pytest.raises(UserError, match="None of the sounds without a class"):
        labelling_queue([whole], None, Record(), among="unlabelled")
    with pytest.raises(UserError, match="one collection"):
        labelling_queue([trained[0], runs["audio"]], None, Record())
    with pytest.raises(UserError, match="no run"):
        labelling_queue([], None, Record())
