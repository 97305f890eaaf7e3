"""What a browser sends may be forged: addresses and events of any form leave the pages whole and change nothing."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from bstviz.evaluation.out_of_fold import pool
from bstviz.models.run import Run
from bstviz.plots.facets import Category, Column
from bstviz.plots.panes.pane import Marks, Pane
from bstviz.plots.viewport import View
from bstviz.review import acts
from bstviz.review.label_quality import score_labels
from bstviz.ui.cache import loading
from bstviz.ui.components import charts, filters, plotly_map, sound_list
from bstviz.ui.components.plotly_map import RENDERER, Events
from bstviz.ui.labelling import form
from bstviz.ui.review import panels
from bstviz.ui.review.session import Queue, ReviewSession
from tests import fuzzing
from tests.ui.conftest import ROOT

PARAMETERS: dict[str, dict[str, str]] = {
    "explore": {
        "run": "hierarchical-audio-c1-fold0",
        "map": "pca",
        "dimensions": "3",
        "umap": "15,0.1,0",
        "color": "top",
        "sound": "s003",
        "only": json.dumps({"top": ["Speech"], "split": ["test"]}),
        "words": "title",
        "selected": json.dumps(["s001", "s002"]),
        "search": json.dumps({"words": "title", "like": ["s003"], "unlike": ["s004"]}),
        "colors": json.dumps({"split": {"test": "#123456"}}),
        "views": json.dumps({"one": {"color": "split", "words": "title"}}),
    },
    "compare": {
        "left": "hierarchical-audio-c1-fold0",
        "right": "hierarchical-text-c1-fold0",
        "map": "pca",
        "dimensions": "2",
        "color": "change",
        "sound": "s004",
        "selected": json.dumps(["s001"]),
    },
    "review": {"sound": "s005"},
}
"""What pages read of an address, each with a value that it takes."""
WORDS = [value for value in fuzzing.ODD if isinstance(value, str) and value != "\ud800"]


def forged(rng: random.Random, value: str) -> str:
    """A parameter's value, or something like it, or something else."""
    way = rng.choice(["keep", "odd", "bytes", "json", "deep", "long", "number"])
    if way == "odd":
        return rng.choice(WORDS)
    if way == "bytes":
        return fuzzing.flipped(rng, value.encode()).decode("utf-8", "replace")
    if way == "json":
        return fuzzing.json_text(fuzzing.changed(rng, json.loads(value) if value[:1] in "[{" else [value]))[:200_000]
    if way == "number":
        return rng.choice(["-1", "1e999", "nan", "9" * 5_000, "0x1", "1,2,3", "nan,nan,nan", "1,2", "2,inf,1", "٣"])
    return {"keep": value, "deep": "[" * 100_000, "long": value * 10_000}[way]


@pytest.mark.parametrize(
    ("page", "count"),
    [
        *((page, 20) for page in PARAMETERS),
        *(pytest.param(page, 300, marks=pytest.mark.long) for page in PARAMETERS),
    ],
)
def test_a_page_draws_whatever_its_address_says(page: str, count: int, experiment: Path) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run().switch_page(f"pages/{page}.py").run()
    for seed in range(count):
        rng = random.Random(seed)
        app.query_params.clear()
        for name, value in PARAMETERS[page].items():
            if rng.random() < 0.5:
                app.query_params[name] = forged(rng, value)
        app.run()
        assert not app.exception, f"{page}, seed {seed}"
        assert not app.error, f"{page}, seed {seed}: {app.error[0].value}"


class Browser:
    """Stands in for a component: keeps its callbacks, and calls one as if the browser had sent a value."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.state: dict[str, Any] = {}
        self.callbacks: dict[str, Callable[[], None]] = {}
        self.data: dict[str, Any] = {}
        self.key = ""
        monkeypatch.setattr(st, "session_state", self.state)
        for module in (plotly_map, filters, sound_list, form):
            monkeypatch.setattr(module, "component", lambda name, **_: self.mounted)
        for module in (plotly_map, sound_list, charts):
            monkeypatch.setattr(module, "dark", lambda: False)
        monkeypatch.setattr(sound_list, "sound_player", lambda *_, **__: None)

    def mounted(self, *, key: str, data: dict[str, Any], **callbacks: Callable[[], None]) -> None:
        self.key, self.data = key, data
        self.callbacks = {name.removeprefix("on_").removesuffix("_change"): call for name, call in callbacks.items()}

    def send(self, name: str, value: Any) -> None:
        self.state[self.key] = {name: value}
        with fuzzing.cpu_bound():
            self.callbacks[name]()
        del self.state[self.key]


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Browser:
    return Browser(monkeypatch)


def forgeries(rng: random.Random, right: Any) -> Any:
    """An event with a part of it changed, or another thing altogether."""
    return rng.choice(fuzzing.ODD) if rng.random() < 0.2 else fuzzing.changed(rng, right)


events = pytest.mark.parametrize("count", [fuzzing.COUNTS[0], pytest.param(fuzzing.COUNTS[1], marks=pytest.mark.long)])


@events
def test_forged_events_of_a_map_do_nothing_or_what_an_event_may(count: int, browser: Browser) -> None:
    n, done = 30, []
    points = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    column = Column("c", "C", np.arange(n) % 2, (Category("a", "#000000"), Category("b", "#ffffff")))
    acts = Events(
        *(lambda *what, name=name: done.append((name, what)) for name in ("pick", "select", "step", "clear", "toggle"))
    )
    right: dict[str, Any] = {
        "pick": {"token": "t", "index": 3},
        "region": {"pane": 1, "polygon": [[-9, -9], [9, -9], [0, 9]], "morph": 0.5, "mode": "add", "map": "u"},
        "view": {"map": "u", "view": {"left": 0.0, "right": 1.0, "bottom": 0.0, "top": 1.0}},
        "renderer": "gpu",
        "clear": True,
        "step": 1,
        "toggle": "a",
    }
    panes = [Pane(["x", "y"], points, column), Pane(["x", "y"], -points, column)]
    browser.key = "m"
    calls = plotly_map._callbacks(panes, np.arange(n), Marks(), acts, key="m", tokens=("t", "u"))
    browser.callbacks = {name.removeprefix("on_").removesuffix("_change"): call for name, call in calls.items()}
    for name, value in right.items():
        browser.send(name, value)
    assert [name for name, _ in done] == ["pick", "select", "clear", "step", "toggle"]
    assert (browser.state[RENDERER], browser.state["m.view"]["u"]) == ("gpu", View(0.0, 1.0, 0.0, 1.0))
    done.clear()
    for name, others in {"pick": {"token": "v"}, "region": {"map": "v"}, "view": {"map": "v", "view": None}}.items():
        browser.send(name, {**right[name], **others})
    assert (done, browser.state["m.view"], browser.state["m.turn"]) == ([], {"u": View(0.0, 1.0, 0.0, 1.0)}, 1)
    for seed in range(count):
        rng = random.Random(seed)
        done.clear()
        name = rng.choice(list(right))
        browser.send(name, forgeries(rng, right[name]))
        for act, what in done:
            assert act != "pick" or 0 <= what[0] < n
            assert act != "select" or (set(what[0]) <= set(range(n)) and what[1] in ("replace", "add", "remove"))
            assert act != "step" or what[0] in (-1, 1)
            assert act != "toggle" or what[0] in ("a", "b")
        assert browser.state[RENDERER] in ("gpu", "software", "none")
        view = browser.state["m.view"]["u"]
        assert view is None or np.isfinite([view.left, view.right, view.bottom, view.top]).all()


@events
def test_forged_events_of_lists_and_filters_do_nothing_or_what_an_event_may(
    count: int, browser: Browser, experiment: Path
) -> None:
    loaded, opened = loading.load(next(iter(loading.infos()))), []
    sound_list.sound_list([(loaded, row) for row in range(5)], key="l", on_open=opened.append)
    token, list_calls = browser.data["token"], browser.callbacks
    columns = [Column("c", "C", np.arange(4) % 2, (Category("a", "#000000"), Category("b", "#ffffff")))]
    filters.charts(columns, {"c": np.array([2, 2])}, key="f")
    facet_calls = browser.callbacks
    right = {
        "play": {"token": token, "index": 2},
        "open": {"token": token, "index": 2},
        "toggle": {"column": "c", "label": "a"},
    }
    for seed in range(count):
        rng = random.Random(seed)
        name = rng.choice(list(right))
        browser.key, browser.callbacks = ("f.charts", facet_calls) if name == "toggle" else ("l", list_calls)
        browser.send(name, forgeries(rng, right[name]))
        assert set(opened) <= set(range(5))
        assert 0 <= browser.state.get("l.playing", {"index": 0})["index"] < 5
        assert all(c == "c" and labels <= {"a", "b"} for c, labels in browser.state.get("f.chosen", {}).items())
    assert opened


@events
def test_forged_events_of_the_review_lose_no_decision(
    count: int, browser: Browser, runs: dict[str, Run], experiment: Path, tmp_path: Path
) -> None:
    loaded = next(own for path in loading.infos() if (own := loading.load(path)).run.train.modality == "audio")
    pooled = pool([loaded.run])
    quality = score_labels([pooled], loaded.collection)
    rows = [int(loaded.row_of(str(sound)) or 0) for sound in quality.sound_ids]
    session = ReviewSession(
        Queue(quality, [(loaded, row) for row in rows], "v"), tmp_path / "r.jsonl", loaded.run.collection.hash
    )
    first = str(quality.sound_ids[1])
    codes = quality.taxonomy.codes
    mine = acts.decide(
        session.file, session.hash, sound_id=first, old=codes[quality.labels[1]], new="ss-n", why="", by="other"
    )
    panels.buttons(session, 0, session.record())
    sound = browser.data["sound"]
    right = {"sound": sound, "version": "v", "seen": [mine.id], "act": "keep"}
    for seed in range(count // 4):
        browser.send("press", forgeries(random.Random(seed), right))
    standing = session.record().standing
    assert [d.id for d in standing[first]] == [mine.id]
    assert session.record().damaged == 0
    assert len(session.record().decisions) > 1


@events
def test_forged_selections_choose_no_row_that_is_not_there(count: int) -> None:
    right = {"selection": {"rows": [2], "columns": [], "points": [{"customdata": ["a|b"], "x": 1}], "box": []}}
    assert (charts.selected_row(right, 5), charts.selected_ids(right)) == (2, ["a|b"])
    for seed in range(count):
        made = forgeries(random.Random(seed), right)
        assert charts.selected_row(made, 5) in (None, 0, 1, 2, 3, 4)
        assert all(isinstance(name, str) for name in charts.selected_ids(made))
