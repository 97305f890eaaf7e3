"""The review page without a browser: the queue, what the keys save, and what another window does meanwhile."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from bstviz import paths
from bstviz.datasets.collection import Collection
from bstviz.evaluation.out_of_fold import pool
from bstviz.models.run import Run
from bstviz.models.run_info import CollectionRef
from bstviz.review.acts import decide, decide_all
from bstviz.review.decisions import Record, read_record
from bstviz.review.label_quality import LabelQuality, score_labels
from bstviz.review.record_files import record_file
from bstviz.ui.review import session as module
from bstviz.ui.review.session import OPEN_FOR, ReviewSession, _shown, me, queue_of, window
from tests.ui.conftest import ROOT, seen, sent


@pytest.fixture
def quality(runs: dict[str, Run], collection: Collection) -> LabelQuality:
    return score_labels([pool([runs["audio"]])], collection)


@pytest.fixture
def app(experiment: Path) -> AppTest:
    _shown().clear()  # what the windows of other tests show
    started = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run().switch_page("pages/review.py").run()
    return started.selectbox(key="review.models").set_value("audio · confidence ≥ 1").run()


def record(experiment: Path, collection: Collection) -> Record:
    (file,) = experiment.glob("review-*.jsonl")
    return read_record(file, collection.hash)


def progress(app: AppTest) -> str:
    return str(app.get("progress")[0].proto.text)


def test_the_label_of_lowest_quality_comes_first_with_its_reasons(app: AppTest, quality: LabelQuality) -> None:
    first = quality.order[0]
    assert app.session_state["review.sound"] == quality.sound_ids[first]
    shown = seen(" ".join(m.value for m in app.markdown))
    assert "the hierarchical model predicts" in shown
    assert all(
        quality.taxonomy.second[c].definition in shown for c in (quality.labels[first], quality.suggested[first])
    )
    assert progress(app).startswith(f"0 of {len(quality)} sounds decided")


def test_buttons_name_the_sound_that_they_are_for(app: AppTest, quality: LabelQuality) -> None:
    (data,) = sent(app, "decide")
    first, second = quality.order[0], quality.taxonomy.second
    assert data["sound"] == quality.sound_ids[first]
    assert {a["keys"][0]: a["label"] for a in data["acts"]} == {
        "a": f"Accept {second[quality.suggested[first]].name}",
        "k": f"Keep {second[quality.labels[first]].name}",
        "u": "Unsure",
        "s": "Set another class",
        "n": "Next",
        "z": "Undo",
        "ctrl+y": "Redo",
    }
    assert [a["name"] for a in data["acts"] if a["off"]] == ["set", "undo", "redo"]
    app.selectbox(key="review.other").set_value("sp-c").run()
    assert [a["name"] for a in sent(app, "decide")[0]["acts"] if a["off"]] == ["undo", "redo"]


def test_what_was_decided_elsewhere_is_shown_and_can_be_taken_back(
    app: AppTest, quality: LabelQuality, experiment: Path, collection: Collection
) -> None:
    file = next(experiment / c.value.split("`")[1] for c in app.caption if "Saved at once" in c.value)
    sound = app.session_state["review.sound"]
    made = decide(
        file,
        collection.hash,
        sound_id=sound,
        old=quality.taxonomy.codes[quality.labels[quality.order[0]]],
        new="ss-s",
        why="",
        by="x",
    )
    app.run()
    assert progress(app).startswith("1 of")
    assert any("changed to ss-s by somebody else" in seen(i.value) for i in app.info)
    assert sent(app, "decide")[0]["seen"] == [made.id]
    app.button(key="review.back").click().run()
    assert record(experiment, collection).standing == {}
    assert progress(app).startswith("0 of")


def test_filters_choose_the_queue(app: AppTest, quality: LabelQuality) -> None:
    codes, labels, suggested = quality.taxonomy.codes, quality.labels, quality.suggested
    code = codes[labels[quality.order[-1]]]
    app.multiselect(key="review.classes").set_value([code]).run()
    passing = [i for i in quality.order if code in (codes[labels[i]], codes[suggested[i]])]
    assert app.session_state["review.sound"] == quality.sound_ids[passing[0]]
    assert f"of {len(passing)} sounds decided" in progress(app)
    app.button_group(key="review.agreement").set_value("split").run()
    assert any(
        s.value.startswith("No sound passes these filters.") for s in app.success
    )  # one model never differs from itself


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """The session state of one window, outside of a page."""
    held: dict[str, object] = {}
    monkeypatch.setattr(st, "session_state", held)
    _shown().clear()
    return held


@pytest.fixture
def session(
    state: dict[str, object],
    runs: dict[str, Run],
    collection: Collection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> ReviewSession:
    monkeypatch.setenv(paths.EXPERIMENTS_VARIABLE, str(runs["audio"].folder))
    return ReviewSession(queue_of([runs["audio"]]), tmp_path / "review.jsonl", collection.hash)


def press(session: ReviewSession, state: dict[str, object], *acts: str) -> None:
    for act in acts:
        at = session.current(session.record())
        assert at is not None
        session.press(at, act, [d.id for d in session.record().standing.get(str(state["review.sound"]), ())])


def test_every_key_saves_a_decision_and_goes_on(session: ReviewSession, state: dict[str, object]) -> None:
    quality, codes = session.queue.quality, session.queue.quality.taxonomy.codes
    press(session, state, "accept", "keep", "next", "unsure")
    made, (a, b, _, d) = session.record().decisions, quality.order[:4]
    assert [m.sound_id for m in made] == quality.sound_ids[[a, b, d]].tolist()
    assert [m.old for m in made] == [codes[c] for c in quality.labels[[a, b, d]]]
    assert [m.new for m in made] == [codes[quality.suggested[a]], codes[quality.labels[b]], None]
    assert all("nearest sounds" in m.why for m in made)
    assert state["review.sound"] == quality.sound_ids[quality.order[4]]


def test_what_the_same_reviewer_decided_in_another_window_is_said_to_be_theirs(
    session: ReviewSession, state: dict[str, object]
) -> None:
    quality, first = session.queue.quality, int(session.queue.quality.order[0])
    sound, old = quality.sound_ids[first], quality.taxonomy.codes[quality.labels[first]]
    decide(session.file, session.hash, sound_id=sound, old=old, new="ss-s", why="", by=me().id)
    session.press(first, "keep", [])
    assert "was decided differently meanwhile: changed to ss-s by you." in str(state["review.notice"])


def test_decisions_on_another_version_of_the_collection_are_named(
    app: AppTest, experiment: Path, collection: Collection
) -> None:
    about = CollectionRef(collection.name, "0" * 64, None)
    file = record_file(about, [experiment])
    for sound, new in (("a", "ss-s"), ("b", "ss-n"), ("a", "ss-n")):
        decide(file, about.hash, sound_id=sound, old="ss-i", new=new, why="", by="x")
    (said,) = [c.value for c in app.run().caption if "another version" in c.value]
    assert said == f"3 decisions are on another version of this collection, in `{file.name}`."


def test_another_class_is_set_with_comment_and_confidence_and_the_next_sound_begins_without(
    session: ReviewSession, state: dict[str, object]
) -> None:
    at = session.current(session.record())
    assert at is not None
    state |= {"review.other": "sp-c", "review.comment": " a crowd, clearly "}
    session.press(at, "set", [], 4)
    (made,) = session.record().decisions
    assert (made.sound_id, made.new, made.confidence) == (session.queue.quality.sound_ids[at], "sp-c", 4)
    assert (made.comment, "nearest sounds" in made.why) == ("a crowd, clearly", True)
    assert (state["review.other"], state["review.comment"]) == (None, "")


def test_what_was_decided_in_one_act_on_a_map_is_taken_back_and_brought_back_as_a_whole(
    session: ReviewSession, state: dict[str, object]
) -> None:
    sounds = {str(sound): (None, "ss-s") for sound in session.queue.quality.sound_ids[:3]}
    decide_all(session.file, session.hash, sounds, by=me().id)
    press(session, state, "undo")
    assert session.record().standing == {}
    assert state["review.notice"] == "Taken back: 3 sounds (3 given ss-s)."
    press(session, state, "redo")
    assert session.record().standing.keys() == sounds.keys()


def test_agreement_of_two_reviewers_is_shown(app: AppTest, experiment: Path, collection: Collection) -> None:
    file = record_file(CollectionRef(collection.name, collection.hash, None), [experiment])
    for by, classes in {"ann": ("ss-s", "ss-n"), "bob": ("ss-s", "ss-s")}.items():
        for sound, new in zip(("s000", "s001"), classes, strict=True):
            decide(file, collection.hash, sound_id=sound, old=None, new=new, why="", by=by, name=by)
    app.run()
    (table,) = [frame.value for frame in app.dataframe if "second_kappa" in frame.value]
    assert table.loc[0, ["first", "second", "sounds", "second_agreement", "second_kappa"]].tolist() == [
        "ann",
        "bob",
        2,
        0.5,
        0.0,
    ]


def test_agreement_is_worked_out_once_for_each_state_of_the_record(
    session: ReviewSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(module, "agreements", lambda record, taxonomy: asked.append(len(record.decisions)) or [])
    for sound in ("s000", "s001"):
        decide(session.file, session.hash, sound_id=sound, old=None, new="ss-s", why="", by="ann")
        session.agreements()
        session.agreements()
    assert asked == [1, 2]


def test_a_disputed_sound_is_taken_back_and_brought_back_as_a_whole(
    session: ReviewSession, state: dict[str, object]
) -> None:
    sound = str(session.queue.quality.sound_ids[session.queue.quality.order[0]])
    for by, new in (("ann", "ss-s"), ("bob", "ss-n")):
        decide(session.file, session.hash, sound_id=sound, old=None, new=new, why="", by=by)
    session.take_back(session.record().standing[sound])
    assert session.record().standing == {}
    press(session, state, "redo")
    assert session.record().disputed == [sound]


def test_windows_that_are_long_gone_are_let_go_of(session: ReviewSession, state: dict[str, object]) -> None:
    first, second = (str(session.queue.quality.sound_ids[i]) for i in session.queue.quality.order[:2])
    now = time.monotonic()
    _shown().update(gone=(first, now - OPEN_FOR), there=(second, now))
    session.current(session.record())
    assert state["review.sound"] == first
    assert set(_shown()) == {"there", window()}


def test_the_chosen_models_stand_in_the_address_and_stay(app: AppTest) -> None:
    chosen = "audio · confidence ≥ 1"
    assert app.query_params["models"] == chosen
    app.switch_page("pages/explore.py").run()
    app.query_params.clear()
    app.switch_page("pages/review.py").run()
    assert app.selectbox(key="review.models").value == chosen


def test_undo_shows_the_sound_again_undecided_and_says_what_it_took_back(
    session: ReviewSession, state: dict[str, object]
) -> None:
    press(session, state, "keep", "undo")
    first = session.queue.quality.order[0]
    assert state["review.sound"] == session.queue.quality.sound_ids[first]
    loaded, row = session.queue.entries[first]
    assert state["review.notice"] == f"Taken back: kept (“{loaded.title(row)}”)."
    assert session.record().standing == {}


def test_what_another_window_decided_meanwhile_stands_beside(session: ReviewSession, state: dict[str, object]) -> None:
    quality, codes = session.queue.quality, session.queue.quality.taxonomy.codes
    first, second, third = quality.order[:3]
    for i in (first, second):
        old = codes[quality.labels[i]]
        decide(session.file, session.hash, sound_id=quality.sound_ids[i], old=old, new="ss-s", why="", by="x")
    session.press(int(first), "keep", [])  # pressed before this window had seen the other's decision
    assert session.record().disputed == [quality.sound_ids[first]]
    assert "was decided differently meanwhile: changed to ss-s by somebody else." in str(state["review.notice"])
    assert state["review.sound"] == quality.sound_ids[third]
    disputed = replace(session, state="disputed")
    state.pop("review.sound")
    press(disputed, state, "accept")
    (settled,) = session.record().standing[quality.sound_ids[first]]
    assert settled.new == codes[quality.suggested[first]]


def test_two_windows_are_given_different_sounds(session: ReviewSession, state: dict[str, object]) -> None:
    order = session.queue.quality.order
    assert session.current(session.record()) == order[0]
    state.clear()  # another window
    assert session.current(session.record()) == order[1]
