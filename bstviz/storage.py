"""Folders that are either whole or not there: written to a temporary sibling, flushed, renamed into place."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bstviz.errors import UserError

if TYPE_CHECKING:
    import numpy as np


def flush(path: Path) -> None:
    """Wait until a file or the entries of a folder are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _sibling(path: Path, role: str) -> Path:
    return path.parent / f".{path.name}.{role}"


@contextmanager
def replaced_folder(path: Path) -> Iterator[Path]:
    """Context in which a new version of the folder ``path`` is written; on success it takes the old one's place.

    A process killed at any moment leaves the old folder or the new one (see :func:`recover`), never half of one.
    """
    path = path.absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    recover(path)
    fresh, old = _sibling(path, f"new-{os.getpid()}"), _sibling(path, "old")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    try:
        yield fresh
        for file in fresh.rglob("*"):
            if file.is_file():
                file.chmod(0o666 & ~_umask())  # some writers make files that only their owner may read
            flush(file)
        flush(fresh)
        if path.exists():
            path.rename(old)
        fresh.rename(path)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        recover(path)
        raise
    shutil.rmtree(old, ignore_errors=True)
    flush(path.parent)


def recover(path: Path) -> None:
    """Put back the old version of a folder whose replacement was cut off between the two renames."""
    old = _sibling(path.absolute(), "old")
    if old.exists():
        if path.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(path)


def discard_unfinished(folder: Path) -> None:
    """Delete what a killed process left half written in a folder; nobody else may be writing there."""
    for leftover in folder.glob(".*.new-*"):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def write_file(path: Path, data: bytes) -> None:
    """Write one file atomically: temporary sibling, flush, rename."""
    fresh = _sibling(path, f"new-{os.getpid()}")
    fresh.write_bytes(data)
    flush(fresh)
    fresh.replace(path)


def map_tensor(path: Path, name: str) -> np.ndarray:
    """A float32 tensor of a safetensors file, read-only and memory-mapped: read from disk where and when it is used.

    Raises:
        UserError: The file holds no float32 tensor of that name.
    """
    import numpy as np

    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        entry = json.loads(file.read(size)).get(name)
    if entry is None or entry["dtype"] != "F32":
        raise UserError(f"{path} holds no float32 tensor {name!r}.")
    return np.memmap(path, np.float32, "r", offset=8 + size + entry["data_offsets"][0], shape=tuple(entry["shape"]))


def sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_header(folder: Path, name: str, header: dict[str, Any]) -> None:
    """Write the JSON header of a folder, with the SHA-256 of every other file in it under ``files``."""
    files = {f.name: sha256(f) for f in sorted(folder.iterdir()) if f.is_file() and f.name != name}
    (folder / name).write_text(json.dumps({**header, "files": files}, indent=1) + "\n", encoding="utf-8")


def read_header(
    folder: Path, name: str, kind: str, version: int, remedy: str, *, verify: bool = True
) -> dict[str, Any]:
    """Read a folder's JSON header and check its version and its siblings.

    Args:
        folder: The collection or run.
        name: File name of the header.
        kind: What to call the folder in messages.
        version: The format version that this program reads.
        remedy: What to do when the folder is damaged, as a sentence.
        verify: Check the siblings' hashes, not only that they are there.

    Raises:
        UserError: The folder is missing, of another version, incomplete or changed since it was written.
    """
    recover(folder)
    try:
        header = json.loads((folder / name).read_text(encoding="utf-8"))
    except OSError:
        raise UserError(f"{folder} is no {kind}: there is no {name} in it.") from None
    except ValueError as error:
        raise UserError(f"{folder / name} is not valid JSON ({error}). {remedy}") from None
    if not isinstance(header, dict):
        raise UserError(f"{folder / name} is not the header of a {kind}. {remedy}")
    if header.get("format_version") != version:
        raise UserError(
            f"{folder} has {kind} format version {header.get('format_version')!r}; this bstviz reads version "
            f"{version}. {remedy}"
        )
    for file, digest in header.get("files", {}).items():
        if not (folder / file).is_file():
            raise UserError(f"{folder} lacks {file}. {remedy}")
        if verify and sha256(folder / file) != digest:
            raise UserError(f"{folder / file} was changed or damaged after it was written. {remedy}")
    return header
