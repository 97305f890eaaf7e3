"""Any table of sounds (CSV, TSV, Parquet), with or without a folder of audio files.

Used where present: sound_id, class, confidence, title, tags, description, uploader, license, path or file. Other
columns are kept to group and colour by.

Example: bstviz import table sounds/metadata.csv --audio sounds --out collections/mine
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bstviz.datasets.base import Source, known_classes, read_table
from bstviz.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from bstviz.datasets.collection import Collection
    from bstviz.datasets.taxonomy import Taxonomy

SOURCE = Source("table", "A table of sounds", "", "as stated in the table's license column", "yours to state")
PATH_COLUMNS = ("path", "file", "filename")


def load(
    table: str | Path,
    *,
    audio_folder: str | Path | None = None,
    name: str | None = None,
    taxonomy: Taxonomy | None = None,
    source: str | None = None,
) -> Collection:
    """Collection from a table.

    Args:
        table: File with at least ``sound_id``, or ``path``/``file``/``filename`` from which ids are made. The columns
            class, confidence, title, tags, description, uploader and license are used where present; all others are
            kept, to group and colour by.
        audio_folder: Folder of the audio files. They are found by the path column, or as ``<sound_id>.<suffix>``.
        name: Name of the collection; the file's stem when left out.
        taxonomy: The classes; BST when left out.
        source: Id of the data set that the table holds, ``bsd10k`` for one; published figures stand beside runs on it.

    Raises:
        UserError: There is no such data set, or it has other classes; the table or the folder cannot be used. The text
            says what to change.
    """
    from bstviz.datasets import bsd10k, bsd35k
    from bstviz.datasets.collection import Collection, sounds_table
    from bstviz.datasets.taxonomy import bst

    known = (bsd10k.SOURCE.id, bsd35k.SOURCE.id)
    if source is not None and source not in known:
        raise UserError(f"source is {source!r}; allowed are {', '.join(known)}.")
    if source is not None and taxonomy is not None:
        raise UserError(f"{source} has the classes of BST; leave out the taxonomy, or the source.")
    table, taxonomy = Path(table), taxonomy or bst()
    rows = read_table(table)
    if rows.empty:
        raise UserError(f"{table} holds no rows.")
    column = next((c for c in PATH_COLUMNS if c in rows), None)
    if column and column != "path":
        rows["path"] = rows[column]
    if "sound_id" not in rows and column:
        rows["sound_id"] = rows[column].map(lambda p: Path(str(p)).stem)
    sounds = sounds_table(rows)
    sounds, notes = known_classes(sounds, taxonomy)
    root = None
    if audio_folder is not None:
        root = Path(audio_folder).resolve()
        if not root.is_dir():
            raise UserError(f"There is no folder {audio_folder}; --audio takes the folder of the audio files.")
        sounds, missing = _find_audio(sounds, root)
        if len(missing) == len(sounds):
            raise UserError(
                f"None of the {len(sounds):,} sounds in {table} has a file in {root}, {missing[0]} for one. "
                "Give the folder that the paths are relative to."
            )
        if missing:
            notes.append(f"{len(missing):,} sounds have no audio file in the folder, {missing[0]} for one.")
    elif sounds["path"].notna().any():
        notes.append("The table names audio files, but no audio folder was given: sounds cannot be played.")
    return Collection(
        name=name or (table.stem if table.stem != "metadata" else table.resolve().parent.name),
        sounds=sounds,
        taxonomy=taxonomy,
        audio_root=str(root) if root else None,
        notes=tuple(notes),
        source=source,
    )


def _find_audio(sounds: pd.DataFrame, root: Path) -> tuple[pd.DataFrame, list[str]]:
    """Fill ``path`` and ``duration`` from the files under ``root``; returns the table and the paths not found."""
    import pandas as pd

    from bstviz.audio import decode

    by_stem = {f.stem: f.name for f in root.iterdir() if f.suffix.lower() in decode.SUFFIXES}
    paths: list[str | None] = []
    missing: list[str] = []
    for sound_id, given in zip(sounds["sound_id"], sounds["path"], strict=True):
        path = given if isinstance(given, str) else by_stem.get(str(sound_id))
        if path is not None and (root / path).resolve().is_relative_to(root) and (root / path).is_file():
            paths.append(path)
        else:
            paths.append(None)
            missing.append(path or f"{sound_id}.wav")
    sounds = sounds.assign(path=pd.Series(paths, index=sounds.index, dtype="str"))
    lengths = [decode.duration(root / p) if p else None for p in paths]
    sounds["duration"] = pd.Series(lengths, index=sounds.index, dtype="float32").fillna(sounds["duration"])
    return sounds, missing
