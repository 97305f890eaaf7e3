from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest

from bstviz import log


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    handlers, level, passed_on = log.LOGGER.handlers, log.LOGGER.level, log.LOGGER.propagate
    yield
    log.LOGGER.handlers, log.LOGGER.propagate = handlers, passed_on
    log.LOGGER.setLevel(level)


def test_an_action_is_one_line_of_pairs(capsys: pytest.CaptureFixture[str]) -> None:
    log.to_standard_error(logging.INFO)
    log.action("serve", port=8501, browser=True, seconds=0.25)
    said = capsys.readouterr().err
    pattern = r"time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ level=INFO action=serve port=8501 browser=true seconds=0\.250\n"
    assert re.fullmatch(pattern, said)


@pytest.mark.parametrize("text", ["My Title", "a/b.wav", "x=1\nlevel=ERROR", "192.168.0.1:80", "", "é", "-" * 50])
def test_what_is_no_word_of_the_program_is_withheld(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    log.to_standard_error(logging.INFO)
    log.action("open", what=text)
    assert capsys.readouterr().err.endswith("action=open what=withheld\n")


def test_an_action_that_fails_names_the_kind_of_error_and_not_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    log.to_standard_error(logging.INFO)
    with pytest.raises(ValueError, match="secret"), log.timed("decode"):
        raise ValueError("secret.wav is damaged")
    said = capsys.readouterr().err
    assert "action=decode seconds=0.0" in said and said.endswith("error=ValueError\n") and "secret" not in said


@pytest.mark.parametrize(
    ("level", "servers"),
    [(logging.WARNING, logging.INFO), (logging.ERROR, logging.ERROR), (logging.INFO, logging.INFO)],
)
def test_a_server_logs_its_actions_unless_it_is_to_be_quiet(level: int, servers: int) -> None:
    log.to_standard_error(level)
    log.for_server()
    assert log.LOGGER.level == servers


def test_nobody_who_reads_the_log_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def write(self, text: str) -> None:
            raise BrokenPipeError

        flush = write

    log.to_standard_error(logging.INFO)
    monkeypatch.setattr("sys.stderr", Broken())
    log.action("serve")
