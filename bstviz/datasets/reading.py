"""Tables as spreadsheets and other programs write them: CSV of any separator and encoding, JSON lines, Parquet.

What a file is, is found out and reported, as notes; what would be a guess is refused, with line and column. Words stay
words (``NA``, ``007``); a column becomes numbers, or yes and no, only where every cell of it is one.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bstviz.datasets.json_rows import json_rows
from bstviz.datasets.text import decoded_text
from bstviz.errors import UserError
from bstviz.schema import UNSAFE, one_line
from bstviz.stored import check_table

if TYPE_CHECKING:
    import pandas as pd

ID_COLUMNS = ("sound_id", "id", "freesound_id", "anonymous_id")
PATH_COLUMNS = ("path", "file", "filename", "file_name", "filepath", "file_path", "audio_path", "audio_file")
LABEL_COLUMNS = ("class", "label", "category", "second_level_class", "class_name", "subcategory")
"""Names of columns that may hold a sound's id, its file or its class, in order of preference."""
WORD_COLUMNS = {"title", "tags", "description", "uploader", "license", *ID_COLUMNS, *PATH_COLUMNS, *LABEL_COLUMNS}
KNOWN = {*WORD_COLUMNS, "confidence", "duration", "class_idx", "class_index", "class_top", "test_fold"}
"""Columns that are known by their names, whatever the case and the blanks around."""
SPELLINGS = {"licence": "license", "soundid": "sound_id"}
SEPARATOR_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
MISSING_WORDS = {"na", "n/a", "#n/a", "nan", "null", "none", "-"}
"""What stands in a column of numbers where there is none."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would take for a formula; an apostrophe before it says that it is none."""
NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|[+-]?inf(?:inity)?|nan", re.IGNORECASE)
EXACT, EXACT_DIGITS = 2**53, 17
"""Whole numbers up to here are numbers; longer ones are ids, and stay words."""
LONGEST_CELL = 2**20
"""Characters of a cell; a longer one is mostly a quote that is not closed."""
LONGEST_COLUMN = 900
"""Characters of a column's name; a number may stand behind it."""
TEXT_SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json")


@dataclass(frozen=True, eq=False)
class ReadTable:
    """A table as it was read.

    Attributes:
        rows: Its rows. The index, whose name is ``line`` or ``row``, is where in the file each stands, from 1.
        notes: What was found out on reading it, a sentence each.
        class_names: Names behind the numbers of a column, by column, where the file states them (Hugging Face).
    """

    rows: pd.DataFrame
    notes: tuple[str, ...] = ()
    class_names: dict[str, list[str]] | None = None


def where(rows: pd.DataFrame, position: int) -> str:
    """Where a row stands in the file it was read from: "line 7"."""
    return f"{rows.index.name or 'row'} {rows.index[position]}"


def column_of(rows: pd.DataFrame, name: str) -> str | None:
    """The column that a person names, in the file's words or in those that it was read by; None without one."""
    return next((own for own in (name, _key(name)) if own in rows), None)


def read_table(path: Path, *, words: Sequence[str] = ()) -> ReadTable:
    """A CSV, TSV, JSON lines, JSON or Parquet file as a table.

    Args:
        path: The file.
        words: Columns whose cells stay words, beside those that are known to be: ``1.50`` of ids is no number.

    Raises:
        UserError: The file is missing, of another kind, or cannot be read for certain.
    """
    if not path.is_file():
        raise UserError(f"There is no table at {path}.")
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return _parquet(path)
    if suffix not in TEXT_SUFFIXES:
        raise UserError(
            f"{path} is neither .csv, .tsv, .jsonl, .json nor .parquet. Save a spreadsheet as CSV in its own program."
        )
    text, notes = decoded_text(path)
    if suffix in (".csv", ".tsv"):
        rows = _csv(path, text, WORD_COLUMNS.union(map(_key, words)), notes)
    else:
        rows = json_rows(path, text, notes)
    rows.columns = _named(path, [str(c) for c in rows.columns], notes)
    return ReadTable(rows, tuple(notes))


def _csv(path: Path, text: str, words: AbstractSet[str], notes: list[str]) -> pd.DataFrame:
    """Rows of separated values, the index their lines; nothing is shifted, and blank rows are left out."""
    import pandas as pd

    lines = io.StringIO(text, newline="").readlines()  # a title may hold what splitlines() takes for an end
    skipped = 0
    stated = re.match(r"sep=(.)\r?\n", text)
    if stated:  # as Excel writes it
        skipped, separator = 1, stated[1]
    else:
        separator = _separator(lines, "\t" if path.suffix.lower() == ".tsv" else ",")
    if separator != ("\t" if path.suffix.lower() == ".tsv" else ","):
        notes.append(f"The columns of {path.name} are separated by {SEPARATOR_NAMES.get(separator, repr(separator))}s.")
    header: list[str] = []
    cells: list[list[str]] = []
    numbers: list[int] = []
    blank = 0
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(lines[skipped:], delimiter=separator)
    while True:
        line = skipped + reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            why = f"a cell of over {LONGEST_CELL:,} characters, or a double quote that is never closed"
            raise UserError(f"Cannot read {path}: line {line}: {why if 'limit' in str(error) else error}.") from None
        if row is None:
            break
        _refuse_open_quote(path, lines, line, skipped + reader.line_num, separator)
        row = [cell.strip() for cell in row]
        if not any(row):
            blank += bool(header)
        elif not header:
            header, header_line = row, line
        elif len(row) != len(header):
            raise UserError(
                f"Cannot read {path}: line {line} has {len(row)} cells, where line {header_line} names {len(header)} "
                f"columns ({', '.join(header)}). Put a cell that holds the separator into "
                "double quotes, and give every row as many cells as there are columns."
            )
        else:
            cells.append(row)
            numbers.append(line)
    if not header:
        raise UserError(f"Cannot read {path} as a table: it is empty.")
    if blank:
        notes.append(f"{blank:,} blank row{'s' if blank > 1 else ''} of {path.name} skipped.")
    header, cells = _without_nameless(header, cells, notes)
    index = pd.Index(numbers, name="line", dtype="int64")
    columns = list(zip(*cells, strict=True)) or [()] * len(header)
    quoted = 0
    made = []
    for name, values in zip(header, columns, strict=True):
        escaped = [v.startswith("'") and v[1:].startswith(FORMULA) for v in values]
        quoted += sum(escaped)
        bare = [v[1:] if e else v for v, e in zip(values, escaped, strict=True)]
        made.append(_typed(bare, index, name, kept=words, decimal_comma=separator != ",", notes=notes))
    if quoted:
        notes.append(f"{quoted:,} cells of {path.name} had an apostrophe that keeps spreadsheets from computing them.")
    rows = pd.concat(made, axis=1) if made else pd.DataFrame(index=index)
    rows.columns = pd.Index([n[1:] if n.startswith("'") and n[1:].startswith(FORMULA) else n for n in header])
    return rows


def _separator(lines: Sequence[str], usual: str) -> str:
    """The separator under which the first line names most known columns, then most columns; else the usual one."""
    first = next((line for line in lines if line.strip(" ,;|\t\r\n")), "")

    def named(separator: str) -> tuple[int, int, bool]:
        names = next(csv.reader([first], delimiter=separator), [])
        return sum(_key(name) in KNOWN for name in names), len(names), separator == usual

    return max(SEPARATOR_NAMES, key=named)


def _refuse_open_quote(path: Path, lines: Sequence[str], line: int, last: int, separator: str) -> None:
    """Raise UserError for a quote that is never closed, which would swallow the rest of the file."""
    if last < len(lines) or (last == line and lines[-1].count('"') % 2 == 0):
        return
    try:
        list(csv.reader(lines[line - 1 : last], delimiter=separator, strict=True))
    except csv.Error as error:
        if "end of data" in str(error):
            raise UserError(
                f"Cannot read {path}: line {line} opens a double quote that is never closed. Close it, or double it."
            ) from None


def _without_nameless(header: list[str], cells: list[list[str]], notes: list[str]) -> tuple[list[str], list[list[str]]]:
    """Columns without a name: blank ones and row numbers go, others are named by their place."""
    gone = []
    header = list(header)
    for place, name in enumerate(header):
        if name:
            continue
        values = [row[place] for row in cells]
        counted = any(values == [str(i + start) for i in range(len(values))] for start in (0, 1))
        if counted or not any(values):
            gone.append(place)
            notes.append(f"Column {place + 1} has no name and {'numbers the rows' * counted or 'is blank'}: left out.")
        else:
            header[place] = f"column {place + 1}"
            notes.append(f"Column {place + 1} has no name: it is called {header[place]!r}.")
    kept = [place for place in range(len(header)) if place not in gone]
    return [header[place] for place in kept], [[row[place] for place in kept] for row in cells]


def _typed(
    values: Sequence[str],
    index: pd.Index,
    name: str,
    *,
    kept: AbstractSet[str],
    decimal_comma: bool,
    notes: list[str],
) -> pd.Series[Any]:
    """Cells as numbers, or as yes and no, where all of them are; else as words, as of the columns that are ``kept`` so.
    Blank ones are missing.
    """
    import pandas as pd

    words = pd.Series([v or None for v in values], index=index, dtype="str")
    present = [v for v in values if v]
    if _key(name) in kept or not present:
        return words
    if {v.casefold() for v in present} <= {"true", "false"}:
        return words.str.casefold().map({"true": True, "false": False}).astype("boolean")
    said = [v for v in present if v.casefold() not in MISSING_WORDS]
    if not said:
        return words
    if decimal_comma and any("," in v for v in said) and not any("." in v for v in said):
        said = [v.replace(",", ".") for v in said]
        if all(NUMBER.fullmatch(v) for v in said):
            notes.append(f"Column {name!r} has decimal commas.")
            words = words.str.replace(",", ".", regex=False)
    if not all(NUMBER.fullmatch(v) for v in said):
        return words
    whole = all(v.lstrip("+-").isdigit() for v in said)
    if whole and any(len(v) > EXACT_DIGITS or abs(int(v)) > EXACT for v in said):
        return words
    if len(said) < len(present):
        notes.append(f"Column {name!r} holds numbers; {len(present) - len(said):,} words such as NA in it are missing.")
    numbers = pd.to_numeric(words.where(~words.str.casefold().isin(MISSING_WORDS)), errors="coerce")
    return numbers.astype("int64" if whole and numbers.notna().all() else "float64")


def _parquet(path: Path) -> ReadTable:
    """A Parquet file; a named index, or one of words, is a column of it."""
    import pandas as pd
    from pyarrow import parquet

    check_table(path)
    try:
        rows = pd.read_parquet(path)
        stated = (parquet.read_schema(path).metadata or {}).get(b"huggingface")
    except Exception as error:  # the parser raises many types for broken files
        raise UserError(f"Cannot read {path} as a table: {error}") from None
    notes: list[str] = []
    if any(name is not None for name in rows.index.names):
        named = [name for name in rows.index.names if name is not None]
        rows = rows.reset_index(level=[n for n in named if n not in rows.columns]).reset_index(drop=True)
        notes.append(f"The index of {path.name} was read as {', '.join(map(str, named))}.")
    elif rows.index.dtype.kind not in "iu" and "sound_id" not in rows:
        rows = rows.reset_index(names="sound_id")
        notes.append(f"The index of {path.name} was read as sound_id.")
    rows.columns = _named(path, [str(c) for c in rows.columns], notes)
    rows.index = pd.RangeIndex(1, len(rows) + 1, name="row")
    return ReadTable(rows, tuple(notes), _stated_names(stated))


def _stated_names(stated: bytes | None) -> dict[str, list[str]]:
    """Names of classes by column, from what the ``datasets`` library writes into a Parquet file's metadata."""
    try:
        features = json.loads(stated or b"{}")["info"]["features"]
        return {str(name): list(f["names"]) for name, f in features.items() if isinstance(f, dict) and "names" in f}
    except (KeyError, TypeError, ValueError):
        return {}


def _key(name: str) -> str:
    """A column's name without case, with ``_`` for blanks and hyphens."""
    key = re.sub(r"[\s\-]+", "_", name.strip().casefold())
    return SPELLINGS.get(key, key)


def _line(name: str) -> str:
    """A column's name as a line that a table of ours takes."""
    if re.search(UNSAFE, name):
        name = one_line(name)
    return name.strip()[:LONGEST_COLUMN].strip()


def _named(path: Path, names: Sequence[str], notes: list[str]) -> list[str]:
    """Columns by the names that are known, others as they are; each name stands once."""
    bare = [_line(name) for name in names]
    if any(own != name.strip() for own, name in zip(bare, names, strict=True)):
        notes.append(f"Columns of {path.name} have names of several lines, or long ones: each is called by one line.")
    found = [key if (key := _key(name)) in KNOWN and key not in bare else name for name in bare]
    for key in KNOWN:
        same = [repr(name) for name, own in zip(bare, found, strict=True) if own == key]
        if len(same) > 1:
            raise UserError(f"{path} has the columns {' and '.join(same)}, all of which may be {key}. Rename one.")
    read = [f"{name!r} as {own}" for name, own in zip(bare, found, strict=True) if name != own]
    if read:
        notes.append(f"Columns of {path.name} were read by their usual names: {', '.join(read)}.")
    once = list(distinct(found))
    again = [f"{b!r}" for a, b in zip(found, once, strict=True) if a != b]
    if again:
        notes.append(f"{path.name} names columns twice; the further ones are called {', '.join(again)}.")
    return once


def distinct(names: Iterable[str]) -> Iterable[str]:
    """Names in order, each once: a name that stood before gets a number behind, as in "take (2)"."""
    taken: set[str] = set()
    for name in names:
        own, count = name, 1
        while own in taken:
            count += 1
            own = f"{name} ({count})"
        taken.add(own)
        yield own
