"""Mutated input, seeded: bytes flipped and cut off, and values, keys, columns and tensors replaced by odd ones."""

from __future__ import annotations

import json
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet
from safetensors import SafetensorError
from safetensors.numpy import load, save

from bstviz import storage
from bstviz.errors import UserError

CPU_SECONDS = 10
"""That one input may take."""
COUNTS = (200, 2_000)
"""Inputs of each kind: in every run of the tests, and in the long one."""
DEEP = "@deep@"
ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    "",
    "x",
    " ",
    "1",
    -1,
    0,
    1,
    7,
    2.5,
    -0.0,
    1e308,
    float("nan"),
    float("inf"),
    2**63,
    10**30,
    "\x00",
    "a\nb",
    "\ud800",
    "\u202e",
    "../../../etc/passwd",
    "/etc/passwd",
    "~",
    "<img src=http://x.invalid/y>",
    "javascript:alert(1)",
    "red",
    "#12345",
    "x" * 100_000,
    [],
    {},
    [None],
    [[[]]],
    {"a": {}},
    ["title", 3],
    {"": None},
    DEEP,
)
"""Values that stand where others are expected."""


class HangError(Exception):
    """An input took longer than :data:`CPU_SECONDS`."""


@contextmanager
def cpu_bound(seconds: int = CPU_SECONDS) -> Iterator[None]:
    """Context that ends with HangError once it has taken so many seconds of the processor."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise HangError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def survives(use: Callable[[], object], what: str) -> bool:
    """Whether something is taken; False where it is refused in a sentence. Anything else fails the test."""
    try:
        with cpu_bound():
            use()
    except UserError as error:
        sentence = str(error)
        assert sentence.strip(), what
        assert "Traceback" not in sentence, what
        return False
    except Exception as error:
        raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
    return True


def flipped(rng: random.Random, data: bytes) -> bytes:
    """Bytes with some of them changed, cut off, doubled or put in."""
    out = bytearray(data)
    way = rng.choice(["flip", "flip", "cut", "zero", "insert", "double", "empty"])
    at = rng.randrange(len(out) + 1)
    if way == "flip":
        for _ in range(rng.choice([1, 2, 8])):
            if out:
                out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    elif way == "cut":
        del out[at:]
    elif way == "zero":
        out[at : at + 16] = bytes(len(out[at : at + 16]))
    elif way == "insert":
        out[at:at] = rng.randbytes(rng.choice([1, 4, 64]))
    elif way == "double":
        out += out[at:]
    else:
        out.clear()
    return bytes(out)


def json_text(value: Any) -> str:
    """JSON of a value, :data:`DEEP` in it a hundred thousand lists within each other."""
    return json.dumps(value, indent=1).replace(json.dumps(DEEP), "[" * 100_000 + "]" * 100_000)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container in a value with each of its keys."""
    found: list[tuple[Any, Any]] = []
    todo = [value]
    while todo:
        here = todo.pop()
        items = (
            list(here.items()) if isinstance(here, dict) else list(enumerate(here)) if isinstance(here, list) else []
        )
        found += [(here, key) for key, _ in items]
        todo += [inner for _, inner in items]
    return found


def changed(rng: random.Random, value: Any) -> Any:
    """A value of JSON with one of its parts, often one near its top, replaced, taken out, put in or moved."""
    value = json.loads(json.dumps(value))
    options = places(value)
    if not options or rng.random() < 0.02:
        return rng.choice(ODD)
    top = [(here, key) for here, key in options if here is value]
    here, key = rng.choice(top if top and rng.random() < 0.4 else options)
    way = rng.choice(["replace", "replace", "replace", "drop", "add", "swap"])
    if way == "replace":
        here[key] = rng.choice(ODD)
    elif way == "drop":
        del here[key]
    elif way == "add" and isinstance(here, dict):
        here[rng.choice(["folder", "extra", "", "\x00", "files"])] = rng.choice(ODD)
    elif way == "add":
        here.insert(0, rng.choice(ODD))
    else:
        other, own = rng.choice(options)
        if own in other if isinstance(other, dict) else own < len(other):
            here[key] = json.loads(json.dumps(other[own]))
    return value


def changed_json(rng: random.Random, data: bytes) -> bytes:
    """JSON with a part of it changed, or a key twice."""
    value = json.loads(data)
    if rng.random() < 0.05 and isinstance(value, dict) and value:
        key = json.dumps(rng.choice(list(value)))
        return (json_text(value).rstrip().removesuffix("}") + f", {key}: 1}}").encode("utf-8", "surrogatepass")
    return json_text(changed(rng, value)).encode("utf-8", "surrogatepass")


def changed_table(rng: random.Random, data: bytes) -> bytes:
    """A Parquet table with a column, its type, its name or some of its cells changed, or rows."""
    table = parquet.read_table(pa.BufferReader(data))
    names = table.column_names
    i = rng.randrange(len(names))
    way = rng.choice(["drop", "rename", "twice", "type", "cell", "cell", "missing", "rows", "again", "words", "nested"])
    column, n = table.column(i), table.num_rows
    if way == "drop":
        table = table.drop_columns([names[i]])
    elif way == "rename":
        names[i] = rng.choice(["", "x", names[0], "a\nb", "\x00", "y" * 5_000, "p_x"])
        table = table.rename_columns(names)
    elif way == "twice":
        table = table.append_column(names[i], column)
    elif way == "type":
        kinds = [pa.int64(), pa.float64(), pa.bool_(), pa.binary(), pa.timestamp("ns"), pa.null(), pa.list_(pa.int8())]
        table = table.set_column(i, names[i], pa.nulls(n, rng.choice(kinds)))
    elif way in ("cell", "words"):
        numbers = pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
        odd = [-1, 0, 5, 1e30, float("nan"), float("inf"), 2] if numbers and way == "cell" else None
        values = column.to_pylist()
        for _ in range(rng.choice([1, 3])):
            words = [v for v in ODD if isinstance(v, str) and v != "\ud800"]
            values[rng.randrange(n)] = rng.choice(odd) if odd else rng.choice([*words, values[0]])
        if numbers and way == "words":
            values = [None if v is None else str(v) for v in values]
        kind = column.type if odd and pa.types.is_floating(column.type) else None
        table = table.set_column(i, names[i], pa.array(values, kind) if odd or not numbers else pa.array(values))
    elif way == "missing":
        table = table.set_column(i, names[i], pa.array([None] * n, column.type))
    elif way == "rows":
        table = table.slice(0, rng.choice([0, 1, n - 1]))
    elif way == "again":
        table = pa.concat_tables([table, table.slice(0, 1)])
    else:
        table = table.set_column(i, names[i], pa.array([[1, 2]] * n))
    buffer = pa.BufferOutputStream()
    parquet.write_table(table, buffer)
    return buffer.getvalue().to_pybytes()


def changed_tensors(rng: random.Random, data: bytes) -> bytes:
    """A safetensors file with a tensor, its type, shape, name or numbers changed, or its header."""
    tensors = {name: np.array(values) for name, values in load(data).items()}
    name = rng.choice(sorted(tensors))
    values = tensors[name]
    way = rng.choice(["drop", "rename", "type", "shape", "rows", "axis", "nan", "huge", "negative", "header", "empty"])
    if way == "drop":
        del tensors[name]
    elif way == "rename":
        tensors[rng.choice(["x", "", "\x00"])] = tensors.pop(name)
    elif way == "type":
        tensors[name] = values.astype(rng.choice(["float64", "float16", "int32", "uint8", "bool"]))
    elif way == "shape":
        tensors[name] = values.reshape(-1) if values.ndim > 1 else values.reshape(1, -1)
    elif way == "rows":
        tensors[name] = values[: len(values) // 2]
    elif way == "axis":
        tensors[name] = values[None]
    elif way == "empty":
        tensors[name] = values[:0]
    elif way in ("nan", "huge", "negative"):
        odd = {"nan": np.nan, "huge": np.inf, "negative": -1e6}[way]
        tensors[name] = np.array(values)
        with np.errstate(all="ignore"):
            tensors[name].reshape(-1)[rng.randrange(max(values.size, 1)) :] = np.array(odd).astype(values.dtype)
    else:
        size = int.from_bytes(data[:8], "little")
        header = changed_json(rng, data[8 : 8 + size])
        claimed = rng.choice([len(header), 2**62, 10**9, 0])
        return claimed.to_bytes(8, "little") + header + data[8 + size :]
    return save(tensors)


CHANGES = {".json": changed_json, ".parquet": changed_table, ".safetensors": changed_tensors}
"""How files are changed by what is in them, by the end of their names."""


def changed_file(rng: random.Random, name: str, data: bytes) -> bytes:
    """A file with something in it changed, or its bytes."""
    change = CHANGES.get(Path(name).suffix)
    if change is None or rng.random() < 0.3:
        return flipped(rng, data)
    try:
        return change(rng, data)
    except (
        ValueError,
        TypeError,
        pa.ArrowException,
        SafetensorError,
        UnicodeEncodeError,
    ):  # no such file can be written
        return flipped(rng, data)


def write(folder: Path, files: dict[str, bytes]) -> Path:
    """A folder of these files alone."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder by name."""
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir()) if file.is_file()}


def mutated_folder(rng: random.Random, place: Path, files: dict[str, bytes], header: str) -> Path:
    """A folder of which one file is changed, gone or beside its place; its hashes are often put right, as whoever means
    harm would.
    """
    folder = write(place, files)
    name = header if rng.random() < 0.5 else rng.choice(sorted(files))
    if rng.random() < 0.03:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(changed_file(rng, name, files[name]))
    if name != header and rng.random() < 0.9:
        entry = json.loads((folder / header).read_bytes())
        entry.pop("files_hash", None)
        storage.write_header(folder, header, {k: v for k, v in entry.items() if k != "files"})
    return folder
