"""Folders and files of strangers: whatever is changed in them, they are read or refused in a sentence."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bstviz.datasets import table
from bstviz.datasets.collection import Collection, load_collection
from bstviz.datasets.taxonomy import bst, load_taxonomy
from bstviz.errors import UserError
from bstviz.models.experiment_folder import read_experiment, write_experiment
from bstviz.models.predict import network
from bstviz.models.run import load_run
from bstviz.review import acts, applied, decisions
from bstviz.training.baselines import Baseline, BaselineConfig, find_baselines
from bstviz.training.preset import load_preset
from bstviz.training.train import train_fold
from tests import fuzzing
from tests.fakes import quick, stratified, write_tones

FEW, MANY = fuzzing.COUNTS
counts = pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.long)])


def fuzz(count: int, use: Callable[[random.Random, str], object]) -> None:
    """Use so many mutated inputs, each of a seed of its own; some are taken and some refused."""
    for seed in range(count):
        use(random.Random(seed), f"seed {seed}")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collection with audio files, saved, and a secret beside its audio folder."""
    home = tmp_path_factory.mktemp("recorded")
    rows = write_tones(home / "sounds", per_class=2)
    rows.to_csv(home / "sounds" / "metadata.csv", index=False)
    (home / "secret.wav").write_bytes((home / "sounds" / rows["path"][0]).read_bytes())
    (home / "sounds" / "link.wav").symlink_to(home / "secret.wav")
    return table.load(home / "sounds" / "metadata.csv").save(home / "collection")


@counts
def test_a_run_is_read_or_refused(count: int, collection: Collection, tmp_path: Path) -> None:
    run = train_fold(collection, stratified(collection), 0, quick(epochs=1, retrieval=True, modality="both"))
    files = fuzzing.contents(run.save(tmp_path / run.id))

    def use(rng: random.Random, what: str) -> None:
        folder = fuzzing.mutated_folder(rng, tmp_path / "mutated", files, "run.json")

        def look() -> None:
            found = load_run(folder)
            _ = found.frame(), found.confidence, found.name, found.id, found.text
            assert np.isfinite(found.latents).all()
            if rng.random() < 0.25:
                network(found)

        taken.append(fuzzing.survives(look, what))

    taken: list[bool] = []
    fuzz(count, use)
    assert {True, False} == set(taken)


@counts
def test_a_collection_is_read_or_refused_and_names_no_file_outside(count: int, recorded: Path, tmp_path: Path) -> None:
    files = fuzzing.contents(recorded)
    sounds = recorded.parent / "sounds"

    def use(rng: random.Random, what: str) -> None:
        folder = fuzzing.mutated_folder(rng, tmp_path / "mutated", files, "collection.json")

        def look() -> None:
            found = load_collection(folder)
            _ = found.hash, found.labels, found.top_labels, found.encoders, str(found.revisions)
            if found.audio_root == str(sounds):
                for row in range(len(found)):
                    file = found.path(row) if found.has_audio(row) else None
                    assert file is None or file.resolve().is_relative_to(sounds)

        fuzzing.survives(look, what)

    fuzz(count, use)


@pytest.mark.parametrize(
    "path", ["../secret.wav", "link.wav", "{home}/secret.wav", "\\x2e\\x2e/secret.wav", "a\x00b.wav"]
)
def test_a_path_out_of_the_audio_folder_is_not_followed(path: str, recorded: Path) -> None:
    found = load_collection(recorded)
    outside = path.format(home=recorded.parent)
    moved = dataclasses.replace(found, sounds=found.sounds.assign(path=outside))
    for ask in (moved.path, moved.load_audio):
        with pytest.raises(UserError, match="leads out of its audio folder"):
            ask(0)


def test_links_out_of_the_audio_folder_are_followed_where_the_import_said_so(recorded: Path) -> None:
    found = load_collection(recorded)
    linked = dataclasses.replace(found, sounds=found.sounds.assign(path="link.wav"), follow_links=True)
    assert linked.path(0) == recorded.parent / "sounds" / "link.wav"
    with pytest.raises(UserError, match="leads out"):
        dataclasses.replace(linked, sounds=found.sounds.assign(path="../secret.wav")).path(0)


@counts
def test_a_record_of_decisions_is_read_or_refused(count: int, tmp_path: Path) -> None:
    about, file = "a" * 64, tmp_path / "review.jsonl"
    made: list[decisions.Decision] = []
    for i in range(12):
        over = [d.id for d in made if d.sound_id == f"s{i % 4}"]
        common: dict[str, Any] = {"old": "fx-a", "new": "fx-v", "why": "heard", "by": "me", "over": over}
        made.append(acts.decide(file, about, sound_id=f"s{i % 4}", **common))
    acts.undo(file, about, made[-1], by="me")
    data = file.read_bytes()
    lines = data.splitlines()

    def use(rng: random.Random, what: str) -> None:
        if rng.random() < 0.3:
            file.write_bytes(fuzzing.flipped(rng, data))
        else:
            some = list(lines)
            at = rng.randrange(len(some))
            some[at] = fuzzing.changed_json(rng, some[at]).replace(b"\n", b" ")
            file.write_bytes(b"\n".join(some) + b"\n")

        def look() -> None:
            record = decisions.read_record(file, about)
            _ = record.agreed, record.disputed, record.last_by("me"), applied.table(record)

        fuzzing.survives(look, what)

    fuzz(count, use)


def test_decisions_that_replace_each_other_in_a_circle_all_stand() -> None:
    def decision(name: str, new: str, *over: str, sound: str = "s") -> decisions.Decision:
        return decisions.Decision(sound, "fx-a", new, "", "2026-01-01T00:00:00Z", "me", name, over)

    circle = decisions.Record((decision("a", "fx-v", "b"), decision("b", "ss-n", "a"), decision("c", "m-m", "c")))
    assert [d.id for d in circle.standing["s"]] == ["a", "b", "c"]
    assert circle.disputed == ["s"]
    after = decisions.Record((*circle.decisions, decision("d", "fx-v", "a", "b", "c")))
    assert [d.id for d in after.standing["s"]] == ["d"]
    joined = decisions.Record((decision("new", "fx-v", "old"), decision("old", "ss-n")))  # logs in the other order
    assert [d.id for d in joined.standing["s"]] == ["new"]
    elsewhere = decisions.Record((decision("a", "fx-v"), decision("b", "ss-n", "a", sound="t")))
    assert set(elsewhere.standing) == {"s", "t"}


def toml(value: Any) -> str:
    """A value in TOML; what it cannot say stands there as JSON does."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + " }"
    return json.dumps(value).replace("NaN", "nan").replace("Infinity", "inf").replace("null", '"null"')


@counts
def test_a_preset_is_read_or_refused(count: int, tmp_path: Path) -> None:
    preset: dict[str, Any] = {
        "losses": ["flat", "hierarchical"],
        "modalities": ["audio"],
        "texts": ["title+tags"],
        "min_confidences": [1, 3],
        "baselines": ["knn"],
        "seeds": [0, 1],
        "recipe": "paper",
        "train": {"mixup": 0.4, "sizes": {"width": 32}},
        "variants": {"focal-2": {"focal_gamma": 2.0}, "wide": {"sizes": {"width": 64}}},
    }
    file = tmp_path / "mine.toml"

    def use(rng: random.Random, what: str) -> None:
        mine = preset if rng.random() < 0.3 else fuzzing.changed(rng, preset)
        lines = mine.items() if isinstance(mine, dict) else [("losses", mine)]
        data = "".join(f"{json.dumps(k)} = {toml(v)}\n" for k, v in lines).replace(f'"{fuzzing.DEEP}"', "[" * 10_000)
        data_bytes = data.encode("utf-8", "surrogatepass")
        file.write_bytes(fuzzing.flipped(rng, data_bytes) if mine is preset else data_bytes)
        fuzzing.survives(lambda: load_preset(str(file)).settings(), what)

    fuzz(count, use)


@counts
def test_a_taxonomy_is_read_or_refused(count: int, tmp_path: Path) -> None:
    rows = [
        [c.code, c.parent or "", str(c.index), c.name, c.color, c.definition, c.examples]
        for c in (*bst().top, *bst().second)
    ]
    names = ["code", "parent", "index", "name", "color", "definition", "examples"]
    file = tmp_path / "mine.csv"
    words = [v for v in fuzzing.ODD if isinstance(v, str)]

    def use(rng: random.Random, what: str) -> None:
        cells = [list(row) for row in (names, *rows)]
        for _ in range(rng.choice([0, 1, 3])):
            row = rng.randrange(len(cells))
            if cells[row]:
                cells[row][rng.randrange(len(cells[row]))] = rng.choice([*words, "fx", "²", "9" * 30])
            if rng.random() < 0.2:
                del cells[rng.randrange(len(cells))][:2]
        buffer = io.StringIO()
        csv.writer(buffer, escapechar="\\").writerows(cells)
        data = buffer.getvalue().encode("utf-8", "surrogatepass")
        file.write_bytes(fuzzing.flipped(rng, data) if rng.random() < 0.4 else data)

        def look() -> None:
            found = load_taxonomy(file)
            assert all(len(c.color) == 7 for c in (*found.top, *found.second))
            _ = found.hash, found.parents

        fuzzing.survives(look, what)

    fuzz(count, use)


@counts
def test_an_experiment_and_its_baselines_are_read_or_refused(count: int, tmp_path: Path) -> None:
    folds = {"count": 5, "kind": "stratified", "sha256": "0" * 64}
    write_experiment(tmp_path, {"folds": folds, "settings": [dataclasses.asdict(quick())], "left_out": ["x"]})
    found = Baseline(BaselineConfig("knn", "audio"), 0, "stratified", "small", "audio fake", {"second_accuracy": 0.5})
    baseline = found.save(tmp_path)
    header = tmp_path / "experiment.json"
    before = {file: file.read_bytes() for file in (header, baseline)}

    def use(rng: random.Random, what: str) -> None:
        for file, data in before.items():
            file.write_bytes(fuzzing.changed_file(rng, file.name, data))
        fuzzing.survives(lambda: read_experiment(tmp_path), what)
        fuzzing.survives(lambda: write_experiment(tmp_path, {"folds": folds}), what)
        fuzzing.survives(lambda: find_baselines(tmp_path), what)
        header.touch()

    fuzz(count, use)


@counts
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".json", ".parquet"])
def test_a_table_of_metadata_is_read_or_refused(count: int, suffix: str, tmp_path: Path) -> None:
    rows = write_tones(tmp_path / "sounds", per_class=1)
    file = tmp_path / "sounds" / f"metadata{suffix}"
    writers = {
        ".csv": lambda: rows.to_csv(file, index=False),
        ".jsonl": lambda: rows.to_json(file, orient="records", lines=True),
        ".json": lambda: rows.to_json(file, orient="records"),
        ".parquet": lambda: rows.to_parquet(file, index=False),
    }
    writers[suffix]()
    data = file.read_bytes()

    def use(rng: random.Random, what: str) -> None:
        if suffix == ".jsonl" and rng.random() < 0.6:
            lines = data.splitlines()
            at = rng.randrange(len(lines))
            lines[at] = fuzzing.changed_json(rng, lines[at]).replace(b"\n", b" ")
            file.write_bytes(b"\n".join(lines))
        elif suffix == ".csv" and rng.random() < 0.6:
            cells = pd.read_csv(io.BytesIO(data), dtype="str").astype(object)
            words = [v for v in fuzzing.ODD if isinstance(v, str) and v != "\ud800"]
            cells.iat[rng.randrange(len(cells)), rng.randrange(cells.shape[1])] = rng.choice(words)
            cells.to_csv(file, index=False)
        else:
            file.write_bytes(fuzzing.changed_file(rng, file.name, data))
        fuzzing.survives(lambda: table.load(file), what)

    fuzz(count // 4, use)
