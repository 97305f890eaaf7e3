from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml

from bstviz.datasets.collection import load_collection
from bstviz.models.experiment_folder import find_runs
from bstviz.models.run_info import load_info
from tests.cli.conftest import invoke


@pytest.fixture(scope="module")
def predictions(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Out-of-fold predictions of the experiment of tones, as a file."""
    file = tmp_path_factory.mktemp("predictions") / "flat.csv"
    result = invoke("predict", place / "tones", "--run", place / "flat", "--out", file)
    assert result.exit_code == 0, result.output
    assert "out-of-fold predictions of 2 runs" in result.output
    return file


def test_what_predict_writes_score_measures(place: Path, predictions: Path) -> None:
    table = pd.read_csv(predictions).set_index("sound_id")
    truth = load_collection(place / "tones").sounds.set_index("sound_id")["class"]
    found = json.loads(invoke("score", predictions, "--truth", place / "tones", "--json").stdout)
    assert found["second_accuracy"] == pytest.approx((table["predicted"] == truth[table.index]).mean())
    assert found["n"] == len(truth)
    printed = invoke("score", predictions, "--truth", place / "tones").stdout
    assert f"Hierarchical F1{'':<19}{found['hierarchical_f1']:.4f}" in printed
    assert "classes never predicted" in printed


def test_imported_predictions_are_a_run_beside_others(place: Path, predictions: Path, tmp_path: Path) -> None:
    options = ("--collection", place / "tones", "--name", "Their model", "--latents", "audio", "--out", tmp_path)
    result = invoke("import", "predictions", predictions, *options)
    assert result.exit_code == 0, result.output
    (folder,) = find_runs(tmp_path)
    info = load_info(folder)
    assert (info.name, info.external.given, info.external.file) == ("Their model · fold 0", "classes", "flat.csv")
    assert f"{info.metrics['second_accuracy']:.4f} at the second level" in result.output
    assert "Their model" in invoke("report", tmp_path).stdout


def test_a_submission_is_written_for_sounds_that_nobody_trained_on(place: Path, tmp_path: Path) -> None:
    sounds = pd.read_csv(place / "tones.csv").assign(sound_id=lambda t: "new-" + t["sound_id"]).drop(columns="class")
    sounds.to_csv(tmp_path / "new.csv", index=False)
    invoke("import", "table", tmp_path / "new.csv", "--audio", place / "audio", "--out", tmp_path / "new")
    from bstviz.encoders import registry
    from tests.fakes import FakeAudioEncoder

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.ENCODERS, ("audio", "fake-audio"), lambda device: FakeAudioEncoder())
        invoke("embed", tmp_path / "new", "--audio-encoder", "fake-audio", "--text-encoder", "none")
    options = ("--format", "dcase", "--label", "Doe_UNI_task1_2", "--out", tmp_path / "submissions")
    result = invoke("predict", tmp_path / "new", "--run", place / "flat", *options)
    assert result.exit_code == 0, result.output
    assert "to do: Doe_UNI_task1_2.meta.yaml: email of author 1 is empty" in result.output
    folder = tmp_path / "submissions" / "Doe_UNI_task1_2"
    with (folder / "Doe_UNI_task1_2.output.csv").open(newline="", encoding="utf-8") as file:
        assert {row["id"] for row in csv.DictReader(file)} == set(sounds["sound_id"])
    assert yaml.safe_load((folder / "Doe_UNI_task1_2.meta.yaml").read_text())["results"]["development_dataset"]


def test_a_card_is_printed_or_written(place: Path, tmp_path: Path) -> None:
    printed = invoke("card", place / "flat", "--license", "mit").stdout
    assert printed.startswith("---\n")
    invoke("card", place / "flat", "--license", "mit", "--out", tmp_path / "README.md")
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == printed


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("predict {}/tones --run {}/flat --out x.csv --format xml", "format is 'xml'; allowed are csv, dcase"),
        ("predict {}/tones --run {}/flat --out x --format dcase", "The label is ''; the challenge wants"),
        ("score {}/tones.csv --truth {}/tones", "has no column predicted or"),
        ("import predictions {}/no.csv --collection {}/tones --name a --out x", "There is no table"),
        ("train {}/tones --loss external --out x", "loss is 'external'; allowed are hierarchical, flat"),
    ],
)
def test_what_cannot_be_done_is_said(command: str, says: str, refused: Callable[..., str]) -> None:
    assert says in refused(*command.split())
