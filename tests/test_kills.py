"""Killed at any moment and done again: complete, nothing lost, nothing twice, nothing left over."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import signal
import sys
import types
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bstviz.datasets.collection import Collection, load_collection
from bstviz.models.experiment_folder import find_runs
from bstviz.models.run import Run, load_run
from bstviz.review.applied import BEFORE
from bstviz.review.decisions import read_record
from bstviz.training.baselines import find_baselines
from tests import killed_work
from tests.fakes import small_collection

SEED = 19


@pytest.fixture(scope="module")
def context() -> Iterator[ForkServerContext]:
    """Processes that start with everything imported, and no threads but their own."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        pytest.skip("the kills need processes that are forked")
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["tests.killed_work"])
    with pytest.MonkeyPatch.context() as patch:  # an app that was tested leaves its script as the main module
        patch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))
        yield made


@pytest.fixture(scope="module")
def ready(runs: dict[str, Run], collection: Collection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ready") / "work"
    killed_work.prepare(folder, runs, collection)
    return folder


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def saved(folder: Path, before: bool) -> None:
    hashes = [small_collection(seed=seed).hash for seed in (1, 2)]
    assert load_collection(folder / "saved").hash in (hashes if before else hashes[1:])


def reviewed(folder: Path, before: bool) -> None:
    known = load_collection(folder / "reviewed")
    record = read_record(folder / "review.jsonl", known.hash)
    assert record.damaged == 0
    assert before or len(record.standing) == killed_work.DECIDED
    assert all(
        len(standing) == 1 for sound, standing in record.standing.items() if sound != known.sounds["sound_id"][0]
    )


def labelled_together(folder: Path, before: bool) -> None:
    known = load_collection(folder / "reviewed")
    record = read_record(folder / "together.jsonl", known.hash)
    assert record.damaged == 0
    assert len(record.standing) in ((0, killed_work.DECIDED) if before else (killed_work.DECIDED,))
    assert before or len({decision.act for decision in record.decisions}) == 1


def applied(folder: Path, before: bool) -> None:
    if before and not (folder / "applied").exists():
        return
    made = load_collection(folder / "applied")
    assert int(made.sounds[BEFORE].notna().sum()) == 3
    assert len(made.revisions) == 1


def labelled(folder: Path, before: bool) -> None:
    if before and not (folder / "labels.parquet").exists():
        return
    table = pd.read_parquet(folder / "labels.parquet")
    assert table["file"].tolist() == sorted(path.name for path in (folder / "tones").iterdir())
    assert table["second"].notna().all()


def embedded(folder: Path, before: bool) -> None:
    found = load_collection(folder / "embedded")
    if before and found.audio is None:
        return
    assert found.audio is not None
    assert np.isfinite(found.audio).all()


def swept(folder: Path, before: bool) -> None:
    if before:
        return
    runs = [load_run(path) for path in find_runs(folder / "swept")]
    assert sorted(run.fold for run in runs) == [0, 1]
    assert sorted(baseline.fold for baseline in find_baselines(folder / "swept")) == [0, 1]


CHECKS: dict[str, Callable[[Path, bool], None]] = {
    "save": saved,
    "review": reviewed,
    "label together": labelled_together,
    "review apply": applied,
    "label": labelled,
    "embed": embedded,
    "sweep": swept,
}


def run(context: ForkServerContext, name: str, folder: Path, moment: int | None) -> int | None:
    process = context.Process(target=killed_work.do, args=(name, folder, moment))
    process.start()
    process.join(120)
    assert process.exitcode is not None
    return process.exitcode


def killed_and_done_again(context: ForkServerContext, name: str, ready: Path, folder: Path, moments: int) -> None:
    whole = shutil.copytree(ready, folder / "whole")
    assert run(context, name, whole, None) == 0
    CHECKS[name](whole, False)
    touched = int(whole.with_suffix(".touched").read_text())
    for number, moment in enumerate(sorted(random.Random(SEED).sample(range(1, touched + 1), moments))):
        work = shutil.copytree(ready, folder / str(number))
        assert run(context, name, work, moment) == -signal.SIGKILL
        CHECKS[name](work, True)
        assert run(context, name, work, None) == 0
        CHECKS[name](work, False)
        assert listing(work) == listing(whole), f"killed at {moment} of {touched}"


@pytest.mark.parametrize("name", list(CHECKS))
def test_work_that_was_killed_is_whole_when_it_is_done_again(
    context: ForkServerContext, name: str, ready: Path, tmp_path: Path
) -> None:
    killed_and_done_again(context, name, ready, tmp_path, 1)


@pytest.mark.long
@pytest.mark.parametrize("name", list(CHECKS))
def test_work_that_was_killed_at_any_moment_is_whole_when_it_is_done_again(
    context: ForkServerContext, name: str, ready: Path, tmp_path: Path
) -> None:
    killed_and_done_again(context, name, ready, tmp_path, 5)
