"""Classes as people write them, as a taxonomy's codes: names, other case, blanks, ``fx_a``, numbers, folders."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from bstviz.datasets.reading import LABEL_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

    from bstviz.datasets.taxonomy import Taxonomy

FOLDER = "folder"
"""``--class-from folder``: the class is the name of a folder that the file lies in."""
INDEX_COLUMNS = ("class_idx", "class_index")
STRANGE_SHOWN = 5


def plain_key(words: object) -> str:
    """What stands for a class whatever its case, blanks and signs: "FX_a" and "fx-a" are one, and so on."""
    text = str(words)
    text = text[:-2] if re.fullmatch(r"\d+\.0", text) else text  # a class index that a program made a fraction
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", text).casefold()).strip()


def codes_by_key(taxonomy: Taxonomy) -> dict[str, str]:
    """Codes of both levels by :func:`plain_key` of what names each, and only it.

    A class is named by its code, its index, its name, and its top-level class's name or code before one of these
    ("Sound effects / Animals"). What names two classes names none.
    """
    found: dict[str, set[str]] = {}
    for c in (*taxonomy.second, *taxonomy.top):
        own = {c.name, c.code} | ({str(c.index)} if c.index is not None else set())
        if c.parent is not None:
            parent = taxonomy[c.parent]
            own |= {f"{before} {c.name}" for before in (parent.name, parent.code)}
        for name in own:
            found.setdefault(plain_key(name), set()).add(c.code)
    found |= {plain_key(c.code): {c.code} for c in (*taxonomy.top, *taxonomy.second)}  # a code is never outvoted
    return {key: next(iter(codes)) for key, codes in found.items() if key and len(codes) == 1}


def mapped(classes: pd.Series, taxonomy: Taxonomy) -> tuple[pd.Series, list[str]]:
    """Classes as codes where they name one, else as they are.

    Returns:
        The column, and a note of what was mapped.
    """
    known = codes_by_key(taxonomy)
    present = classes.dropna()
    values = present.unique()
    codes = {value: code for value in values if (code := known.get(plain_key(value))) and code != value}
    count = int(present.isin(list(codes)).sum())
    if not count:
        return classes, []
    some = ", ".join(f"{value!r} as {code}" for value, code in list(codes.items())[:STRANGE_SHOWN])
    more = f" and {len(codes) - STRANGE_SHOWN:,} more" if len(codes) > STRANGE_SHOWN else ""
    return classes.replace(codes), [f"Classes of {count:,} sounds were mapped to codes: {some}{more}."]


def class_folder(path: object, known: dict[str, str]) -> str | None:
    """The innermost folder of a path that names a class; the innermost of all where none does, None without one."""
    if not isinstance(path, str):
        return None
    folders = [part for part in PurePosixPath(path.replace("\\", "/")).parts[:-1] if part not in ("/", ".", "..")]
    return next((f for f in reversed(folders) if plain_key(f) in known), folders[-1] if folders else None)


def label_column(columns: Iterable[object]) -> str | None:
    """The column that holds classes, by its name."""
    names = set(map(str, columns))
    return next((name for name in (*LABEL_COLUMNS, *INDEX_COLUMNS) if name in names), None)


def known_in_words(taxonomy: Taxonomy) -> str:
    """The second-level classes, code and name, to choose from."""
    return ", ".join(f"{c.code} {c.name}" for c in taxonomy.second)
