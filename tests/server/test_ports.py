from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from bstviz.errors import UserError
from bstviz.server import ports


@pytest.fixture(params=[("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)], ids=["IPv4", "IPv6"])
def taken(request: pytest.FixtureRequest) -> Iterator[int]:
    """A port on which another program listens, on one of the two addresses that localhost may stand for."""
    host, family = request.param
    if not any(where[4][0] == host for where in socket.getaddrinfo("localhost", None)):
        pytest.skip(f"localhost is not {host} here")
    with socket.socket(family) as other:
        other.bind((host, 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_port_that_was_asked_for_and_is_taken_is_refused_with_one_that_is_free(taken: int) -> None:
    with pytest.raises(UserError, match=rf"Port {taken} of localhost is taken .*choose another: --port \d+"):
        ports.port_for("localhost", taken)


def test_where_none_was_asked_for_the_next_free_one_is_chosen(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "PORT", taken)
    found = ports.port_for("localhost", None)
    assert taken < found <= taken + ports.PORTS


def test_the_system_chooses_port_0() -> None:
    assert ports.port_for("localhost", 0) == 0


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(UserError, match=r"no address '192\.0\.2\.1' on this machine; allowed are localhost"):
        ports.port_for("192.0.2.1", None)
