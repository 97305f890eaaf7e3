"""Folders of sounds as Hugging Face's ``audiofolder`` lays them out: with a ``metadata`` table, with one in a folder of
each split, or with a folder of sounds for each class.

Reference: https://huggingface.co/docs/datasets/audio_dataset
"""

from __future__ import annotations

import dataclasses
from pathlib import Path, PurePosixPath

import pandas as pd

from bstviz.datasets.audio_files import ids_of, path_column
from bstviz.datasets.folder import left_out_in_words, sounds_in
from bstviz.datasets.labels import FOLDER, codes_by_key, plain_key
from bstviz.datasets.reading import ReadTable, read_table
from bstviz.datasets.taxonomy import Taxonomy
from bstviz.errors import UserError
from bstviz.paths import readable

METADATA = ("metadata.csv", "metadata.tsv", "metadata.jsonl", "metadata.parquet")


def rows_of(
    folder: Path, class_from: str | None, taxonomy: Taxonomy, *, follow_links: bool
) -> tuple[ReadTable, str | None, dict[str, str]]:
    """The rows of a folder: of its metadata tables, or of the sounds in it.

    Args:
        folder: The folder.
        class_from: Where classes are from, as a person says.
        taxonomy: The classes.
        follow_links: Follow links that leave the folder, too.

    Returns:
        The rows; where classes are from, which is ``folder`` where nothing was said and folders have names of classes;
        and, of a folder without a table, why what could be sounds is not among the rows, by path.

    Raises:
        UserError: The folder holds neither a table nor a sound, or a table cannot be read.
    """
    found = [file for name in METADATA for file in (folder / name, *sorted(folder.glob(f"*/{name}"))) if file.is_file()]
    if found:
        read_tables = []
        for file in found:
            read = read_table(file)
            inside = PurePosixPath(readable(file.parent.relative_to(folder).as_posix()))
            column = path_column(read.rows)
            if inside.parts:  # a split, as Hugging Face lays them out
                rows = read.rows.assign(split=inside.name) if "split" not in read.rows else read.rows
                if column:
                    rows = rows.assign(**{column: [f"{inside}/{p}" if isinstance(p, str) else p for p in rows[column]]})
                read = dataclasses.replace(read, rows=rows)
            read_tables.append(read)
        if len(read_tables) == 1:
            return read_tables[0], class_from, {}
        rows = pd.concat([t.rows for t in read_tables], ignore_index=True)
        rows.index = pd.RangeIndex(1, len(rows) + 1, name="row")
        names = {k: v for t in read_tables for k, v in (t.class_names or {}).items()}
        return ReadTable(rows, tuple(note for t in read_tables for note in t.notes), names), class_from, {}
    listing = sounds_in(folder, follow_links=follow_links)
    notes = left_out_in_words(listing.left_out)
    if not listing.files:
        tables = f"{', '.join(METADATA[:-1])} or {METADATA[-1]}"
        raise UserError(" ".join([f"{folder} holds neither {tables} nor an audio file.", *notes]))
    known = codes_by_key(taxonomy)
    named = any(plain_key(part) in known for path in listing.files for part in PurePosixPath(path).parts[:-1])
    rows = pd.DataFrame({"path": listing.files}, index=pd.RangeIndex(1, len(listing.files) + 1, name="row"))
    rows = rows.assign(sound_id=ids_of(rows["path"], notes))
    return ReadTable(rows, tuple(notes)), class_from or (FOLDER if named else None), listing.left_out
