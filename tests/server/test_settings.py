"""Where a setting comes from, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bstviz import paths
from bstviz.errors import UserError
from bstviz.server.settings import NAMES, Settings, export, load_settings, variable


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(variable(name), "")


def write(folder: Path, text: str, name: str = "bstviz.toml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_the_variables_that_pages_read_are_those_of_the_settings() -> None:
    names = {paths.EXPERIMENTS_VARIABLE, paths.COLLECTION_VARIABLE, paths.REVIEWS_VARIABLE}
    names |= {paths.DECODE_SECONDS_VARIABLE, paths.DECODE_MEGABYTES_VARIABLE, paths.LOGIN_VARIABLE}
    assert names <= {variable(name) for name in NAMES}


def test_nothing_said_leaves_the_defaults(tmp_path: Path) -> None:
    assert load_settings(tmp_path) == Settings()


def test_the_command_line_comes_before_the_environment_and_that_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 'port = 1\naddress = "0.0.0.0"\nupload_megabytes = 10\n')
    monkeypatch.setenv("BSTVIZ_PORT", "2")
    monkeypatch.setenv("BSTVIZ_UPLOAD_MEGABYTES", "20")
    found = load_settings(tmp_path, port=3, address=None, experiments=())
    assert (found.port, found.upload_megabytes, found.address) == (3, 20, "0.0.0.0")


def test_paths_of_a_file_start_at_its_folder_and_lists_have_the_systems_separator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 'experiments = ["runs/flat", "/elsewhere"]\nreviews = "decisions"\n')
    found = load_settings(tmp_path)
    assert found.experiments == (str(tmp_path / "runs/flat"), "/elsewhere")
    export(found)
    assert os.environ["BSTVIZ_EXPERIMENTS"] == os.pathsep.join(found.experiments)
    assert os.environ["BSTVIZ_REVIEWS"] == str(tmp_path / "decisions")
    assert load_settings(tmp_path / "nowhere") == found
    monkeypatch.setenv("BSTVIZ_LOGIN", os.pathsep.join(["*@a.example", "b@c.example"]))
    assert load_settings(tmp_path).login == ("*@a.example", "b@c.example")
    monkeypatch.setenv("BSTVIZ_COLLECTIONS", os.pathsep.join(["a", "b"]))
    assert load_settings(tmp_path).collections == (str(Path("a").resolve()), str(Path("b").resolve()))


def test_a_table_of_pyproject_toml_counts_where_there_is_no_file_of_ours(tmp_path: Path) -> None:
    write(tmp_path, "[tool.bstviz]\nport = 7\n[tool.ruff]\nport = 9\n", "pyproject.toml")
    assert load_settings(tmp_path).port == 7
    assert load_settings(write(tmp_path, "port = 8\n")).port == 8


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("prot = 1", r"bstviz\.toml has the unknown setting 'prot'; allowed are address, cache_megabytes"),
        ('port = "8501"', r"bstviz\.toml: port is '8501'; allowed is a whole number from 0 to 65,535"),
        ("port = true", r"port is True"),
        ("port = 65536", r"port is 65536"),
        ("upload_megabytes = 0", r"upload_megabytes is 0; allowed is a whole number from 1"),
        ("forget_seconds = 91", r"forget_seconds is 91; allowed is a whole number from 1 to 90"),
        ('experiments = "runs"', r"experiments is 'runs'; allowed is a list"),
        ('address = "a b"', r"address is 'a b'; allowed is a host name or an IP address"),
        ('reviews = "a\\u0000b"', r"reviews is 'a\\x00b'"),
        ('login = ["somebody"]', r"login\[0\] is 'somebody'; allowed is an e-mail address, \*@ and a domain"),
        ("port = ", r"bstviz\.toml is not valid TOML"),
    ],
)
def test_what_is_not_allowed_in_a_file_is_refused_by_its_name(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        load_settings(write(tmp_path, text))


@pytest.mark.parametrize("table", ["bstviz = 3", "bstviz = [1]"])
def test_a_table_that_is_none_is_refused(tmp_path: Path, table: str) -> None:
    with pytest.raises(UserError, match=r"tool\.bstviz is .*allowed is a table"):
        load_settings(write(tmp_path, f"[tool]\n{table}\n", "pyproject.toml"))


@pytest.mark.parametrize(("name", "text"), [("port", "http"), ("port", "70000"), ("upload_megabytes", "-1")])
def test_what_is_not_allowed_in_the_environment_is_refused_by_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv(variable(name), text)
    with pytest.raises(UserError, match=rf"{variable(name)}: {name} is .*allowed is a whole number"):
        load_settings(tmp_path)


def test_what_is_not_allowed_on_the_command_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="port is 70000; allowed is a whole number from 0 to 65,535"):
        load_settings(tmp_path, port=70_000)


def test_a_file_in_which_tool_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="tool is 3; allowed is a table"):
        load_settings(write(tmp_path, "tool = 3\n", "pyproject.toml"))


def test_the_token_is_written_into_no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = load_settings(write(tmp_path, f'token = "{"t" * 40}"\n'))
    export(found)
    assert (found.token, os.environ["BSTVIZ_TOKEN"]) == ("t" * 40, "")
    monkeypatch.setenv("BSTVIZ_TOKEN", "1234")
    assert load_settings(tmp_path).token == "1234"
