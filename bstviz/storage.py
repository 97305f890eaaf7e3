"""Folders and files that are either whole or not there: written to a temporary sibling, flushed, renamed into place.

Beside ``thing`` lie, while it is written and after a kill, ``.thing.new`` (half of a new version), ``.thing.old`` (the
old one between two renames) and ``.thing.lock``. Only writers delete and rename, each under its lock: whoever writes
``thing`` again brings away what a killed writer of it left. What stands beside it under other names is other programs'
(``.gitconfig.lock``) and stays, except in folders of this program's own (:func:`sweep`). Readers find what is whole
wherever it lies.

Long because writers, readers and headers keep one order of steps, which is read in one place.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

from msgspec import Meta

from bstviz import schema, stored
from bstviz.errors import UserError, in_words

PATIENCE = 600  # seconds to wait for another writer
REWRITTEN, GAP = 30.0, 0.005  # seconds to go on reading a folder that is being replaced, and between two attempts
LOCK_ALONE = 1.0  # seconds in which a lock without a folder is a writer between two steps, and not what a kill left
Content = TypeVar("Content")
FileName = Annotated[str, Meta(pattern=r"\A[\w-][\w. -]{0,200}\Z", description="the name of a file in the folder")]


@dataclass(frozen=True)
class _Hashed:
    """What every header says of the files beside it."""

    files: dict[FileName, schema.Digest] = field(default_factory=dict)


def flush(path: Path) -> None:
    """Wait until a file or the entries of a folder are on the disk."""
    if os.name == "nt":  # flushes no folder, and a file only through a handle that may write
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())
    else:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sibling(path: Path, role: str) -> Path:
    return path.parent / f".{path.name}.{role}"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Context in which nobody else writes a file or folder, here or on another machine that shares disk and locks.

    The lock ends with its process, however that ends. Readers take none.

    Raises:
        UserError: Somebody else has been writing for :data:`PATIENCE` seconds.
    """
    from filelock import FileLock, Timeout

    file = _sibling(path.absolute(), "lock")
    try:
        with FileLock(file, timeout=PATIENCE, poll_interval=0.01):
            try:
                yield
            finally:
                with suppress(OSError):  # Windows deletes no open file
                    file.unlink()  # whoever waits for this one sees that it is gone, and makes a new one
    except Timeout:
        raise UserError(
            f"{path} has been locked by another process for {PATIENCE} seconds. Wait for it, or end it, and try again."
        ) from None


@contextmanager
def replaced_folder(path: Path) -> Iterator[Path]:
    """Context in which a new version of the folder ``path`` is written; on success it takes the old one's place.

    A process killed at any moment leaves the old folder or the new one, never half of one; for a moment, or after a
    kill until the next writer comes, the old one lies beside its place (see :func:`located`). What a killed writer of
    this folder left half written is deleted here.

    Raises:
        UserError: Another process goes on writing the same folder, or it cannot be written (disk full, no permission);
            the old version stays.
    """
    path = path.absolute()
    with _worded(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with _worded(path), locked(path):
        _tidy(path)
        fresh, old = _sibling(path, "new"), _sibling(path, "old")
        fresh.mkdir()
        try:
            yield fresh
            mode = _usual_mode(fresh)
            for file in fresh.rglob("*"):
                if file.is_file():
                    file.chmod(mode)  # some writers make files that only their owner may read
                flush(file)
            flush(fresh)
            if path.exists():
                path.rename(old)
            fresh.rename(path)
        except BaseException:
            _tidy(path)
            raise
        shutil.rmtree(old, ignore_errors=True)
        flush(path.parent)


def _usual_mode(folder: Path) -> int:
    """Permissions of a new file in a folder, as the process's own settings make them."""
    probe = folder / ".mode"
    probe.touch()
    mode = probe.stat().st_mode
    probe.unlink()
    return mode


@contextmanager
def _worded(path: Path) -> Iterator[None]:
    """Context in which errors become sentences about what was to be written, not its hidden siblings.

    One that names another file, which was to be read, stays as it is.
    """
    try:
        yield
    except UserError as error:
        fresh = str(_sibling(path, "new"))
        if fresh not in str(error):
            raise
        raise type(error)(str(error).replace(fresh, str(path)).rstrip()) from error
    except Exception as error:
        if (why := in_words(error)) is None or _is_of_another_file(error, path):
            raise
        hidden = f"{error.filename}: " if isinstance(error, OSError) else ""
        raise UserError(f"{path} could not be written. {why.removeprefix(hidden)}") from error


def _is_of_another_file(error: Exception, path: Path) -> bool:
    """Whether an error names a file that was to be read, and not ``path``, its siblings or the folders above."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError | PermissionError):
        return False
    if not isinstance(error.filename, str | Path) or error.filename2 is not None:
        return False
    named = Path(error.filename).absolute()
    beside = str(named).startswith(str(_sibling(path, "")))
    return not (beside or named.is_relative_to(path) or path.is_relative_to(named))


def recover(path: Path) -> None:
    """Put back a folder whose replacement was cut off between the two renames; delete what killed writers left of it.

    For those who are about to write into the folder around it, or to refuse it; readers have :func:`located`.
    """
    path = path.absolute()
    left = any(_sibling(path, role).exists() for role in ("old", "lock"))
    if path.parent.is_dir() and (left or _unfinished(path)):
        with _worded(path), locked(path):
            _tidy(path)


def sweep(folder: Path) -> None:
    """Bring away what killed writers left in a folder, of whatever name; for folders of this program's own alone.

    Such a one leaves its lock beside its half. Where somebody holds that lock, the writer lives, and all stays.
    """
    from filelock import FileLock, Timeout

    names = {entry.name for entry in os.scandir(folder) if entry.name.startswith(".")}
    for name in (name[1 : -len(".lock")] for name in names if name.endswith(".lock")):
        if f".{name}.new" not in names and f".{name}.old" not in names:
            continue  # perhaps not ours
        lock = _sibling(folder / name, "lock")
        with suppress(OSError, Timeout), FileLock(lock, timeout=0):
            _tidy(folder / name)
            lock.unlink()


def _tidy(path: Path) -> None:
    """:func:`recover`, for who holds the lock."""
    for leftover in _unfinished(path):
        _delete(leftover)
    old = _sibling(path, "old")
    if old.exists():
        if path.exists():
            _delete(old)
        else:
            old.rename(path)


def _unfinished(path: Path) -> list[Path]:
    """Temporary siblings of a file or folder: under the lock, of writers that are gone; once they were numbered."""
    name = re.compile(re.escape(_sibling(path, "new").name) + r"(-\d+)?")
    return [file for file in path.parent.iterdir() if name.fullmatch(file.name)]


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def write_file(path: Path, data: bytes) -> None:
    """Write one file atomically: temporary sibling, flush, rename. Its folder is there.

    A link stays, and what it leads to is replaced; a device or a pipe is written into.

    Raises:
        UserError: Another process goes on writing the same file, or it cannot be written (disk full, no permission);
            the old version stays.
    """
    path = path.absolute()
    with _worded(path):
        if path.is_relative_to("/dev") or (path.exists() and not path.is_file()):  # of the former /dev/stdout >> file
            with path.open("ab") as stream:
                stream.write(data)
            return
    with replaced_file(path) as fresh:
        fresh.write_bytes(data)


@contextmanager
def replaced_file(path: Path) -> Iterator[Path]:
    """Context in which a new version of the file ``path`` is written; on success it takes the old one's place.

    Where none was written, or it was deleted again, the old one stays. :func:`write_file` says the rest.
    """
    path = Path(os.path.realpath(path))
    with _worded(path), locked(path):
        fresh = _sibling(path, "new")
        fresh.unlink(missing_ok=True)  # of a writer that was killed
        try:
            yield fresh
            if fresh.exists():
                flush(fresh)
                fresh.replace(path)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise


def located(folder: Path) -> Path:
    """Where a folder lies: at its place, or beside it between a writer's two renames, and after a kill there."""
    old = _sibling(folder.absolute(), "old")
    return old if old.is_dir() and not folder.exists() else folder


def folders_in(folder: Path) -> list[Path]:
    """The visible folders of a folder in name order, those just being replaced among them; none where it is missing."""
    if not folder.is_dir():
        return []
    names = {re.sub(r"^\.(.+)\.old$", r"\1", path.name) for path in folder.iterdir() if path.is_dir()}
    return [folder / name for name in sorted(names) if not name.startswith(".")]


def read_folder(folder: Path, read: Callable[[Path], Content]) -> Content:
    """Read a folder that others may be replacing: all of one version, without a lock.

    Args:
        folder: Its place.
        read: Reads it from where it lies just now; called again where it was replaced meanwhile.
    """
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < REWRITTEN:
        place = located(folder)
        version = _identity(place)
        try:
            content = read(place)
        except (UserError, OSError):
            if _identity(place) == version and not (version is None and _being_replaced(folder, passed < LOCK_ALONE)):
                raise
        else:
            if _identity(place) == version:
                return content
        time.sleep(GAP)
    raise UserError(f"{folder} keeps being rewritten; try again when that has ended.")


def _being_replaced(folder: Path, with_lock: bool) -> bool:
    """Whether a folder that was missing a moment ago is back by now, or a writer is at it, as its lock may say."""
    folder = folder.absolute()
    places = (folder, _sibling(folder, "old"), *([_sibling(folder, "lock")] if with_lock else ()))
    return any(path.exists() for path in places)


def _identity(folder: Path) -> tuple[int, int] | None:
    """What a folder at the same path is told apart by from the one that takes its place."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file in a folder by its name."""
    return {f.name: sha256(f) for f in sorted(folder.iterdir()) if f.is_file()}


def write_header(folder: Path, name: str, header: dict[str, Any], files: dict[str, str] | None = None) -> None:
    """Write the JSON header of a folder, with the SHA-256 of every other file in it under ``files``.

    Args:
        folder: The folder.
        name: File name of the header.
        header: What it says.
        files: :func:`file_hashes` of the folder, where they are known already.
    """
    files = files if files is not None else {n: digest for n, digest in file_hashes(folder).items() if n != name}
    entry = {**header, "files": files}
    (folder / name).write_text(json.dumps(entry, indent=1) + "\n", encoding="utf-8")


def read_header(
    folder: Path, name: str, kind: str, versions: Sequence[int], remedy: str, *, verify: bool = True
) -> dict[str, Any]:
    """Read a folder's JSON header, as it is, and check its version and its siblings.

    Args:
        folder: The collection or run, where it lies (see :func:`read_folder`).
        name: File name of the header.
        kind: What to call the folder in messages.
        versions: The format versions that this program reads, the newest last.
        remedy: What to do when the folder is damaged, as a sentence.
        verify: Check the siblings' hashes, not only that they are there.

    Raises:
        UserError: The folder is missing, of another version, incomplete or changed since it was written.
    """
    if not (folder / name).is_file():
        raise UserError(f"{folder} is not a {kind}: there is no {name} in it.")
    header = stored.read_json(folder / name, remedy=remedy)
    check_version(header.get("format_version"), versions, f"{folder} has {kind}", remedy)
    for file, digest in schema.convert(header, _Hashed, str(folder / name), remedy).files.items():
        if not (folder / file).is_file():
            raise UserError(f"{folder} lacks {file}. {remedy}")
        if verify and sha256(folder / file) != digest:
            raise UserError(f"{folder / file} was changed or damaged after it was written. {remedy}")
    return header


def check_version(version: object, versions: Sequence[int], what: str, remedy: str) -> None:
    """Refuse a format version that this program does not read (UserError): a newer one wants a newer program.

    Args:
        version: As stated.
        versions: Those that are read, the newest last.
        what: Of what it is the version, and a verb: "runs/a has run".
        remedy: What to do about one that is not read and not newer, as a sentence.
    """
    if type(version) is int and version in versions:
        return
    known = " and ".join(map(str, versions))
    if isinstance(version, int) and version > versions[-1]:
        remedy = "A newer bstviz wrote it; update this one: pip install --upgrade bstviz"
    plural = "s" if len(versions) > 1 else ""
    raise UserError(
        f"{what} format version {schema.shown(version)}; this bstviz reads version{plural} {known}. {remedy}"
    )
