"""Public predictions on BSD10k beside a text run of ours, in Chromium: figures, queue and comparison."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from benchmarks.serving import served
from bstviz.datasets.collection import load_collection
from bstviz.datasets.splits import choose_folds
from bstviz.datasets.table import load
from bstviz.predictions.external import external_runs
from bstviz.predictions.table import read_predictions
from bstviz.training.train import train_fold
from tests.e2e.conftest import BSD10K_SOUNDS
from tests.e2e.map_driver import settled
from tests.fakes import FakeTextEncoder, quick

pytestmark = [pytest.mark.e2e, pytest.mark.data, pytest.mark.slow]
NAME = "CLAP baseline"
COLUMNS = {"class_column": "baseline__both__pred", "score_column": "baseline__both__score"}
FIGURES = ("79.95", "89.12", "78.64")
"""Published: accuracy at the second level and at the top, hierarchical F1."""


@pytest.fixture(scope="module")
def experiment(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """BSD10k with words as text embeddings, a run on these, and the public predictions with latents and without."""
    folder = tmp_path_factory.mktemp("bsd10k")
    sounds = load(shared_data / "bsd10k_v1.2.parquet", name="BSD10k", source="bsd10k")
    texts, encoder = sounds.texts(("title", "tags")), FakeTextEncoder()
    words = np.where(np.array([bool(text) for text in texts])[:, None], encoder.embed(texts), np.nan)
    made = replace(sounds, text=words.astype(np.float32), text_encoder=replace(encoder.info, fields=("title", "tags")))
    collection = load_collection(made.save(folder / "collection"))
    run = train_fold(collection, choose_folds(collection), 0, quick(modality="text", epochs=2, batch_size=256))
    run.save(folder / "runs" / run.id)
    file = shared_data / "bsd10k_clap_predictions.parquet"
    predictions = read_predictions(file, collection.taxonomy, **COLUMNS)
    for name, latents in ((NAME, None), (f"{NAME}, mapped", "text")):
        (run,) = external_runs(predictions, collection, name=name, file=file, modality="both", latents=latents)
        run.save(folder / "runs" / run.id)
    return folder / "runs"


@pytest.fixture(scope="module")
def place(browser: Browser, experiment: Path) -> Iterator[str]:
    with served(["--experiment", str(experiment)]) as server:
        yield server.address


def choose(page: Page, label: str, option: str) -> None:
    """Take an option of a select box, and wait for the answer: a page that is drawn anew closes the next box's list."""
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option).first.click()
    settled(page)


def test_confusion_shows_the_published_figures(page: Page, place: str) -> None:
    page.goto(f"{place}/confusion")
    choose(page, "A · Model", f"{NAME} ·")
    page.get_by_text(f"{BSD10K_SOUNDS:,} test sounds", exact=False).first.wait_for()
    scores = page.locator('[data-testid="stDataFrame"]').first
    for figure in FIGURES:
        scores.locator("td", has_text=figure).first.wait_for(state="attached")


def test_results_has_it_in_its_table(page: Page, place: str) -> None:
    page.goto(f"{place}/results")
    choose(page, "Collection and folds", "BSD10k · folds: unknown folds")
    row = page.locator('[data-testid="stTable"] tr', has_text="89.1").first
    row.wait_for()
    assert NAME in row.inner_text()


def test_review_queues_the_labels_that_it_contradicts(page: Page, place: str) -> None:
    page.goto(f"{place}/review")
    choose(page, "Models", f"{NAME} ·")
    page.get_by_text("0 of 10,311 sounds decided").wait_for()
    page.get_by_text(f"{NAME} predicts").first.wait_for()


def test_compare_sets_it_beside_the_text_run(page: Page, place: str) -> None:
    page.goto(f"{place}/compare?left=CLAP-baseline-mapped-fold0&right=hierarchical-text-c1-fold0")
    page.get_by_text("10,311 shared sounds").wait_for()
    page.get_by_text("Class by class").wait_for()


def test_explore_says_what_is_missing_without_latents(page: Page, place: str) -> None:
    page.goto(f"{place}/explore?run=CLAP-baseline-fold0")
    page.get_by_text("came without latents, so there is no map of them").wait_for()
    page.goto(f"{place}/explore?run=CLAP-baseline-mapped-fold0")
    page.get_by_text("10,311 of 10,311 sounds pass").wait_for()
