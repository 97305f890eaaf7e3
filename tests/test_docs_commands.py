"""Commands and code of the documents: every one is read as the command line reads it, and all that can be done here are
done, in the order of their page, on tones in place of recordings and with two epochs in place of many; those of the
README at every test, the others among the long ones.

What a block says behind its language is why it is not done: it needs the ``network``, real ``data``, a ``server`` of
one's own or ``clap``; blocks of ``adding`` are done in ``test_docs_adding.py``, those of ``http`` in ``test_docs.py``.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import typer
from click import Command, Group

from bstviz.cli.app import app
from bstviz.datasets.collection import load_collection
from bstviz.models.experiment_folder import find_runs
from bstviz.models.run_info import load_info
from bstviz.review.acts import decide
from bstviz.review.record_files import record_file
from tests.cli.conftest import invoke
from tests.documents import PAGES, README, ROOT, Block, blocks
from tests.fakes import RATE, tone, write_tones

NOT_DONE = {"adding", "clap", "data", "http", "network", "server"}
SERVING = {"app", "explore", "serve"}
"""Commands that go on until somebody stops them; they are read and not run."""
ROOT_COMMAND = typer.main.get_command(app)
QUICK = {
    "train": ("--folds", "2", "--epochs", "2", "--no-umap"),
    "sweep": ("--epochs", "2", "--no-umap", "--jobs", "1"),
}
"""Options that a command is given beside those of the document, so that it is done in seconds."""
BASH = [block for page in PAGES for block in blocks(page) if block.language == "bash"]
BEGINNING = ROOT / "docs" / "data.md"
"""The page that begins as the README does, with nothing but sounds."""
DONE = [
    page
    for page in PAGES
    if any(b.language in ("bash", "python") and not b.about for b in blocks(page)) and page not in (README, BEGINNING)
]


def lines(block: Block) -> Iterator[list[str]]:
    """The words of each command of a block, without what is said of it."""
    for line in block.text.splitlines():
        for command in line.split(" && "):
            if words := shlex.split(command, comments=True):
                yield words


def read(arguments: list[str]) -> None:
    """Read a command as the command line does, and do nothing; click.UsageError where it is none."""
    command: Command = ROOT_COMMAND
    while isinstance(command, Group):
        name, *arguments = arguments
        assert name in command.commands, f"there is no command {name!r}"
        command = command.commands[name]
    command.make_context(command.name, arguments)


@pytest.mark.parametrize("block", BASH, ids=str)
def test_every_command_is_one(block: Block) -> None:
    assert block.about in NOT_DONE | {""}, f"{block}: {block.about!r} is none of {', '.join(sorted(NOT_DONE))}"
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    for words in lines(block):
        if words[0] == "bstviz" or "-m bstviz" in " ".join(words):
            read(words[words.index("bstviz") + 1 :])
        elif words[0] == "make":
            assert words[1] in targets
        elif words[0] == "python":
            assert words[1] == "-c" or (ROOT / words[1]).is_file()
        else:
            assert block.about, f"{block}: {words[0]} is not known here"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_command_in_a_sentence_exists(page: Path) -> None:
    for command in re.findall(r"`bstviz ([a-z][\w -]*)", page.read_text(encoding="utf-8")):
        name, *further = command.split()
        known = ROOT_COMMAND.commands[name]  # type: ignore[attr-defined]
        assert not isinstance(known, Group) or further[0] in known.commands


def test_python_is_python() -> None:
    for block in (block for page in PAGES for block in blocks(page) if block.language == "python"):
        compile(block.text, str(block), "exec")


def recordings(folder: Path) -> None:
    """What somebody has who begins: sounds and their table, and two files."""
    table = write_tones(folder / "sounds", per_class=10)
    rows = np.arange(len(table))
    table = table.assign(tags="some,tags", description="a tone", confidence=3 + rows % 3, test_fold=rows % 2)
    table.to_csv(folder / "sounds" / "metadata.csv", index=False)
    soundfile.write(folder / "door.wav", tone(440, seconds=1), RATE)
    soundfile.write(folder / "rain.ogg", tone(880, seconds=1), RATE)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the further documents speak of, small: collections, runs and experiments by their names."""
    folder = tmp_path_factory.mktemp("place")
    recordings(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for command in (
            "import table sounds/metadata.csv --audio sounds --out collections/mine",
            "embed collections/mine --text-fields title,tags",
            "train collections/mine --loss hierarchical --modality audio --out runs/hierarchical",
            "train collections/mine --loss flat --modality audio --out runs/flat",
            "import table sounds/metadata.csv --audio sounds --source bsd10k --out collections/bsd10k",
            "embed collections/bsd10k --text-fields title,tags",
            "train collections/bsd10k --modality audio --out runs/bsd10k",
            "sweep collections/bsd10k --preset table1 --out experiments/table1",
        ):
            do(command.split())
        experiment = Path("experiments/table1")
        about = load_collection("collections/bsd10k")
        record = record_file(load_info(find_runs(experiment)[0]).collection, [experiment])
        sound, old = about.sounds["sound_id"].iat[0], about.sounds["class"].iat[0]
        decide(record, about.hash, sound_id=sound, old=old, new="ss-s", why="by ear", by="somebody")
    return folder


def do(words: list[str]) -> None:
    """Run a command here, quickly."""
    result = invoke(*words, *QUICK.get(words[0], ()))
    assert result.exit_code == 0, f"{' '.join(words)}\n{result.output}"


def follow(page: Path) -> None:
    """Do what a page says, here."""
    for block in blocks(page):
        if block.language == "toml" and block.about:
            Path(block.about).write_text(block.text, encoding="utf-8")
        elif block.language == "python" and not block.about:
            exec(compile(block.text, str(block), "exec"), {})
        elif block.language == "bash" and not block.about:
            for program, *words in lines(block):
                if program == "bstviz" and words[0] not in SERVING:
                    do(words)


@pytest.mark.slow
def test_what_the_first_page_says_can_be_done_with_nothing_but_sounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recordings(tmp_path)
    monkeypatch.chdir(tmp_path)
    follow(README)


@pytest.mark.long
def test_what_the_page_of_own_sounds_says_can_be_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recordings(tmp_path)
    monkeypatch.chdir(tmp_path)
    follow(BEGINNING)


@pytest.mark.long
@pytest.mark.parametrize("page", DONE, ids=lambda page: page.name)
def test_what_a_page_says_can_be_done(page: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "place"
    shutil.copytree(base, here)
    monkeypatch.chdir(here)
    follow(page)
