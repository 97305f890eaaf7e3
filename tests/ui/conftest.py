"""Pages and components without a browser: what is sent to the components, and events as they send them."""

from __future__ import annotations

import base64
import json
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from bstviz import paths
from bstviz.models.run import Run
from bstviz.server.contents import CONTENTS
from bstviz.ui.components import background
from bstviz.ui.components.text import JOINER

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def own_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page under test is another visitor's, though Streamlit's test sessions all have one name."""
    monkeypatch.setattr(background, "see_visitor", lambda: None)


def sent(app: AppTest, name: str) -> list[dict[str, Any]]:
    """Data of every mounted component of a name, in order."""
    found = [element.proto for element in app.get("bidi_component")]
    return [json.loads(proto.json) for proto in found if proto.component_name == f"bstviz_{name}"]


def seen(markdown: str) -> str:
    """What somebody sees of words that were made literal."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown).replace(JOINER, "")


def settled(app: AppTest) -> AppTest:
    """A page when the long work that it shows has ended: a browser looks again each second."""
    for _ in range(600):
        if not any(str(button.key).endswith(".cancel") for button in app.button):
            return app
        time.sleep(0.2)
        app.run()
    raise AssertionError("the work does not end")


def values(array: dict[str, Any]) -> np.ndarray:
    """An array as the map's browser has it: fetched by its address, or decoded from within the message."""
    if "bdata" in array:
        return np.frombuffer(base64.b64decode(array["bdata"]), array["dtype"])
    content = CONTENTS.get(array["url"].rsplit("/", 1)[1].partition("#")[0])
    assert content is not None
    found = np.frombuffer(content.data, array["dtype"])
    return np.array(array["words"])[found] if "words" in array else found


def map_of(app: AppTest) -> dict[str, Any]:
    """What the one map of a page is sent."""
    (data,) = sent(app, "plotly_map")
    return data


def sounds_of(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The traces of a map that hold its sounds, a pane each."""
    return [trace for trace in data["figure"]["data"] if trace["meta"]["part"] == "sounds"]


def parts_of(data: dict[str, Any]) -> list[str]:
    """The parts of a map's panes."""
    return [trace["meta"]["part"] for trace in data["figure"]["data"]]


def legend_of(data: dict[str, Any]) -> dict[str, str]:
    """Names in the legend by the labels that they filter by."""
    entries = [trace for trace in data["figure"]["data"] if "label" in trace["meta"]]
    return {trace["meta"]["label"]: trace["name"] for trace in entries}


def ringed(trace: dict[str, Any]) -> np.ndarray:
    """Which sounds of a trace are rings."""
    if "symbol" not in trace["marker"]:
        return np.zeros(len(values(trace["x"])), bool)
    return values(trace["marker"]["symbol"]) == "circle-open"


@pytest.fixture
def experiment(runs: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small runs as the app's experiment."""
    for run in runs.values():
        run.save(tmp_path / run.id)
    monkeypatch.setenv(paths.EXPERIMENTS_VARIABLE, str(tmp_path))
    return tmp_path
