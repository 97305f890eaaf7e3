"""The wheel carries pages and bundled models."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_wheel_holds_pages_assets_and_configuration(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    copy = tmp_path / "source"
    ignored = shutil.ignore_patterns(".git", ".venv*", "__pycache__", "tests", "dist")
    shutil.copytree(ROOT, copy, ignore=ignored)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=copy, check=True, capture_output=True
    )
    with zipfile.ZipFile(next((copy / "dist").glob("*.whl"))) as wheel:
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
    assert {"bstviz/data/bst.csv", "bstviz/py.typed"} <= names
    for file in (ROOT / "bstviz" / "ui" / "web").glob("*.*"):
        assert f"bstviz/ui/web/{file.name}" in names
