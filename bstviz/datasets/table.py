"""Any table of sounds (CSV, TSV, JSON lines, Parquet) or folder of them, with or without audio files and vectors.

Used where present: sound_id, class, confidence, title, tags, description, uploader, license, path or file. Other
columns are kept to group and colour by. A folder is one of Hugging Face's kind: a metadata.csv, .jsonl or .parquet
with file_name, or a folder of sounds for each class; the exit status is 1 where one of these sounds is left out.

Example: bstviz import table sounds/metadata.csv --audio sounds --out collections/mine
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bstviz.datasets.base import Source, known_classes
from bstviz.errors import UserError
from bstviz.paths import on_disk, readable

if TYPE_CHECKING:
    import pandas as pd

    from bstviz.datasets.collection import Collection
    from bstviz.datasets.taxonomy import Taxonomy
    from bstviz.encoders.base import Embeddings

SOURCE = Source("table", "A table of sounds", "", "as stated in the table's license column", "yours to state")
CONTENT = "[0-9a-f]{32}"
"""What :attr:`bstviz.audio.sound.Sound.content` looks like."""
ROW_COLUMNS = ("__row_index__",)
"""Columns that number the rows, as embedding-atlas writes them."""


def load(
    table: str | Path,
    *,
    audio_folder: str | Path | None = None,
    follow_links: bool = False,
    name: str | None = None,
    taxonomy: Taxonomy | None = None,
    source: str | None = None,
    class_from: str | None = None,
    vector: str | None = None,
    npy: str | Path | None = None,
    npz: str | Path | None = None,
    encoder: str | None = None,
    vector_kind: str | None = None,
) -> Collection:
    """Collection from a table.

    Args:
        table: File with at least ``sound_id``, or ``path``/``file``/``file_name`` from which ids are made; or a folder
            with a ``metadata`` table, or with a folder of sounds for each class. The columns class, confidence, title,
            tags, description, uploader and license are used where present; all others are kept, to group and colour by.
        audio_folder: Folder of the audio files; the table's own where they are beside it. They are found by the path
            column, or as ``<sound_id>.<suffix>``. Sounds inside a Parquet table are written there.
        follow_links: Follow links that leave that folder, too.
        name: Name of the collection; the file's stem when left out.
        taxonomy: The classes; BST when left out.
        source: Id of the data set that the table holds, ``bsd10k`` for one; published figures stand beside runs on it.
        class_from: Column that holds the classes, or ``folder``: the folder that a sound's file lies in.
        vector: Column that holds an embedding as a list, or columns of numbers: ``x,y`` or ``emb_*``.
        npy: Folder of ``<sound_id>.npy`` embeddings, or one ``.npy`` with a row for each sound.
        npz: File of embeddings by sound id, or of one matrix.
        encoder: What people call whatever made these embeddings.
        vector_kind: What they were made of: ``audio`` (when left out) or ``text``.

    Raises:
        UserError: There is no such data set, or it has other classes; the table, the folder or the vectors cannot be
            used. The text says where, and what to change.
    """
    import pandas as pd

    from bstviz.datasets import audiofolder, vectors
    from bstviz.datasets.audio_files import path_column, sound_column, write_sounds
    from bstviz.datasets.collection import Collection, sounds_table
    from bstviz.datasets.plain import plain_columns
    from bstviz.datasets.taxonomy import bst

    _check_options(source, taxonomy, (vector, npy, npz), encoder, vector_kind)
    table, taxonomy = Path(table), taxonomy or bst()
    left_out: dict[str, str] = {}
    if table.is_dir():
        read, class_from, left_out = audiofolder.rows_of(table, class_from, taxonomy, follow_links=follow_links)
        beside = table
    else:
        from bstviz.datasets.reading import read_table

        read, beside = read_table(table), table.parent
    rows, notes = read.rows, list(read.notes)
    if rows.empty:
        raise UserError(f"{table} holds no rows.")
    given: Embeddings | None = None
    if vector is not None:
        given, taken, said = vectors.from_columns(rows, vector, encoder)
        rows, notes = rows.drop(columns=taken), [*notes, *said]
    held = sound_column(rows)
    if held is not None:
        into = Path(audio_folder) if audio_folder else table.with_name(f"{table.stem}_audio")
        files, written = write_sounds(rows[held].tolist(), into)
        rows = rows.drop(columns=held)
        if written:
            audio_folder = into
            notes.append(f"{written:,} sounds of column {held!r} were written to {into}.")
        if written or path_column(rows) is None:
            if "sound_id" not in rows:
                files = [file or f"{row:06d}" for row, file in enumerate(files)]
            rows = rows.assign(path=pd.Series(files, index=rows.index, dtype="str"))
    rows, said = plain_columns(rows)
    notes += said
    rows = _with_ids(table, _of_our_names(rows, notes), notes)
    rows = _with_classes(table, rows, class_from, taxonomy, read.class_names or {}, notes)
    sounds = sounds_table(rows)
    sounds, said = known_classes(sounds, taxonomy)
    notes += said
    notes += _about_labels(sounds, rows, class_from, taxonomy)
    sounds, root = _with_audio(table, sounds, audio_folder, beside, notes, follow_links=follow_links)
    if npy is not None:
        given, said = vectors.from_files(Path(npy), sounds, encoder)
        notes += said
    elif npz is not None:
        given, said = vectors.from_archive(Path(npz), sounds, encoder)
        notes += said
    named = table.resolve().parent if table.is_file() and table.stem == "metadata" else table
    embeddings: dict[str, Any] = {}
    if given is not None:
        kind = vector_kind or "audio"
        embeddings = {kind: given.values, f"{kind}_encoder": given.encoder}
    return Collection(
        name=name or readable(named.name if named.is_dir() else named.stem),
        sounds=sounds,
        taxonomy=taxonomy,
        audio_root=str(root) if root else None,
        notes=tuple(map(readable, notes)),
        source=source,
        left_out=left_out,
        follow_links=follow_links,
        **embeddings,
    )


def _check_options(
    source: str | None,
    taxonomy: Taxonomy | None,
    given: Sequence[object | None],
    encoder: str | None,
    vector_kind: str | None,
) -> None:
    from bstviz.datasets import bsd10k, bsd35k

    known = (bsd10k.SOURCE.id, bsd35k.SOURCE.id)
    if source is not None and source not in known:
        raise UserError(f"source is {source!r}; allowed are {', '.join(known)}.")
    if source is not None and taxonomy is not None:
        raise UserError(f"{source} has the classes of BST; leave out the taxonomy, or the source.")
    count = sum(way is not None for way in given)
    if count > 1:
        raise UserError("Vectors come from one place: give --vector, --npy or --npz.")
    if not count and (encoder is not None or vector_kind is not None):
        raise UserError("--encoder and --vector-kind are of vectors that you bring: give --vector, --npy or --npz too.")
    if vector_kind not in (None, "audio", "text"):
        raise UserError(f"--vector-kind is {vector_kind!r}; allowed are audio and text.")


def _of_our_names(rows: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Rows in which what is called as columns of ours is of their kind, and ids that a program made fractions are
    whole.
    """
    import pandas as pd

    from bstviz.datasets.collection_header import STATED_CODES, STATED_NUMBERS
    from bstviz.datasets.reading import distinct

    strange = "content" in rows and not rows["content"].dropna().astype(str).str.fullmatch(CONTENT).all()
    if strange:
        names = distinct("content (table)" if name == "content" else str(name) for name in rows)
        rows = rows.set_axis(list(names), axis=1)
        notes.append("Column 'content' is called 'content (table)': content is what bstviz knows a sound again by.")
    for further in STATED_CODES:
        if further in rows and rows[further].notna().any() and not pd.api.types.is_string_dtype(rows[further].dropna()):
            names = distinct(f"{further} (table)" if name == further else str(name) for name in rows)
            rows = rows.set_axis(list(names), axis=1)
            notes.append(f"Column {further!r} is called '{further} (table)': bstviz keeps codes of classes there.")
    if "duration" in rows:
        seconds = pd.to_numeric(rows["duration"], errors="coerce")
        wrong = rows["duration"].notna() & ~seconds.between(*STATED_NUMBERS["duration"])
        if wrong.any():
            found = rows["duration"][wrong].iloc[0]
            notes.append(f"{int(wrong.sum()):,} cells of column 'duration' are no seconds, {str(found)!r} for one.")
    if "sound_id" in rows:
        ids = rows["sound_id"].astype("str")
        if ids.str.fullmatch(r"\d+\.0").all():
            rows = rows.assign(sound_id=ids.str.removesuffix(".0"))
            notes.append(f"Ids that a program made fractions are whole: {ids.iloc[0]} as {ids.iloc[0][:-2]}.")
    return rows


def _with_ids(table: Path, rows: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Rows with ``path``, where a column names files, and ``sound_id``, each once."""
    from bstviz.datasets.audio_files import ids_of, path_column
    from bstviz.datasets.reading import ID_COLUMNS, where

    column = path_column(rows)
    if column and column != "path":
        rows = rows.assign(path=rows[column])
    if "sound_id" not in rows and column:
        paths = rows["path"].astype("str").where(rows["path"].notna()).str.replace("\\", "/", regex=False)
        rows = rows.assign(sound_id=ids_of(paths, notes))
    elif "sound_id" not in rows:
        usable = (c for c in (*ID_COLUMNS, *ROW_COLUMNS) if c in rows and rows[c].notna().all() and rows[c].is_unique)
        own = next(usable, None)
        if own is None:
            raise UserError(
                f"{table} has no column sound_id, and none that names files ({', '.join(map(str, rows.columns))}). "
                "Call the column of ids sound_id, or that of files path."
            )
        rows = rows.assign(sound_id=rows[own])
        notes.append(f"Ids are those of column {own}.")
    missing = rows["sound_id"].isna() | (rows["sound_id"].astype("str").str.strip() == "")
    if missing.any():
        at = where(rows, int(missing.to_numpy().argmax()))
        raise UserError(
            f"{table}: {int(missing.sum()):,} rows have no sound_id, {at} for one; give each one of its own."
        )
    again = rows["sound_id"].duplicated()
    if again.any():
        second = int(again.to_numpy().argmax())
        same = rows["sound_id"].iloc[second]
        first = int((rows["sound_id"] == same).to_numpy().argmax())
        raise UserError(
            f"{table}: {where(rows, first)} and {where(rows, second)} have the same sound_id {same!r}; ids are unique."
        )
    return rows


def _with_classes(
    table: Path,
    rows: pd.DataFrame,
    class_from: str | None,
    taxonomy: Taxonomy,
    class_names: dict[str, list[str]],
    notes: list[str],
) -> pd.DataFrame:
    """Rows with ``class``, as codes where they can be brought to one."""
    import pandas as pd

    from bstviz.datasets.labels import FOLDER, class_folder, codes_by_key, known_in_words, label_column, mapped
    from bstviz.datasets.reading import column_of

    if class_from == FOLDER and FOLDER not in rows:
        if "path" not in rows:
            raise UserError(f"--class-from folder takes the folders of the sounds' paths, and {table} has no paths.")
        known = codes_by_key(taxonomy)
        classes = pd.Series([class_folder(path, known) for path in rows["path"]], index=rows.index, dtype="str")
        notes.append("Classes are the names of the folders that the files lie in.")
    else:
        labelled = label_column(c for c in rows if rows[c].notna().any())
        if class_from is None and labelled is None:
            return rows
        column = column_of(rows, class_from) if class_from is not None else labelled
        if column is None:
            raise UserError(
                f"--class-from is {class_from!r}; allowed are {FOLDER} and the columns, {', '.join(map(str, rows))}."
            )
        values = rows[column]
        if column in class_names:
            names = dict(enumerate(class_names[column]))
            values = pd.to_numeric(values, errors="coerce").map(names).fillna(values)
        classes = values.astype("str").where(values.notna())
        if column != "class":
            notes.append(f"Classes are those of column {column!r}.")
    classes, said = mapped(classes, taxonomy)
    notes += said
    if class_from is not None and not classes.isin(taxonomy.codes).any():
        some = ", ".join(repr(v) for v in classes.dropna().unique()[:5]) or "nothing"
        raise UserError(
            f"--class-from {class_from}: no sound has a class of {taxonomy.id}; found {some}. "
            f"Known are {known_in_words(taxonomy)}."
        )
    return rows.assign(**{"class": classes})


def _about_labels(sounds: pd.DataFrame, rows: pd.DataFrame, class_from: str | None, taxonomy: Taxonomy) -> list[str]:
    """What to say where classes are none of the taxonomy's, and above all where no sound has one."""
    from bstviz.datasets.labels import known_in_words

    known = f"The classes of {taxonomy.id} are {known_in_words(taxonomy)}."
    labelled, stated = int(sounds["class"].notna().sum()), "class" in rows and rows["class"].notna().any()
    if labelled == 0:
        why = "no value of its column is one" if stated else "the table has no column of classes"
        return [f"NO SOUND HAS A CLASS: {why}. Name the column by --class-from COLUMN, or folder. {known}"]
    strange = rows["class"].dropna()
    return [known] if not strange.isin([*taxonomy.codes, *taxonomy.top_codes]).all() else []


def _with_audio(
    table: Path,
    sounds: pd.DataFrame,
    audio_folder: str | Path | None,
    beside: Path,
    notes: list[str],
    *,
    follow_links: bool,
) -> tuple[pd.DataFrame, Path | None]:
    """Fill ``path`` and ``duration`` from the files; returns the table and the folder, None where there is none."""
    import pandas as pd

    from bstviz.audio import decode
    from bstviz.datasets import audio_files

    given = [path if isinstance(path, str) else None for path in sounds["path"]]
    if audio_folder is None and not any(given):
        return sounds, None
    root = Path(audio_folder if audio_folder is not None else beside).resolve()
    if not root.is_dir():
        raise UserError(f"There is no folder {audio_folder}; --audio takes the folder of the audio files.")
    ids = [str(i) for i in sounds["sound_id"]]
    spellings = (own for path in given if path for own in (path, path.replace("\\", "/")))
    if (  # what lies around a table may be a whole disk: it is searched only where a path is right
        audio_folder is not None
        or table.is_dir()
        or any(audio_files.is_inside(root, path, follow_links=follow_links) for path in spellings)
    ):
        found = audio_files.find(root, ids, given, follow_links=follow_links)
    else:
        found = audio_files.FoundFiles((None,) * len(ids), 0, "")
    if audio_folder is None and not any(found.paths):
        notes.append("The table names audio files, but no audio folder was given: sounds cannot be played.")
        return sounds, None
    missing = [own or f"{i}.wav" for own, i, path in zip(given, ids, found.paths, strict=True) if path is None]
    if len(missing) == len(sounds):
        raise UserError(
            f"None of the {len(sounds):,} sounds in {table} has a file in {root}, {missing[0]} for one. "
            "Give the folder that the paths are relative to."
        )
    if audio_folder is None:
        notes.append(f"The sounds were found beside the table, in {root}.")
    if found.respelled:
        notes.append(f"{found.respelled:,} files were found under another spelling of their path, {found.example}.")
    if missing:
        notes.append(f"{len(missing):,} sounds have no audio file in the folder, {missing[0]} for one.")
    sounds = sounds.assign(path=pd.Series(found.paths, index=sounds.index, dtype="str"))
    lengths = [decode.duration(on_disk(root / p)) if p else None for p in found.paths]
    sounds["duration"] = pd.Series(lengths, index=sounds.index, dtype="float32").fillna(sounds["duration"])
    return sounds, root
