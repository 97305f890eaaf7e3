"""Predictions from elsewhere on the pages: shown where they can be, a sentence where latents are needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from bstviz.datasets.collection import Collection, load_collection
from bstviz.models.run import Run
from bstviz.predictions.external import external_runs
from bstviz.predictions.table import PredictionTable
from bstviz.ui.components.text import escape
from tests.ui.conftest import ROOT


@pytest.fixture
def beside(experiment: Path, collection: Collection) -> Path:
    """The small runs, and beside them predictions of a model from elsewhere, all right, with latents and without."""
    (experiment / "theirs.csv").write_text("their file")
    certain = np.eye(len(collection.taxonomy.codes), dtype=np.float32)[collection.labels]
    theirs = PredictionTable(collection.sounds["sound_id"].to_numpy(object), collection.labels, certain, "none")
    for name, latents in (("bare", None), ("mapped", "audio")):
        (run,) = external_runs(theirs, collection, name=name, file=experiment / "theirs.csv", latents=latents)
        run.save(experiment / run.id)
    (experiment / "theirs.csv").unlink()
    return experiment


def opened(page: str) -> AppTest:
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run().switch_page(f"pages/{page}.py").run()


@pytest.mark.parametrize("page", ["explore", "compare", "results", "confusion", "review"])
def test_every_page_opens_beside_it(page: str, beside: Path) -> None:
    app = opened(page)
    assert not app.exception
    assert not app.error


def test_without_latents_explore_says_so_in_one_sentence(beside: Path) -> None:
    app = opened("explore")
    app.selectbox[0].set_value(str(beside / "bare-fold0")).run()
    assert not app.exception
    assert [e.value for e in app.error] == [
        escape(
            "The predictions of bare · fold 0 came without latents, so there is no map of them: choose another run, or "
            "import them again with --latents."
        )
    ]
    app.selectbox[0].set_value(str(beside / "mapped-fold0")).run()
    assert not app.error


def test_compare_shows_it_beside_a_run_of_ours(beside: Path, runs: dict[str, Run]) -> None:
    app = opened("compare")
    app.selectbox(key="compare.left").set_value(str(beside / "mapped-fold0")).run()
    app.selectbox(key="compare.right").set_value(str(beside / runs["text"].id)).run()
    assert not app.exception
    assert not app.error
    assert any(caption.value.startswith("48 shared sounds") for caption in app.caption)


def test_confusion_and_review_name_it(beside: Path) -> None:
    app = opened("confusion")
    app.selectbox(key="confusion.a.model").set_value("bare · unknown folds").run()
    scores = app.dataframe[0].value
    assert scores["Pooled"].tolist()[:1] == [100]
    app = opened("review")
    app.selectbox(key="review.models").set_value("bare · unknown folds").run()
    assert any("bare predicts" in text.value for text in app.markdown)


def test_review_says_that_there_are_too_few_embeddings(
    experiment: Path, collection: Collection, tmp_path: Path
) -> None:
    audio = np.full_like(collection.audio, np.nan)
    few = replace(collection, name="few", audio=audio, text=None, text_encoder=None)
    few = load_collection(few.save(tmp_path / "few"))
    (tmp_path / "theirs.csv").write_text("their file")
    certain = np.eye(len(few.taxonomy.codes), dtype=np.float32)[few.labels]
    theirs = PredictionTable(few.sounds["sound_id"].to_numpy(object), few.labels, certain, "none")
    (run,) = external_runs(theirs, few, name="bare", file=tmp_path / "theirs.csv")
    run.save(experiment / run.id)
    app = opened("review")
    (named,) = [name for name in app.selectbox(key="review.models").options if "bare" in name]
    app.selectbox(key="review.models").set_value(named).run()
    assert not app.exception
    assert not app.error
    assert any("Too few of the labelled sounds have embeddings" in caption.value for caption in app.caption)


def test_explore_says_why_it_cannot_be_retrained(beside: Path) -> None:
    app = opened("explore")
    app.selectbox[0].set_value(str(beside / "mapped-fold0")).run()
    assert "This run cannot be retrained: its weights are not here." in [caption.value for caption in app.caption]
    assert "retraining.now" not in [button.key for button in app.button]


def test_classify_never_offers_it(beside: Path) -> None:
    app = opened("classify")
    shown = " ".join(element.value for element in (*app.caption, *app.markdown))
    assert "bare" not in shown
    assert "mapped" not in shown


def test_classify_alone_with_it_says_what_is_missing(beside: Path) -> None:
    for folder in beside.glob("hierarchical-*"):
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    assert "no weights" in opened("classify").error[0].value
