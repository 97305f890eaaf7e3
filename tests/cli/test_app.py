from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from typer.main import get_command

from bstviz import __version__
from bstviz.cli.app import app
from tests.cli.conftest import invoke


def commands(group: Any, *parents: str) -> Iterator[tuple[str, Any]]:
    """Every command under a group, with its full name."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *parents, name)
        else:
            yield " ".join([*parents, name]), command


COMMANDS = dict(commands(get_command(app)))


def test_the_commands_are_these() -> None:
    assert set(COMMANDS) == {
        *(
            "import bsd2k",
            "import bsd10k",
            "import bsd35k",
            "import table",
            "import folder",
            "import freesound",
            "import predictions",
            "datasets",
            "fetch",
            "embed",
            "relocate",
            "export",
            "duplicates",
        ),
        *("train", "sweep", "report", "demo"),
        *("classify", "label", "search", "check-encoder", "explore"),
        *("predict", "score", "card"),
        *("review list", "review next", "review export", "review labels", "review apply", "review agreement"),
        *("retrain", "app", "serve"),
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example(command: str) -> None:
    result = invoke(*command.split(), "--help")
    assert result.exit_code == 0
    assert "Example" in result.output
    assert f"bstviz {command}" in " ".join(result.output.replace("│", " ").split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_says_what_it_is_or_is_an_old_name(command: str) -> None:
    for option in COMMANDS[command].params:
        assert option.param_type_name == "argument" or option.hidden or option.help, option.name


def test_version() -> None:
    assert invoke("--version").output.strip() == f"bstviz {__version__}"


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "bstviz", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"bstviz {__version__}"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("train", "{}/tones"), "Missing option '--out'"),
        (("nonsense",), "No such command"),
        (("embed", "{}/tones", "--device", "abacus"), "'abacus' cannot be used here"),
    ],
)
def test_bad_input_gives_a_sentence_and_status_2(
    refused: Callable[..., str], arguments: tuple[str, ...], sentence: str
) -> None:
    assert sentence in refused(*arguments)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_command_says_how_to_go_on(number: signal.Signals, status: int) -> None:
    code = (
        "import os, time; import bstviz.cli.app as cli\n"
        f"cli.app = lambda: (os.kill(os.getpid(), {number:d}), time.sleep(60))\n"
        "cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == status
    assert "run the same command again" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(("option", "lines"), [("-v", 1), ("-q", 0)])
def test_a_verbose_command_logs_what_it_did_and_how_long_it_took(
    option: str, lines: int, capsys: pytest.CaptureFixture[str]
) -> None:
    result = invoke(option, "datasets")
    assert result.exit_code == 0
    assert (result.stderr + capsys.readouterr().err).count("action=command name=datasets seconds=") == lines
