"""Examples in the docstrings of public names, the tour and the notebook do what they say; links lead somewhere."""

from __future__ import annotations

import ast
import doctest
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import soundfile

import bstviz
from benchmarks.serving import API, served
from tests.documents import PAGES, README, ROOT, blocks
from tests.fakes import RATE, tone

DOCS = ROOT / "docs"
TOUR, NOTEBOOK = DOCS / "tour.py", DOCS / "notebook.ipynb"
TEXTS = [*PAGES, *(page for page in ROOT.glob("*.md") if page != README)]
MADE = {"cli.md"}
"""Pages that a build of the site writes."""


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """What links can lead to within a page: its headings, as they are written in addresses."""
    heads = re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: page.name)
def test_links_within_the_documentation_lead_to_files_and_headings(page: Path) -> None:
    for link in re.findall(r"(?<!!)\[[^\]]*\]\((?!https?:)([^)\s]+)\)", prose(page)):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if target.name in MADE:
            continue
        assert target.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in anchors(target), f"{link}: {target.name} has no such heading"


def test_a_picture_is_one_that_the_script_makes_and_small() -> None:
    from docs.screenshots import PICTURES

    for page in TEXTS:
        for name in re.findall(r"!\[[^\]]+\]\(([^)\s]+)\)", prose(page)):
            file = (page.parent / name).resolve()
            assert file.parent == DOCS / "pictures" and file.stem in PICTURES, name
            assert not file.exists() or file.stat().st_size <= 150_000, name


def test_the_first_page_is_short_and_its_pictures_are_of_the_main_pages() -> None:
    text = README.read_text(encoding="utf-8")
    assert text.count("\n") <= 150
    assert {Path(name).stem for name in re.findall(r"!\[[^\]]+\]\(([^)\s]+)\)", text)} == {
        "explore",
        "compare",
        "results",
        "confusion",
        "review",
        "classify",
    }


@pytest.mark.parametrize("name", [name for name in bstviz.__all__ if name != "__version__"])
def test_a_public_name_has_an_example_that_works(name: str) -> None:
    (example,) = doctest.DocTestFinder(recurse=False).find(getattr(bstviz, name), name, globs={})
    assert example.examples
    assert doctest.DocTestRunner().run(example).failed == 0


def test_the_package_itself_has_an_example_that_works() -> None:
    assert doctest.testmod(bstviz).failed == 0


def test_the_tour_has_at_most_twelve_lines_of_code_and_no_page() -> None:
    body = ast.parse(TOUR.read_text(encoding="utf-8")).body[1:]  # without its docstring
    assert sum((statement.end_lineno or 0) - statement.lineno + 1 for statement in body) <= 12


@pytest.mark.slow
def test_the_tour_prints_sounds_a_class_and_a_comparison_and_writes_a_map(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "tone.wav", tone(440, seconds=1), RATE)
    done = subprocess.run(
        [sys.executable, TOUR, tmp_path / "tone.wav", tmp_path / "map.html"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for printed in ("sound_id", "predicted_top", "umap_x", "Ranked(code=", "hierarchical", "top_silhouette"):
        assert printed in done.stdout
    assert "UMAP 1" in (tmp_path / "map.html").read_text(encoding="utf-8")


def cells() -> list[dict[str, object]]:
    """The cells of the notebook that hold code."""
    return [c for c in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"]


def test_the_notebook_holds_no_results() -> None:
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells())


@pytest.mark.slow
def test_the_notebook_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jupyter is not among what bstviz needs: its player is replaced by what it is given."""
    display = ModuleType("IPython.display")
    display.Audio = lambda samples, rate: (samples, rate)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for cell in cells():
        exec("".join(cell["source"]), names)  # type: ignore[arg-type]
    assert len(names["answer"].second) == 23  # type: ignore[attr-defined]
    assert not names["wrong"]["correct"].any()  # type: ignore[index]


def blocks_of(page: str) -> list[str]:
    """The Python of a page of the documentation, block by block."""
    return [block.text for block in blocks(DOCS / page) if block.language == "python"]


def test_what_http_answers_can_be_had_in_python_as_its_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    exec(blocks_of("http.md")[-1], {})
    assert "0.910" in capsys.readouterr().out


@pytest.mark.slow
def test_the_client_of_the_http_page_is_answered(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t" * 40 + "\n")
    soundfile.write(tmp_path / "door.wav", tone(440, seconds=1), RATE)
    with served(["--no-pages", "--token-file", str(tmp_path / "token")], command=API) as server:
        code = blocks_of("http.md")[0].replace("http://localhost:8501", server.address)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    first, *found = done.stdout.splitlines()
    assert first.endswith("top_down") and len(found) == 3
