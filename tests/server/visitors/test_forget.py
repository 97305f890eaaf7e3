from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bstviz.jobs import background
from bstviz.jobs.background import Kind, Work
from bstviz.server.visitors import forget
from bstviz.server.visitors.forget import Visits, forget_visitors
from tests.jobs import pieces


class FakeSession:
    """A session whose state is a dictionary."""

    def __init__(self) -> None:
        self.session_state = {"sound": b"bytes"}


def test_a_visit_is_over_when_its_window_has_been_away_long_enough_and_only_once() -> None:
    visits, session, here = Visits(), FakeSession(), {"a", "b"}
    for name in ("a", "b"):
        visits.see(name, session)
    assert visits.over(here.__contains__, 0, patience=90) == {}
    here.remove("a")
    assert visits.over(here.__contains__, 5, patience=90) == {}
    assert visits.over(here.__contains__, 94, patience=90) == {}
    assert list(visits.over(here.__contains__, 95, patience=90)) == ["a"]
    assert visits.over(here.__contains__, 500, patience=90) == {}


def test_a_window_that_comes_back_in_time_goes_on() -> None:
    visits, session, here = Visits(), FakeSession(), {"a"}
    visits.see("a", session)
    here.clear()
    visits.over(here.__contains__, 0, patience=90)
    here.add("a")
    visits.over(here.__contains__, 89, patience=90)
    here.clear()
    assert visits.over(here.__contains__, 100, patience=90) == {}
    assert visits.over(here.__contains__, 189, patience=90) == {}
    assert list(visits.over(here.__contains__, 190, patience=90)) == ["a"]


def test_the_state_of_a_session_that_something_still_holds_is_emptied() -> None:
    visits, session = Visits(), FakeSession()
    visits.see("a", session)
    visits.see("a", session, uploads=True)
    visits.see("a", session)
    visits.over(lambda name: False, 0, patience=1)
    visit = visits.over(lambda name: False, 1, patience=1)["a"]
    assert visit.uploads
    visit.empty()
    assert session.session_state == {}
    del session
    visit.empty()


class FakeServer:
    """A server whose windows come and go."""

    def __init__(self) -> None:
        self.here = {"a", "b"}
        self.closed: list[str] = []

    def is_active_session(self, name: str) -> bool:
        return name in self.here

    def close_session(self, name: str) -> None:
        self.closed.append(name)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    made = FakeServer()
    monkeypatch.setattr("streamlit.runtime.exists", lambda: True)
    monkeypatch.setattr("streamlit.runtime.get_instance", lambda: made)
    monkeypatch.setattr(forget, "VISITS", Visits())
    return made


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, Work]]:
    """What two visitors wait for."""
    monkeypatch.setattr(background, "_QUEUES", {})
    queue = background.queue_of(Kind("test"))
    yield {name: queue.submit(name, pieces.waited_for, lambda: (str(tmp_path / "never"),), owner=name) for name in "ab"}
    background.close()


def test_what_a_visitor_waits_for_is_given_up_with_the_session_and_not_before(
    server: FakeServer, asked: dict[str, Work]
) -> None:
    sessions = {name: FakeSession() for name in "ab"}
    for name, session in sessions.items():
        forget.VISITS.see(name, session)

    async def visit() -> None:
        forgetting = asyncio.create_task(forget_visitors(0.2))
        server.here.clear()
        await asyncio.sleep(0.3)  # seen to be away, not for long enough
        assert {work.ended for work in asked.values()} == {False}
        server.here.add("b")  # whose connection comes back
        while not server.closed:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        forgetting.cancel()

    with ThreadPoolExecutor(1) as apart:  # browser tests leave a loop in this thread
        apart.submit(asyncio.run, asyncio.wait_for(visit(), 60)).result()
    assert server.closed == ["a"]
    assert {name: work.state == "cancelled" for name, work in asked.items()} == {"a": True, "b": False}
    assert {name: bool(session.session_state) for name, session in sessions.items()} == {"a": False, "b": True}


class FakeKeeper:
    """Says who left, and when it was swept."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def leave(self, visitor: str) -> None:
        self.said.append(f"{visitor} left")

    def sweep(self) -> bool:
        self.said.append("swept")
        return True


def test_what_is_kept_is_swept_while_somebody_is_here_who_may_want_the_memory(server: FakeServer) -> None:
    sessions, keeper = {name: FakeSession() for name in "ab"}, FakeKeeper()
    forget.VISITS.keepers.append(keeper)
    for name, session in sessions.items():
        forget.VISITS.see(name, session)

    async def visit() -> None:
        forgetting = asyncio.create_task(forget_visitors(0.1))
        for name in "ab":
            server.here.discard(name)
            while name not in server.closed:
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        forgetting.cancel()

    with ThreadPoolExecutor(1) as apart:  # browser tests leave a loop in this thread
        apart.submit(asyncio.run, asyncio.wait_for(visit(), 60)).result()
    assert "swept" in keeper.said[keeper.said.index("a left") :]
    assert keeper.said[-1] == "b left"
