"""Visitors at once, without browsers: what they get is what they asked for."""

from __future__ import annotations

import asyncio
import io
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import psutil
import pytest
import soundfile

from benchmarks import visitors
from benchmarks.serving import PATIENCE, served
from benchmarks.sessions import RefusedError, Session
from benchmarks.soak import OTHERS, SERVER, WORKERS, Memory, Soak, lost, run
from benchmarks.synthetic import DIGITS, import_again, make, number_of, numbered
from benchmarks.visitors import KNOWN, PLAYERS, Journal, Visitor, dropped
from bstviz.datasets.collection import load_collection


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


def good() -> Soak:
    """A soak that holds all limits."""
    done = Soak(calm=True, memory={SERVER: (1.0, 1.0), WORKERS: (1.0, 1.0), OTHERS: (0.0, 9.0)})
    for journal in done.journals:
        journal.seconds = {"click": [0.1], "drop": [4.0]}
        journal.compared, journal.answered = Counter(PLAYERS), 1
        journal.decided = [("1", "keep")]
    return done


def broken(done: Soak) -> list[str]:
    """Limits that do not hold."""
    return [what for what, holds in done.limits().items() if not holds]


def test_what_is_silent_breaks_a_limit_unless_it_was_changed_on_disk() -> None:
    done = good()
    assert broken(done) == []
    done.company.silent.append("review: no decision on 1: Collection 'first' was changed on disk since")
    assert len(broken(done)) == 1
    done.calm = False
    assert broken(done) == []
    done.company.silent.append("explore, point 1: ")
    assert broken(done) == ["1 silent, but for what was changed on disk"]


@pytest.mark.parametrize("page", PLAYERS)
def test_a_page_that_plays_nothing_breaks_a_limit(page: str) -> None:
    done = good()
    for journal in done.journals:
        del journal.compared[page]
    assert len(broken(done)) == 1
    assert f"0 on {page}" in broken(done)[0]


def test_no_decision_and_no_known_prediction_break_limits() -> None:
    done = good()
    for journal in done.journals:
        journal.decided, journal.answered = [], 0
    assert broken(done) == ["0 predictions compared", "0 decisions lost of 0"]


def test_a_drop_that_said_nothing_for_long_and_looks_that_are_slow_break_limits() -> None:
    done = good()
    done.company.seconds["drop"].append(9.0)
    assert broken(done) == []
    done.company.unplaced.append(9.0)
    done.company.seconds["click"] = [0.4]
    assert len(broken(done)) == 2
    done.alone.seconds = {}
    assert "looking nan times as long, of 3" in broken(done)


def test_a_server_that_grows_breaks_a_limit_whatever_its_workers_do() -> None:
    done = good()
    done.memory[SERVER] = 1.0, 1.2
    assert broken(done) == ["memory of the server 1.20 times, of 1.1"]
    done.memory = {}
    assert len(broken(done)) == 2  # not read at all


def test_memory_is_told_apart_by_process_and_that_of_a_worker_that_came_later_is_not_growth() -> None:
    memory = Memory(psutil.Process())
    server = memory.server.pid
    memory.read = [(0.0, {server: 10, -1: 4, -2: 7}), (1.0, {server: 12, -1: 4}), (9.0, {server: 11, -1: 5, -3: 100})]
    assert memory.compared(0.5, 9.0, 0.5) == {SERVER: (11.0, 11.0), WORKERS: (4.0, 5.0), OTHERS: (0.0, 100.0)}
    assert memory.compared(0.5, 20.0, 0.5)[SERVER] == (11.0, 0.0)


class Page:
    """A session on Classify, which says some words at some seconds after a drop and then has a prediction.

    Args:
        words: By the seconds after which they are said.
        answers: The prediction, and when it stands; None where the upload is refused.
    """

    page = "classify"

    def __init__(self, words: dict[float, str], answers: tuple[float, str] | None) -> None:
        self.words, self.answers, self.problems = words, answers, []
        self.name, self.start = "", 0.0

    def _since(self) -> float:
        return time.perf_counter() - self.start if self.name else 0.0

    def texts(self) -> list[str]:
        return ["Predicted by A · first", *(words for at, words in self.words.items() if 0 < at <= self._since())]

    def elements(self, kind: str) -> list[SimpleNamespace]:
        shown = {"markdown": [f"#### {self.name}"], "html": []}
        if self.answers and self._since() >= self.answers[0]:
            shown["html"] = [f"<div data-answer>{self.answers[1]}</div>"]
        return [SimpleNamespace(content=SimpleNamespace(body=body), run="1") for body in shown.get(kind, [])]

    def find(self, key: str) -> None:
        return None

    async def drop(self, key: str, name: str, data: bytes) -> None:
        if self.answers is None:
            raise RefusedError("could not be uploaded")
        self.name, self.start = name, time.perf_counter()

    async def until(self, holds: Callable[[], bool]) -> float:
        start = time.perf_counter()
        while not holds():
            await asyncio.sleep(0.01)
        return time.perf_counter() - start


def dropped_on(page: Page, *numbers: int, answers: dict[tuple[str, int], str] | None = None) -> Journal:
    """What comes of drops on a page, of a new sound where none is named."""
    visitor = Visitor(cast(Session, page), Journal(), seed=0, answers=answers)

    async def drop() -> None:
        for number in numbers or (None,):
            await asyncio.wait_for(visitor.do(partial(visitor.drop_sound, number)), 5)

    asyncio.run(drop())
    return visitor.journal


def test_a_drop_has_to_say_early_where_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "PROMPT", 0.5)
    assert dropped_on(Page({}, (0.01, "Rain"))).unplaced == []
    early = dropped_on(Page({0.01: "2 before yours"}, (0.7, "Rain")))
    assert (early.unplaced, early.waited) == ([], 1)
    late = dropped_on(Page({0.6: "Working …"}, (0.7, "Rain")))
    assert (len(late.unplaced), late.waited) == (1, 0)
    assert len(dropped_on(Page({}, (0.6, "Rain"))).unplaced) == 1


def test_a_drop_that_is_refused_is_an_error_at_once() -> None:
    journal = dropped_on(Page({}, None))
    assert journal.errors == ["could not be uploaded"]
    assert journal.seconds == {}


def test_a_prediction_of_a_known_sound_that_is_another_ones_is_wrong() -> None:
    answers: dict[tuple[str, int], str] = {}
    assert dropped_on(Page({}, (0.01, "Rain")), KNOWN[0], KNOWN[0], answers=answers).answered == 2
    assert list(answers) == [("Predicted by A", KNOWN[0])]
    journal = dropped_on(Page({}, (0.01, "Speech")), KNOWN[0], KNOWN[1], answers=answers)
    assert len(journal.wrong) == 1
    assert "Speech" in journal.wrong[0] and "Rain" in journal.wrong[0]


def test_a_known_sound_is_the_same_in_another_file_and_says_its_number() -> None:
    first, second = (dropped(KNOWN[1], name) for name in ("a", "b"))
    assert first != second
    samples = [soundfile.read(io.BytesIO(data), dtype="float32") for data in (first, second)]
    np.testing.assert_array_equal(samples[0][0], samples[1][0])
    assert number_of(*samples[0]) == KNOWN[1]
    assert np.abs(samples[0][0] - soundfile.read(io.BytesIO(dropped(KNOWN[2], "a")))[0]).max() > 0.1


def test_what_nobody_expected_of_an_act_is_an_error_and_the_next_one_is_done() -> None:
    visitor = Visitor(cast(Session, Page({}, None)), Journal(), seed=0)

    async def act() -> None:
        raise IndexError("list index out of range")

    asyncio.run(visitor.do(act))
    assert visitor.journal.errors == ["IndexError('list index out of range')"]


def test_a_server_that_ends_before_it_answers_is_not_waited_for() -> None:
    start = time.monotonic()
    with pytest.raises(RuntimeError, match="status 2"), served(["--no-such-option"]):
        pass
    assert time.monotonic() - start < PATIENCE / 2


def embedded_in(folder: Path) -> tuple[list[str], np.ndarray]:
    """Ids of a collection's sounds and their embeddings."""
    collection = load_collection(folder)
    return list(collection.sounds["sound_id"]), np.array(collection.audio)


@pytest.mark.slow
def test_a_library_that_is_imported_again_has_the_same_embeddings_in_another_order(tmp_path: Path) -> None:
    make(tmp_path, 60, own_files=60, embedded=True)
    first, vectors = embedded_in(tmp_path / "sounds")
    import_again(tmp_path)
    second, again = embedded_in(tmp_path / "sounds")
    assert first != second
    np.testing.assert_array_equal(again, vectors[[first.index(sound) for sound in second]])


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
    done = run(tmp_path, sounds=600, large=2_000, sessions=3, minutes=1, acts=5, calm=False)
    assert all(done.faultless().values()), done.report()
    assert done.umap is not None
