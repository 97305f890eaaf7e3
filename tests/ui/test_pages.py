"""Every page, run without a browser on the released runs and on runs whose collection is missing."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from bstviz import webapp
from bstviz.run import Run, load_run

ROOT = Path(__file__).parents[2]
PAGES = sorted(page.name for page in (ROOT / "pages").glob("*.py"))


def open_page(name: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run()
    return app if name == "home.py" else app.switch_page(f"pages/{name}").run()


def released(run_id: str) -> Run:
    return load_run(webapp.assets() / "runs" / run_id)


def charts(app: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def numbers(values: list | dict) -> np.ndarray:
    """A figure's values, which travel as a list or as base64."""
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), np.dtype(values["dtype"]))
    return np.array(values)


@pytest.mark.parametrize("page", PAGES)
def test_page_draws_the_released_runs(page: str) -> None:
    app = open_page(page)
    assert not app.exception
    assert not app.error


@pytest.mark.parametrize("page", PAGES)
def test_page_says_when_the_collection_is_missing(
    page: str, runs: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run in runs.values():
        folder = run.save(tmp_path / run.id)
        header = json.loads((folder / "run.json").read_text())
        header["collection"]["path"] = "gone"
        (folder / "run.json").write_text(json.dumps(header))
    monkeypatch.setenv(webapp.EXPERIMENTS_VARIABLE, str(tmp_path))
    app = open_page(page)
    assert not app.exception
    shown = " ".join(element.value for element in (*app.error, *app.warning, *app.caption, *app.info, *app.markdown))
    assert page in ("classify.py", "confusion.py", "compare.py", "results.py") or "was not found" in shown


def test_the_overview_introduces_every_other_page() -> None:
    links = {link.proto.page for link in open_page("home.py").get("page_link")}
    assert links == {Path(page).stem for page in PAGES} - {"home"}


def test_no_runs_is_a_message_and_not_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(webapp.EXPERIMENTS_VARIABLE, str(tmp_path))
    app = open_page("explore.py")
    assert not app.exception
    assert "bstviz train" in app.error[0].value


def test_confusion_counts_every_test_sound_once() -> None:
    app = open_page("confusion.py")
    run = released("flat-audio-c1-fold0")
    app.selectbox(key="confusion.model").select_index(0).run()
    app.segmented_control(key="confusion.cells").set_value(False).run()
    cells = charts(app)[0]["data"][0]["text"]
    shown = sum(int(cell) for row in cells for cell in row if cell)
    assert shown == (run.sounds["split"] == "test").sum()


def test_confusion_threshold_says_where_it_applies() -> None:
    app = open_page("confusion.py")
    app.select_slider(key="confusion.threshold").set_value(4).run()
    text = " ".join(m.value for m in app.markdown)
    assert "tested on those with **≥ 4**" in text
    assert "Only the test is filtered" in text
