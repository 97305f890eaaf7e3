"""Agreement of reviewers, from what each decided last."""

from __future__ import annotations

from pathlib import Path

import pytest
from sklearn.metrics import cohen_kappa_score

from bstviz.datasets.taxonomy import bst
from bstviz.review.acts import decide
from bstviz.review.agreement import agreements
from bstviz.review.decisions import read_record

HASH = "e" * 64


def test_each_two_reviewers_are_compared_on_the_sounds_that_both_gave_a_class(tmp_path: Path) -> None:
    file = tmp_path / "review.jsonl"

    def say(by: str, name: str | None, *classes: str | None) -> None:
        for i, new in enumerate(classes):
            decide(file, HASH, sound_id=f"s{i}", old=None, new=new, why="", by=by, name=name)

    say("0123456789", "Ada", "fx-v", "fx-v", "fx-v", "fx-v", "fx-v", "m-sp", None)
    say("0123456789", "Ada", "fx-a", "fx-a")  # changes her mind about the first two
    say("abcdefabcd", None, "fx-a", "fx-v", "fx-v", "fx-v", "m-m", "m-sp", "m-sp")
    say("ffffffffff", None, None)
    (pair,) = agreements(read_record(file, HASH), bst())
    ada, other = ["fx-a", "fx-a", "fx-v", "fx-v", "fx-v", "m-sp"], ["fx-a", "fx-v", "fx-v", "fx-v", "m-m", "m-sp"]
    assert (pair.first, pair.second, pair.sounds) == ("Ada", "reviewer abcdef", 6)
    assert pair.second_agreement == pytest.approx(4 / 6)
    assert pair.top_agreement == pytest.approx(5 / 6)
    assert pair.second_kappa == pytest.approx(cohen_kappa_score(ada, other))
    tops = [[code.split("-")[0] for code in own] for own in (ada, other)]
    assert pair.top_kappa == pytest.approx(cohen_kappa_score(*tops))


def test_one_reviewer_agrees_with_nobody(tmp_path: Path) -> None:
    file = tmp_path / "review.jsonl"
    decide(file, HASH, sound_id="a", old="fx-a", new="fx-v", why="", by="ada")
    assert agreements(read_record(file, HASH), bst()) == []
