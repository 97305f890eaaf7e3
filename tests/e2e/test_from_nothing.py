"""A library without labels, end to end in Chromium: labelled on the map in selections, retrained, better than before.

The sounds are strangers' (BSTVIZ_DATA); the models before were trained on the demo alone, which holds none of them, nor
any like them. Whoever labels knows the classes: a selection is drawn around points of one class, as somebody would who
has listened to them. The server is killed after each of some acts and in the middle of the retraining.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page

from bstviz import paths
from bstviz.datasets.collection import load_collection
from bstviz.datasets.splits import choose_folds
from bstviz.inference.explore import run_inference
from bstviz.models.config import LOSSES, recipe
from bstviz.models.experiment_folder import find_runs
from bstviz.models.run import load_run
from bstviz.review.retraining.versions import find_versions, home_of
from bstviz.training.train import train_fold
from tests.e2e.killable import Killable
from tests.e2e.map_driver import MapDriver, settled

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.data, pytest.mark.timeout(3_600)]
SOUNDS, LABELS, A_CLASS = 300, 60, 4
MOMENT = 400
"""Milliseconds for which buttons must have been there before one is pressed, and a little more."""
MARGIN = 4
"""Pixels between an outline and the points about it."""


def run_command(*arguments: object) -> None:
    """A command of bstviz, in a process of its own."""
    subprocess.run([sys.executable, "-m", "bstviz", *map(str, arguments)], check=True, cwd=paths.root())


class Library(Killable):
    """Sounds without labels with two models' predictions, served by a process that can be killed."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.folder = folder
        given = pd.read_csv(data / "metadata.csv", dtype=str).dropna(subset=["class"])
        some = given.sample(SOUNDS, random_state=0)
        self.truth = dict(zip(some["sound_id"], some["class"], strict=True))
        (folder / "audio").mkdir()
        for name in some["file"]:
            shutil.copy(data / name, folder / "audio")
        some[["sound_id", "file"]].to_csv(folder / "sounds.csv", index=False)
        run_command("import", "table", folder / "sounds.csv", "--audio", folder / "audio", "--out", folder / "library")
        run_command("embed", folder / "library", "--text-encoder", "none")
        library = load_collection(folder / "library")
        demo = load_collection(paths.assets() / "demo")
        for loss in LOSSES:
            own = train_fold(demo, choose_folds(demo, folds=5), 0, recipe("default", loss=loss, modality="audio"))
            run = run_inference(load_run(own.save(folder / "demo" / own.id)), library)
            run.save(folder / "runs" / run.id)
        super().__init__(folder / "runs", library.hash)

    def decided(self) -> dict[str, str | None]:
        """Class of each sound that was given one, as it stands on the disk."""
        return {sound: decision.new for sound, decision in self.record().agreed.items()}

    def right(self, folder: Path, sounds: set[str]) -> dict[str, float]:
        """Share of some sounds' second-level classes that each loss's model has right."""
        found = {}
        for path in find_runs(folder):
            run = load_run(path)
            own = run.sounds["sound_id"].isin(sounds).to_numpy()
            codes = np.array(run.taxonomy.codes)[run.y_pred[own]]
            found[run.train.loss] = float(np.mean(codes == run.sounds["sound_id"][own].map(self.truth).to_numpy()))
        return found


@pytest.fixture(scope="module")
def library(browser: Browser, tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Iterator[Library]:
    made = Library(tmp_path_factory.mktemp("nothing"), shared_data / "sounds")
    yield made
    made.stop()


def groups(spots: list[tuple[float, float]], classes: list[str], left: set[int]) -> list[list[int]]:
    """Selections of points, largest first: up to some of one class, nobody's yet, no other point among them."""
    at, kinds = np.array(spots), np.array([kind if i in left else "" for i, kind in enumerate(classes)], object)
    found = []
    for i in left:
        near = np.argsort(np.abs(at - at[i]).max(axis=1), kind="stable")
        for count in range(A_CLASS, 0, -1):
            chosen = [int(j) for j in near if kinds[j] == kinds[i]][:count]
            low, high = at[chosen].min(axis=0) - 2 * MARGIN, at[chosen].max(axis=0) + 2 * MARGIN
            inside = np.flatnonzero(((at >= low) & (at <= high)).all(axis=1))
            if set(kinds[inside]) == {kinds[i]} and len(inside) <= A_CLASS:
                found.append(inside.tolist())
                break
    return sorted(found, key=len, reverse=True)


def label(page: Page, map_: MapDriver, points: list[int], classes: list[str], confidence: int) -> list[int]:
    """Draw a lasso around some points, give them their class, and wait until it is said to be saved; those
    that were labelled, none where others came into the lasso.
    """
    code = classes[points[0]]
    x, y, w, h = map_.box(0)
    at = np.array(map_.spots())[points]
    (left, top), (right, bottom) = at.min(axis=0) - MARGIN, at.max(axis=0) + MARGIN
    map_.lasso((left - x) / w, (top - y) / h, (right - x) / w, (bottom - y) / h)
    page.wait_for_function("(m) => Number(m.dataset.selected) > 0", arg=map_.handle())
    settled(page)
    count = map_.selected()
    chosen = map_.chosen()
    if {classes[i] for i in chosen} != {code}:
        return []
    picker = page.get_by_label("Class", exact=True)
    picker.click()
    picker.press_sequentially(f"({code})")
    picker.press("Enter")
    page.get_by_role("button", name=f"Label {count} sounds as").or_(
        page.get_by_role("button", name="Label 1 sound as")
    ).wait_for()
    settled(page)
    page.get_by_role("heading", name="Label", exact=True).click()
    sure = page.locator(".decide .sure button[aria-pressed='true']", has_text=str(confidence))
    if not sure.count():  # it stays as it was chosen last, and its key takes it away
        page.keyboard.press(str(confidence))
    sure.wait_for()
    page.wait_for_timeout(MOMENT)
    page.keyboard.press("l")
    page.get_by_text(f"given {code}, annotation confidence {confidence})").first.wait_for()
    return chosen


def test_sixty_labels_of_three_hundred_sounds_make_the_answers_for_the_others_better(
    page: Page, library: Library
) -> None:
    page.goto(library.address)
    map_ = MapDriver(page)
    shown = load_run(find_runs(library.runs)[0]).sounds["sound_id"].tolist()
    assert map_.drawn() == SOUNDS == len(shown)
    made, dice = Counter[str](), random.Random(0)
    classes = [library.truth[sound] for sound in shown]
    left, tried = set(range(SOUNDS)), set[int]()
    while sum(made.values()) < LABELS:
        own = [one for one in groups(map_.spots(), classes, left) if not tried & set(one)]
        points = min(own, key=lambda one: made[classes[one[0]]] - len(one))  # classes with few labels first
        done = label(page, map_, points, classes, dice.choice((3, 4, 5)))
        tried |= set(points) - set(done)
        left -= set(done)
        made[classes[points[0]]] += len(done)
        if not done:
            continue
        decided = library.decided()  # what the page said is saved, whatever becomes of the server now
        assert Counter(decided.values()) == +made
        assert decided == {sound: library.truth[sound] for sound in decided}
        if dice.random() < 0.25:
            library.kill()
            assert library.decided() == decided
            library.start()
            page.goto(library.address)
            map_ = MapDriver(page)
    decided = library.decided()
    others = set(shown) - set(decided)
    before = library.right(library.runs, others)

    page.get_by_role("button", name="Retrain now").click()
    page.get_by_text("Retraining").wait_for()
    page.wait_for_timeout(500)
    library.kill()
    assert library.decided() == decided
    library.start()
    page.goto(f"{library.address}?run={load_run(find_runs(library.runs)[-1]).id}")
    old = MapDriver(page).coordinates()
    page.get_by_role("button", name="Retrain now").click()
    page.get_by_text("have another answer than before").wait_for()
    page.wait_for_function("() => document.querySelector('.plotly-map').dataset.morph === '0.00'")
    assert MapDriver(page).coordinates() != old
    version = find_versions(home_of([load_run(path) for path in find_runs(library.runs)], [library.runs]))[-1]
    after = library.right(version.folder, others)
    print(
        f"{len(decided)} labels of {len(made)} classes; on the {len(others)} others, second level: "
        f"before {before}, after {after}",
        file=sys.stderr,
    )
    assert all(after[loss] > before[loss] for loss in before)

    table = library.folder / "labels.csv"
    run_command("review", "labels", library.runs, "--out", table)
    run_command("import", "table", table, "--audio", library.folder / "audio", "--out", library.folder / "again")
    again = load_collection(library.folder / "again").sounds.set_index("sound_id")
    stated = {sound: own[-1].confidence for sound, own in library.record().standing.items()}
    assert again["class"].dropna().to_dict() == decided
    assert {sound: int(again["confidence"][sound]) for sound in decided} == stated
