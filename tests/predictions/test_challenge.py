"""Submissions to the challenge: what is written keeps its rules, and what breaks them is named."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from bstviz.datasets.collection import Collection
from bstviz.errors import UserError
from bstviz.models.run import Run
from bstviz.predictions.answers import answers_of
from bstviz.predictions.challenge import checked_label, problems, write_submission

LABEL = "Doe_UNI_task1_1"
CODES = {
    *("m-sp", "m-si", "m-m", "is-p", "is-s", "is-w", "is-k", "is-e", "sp-s", "sp-c", "sp-p"),
    *("fx-o", "fx-v", "fx-m", "fx-h", "fx-a", "fx-n", "fx-ex", "fx-el", "ss-n", "ss-i", "ss-u", "ss-s"),
}


@pytest.fixture
def submission(collection: Collection, runs: dict[str, Run], tmp_path: Path) -> Path:
    """Of one fold's run, as if the collection were not what it was trained on."""
    run = runs["both"]
    stranger = replace(run, collection=replace(run.collection, hash="another"))
    answers = answers_of([stranger], collection)
    return write_submission(answers, collection.taxonomy, LABEL, tmp_path, sounds=len(collection))


def filled(folder: Path) -> None:
    """Fill in what only the authors know."""
    file = folder / f"{LABEL}.meta.yaml"
    meta = yaml.safe_load(file.read_text())
    meta["submission"]["authors"][0] |= {"firstname": "A.", "email": "a@example.org"}
    meta["submission"]["authors"][0]["affiliation"] |= {"institute": "An institute", "location": "Somewhere"}
    file.write_text(yaml.safe_dump(meta))


def test_the_output_is_what_the_challenge_asks_for(submission: Path, collection: Collection) -> None:
    with (submission / f"{LABEL}.output.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["id", "predicted_bst_second_level_class", "prediction_score"]
    assert [row[0] for row in rows] == collection.sounds["sound_id"].tolist()
    assert {row[1] for row in rows} <= CODES
    assert all(0 <= float(row[2]) <= 1 for row in rows)


def test_the_meta_file_says_who_what_and_how_good(submission: Path, runs: dict[str, Run]) -> None:
    meta = yaml.safe_load((submission / f"{LABEL}.meta.yaml").read_text())
    assert meta["submission"]["label"] == LABEL
    assert len(meta["submission"]["abbreviation"]) <= 10
    assert meta["submission"]["authors"][0]["lastname"] == "Doe"
    assert meta["system"]["description"]["audio_representation"].startswith("fake-audio")
    assert meta["system"]["complexity"]["total_parameters"] == sum(v.size for v in runs["both"].weights.values())
    results = meta["results"]["development_dataset"]
    assert results["hierarchical_f1"] == pytest.approx(runs["both"].metrics["hierarchical_f1"], abs=1e-4)


def test_only_what_the_authors_know_is_left_to_do(submission: Path, collection: Collection) -> None:
    ids, taxonomy = collection.sounds["sound_id"], collection.taxonomy
    left = problems(submission, ids, taxonomy)
    assert all(re.search(r"(firstname|email|institute|location) of author 1 is empty", line) for line in left)
    filled(submission)
    assert problems(submission, ids, taxonomy) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text.replace("prediction_score", "score"), "has the columns id, .*, score; allowed"),
        (lambda text: text.replace("\ns001,", "\ns000,"), "1 ids more than once, 's000'"),
        (lambda text: text.replace("\ns001,", "\ns000,"), "1 ids that have no prediction, 's001'"),
        (lambda text: text + "new,fx-a,0.5\n", "1 ids that the evaluation set lacks, 'new'"),
        (lambda text: re.sub("\ns001,[^,]+", "\ns001,fx-other", text), "'fx-other' is no second-level class"),
        (lambda text: re.sub("(\ns001,[^,]+),.*", r"\1,high", text), "1 scores are no numbers"),
    ],
)
def test_an_output_that_breaks_a_rule_is_named(change, says: str, submission: Path, collection: Collection) -> None:
    filled(submission)
    file = submission / f"{LABEL}.output.csv"
    file.write_text(change(file.read_text()))
    assert any(
        re.search(says, line) for line in problems(submission, collection.sounds["sound_id"], collection.taxonomy)
    )


def test_a_missing_file_and_another_label_are_named(submission: Path, collection: Collection) -> None:
    (submission / f"{LABEL}.meta.yaml").unlink()
    renamed = submission.rename(submission.with_name("Doe-1"))
    left = problems(renamed, collection.sounds["sound_id"], collection.taxonomy)
    assert left[0].startswith("The label 'Doe-1' is not <last name>_")
    assert "There is no file Doe-1.output.csv." in left


@pytest.mark.parametrize("label", ["Doe", "Doe_UNI_task2_1", "Doe_UNI_task1_5", "Doe_UNI_task1_1/../x", ""])
def test_other_labels_are_refused(label: str) -> None:
    with pytest.raises(UserError, match="the challenge wants"):
        checked_label(label)
    assert checked_label("Müller-Doe_CP-JKU_task1_4")


def test_a_submission_that_would_lack_sounds_is_not_written(
    collection: Collection, runs: dict[str, Run], tmp_path: Path
) -> None:
    answers = answers_of([runs["both"]], collection)  # of one fold of the collection it was trained on
    with pytest.raises(UserError, match="of 48 sounds have no prediction, and the challenge wants one for each"):
        write_submission(answers, collection.taxonomy, LABEL, tmp_path, sounds=len(collection))
    assert not list(tmp_path.iterdir())
