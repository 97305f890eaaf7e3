"""Visitors at once, without browsers: what they get is what they asked for."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import psutil
import pytest

from benchmarks.sessions import RefusedError, Session
from benchmarks.soak import REVIEWS, Soak, libraries, lost, soak
from benchmarks.synthetic import DIGITS, number_of, numbered
from bstviz.models.config import LOSSES
from tests.e2e.conftest import free_port, serve, stop


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_a_sound_says_its_number_under_noise_and_noise_says_none(rate: int) -> None:
    noise = np.random.default_rng(0).normal(size=rate)
    for number in (0, 1, 10_955, 2**DIGITS - 1):
        assert number_of(numbered(number, rate=rate, seconds=1) + 0.01 * noise, rate) == number
    assert number_of(noise, rate) is None
    assert number_of(np.zeros(rate), rate) is None


def test_a_decision_that_is_recorded_of_another_sound_is_lost(tmp_path: Path) -> None:
    entry = '{{"sound_id": "{}", "old": "a", "new": "{}"}}\n'
    (tmp_path / "review.jsonl").write_text(entry.format("1", "a") + entry.format("3", "b"))
    assert lost(tmp_path, [("1", "keep"), ("3", "accept")]) == 0
    assert lost(tmp_path, [("1", "keep"), ("2", "accept")]) == 1
    assert lost(tmp_path, [("1", "accept")]) == 1


def test_a_drop_that_took_long_has_to_have_said_where_it_stood() -> None:
    done = Soak()
    for journal in done.journals:
        journal.seconds = {"click": [0.1], "drop": [4.0]}

    def holds() -> bool:
        (found,) = (holds for what, holds in done.limits().items() if "drops showed" in what)
        return found

    assert holds()
    done.company.seconds["drop"].append(9.0)
    done.company.waited = 1
    assert holds()
    done.company.unplaced.append(9.0)
    assert not holds()


def test_a_part_of_the_page_that_does_not_answer_when_it_asks_again_is_a_problem(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refused(client: object) -> float:
        raise RefusedError("explore did not stand within 120 s")

    async def repeated() -> Session:
        session = Session("http://localhost:1")
        monkeypatch.setattr(session, "_rerun", refused)
        session._repeat("part", 0.0)
        await asyncio.gather(*session._tasks)
        return session

    assert asyncio.run(repeated()).problems == ["explore did not stand within 120 s"]


@pytest.mark.long
def test_three_visitors_get_what_they_ask_for_while_a_map_is_made_and_the_library_imported_again(
    tmp_path: Path,
) -> None:
    made = libraries(tmp_path, 600, 2_000)
    experiments = [f"--experiment={library / loss}" for library in made for loss in LOSSES]
    port = free_port()
    server = serve([*experiments, "--reviews", str(tmp_path / REVIEWS)], port)
    try:
        done = asyncio.run(
            soak(
                f"http://localhost:{port}",
                psutil.Process(server.pid),
                tmp_path,
                sessions=3,
                minutes=1,
                acts=5,
                calm=False,
            )
        )
    finally:
        stop(server)
    assert not [error for journal in done.journals for error in journal.errors], done.report()
    assert not [answer for journal in done.journals for answer in journal.wrong], done.report()
    assert done.company.compared
    assert done.lost == 0
    assert done.umap is not None
