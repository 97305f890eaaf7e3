from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bstviz.cli import web
from tests.cli.conftest import invoke


def test_app_passes_the_experiments_to_the_server(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}

    def serve(experiments: list[Path], collections: list[Path], **options: object) -> None:
        seen.update(experiments=experiments, collections=collections, **options)

    monkeypatch.setattr(web, "serve_app", serve)
    result = invoke(
        "app", "--experiment", place / "flat", "--experiment", place / "both", "--reviews", place, "--port", 9_999
    )
    assert result.exit_code == 0
    assert seen["experiments"] == [place / "flat", place / "both"]
    assert (seen["reviews"], seen["port"], seen["address"]) == (place, 9_999, None)


def test_app_names_a_folder_without_runs(refused: Callable[..., str]) -> None:
    assert "holds no run" in refused("app", "--experiment", "{}/tones")


def test_serve_answers_programs_beside_the_pages_or_without_them(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, object]] = []
    monkeypatch.setattr(web, "serve_app", lambda *folders, **options: seen.append(options))
    invoke("serve", "--experiment", place / "flat")
    invoke("serve", "--no-pages", "--token-file", place / "token", "--address", "0.0.0.0")
    assert [(o["api"], o["pages"], o["token_file"]) for o in seen] == [
        (True, True, None),
        (True, False, place / "token"),
    ]
