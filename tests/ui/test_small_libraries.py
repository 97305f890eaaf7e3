"""The pages that compare and draw, on a library of one, two and three sounds: nothing is missing but what cannot be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from bstviz import paths
from bstviz.datasets.collection import Collection, load_collection
from bstviz.inference.explore import run_inference
from bstviz.models.run import Run
from tests.fakes import small_collection
from tests.ui.conftest import ROOT, map_of, seen, values


def first_sounds(collection: Collection, count: int) -> Collection:
    sounds = collection.sounds.head(count)
    return replace(collection, sounds=sounds, audio=collection.embedding("audio")[:count], text=None, text_encoder=None)


def inferred(run: Run, collection: Collection) -> Run:
    """What a run predicts for a collection; of one sound, which no run is made for, the first of two."""
    if len(collection) > 1:
        return run_inference(run, collection)
    two = run_inference(run, first_sounds(small_collection(seed=3), 2))
    one = {name: getattr(two, name)[:1] for name in ("sounds", "latents", "projections")}
    about = replace(two.collection, name=collection.name, hash=collection.hash, path=str(collection.folder))
    return replace(two, collection=about, **one)


@pytest.fixture(params=[(1, True), (2, True), (2, False), (3, True), (3, False)])
def library(
    request: pytest.FixtureRequest, runs: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[int, bool]:
    """How many sounds it has, and whether they have classes; hierarchical and flat runs for it are the app's."""
    count, labelled = request.param
    small = first_sounds(small_collection(seed=3, name="library"), count)
    if not labelled:
        small = replace(small, sounds=small.sounds.assign(**{"class": pd.Series(dtype="str").reindex(range(count))}))
    collection = load_collection(small.save(tmp_path / "collection"))
    for loss in ("hierarchical", "flat"):
        run = replace(runs["audio"], train=replace(runs["audio"].train, loss=loss))
        own = inferred(run, collection)
        own.save(tmp_path / "runs" / own.id)
    monkeypatch.setenv(paths.EXPERIMENTS_VARIABLE, str(tmp_path / "runs"))
    return count, labelled


def opened(page: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run()
    return app if page == "home" else app.switch_page(f"pages/{page}.py").run()


def test_the_overview_has_map_and_figures(library: tuple[int, bool]) -> None:
    (count, labelled), app = library, opened("home")
    assert not app.exception
    assert not app.error and not app.warning
    html = " ".join(element.proto.body for element in app.get("html"))
    assert html.count('class="headline"') == labelled
    assert html.count('<i style="--x:') == count
    assert ("non-hierarchical model puts them" in html) == (count >= 3)


def test_explore_draws_them(library: tuple[int, bool]) -> None:
    (count, _), app = library, opened("explore")
    assert not app.exception and not app.error
    assert len(values(map_of(app)["figure"]["data"][0]["x"])) == count
    app.session_state["explore.sound"] = "s000"
    app.run()
    assert not app.exception and not app.error


def test_compare_draws_three_and_says_how_many_less_are(library: tuple[int, bool]) -> None:
    (count, _), app = library, opened("compare")
    assert not app.exception
    if count >= 3:
        assert not app.error
        assert map_of(app)
        app.session_state["compare.sound"] = "s000"
        app.run()
        assert not app.exception and not app.error
    else:
        assert f"share {count} sound" in seen(app.error[0].value)
