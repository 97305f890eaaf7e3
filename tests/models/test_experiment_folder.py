from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path

import pytest

from bstviz.errors import UserError
from bstviz.models.experiment_folder import find_runs, run_folder, write_experiment
from bstviz.models.run import Run
from bstviz.training.baselines import BaselineConfig
from tests.fakes import quick

Runs = dict[str, Run]


def test_runs_are_found_in_name_order_below_a_folder_or_at_it(runs: Runs, tmp_path: Path) -> None:
    for run in runs.values():
        run.save(tmp_path / run.id)
    (tmp_path / "notes").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "run.json").touch()
    found = find_runs(tmp_path)
    assert [f.name for f in found] == [f"hierarchical-{m}-c1-fold0" for m in ("audio", "both", "text")]
    assert find_runs(found[0]) == [found[0]]


def test_a_folder_without_runs_names_the_command_that_makes_them(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UserError, match="holds no run; make one with: bstviz train"):
            find_runs(folder)


def test_an_experiment_that_is_damaged_is_named(tmp_path: Path) -> None:
    (tmp_path / "experiment.json").write_text("{")
    with pytest.raises(UserError, match=r"experiment\.json is not valid JSON"):
        write_experiment(tmp_path, {"folds": {"count": 5, "kind": "stratified", "sha256": "0" * 64}})


def test_an_experiment_from_before_a_setting_goes_on_where_it_does_what_was_done_then(tmp_path: Path) -> None:
    stored = dataclasses.asdict(quick())
    del stored["standardise"], stored["sizes"]["norm"]
    write_experiment(tmp_path, {"settings": [stored]})
    write_experiment(tmp_path, {"settings": [dataclasses.asdict(quick())]})
    with pytest.raises(UserError, match=r"other settings \(settings\)"):
        write_experiment(tmp_path, {"settings": [dataclasses.asdict(quick(standardise=False))]})


def test_an_experiment_from_before_texts_had_names_goes_on(tmp_path: Path) -> None:
    settings, baselines = [dataclasses.asdict(quick())], [dataclasses.asdict(BaselineConfig("knn", "text"))]
    before = [[{k: v for k, v in entry.items() if k != "text"} for entry in part] for part in (settings, baselines)]
    write_experiment(tmp_path, {"settings": before[0], "baselines": before[1]})
    write_experiment(tmp_path, {"settings": settings, "baselines": baselines})
    other = [{**baselines[0], "text": "title"}]
    with pytest.raises(UserError, match=r"other settings \(baselines\)"):
        write_experiment(tmp_path, {"settings": settings, "baselines": other})


def test_an_experiment_of_the_same_settings_is_accepted_again(tmp_path: Path) -> None:
    five, six = ({"count": count, "kind": "stratified", "sha256": "0" * 64} for count in (5, 6))
    write_experiment(tmp_path / "x", {"train": {"epochs": 3}, "folds": five})
    write_experiment(tmp_path / "x", {"train": {"epochs": 3}, "folds": five})
    with pytest.raises(UserError, match=r"other settings \(folds, train\)"):
        write_experiment(tmp_path / "x", {"train": {"epochs": 4}, "folds": six})


def test_a_run_s_name_has_its_seed_and_an_older_run_without_it_is_found(runs: Runs, tmp_path: Path) -> None:
    run = replace(runs["audio"], train=replace(runs["audio"].train, seed=7))
    assert run.id == f"{runs['audio'].id}-s7"
    assert run_folder(tmp_path, run.train, run.fold) == tmp_path / run.id
    older = run.save(tmp_path / runs["audio"].id)
    assert run_folder(tmp_path, run.train, run.fold) == older
    assert run_folder(tmp_path, replace(run.train, seed=8), run.fold).name.endswith("-s8")
