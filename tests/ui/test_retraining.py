"""Retraining on Explore without a browser: labels are decided, models retrained, what changed is told, and back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from bstviz import paths
from bstviz.datasets.collection import load_collection
from bstviz.errors import UserError
from bstviz.jobs import background
from bstviz.models.experiment_folder import find_runs
from bstviz.models.run import load_run
from bstviz.review.acts import decide
from bstviz.review.decisions import read_record
from bstviz.review.record_files import record_file
from bstviz.review.retraining import files
from bstviz.review.retraining.retrain import retrain
from bstviz.review.retraining.versions import Version, versions_folder
from bstviz.training.train import train_fold
from tests.fakes import InThisProcess, quick, small_collection, stratified
from tests.ui.conftest import ROOT, map_of, seen, settled, sounds_of, values


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An experiment of two runs on a small collection."""
    known = small_collection(per_class=12)
    collection = load_collection(replace(known, folder=None).save(tmp_path / "collection"))
    for loss in ("flat", "hierarchical"):
        run = train_fold(collection, stratified(collection, 3), 0, quick(loss=loss, epochs=10))
        run.save(tmp_path / "runs" / run.id)
    monkeypatch.setenv(paths.EXPERIMENTS_VARIABLE, str(tmp_path / "runs"))
    monkeypatch.setenv(paths.COLLECTION_VARIABLE, "")
    yield tmp_path


def opened() -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run()
    return app.switch_page("pages/explore.py").run()


def label(place: Path, row: int, code: str) -> None:
    """Decide on the class of a sound of the collection, as any page does."""
    collection = load_collection(place / "collection")
    run = load_run(find_runs(place / "runs")[0])
    file, ids = record_file(run.collection, [place / "runs"]), collection.sounds["sound_id"]
    old = collection.sounds["class"].iat[row]
    decide(file, collection.hash, sound_id=ids.iat[row], old=old, new=code, why="", by="me")


def said(app: AppTest) -> str:
    return "\n".join(element.value for element in (*app.markdown, *app.caption))


def test_nothing_is_retrained_before_a_label_is_decided(place: Path) -> None:
    app = opened()
    assert not app.exception
    assert app.button(key="retraining.now").disabled
    assert "No label decided since these models" in said(app)


def test_a_retrained_model_comes_to_the_map_with_what_changed_and_goes_back(place: Path) -> None:
    label(place, 0, "ss-n")
    app = opened()
    assert "1 label decided since these models" in said(app)
    before = map_of(app)
    app.button(key="retraining.now").click().run()
    settled(app).run()
    assert not app.exception
    after = map_of(app)
    assert after["map"] != before["map"]
    (old,), (new,) = sounds_of(before), sounds_of(after)
    assert after["origin"]
    np.testing.assert_array_equal(values(new["meta"]["origin"]["x"]), values(old["x"]))
    settled(app).run()
    assert "sounds have another answer than before" in said(app)
    assert "No label decided since this version" in said(app)
    assert app.selectbox(key="retraining.version").value == 1
    app.selectbox(key="retraining.version").set_value(0).run()
    assert not app.exception
    back = map_of(app)
    assert back["map"] == before["map"]
    (there,) = sounds_of(back)
    np.testing.assert_array_equal(values(there["meta"]["origin"]["x"]), values(new["x"]))


@pytest.mark.slow
def test_where_umap_is_shown_the_new_models_map_follows(place: Path) -> None:
    label(place, 0, "ss-n")
    app = opened()
    app.segmented_control(key="explore.map.method").set_value("umap").run()
    app.button(key="retraining.now").click().run()
    settled(app).run()
    assert map_of(settled(app).run())["figure"]["layout"]["xaxis"]["title"]["text"].startswith("UMAP")


def test_the_new_runs_are_found_by_other_visitors_and_later(place: Path) -> None:
    label(place, 0, "ss-n")
    app = opened()
    app.button(key="retraining.now").click().run()
    settled(app).run()
    later = opened()
    assert "Left out" not in said(later)
    names = [str(option) for option in later.selectbox(key="explore.run").options]
    assert len(names) == 4
    assert sum("version-1" in name for name in names) == 2


@pytest.fixture
def retrained(place: Path) -> Version:
    """A version of two runs of training seed 1, made with no page, beside runs of seed 0."""
    collection = load_collection(place / "collection")
    runs = []
    for loss in ("flat", "hierarchical"):
        run = train_fold(collection, stratified(collection, 3), 0, quick(loss=loss, epochs=2, seed=1))
        runs.append(load_run(run.save(place / "runs" / run.id)))
    label(place, 0, "ss-n")
    record = read_record(record_file(runs[0].collection, [place / "runs"]), collection.hash)
    return retrain(collection, record, runs, versions_folder(runs[0].collection, [place / "runs"]))


def shown_run(run: Path) -> AppTest:
    return opened().selectbox(key="explore.run").set_value(str(run)).run()


@pytest.mark.parametrize("loss", ["flat", "hierarchical"])
def test_a_version_of_another_seed_is_gone_back_from_and_on_to_again(loss: str, retrained: Version) -> None:
    (new,) = [path for path in find_runs(retrained.folder) if loss in path.name]
    app = shown_run(new)
    picker = app.selectbox(key="retraining.version")
    assert (len(picker.options), picker.value) == (2, 1)
    picker.set_value(0).run()
    assert Path(app.selectbox(key="explore.run").value).name == f"{loss}-audio-c1-fold0-s1"
    app.selectbox(key="retraining.version").set_value(1).run()
    assert app.selectbox(key="explore.run").value == str(new)
    app.selectbox(key="explore.run").set_value(str(new.parents[2] / f"{loss}-audio-c1-fold0")).run()
    assert not app.exception
    assert "retraining.version" not in [box.key for box in app.selectbox]  # a run of seed 0 has no version


def in_this_process(monkeypatch: pytest.MonkeyPatch, measure: Callable[..., object]) -> list[Path]:
    """Have changes measured here by another function; returns the runs that it was asked about, in time."""
    asked: list[Path] = []

    def measured(before: Path, after: Path, held_out: Path, *, report: object) -> object:
        asked.append(after)
        return measure()

    monkeypatch.setattr(background, "WorkerProcess", InThisProcess)
    monkeypatch.setattr(background, "_QUEUES", {})
    monkeypatch.setattr(files, "changes_of_files", measured)
    return asked


def test_what_is_cancelled_is_measured_again_when_asked_for_alone(
    retrained: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    asked = in_this_process(monkeypatch, lambda: go_on.wait(60))
    app = shown_run(find_runs(retrained.folder)[0])
    app.button(key="retraining.changed.cancel").click().run()
    for _ in range(2):
        assert any(info.value == "What changed: cancelled." for info in app.info)
        assert "retraining.changed.cancel" not in [button.key for button in app.button]
        app.run()
    assert len(asked) == 1
    app.button(key="retraining.again").click().run()
    assert "retraining.changed.cancel" in [button.key for button in app.button]
    go_on.set()


def test_changes_that_cannot_be_measured_are_tried_once_and_the_reason_is_told(
    retrained: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise UserError("held-out.parquet is damaged")

    asked = in_this_process(monkeypatch, fail)
    app = shown_run(find_runs(retrained.folder)[0])
    for _ in range(2):
        assert [seen(warning.value) for warning in app.warning] == ["What changed: held-out.parquet is damaged"]
        app.run()
    assert len(asked) == 1


def test_review_leads_to_retraining(place: Path) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run().switch_page("pages/review.py").run()
    assert not app.exception
    (link,) = [element.proto for element in app.get("page_link")]
    assert link.page == "explore"
