from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bstviz.datasets.collection import load_collection
from bstviz.inference.explore import run_inference
from bstviz.models.experiment_folder import find_runs
from bstviz.models.run import load_run
from tests.cli.conftest import FAKES, QUICK, Fakes, invoke


def test_train_makes_one_run_per_fold_with_the_settings_given(place: Path) -> None:
    runs = [load_run(path) for path in find_runs(place / "both")]
    assert [run.fold for run in runs] == [0, 1]
    assert {(run.train.loss, run.train.modality, run.train.epochs) for run in runs} == {("hierarchical", "both", 3)}
    assert {len(run.history["val_loss"]) for run in runs} == {3}
    assert runs[0].split_kind == "stratified 2-fold, seed 0"
    assert runs[0].load_collection().name == "tones"


def test_train_prints_the_same_table_as_report(place: Path) -> None:
    again = invoke("train", place / "tones", "--loss", "flat", *QUICK, "--out", place / "flat", "--json")
    report = invoke("report", place / "flat", "--json")
    assert json.loads(again.stdout) == json.loads(report.stdout)


def test_train_groups_by_a_column(place: Path, tmp_path: Path) -> None:
    invoke("train", place / "tones", "--group", "uploader", *QUICK, "--out", tmp_path / "x")
    run = load_run(find_runs(tmp_path / "x")[0])
    assert run.split_kind == "stratified 2-fold, seed 0, grouped by uploader"
    uploader = load_collection(place / "tones").sounds["uploader"]
    assert (run.sounds.groupby(uploader)["split"].nunique() == 1).all()


def test_train_finds_the_datas_own_folds(place: Path, tmp_path: Path) -> None:
    collection = load_collection(place / "tones")
    collection.sounds["test_fold"] = np.arange(36) % 2
    collection.save(tmp_path / "c")
    invoke("train", tmp_path / "c", *QUICK, "--out", tmp_path / "x")
    for path in find_runs(tmp_path / "x"):
        run = load_run(path)
        assert run.split_kind == "the data's own, column test_fold"
        assert ((run.sounds["split"] == "test") == (np.arange(36) % 2 == run.fold)).all()


@pytest.mark.parametrize("command", ["train", "sweep"])
def test_another_collection_trains_too(place: Path, tmp_path: Path, command: str) -> None:
    tones = load_collection(place / "tones")
    sounds = tones.sounds.assign(sound_id=["fx-a_0", *(f"n{i}" for i in range(35))]).drop(columns="content")
    replace(tones, name="Others", sounds=sounds).save(tmp_path / "others")
    (tmp_path / "one.toml").write_text('modalities = ["audio"]\nlosses = ["flat"]\n')
    how = ("--no-umap", *QUICK) if command == "train" else ("--preset", tmp_path / "one.toml", *QUICK)
    result = invoke(command, place / "tones", "--also", tmp_path / "others", *how, "--out", tmp_path / "x")
    assert "extra training data: 35 sounds of Others; 1 left out, which tones has too" in " ".join(
        result.stderr.split()
    )
    runs = [load_run(path) for path in find_runs(tmp_path / "x")]
    assert {run.extra_training_data for run in runs} == {("Others",)}
    assert {run.collection.hash for run in runs} == {tones.hash}
    assert sum(run.metrics["n"] for run in runs) == 36
    both = invoke("report", tmp_path / "x", place / "flat", "--format", "csv").stdout
    assert "extra training data Others" in both


def test_top_level_classes_train_where_asked_for(place: Path, tmp_path: Path) -> None:
    tones = load_collection(place / "tones")
    classes = tones.sounds["class"].where(tones.sounds.index % 6 > 0)
    tops = tones.sounds["class"].str.split("-").str[0]
    replace(tones, sounds=tones.sounds.assign(**{"class": classes, "class_top": tops})).save(tmp_path / "c")
    for options, split in (((), "unused"), (("--partial-labels",), "partial")):
        invoke("train", tmp_path / "c", *QUICK, *options, "--no-umap", "--out", tmp_path / split)
        run = load_run(find_runs(tmp_path / split)[0])
        assert set(run.sounds["split"][::6]) == {split}


def test_report_as_json(place: Path) -> None:
    result = invoke("report", place / "flat", place / "both", "--json")
    rows = json.loads(result.stdout)["rows"]
    assert [(r["loss"], r["modality"], r["min_confidence"], r["folds"]) for r in rows] == [
        ("hierarchical", "both", 1, 2),
        ("flat", "audio", 1, 2),
    ]
    values = [load_run(path).metrics["second_accuracy"] for path in find_runs(place / "flat")]
    assert rows[1]["metrics"]["second_accuracy"] == pytest.approx(
        {"mean": np.mean(values), "std_over_folds": np.std(values), "std_over_seeds": None}
    )
    assert {"top_accuracy", "second_top2_accuracy", "top_top2_accuracy", "hierarchical_f1"} <= set(rows[1]["metrics"])


def test_report_as_json_compares_hierarchical_with_flat(place: Path, tmp_path: Path) -> None:
    """Where both are there in one setting; as of ``place``, they are of two modalities."""
    assert json.loads(invoke("report", place / "flat", place / "both", "--json").stdout)["comparisons"] == []
    invoke("train", place / "tones", "--loss", "hierarchical", *QUICK, "--out", tmp_path / "x")
    (found, *_) = json.loads(invoke("report", place / "flat", tmp_path / "x", "--json").stdout)["comparisons"]
    assert (found["collection"], found["modality"], found["folds"], found["sounds"]) == ("tones", "audio", 2, 36)
    assert {row["measure"] for row in found["measures"]} == {
        "second_accuracy",
        "top_accuracy",
        "top_accuracy_by_mass",
        "hierarchical_f1",
    }


def test_sweep_trains_a_grid_with_baselines_and_prints_it(place: Path, tmp_path: Path) -> None:
    grid = tmp_path / "grid.toml"
    grid.write_text('modalities = ["audio"]\nbaselines = ["knn"]\n')
    options = [*QUICK, "--preset", grid, "--out", tmp_path / "x"]
    result = invoke("sweep", place / "tones", *options, "--json")
    rows = json.loads(result.stdout)["rows"]
    assert [(r["model"], r["folds"]) for r in rows] == [("hierarchical", 2), ("flat", 2), ("knn", 2)]
    assert json.loads(invoke("report", tmp_path / "x", "--format", "json").stdout)["rows"] == rows
    assert invoke("report", tmp_path / "x", "--format", "csv").stdout.count("\n") == 4
    assert "| ≥ 1 | kNN (10, cosine) | audio |" in invoke("report", tmp_path / "x", "--format", "markdown").stdout


def test_sweep_says_what_is_left_out(place: Path, tmp_path: Path) -> None:
    collection = load_collection(place / "tones")
    replace(collection, audio=None, audio_encoder=None, audio_root=None).save(tmp_path / "c")
    grid = tmp_path / "grid.toml"
    grid.write_text('baselines = ["knn"]\n')
    options = [*QUICK, "--preset", grid, "--no-baselines", "--out", tmp_path / "x"]
    result = invoke("sweep", tmp_path / "c", *options)
    assert not (tmp_path / "x" / "baselines").exists()
    assert "left out: modality both: the collection has no audio embeddings" in " ".join(result.stderr.split())
    assert {load_run(path).train.modality for path in find_runs(tmp_path / "x")} == {"text"}


def test_a_second_text_is_embedded_beside_the_first_and_trained_on(
    place: Path, tmp_path: Path, encoders: Fakes
) -> None:
    folder = tmp_path / "c"
    shutil.copytree(place / "tones", folder)
    before = load_collection(folder).hash
    printed = invoke("embed", folder, "--audio-encoder", "none", *FAKES[2:], "--text-fields", "title,class").stderr
    assert "text: fake-text 1 (title + tags), 12-d; fake-text 1 (title + class), 12-d" in printed
    assert "text models take title+tags, or with --text title+class" in printed
    assert load_collection(folder).hash == before
    options = ["--modality", "text", *QUICK, "--out", tmp_path / "x"]
    assert invoke("train", folder, "--text", "title+class", *options).exit_code == 0
    assert {path.name for path in find_runs(tmp_path / "x")} == {
        f"hierarchical-text-title+class-c1-fold{fold}" for fold in (0, 1)
    }
    assert invoke("train", folder, "--text", "title+tags", *options[:-1], tmp_path / "y").exit_code == 0
    assert load_run(find_runs(tmp_path / "y")[0]).train.text is None


def test_seeds_train_the_same_folds_into_runs_of_their_own(place: Path, tmp_path: Path) -> None:
    grid = tmp_path / "grid.toml"
    grid.write_text('losses = ["flat"]\nmodalities = ["audio"]\n')
    invoke("sweep", place / "tones", *QUICK, "--preset", grid, "--seeds", "0,3", "--out", tmp_path / "x")
    runs = {path.name: load_run(path) for path in find_runs(tmp_path / "x")}
    assert set(runs) == {f"flat-audio-c1-fold{fold}{seed}" for fold in (0, 1) for seed in ("", "-s3")}
    assert {run.split_kind for run in runs.values()} == {"stratified 2-fold, seed 0"}
    one, other = runs["flat-audio-c1-fold0"], runs["flat-audio-c1-fold0-s3"]
    assert (one.tested == other.tested).all()
    assert (one.latents != other.latents).any()


def test_report_for_people(place: Path) -> None:
    printed = invoke("report", place / "flat", place / "both").stdout
    for words in ("tones · folds: stratified 2-fold", "Hierarchical F1", "Non-hierarchical", "36", "±", "fake-audio 1"):
        assert words in printed


@pytest.mark.parametrize("form", [("--json",), ("--html",)])
def test_a_damaged_run_of_many_is_named_and_the_others_are_reported(
    place: Path, tmp_path: Path, form: tuple[str, ...]
) -> None:
    shutil.copytree(place / "flat", tmp_path / "flat")
    (damaged, *_) = find_runs(tmp_path / "flat")
    header = json.loads((damaged / "run.json").read_text())
    del header["taxonomy"]
    (damaged / "run.json").write_text(json.dumps(header))
    result = invoke("report", tmp_path / "flat", *(form if form == ("--json",) else (*form, tmp_path / "r.html")))
    printed = " ".join(result.stderr.split())
    assert result.exit_code == 1
    assert "1 run could not be read, left out above" in printed
    assert f"{damaged / 'run.json'}: taxonomy is missing" in printed
    if form == ("--json",):
        assert json.loads(result.stdout)["rows"][0]["folds"] == 1
    else:
        assert (tmp_path / "r.html").is_file()


@pytest.mark.parametrize("form", [(), ("--html", "{}/unlabelled.html"), ("--common",)])
def test_of_sounds_without_classes_a_report_says_that_there_is_nothing_to_measure(
    place: Path, tmp_path: Path, refused: Callable[..., str], form: tuple[str, ...]
) -> None:
    collection = load_collection(place / "tones")
    bare = replace(collection, sounds=collection.sounds.assign(**{"class": pd.Series(pd.NA, dtype="str")}))
    run_inference(load_run(find_runs(place / "flat")[0]), bare).save(tmp_path / "runs" / "one")
    assert "None of the sounds of these runs has a class" in refused("report", str(tmp_path / "runs"), *form)


def test_train_knows_recipes_by_their_old_option_too(place: Path, tmp_path: Path) -> None:
    for option, out in (("--recipe", tmp_path / "new"), ("--preset", tmp_path / "old")):
        result = invoke("train", place / "tones", option, "text", *QUICK, "--out", out)
        assert load_run(find_runs(out)[0]).train.label_smoothing == 0.3
        assert ("train --preset is now train --recipe" in result.stderr) == (option == "--preset")
    assert "--preset" not in invoke("train", "--help").output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("train", "{}/tones", "--out", "{}/new", "--loss", "square"), "allowed are hierarchical, flat"),
        (("train", "{}/tones", "--out", "{}/new", "--recipe", "fast"), "known: default, paper, hatr"),
        (("train", "{}/tones", "--out", "{}/new", "--group", "mood"), "no column 'mood'"),
        (("train", "{}/tones", "--out", "{}/new", "--fold-column", "mood"), "no column 'mood'"),
        (
            ("train", "{}/tones", "--out", "{}/new", "--fold-column", "title", "--group", "uploader"),
            "exclude each other",
        ),
        (("train", "{}/tones", "--out", "{}/new", "--folds", "50"), "50 folds need"),
        (("train", "{}/tones", "--out", "{}/flat", "--seed", "9"), "other settings"),
        (("train", "{}/tones", "--out", "{}/new", "--folds", "mine"), "allowed are a number or published or hatr"),
        (("train", "{}/tones", "--out", "{}/new", "--folds", "hatr", "--fold-seed", "1"), "are as they are"),
        (("train", "{}/tones", "--out", "{}/new", "--text", "tags"), "'tags'; there are title+tags"),
        (("sweep", "{}/tones", "--out", "{}/new", "--seed", "1", "--seeds", "0,1"), "exclude each other"),
        (("sweep", "{}/tones", "--out", "{}/new", "--seeds", "a"), "whole numbers"),
        (("report", "{}/tones"), "holds no run"),
        (("report", "{}/flat", "--format", "pdf"), "format is 'pdf'"),
    ],
)
def test_bad_input_gives_a_sentence(refused: Callable[..., str], arguments: tuple[str, ...], sentence: str) -> None:
    assert sentence in refused(*arguments)
