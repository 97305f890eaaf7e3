"""The wheel carries pages, bundled models and the command; the sdist the docs as well."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a wheel and an sdist of these sources."""
    pytest.importorskip("hatchling")
    copy = tmp_path_factory.mktemp("built") / "source"
    ignored = shutil.ignore_patterns(".git", ".venv*", "__pycache__", ".*_cache", "tests", "dist", "shared")
    shutil.copytree(ROOT, copy, ignore=ignored)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-t", "sdist"]
    subprocess.run(command, cwd=copy, check=True, capture_output=True)
    return copy / "dist"


def test_wheel_holds_pages_assets_and_configuration(built: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
    for page in (ROOT / "pages").glob("*.py"):
        assert f"bstviz/web/pages/{page.name}" in names
    for name in (
        "app.py",
        ".streamlit/config.toml",
        "assets/runs/flat-audio-c1-fold0/run.json",
        "assets/demo/collection.json",
    ):
        assert f"bstviz/web/{name}" in names
    assert {"bstviz/data/bst.csv", "bstviz/data/bsd10k_v1.2_folds.parquet", "bstviz/py.typed"} <= names
    for file in (ROOT / "bstviz").rglob("*.*"):
        if "__pycache__" not in file.parts:
            assert file.relative_to(ROOT).as_posix() in names


def test_the_command_it_installs_is_the_one_of_the_sources(built: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        (entries,) = (name for name in wheel.namelist() if name.endswith("/entry_points.txt"))
        assert "bstviz = bstviz.cli.app:main" in wheel.read(entries).decode().splitlines()
    from bstviz.cli.app import main

    assert callable(main)


def test_sdist_holds_docs_benchmarks_and_the_settings_of_the_checks(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    for folder in ("docs", "benchmarks", "pages"):
        assert {file.relative_to(ROOT).as_posix() for file in (ROOT / folder).glob("*.*")} <= names
    alone = {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "CITATION.cff", "LICENSE", "Makefile", "app.py"}
    assert alone | {".pre-commit-config.yaml", ".oxlintrc.json"} <= names
