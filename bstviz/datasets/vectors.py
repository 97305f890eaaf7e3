"""Vectors that people bring: a column of a table, a folder of ``.npy`` files, or an ``.npz``; encoder ``given:NAME``.

bstviz cannot make more of them: what is trained on them is shown, compared and reviewed, and predicts for no new sound.
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from tokenize import TokenError
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.lib import format as npy

from bstviz.audio.archive import DAMAGED
from bstviz.audio.decode import SUFFIXES
from bstviz.encoders.base import GIVEN, Embeddings, EncoderInfo
from bstviz.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

ID_ARRAYS = ("sound_id", "sound_ids", "ids", "id", "names", "files", "filenames", "keys")
"""Names of an array of ids beside a matrix, in an ``.npz``."""
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
"""How the header of an ``.npy`` is read, by its version; the third is of names of fields."""
NO_HEADER = (ValueError, TypeError, EOFError, OverflowError, SyntaxError, RecursionError, TokenError)
"""What NumPy raises at damaged headers, which it reads as Python; and MemoryError where they are deeply nested."""
EXAMPLES = 3


def from_columns(rows: pd.DataFrame, name: str, encoder: str | None) -> tuple[Embeddings, list[str], list[str]]:
    """Vectors of a table's columns: one of lists, or several of numbers ("x,y", or "emb_*").

    Returns:
        The vectors (N, d); the columns that they came from; and what was left out, a sentence each.

    Raises:
        UserError: There is no such column, or it holds no vectors.
    """
    found = [[n for n in rows.columns if fnmatchcase(str(n), part.strip())] for part in name.split(",")]
    names = list(dict.fromkeys(n for matching in found for n in matching))
    if not all(found):
        raise UserError(
            f"--vector is {name!r}, which names what is no column of the table; it has "
            f"{', '.join(map(str, rows.columns))}."
        )
    if len(names) == 1:
        cells = [_cell(cell) for cell in rows[names[0]]]
    else:
        try:
            cells = list(rows[names].to_numpy(np.float32, na_value=np.nan))
        except (TypeError, ValueError):
            raise UserError(f"--vector is {name!r}, but not all of these columns hold numbers.") from None
    made, notes = _gathered(cells, lambda row: str(rows.index[row]), encoder or name, f"column {name!r}")
    return made, names, notes


def from_files(folder: Path, sounds: pd.DataFrame, encoder: str | None) -> tuple[Embeddings, list[str]]:
    """Vectors of ``<sound_id>.npy`` (or of a sound's path with that suffix), or of one ``.npy`` of all rows.

    Several vectors in a file, (t, d), are averaged.

    Raises:
        UserError: There is none for any sound.
    """
    if folder.is_file():
        return _matrix(_load(folder), len(sounds), folder, encoder)
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}; --npy takes a folder of .npy files, or one .npy of all sounds.")
    by_path = {f.relative_to(folder).as_posix(): f for f in sorted(folder.rglob("*.npy"))}
    by_name: dict[str, Path | None] = {}
    for file in by_path.values():
        by_name[file.name] = None if file.name in by_name else file
    files = []
    for sound_id, path in zip(sounds["sound_id"], sounds["path"], strict=True):
        wanted = [f"{sound_id}.npy"]
        if isinstance(path, str):
            wanted += [f"{path}.npy", f"{PurePosixPath(path).with_suffix('')}.npy"]
        named = [by_name.get(PurePosixPath(w).name) for w in wanted]
        files.append(next((f for f in [*map(by_path.get, wanted), *named] if f), None))
    if not any(files):
        raise UserError(
            f"None of the {len(by_path):,} .npy files in {folder} is named after a sound; "
            f"{sounds['sound_id'].iat[0]}.npy would be one."
        )
    cells = [None if file is None else _load(file) for file in files]
    return _gathered(cells, lambda row: (files[row] or folder).name, encoder or folder.name, str(folder))


def from_archive(file: Path, sounds: pd.DataFrame, encoder: str | None) -> tuple[Embeddings, list[str]]:
    """Vectors of an ``.npz``: an array for each sound id, or one matrix, with an array of ids or in the table's order.

    Raises:
        UserError: The file is none, or its arrays fit no sound.
    """
    try:
        with np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        raise UserError(f"There is no file {file}.") from None
    except (*DAMAGED, *NO_HEADER, OSError, AttributeError) as error:
        raise UserError(f"{file} is no .npz of plain arrays ({error}); write it by numpy.savez.") from None
    ids = list(sounds["sound_id"])
    if set(ids) & set(arrays):
        return _gathered([arrays.get(i) for i in ids], lambda row: ids[row], encoder or file.stem, str(file))
    matrices = [array for array in arrays.values() if array.ndim == 2]
    stated = next((arrays[name].ravel().astype(str) for name in ID_ARRAYS if name in arrays), None)
    if len(matrices) == 1 and stated is not None and len(stated) == len(matrices[0]):
        stems = [PurePosixPath(i).stem if i.lower().endswith((*SUFFIXES, ".npy")) else i for i in stated]
        often = Counter(stems)
        by_id = {stem: v for stem, v in zip(stems, matrices[0], strict=True) if often[stem] == 1}
        by_id |= dict(zip(stated, matrices[0], strict=True))
        return _gathered([by_id.get(i) for i in ids], lambda row: ids[row], encoder or file.stem, str(file))
    if len(matrices) == 1:
        return _matrix(matrices[0], len(ids), file, encoder)
    shapes = ", ".join(f"{name} {array.shape}" for name, array in list(arrays.items())[:8])
    raise UserError(
        f"{file} holds {shapes or 'nothing'}: neither an array for each sound id ({ids[0]}), nor one matrix with a row "
        f"for each of the {len(ids):,} sounds, nor one with an array of ids ({', '.join(ID_ARRAYS)})."
    )


def _matrix(values: Any, count: int, file: Path, encoder: str | None) -> tuple[Embeddings, list[str]]:
    """Vectors that are in the table's order."""
    shape = getattr(values, "shape", None)
    if shape is None or len(shape) != 2 or shape[0] != count:
        raise UserError(
            f"{file} holds {shape or 'no array'}; a file for all sounds has a row for each of the {count:,}, in order."
        )
    return _gathered(list(values), lambda row: f"row {row + 1}", encoder or file.stem, str(file))


def load_array(file: Path) -> np.ndarray | None:
    """The array of whole or floating point numbers or truth values of an ``.npy`` file; None where it holds none.

    Raises:
        OSError: The file cannot be read.
        MemoryError: There is not enough for what it holds.
    """
    with file.open("rb") as stream:
        stated = _stated(stream)
        if stated is None:
            return None
        shape, by_columns, dtype = stated
        values = np.fromfile(stream, dtype, math.prod(shape))
    try:
        return values.reshape(shape, order="F" if by_columns else "C")
    except (ValueError, OverflowError):  # cut off meanwhile; of no values, and more rows than there can be
        return None


def _stated(stream: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype] | None:
    """Shape, whether columns come first, and type by the header of an ``.npy``, after which the stream stands then.

    None where it is none, states what is no number, or more than the file holds.
    """
    try:
        shape, by_columns, dtype = HEADERS[npy.read_magic(stream)](stream)
    except (*NO_HEADER, MemoryError, KeyError):
        return None
    there = os.fstat(stream.fileno()).st_size - stream.tell()
    if dtype.kind not in "biuf" or min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize > there:
        return None
    return shape, by_columns, dtype


def _load(file: Path) -> Any:
    """:func:`load_array`; UserError where the file cannot be read."""
    try:
        return load_array(file)
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}). Mend that, and import again.") from None


def _cell(cell: Any) -> Any:
    """The vector in a table's cell: a list, or one written as text, as JSON or NumPy print it."""
    if not isinstance(cell, str):
        return cell
    try:
        return json.loads(cell)
    except ValueError:
        parts = cell.strip("[]() \t").replace(",", " ").split()
        try:
            return [float(part) for part in parts]
        except ValueError:
            return None


def _vector(cell: Any) -> np.ndarray | None:
    """One float32 vector of a cell or an array (d,) or (t, d), whose mean it is; None for what is none."""
    if cell is None or np.isscalar(cell):
        return None
    try:
        array = np.asarray(cell, np.float32)
    except (TypeError, ValueError):
        try:
            array = np.stack([np.asarray(part, np.float32) for part in cell])
        except (TypeError, ValueError):
            return None
    if array.ndim not in (1, 2) or array.size == 0:
        return None
    return array if array.ndim == 1 else array.mean(axis=0)


def _gathered(
    cells: Sequence[Any], named: Callable[[int], str], encoder: str, whence: str
) -> tuple[Embeddings, list[str]]:
    """One matrix (N, d) of what most cells agree on in size, NaN rows for the others, and why these have none."""
    with np.errstate(over="ignore", invalid="ignore"):
        vectors = [_vector(cell) for cell in cells]
    sizes = Counter(len(v) for v in vectors if v is not None)
    if not sizes:
        raise UserError(f"There is no vector in {whence}: it holds neither lists nor arrays of numbers.")
    dim = sizes.most_common(1)[0][0]
    out = np.full((len(cells), dim), np.nan, np.float32)
    left: dict[str, list[int]] = {}
    averaged = 0
    for row, (cell, vector) in enumerate(zip(cells, vectors, strict=True)):
        if vector is None:
            left.setdefault("no vector", []).append(row)
        elif len(vector) != dim:
            left.setdefault(f"a vector of another size than {dim}", []).append(row)
        elif not np.isfinite(vector).all():
            left.setdefault("a vector with infinite or missing values", []).append(row)
        else:
            out[row] = vector
            averaged += np.ndim(cell) == 2 and len(cell) > 1
    if np.isnan(out).all():
        raise UserError(f"No vector in {whence} is usable: all have infinite or missing values.")
    notes = [f"Vectors of {dim} values from {whence}: encoder {GIVEN}{encoder}."]
    for why, rows in left.items():
        some = ", ".join(map(named, rows[:EXAMPLES])) + " …" * (len(rows) > EXAMPLES)
        notes.append(f"{len(rows):,} sounds have {why} ({some}) and so no embedding.")
    if averaged:
        notes.append(f"{averaged:,} sounds have several vectors; the mean of each is taken.")
    return Embeddings(out, EncoderInfo(f"{GIVEN}{encoder}", "as given", dim)), notes
