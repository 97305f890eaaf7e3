"""Where the sounds of a table are: files under other spellings of their paths, or bytes within the table itself."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from bstviz.datasets.reading import PATH_COLUMNS
from bstviz.errors import UserError
from bstviz.paths import ESCAPE, is_below, on_disk

if TYPE_CHECKING:
    import pandas as pd

STARTS = {
    b"RIFF": ".wav",
    b"RF64": ".wav",
    b"riff": ".w64",
    b"fLaC": ".flac",
    b"OggS": ".ogg",
    b"ID3": ".mp3",
    b"FORM": ".aiff",
    b"caff": ".caf",
    b".snd": ".au",
    b"#!AMR": ".amr",
    b"\x30\x26\xb2\x75": ".wma",
    b"\x1a\x45\xdf\xa3": ".mka",
}
"""What a sound file's content begins with, and how a file of it is usually called."""
MPEG_SYNC, MP4 = 0xFFE0, b"ftyp"
"""The bits by which frames of MPEG begin (MP3, AAC), and what stands from the fifth byte on in MP4."""
LONGEST_NAME = 150
"""Bytes of a name that a table gives its sound; file systems take 255."""
LOCATION = re.compile(r"\s*[a-z][a-z0-9+.-]+://[^/]*(/.*)", re.IGNORECASE)


@dataclass(frozen=True)
class FoundFiles:
    """Files of a table's sounds.

    Attributes:
        paths: Path of each sound's file relative to the root, with forward slashes, as
            :func:`bstviz.paths.readable` writes it; None where it has none.
        respelled: How many were found under another spelling than the table's.
        example: One of these, as the table has it.
    """

    paths: tuple[str | None, ...]
    respelled: int
    example: str


def find(
    root: Path, sound_ids: Sequence[str], paths: Sequence[str | None], *, follow_links: bool = False
) -> FoundFiles:
    """Files of sounds by the paths that a table gives, or by their ids where it gives none.

    A path is first taken as it is. Else it stands for the one file whose path is the same but for case, blanks at the
    ends, composed or decomposed letters, and ``\\`` for ``/``; of a path that begins at another system's root, or an
    address, the end is enough, and a bare name is that of the one file in any folder. A name on the disk that is not
    UTF-8 may be the path in Windows-1252. A path that leads out of the root is not followed, nor is a link that does,
    unless ``follow_links`` is given.
    """
    files: _Files | None = None
    found: list[str | None] = []
    respelled = []
    for sound_id, given in zip(sound_ids, paths, strict=True):
        path = _relative(root, given) if given and is_inside(root, given, follow_links=follow_links) else None
        if path is None:
            files = files or _Files.under(root, follow_links=follow_links)
            path = files.of_path(given) if given else files.of_id(sound_id)
            if given and path is not None:
                respelled.append(given)
        found.append(path)
    return FoundFiles(tuple(found), len(respelled), respelled[0] if respelled else "")


def is_inside(root: Path, path: str, *, follow_links: bool = False) -> bool:
    """Whether a path names a file below a folder that is resolved; by a link that leaves it only with
    ``follow_links``.
    """
    try:
        return is_below(root, path, follow_links=follow_links) and on_disk(root / path).is_file()
    except (OSError, ValueError, RuntimeError):  # a name too long, a zero in it, links in a circle
        return False


def _relative(root: Path, path: str) -> str:
    """The path of a file below a folder from there, whatever way it takes."""
    if not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts:
        return Path(path).as_posix() if os.sep != "/" else path
    straight = Path(os.path.normpath(root / path))
    file = straight if straight.is_relative_to(root) else (root / path).resolve()
    return file.relative_to(root).as_posix()


def _key(path: str) -> str:
    """What a path is whatever system wrote it."""
    parts = unicodedata.normalize("NFC", path.replace("\\", "/")).casefold().split("/")
    return "/".join(part for p in parts if (part := p.strip()) not in ("", "."))


def _western(path: str) -> str:
    """A path with the bytes of names that are not UTF-8 read as Windows-1252, in which old systems wrote them."""
    return ESCAPE.sub(lambda byte: bytes.fromhex(byte[1]).decode("cp1252", "replace"), path)


@dataclass(frozen=True)
class _Files:
    """The audio files under a folder, by their keys; those that share one are found by none."""

    by_path: dict[str, str | None]
    by_name: dict[str, str | None]
    by_file: dict[str, str | None]

    @classmethod
    def under(cls, root: Path, *, follow_links: bool) -> _Files:
        from bstviz.datasets.folder import sounds_in

        by_path: dict[str, str | None] = {}
        by_name: dict[str, str | None] = {}
        by_file: dict[str, str | None] = {}

        def same(one: str, other: str) -> bool:  # as where a link names it
            return one == other or on_disk(root / one).resolve() == on_disk(root / other).resolve()

        for path in sorted(sounds_in(root, follow_links=follow_links).files, key=lambda p: (p.count("/"), p)):
            bare = path.rsplit(".", 1)[0]
            for own in {_key(spelt) for name in (path, bare) for spelt in (name, _western(name))}:
                by_path[own] = path if own not in by_path else None
            name = PurePosixPath(bare).name
            nearer = by_name.setdefault(name, path)
            if nearer and nearer.count("/") == path.count("/") and not same(nearer, path):
                by_name[name] = None
            for own in {_key(PurePosixPath(spelt).name) for spelt in (path, _western(path))}:
                known = by_file.setdefault(own, path)
                if known and not same(known, path):
                    by_file[own] = None
        return cls(by_path, by_name, by_file)

    def of_path(self, given: str) -> str | None:
        address = LOCATION.match(given)
        given = unquote(address[1]) if address else given
        key = _key(given)
        if ".." in key.split("/"):
            return None
        found = self.by_path.get(key) or self.by_file.get(key)
        if found is None and re.match(r"\s*([A-Za-z]:)?[\\/]", given):
            parts = key.split("/")
            ends = ("/".join(parts[i:]) for i in range(1, len(parts)))
            found = next((path for end in ends if (path := self.by_path.get(end))), None)
        return found

    def of_id(self, sound_id: str) -> str | None:
        return self.by_name.get(sound_id) or self.by_path.get(_key(sound_id))


def ids_of(paths: pd.Series[str], notes: list[str]) -> pd.Series[str]:
    """Ids of sounds by their paths: the files' names, or the paths where files of two folders have the same name."""
    ids = paths.map(lambda path: PurePosixPath(path).stem, na_action="ignore")
    if not ids.dropna().duplicated().any():
        return ids
    notes.append(f"Files of different folders have the same name, {ids[ids.duplicated()].iloc[0]}: ids are paths.")
    return paths


def path_column(rows: pd.DataFrame) -> str | None:
    """The column that names the sounds' files; one that says of all rows which table they are from is none."""
    from bstviz.audio import decode
    from bstviz.datasets.plain import is_plain

    def of_sounds(values: pd.Series[Any]) -> bool:
        if not is_plain(values):
            return False
        return values.nunique() > 1 or any(str(value).lower().endswith(decode.SUFFIXES) for value in values.dropna())

    return next((name for name in PATH_COLUMNS if name in rows and of_sounds(rows[name])), None)


def sound_column(rows: pd.DataFrame) -> str | None:
    """The column whose cells are sounds: bytes of files, or dicts of ``bytes`` and ``path``, either of which may be
    missing (Hugging Face).
    """
    from bstviz.audio import decode

    def is_sound(cell: Any) -> bool:
        data = _bytes(cell) or b""
        if data.startswith(tuple(STARTS)) or data[4:8] == MP4 or _is_mpeg(data):
            return True
        return isinstance(cell, dict) and "bytes" in cell and _stated(cell).lower().endswith(decode.SUFFIXES)

    objects = (name for name in rows if rows[name].dtype == object)
    return next((str(name) for name in objects if any(map(is_sound, rows[name]))), None)


def write_sounds(cells: Sequence[Any], folder: Path) -> tuple[list[str | None], int]:
    """Write the sound files that cells hold into a folder; a file that is there with the same bytes is left.

    Args:
        cells: As :func:`sound_column` finds them; others hold no sound.
        folder: Made where it is missing and there is a sound.

    Returns:
        The file's path for each cell, of a cell without bytes the one that it states, if any; and how many have bytes.

    Raises:
        UserError: The folder cannot be written, or holds another file of a sound's name.
    """
    from bstviz import storage

    def given_name(position: int, cell: Any) -> str:
        name = re.sub(r"[\x00-\x1f]", "", re.split(r"[\\/]", _stated(cell))[-1]).strip(". ") or f"{position:06d}"
        data = _bytes(cell) or b""
        begins = next((s for b, s in STARTS.items() if data.startswith(b)), ".mp3" if _is_mpeg(data) else ".bin")
        stem, suffix = (Path(name).stem, Path(name).suffix) if Path(name).suffix else (name, begins)
        return stem.encode()[:LONGEST_NAME].decode(errors="ignore") + suffix[:LONGEST_NAME]

    files = {i: given_name(i, cell) for i, cell in enumerate(cells) if _bytes(cell)}
    if len(set(files.values())) < len(files):
        files = {i: f"{i:06d}_{name}" for i, name in files.items()}
    try:
        if files:
            folder.mkdir(parents=True, exist_ok=True)
        for i, name in files.items():
            file, data = folder / name, _bytes(cells[i]) or b""
            if file.is_file() and file.read_bytes() != data:
                raise UserError(
                    f"{file} is another file than the table's sound of that name, and stays as it is. Name another "
                    "folder for the table's sounds: --audio FOLDER."
                )
            if not file.is_file():
                storage.write_file(file, data)
    except OSError as error:
        raise UserError(
            f"Cannot write the table's sounds to {folder}: {error.strerror}. Name a folder for them: --audio FOLDER."
        ) from None
    return [files.get(i) or _stated(cell) or None for i, cell in enumerate(cells)], len(files)


def _bytes(cell: Any) -> bytes | None:
    found = cell.get("bytes") if isinstance(cell, dict) else cell
    return found if isinstance(found, bytes) else None


def _stated(cell: Any) -> str:
    found = cell.get("path") if isinstance(cell, dict) else None
    return found if isinstance(found, str) else ""


def _is_mpeg(data: bytes) -> bool:
    return int.from_bytes(data[:2], "big") & MPEG_SYNC == MPEG_SYNC
