"""The examples in the docstrings of the public names, and the tour, do what they say; links lead somewhere."""

from __future__ import annotations

import ast
import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

import bstviz
from benchmarks.serving import API, served
from tests.fakes import RATE, tone

TOUR = Path(__file__).parents[1] / "docs" / "tour.py"
PAGES = [*TOUR.parents[1].glob("*.md"), *TOUR.parent.glob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_documentation_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]


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
        env=os.environ | {"PYTHONPATH": str(TOUR.parents[1])},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for printed in ("sound_id", "predicted_top", "umap_x", "Ranked(code=", "hierarchical", "top_silhouette"):
        assert printed in done.stdout
    assert "UMAP 1" in (tmp_path / "map.html").read_text(encoding="utf-8")


def blocks_of(page: str) -> list[str]:
    """The Python of a page of the documentation, block by block."""
    return re.findall(r"```python\n(.*?)```", (TOUR.parent / page).read_text(encoding="utf-8"), re.DOTALL)


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
