"""Where the sounds of a table are: files under other spellings of their paths, or bytes within the table itself."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from bstviz.datasets.reading import PATH_COLUMNS
from bstviz.errors import UserError
from bstviz.paths import ESCAPE, on_disk

if TYPE_CHECKING:
    import pandas as pd

STARTS = {b"RIFF": ".wav", b"RF64": ".wav", b"fLaC": ".flac", b"OggS": ".ogg", b"ID3": ".mp3", b"FORM": ".aiff"}
"""What a sound file's content begins with, and how a file of it is usually called."""
MPEG, MP4 = b"\xff", b"ftyp"
"""How frames of MPEG begin (MP3, AAC), and what stands from the fifth byte on in MP4."""


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
    ends, composed or decomposed letters, and ``\\`` for ``/``; of a path that begins at another system's root, the
    end is enough. A name on the disk that is not UTF-8 may be the path in Windows-1252. A path that leads out of the
    root is not followed, nor is a link that does, unless ``follow_links`` is given.
    """
    files: _Files | None = None
    found: list[str | None] = []
    respelled = []
    for sound_id, given in zip(sound_ids, paths, strict=True):
        path = given if given and is_inside(root, given, follow_links=follow_links) else None
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
        file = on_disk(root / path)
        real = Path(os.path.normpath(file)) if follow_links else file.resolve()
        return real.is_relative_to(root) and file.is_file()
    except (OSError, ValueError, RuntimeError):  # a name too long, a zero in it, links in a circle
        return False


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

    @classmethod
    def under(cls, root: Path, *, follow_links: bool) -> _Files:
        from bstviz.datasets.folder import sounds_in

        by_path: dict[str, str | None] = {}
        by_name: dict[str, str | None] = {}
        for path in sorted(sounds_in(root, follow_links=follow_links).files, key=lambda p: (p.count("/"), p)):
            bare = path.rsplit(".", 1)[0]
            for own in {_key(spelt) for name in (path, bare) for spelt in (name, _western(name))}:
                by_path[own] = path if own not in by_path else None
            name = PurePosixPath(bare).name
            nearer = by_name.setdefault(name, path)
            if nearer is None or nearer == path or nearer.count("/") < path.count("/"):
                continue
            if on_disk(root / nearer).resolve() != on_disk(root / path).resolve():  # a link names the same one
                by_name[name] = None
        return cls(by_path, by_name)

    def of_path(self, given: str) -> str | None:
        key = _key(given)
        if ".." in key.split("/"):
            return None
        found = self.by_path.get(key)
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
        return is_plain(values) and (values.nunique() > 1 or str(values.iloc[0]).lower().endswith(decode.SUFFIXES))

    return next((name for name in PATH_COLUMNS if name in rows and of_sounds(rows[name])), None)


def bytes_column(rows: pd.DataFrame) -> str | None:
    """The column whose cells hold whole sound files: bytes, or a dict of ``bytes`` and ``path`` (Hugging Face)."""
    for name in rows:
        data = next((d for c in rows[name] if (d := _bytes(c))), b"") if rows[name].dtype == object else b""
        if data.startswith((*STARTS, MPEG)) or data[4:8] == MP4:
            return str(name)
    return None


def write_sounds(cells: Sequence[Any], folder: Path) -> list[str | None]:
    """Write the sound files that cells hold into a folder; a file that is there with the same bytes is left.

    Args:
        cells: As :func:`bytes_column` finds them; None where there is no sound.
        folder: Made where it is missing.

    Returns:
        The file's name for each cell.

    Raises:
        UserError: The folder cannot be written, or holds another file of a sound's name.
    """
    from bstviz import storage
    from bstviz.datasets.reading import distinct

    def given_name(position: int, cell: Any) -> str:
        stated = str(cell.get("path") or "") if isinstance(cell, dict) else ""
        name = re.sub(r"[\x00-\x1f]", "", re.split(r"[\\/]", stated)[-1]).strip(". ") or f"{position:06d}"
        data = _bytes(cell) or b""
        return name if Path(name).suffix else name + next((s for b, s in STARTS.items() if data.startswith(b)), ".bin")

    names = [given_name(position, cell) for position, cell in enumerate(cells)]
    if len(set(names)) < len(names):
        names = [f"{position:06d}_{name}" for position, name in enumerate(distinct(names))]
    out: list[str | None] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, cell in zip(names, cells, strict=True):
            data = _bytes(cell)
            file = folder / name
            if data and file.is_file() and file.read_bytes() != data:
                raise UserError(
                    f"{file} is another file than the table's sound of that name, and stays as it is. Name another "
                    "folder for the table's sounds: --audio FOLDER."
                )
            if data and not file.is_file():
                storage.write_file(file, data)
            out.append(name if data else None)
    except OSError as error:
        raise UserError(
            f"Cannot write the table's sounds to {folder}: {error.strerror}. Name a folder for them: --audio FOLDER."
        ) from None
    return out


def _bytes(cell: Any) -> bytes | None:
    found = cell.get("bytes") if isinstance(cell, dict) else cell
    return found if isinstance(found, bytes) else None
