"""Long work on the pages: PCA until a UMAP map is there, progress, cancel, several visitors at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from bstviz.jobs import background
from bstviz.jobs.background import WorkQueue
from bstviz.latent.projection import UmapSettings
from bstviz.ui.cache import loading, projections
from tests.fakes import until
from tests.jobs import pieces
from tests.ui.conftest import ROOT, map_of, settled

MAKE = "explore.map.make"


@pytest.fixture(scope="module")
def maps() -> Iterator[WorkQueue]:
    """The queue of maps; in its process numba has the threads that two may not use at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUMBA_THREADING_LAYER", "workqueue")
        patch.setattr(background, "_QUEUES", {})
        yield background.queue_of(projections.UMAP)
        background.close()


@pytest.fixture
def queue(maps: WorkQueue, experiment: Path) -> WorkQueue:
    """The same, for the small runs."""
    return maps


def visit(page: str = "explore") -> AppTest:
    """A new visitor, who chooses UMAP on a page."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run().switch_page(f"pages/{page}.py").run()
    app.button_group(key=f"{page}.map.method").set_value("umap").run()
    assert not app.exception
    return app


def make(app: AppTest, neighbours: int) -> AppTest:
    app.slider(key="explore.map.neighbours").set_value(neighbours)
    app.button(key=MAKE).click().run()
    assert not app.exception
    return app


def title(app: AppTest) -> str:
    """Of the map's first axis."""
    return str(map_of(app)["figure"]["layout"]["xaxis"]["title"]["text"])


@pytest.fixture
def go(queue: WorkQueue, tmp_path: Path) -> Iterator[Path]:
    """A queue that is busy until the file is there, at the end of the test at last."""
    go = tmp_path / "go"
    queue.submit(str(go), pieces.waited_for, lambda: (str(go),), owner="another")
    yield go
    go.touch()


def words(app: AppTest) -> str:
    """Of progress bars and messages."""
    bars = [element.proto.text for element in app.get("progress")]
    return " ".join([*bars, *(entry.value for entry in (*app.info, *app.warning))])


@pytest.mark.slow
def test_a_umap_map_takes_the_place_of_pca_when_it_has_been_made(queue: WorkQueue) -> None:
    app = visit()
    assert "has to be made first" in " ".join(m.value for m in app.markdown)
    assert title(app).startswith("PC 1")
    assert title(settled(make(app, 5))) == "UMAP 1"
    assert any("UMAP (5 neighbours" in c.value for c in app.caption)
    assert app.query_params["umap"] == "5,0.1,0"
    other = visit()
    assert title(make(other, 5)) == "UMAP 1"  # it is everybody's


@pytest.mark.slow
def test_two_visitors_who_press_make_at_once_both_get_their_maps(go: Path) -> None:
    first, second = make(visit(), 5), make(visit(), 6)
    assert [title(app)[:4] for app in (first, second)] == ["PC 1"] * 2
    assert "before yours" in words(second)
    go.touch()
    assert [title(settled(app)) for app in (first, second)] == ["UMAP 1"] * 2
    assert any("UMAP (6 neighbours" in c.value for c in second.caption)


def test_a_map_that_is_cancelled_is_said_to_be_and_can_be_made_again(go: Path) -> None:
    app = make(visit(), 7)
    (cancel,) = (button for button in app.button if str(button.key).endswith(".cancel"))
    cancel.click().run()
    app.run()
    assert "UMAP map: cancelled" in words(app)
    assert title(app).startswith("PC 1")
    assert "before yours" in words(make(app, 7))


def test_a_connection_that_breaks_for_a_moment_gives_up_no_map(go: Path) -> None:
    app = make(visit(), 9)
    st.cache_resource.clear()  # as Streamlit does with a session's own at every break
    assert "before yours" in words(app.run())
    go.touch()
    assert title(settled(app)) == "UMAP 1"


def test_comparing_umap_maps_shows_pca_until_both_are_there(go: Path) -> None:
    app = visit("compare")
    assert title(app).startswith("PC 1")
    assert "UMAP maps: waiting" in words(app)
    go.touch()
    assert title(settled(app)) == "UMAP 1"


def test_a_worker_that_is_killed_gives_a_sentence(queue: WorkQueue, tmp_path: Path) -> None:
    file, loaded = tmp_path / "pid", loading.load(next(iter(loading.infos())))
    app = visit()
    settings = UmapSettings(8)
    key = (loaded.run_identity, 2, settings)
    queue.submit(key, pieces.deaf, lambda: (str(file),), owner="another")  # what the visitor joins
    make(app, 8)
    until(lambda: file.exists() and file.read_text())
    os.kill(int(file.read_text()), signal.SIGKILL)
    assert "ended from outside" in words(settled(app))
    assert title(app).startswith("PC 1")
