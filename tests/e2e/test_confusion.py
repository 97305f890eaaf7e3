"""The confusion page as a person uses it, in Chromium, on five folds of a collection of BSD10k's size."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Locator, Page
from sklearn.metrics import confusion_matrix

from benchmarks.serving import served
from bstviz.datasets.collection import load_collection
from bstviz.datasets.taxonomy import bst
from bstviz.models.run import load_run
from tests.e2e.map_driver import MapDriver, settled

pytestmark = pytest.mark.e2e
FOLDS = 5
CELL = ("ss-i", "ss-u")
POINT = ".js-plotly-plot .scatterlayer .point"


@pytest.fixture(scope="module")
def answers(large_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, Path]:
    """A made-up setting whose runs confuse many indoor soundscapes with urban ones: its sounds' truth, its folder."""
    run, collection = load_run(large_folder / "hierarchical"), load_collection(large_folder / "sounds")
    sounds, number = run.sounds.copy(), np.arange(len(run.sounds))
    confused = (sounds["y_true"] == CELL[0]).to_numpy() & (number % 3 == 0)
    best = sounds.loc[confused, "y_pred"]
    for row, code in best.items():
        exchanged = sounds.loc[row, [f"p_{CELL[1]}", f"p_{code}"]].to_numpy(copy=True)
        sounds.loc[row, [f"p_{code}", f"p_{CELL[1]}"]] = exchanged
    sounds.loc[confused, "y_pred"] = CELL[1]
    folder = tmp_path_factory.mktemp("folds")
    for fold in range(FOLDS):
        split = np.where(number % FOLDS == fold, "test", "train")
        replace(run, fold=fold, sounds=sounds.assign(split=split)).save(folder / f"hierarchical-fold{fold}")
        if fold == 0:  # another setting, of one fold
            flat = replace(run, train=replace(run.train, loss="flat"), sounds=sounds.assign(split=split))
            flat.save(folder / "flat-fold0")
    return sounds.assign(
        title=collection.sounds["title"], confidence=collection.sounds["confidence"].astype(int)
    ), folder


@pytest.fixture(scope="module")
def place(browser: Browser, answers: tuple[pd.DataFrame, Path]) -> Iterator[str]:
    with served(["--experiment", str(answers[1])]) as server:
        yield f"{server.address}/confusion"


@pytest.fixture
def truth(answers: tuple[pd.DataFrame, Path]) -> pd.DataFrame:
    return answers[0]


@pytest.fixture
def matrix(page: Page, place: str) -> Page:
    """The page, once its matrix is drawn."""
    page.goto(place)
    page.wait_for_selector(POINT)
    settled(page)
    return page


def click_cell(page: Page, true: str, predicted: str) -> None:
    """Click a cell, once the chart listens and stands still, and wait until the page names it."""
    codes = page.locator(".js-plotly-plot").first.evaluate("(plot) => plot.data[1].customdata")
    point = page.locator(POINT).nth(codes.index(f"{true}|{predicted}"))
    plot_where(page, "plot._ev?._events?.plotly_selected")
    point.scroll_into_view_if_needed()
    box = at_rest(point)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.get_by_role("heading", name=f"{bst()[true].name} → {bst()[predicted].name}", level=4).wait_for()
    settled(page)


def at_rest(point: Locator) -> dict[str, float]:
    """Where a point is on the screen, once it is in the same place in two frames that follow each other."""
    place = "(p) => new Promise((done) => requestAnimationFrame(() => done(JSON.stringify(p.getBoundingClientRect()))))"
    last = None
    while (now := point.evaluate(place)) != last:
        last = now
    return json.loads(now)


def plot_where(page: Page, condition: str) -> None:
    """Wait until something holds of ``plot``, the matrix."""
    page.wait_for_function(
        f"() => {{ const plot = document.querySelector('.js-plotly-plot'); return plot?.data && ({condition}); }}"
    )


def download(page: Page, button: str, number: int = 0) -> pd.DataFrame:
    with page.expect_download() as found:
        page.locator('[data-testid="stDownloadButton"] button', has_text=button).nth(number).click()
    return pd.read_csv(found.value.path())


def expected(truth: pd.DataFrame, threshold: int) -> pd.DataFrame:
    inside = (truth["y_true"] == CELL[0]) & (truth["y_pred"] == CELL[1]) & (truth["confidence"] >= threshold)
    predicted_confidence = truth[f"p_{CELL[1]}"].astype(np.float32)
    return (
        truth[inside]
        .assign(predicted_confidence=predicted_confidence)
        .sort_values("predicted_confidence", ascending=False, kind="stable")
    )


def test_a_clicked_cell_lists_exactly_its_sounds_the_most_confident_first(matrix: Page, truth: pd.DataFrame) -> None:
    click_cell(matrix, *CELL)
    for threshold in (1, 4):
        if threshold > 1:
            matrix.get_by_role(
                "radio", name=f"≥ {threshold}"
            ).click()  # runs are trained on all: but one control has it
            matrix.get_by_text(f"≥ {threshold} applies to the test only").wait_for()
            settled(matrix)
        wanted = expected(truth, threshold)
        assert 50 < len(wanted) <= 500
        matrix.get_by_text(f"{len(wanted):,} sounds, most confident first").wait_for()
        shown = matrix.locator(".list tbody tr button.open").all_inner_texts()
        assert sorted(shown) == sorted(wanted["title"])
        saved = download(matrix, "CSV", 1)
        assert set(saved["sound_id"]) == set(wanted["sound_id"])
        assert len(saved) == len(wanted)
        np.testing.assert_allclose(saved["predicted_confidence"], wanted["predicted_confidence"], rtol=1e-5)
        assert shown == saved["title"].tolist()


def test_a_listed_sound_plays_and_its_cell_becomes_the_selection_on_the_map(matrix: Page, truth: pd.DataFrame) -> None:
    click_cell(matrix, *CELL)
    matrix.locator(".list tbody tr").nth(1).locator("button.play").click()
    matrix.wait_for_function("() => window.bstvizPlaying && !window.bstvizPlaying.paused")
    matrix.get_by_role("button", name="Select on the map").click()
    map_ = MapDriver(matrix)
    wanted = expected(truth, 1)
    assert map_.selected() == len(wanted)
    settled(matrix)
    assert truth["sound_id"].iloc[map_.chosen()].tolist() == sorted(
        wanted["sound_id"], key=truth["sound_id"].tolist().index
    )
    matrix.get_by_role("link", name="Confusion", exact=True).click()
    matrix.wait_for_selector(POINT)
    settled(matrix)
    title = matrix.locator(".list tbody tr button.open").nth(2)
    name = title.inner_text()
    title.click()
    matrix.get_by_role("heading", name=name, level=4).wait_for()


def test_blocks_collapse_and_open_and_the_csv_is_the_matrix_shown(matrix: Page, truth: pd.DataFrame) -> None:
    taxonomy = bst()
    tops = [taxonomy.parent_of(code) for code in truth["y_true"]], [taxonomy.parent_of(c) for c in truth["y_pred"]]
    matrix.get_by_role("radio", name="counts").click()
    settled(matrix)

    def check(codes: tuple[str, ...], true: list[str], predicted: list[str]) -> None:
        matrix.wait_for_function(f"() => document.querySelectorAll('{POINT}').length === {len(codes) ** 2}")
        settled(matrix)
        saved = download(matrix, "CSV")
        counts = confusion_matrix(true, predicted, labels=codes)
        assert saved["true"].tolist() == list(codes)
        np.testing.assert_array_equal(saved[list(codes)], counts)
        np.testing.assert_array_equal(saved["sounds"], counts.sum(axis=1))
        printed = matrix.locator(".js-plotly-plot").first.evaluate("(plot) => plot.data[0].text")
        assert [[int(cell or 0) for cell in row] for row in printed] == counts.tolist()

    check(taxonomy.codes, truth["y_true"].tolist(), truth["y_pred"].tolist())
    matrix.get_by_role("button", name="Collapse all").click()
    check(taxonomy.top_codes, *tops)
    matrix.get_by_role("button", name="Soundscapes").click()
    matrix.wait_for_function(f"() => document.querySelectorAll('{POINT}').length === 64")
    matrix.get_by_role("button", name="Open all").click()
    check(taxonomy.codes, truth["y_true"].tolist(), truth["y_pred"].tolist())


def test_different_test_sets_are_reported_and_can_be_made_the_same(matrix: Page, truth: pd.DataFrame) -> None:
    matrix.get_by_text("Compare with B").click()
    warning = matrix.get_by_text("Different test sets")
    warning.wait_for()
    own = len(truth.iloc[::FOLDS])
    assert f"A is tested on {len(truth):,} sounds, B on {own:,}; both on {own:,}" in warning.locator("..").inner_text()
    matrix.get_by_text("Only the sounds that both are tested on").click()
    plot_where(matrix, "plot.data[0].text.flat().every((cell) => !cell)")  # the same answers to the same sounds


def test_the_matrix_is_saved_as_a_picture(matrix: Page) -> None:
    for kind, first in (("svg", b"<svg"), ("png", b"\x89PNG")):
        matrix.get_by_role("radio", name=kind.upper()).click()
        plot_where(matrix, f"plot._context.toImageButtonOptions.format === '{kind}'")
        settled(matrix)
        matrix.locator(".js-plotly-plot").first.hover()
        with matrix.expect_download() as found:
            matrix.locator(".modebar-btn").first.click()
        assert found.value.suggested_filename == f"confusion.{kind}"
        assert found.value.path().read_bytes().startswith(first)
