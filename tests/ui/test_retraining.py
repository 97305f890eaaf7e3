"""Retraining on Explore without a browser: labels are decided, models retrained, what changed is told, and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from bstviz import paths
from bstviz.datasets.collection import load_collection
from bstviz.models.experiment_folder import find_runs
from bstviz.models.run import load_run
from bstviz.review.acts import decide
from bstviz.review.record_files import record_file
from bstviz.training.train import train_fold
from tests.fakes import quick, small_collection, stratified
from tests.ui.conftest import ROOT, map_of, settled, sounds_of, values


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


def test_review_leads_to_retraining(place: Path) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run().switch_page("pages/review.py").run()
    assert not app.exception
    (link,) = [element.proto for element in app.get("page_link")]
    assert link.page == "explore"
