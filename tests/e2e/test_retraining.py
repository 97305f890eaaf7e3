"""Retraining as people use it, in Chromium: labels are decided, the map morphs into the new one, and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from benchmarks.serving import served
from bstviz.datasets.collection import Collection, load_collection
from bstviz.models.experiment_folder import find_runs
from bstviz.models.run import load_run
from bstviz.review.acts import decide
from bstviz.review.record_files import record_file
from bstviz.training.train import train_fold
from tests.e2e.map_driver import MapDriver, settled
from tests.fakes import quick, small_collection, stratified

pytestmark = pytest.mark.e2e


@pytest.fixture
def running(browser: Browser, tmp_path: Path) -> Iterator[tuple[str, Path, Collection]]:
    """Address of an app on two small runs, their folder, and their collection."""
    collection = load_collection(replace(small_collection(per_class=12), folder=None).save(tmp_path / "collection"))
    for loss in ("hierarchical", "flat"):
        run = train_fold(collection, stratified(collection, 3), 0, quick(loss=loss, epochs=10))
        run.save(tmp_path / "runs" / run.id)
    with served([f"--experiment={tmp_path / 'runs'}"]) as server:
        yield server.address, tmp_path / "runs", collection


def label(runs: Path, collection: Collection, rows: range, code: str) -> None:
    file = record_file(load_run(find_runs(runs)[0]).collection, [runs])
    for row in rows:
        sound, old = collection.sounds["sound_id"].iat[row], collection.sounds["class"].iat[row]
        decide(file, collection.hash, sound_id=sound, old=old, new=code, why="", by="me")


def test_the_map_morphs_into_that_of_the_retrained_model_and_back(
    page: Page, running: tuple[str, Path, Collection]
) -> None:
    address, runs, collection = running
    page.goto(f"{address}/explore")
    old = MapDriver(page).coordinates()
    label(runs, collection, range(4), "ss-n")
    page.reload()
    MapDriver(page)
    page.get_by_text("4 labels decided since these models").wait_for()
    page.get_by_role("button", name="Retrain now").click()
    page.get_by_text("have another answer than before").wait_for()
    settled(page)
    page.wait_for_function("() => document.querySelector('.plotly-map').dataset.morph === '0.00'")
    map_ = MapDriver(page)
    new = map_.coordinates()
    assert len(new) == len(old)
    assert new != old
    assert map_.ask("Array.from(g._fullData.find((t) => t.meta?.part === 'sounds').meta.origin.x)") == pytest.approx(
        old
    )
    page.get_by_text("Structure of the latent spaces").wait_for()
    assert page.get_by_text("Left out, as they cannot be read").count() == 0
    page.get_by_label("Version", exact=True).click()
    page.get_by_role("option", name="Before retraining").click()
    page.get_by_text("4 labels decided since these models").wait_for()
    settled(page)
    assert MapDriver(page).coordinates() == pytest.approx(old)
