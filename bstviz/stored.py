"""Reading files that others may have made: JSON, Parquet and safetensors, bounded before anything large is read.

What a file claims of itself is not believed: a header of a few bytes may speak of terabytes, and a few kilobytes may
unpack to as much. Whatever is wrong with one is a UserError that names the file.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bstviz.errors import UserError
from bstviz.schema import UNSAFE, shown

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from pyarrow import parquet

HEADER_BYTES = 64 * 2**20
"""Of a JSON file at most."""
TABLE_ROWS, TABLE_COLUMNS = 100_000_000, 20_000
"""Of a table at most."""
UNPACKED, RATIO = 2**30, 64
"""Bytes that a table may unpack to: the first, and the second for each byte of its file."""
LISTS_WITHIN = 4
"""Lists within lists at most."""
COLUMN_NAME = 1_000
"""Characters of a column's name at most."""


def read_text(file: Path, *, remedy: str = "", limit: int = HEADER_BYTES) -> str:
    """A text file in UTF-8.

    Raises:
        UserError: It is missing, larger than the limit in bytes, cannot be read, or is not UTF-8.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(limit + 1)
    except (OSError, ValueError) as error:  # ValueError: NUL in a path
        raise UserError(f"{file} cannot be read ({error}). {remedy}".strip()) from None
    if len(data) > limit:
        raise UserError(f"{file} is larger than {limit:,} bytes. {remedy}".strip())
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is not UTF-8 ({error.reason} at byte {error.start:,}). {remedy}".strip()) from None


def parse_json(text: str | bytes, what: str, *, remedy: str = "") -> dict[str, Any]:
    """A JSON object, in which no name stands twice.

    Raises:
        UserError: It is none, or is nested too deeply; ``what`` names it.
    """
    try:
        found = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise UserError(f"{what} is not valid JSON ({reason}). {remedy}".strip()) from None
    if not isinstance(found, dict):
        raise UserError(f"{what} is {shown(found)}; allowed is an object of named values. {remedy}".strip())
    return found


def read_json(file: Path, *, remedy: str = "") -> dict[str, Any]:
    """The JSON object of a file; raises UserError as :func:`read_text` and :func:`parse_json`."""
    return parse_json(read_text(file, remedy=remedy), str(file), remedy=remedy)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise ValueError(f"{shown(next(name for name, times in counts.items() if times > 1))} stands twice")
    return found


@contextmanager
def _worded(file: Path, remedy: str) -> Iterator[None]:
    """Context in which what a parser says of a broken file is a UserError."""
    import pyarrow as pa
    from safetensors import SafetensorError

    try:
        yield
    except FileNotFoundError:
        raise UserError(f"There is no file {file}. {remedy}".strip()) from None
    except (pa.ArrowException, SafetensorError, OSError, ValueError, TypeError, KeyError, MemoryError) as error:
        reason = str(error).split("\n")[0][:200] or type(error).__name__
        raise UserError(f"{file} is damaged ({reason}). {remedy}".strip()) from None


def read_table(file: Path, *, remedy: str = "") -> pd.DataFrame:
    """A Parquet table of words, numbers, truth values and times, and of lists and structures of these.

    Raises:
        UserError: It is missing or damaged, has columns of another kind or two of one name, or would unpack to more
            than :data:`UNPACKED` and :data:`RATIO` allow.
    """
    from pyarrow import parquet

    with _worded(file, remedy):
        allowance = UNPACKED + RATIO * file.stat().st_size
        with _footer_of(file) as there:
            _check_columns(file, there.schema_arrow, remedy)
            footer, size = there.metadata, _unpacked(there)
            leaves = [there.schema.column(i) for i in range(len(there.schema))]
        _check_size(file, size, allowance, remedy)
        words = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
        with parquet.ParquetFile(
            file, metadata=footer, read_dictionary=words
        ) as there:  # each word once, however often it stands
            table = there.read()
        _check_size(file, size + sum(_bytes_of(chunk) for c in table.columns for chunk in c.chunks), allowance, remedy)
        return _frame(table)


def check_table(file: Path) -> None:
    """Raises UserError where a Parquet table, of whatever columns, claims to unpack to more than :data:`UNPACKED` and
    :data:`RATIO` allow.
    """
    with _worded(file, ""):
        with _footer_of(file) as there:
            size = _unpacked(there)
        _check_size(file, size, UNPACKED + RATIO * file.stat().st_size, "")


def _footer_of(file: Path) -> parquet.ParquetFile:
    from pyarrow import parquet

    return parquet.ParquetFile(file, thrift_string_size_limit=HEADER_BYTES, thrift_container_size_limit=TABLE_ROWS)


def _unpacked(table: parquet.ParquetFile) -> int:
    """Bytes that a table unpacks to, by its footer."""
    widths = [WIDTHS.get(table.schema.column(i).physical_type, 16) for i in range(len(table.schema))]
    footer = table.metadata
    groups = [footer.row_group(i) for i in range(footer.num_row_groups)]
    size = sum(
        max(group.column(i).num_values, group.num_rows) * width for group in groups for i, width in enumerate(widths)
    )
    return int(max(size, sum(group.total_byte_size for group in groups), footer.num_rows))


WIDTHS = {"BOOLEAN": 1, "INT32": 4, "INT64": 8, "INT96": 12, "FLOAT": 4, "DOUBLE": 8, "BYTE_ARRAY": 4}
"""Bytes of a value in memory by its type in Parquet; those of words are counted apart."""


def _check_size(file: Path, size: int, allowance: int, remedy: str) -> None:
    if not 0 <= size <= allowance:
        raise UserError(
            f"{file} would unpack to {size:,} bytes, far more than it holds: it is damaged, or made to do harm. "
            f"{remedy}"
        )


def _check_columns(file: Path, schema: pa.Schema, remedy: str) -> None:
    names = schema.names
    if len(names) > TABLE_COLUMNS:
        raise UserError(f"{file} has {len(names):,} columns; up to {TABLE_COLUMNS:,} are read. {remedy}")
    for name, times in Counter(names).items():
        if times > 1 or not 0 < len(name) <= COLUMN_NAME or re.search(UNSAFE, name):
            raise UserError(
                f"{file} has {'two columns' if times > 1 else 'a column'} {shown(name)}; a column's name stands once "
                f"and is a line of 1 to {COLUMN_NAME:,} characters. {remedy}"
            )
    for field in schema:
        if not _is_plain(field.type):
            raise UserError(
                f"{file}: column {shown(field.name)} is of type {shown(str(field.type))}; allowed are words, numbers, "
                f"truth values, times, and lists of these. {remedy}"
            )


def _is_plain(kind: pa.DataType, depth: int = 0) -> bool:
    """Whether a column is of words, numbers, truth values and times, or of lists and structures of these."""
    import pyarrow as pa

    types = pa.types
    if types.is_nested(kind):
        inner = [kind.field(i).type for i in range(kind.num_fields)]
        known = any(
            test(kind) for test in (types.is_struct, types.is_list, types.is_large_list, types.is_fixed_size_list)
        )
        return depth < LISTS_WITHIN and known and all(_is_plain(own, depth + 1) for own in inner)
    if isinstance(kind, pa.BaseExtensionType):
        return False
    if types.is_dictionary(kind):
        kind = kind.value_type
    words = (types.is_string, types.is_large_string, types.is_string_view)
    others = (types.is_integer, types.is_floating, types.is_boolean, types.is_temporal, types.is_decimal, types.is_null)
    return any(test(kind) for test in (*words, *others))


def _bytes_of(array: pa.Array) -> int:
    """Bytes of the words in an array, each as often as it stands."""
    import pyarrow as pa
    import pyarrow.compute as pc

    types = pa.types
    if types.is_dictionary(array.type):
        lengths = pc.binary_length(array.dictionary).cast("int64")
        return pc.sum(lengths.take(array.indices)).as_py() or 0
    if types.is_struct(array.type):
        return sum(map(_bytes_of, array.flatten()))
    if types.is_list(array.type) or types.is_large_list(array.type) or types.is_fixed_size_list(array.type):
        return _bytes_of(array.flatten())
    return 0


def _frame(table: pa.Table) -> pd.DataFrame:
    """A table in pandas: columns as they would be without what the file says of pandas; whole numbers and truth values
    with gaps in it as nullable ones.
    """
    import pandas as pd
    import pyarrow as pa

    for i, name in enumerate(table.column_names):
        if pa.types.is_dictionary(table[name].type):
            table = table.set_column(i, name, table[name].cast(table[name].type.value_type))
    gaps = {field.type for field in table.schema if table[field.name].null_count}
    nullable = {
        pa.int8(): pd.Int8Dtype(),
        pa.int16(): pd.Int16Dtype(),
        pa.int32(): pd.Int32Dtype(),
        pa.int64(): pd.Int64Dtype(),
        pa.uint8(): pd.UInt8Dtype(),
        pa.uint16(): pd.UInt16Dtype(),
        pa.uint32(): pd.UInt32Dtype(),
        pa.uint64(): pd.UInt64Dtype(),
        pa.bool_(): pd.BooleanDtype(),
    }
    frame: pd.DataFrame = table.to_pandas(
        ignore_metadata=True, types_mapper=lambda kind: nullable.get(kind) if kind in gaps else None
    )
    return frame


def read_tensors(
    file: Path, expected: Mapping[str, tuple[str, int]] | None = None, *, remedy: str = ""
) -> dict[str, np.ndarray]:
    """The tensors of a safetensors file.

    Args:
        file: The file.
        expected: By name the type, as numpy names it, and the number of axes that a tensor has to have; others in the
            file are left out. None reads all, of whole and floating point numbers.
        remedy: What to do about a damaged one, as a sentence.

    Raises:
        UserError: It is missing, damaged, lacks one of them, or holds one of another type or another number of axes.
    """
    import numpy as np
    from safetensors import safe_open

    found: dict[str, np.ndarray] = {}
    with _worded(file, remedy), safe_open(file, "np") as stored:
        there = set(stored.keys())
        for name in expected if expected is not None else sorted(there):
            if name not in there:
                raise UserError(f"{file} holds no tensor {shown(name)}. {remedy}".strip())
            if stored.get_slice(name).get_dtype() not in _PLAIN:
                raise UserError(f"{file}: tensor {shown(name)} is no plain array of numbers. {remedy}".strip())
            found[name] = stored.get_tensor(name)
    for name, (kind, axes) in (expected or {}).items():
        if (found[name].dtype, found[name].ndim) != (np.dtype(kind), axes):
            raise UserError(
                f"{file}: tensor {name!r} is {found[name].dtype} of shape {found[name].shape}; allowed is {kind} of "
                f"{axes} ax{'i' if axes == 1 else 'e'}s. {remedy}".strip()
            )
    return found


_PLAIN = {"F64", "F32", "F16", "I64", "I32", "I16", "I8", "U8", "U16", "U32", "U64", "BOOL"}


def map_tensor(file: Path, name: str, *, axes: int = 2, remedy: str = "") -> np.ndarray:
    """A float32 tensor of a safetensors file, read-only and memory-mapped: read from disk where and when it is used.

    One in half precision is read at once.

    Raises:
        UserError: The file is missing or damaged, or holds no such tensor of that name and number of axes.
    """
    import numpy as np
    from safetensors import safe_open

    with _worded(file, remedy):
        with safe_open(file, "np"):  # checks the header against the file
            pass
        with file.open("rb") as stream:
            size = int.from_bytes(stream.read(8), "little")
            entry = json.loads(stream.read(size)).get(name)
        if entry is None or entry["dtype"] not in ("F32", "F16") or len(entry["shape"]) != axes:
            raise UserError(f"{file} holds no float32 tensor {name!r} of {axes} axes. {remedy}".strip())
        if not all(entry["shape"]):  # nothing to map
            return np.zeros(entry["shape"], np.float32)
        kind = np.float32 if entry["dtype"] == "F32" else np.float16
        start, shape = 8 + size + entry["data_offsets"][0], tuple(entry["shape"])
        found = np.memmap(file, kind, "r", offset=start, shape=shape)
        return found if kind is np.float32 else np.asarray(found, np.float32)
