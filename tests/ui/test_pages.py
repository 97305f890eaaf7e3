"""Every page, run without a browser on the bundled models and on runs whose collection is missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from bstviz import paths
from bstviz.models.run import Run, load_run

ROOT = Path(__file__).parents[2]
PAGES = sorted(page.name for page in (ROOT / "pages").glob("*.py"))


def open_page(name: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run()
    return app if name == "home.py" else app.switch_page(f"pages/{name}").run()


def bundled(run_id: str) -> Run:
    return load_run(paths.assets() / "runs" / run_id)


@pytest.mark.parametrize("page", PAGES)
def test_page_draws_the_bundled_models(page: str) -> None:
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
    monkeypatch.setenv(paths.EXPERIMENTS_VARIABLE, str(tmp_path))
    app = open_page(page)
    assert not app.exception
    shown = " ".join(element.value for element in (*app.error, *app.warning, *app.caption, *app.info, *app.markdown))
    assert page in ("classify.py", "confusion.py", "compare.py", "results.py") or "was not found" in shown


def words_of(block: object) -> Iterator[str]:
    """Everything that the elements of a page send."""
    for child in getattr(block, "children", {}).values():
        yield str(getattr(child, "proto", ""))
        yield from words_of(child)


@pytest.mark.parametrize("page", PAGES)
def test_no_page_says_where_things_lie_on_the_server(page: str, experiment: Path) -> None:
    run = next(path for path in sorted(experiment.iterdir()) if (path / "run.json").is_file())
    for name, header in (("broken", "{"), ("wrong", '{"format_version": 3, "files": {}, "fold": "x"}')):
        (experiment / name).mkdir()
        (experiment / name / "run.json").write_text(header)
    entry = json.loads((run / "run.json").read_text())
    entry["collection"]["path"] = str(experiment / "gone")
    (run / "run.json").write_text(json.dumps(entry))
    app = open_page(page)
    assert not app.exception
    said = " ".join(words_of(app.main))
    assert page != "home.py" or "Left out: " in said
    assert not any(str(place) in said for place in (experiment, experiment.resolve(), ROOT, Path.home()))


def test_the_overview_introduces_every_other_page() -> None:
    app = open_page("home.py")
    assert not app.exception
    links = {link.proto.page for link in app.get("page_link")}
    assert links == {Path(page).stem for page in PAGES} - {"home"}
    assert {"What each page does", "Loaded", "How well the runs do"} <= {heading.value for heading in app.subheader}


def test_no_runs_is_a_message_and_not_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(paths.EXPERIMENTS_VARIABLE, str(tmp_path))
    app = open_page("explore.py")
    assert not app.exception
    assert "bstviz train" in app.error[0].value
