"""The worked examples of ``docs/adding``, followed to the letter in a copy of the repository."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import ROOT, Block, blocks
from tests.fakes import write_tones

EXAMPLES = sorted((ROOT / "docs" / "adding").glob("*.md"))
LINKED, LEFT = ("assets",), (".git", ".venv*", "__pycache__", ".*_cache", "build", "dist", "shared", "assets")
AS_BEFORE = ("tests/test_house.py", "tests/test_names.py")
"""What holds for every module holds for the new ones."""
QUICK = {"embed": ("--text-encoder", "none"), "train": ("--folds", "2", "--epochs", "2", "--no-umap")}
"""Options that a command is given beside those of the document, so that it is done in seconds."""


def change(text: str, diff: str) -> str:
    """A file in which the lines of a diff stand; those that were there before have to be there, once and together."""
    lines = diff.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] in " -") or "".join(line[1:] for line in lines)
    after = "".join(line[1:] for line in lines if line[0] in " +")
    assert text.count(before) == 1, f"these lines are not there, or not once:\n{before}"
    return text.replace(before, after)


def follow(example: Path, copy: Path) -> list[Block]:
    """Write and change the files that a page says, and give its blocks of commands."""
    for block in blocks(example):
        file = copy / block.about
        if block.language == "python":
            assert not file.exists(), f"{block}: {block.about} is there already"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        elif block.language == "diff":
            file.write_text(change(file.read_text(encoding="utf-8"), block.text), encoding="utf-8")
        else:
            assert block.language == "bash", f"{block}: nobody knows what to do with {block.language!r}"
    return [block for block in blocks(example) if block.language == "bash"]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The repository anew; what is large and only read is linked."""
    target = tmp_path / "repository"
    shutil.copytree(ROOT, target, ignore=shutil.ignore_patterns(*LEFT))
    for name in LINKED:
        (target / name).symlink_to(ROOT / name)
    return target


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where somebody works: a collection of a few tones, and a download of ESC-50 as its page describes it."""
    folder = tmp_path / "place"
    write_tones(folder / "sounds", per_class=4).to_csv(folder / "sounds" / "metadata.csv", index=False)
    meta = folder / "ESC-50-master" / "meta"
    meta.mkdir(parents=True)
    table = "filename,fold,target,category,esc10,src_file,take\n1-1-A-0.wav,1,0,dog,True,1,A\n"
    (meta / "esc50.csv").write_text(table, encoding="utf-8")
    write_tones(meta.parent / "audio", codes=["fx-a"], per_class=1)
    (meta.parent / "audio" / "fx-a_0.wav").rename(meta.parent / "audio" / "1-1-A-0.wav")
    return folder


def run(copy: Path, cwd: Path, *command: str) -> str:
    """One command with the copy's code; what it printed."""
    environment = os.environ | {"PYTHONPATH": str(copy), "BSTVIZ_CACHE": str(cwd / "cache"), "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done.stdout + done.stderr


def test_a_change_is_made_where_its_lines_stand_and_nowhere_else() -> None:
    assert change("a\nb\nc\n", " b\n+x\n") == "a\nb\nx\nc\n"
    assert change("a\nb\nc\n", "-b\n+x\n") == "a\nx\nc\n"
    with pytest.raises(AssertionError, match="not there, or not once"):
        change("b\nb\n", " b\n+x\n")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda page: page.stem)
def test_readers_see_which_file_a_piece_of_code_is(example: Path) -> None:
    """What stands behind the language of a fence is for tests: neither the site nor GitHub shows it."""
    text = example.read_text(encoding="utf-8")
    for language, file in re.findall(r"^```(python|diff) (\S+)$", text, re.MULTILINE):
        name = re.escape(file)
        assert re.search(rf"^`{name}`(, \w+)?:\n\n```{language} {name}$", text, re.MULTILINE), file


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda page: page.stem)
def test_the_code_of_an_example_is_as_all_code_is(example: Path, copy: Path) -> None:
    """Formatted, without a complaint of the linter, and in the files that exist or are new."""
    follow(example, copy)
    files = [block.about for block in blocks(example) if block.language != "bash"]
    run(copy, copy, "ruff", "check", "-q", *files)
    run(copy, copy, "ruff", "format", "-q", "--check", *files)


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda page: page.stem)
def test_an_example_does_what_it_says(example: Path, copy: Path, place: Path) -> None:
    commands = follow(example, copy)
    run(copy, copy, "pytest", "-q", "-p", "no:cacheprovider", *AS_BEFORE)
    for line in "".join(block.text for block in commands).splitlines():
        program, *arguments = shlex.split(line, comments=True)
        if program == "pytest":
            assert "passed" in run(copy, copy, "pytest", "-q", "-p", "no:cacheprovider", *arguments)
        else:
            run(copy, place, program, *arguments, *QUICK.get(arguments[0], ()))


@pytest.mark.slow
def test_the_types_of_the_examples_hold(copy: Path) -> None:
    for example in EXAMPLES:
        follow(example, copy)
    run(copy, copy, "mypy")


@pytest.mark.e2e
@pytest.mark.long
def test_the_new_page_works_in_a_browser(copy: Path) -> None:
    follow(ROOT / "docs" / "adding" / "page.md", copy)
    assert "1 passed" in run(copy, copy, "pytest", "-q", "-p", "no:cacheprovider", "tests/e2e/test_surprises.py")
