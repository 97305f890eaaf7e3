"""Model cards: the head is the hub's, the figures are the run's, and nobody is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from huggingface_hub import ModelCard

from bstviz.datasets.collection import Collection
from bstviz.evaluation.bootstrap import measures
from bstviz.evaluation.out_of_fold import pool
from bstviz.models.run import Run
from bstviz.paths import assets
from bstviz.predictions.external import external_runs
from bstviz.predictions.table import PredictionTable
from bstviz.reports.card.facts import CardFacts
from bstviz.reports.card.markdown import CARD, model_card, write_card

Runs = dict[str, Run]


def parts(card: str) -> tuple[object, str]:
    """The head of a card as data, and its body."""
    _, head, body = card.split("---\n", 2)
    return yaml.safe_load(head), body


BUNDLED = [*sorted((assets() / "runs").iterdir()), assets() / "text"]


@pytest.fixture
def card(runs: Runs, collection: Collection) -> str:
    return model_card([runs["both"]], collection=collection, license="cc-by-4.0")


def test_the_head_is_read_by_the_hub(card: str, runs: Runs) -> None:
    head = ModelCard(card).data
    assert (head.license, head.library_name, head.pipeline_tag) == ("cc-by-4.0", "bstviz", "audio-classification")
    assert head.datasets == ["small"]
    assert {"bst", "audio", "text"} <= set(head.tags)
    assert head.eval_results is not None
    found = {result.metric_name: result.metric_value for result in head.eval_results}
    assert found["Accuracy, second level"] == pytest.approx(runs["both"].metrics["second_accuracy"], abs=1e-4)
    assert found["Hierarchical F1"] == pytest.approx(runs["both"].metrics["hierarchical_f1"], abs=1e-4)


def test_an_unstated_licence_is_said_to_be_none(runs: Runs) -> None:
    head = yaml.safe_load(model_card([runs["audio"]]).split("---")[1])
    assert (head["license"], head["license_name"]) == ("other", "not-stated")


def test_every_section_is_there_in_order(card: str) -> None:
    headings = [line[3:] for line in card.splitlines() if line.startswith("## ")]
    expected = ["Model", "Data", "Training", "Figures", "By class", "By group", "Calibration", "Limits"]
    assert headings == expected


def test_licences_are_by_share(runs: Runs, collection: Collection) -> None:
    licensed = np.array(["CC0"] * 30 + ["CC BY 4.0"] * 12 + [None] * 6, object)
    facts = CardFacts([runs["audio"]], replace(collection, sounds=collection.sounds.assign(license=licensed)))
    table = facts.licenses()
    assert table is not None
    assert table.to_numpy().tolist() == [["CC0", 30, 62.5], ["CC BY 4.0", 12, 25.0], ["not stated", 6, 12.5]]


def test_uploaders_are_counted_and_not_named(card: str) -> None:
    assert "of 4 groups (by uploader)" in card
    assert "user" not in card.replace("uploader", "").replace("user's", "")


def test_the_same_runs_give_the_same_card(card: str, runs: Runs, collection: Collection) -> None:
    assert model_card([runs["both"]], collection=collection, license="cc-by-4.0") == card


def test_other_peoples_words_are_no_markup(runs: Runs, collection: Collection) -> None:
    licensed = replace(collection, sounds=collection.sounds.assign(license="<script>|[x](y)"))
    assert r"| \<script\>\|\[x\](y) | 48 |" in model_card([runs["audio"]], collection=licensed)


def test_limits_follow_from_what_is_known(runs: Runs, collection: Collection) -> None:
    run = runs["text"]
    limits = " ".join(CardFacts([run], collection).limits())
    assert "are not stated to keep sounds of one uploader" in limits
    assert "has every class" in limits  # fewer than 30 test sounds
    assert "It reads words (title, tags)" in limits
    grouped = replace(run, split_kind="stratified 4-fold, seed 0, grouped by uploader")
    assert "not stated to keep" not in " ".join(CardFacts([grouped], collection).limits())


def test_a_model_from_elsewhere_has_a_card_that_says_so(collection: Collection, tmp_path: Path) -> None:
    (tmp_path / "theirs.csv").write_text("their file")
    certain = np.eye(len(collection.taxonomy.codes), dtype=np.float32)[collection.labels]
    theirs = PredictionTable(collection.sounds["sound_id"].to_numpy(object), collection.labels, certain, "none")
    card = model_card(external_runs(theirs, collection, name="Theirs", file=tmp_path / "theirs.csv"))
    assert "The model Theirs was trained elsewhere" in card
    assert "It gives classes without probabilities." in card
    assert "What it was trained on is not known." in card


def test_measures_are_those_of_all_sounds_within_their_intervals(runs: Runs) -> None:
    answers = pool([runs["both"]])
    answers = answers.where(answers.tested)
    table = measures(answers)
    for name, value in table["value"].items():
        assert value == pytest.approx(runs["both"].metrics[str(name)])
    assert table["low"].isna().all()  # of 12 sounds


@pytest.mark.parametrize("folder", BUNDLED, ids=lambda folder: folder.name)
def test_a_bundled_model_has_its_card_beside_it(folder: Path, tmp_path: Path) -> None:
    stored = (folder / CARD).read_text(encoding="utf-8")
    assert len(stored) < 10_000
    copy = tmp_path / "runs" / folder.name
    copy.parent.mkdir()
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    (tmp_path / "demo").symlink_to(assets() / "demo")
    for before, now in zip(
        parts(stored), parts(write_card(copy, license="mit").read_text(encoding="utf-8")), strict=True
    ):
        assert now == before
