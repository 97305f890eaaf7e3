"""Decisions on many sounds at once, and the last act of a reviewer taken back and brought back."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from bstviz.errors import UserError
from bstviz.review import acts, decisions
from bstviz.review.acts import decide, decide_all, redo_act, undo, undo_act
from bstviz.review.decisions import read_record

HASH = "d" * 64


def classes(file: Path) -> dict[str, str | None]:
    return {sound: d.new for sound, d in read_record(file, HASH).agreed.items()}


def test_an_act_is_taken_back_and_brought_back_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "review.jsonl"
    decide(file, HASH, sound_id="a", old=None, new="fx-v", why="", by="ann")
    both = {"a": (None, "m-sp"), "b": ("fx-a", "m-sp")}
    seen = {sound: [d.id for d in own] for sound, own in read_record(file, HASH).standing.items()}
    made = decide_all(file, HASH, both, by="ann", over=seen, confidence=4, comment="one source")
    assert classes(file) == {"a": "m-sp", "b": "m-sp"}
    assert {d.confidence for d in made} == {4} and {d.comment for d in made} == {"one source"}
    assert undo_act(file, HASH, by="ann") == made
    assert classes(file) == {"a": "fx-v"}
    assert redo_act(file, HASH, by="ann") == made
    assert classes(file) == {"a": "m-sp", "b": "m-sp"}
    before = file.read_bytes()
    assert [len(undo_act(file, HASH, by="ann")) for _ in range(3)] == [2, 1, 0]
    assert classes(file) == {}
    assert [len(redo_act(file, HASH, by="ann")) for _ in range(3)] == [1, 2, 0]
    assert classes(file) == {"a": "m-sp", "b": "m-sp"}
    assert file.read_bytes().startswith(before)


def test_a_new_decision_ends_what_can_be_brought_back_for_its_maker_alone(tmp_path: Path) -> None:
    file = tmp_path / "review.jsonl"
    for who in ("ann", "bob"):
        decide(file, HASH, sound_id=who, old=None, new="fx-v", why="", by=who)
        undo_act(file, HASH, by=who)
    decide(file, HASH, sound_id="c", old=None, new="fx-v", why="", by="ann")
    assert read_record(file, HASH).undone.keys() == {"bob"}
    assert redo_act(file, HASH, by="ann") == ()
    assert [d.sound_id for d in redo_act(file, HASH, by="bob")] == ["bob"]


def test_what_replaced_a_decision_replaces_it_again_when_it_is_brought_back(tmp_path: Path) -> None:
    file = tmp_path / "review.jsonl"
    first = decide(file, HASH, sound_id="a", old=None, new="fx-v", why="", by="ann")
    decide(file, HASH, sound_id="a", old=None, new="m-m", why="", by="bob", over=[first.id])
    undo_act(file, HASH, by="ann")
    redo_act(file, HASH, by="ann")
    assert classes(file) == {"a": "m-m"}


def test_one_decision_of_an_act_can_be_taken_back_alone(tmp_path: Path) -> None:
    file = tmp_path / "review.jsonl"
    made = decide_all(file, HASH, {"a": (None, "m-sp"), "b": (None, "m-sp")}, by="ann")
    undo(file, HASH, made[0], by="bob")
    assert classes(file) == {"b": "m-sp"}
    assert undo_act(file, HASH, by="ann") == made[1:]
    assert redo_act(file, HASH, by="ann") == made[1:]
    assert redo_act(file, HASH, by="bob") == made[:1]


def test_ten_thousand_decisions_are_one_quick_write(tmp_path: Path) -> None:
    file = tmp_path / "review.jsonl"
    started = time.perf_counter()
    decide_all(file, HASH, {f"s{i}": ("fx-a", "fx-v") for i in range(10_000)}, by="ann", confidence=5)
    took = time.perf_counter() - started
    assert len(read_record(file, HASH).standing) == 10_000
    assert len(undo_act(file, HASH, by="ann")) == 10_000
    assert len(file.read_bytes().splitlines()) == 10_001
    assert took < 5


@pytest.mark.parametrize(("field", "value"), [("confidence", 0), ("confidence", 6), ("comment", "x" * 100_001)])
def test_what_would_not_be_read_again_is_refused_and_nothing_is_written(
    tmp_path: Path, field: str, value: object
) -> None:
    file = tmp_path / "review.jsonl"
    with pytest.raises(UserError, match=field):
        decide_all(file, HASH, {"a": (None, "fx-v"), "b": (None, "fx-v")}, by="ann", **{field: value})  # type: ignore[arg-type]
    assert not file.exists()


def test_lines_of_before_there_were_confidences_are_read(tmp_path: Path) -> None:
    file = tmp_path / "review.jsonl"
    made = decide(file, HASH, sound_id="a", old="fx-a", new="fx-v", why="by ear", by="ann")
    line = json.loads(file.read_text())
    assert line.keys().isdisjoint({"confidence", "comment", "act", "name"})
    assert read_record(file, HASH).decisions == (made,)


def test_acts_of_one_moment_are_all_heeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acts, "_now", lambda: "2026-01-01T00:00:00.000Z")
    file = tmp_path / "review.jsonl"
    decide(file, HASH, sound_id="a", old=None, new="fx-v", why="", by="ann")
    for act, left in ((undo_act, {}), (redo_act, {"a": "fx-v"}), (undo_act, {}), (redo_act, {"a": "fx-v"})):
        act(file, HASH, by="ann")
        assert classes(file) == left


@pytest.mark.parametrize("order", [("current", "backup"), ("backup", "current")])
def test_a_record_joined_with_an_older_copy_of_it_says_the_same(order: tuple[str, str], tmp_path: Path) -> None:
    current, backup, both = (tmp_path / f"{name}.jsonl" for name in ("current", "backup", "both"))
    decide(current, HASH, sound_id="a", old=None, new="fx-v", why="", by="ann")
    undo_act(current, HASH, by="ann")
    backup.write_bytes(current.read_bytes())
    redo_act(current, HASH, by="ann")
    decide(current, HASH, sound_id="b", old=None, new="fx-v", why="", by="ann")
    undo_act(current, HASH, by="ann")
    both.write_bytes(b"".join((tmp_path / f"{name}.jsonl").read_bytes() for name in order))
    assert read_record(both, HASH) == read_record(current, HASH)
    assert len(read_record(both, HASH).undone["ann"]) == 1


def test_decisions_taken_back_together_are_brought_back_together(tmp_path: Path) -> None:
    file = tmp_path / "review.jsonl"
    for who, new in (("ann", "fx-v"), ("bob", "m-m")):
        decide(file, HASH, sound_id="a", old=None, new=new, why="", by=who)
    decide(file, HASH, sound_id="b", old=None, new="fx-v", why="", by="bob")
    both = read_record(file, HASH).standing["a"]
    undo(file, HASH, *both, by="ann")
    assert classes(file) == {"b": "fx-v"}
    assert redo_act(file, HASH, by="ann") == both
    assert read_record(file, HASH).disputed == ["a"]
    assert redo_act(file, HASH, by="ann") == ()


def test_a_record_never_grows_beyond_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "review.jsonl"
    made = decide(file, HASH, sound_id="a", old=None, new="fx-v", why="", by="ann")
    before = file.read_bytes()
    for module in (acts, decisions):
        monkeypatch.setattr(module, "RECORD_BYTES", len(before) + 100)
    with pytest.raises(UserError, match="is full"):
        decide(file, HASH, sound_id="b", old=None, new="fx-v", why="", by="ann")
    assert file.read_bytes() == before
    assert read_record(file, HASH).decisions == (made,)
