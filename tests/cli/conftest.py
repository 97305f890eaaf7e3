"""What the command line's tests share: commands in this process, and a folder of what commands made."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bstviz.cli.app import app, main
from bstviz.encoders import registry
from tests.fakes import FakeAudioEncoder, FakeTextEncoder, write_tones

FAKES = ("--audio-encoder", "fake-audio", "--text-encoder", "fake-text")
QUICK = ("--folds", "2", "--epochs", "3", "--no-umap", "--jobs", "1")
Fakes = tuple[FakeAudioEncoder, FakeTextEncoder]


def invoke(*arguments: object) -> Result:
    """One command in this process; exceptions pass, but for exits."""
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What commands made one after the other: tones, a collection and two experiments; nobody changes them."""
    folder = tmp_path_factory.mktemp("cli")
    write_tones(folder / "audio", per_class=6).to_csv(folder / "tones.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.ENCODERS, ("audio", "fake-audio"), lambda device: FakeAudioEncoder())
        patch.setitem(registry.ENCODERS, ("text", "fake-text"), lambda device: FakeTextEncoder())
        steps = [
            ("import", "table", folder / "tones.csv", "--audio", folder / "audio", "--out", folder / "tones"),
            ("embed", folder / "tones", *FAKES, "--text-fields", "title,tags"),
            ("train", folder / "tones", "--loss", "flat", *QUICK, "--out", folder / "flat"),
            ("train", folder / "tones", "--modality", "both", *QUICK, "--out", folder / "both"),
        ]
        for step in steps:
            result = invoke(*step)
            assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def refused(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What a person reads when a command, with ``{}`` for :func:`place`, cannot be done: status 2, and no traceback."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["bstviz", *(a.replace("{}", str(place)) for a in arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert ended.value.code == 2
        assert "Traceback" not in printed.out + printed.err
        return " ".join(printed.err.split())

    return run
