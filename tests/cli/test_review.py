from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from bstviz.datasets.collection import load_collection
from bstviz.errors import UserError
from bstviz.models.experiment_folder import find_runs
from bstviz.models.run_info import load_info
from bstviz.review.acts import decide
from bstviz.review.record_files import record_file
from bstviz.review.retraining.versions import versions_folder
from tests.cli.conftest import invoke


def test_labels_of_low_quality_scores_are_listed_with_reasons(place: Path) -> None:
    (first, *rest) = json.loads(invoke("review", "list", place / "flat", "--count", "5", "--json").stdout)
    assert len(rest) == 4
    assert first["label"] != first["suggested"]
    assert first["support"] <= min(row["support"] for row in rest)
    assert "the flat model predicts" in first["why"]
    assert first["sound_id"] in invoke("review", "list", place / "flat", "--count", "1").stdout


def test_decisions_are_exported_and_make_a_new_version(place: Path, tmp_path: Path) -> None:
    original, record = load_collection(place / "tones"), tmp_path / "record.jsonl"
    sound, old = original.sounds["sound_id"].iat[0], original.sounds["class"].iat[0]
    decide(record, original.hash, sound_id=sound, old=old, new="ss-s", why="by ear", by="me")
    arguments = (place / "flat", "--decisions", record, "--out")
    assert "1 decision of" in invoke("review", "export", *arguments, tmp_path / "decisions.csv").stderr
    assert pd.read_csv(tmp_path / "decisions.csv")[["old", "new", "why"]].to_numpy().tolist() == [
        [old, "ss-s", "by ear"]
    ]
    assert "1 class changed by review" in invoke("review", "apply", *arguments, tmp_path / "new").stderr
    assert load_collection(tmp_path / "new").sounds["class"].iat[0] == "ss-s"
    assert load_collection(place / "tones").hash == original.hash
    with pytest.raises(UserError, match="exists already"):
        invoke("review", "apply", *arguments, place / "tones")


def test_labels_are_exported_with_confidence_and_imported_again(place: Path, tmp_path: Path) -> None:
    original, record = load_collection(place / "tones"), tmp_path / "record.jsonl"
    sound, old = original.sounds["sound_id"].iat[0], original.sounds["class"].iat[0]
    decide(record, original.hash, sound_id=sound, old=old, new="ss-s", why="", by="me", confidence=2)
    arguments = ("review", "labels", place / "flat", "--decisions", record, "--out")
    for suffix in (".csv", ".parquet"):
        file = tmp_path / f"labels{suffix}"
        assert f"{len(original)} of {len(original)} sounds" in invoke(*arguments, file).stderr
        invoke("import", "table", file, "--audio", place / "audio", "--out", tmp_path / suffix)
        again = load_collection(tmp_path / suffix)
        assert again.sounds.loc[0, ["sound_id", "class", "confidence"]].tolist() == [sound, "ss-s", 2]
        assert again.sounds["class"][1:].tolist() == original.sounds["class"][1:].tolist()
        assert again.sounds["path"].tolist() == original.sounds["path"].tolist()
    with pytest.raises(UserError, match="files that end in"):
        invoke(*arguments, tmp_path / "labels.txt")


def test_decisions_on_a_version_are_found_where_the_app_keeps_them(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "flat", tmp_path / "flat")
    original = load_collection(place / "tones")
    about = load_info(find_runs(tmp_path / "flat")[0]).collection
    home = versions_folder(about, [tmp_path / "flat"]) / "version-1"
    shutil.copytree(place / "flat", home)
    sound, old = original.sounds.loc[0, ["sound_id", "class"]]
    record = record_file(about, [tmp_path / "flat"])
    decide(record, original.hash, sound_id=sound, old=old, new="fx-v", why="", by="me")
    assert "1 decision of" in invoke("review", "export", home, "--out", tmp_path / "decisions.csv").stderr


def test_agreement_of_two_reviewers_is_printed(place: Path, tmp_path: Path) -> None:
    original, record = load_collection(place / "tones"), tmp_path / "record.jsonl"
    arguments = ("review", "agreement", place / "flat", "--decisions", record)
    assert "No two reviewers" in invoke(*arguments).stdout
    for by, classes in {"ann": ("fx-a", "fx-v"), "bob": ("fx-a", "fx-a")}.items():
        for row, new in enumerate(classes):
            sound, old = original.sounds.loc[row, ["sound_id", "class"]]
            decide(record, original.hash, sound_id=sound, old=old, new=new, why="", by=by, name=by)
    printed = " ".join(invoke(*arguments).stdout.split())
    assert "ann and bob: 2 sounds; top level 100.0 %, kappa nan; second level 50.0 %, kappa 0.00" in printed
    (pair,) = json.loads(invoke(*arguments, "--json").stdout)
    assert (pair["sounds"], pair["second_kappa"], pair["top_kappa"]) == (2, 0.0, None)


def test_decisions_retrain_both_losses_into_a_version(place: Path, tmp_path: Path) -> None:
    original, record = load_collection(place / "tones"), tmp_path / "record.jsonl"
    sound, old = original.sounds["sound_id"].iat[0], original.sounds["class"].iat[0]
    decide(record, original.hash, sound_id=sound, old=old, new="ss-s", why="by ear", by="me")
    said = invoke("retrain", place / "flat", "--decisions", record, "--out", tmp_path / "versions")
    assert "version 1" in said.stderr
    assert "sounds have another answer than before" in said.stdout
    version = tmp_path / "versions" / "version-1"
    assert {path.name.split("-")[0] for path in find_runs(version)} == {"flat", "hierarchical"}
    assert load_collection(version / "collection").sounds["class"].iat[0] == "ss-s"
    assert load_collection(place / "tones").hash == original.hash


def test_what_to_label_next_is_printed_as_a_table_as_json_and_as_csv(place: Path, tmp_path: Path) -> None:
    experiments, record = (place / "flat",), tmp_path / "record.jsonl"
    shown = invoke("review", "next", *experiments, "--count", "3").stdout
    assert shown.startswith("3 of 36 labelled sounds, by flat")
    rows = json.loads(invoke("review", "next", *experiments, "--count", "3", "--json").stdout)
    assert [row["sound_id"] in shown for row in rows] == [True] * 3
    assert all(row["why"] and 0 <= row["score"] <= 1 for row in rows)
    original = load_collection(place / "tones")
    sound, old = rows[0]["sound_id"], original.sounds.set_index("sound_id")["class"][rows[0]["sound_id"]]
    decide(record, original.hash, sound_id=sound, old=old, new=old, why="by ear", by="me")
    out = tmp_path / "next.csv"
    invoke("review", "next", *experiments, "--count", "100", "--decisions", record, "--out", out)
    listed = pd.read_csv(out)["sound_id"]
    assert len(listed) == 35 and sound not in set(listed)


def test_what_to_label_next_names_what_is_allowed(refused: Callable[..., str]) -> None:
    assert "allowed are unlabelled and labelled" in refused("review", "next", "{}/flat", "--among", "all")
    assert "None of the sounds without a class" in refused("review", "next", "{}/flat", "--among", "unlabelled")
