"""Decisions put to use: labels and confidences of a new version, tables imported again, a model from nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import bstviz
from bstviz.datasets import table as tables
from bstviz.datasets.collection import Collection, load_collection
from bstviz.datasets.writing import csv_bytes, parquet_bytes
from bstviz.review.acts import decide_all
from bstviz.review.applied import BEFORE, apply_decisions, label_table
from bstviz.review.decisions import Record, read_record
from tests.fakes import small_collection


@pytest.fixture
def bare(tmp_path: Path) -> Collection:
    """Sounds without a class."""
    made = small_collection()
    nothing = {"class": pd.Series(dtype="str"), "confidence": pd.Series(dtype="Int8")}
    sounds = made.sounds.assign(**{name: empty.reindex(made.sounds.index) for name, empty in nothing.items()})
    return load_collection(replace(made, sounds=sounds).save(tmp_path / "bare"))


def labelled(bare: Collection, file: Path, count: int) -> Record:
    """Every sound of the first some gets its true class, in one act for each, sure of it at 1 to 5."""
    true = small_collection().sounds.set_index("sound_id")["class"].head(count)
    for confidence, (code, own) in zip([1, 2, 3, 4, 5] * 2, true.groupby(true), strict=False):
        decide_all(file, bare.hash, {str(s): (None, str(code)) for s in own.index}, by="ann", confidence=confidence)
    return read_record(file, bare.hash)


def test_sounds_without_a_class_get_one_with_its_confidence(bare: Collection, tmp_path: Path) -> None:
    record = labelled(bare, tmp_path / "review.jsonl", 20)
    after = load_collection(apply_decisions(bare, record).save(tmp_path / "after"))
    true = small_collection().sounds["class"]
    assert after.sounds["class"].head(20).tolist() == true.head(20).tolist()
    assert after.sounds["class"].iloc[20:].isna().all()
    assert after.sounds["confidence"].notna().sum() == 20
    assert after.sounds[BEFORE].isna().all()
    assert after.revisions[-1].changed == 20


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_the_table_of_labels_is_imported_again_with_confidence(bare: Collection, tmp_path: Path, suffix: str) -> None:
    record = labelled(bare, tmp_path / "review.jsonl", 20)
    file = (tmp_path / "labels").with_suffix(suffix)
    file.write_bytes((csv_bytes if suffix == ".csv" else parquet_bytes)(label_table(bare, record)))
    again, after = tables.load(file), apply_decisions(bare, record)
    assert again.sounds["sound_id"].tolist() == bare.sounds["sound_id"].head(20).tolist()
    for column in ("class", "confidence", "title", "tags", "uploader"):
        assert again.sounds[column].tolist() == after.sounds[column].head(20).tolist()
    assert again.sounds["class_top"].tolist() == [code.split("-")[0] for code in again.sounds["class"]]


def test_a_kept_label_may_gain_a_confidence_alone(tmp_path: Path) -> None:
    known = load_collection(small_collection().save(tmp_path / "known"))
    sound, code, other = *known.sounds.loc[0, ["sound_id", "class"]], str(known.sounds["sound_id"][1])
    old = int(known.sounds["confidence"][0])
    file, new = tmp_path / "review.jsonl", old % 5 + 1
    decide_all(file, known.hash, {sound: (code, code)}, by="ann", confidence=new)
    decide_all(file, known.hash, {other: (known.sounds["class"][1], None)}, by="ann", confidence=1)
    after = apply_decisions(known, read_record(file, known.hash))
    assert after.sounds["confidence"][0] == new
    assert after.sounds.drop(columns=["confidence", BEFORE]).equals(known.sounds.drop(columns="confidence"))
    assert after.sounds["confidence"][1:].equals(known.sounds["confidence"][1:])
    assert after.revisions[-1].changed == 0


def test_from_nothing_to_a_trained_model(bare: Collection, tmp_path: Path) -> None:
    record = labelled(bare, tmp_path / "review.jsonl", 36)
    after = apply_decisions(bare, record)
    runs = bstviz.train(after, loss="flat", folds=2, epochs=2, umap=False)
    assert [int((run.sounds["split"] == "test").sum()) for run in runs] == [18, 18]
    used = {sound for run in runs for sound in run.sounds["sound_id"][run.sounds["split"] != "unused"]}
    assert used == set(bare.sounds["sound_id"].head(36))
