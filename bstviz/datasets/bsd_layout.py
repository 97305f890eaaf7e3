"""BSD10k, BSD35k and BSD2k in their official layout: metadata, CLAP embeddings (one file per sound), and audio.

Layout: ``metadata/*.csv``, ``features/clap_audio_embeddings/<id>.npy``, ``features/clap_text_embeddings/<id>.npy``,
``audio/<id>.wav``, each at any depth below the folders that are given, and ``BST_description.csv``, whose official
texts take the place of our definitions. Every part but the metadata may be absent. Columns differ between versions and
are taken by any of their names. Ids are Freesound's, where they are not anonymous: without the audio, sounds are played
from there.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd

from bstviz.audio import decode
from bstviz.datasets import unpacking
from bstviz.datasets.base import Source, known_classes
from bstviz.datasets.collection import FREESOUND_ROOT, Collection, sounds_table
from bstviz.datasets.reading import ID_COLUMNS, read_table
from bstviz.datasets.taxonomy import Taxonomy, bst
from bstviz.datasets.vectors import load_array
from bstviz.encoders.base import TEXT_FIELDS, EncoderInfo, Preprocessing
from bstviz.errors import UserError

CLAP_REVISION = "630k-audioset-fusion-best"
CLAP_DIM = 512
OFFICIAL_AUDIO = EncoderInfo(
    "clap",
    CLAP_REVISION,
    CLAP_DIM,
    preprocessing=Preprocessing(max_seconds=30.0, antialias=True),
    crops="one random set",
)
"""How the official audio embeddings were made: of sounds cut at 30 s, by LAION's own package. That it antialiased
follows from the date alone (it does since January 2024, see :mod:`bstviz.encoders.clap`).
"""
OFFICIAL_TEXT = EncoderInfo("clap", CLAP_REVISION, CLAP_DIM, TEXT_FIELDS)
"""How the official text embeddings were made; how the three fields were joined is not published."""
COLUMN_NAMES = {
    "sound_id": ID_COLUMNS,
    "class": ("class", "second_level_class", "label"),
    "class_index": ("class_idx", "class_index"),
    "confidence": ("confidence", "confidence_score"),
    "title": ("title", "name"),
    "tags": ("tags",),
    "description": ("description",),
    "uploader": ("uploader", "username", "user"),
    "license": ("license", "licence"),
}
"""Names under which versions 1.0 to 1.2 and BSD35k hold each column, in order of preference."""
DESCRIPTIONS = ("BST_description.csv", "BTS_description.csv")
DESCRIPTION_COLUMNS = {
    "code": ("class_key", "class", "code"),
    "definition": ("description", "definition"),
    "examples": ("examples",),
}


def load(place: str | Path, source: Source, *, name: str | None = None, labelled: bool = True) -> Collection:
    """Collection from a BSD data set as it was downloaded; raises UserError where the layout does not hold.

    Args:
        place: Folder of the data set, unpacked or with its archives, or one archive.
        source: Which of them it is.
        name: Of the collection; the data set's title when left out.
        labelled: Whether its sounds have classes. Those of an evaluation set have none, and ids that are not
            Freesound's.
    """
    roots = unpacking.folders_of(place)
    taxonomy = _described(roots)
    rows, notes = _metadata(roots, labelled=labelled)
    sounds, said = known_classes(sounds_table(rows), taxonomy)
    notes += said
    files = _files(roots, "audio", decode.SUFFIXES)
    sounds, audio_root = _add_paths(sounds, files)
    matrices: dict[str, np.ndarray | None] = {}
    for kind in ("audio", "text"):
        files = _files(roots, f"clap_{kind}_embeddings", (".npy",))
        matrices[kind], said = _embeddings(files, sounds["sound_id"], kind)
        notes += said
    return Collection(
        name=name or source.title,
        sounds=sounds,
        taxonomy=taxonomy,
        audio_root=audio_root or (FREESOUND_ROOT if labelled else None),
        audio=matrices["audio"],
        text=matrices["text"],
        audio_encoder=OFFICIAL_AUDIO if matrices["audio"] is not None else None,
        text_encoder=OFFICIAL_TEXT if matrices["text"] is not None else None,
        license=source.license,
        source=source.id,
        notes=tuple(notes),
    )


def _described(roots: list[Path]) -> Taxonomy:
    """The Broad Sound Taxonomy, with the official texts of its classes where the data set has them."""
    file = next((table for table in _tables(roots) if table.name in DESCRIPTIONS), None)
    if file is None:
        return bst()
    table = read_table(file).rows
    columns = {want: next((n for n in names if n in table), None) for want, names in DESCRIPTION_COLUMNS.items()}
    if not columns["code"] or not columns["definition"]:
        raise UserError(
            f"{file} has the columns {', '.join(map(str, table.columns))}; class_key and description are needed. "
            "Unpack it again, or take it away to use the definitions that bstviz has."
        )
    cells = [
        table[columns[want]].fillna("").astype(str).str.strip() if columns[want] else [""] * len(table)
        for want in ("code", "definition", "examples")
    ]
    return bst().described({code: (text, examples) for code, text, examples in zip(*cells, strict=True)}, file.name)


def _walked(roots: list[Path]) -> list[Path]:
    """Every folder at and below the roots, the nearest of each root first."""
    below = ([Path(place) for place, _, _ in os.walk(root)] for root in roots)
    return [folder for found in below for folder in sorted(found, key=lambda path: (len(path.parts), path))]


def _tables(roots: list[Path]) -> list[Path]:
    """The CSV files at and below the roots, nearest first; those that an operating system hides are none."""
    return [f for folder in _walked(roots) for f in sorted(folder.glob("*.csv")) if not f.name.startswith(".")]


def _files(roots: list[Path], ending: str, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Files by stem of the folders whose names end so, the nearest first; all of one root, the first that has any."""
    for root in roots:
        folders = [folder for folder in _walked([root]) if folder.name.endswith(ending) and folder != root]
        found = [f for folder in folders for f in folder.iterdir() if f.suffix.lower() in suffixes]
        if found:
            return {file.stem: file for file in reversed(found)}
    return {}


def _file_of(sound_id: str, files: dict[str, Path]) -> Path | None:
    """The file of an id, which may bear a suffix."""
    return files.get(sound_id) or files.get(Path(sound_id).stem)


def _metadata(roots: list[Path], *, labelled: bool) -> tuple[pd.DataFrame, list[str]]:
    """The table of sounds, under our names of columns, and what was found out on reading it."""
    tables: list[tuple[Path, pd.DataFrame]] = []
    unread: list[str] = []
    for file in _tables(roots):
        try:
            read = read_table(file)
        except UserError as error:
            unread.append(str(error))
            continue
        tables.append((file, read.rows))
        columns = {want: next((n for n in names if n in read.rows), None) for want, names in COLUMN_NAMES.items()}
        if columns["sound_id"] and (columns["class"] or columns["class_index"] or not labelled):
            out = read.rows.rename(columns={have: want for want, have in columns.items() if have})
            out = out.assign(sound_id=out["sound_id"].astype(str))
            return _with_class(out, file) if labelled else out, [*unread, *read.notes]
    if unread:
        raise UserError(unread[0])
    seen = "; ".join(f"{file.name}: {', '.join(map(str, table.columns))}" for file, table in tables) or "no CSV at all"
    what = "a sound id and a class" if labelled else "a sound id"
    raise UserError(f"{roots[0]} holds no table with {what} ({seen}). Give the data set as it was downloaded.")


def _with_class(table: pd.DataFrame, file: Path) -> pd.DataFrame:
    """Class codes, from the numeric class index where the version has no codes."""
    if "class" in table:
        return table
    by_index = {c.index: c.code for c in bst().second}
    codes = pd.to_numeric(table["class_index"], errors="coerce").map(by_index)
    if codes.isna().all():
        raise UserError(f"{file}: no value of class_index is known; BST indices run from 101 to 504.")
    codes = codes.astype("object").fillna(table["class_index"])  # so that unknown indices are counted and reported
    return table.assign(**{"class": codes})


def _add_paths(sounds: pd.DataFrame, files: dict[str, Path]) -> tuple[pd.DataFrame, str | None]:
    """Fill ``path`` and ``duration`` from files by id; returns the table and the folder that paths count from."""
    own = [_file_of(sound_id, files) for sound_id in sounds["sound_id"]]
    here = {file.parent for file in own if file}
    root = Path(os.path.commonpath(here)).resolve() if here else None
    paths = [file.resolve().relative_to(root).as_posix() if file and root else None for file in own]
    lengths = [decode.duration(file) if file else None for file in own]
    columns = {"path": pd.Series(paths, sounds.index, "str"), "duration": pd.Series(lengths, sounds.index, "float32")}
    return sounds.assign(**columns), str(root) if root else None


def _embeddings(files: dict[str, Path], ids: pd.Series, kind: str) -> tuple[np.ndarray | None, list[str]]:
    """(N, 512) float32 with NaN rows for sounds without one, None where there are no files, and what is missing, a
    sentence each; raises UserError where no file holds one.
    """
    if not files:
        return None, []
    out = np.full((len(ids), CLAP_DIM), np.nan, np.float32)
    wrong: dict[str, list[str]] = {}
    for row, sound_id in enumerate(ids):
        file = _file_of(sound_id, files)
        if file is None:
            continue
        try:
            found = load_array(file)
        except OSError as error:
            raise UserError(f"{file} cannot be read ({error.strerror}). Mend that, and import again.") from None
        vector = None if found is None else found.astype(np.float32).ravel()
        if vector is None:
            wrong.setdefault("is not a NumPy array of numbers", []).append(file.name)
        elif vector.shape != (CLAP_DIM,):
            wrong.setdefault(f"does not hold {CLAP_DIM} values, as CLAP embeddings have", []).append(file.name)
        elif not np.isfinite(vector).all():
            wrong.setdefault("has infinite or missing values", []).append(file.name)
        else:
            out[row] = vector
    missing = int(np.isnan(out[:, 0]).sum())
    notes = [f"{missing:,} sounds have no CLAP {kind} embedding."] if missing else []
    notes += [f"The file of {len(names):,} of them {why}, {names[0]} for one." for why, names in wrong.items()]
    if missing == len(ids):
        if wrong:
            raise UserError(f"No CLAP {kind} embedding is usable. {' '.join(notes[1:])} Unpack the features again.")
        return None, []
    return out, notes
