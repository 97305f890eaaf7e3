"""Zip archives from others: read within limits; nothing in them is written outside the folder that was named.

An archive is refused as a whole where a member's path leads out of it, is absolute, names nothing (``.``) or is a link,
where it is encrypted or compressed otherwise than by deflate, or where it would grow beyond the limits: too many
members, too many bytes, or bytes out of proportion to the archive (a zip bomb). A backslash in a path is a slash, as
Windows writes it; a colon is nothing but a sign (``14:26:11.wav``), except behind the letter of a drive.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bstviz.audio import decode
from bstviz.errors import UserError

COPY_BYTES = 2**20
DRIVE = re.compile("[A-Za-z]:")
DAMAGED = (zipfile.BadZipFile, EOFError, NotImplementedError, zlib.error, lzma.LZMAError)
BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Ways to compress that :mod:`zipfile` unpacks piece by piece; in others it makes at once what a piece becomes."""
UNREADABLE = (*DAMAGED, OSError, ValueError)


@dataclass(frozen=True)
class Limits:
    """What an archive may hold: members, bytes unpacked, and how many times its own size that may be.

    Proportion is judged from ``least`` bytes on: small files of silence shrink to nothing and do no harm.
    """

    members: int
    bytes: int
    proportion: float = 100.0
    least: int = 50 * 2**20


UPLOAD = Limits(members=2_000, bytes=2**30)
DATASET = Limits(members=2_000_000, bytes=2**40)


def checked(archive: zipfile.ZipFile, name: str, size: int, limits: Limits) -> list[zipfile.ZipInfo]:
    """The files of an archive of ``size`` bytes, folders left out; UserError where it is to be refused."""
    files = [info for info in archive.infolist() if not info.filename.endswith("/")]  # is_dir() wants a name
    total = sum(info.file_size for info in files)
    if len(files) > limits.members:
        raise UserError(f"{name} holds {len(files):,} files; at most {limits.members:,} are allowed. Split it.")
    if total > limits.bytes:
        raise UserError(
            f"{name} would unpack to {total / 2**20:,.0f} MB; at most {limits.bytes / 2**20:,.0f} MB are allowed. "
            "Split it."
        )
    if total > max(limits.least, limits.proportion * size):
        raise UserError(
            f"{name} would unpack to {total / max(size, 1):,.0f} times its size, as no archive of sounds does: refused."
        )
    for info in files:
        path = _path(info)
        if path.is_absolute() or ".." in path.parts or DRIVE.match(str(path)):
            raise UserError(f"{name} is refused: its member {info.filename!r} leads out of the archive.")
        if not path.name:
            raise UserError(f"{name} is refused: its member {info.filename!r} names no file.")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise UserError(f"{name} is refused: its member {info.filename!r} is a link.")
        if info.flag_bits & 1:
            raise UserError(f"{name} is encrypted; unpack it first.")
        if info.compress_type not in BOUNDED:
            raise UserError(
                f"{name} is refused: its member {info.filename!r} is compressed in a way that cannot be unpacked "
                "within limits. Pack it again the usual way (deflate)."
            )
    return files


def _path(info: zipfile.ZipInfo) -> PurePosixPath:
    """A member's path within its archive."""
    return PurePosixPath(info.filename.replace("\\", "/"))


@dataclass(frozen=True)
class ArchiveListing:
    """The sound files of an archive: SHA-256 of each by its path, in path order, and why others cannot be read."""

    sounds: dict[str, str]
    damaged: dict[str, str]


def list_sounds(data: bytes, name: str, *, limits: Limits = UPLOAD) -> ArchiveListing:
    """The sound files of a zip archive in memory, unpacked once and not kept; a damaged one among them ends nothing.

    Raises:
        UserError: It is not a zip archive, refused (see above), or holds no sound file that can be read.
    """
    sounds: dict[str, str] = {}
    damaged: dict[str, str] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in checked(archive, name, len(data), limits):
                path = _path(info)
                hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
                if path.suffix.lower() not in decode.SUFFIXES or hidden:
                    continue
                try:
                    with archive.open(info) as member:
                        sounds[info.filename] = hashlib.file_digest(member, "sha256").hexdigest()  # type: ignore[arg-type]
                except UNREADABLE as error:
                    damaged[info.filename] = f"{info.filename} in {name} is damaged ({error})."
    except UNREADABLE as error:
        raise UserError(f"{name} could not be read as a zip archive ({error}).") from None
    if damaged and not sounds:
        raise UserError(" ".join(damaged.values()))
    if not sounds:
        raise UserError(f"{name} holds no sound file; supported are {', '.join(decode.SUFFIXES)}.")
    return ArchiveListing(dict(sorted(sounds.items())), damaged)


def read_sound(data: bytes, path: str) -> bytes:
    """A file of an archive that :func:`list_sounds` has taken, by its path there."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(path)


def unpack(
    file: Path, folder: Path, *, limits: Limits = DATASET, on_bytes: Callable[[int], None] | None = None
) -> None:
    """Unpack a zip archive on disk into a folder, which may hold files already.

    Args:
        file: The archive.
        folder: Where to.
        limits: What it may hold.
        on_bytes: Called with the number of bytes written since the last call.

    Raises:
        UserError: It is not a zip archive, or refused (see above), and nothing has been written; or it is damaged, or a
            file cannot be written.
    """
    root = folder.resolve()
    try:
        with zipfile.ZipFile(file) as archive:
            for info in checked(archive, file.name, file.stat().st_size, limits):
                target = (root / _path(info)).resolve()
                if not target.is_relative_to(root):  # through a link that was there before
                    raise UserError(f"{file.name} is refused: its member {info.filename!r} leads out of {folder}.")
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(info) as source, target.open("wb") as out:
                    shutil.copyfileobj(source, out, COPY_BYTES)
                if on_bytes:
                    on_bytes(info.file_size)
    except (*DAMAGED, ValueError) as error:
        raise UserError(f"{file.name} could not be unpacked ({error}). Delete {file} and fetch it again.") from None
    except OSError as error:
        raise UserError(
            f"{file.name} could not be unpacked into {folder}: {error.strerror or error}. Unpack it by hand and give "
            "the folder."
        ) from None
