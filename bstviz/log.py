"""The log: one line for each action, as ``key=value`` pairs, on standard error.

A value is a number, a truth value or a word of this program. Titles, names of files, paths and addresses of visitors
are none of these and do not get in: in their place stands ``withheld``. A verbose log has messages, too, which name
files.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

LOGGER = logging.getLogger("bstviz")
PLAIN_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,39}")
Fact = str | int | float | bool


class _StandardError(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError, ValueError):  # nobody reads it any more: no reason to end what is logged
            print(self.format(record), file=sys.stderr, flush=True)  # whatever standard error is at the moment


def to_standard_error(level: int) -> None:
    """Write lines of this level and above to standard error, each with its time (UTC, ISO 8601) and level."""
    handler = _StandardError()
    form = logging.Formatter("time=%(asctime)s level=%(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    form.converter = time.gmtime
    handler.setFormatter(form)
    LOGGER.handlers, LOGGER.propagate = [handler], False
    LOGGER.setLevel(level)


def for_server() -> None:
    """Log a server's actions too, unless the command line was told to be quiet or verbose."""
    if not LOGGER.handlers:
        to_standard_error(logging.INFO)
    elif LOGGER.level == logging.WARNING:
        LOGGER.setLevel(logging.INFO)


def is_quiet() -> bool:
    """Whether only errors are to be seen."""
    return not LOGGER.isEnabledFor(logging.WARNING)


def action(what: str, /, **facts: Fact) -> None:
    """Log that something was done: a word for it, and what is to be known of it, by names."""
    _write(logging.INFO, what, facts)


def warning(what: str, /, **facts: Fact) -> None:
    """The same of something that should not be."""
    _write(logging.WARNING, what, facts)


def told(text: str) -> None:
    """Log a message that a visitor was shown in part. It may name files, so only a verbose log has it."""
    LOGGER.debug("action=told text=%s", json.dumps(text))


@contextmanager
def timed(what: str, /, **facts: Fact) -> Iterator[None]:
    """Context, or decorator, of an action: logged at its end, with its seconds and the kind of error that ended it."""
    start = time.monotonic()
    try:
        yield
    except Exception as error:
        action(what, **facts, seconds=time.monotonic() - start, error=type(error).__name__)
        raise
    action(what, **facts, seconds=time.monotonic() - start)


def _write(level: int, what: str, facts: dict[str, Fact]) -> None:
    if LOGGER.isEnabledFor(level):
        LOGGER.log(level, "%s", " ".join(f"{key}={_shown(value)}" for key, value in {"action": what, **facts}.items()))


def _shown(value: Fact) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.3f}"
    return str(value) if isinstance(value, int) or PLAIN_WORD.fullmatch(value) else "withheld"
