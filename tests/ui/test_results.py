"""The results page on a small sweep: every section draws, and its numbers are those of the runs."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from bstviz import paths
from bstviz.datasets.collection import Collection
from bstviz.inference.explore import run_inference
from bstviz.models.experiment_folder import find_runs
from bstviz.models.run import Run
from bstviz.models.run_info import load_info
from bstviz.reports import comparisons, summaries
from bstviz.reports.sections import SECTIONS
from bstviz.training.preset import SweepPreset, grid_of
from bstviz.training.sweep import run_sweep
from tests.fakes import stratified
from tests.ui.conftest import seen, settled


@pytest.fixture(scope="module")
def experiment(collection: Collection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sweep")
    preset = SweepPreset("x", modalities=("audio", "both"), baselines=("knn",), train={"epochs": 3, "min_steps": 0})
    list(run_sweep(collection, stratified(collection), grid_of(preset, collection), out, jobs=1))
    return out


@pytest.fixture
def page(experiment: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    return results(experiment, monkeypatch)


def show(page: AppTest, section: str) -> AppTest:
    return settled(page.segmented_control(key="results.section").set_value(section).run())


@pytest.mark.parametrize("section", [section.name for section in SECTIONS])
def test_every_section_draws(page: AppTest, section: str) -> None:
    show(page, section)
    assert not page.exception
    assert not page.error
    assert page.get("plotly_chart") or len(page.dataframe) or len(page.table)


def test_table_1_holds_networks_and_baselines(page: AppTest, experiment: Path) -> None:
    table: pd.DataFrame = page.table[0].value.map(seen)
    assert table["Loss"].tolist() == ["Hierarchical"] * 2 + ["Non-hierarchical"] * 2 + ["kNN (10, cosine)"] * 2
    flat = [load_info(path) for path in find_runs(experiment) if path.name.startswith("flat-audio")]
    values = [100 * info.metrics["second_accuracy"] for info in flat]
    row = table[(table["Loss"] == "Non-hierarchical") & (table["Modality"] == "audio")].iloc[0]
    assert row["Second-level"] == f"{np.mean(values):.1f} ± {np.std(values):.1f}"
    words = " ".join(caption.value for caption in page.caption)
    assert "population deviation" in words
    assert "paper" not in words.lower()  # its figures stand beside runs of its recipe on BSD10k alone


def test_the_losses_are_compared_fold_by_fold(page: AppTest, experiment: Path) -> None:
    table: pd.DataFrame = show(page, "Structure").dataframe[0].value
    row = table[table["Measure"] == "Silhouette"].iloc[0]
    for level, words in summaries.LEVELS.items():
        found = {path.name: load_info(path).metrics[f"{level}_silhouette"] for path in find_runs(experiment)}
        pairs = [(found[f"hierarchical-both-c1-fold{f}"], found[f"flat-both-c1-fold{f}"]) for f in range(4)]
        assert row[f"{words}, difference"] == pytest.approx(np.mean([a - b for a, b in pairs]))
        assert row[f"{words}, higher on"] == f"{sum(a > b for a, b in pairs)} of 4 folds"
        assert row[f"{words}, hierarchical"] == summaries.spread_over_folds([a for a, _ in pairs])


def test_hierarchical_against_flat_is_what_the_core_compares(page: AppTest, experiment: Path) -> None:
    table: pd.DataFrame = show(page, "Hierarchical against flat").dataframe[0].value
    infos = [load_info(path) for path in find_runs(experiment) if "-both-" in path.name]
    found = comparisons.compare_stored(infos)
    assert found[0].grouped
    pd.testing.assert_frame_equal(table, comparisons.measures_frame(found), check_dtype=False)


def test_figure_2_is_the_settings_of_the_paper_that_are_there(page: AppTest) -> None:
    spec = json.loads(show(page, "Latent spaces").get("plotly_chart")[0].proto.spec)
    titles = [note["text"] for note in spec["layout"]["annotations"]]
    assert titles == ["Non-hierarchical, audio + text, confidence ≥ 1", "Hierarchical, audio + text, confidence ≥ 1"]


def test_settings_that_differ_in_their_recipe_are_not_mixed(experiment: Path) -> None:
    infos = [load_info(path) for path in find_runs(experiment)]
    other = [replace(info, train=replace(info.train, mixup=0.9)) for info in infos]
    one, two = summaries.named_settings(infos), summaries.named_settings([*infos, *other])
    assert len(one) == 4
    assert len(two) == 8
    assert {len(folds) for folds in two.values()} == {4}
    assert sum("mixup 0.9" in name for name in two) == 4
    changed = [replace(info, collection=replace(info.collection, hash="f" * 64)) for info in infos]
    assert len(summaries.named_settings([*infos, *changed])) == 8
    elsewhere = [
        replace(info, collection=replace(info.collection, name="b"), split_kind="other folds") for info in infos
    ]
    regrouped = [replace(info, split_kind="other folds") for info in infos]
    assert not any("folds" in name for name in summaries.named_settings([*infos, *elsewhere]))
    assert sum("other folds" in name for name in summaries.named_settings([*infos, *regrouped])) == 4
    pairs = summaries.named_settings([*infos, *other], losses_apart=False)
    assert {len(folds) for folds in pairs.values()} == {8}
    assert all(len({replace(i.train, loss="flat") for i in folds}) == 1 for folds in pairs.values())


def test_what_a_single_fold_cannot_say_is_left_out(experiment: Path) -> None:
    one_fold = [load_info(path) for path in find_runs(experiment) if path.name.endswith("-both-c1-fold0")]
    compared = summaries.losses_compared(one_fold)
    assert compared is not None
    table, folds = compared
    assert folds == 1
    for words in summaries.LEVELS.values():
        assert not table[f"{words}, flat"].str.contains("±").any()
        assert set(table[f"{words}, higher on"]) <= {"0 of 1 fold", "1 of 1 fold", "–"}


def results(experiments: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv(paths.EXPERIMENTS_VARIABLE, str(experiments))
    app = AppTest.from_file(str(Path(__file__).parents[2] / "app.py"), default_timeout=120).run()
    return app.switch_page("pages/results.py").run()


def test_a_damaged_run_of_many_ends_no_page(experiment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(experiment, tmp_path / "runs")
    (find_runs(tmp_path / "runs")[0] / "run.json").write_text("{}")
    page = results(tmp_path / "runs", monkeypatch)
    assert not page.exception
    assert page.table
    (warning,) = page.switch_page("pages/home.py").run().warning
    assert "Left out" in warning.value


def test_of_sounds_without_classes_the_page_says_that_there_is_nothing_to_measure(
    runs: dict[str, Run], collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = replace(collection, sounds=collection.sounds.assign(**{"class": pd.Series(pd.NA, dtype="str")}))
    run_inference(runs["audio"], bare).save(tmp_path / "runs" / "one")
    page = results(tmp_path / "runs", monkeypatch)
    assert not page.exception
    assert "None of the sounds of these runs has a class" in page.error[0].value
