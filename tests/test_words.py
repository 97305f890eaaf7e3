"""One vocabulary, the field's: words of the older language are found in no page, help text, README, format or comment.

What reads or describes older versions has to know their words: ``bstviz/migrations.py``, the section of
``docs/formats.md`` on older versions, and the changelog. A few phrases use one of the words in its ordinary meaning
(:data:`ORDINARY`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from bstviz.datasets.collection import Collection
from bstviz.models.run import Run

ROOT = Path(__file__).parents[1]
NOT_A_LETTER_BEFORE, NOT_A_LETTER_AFTER = "(?<![A-Za-z])", "(?![A-Za-z])"
INSTEAD = {  # regular expression of a word, its inflections with it: what is said now
    r"also[ _]trained[ _]on": "extra training data",
    r"applied runs?": "inference-only run",
    r"[\"'`]below[\"'`]": "below_threshold",
    r"(brought|brings?|placed|placing) (onto|on it|on them|among them)": "out-of-sample projection",
    r"certainty|certainties": "confidence (of the predicted class)",
    r"convictions?|most convinced|model confidence": "confidence (of the predicted class)",
    r"deeds?": "key bindings",
    r"desks?": "review session",
    r"doubt(s|ed|ful)?": "label quality score; labels of low quality",
    r"evidences?": "label quality score",
    r"exchanged?": "neighbour overlap",
    r"hear(s|d)?": "decode, embed, play; audio",
    r"inflat(ion|es?|ed)": "leakage",
    r"memory\.safetensors": "retrieval.safetensors",
    r"never parts?|(not|never) parted": "kept in the same fold",
    r"odd (sound|file|sample|block|group)s?": "anomalous",
    r"(one|a) (row|line|dot) a (sound|file|class|setting)": "one row per sound",
    r"(one|a) run a fold": "one run per fold",
    r"opinions?": "predictions",
    r"(puts?|putting) (it |them |that )?right": "repair",
    r"panels? of (models|judges)": "models and nearest neighbours",
    r"released": "bundled models",
    r"remember(s|ed)?": "kNN datastore; retrieval",
    r"(audio|text)-only (run|model)s?|(runs?|models?|encoders?) that (listens?|reads?)": "audio model, text model",
    r"stamp(s|ed)?": "fingerprint, header hash, event id",
    r"taken for": "confused with",
    r"train --preset": "train --recipe",
    r"turned (in|on)to": "aligned to",
    r"twins?": "near-duplicate in training",
    r"weigh(s|ed|ing)?": "combine; models and nearest neighbours",
    r"witness(es)?": "models and nearest neighbours",
}
WORDS = {
    re.compile(f"{NOT_A_LETTER_BEFORE}({word}){NOT_A_LETTER_AFTER}", re.IGNORECASE): INSTEAD[word] for word in INSTEAD
}
ORDINARY = re.compile(
    "|".join(
        (
            "Negative Evidences",  # in the title of a paper
            "desk (drawer|fan)|mixing desk|working, then released",  # in titles of the demo, whose texts are embedded
            'train --preset", "train --recipe',  # where the command line says what the old option is called now
        )
    )
)
"""Phrases in which a word means what it means elsewhere; looked for nowhere else in their lines."""
EXEMPT = {ROOT / "bstviz" / "migrations.py"}
SUFFIXES = {".py", ".js", ".html", ".css", ".toml", ".md", ".cff"}
OLDER_VERSIONS = "## Older versions"  # heading of the section of docs/formats.md that has to name old words


def old_words(lines: Iterator[tuple[str, str]]) -> list[str]:
    """A line of complaint for each old word in lines given as (where, text)."""
    return [
        f"{where}: {found.group()!r}; say: {instead}"
        for where, line in lines
        for word, instead in WORDS.items()
        for found in word.finditer(ORDINARY.sub("", line))
    ]


def lines_of(*places: Path) -> Iterator[tuple[str, str]]:
    """Lines of files, and of all files of code and text below folders, each with ``file:line``."""
    for place in places:
        for file in [place] if place.is_file() else sorted(place.rglob("*")):
            if file.suffix in SUFFIXES and file not in EXEMPT:
                text = file.read_text(encoding="utf-8").partition(OLDER_VERSIONS)[0]
                for number, line in enumerate(text.splitlines(), 1):
                    yield f"{file.relative_to(ROOT)}:{number}", line


def keys_of(value: Any) -> Iterator[str]:
    """Names of all fields of a JSON value, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner)


def names_in(folder: Path) -> Iterator[tuple[str, str]]:
    """Names of files, JSON fields, table columns and values of the split column below a folder."""
    for file in sorted(folder.rglob("*")):
        yield file.name, file.name
        if file.suffix == ".json":
            yield from ((file.name, key) for key in keys_of(json.loads(file.read_text(encoding="utf-8"))))
        if file.suffix == ".parquet":
            schema = pq.read_schema(file)
            yield from ((file.name, name) for name in schema.names)
            yield from ((file.name, key.decode()) for key in schema.metadata or {})
            if "split" in schema.names:
                yield from ((file.name, name) for name in pd.read_parquet(file, columns=["split"])["split"].unique())


def helps() -> Iterator[tuple[str, str]]:
    """Lines of the help of every command."""
    from typer.main import get_command
    from typer.testing import CliRunner

    from bstviz.cli.app import app

    def paths(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        yield path
        for name, inner in getattr(command, "commands", {}).items():
            yield from paths(inner, (*path, name))

    for path in paths(get_command(app), ()):
        shown = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
        assert shown.exit_code == 0
        yield from ((" ".join(("bstviz", *path, "--help")), line) for line in shown.stdout.splitlines())


def check(lines: Iterator[tuple[str, str]]) -> None:
    found = old_words(lines)
    assert not found, f"{len(found)} old words:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Heard, hears and hear", 3),
        ("a hearing aid, the heart, a weighted mean, uncertainty, weight decay, timestamps", 0),
        ("heard_hits and _Heard", 2),
        ("what is taken for what; one row a sound", 2),
    ],
)
def test_words_are_found_whole_and_inflected(text: str, count: int) -> None:
    assert len(old_words(iter([("here", text)]))) == count


def test_pages_speak_the_fields_language() -> None:
    check(lines_of(ROOT / "app.py", ROOT / "pages", ROOT / "bstviz" / "ui"))


def test_the_package_speaks_the_fields_language() -> None:
    check(lines_of(ROOT / "bstviz"))


def test_the_texts_speak_the_fields_language() -> None:
    texts = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CITATION.cff", ROOT / "docs", ROOT / "benchmarks")
    check(lines_of(*texts))


def test_the_help_speaks_the_fields_language() -> None:
    check(helps())


def test_formats_speak_the_fields_language(collection: Collection, runs: dict[str, Run]) -> None:
    assert collection.folder is not None
    for folder in (collection.folder, *(run.folder for run in runs.values())):
        assert folder is not None
        check(names_in(folder))
