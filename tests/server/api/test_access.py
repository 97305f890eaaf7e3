"""Who needs a token, and what one is."""

from __future__ import annotations

from pathlib import Path

import pytest

from bstviz.errors import UserError
from bstviz.server.api.access import access_of, is_loopback

TOKEN = "0123456789abcdefghijABCDEFGHIJ-_"


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.2", "sounds.lab.example"])
def test_where_others_reach_the_server_there_has_to_be_a_token(address: str) -> None:
    with pytest.raises(UserError, match=r"has no token.*--token-file FILE"):
        access_of("", None, address, people_log_in=False)
    assert access_of(TOKEN, None, address, people_log_in=False).token == TOKEN


def test_on_this_machine_alone_there_need_not_be_one_but_where_people_log_in(tmp_path: Path) -> None:
    assert access_of("", None, "localhost", people_log_in=False).token is None
    with pytest.raises(UserError, match="People log in here"):
        access_of("", None, "localhost", people_log_in=True)
    (tmp_path / "token").write_text(TOKEN + "\n")
    assert access_of("", tmp_path / "token", "localhost", people_log_in=True).token == TOKEN


@pytest.mark.parametrize("token", ["short", "x" * 31, "x" * 32 + " y", "ü" * 40])
def test_what_is_no_secret_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(UserError, match=rf"The token has {len(token)} characters; allowed are 32") as refused:
        access_of(token, None, "localhost", people_log_in=False)
    assert token not in str(refused.value)


def test_the_token_is_in_no_representation() -> None:
    assert TOKEN not in repr(access_of(TOKEN, None, "localhost", people_log_in=False))


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.1", "::1", "[::1]"])
def test_loopback_is_known(host: str) -> None:
    assert is_loopback(host)
    assert not is_loopback(f"{host}.example")
