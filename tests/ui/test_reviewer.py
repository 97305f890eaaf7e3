"""Whose decisions are whose, and the names that reviewers give."""

from __future__ import annotations

from typing import cast

import pytest
import streamlit as st

from bstviz.errors import UserError
from bstviz.review.decisions import Decision, Record
from bstviz.ui.review import reviewer as module
from bstviz.ui.review.reviewer import NAME, Reviewer, reviewer


def decision(by: str, name: str | None = None) -> Decision:
    return Decision("s", "fx-a", "fx-v", "", "2026-11-26T00:00:00.000Z", by, "id", name=name)


def test_own_decisions_are_told_from_others_by_the_id_and_not_by_a_name() -> None:
    ada = Reviewer("0123", "Ada")
    assert ada.names(decision("0123", "an older name")) == "you"
    assert ada.names(decision("4567", "Ada")) == "“Ada”"
    assert ada.names(decision("a window")) == "somebody else"


def test_a_name_is_kept_for_its_reviewer_alone_and_can_be_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, object] = {NAME: " Ada "}
    monkeypatch.setattr(st, "session_state", state)
    module._keep_name("window-1")
    assert (reviewer("window-1").name, reviewer("window-2").name) == ("Ada", None)
    assert not reviewer("window-1").stays
    state[NAME] = ""
    module._keep_name("window-1")
    assert reviewer("window-1").name is None


def test_a_name_taken_back_is_not_filled_in_again_from_the_last_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    class Decided:
        def last_by(self, who: str) -> Decision:
            return decision(who, "Ada")

    def opened() -> object:
        state: dict[str, object] = {}
        monkeypatch.setattr(st, "session_state", state)
        module.ask_name(reviewer("window-3"), cast(Record, Decided()))
        return state[NAME]

    assert opened() == "Ada"
    monkeypatch.setattr(st, "session_state", {NAME: ""})
    module._keep_name("window-3")
    assert opened() == ""
    assert reviewer("window-3").name is None


@pytest.mark.parametrize("name", ["a\x00b", "x" * 101])
def test_what_no_record_takes_is_refused_as_a_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "session_state", {NAME: name})
    with pytest.raises(UserError, match="is no name"):
        module._keep_name("window-1")


def test_who_has_logged_in_is_named_by_the_login(monkeypatch: pytest.MonkeyPatch) -> None:
    class Claims(dict[str, object]):
        def to_dict(self) -> dict[str, object]:
            return dict(self)

    monkeypatch.setattr(st, "user", Claims(is_logged_in=True, sub="1", name="Ada"))
    who = reviewer("window-1")
    assert (who.name, who.logged_in, who.stays) == ("Ada", True, True)
    assert who.id == reviewer("window-2").id
