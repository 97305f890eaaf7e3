"""BSD10k and BSD35k in their official layout: metadata, CLAP embeddings (one file per sound), and audio.

Layout: ``metadata/*.csv``, ``features/clap_audio_embeddings/<id>.npy``, ``features/clap_text_embeddings/<id>.npy``,
``audio/<id>.wav``, each at any depth below the folder that is given, and ``BST_description.csv``, whose official texts
take the place of our definitions. Every part but the metadata may be absent. Columns
differ between versions and are taken by any of their names. Ids are Freesound's: without the audio, sounds are played
from there.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd

from bstviz.audio import decode
from bstviz.datasets.base import Source, known_classes, read_table
from bstviz.datasets.collection import FREESOUND_ROOT, Collection, sounds_table
from bstviz.datasets.taxonomy import Taxonomy, bst
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
    "sound_id": ("sound_id", "id", "freesound_id"),
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


def load(folder: str | Path, source: Source, *, name: str | None = None) -> Collection:
    """Collection from an unpacked BSD folder; raises UserError where the layout does not hold."""
    folder = Path(folder)
    taxonomy = _described(folder)
    rows = _metadata(folder)
    sounds = sounds_table(rows)
    sounds["class"], notes = known_classes(sounds["class"], taxonomy)
    sounds_folder = _part(folder, "audio") or folder / "audio"
    sounds = _add_paths(sounds, sounds_folder)
    matrices: dict[str, np.ndarray | None] = {}
    for kind in ("audio", "text"):
        matrices[kind], missing = _embeddings(_part(folder, f"clap_{kind}_embeddings"), sounds["sound_id"])
        if missing:
            notes.append(f"{missing:,} sounds have no CLAP {kind} embedding.")
    has_audio = bool(sounds["path"].notna().any())
    return Collection(
        name=name or source.title,
        sounds=sounds,
        taxonomy=taxonomy,
        audio_root=str(sounds_folder.resolve()) if has_audio else FREESOUND_ROOT,
        audio=matrices["audio"],
        text=matrices["text"],
        audio_encoder=OFFICIAL_AUDIO if matrices["audio"] is not None else None,
        text_encoder=OFFICIAL_TEXT if matrices["text"] is not None else None,
        license=source.license,
        source=source.id,
        notes=tuple(notes),
    )


def _described(folder: Path) -> Taxonomy:
    """The Broad Sound Taxonomy, with the official texts of its classes where the folder has them."""
    places = (folder, _part(folder, "metadata"))
    file = next((f for place in places if place for name in DESCRIPTIONS if (f := place / name).is_file()), None)
    if file is None:
        return bst()
    table = read_table(file)
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


def _part(folder: Path, name: str) -> Path | None:
    """The folder of that name (or of a name that ends so) nearest below ``folder``."""
    found = (Path(place) / inner for place, inside, _ in os.walk(folder) for inner in inside if inner.endswith(name))
    return min(found, key=lambda path: (len(path.parts), path), default=None)


def _metadata(folder: Path) -> pd.DataFrame:
    files = sorted((_part(folder, "metadata") or folder).glob("*.csv"))
    tables = [(file, read_table(file)) for file in files]
    for file, table in tables:
        columns = {want: next((n for n in names if n in table), None) for want, names in COLUMN_NAMES.items()}
        if columns["sound_id"] and (columns["class"] or columns["class_index"]):
            out = table.rename(columns={have: want for want, have in columns.items() if have})
            return _with_class(out.assign(sound_id=out["sound_id"].astype(str)), file)
    seen = "; ".join(f"{file.name}: {', '.join(map(str, table.columns))}" for file, table in tables) or "no CSV at all"
    raise UserError(
        f"{folder / 'metadata'} holds no table with a sound id and a class ({seen}). Give the unpacked dataset folder."
    )


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


def _add_paths(sounds: pd.DataFrame, folder: Path) -> pd.DataFrame:
    files = {f.stem: f.name for f in folder.iterdir() if f.suffix.lower() in decode.SUFFIXES} if folder.is_dir() else {}
    paths = sounds["sound_id"].map(files).astype("str").where(sounds["sound_id"].isin(list(files)))
    lengths = [decode.duration(folder / p) if isinstance(p, str) else None for p in paths]
    return sounds.assign(path=paths, duration=pd.Series(lengths, index=sounds.index, dtype="float32"))


def _embeddings(folder: Path | None, ids: pd.Series) -> tuple[np.ndarray | None, int]:
    """(N, 512) float32 with NaN rows for missing files, and how many those are; None where the folder is absent."""
    if folder is None:
        return None, 0
    out = np.full((len(ids), CLAP_DIM), np.nan, np.float32)
    for row, sound_id in enumerate(ids):
        file = folder / f"{sound_id}.npy"
        if not file.is_file():
            continue
        try:
            vector = np.load(file, allow_pickle=False).astype(np.float32).ravel()
        except (ValueError, EOFError) as error:
            raise UserError(f"{file} is not a NumPy array ({error}); unpack the features again.") from None
        if vector.shape != (CLAP_DIM,):
            raise UserError(f"{file} holds {vector.size} values; CLAP embeddings have {CLAP_DIM}.")
        out[row] = vector
    missing = int(np.isnan(out[:, 0]).sum())
    return (out, missing) if missing < len(ids) else (None, 0)
