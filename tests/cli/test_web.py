from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bstviz import paths
from bstviz.cli import web
from tests.cli.conftest import invoke


def test_app_passes_the_experiments_to_the_server(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}

    def serve(experiments: list[Path], collections: list[Path], **options: object) -> int:
        seen.update(experiments=experiments, collections=collections, **options)
        return 0

    monkeypatch.setattr(web, "serve_app", serve)
    result = invoke(
        "app", "--experiment", place / "flat", "--experiment", place / "both", "--reviews", place, "--port", 9_999
    )
    assert result.exit_code == 0
    assert seen["experiments"] == [place / "flat", place / "both"]
    assert (seen["reviews"], seen["port"], seen["address"]) == (place, 9_999, "localhost")


def test_app_names_a_folder_without_runs(refused: Callable[..., str]) -> None:
    assert "holds no run" in refused("app", "--experiment", "{}/tones")


def test_the_server_gets_port_address_and_folders(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        seen.update(options, command=command)
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(subprocess, "run", run)
    assert web.serve_app([place / "flat"], [tmp_path], reviews=place, port=0, address="::1") == 3
    assert {"app.py", "--server.port=0", "--server.address=::1"} <= set(seen["command"])
    assert (seen["cwd"] / "pages").is_dir()
    for variable, folder in (
        (paths.EXPERIMENTS_VARIABLE, place / "flat"),
        (paths.COLLECTION_VARIABLE, tmp_path),
        (paths.REVIEWS_VARIABLE, place),
    ):
        assert seen["env"][variable] == str(folder.resolve())
