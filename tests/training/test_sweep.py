from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bstviz.datasets.collection import Collection
from bstviz.encoders.base import Embeddings
from bstviz.errors import UserError
from bstviz.jobs.backend import Engine
from bstviz.models.experiment_folder import find_runs
from bstviz.models.predict import predict
from bstviz.models.run import load_run
from bstviz.models.run_info import load_info
from bstviz.training.baselines import find_baselines
from bstviz.training.preset import Grid, SweepPreset, grid_of
from bstviz.training.sweep import Task, open_tasks, run_sweep
from tests.fakes import quick, small_collection, stratified, with_descriptions

GRID = SweepPreset(
    "grid",
    modalities=("audio", "text"),
    min_confidences=(1, 3),
    baselines=("knn",),
    train={"epochs": 2, "min_steps": 0, "batch_size": 8},
)


TEXTS = ["title+tags", "title+tags+description"]


def swept(collection: Collection, out: Path, **options: object) -> list[Task]:
    return list(run_sweep(collection, stratified(collection), grid_of(GRID, collection), out, **options))  # type: ignore[arg-type]


def single(collection: Collection, **changes: object) -> Grid:
    return Grid((quick(epochs=2, **changes),), (), ())


def metrics_of(out: Path) -> dict[str, dict[str, float]]:
    return {path.name: load_info(path).metrics for path in find_runs(out)}


def test_every_run_and_baseline_of_the_grid_is_made(collection: Collection, tmp_path: Path) -> None:
    swept(collection, tmp_path / "x", jobs=1)
    assert len(find_runs(tmp_path / "x")) == 2 * 2 * 2 * 4
    assert len(find_baselines(tmp_path / "x")) == 2 * 2 * 4
    stated = json.loads((tmp_path / "x" / "experiment.json").read_text())
    assert len(stated["settings"]) == 8
    assert stated["folds"]["count"] == 4
    assert stated["collection"] == {"name": "small", "hash": collection.hash}


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_extra_training_data_is_recorded_and_part_of_what_an_experiment_is(
    collection: Collection, tmp_path: Path, jobs: int
) -> None:
    other = small_collection(seed=1, name="other")
    other = replace(other, sounds=other.sounds.assign(sound_id="o" + other.sounds["sound_id"]))
    folds, grid = stratified(collection, 2), grid_of(replace(GRID, min_confidences=(1,)), collection)
    list(run_sweep(collection, folds, grid, tmp_path / "x", extra=[other], jobs=jobs))
    made = [*map(load_info, find_runs(tmp_path / "x")), *find_baselines(tmp_path / "x")]
    assert len(made) == 2 * 2 * 2 + 2 * 2
    assert {item.extra_training_data for item in made} == {("other",)}
    stated = json.loads((tmp_path / "x" / "experiment.json").read_text())
    assert stated["extra_training_data"] == [{"name": "other", "hash": other.hash}]
    for extra in ([], [small_collection(seed=2, name="other")]):
        with pytest.raises(UserError, match=r"other settings \(extra_training_data\)"):
            next(run_sweep(collection, folds, grid, tmp_path / "x", extra=extra, jobs=1))
    silent = replace(other, text=None, text_encoder=None)
    with pytest.raises(UserError, match="'other' has text embeddings of no encoder"):
        next(run_sweep(collection, folds, grid, tmp_path / "y", extra=[silent], jobs=1))
    assert not (tmp_path / "y").exists()


@pytest.mark.slow
def test_processes_give_the_runs_of_one_process(collection: Collection, tmp_path: Path) -> None:
    seen: list[float] = []
    swept(collection, tmp_path / "one", jobs=1)
    tasks = swept(collection, tmp_path / "two", jobs=2, on_progress=lambda index, share: seen.append(share))
    assert len(tasks) == 12
    assert max(seen) == 1
    assert metrics_of(tmp_path / "one") == metrics_of(tmp_path / "two")


def test_a_sweep_goes_on_with_what_is_missing(collection: Collection, tmp_path: Path) -> None:
    started = run_sweep(collection, stratified(collection), grid_of(GRID, collection), tmp_path / "x", jobs=1)
    next(started)
    started.close()
    before = {path.name: path.stat().st_mtime_ns for path in find_runs(tmp_path / "x")}
    assert len(before) == 4
    rest = swept(collection, tmp_path / "x", jobs=1)
    assert sum(len(task.folds) for task in rest) == 44
    assert {name: (tmp_path / "x" / name).stat().st_mtime_ns for name in before} == before
    assert swept(collection, tmp_path / "x") == []


def test_each_text_trains_runs_that_predict_by_their_own_vectors(collection: Collection, tmp_path: Path) -> None:
    both = with_descriptions(collection)
    folds, out = stratified(both, 2), tmp_path / "x"
    plain = {**GRID.train, "retrieval": False}  # with it, training sounds have no vote about themselves
    preset = replace(
        GRID, losses=("flat",), modalities=("text",), min_confidences=(1,), texts=tuple(TEXTS), train=plain
    )
    list(run_sweep(both, folds, grid_of(preset, both), out, jobs=1))
    assert json.loads((out / "experiment.json").read_text())["collection"] == {
        "name": "small",
        "hash": collection.hash,
        "texts": {TEXTS[1]: both.with_text(TEXTS[1]).text_hash},
    }
    names = ["text", "text-title+tags+description"]
    assert {path.name for path in find_runs(out)} == {f"flat-{n}-c1-fold{fold}" for n in names for fold in (0, 1)}
    for run in map(load_run, find_runs(out)):
        own = run.view(both)
        answer = predict(run, text=Embeddings(own.embedding("text"), run.encoders["text"]))
        np.testing.assert_allclose(answer.probabilities, run.probabilities, atol=1e-6)
        assert (run.text == TEXTS[1]) == (run.train.text is not None) == (TEXTS[1] in run.id)
    scores = {b.text: b.metrics["second_accuracy"] for b in find_baselines(out) if b.fold == 0}
    assert set(scores) == set(TEXTS)
    assert scores[TEXTS[0]] > scores[TEXTS[1]]  # the vectors of the second are drowned in noise
    changed = both.having_text(Embeddings(both.further_texts[0].values + 1, both.further_texts[0].encoder))
    with pytest.raises(UserError, match=r"other settings \(collection\)"):
        next(run_sweep(changed, folds, grid_of(preset, changed), out, jobs=1))


def test_what_a_killed_save_left_is_made_again(collection: Collection, tmp_path: Path) -> None:
    folds, work, out = stratified(collection), single(collection), tmp_path / "x"
    list(run_sweep(collection, folds, work, out, jobs=1))
    complete = metrics_of(out)
    first, second, *_ = find_runs(out)
    first.rename(out / f".{first.name}.new-1")  # killed while it was written
    second.rename(out / f".{second.name}.old")  # killed between the two renames
    assert [path.name for path in find_runs(out)] != list(complete)
    (task,) = run_sweep(collection, folds, work, out, jobs=1)
    assert task.folds == (0,)
    assert metrics_of(out) == complete
    assert not list(out.glob(".*"))


def test_folds_become_tasks_of_their_own_only_where_settings_are_few(collection: Collection, tmp_path: Path) -> None:
    folds, one = stratified(collection), single(collection)
    assert [task.folds for task in open_tasks(tmp_path, folds, one, jobs=1)] == [(0, 1, 2, 3)]
    assert [task.folds for task in open_tasks(tmp_path, folds, one, jobs=2)] == [(0, 2), (1, 3)]
    assert [task.folds for task in open_tasks(tmp_path, folds, one, jobs=2, together=False)] == [(0,), (1,), (2,), (3,)]
    grid = open_tasks(tmp_path, folds, grid_of(GRID, collection), jobs=2)
    assert {task.folds for task in grid} == {(0, 1, 2, 3)}
    assert [task.cost for task in grid] == sorted((task.cost for task in grid), reverse=True)


def test_other_settings_in_the_same_folder_are_refused(collection: Collection, tmp_path: Path) -> None:
    folds, work = stratified(collection), single(collection)
    next(run_sweep(collection, folds, work, tmp_path, jobs=1))
    other = replace(collection, sounds=collection.sounds.iloc[::-1].reset_index(drop=True))
    for changed, message in (
        ((collection, folds, single(collection, mixup=0.5)), "settings"),
        ((collection, stratified(collection, seed=1), work), "folds"),
        ((other, folds, work), "collection"),
    ):
        with pytest.raises(UserError, match=rf"other settings \({message}\)"):
            next(run_sweep(*changed, tmp_path, jobs=1))


@pytest.mark.slow
def test_a_failure_in_a_worker_is_reported_to_the_person(collection: Collection, tmp_path: Path) -> None:
    few = replace(collection, sounds=collection.sounds.assign(confidence=1))
    work = Grid(tuple(quick(epochs=2, loss=loss, min_confidence=5) for loss in ("flat", "hierarchical")), (), ())
    with pytest.raises(UserError, match="lower the confidence threshold"):
        list(run_sweep(few, stratified(few), work, tmp_path, jobs=2))


KILLED = """
import sys
from bstviz.datasets.collection import load_collection
from bstviz.training.sweep import run_sweep
from tests.training.test_sweep import GRID, grid_of, stratified
if __name__ == "__main__":
    collection = load_collection(sys.argv[1])
    grid = grid_of(GRID, collection)
    for task in run_sweep(collection, stratified(collection), grid, sys.argv[2], jobs=int(sys.argv[3])):
        pass
"""


@pytest.mark.slow
@pytest.mark.parametrize("kills", [1, pytest.param(5, marks=pytest.mark.long)])
def test_killed_at_random_moments_it_ends_as_an_unbroken_one(
    collection: Collection, tmp_path: Path, kills: int
) -> None:
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    command = [sys.executable, str(script), str(collection.folder), str(tmp_path / "x"), "2"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    moments = random.Random(0)
    for _ in range(kills):
        process = subprocess.Popen(command, env=environment)
        time.sleep(moments.uniform(2.5, 7))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if (tmp_path / "x").is_dir() and any(is_listed(path) for path in (tmp_path / "x").iterdir()):
            assert all(len(load_run(path).sounds) == 48 for path in find_runs(tmp_path / "x"))
    subprocess.run(command, env=environment, check=True)
    swept(collection, tmp_path / "whole", jobs=1)
    assert metrics_of(tmp_path / "x") == metrics_of(tmp_path / "whole")
    assert find_baselines(tmp_path / "x") == find_baselines(tmp_path / "whole")


def is_listed(path: Path) -> bool:
    return not path.name.startswith(".") and (path / "run.json").is_file()


@pytest.mark.ray
@pytest.mark.slow
def test_ray_gives_the_runs_of_this_process(collection: Collection, tmp_path: Path) -> None:
    ray = pytest.importorskip("ray", reason="the extra 'ray' is not installed")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        tasks = swept(collection, tmp_path / "ray", engine=Engine("ray"))
    finally:
        ray.shutdown()
    assert {len(task.folds) for task in tasks} == {1}
    swept(collection, tmp_path / "here", jobs=1)
    theirs, ours = metrics_of(tmp_path / "ray"), metrics_of(tmp_path / "here")
    assert list(theirs) == list(ours)
    for name, expected in ours.items():
        np.testing.assert_allclose(list(theirs[name].values()), list(expected.values()), atol=1e-5, err_msg=name)
