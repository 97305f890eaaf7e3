"""Labelling from nothing in Chromium: a lasso, a class, keys; undo and redo; a reload, and a server that is killed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from bstviz.datasets.collection import Collection
from bstviz.inference.explore import run_inference
from bstviz.models.run import Run
from tests.e2e.killable import Killable
from tests.e2e.map_driver import MapDriver, settled

pytestmark = pytest.mark.e2e
MOMENT = 300
"""Milliseconds for which the buttons must have been there before one is pressed, and a little more."""


@pytest.fixture
def library(tmp_path: Path, collection: Collection, runs: dict[str, Run]) -> Iterator[Killable]:
    """Sounds without labels."""
    bare = collection.sounds.assign(**{"class": pd.Series(dtype="str").reindex(collection.sounds.index)})
    library = replace(collection, name="library", sounds=bare, folder=tmp_path / "collection")
    library.save(tmp_path / "collection")
    made = run_inference(runs["audio"], library)
    made.save(tmp_path / "runs" / made.id)
    served = Killable(tmp_path / "runs", library.hash)
    yield served
    served.stop()


def opened(page: Page, library: Killable, query: str = "") -> MapDriver:
    page.goto(library.address + query)
    return MapDriver(page)


def answered(page: Page, words: str) -> None:
    """Wait until the panel says something, and takes the next press."""
    page.get_by_text(words).first.wait_for()
    settled(page)
    page.wait_for_timeout(MOMENT)


def test_a_selection_is_labelled_undone_brought_back_and_outlives_reload_and_kill(
    page: Page, library: Killable
) -> None:
    map_ = opened(page, library)
    map_.lasso(0.02, 0.02, 0.6, 0.98)
    map_.selects()
    count = map_.selected()
    picker = page.get_by_label("Class", exact=True)
    picker.click()
    picker.press_sequentially("anim")
    picker.press("Enter")
    page.get_by_role("button", name=f"Label {count} sounds as Animals").wait_for()
    page.get_by_role("heading", name="Label", exact=True).click()
    page.keyboard.press("4")
    expect(page.locator(".decide .sure button", has_text="4")).to_have_attribute("aria-pressed", "true")
    page.wait_for_timeout(MOMENT)
    page.keyboard.press("l")
    answered(page, f"Saved: {count} sounds ({count} given fx-a, annotation confidence 4)")
    made = library.record().decisions
    assert {(d.new, d.old, d.confidence) for d in made} == {("fx-a", None, 4)}
    assert (len(made), len({d.act for d in made})) == (count, 1)
    assert map_.selected() == count
    page.keyboard.press("Control+z")
    answered(page, f"Taken back: {count} sounds")
    assert library.record().standing == {}
    page.keyboard.press("Control+y")
    answered(page, f"Brought back: {count} sounds")
    assert library.record().decisions == made
    map_.recolor("Decided class")
    assert map_.title() == "Decided class"
    page.reload()
    MapDriver(page)
    page.get_by_text(f"{count} sounds decided, {count} by you").wait_for()
    library.kill()
    assert library.record().decisions == made
    library.start()
    opened(page, library)
    page.get_by_text(f"{count} sounds decided, {count} by you").wait_for()


def test_one_sound_is_labelled_by_its_key_from_within_the_field_and_digits_typed_into_fields_choose_nothing(
    page: Page, library: Killable
) -> None:
    opened(page, library, "?sound=s007")
    comment = page.get_by_label("Comment")
    comment.fill("4 barks, then 2 more")
    comment.press("Enter")
    settled(page)
    assert page.locator('.decide .sure button[aria-pressed="true"]').count() == 0
    picker = page.get_by_label("Class", exact=True)
    picker.click()
    picker.press_sequentially("anim")
    picker.press("Enter")
    page.wait_for_timeout(MOMENT)
    page.keyboard.press("l")
    answered(page, "Saved: 1 sound (1 given fx-a)")
    (decision,) = library.record().decisions
    assert (decision.sound_id, decision.new, decision.confidence) == ("s007", "fx-a", None)
    assert decision.comment == "4 barks, then 2 more"
