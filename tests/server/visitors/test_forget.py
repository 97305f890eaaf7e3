from __future__ import annotations

from bstviz.server.visitors.forget import Visits


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
