"""The pages on the bundled experiment "BSD10k, words": its figures are those of its sweeps' own table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from bstviz import paths
from tests.ui.conftest import ROOT, map_of, seen, settled, sounds_of, values

WORDS = paths.assets() / paths.BUNDLED_WORDS
HIERARCHICAL, FLAT = (str(WORDS / f"default-{loss}-text-c1-fold0") for loss in ("hierarchical", "flat"))


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """What ``bstviz report`` said of the sweeps, as shares, by recipe, loss and threshold."""
    return pd.read_csv(WORDS / "table.csv").set_index(["recipe", "loss", "min_confidence"])


def opened(page: str, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv(paths.EXPERIMENTS_VARIABLE, str(WORDS))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run()
    return app.switch_page(f"pages/{page}.py").run()


def test_results_show_the_sweeps_own_table(table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened("results", monkeypatch)
    shown = page.table[0].value.map(seen)
    assert len(shown) == len(table) == 12
    losses = {"Hierarchical": "hierarchical", "Non-hierarchical": "flat"}
    for row in shown.reset_index().to_dict("records"):
        loss, _, recipe = row["Loss"].partition(" (")
        stated = table.loc[recipe.rstrip(")"), losses[loss], int(seen(row["Annotation confidence"]).removeprefix("≥ "))]
        for heading, name in {"Second-level": "second_accuracy", "Top-level": "top_accuracy"}.items():
            mean, deviation = (100 * stated[f"{name}_{part}"] for part in ("mean", "std_over_folds"))
            assert row[heading] == f"{mean:.1f} ± {deviation:.1f}"


@pytest.mark.parametrize("threshold", [1, 3, 4])
def test_confusion_by_threshold_counts_what_the_table_says(
    threshold: int, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = opened("confusion", monkeypatch)
    model = page.selectbox(key="confusion.a.model")
    model.set_value(next(name for name in model.options if "Hierarchical" in name and "paper" in name))
    page.segmented_control(key="confusion.a.trained").set_value(threshold)
    page.segmented_control(key="confusion.a.tested").set_value(threshold).run()
    assert not page.exception
    stated = table.loc["paper", "hierarchical", threshold]
    assert f"{int(stated['test_sounds']):,} test sounds" in page.markdown[0].value
    scores = page.dataframe[0].value
    for name in ("second_accuracy", "top_accuracy"):
        mean, deviation = (100 * stated[f"{name}_{part}"] for part in ("mean", "std_over_folds"))
        assert f"{mean:.2f} ± {deviation:.2f}" in scores["Over folds"].tolist()


def test_compare_shows_the_one_fold_that_has_latents(monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened("compare", monkeypatch)
    assert not page.exception
    assert (page.selectbox(key="compare.left").value, page.selectbox(key="compare.right").value) == (HIERARCHICAL, FLAT)
    for trace in sounds_of(map_of(page)):
        assert len(values(trace["x"])) == 2_058
        assert np.isfinite(values(trace["x"])).all()


def test_figure_2_has_its_four_panels(monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened("results", monkeypatch)
    page.segmented_control(key="results.section").set_value("Latent spaces").run()
    settled(page)
    assert not page.exception
    assert page.get("plotly_chart")


def test_review_ranks_real_labels_and_says_who_plays_them(monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened("review", monkeypatch)
    assert not page.exception
    captions = [seen(caption.value) for caption in page.caption]
    assert any("needs a connection to the internet" in caption for caption in captions)
    assert any("have embeddings, so the models alone judge" in caption for caption in captions)


def test_its_runs_are_not_offered_to_classify_by(monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened("classify", monkeypatch)
    assert any("no weights" in seen(error.value) for error in page.error)


def test_the_app_opens_both_and_classifies_by_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(paths.EXPERIMENTS_VARIABLE, raising=False)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run()
    assert not app.exception
    assert not app.warning
    page = app.switch_page("pages/classify.py").run()
    assert not page.error
    assert any("bstviz demo" in caption.value for caption in page.caption)
