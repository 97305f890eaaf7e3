"""Labelling without a browser: what the panel offers, what a press saves, and what the map is colored by."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from bstviz import paths
from bstviz.datasets.collection import Collection
from bstviz.inference.explore import run_inference
from bstviz.models.run import Run
from bstviz.plots.facets import Columns
from bstviz.review.acts import decide, decide_all
from bstviz.ui.cache import loading
from bstviz.ui.cache.loaded import Loaded
from bstviz.ui.labelling import acts, form, panel
from bstviz.ui.labelling.columns import with_decisions
from bstviz.ui.labelling.form import Press
from bstviz.ui.labelling.record import Labels, labels_of
from bstviz.ui.review.reviewer import me
from tests.ui.conftest import ROOT, legend_of, map_of, seen, sent


class Window:
    """The panel of one window, outside of a page: what it shows, and presses as its browser sends them."""

    def __init__(self, loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
        self.loaded, self.monkeypatch = loaded, monkeypatch
        self.state: dict[str, Any] = {panel.TARGET: "selection"}

    def show(self, *, one: int | None = None, selected: tuple[int, ...] = ()) -> dict[str, Any]:
        """Draw the panel, and give what its buttons are sent."""
        self.monkeypatch.setattr(st, "session_state", self.state)
        self.monkeypatch.setattr(form, "component", lambda name: self.mounted)
        self.said = self.state.get(acts.SAID)
        panel.labelling(self.loaded, key="p", one=one, selected=np.array(selected, int))
        return self.data

    def mounted(self, *, key: str, data: dict[str, Any], on_press_change: Any) -> None:
        self.data, self.call = data, on_press_change

    def press(self, act: str, confidence: int | None = None, **other: Any) -> None:
        """Press a button of what is shown."""
        sent_ = {"sound": self.data["sound"], "version": "", "seen": [], "act": act, "confidence": confidence}
        self.state["p.decide"] = {"press": sent_ | other}
        self.call()
        del self.state["p.decide"]

    @property
    def labels(self) -> Labels:
        return labels_of(self.loaded.run.collection)


@pytest.fixture
def loaded(experiment: Path, monkeypatch: pytest.MonkeyPatch) -> Loaded:
    monkeypatch.setattr(st, "session_state", {})
    return next(own for path in loading.infos() if (own := loading.load(path)).run.train.modality == "audio")


@pytest.fixture
def shown(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> Window:
    return Window(loaded, monkeypatch)


def off(data: dict[str, Any]) -> list[str]:
    return [act["name"] for act in data["acts"] if act["off"]]


def test_a_selection_is_labelled_in_one_act_and_taken_back_and_brought_back(
    shown: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert off(shown.show(selected=(2, 5, 7))) == ["set", "undo", "redo"]
    monkeypatch.setattr(st, "selectbox", lambda *_, **__: "sp-c")
    shown.state |= {form.CLASS_KEY: "sp-c", form.COMMENT_KEY: " from one session "}
    data = shown.show(selected=(2, 5, 7))
    name = shown.loaded.run.taxonomy["sp-c"].name
    assert [act["label"] for act in data["acts"]] == [
        f"Label 3 sounds as {name}",
        "Keep the labels",
        "Unsure",
        "Undo",
        "Redo",
    ]
    shown.press("set", 4)
    made = shown.labels.record.decisions
    assert [d.sound_id for d in made] == shown.loaded.ids[[2, 5, 7]].tolist()
    assert {(d.new, d.confidence, d.comment) for d in made} == {("sp-c", 4, "from one session")}
    assert [d.old for d in made] == shown.loaded.table["class"].iloc[[2, 5, 7]].tolist()
    assert len({d.act for d in made}) == 1
    shown.show(selected=(2, 5, 7))
    assert shown.said == "Saved: 3 sounds (3 changed to sp-c, annotation confidence 4)."
    shown.press("undo")
    assert shown.labels.record.standing == {}
    assert off(shown.show()) == ["undo"]
    shown.press("redo")
    assert shown.labels.record.decisions == made


def test_what_was_typed_and_chosen_last_counts_though_the_page_was_not_drawn_with_it(shown: Window) -> None:
    shown.state[form.CLASS_KEY] = "fx-a"
    shown.show(selected=(2,))
    shown.state |= {form.CLASS_KEY: "sp-c", form.COMMENT_KEY: " of a parrot "}
    shown.press("set", 2)
    (made,) = shown.labels.record.decisions
    assert (made.new, made.confidence, made.comment) == ("sp-c", 2, "of a parrot")


def test_keeping_leaves_each_its_class_and_unsure_bears_no_confidence(shown: Window) -> None:
    shown.show(selected=(0, 30))
    shown.press("keep", 5)
    assert [d.verdict for d in shown.labels.record.decisions] == ["kept", "kept"]
    assert {d.confidence for d in shown.labels.record.decisions} == {5}
    shown.show(one=3)
    shown.press("unsure", 5)
    last = shown.labels.record.decisions[-1]
    assert (last.sound_id, last.new, last.confidence, last.act) == (shown.loaded.ids[3], None, None, None)


def test_a_press_made_for_other_sounds_decides_nothing(shown: Window) -> None:
    before = shown.show(selected=(1, 2))["sound"]
    assert shown.show(selected=(1, 3))["sound"] != before
    shown.press("keep", sound=before)
    assert shown.labels.record.decisions == ()
    assert "other sounds" in str(shown.state[acts.SAID])


def test_what_somebody_decided_before_the_page_was_drawn_is_replaced_and_afterwards_is_disputed(shown: Window) -> None:
    labels, ids = shown.labels, shown.loaded.ids
    decide(labels.file, labels.hash, sound_id=str(ids[0]), old=None, new="ss-n", why="", by="bob")
    shown.show(selected=(0, 1))
    decide(labels.file, labels.hash, sound_id=str(ids[1]), old=None, new="ss-n", why="", by="bob")
    shown.press("keep")
    record = shown.labels.record
    assert record.disputed == [ids[1]]
    assert record.agreed[str(ids[0])].by == me().id
    assert "1 were decided otherwise meanwhile" in str(shown.state[acts.SAID])


def test_decisions_are_columns_to_color_and_filter_by(loaded: Loaded) -> None:
    plain = Columns(loaded.run, loaded.table)
    assert with_decisions(plain, loaded) is plain
    labels, ids = labels_of(loaded.run.collection), [str(sound) for sound in loaded.ids]
    decide_all(labels.file, labels.hash, {ids[0]: (None, "sp-c"), ids[4]: (None, "sp-c")}, by=me().id, confidence=3)
    decide_all(labels.file, labels.hash, {ids[1]: (None, "ss-n"), ids[2]: (None, None)}, by="bob", name="Bob")
    decide(labels.file, labels.hash, sound_id=ids[4], old=None, new="ss-n", why="", by="bob", name="Bob")
    columns, names = with_decisions(plain, loaded), loaded.run.taxonomy
    labelled = {name: [columns[name].labels[i] for i in columns[name].index[:6]] for name in list(columns)[-3:]}
    sp, ss = names["sp-c"].name, names["ss-n"].name
    assert labelled == {
        "decided_class": [sp, ss, "unsure", "none", "disputed", "none"],
        "decided_confidence": ["3", "none", "none", "none", "none", "none"],
        "decided_by": ["you", "“Bob”", "“Bob”", "none", "several people", "none"],
    }
    assert columns["top"] is plain["top"]
    assert set(plain) < set(columns)


def test_a_record_that_cannot_be_read_closes_no_map(experiment: Path, collection: Collection) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run().switch_page("pages/explore.py").run()
    app.toggle(key=panel.SWITCH).set_value(True).run()
    (name,) = [c.value.split("`")[1] for c in app.caption if "Saved at once" in c.value]
    line = {"format_version": 9, "collection": collection.hash, "undoes": "x", "when": "2026-01-01T00:00Z", "by": "a"}
    (experiment / name).write_text(json.dumps(line))
    app.run()
    assert not app.exception and not app.error
    assert map_of(app)
    assert any("format version 9" in seen(w.value) for w in app.warning)


@pytest.mark.parametrize("page", ["explore", "compare", "confusion"])
def test_the_panel_is_there_when_it_is_asked_for(page: str, experiment: Path) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run().switch_page(f"pages/{page}.py").run()
    if page == "confusion":
        app.session_state["confusion.cell"] = ("fx", "fx")
        app.run()
    assert not sent(app, "decide")
    app.toggle(key=panel.SWITCH).set_value(True).run()
    assert not app.exception
    assert [act["name"] for act in sent(app, "decide")[0]["acts"]][-2:] == ["undo", "redo"]


def test_a_library_without_labels_opens_with_the_panel_and_is_colored_by_what_is_decided(
    runs: dict[str, Run], collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = collection.sounds.assign(**{"class": pd.Series(dtype="str").reindex(collection.sounds.index)})
    library = replace(collection, name="library", sounds=bare)
    library.save(tmp_path / "collection")
    run = run_inference(runs["audio"], replace(library, folder=tmp_path / "collection"))
    run.save(tmp_path / "runs" / run.id)
    monkeypatch.setenv(paths.EXPERIMENTS_VARIABLE, str(tmp_path / "runs"))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run().switch_page("pages/explore.py").run()
    assert not app.exception and not app.error
    assert app.toggle(key=panel.SWITCH).value is True
    app.session_state["explore.sound"] = str(bare["sound_id"].iloc[0])
    app.run()
    (data,) = sent(app, "decide")
    assert off(data) == ["set", "keep", "undo", "redo"]
    assert app.selectbox(key=form.CLASS_KEY).set_value("fx-a").run().selectbox(key=form.CLASS_KEY).value == "fx-a"
    assert sent(app, "decide")[0]["acts"][0]["label"].endswith("as Animals")
    assert any("Animals" in seen(e.label) or "Edge cases" in e.label for e in app.expander)
    (name,) = [c.value.split("`")[1] for c in app.caption if "Saved at once" in c.value]
    sounds = {str(sound): (None, "fx-a") for sound in bare["sound_id"].head(3)}
    decide_all(tmp_path / "runs" / name, run.collection.hash, sounds, by="ann", confidence=5)
    app.run().selectbox(key="explore.color").set_value("decided_class").run()
    assert not app.exception
    assert legend_of(map_of(app))["Animals"] == "Animals (3)"
    assert {button.proto.label for button in app.get("download_button")} >= {"Labels as CSV", "Labels as Parquet"}


def test_forged_presses_save_nothing_that_is_not_allowed(shown: Window) -> None:
    shown.show(selected=(1, 2))
    for other in ({"confidence": 9}, {"confidence": "5"}, {"act": "drop"}, {"sound": None}, {"act": "accept"}):
        shown.press(**{"act": "keep", **other})  # type: ignore[arg-type]
    assert shown.labels.record.decisions == ()
    assert Press("s", "v", (), "keep").confidence is None
