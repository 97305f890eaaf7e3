"""Pages and components without a browser: what is sent to the components, and events as they send them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from bstviz import paths
from bstviz.models.run import Run

ROOT = Path(__file__).parents[2]


def sent(app: AppTest, name: str) -> list[dict[str, Any]]:
    """Data of every mounted component of a name, in order."""
    found = [element.proto for element in app.get("bidi_component")]
    return [json.loads(proto.json) for proto in found if proto.component_name == f"bstviz_{name}"]


@pytest.fixture
def experiment(runs: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small runs as the app's experiment."""
    for run in runs.values():
        run.save(tmp_path / run.id)
    monkeypatch.setenv(paths.EXPERIMENTS_VARIABLE, str(tmp_path))
    return tmp_path
