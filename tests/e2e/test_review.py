"""Review as people use it: keys in Chromium, a server killed under them, two windows at once."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from benchmarks.serving import free_port, serve, stop
from bstviz.datasets.collection import Collection
from bstviz.review.decisions import Record, read_record
from bstviz.training.train import train_folds
from tests.fakes import quick, stratified

pytestmark = pytest.mark.e2e
MOMENT = 300
"""Milliseconds for which a sound must have been shown before a key decides on it, and a little more."""


@dataclass
class Served:
    """An app on an experiment, which can be killed and started again at the same address."""

    experiment: Path
    collection: Collection
    port: int = field(default_factory=free_port)
    server: subprocess.Popen | None = None

    def start(self) -> None:
        self.server = serve(["--experiment", str(self.experiment)], self.port)

    def kill(self) -> None:
        assert self.server is not None
        os.killpg(self.server.pid, signal.SIGKILL)
        self.server.wait(timeout=30)

    def record(self) -> Record:
        (file,) = self.experiment.glob("review-*.jsonl")
        return read_record(file, self.collection.hash)

    def open(self, page: Page) -> None:
        page.goto(f"http://localhost:{self.port}/review")
        page.get_by_role("button", name="Unsure").wait_for()
        page.wait_for_timeout(MOMENT)


@pytest.fixture(scope="module")
def running(collection: Collection, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    experiment, folds = tmp_path_factory.mktemp("experiment"), stratified(collection)
    for loss in ("hierarchical", "flat"):
        for run in train_folds(collection, folds, range(folds.count), quick(loss=loss, epochs=3)):
            run.save(experiment / run.id)
    app = Served(experiment, collection)
    app.start()
    yield app
    assert app.server is not None
    stop(app.server)


@pytest.fixture
def served(running: Served) -> Served:
    """The app, with nothing decided yet."""
    for file in running.experiment.glob("review-*.jsonl"):
        file.unlink()
    return running


def decided(page: Page, count: int) -> None:
    """Wait until the page says that so many sounds are decided, and takes the next key."""
    page.get_by_text(f"{count} of 48 sounds decided").wait_for()
    page.locator(".decide button.main:not([disabled])").wait_for()
    page.wait_for_timeout(MOMENT)


def test_no_decision_is_lost_when_the_server_is_killed_after_a_key(served: Served, page: Page) -> None:
    served.open(page)
    name = page.get_by_role("textbox", name="Your name")
    name.fill("Ada")
    name.press("Enter")
    page.get_by_role("heading", name="Label quality").click()
    for count, key in enumerate("akuaku", 1):
        page.keyboard.press(key)
        decided(page, count)
        assert len(served.record().standing) == count
    served.kill()
    served.start()
    served.open(page)
    decided(page, 6)
    made = served.record()
    assert made.damaged == 0
    assert [d.verdict.split(" ")[0] for d in made.decisions] == ["changed", "kept", "unsure"] * 2
    assert {d.name for d in made.decisions} == {"Ada"}
    assert page.get_by_role("textbox", name="Your name").input_value() == "Ada"
    page.get_by_role("radio", name="Decided").click()
    page.get_by_text("by you").wait_for()
    page.get_by_role("button", name="Take back").click()
    decided(page, 5)
    assert len(served.record().standing) == 5


def test_two_windows_work_on_one_queue_and_both_are_kept(served: Served, browser: Browser) -> None:
    first, second = (browser.new_context().new_page() for _ in range(2))
    for window in (first, second):
        window.set_default_timeout(90_000)
        served.open(window)
    for count, (window, key) in enumerate([(first, "a"), (second, "k"), (second, "a"), (first, "u")], 1):
        window.keyboard.press(key)
        decided(window, count)
    second.keyboard.press("z")
    decided(second, 3)
    first.keyboard.press("n")
    decided(first, 3)
    made = served.record()
    assert [d.verdict.split(" ")[0] for d in made.decisions] == ["changed", "kept", "unsure"]
    assert len({d.by for d in made.decisions}) == 2
    first.get_by_role("textbox", name="Your name").fill("*Ada*")
    first.get_by_role("textbox", name="Your name").press("Enter")
    first.reload()
    first.get_by_role("button", name="Undo").wait_for()
    assert first.get_by_role("textbox", name="Your name").input_value() == "*Ada*"
    assert second.get_by_role("textbox", name="Your name").input_value() == ""
    first.get_by_role("heading", name="Label quality").click()
    first.wait_for_timeout(MOMENT)
    sound = first.locator(".decide").get_attribute("data-sound")
    first.keyboard.press("a")
    decided(first, 4)
    second.goto(f"http://localhost:{served.port}/review?sound={sound}")
    second.get_by_text("“*Ada*”").wait_for()
    first.keyboard.press("z")
    decided(first, 3)
    assert len({d.sound_id for d in made.decisions}) == 3
    for window in (first, second):
        window.context.close()


def test_a_key_pressed_in_haste_decides_nothing_unseen(served: Served, page: Page) -> None:
    served.open(page)
    shown = page.locator(".decide").get_attribute("data-sound")
    press = "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'a', bubbles: true, composed: true}))"
    page.evaluate(f"() => {{ for (let i = 0; i < 4; i++) {press}; }}")
    decided(page, 1)
    page.wait_for_timeout(500)
    assert [d.sound_id for d in served.record().decisions] == [shown]


def test_keys_typed_into_a_field_decide_nothing(served: Served, page: Page) -> None:
    served.open(page)
    note = page.get_by_label("Comment")
    note.click()
    note.press_sequentially("a naked kangaroo")
    note.press("Enter")
    page.wait_for_timeout(1_500)
    decided(page, 0)
    assert not list(served.experiment.glob("review-*.jsonl"))
    assert note.input_value() == "a naked kangaroo"


def test_a_class_is_chosen_and_s_sets_it_at_once(served: Served, page: Page) -> None:
    served.open(page)
    sound = page.locator(".decide").get_attribute("data-sound")
    page.get_by_label("Another class").click()
    option = page.get_by_role("option").nth(1)
    name = option.inner_text()
    option.click()
    page.keyboard.press("s")
    decided(page, 1)
    (decision,) = served.record().standing[str(sound)]
    assert f"({decision.new})" in name
