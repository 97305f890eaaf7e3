"""Zip archives from others: read within limits; nothing in them is written outside the folder that was named.

An archive is refused as a whole where a member's path leads out of it, is absolute or a link, where it is encrypted, or
where it would grow beyond the limits: too many members, too many bytes, or bytes out of proportion to the archive (a
zip bomb).
"""

from __future__ import annotations

import io
import lzma
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
DAMAGED = (zipfile.BadZipFile, EOFError, NotImplementedError, zlib.error, lzma.LZMAError)


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
    files = [info for info in archive.infolist() if not info.is_dir()]
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
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            raise UserError(f"{name} is refused: its member {info.filename!r} leads out of the archive.")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise UserError(f"{name} is refused: its member {info.filename!r} is a link.")
        if info.flag_bits & 1:
            raise UserError(f"{name} is encrypted; unpack it first.")
    return files


@dataclass(frozen=True)
class Unpacked:
    """The sound files of an archive, as (path within it, bytes) in path order, and why others could not be read."""

    sounds: list[tuple[str, bytes]]
    damaged: dict[str, str]


def read_sounds(data: bytes, name: str, *, limits: Limits = UPLOAD) -> Unpacked:
    """The sound files of a zip archive in memory; a damaged one among them ends nothing.

    Raises:
        UserError: It is not a zip archive, refused (see above), or holds no sound file that can be read.
    """
    sounds: list[tuple[str, bytes]] = []
    damaged: dict[str, str] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in checked(archive, name, len(data), limits):
                path = PurePosixPath(info.filename)
                hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
                if path.suffix.lower() not in decode.SUFFIXES or hidden:
                    continue
                try:
                    sounds.append((info.filename, archive.read(info)))
                except (*DAMAGED, OSError, ValueError) as error:
                    damaged[info.filename] = f"{info.filename} in {name} is damaged ({error})."
    except (*DAMAGED, OSError, ValueError) as error:
        raise UserError(f"{name} could not be read as a zip archive ({error}).") from None
    if damaged and not sounds:
        raise UserError(" ".join(damaged.values()))
    if not sounds:
        raise UserError(f"{name} holds no sound file; supported are {', '.join(decode.SUFFIXES)}.")
    return Unpacked(sorted(sounds), damaged)


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
        UserError: It is not a zip archive, damaged, or refused (see above); nothing has been written then, unless it is
            damaged.
    """
    root = folder.resolve()
    try:
        with zipfile.ZipFile(file) as archive:
            for info in checked(archive, file.name, file.stat().st_size, limits):
                target = (root / info.filename.replace("\\", "/")).resolve()
                if not target.is_relative_to(root):  # through a link that was there before
                    raise UserError(f"{file.name} is refused: its member {info.filename!r} leads out of {folder}.")
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(info) as source, target.open("wb") as out:
                    shutil.copyfileobj(source, out, COPY_BYTES)
                if on_bytes:
                    on_bytes(info.file_size)
    except DAMAGED as error:
        raise UserError(f"{file.name} could not be unpacked ({error}). Delete {file} and fetch it again.") from None
