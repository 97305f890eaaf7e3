"""A bare folder of sounds: every audio file in it and below, named by its path, without classes.

Example: bstviz import folder ~/Recordings --out collections/recordings
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bstviz.datasets.base import Source
from bstviz.errors import UserError
from bstviz.paths import listed, on_disk, readable

if TYPE_CHECKING:
    from bstviz.datasets.collection import Collection
    from bstviz.datasets.taxonomy import Taxonomy

SOURCE = Source("folder", "A folder of sounds", "", "your own", "yours to state")
RESOURCES = "__MACOSX"
"""Folder of what macOS packs into archives beside the files."""
LEFT_OUT_NAMED = 20


@dataclass(frozen=True)
class Listing:
    """The sounds of a folder.

    Attributes:
        files: Their paths, relative to it, with forward slashes, sorted; names that are not UTF-8 as
            :func:`bstviz.paths.readable` writes them.
        left_out: Why what else could be sounds is not among them, by relative path.
        follow_links: Whether links that leave the folder were followed.
    """

    files: tuple[str, ...]
    left_out: dict[str, str]
    follow_links: bool = False

    def away(self, paths: Iterable[str]) -> list[str]:
        """Those of some paths that lie at or below what was left out: files that may be there though none is listed."""
        return [p for p in paths if any(str(q) in self.left_out for q in (PurePosixPath(p), *PurePosixPath(p).parents))]


def list_sounds(folder: Path, *, follow_links: bool = False) -> Listing:
    """The audio files in a folder and below.

    Hidden files and folders and ``__MACOSX`` are passed over. Links are followed where they stay inside the folder; the
    rest is left out by name: links that leave it, lead nowhere or in a circle, and what cannot be listed or is no file.

    Args:
        folder: The folder.
        follow_links: Follow links that leave it, too.

    Raises:
        UserError: The folder is missing, cannot be listed, or holds no audio file.
    """
    from bstviz.audio import decode

    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}.")
    root = folder.resolve()
    files: set[str] = set()
    left_out: dict[str, str] = {}
    linked_to: set[Path] = set()
    todo: list[tuple[Path, tuple[Path, ...], bool]] = [(root, (root,), False)]
    while todo:
        place, real_places, linked = todo.pop()
        try:
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        except OSError as error:
            left_out[_relative(place, root)] = f"The folder could not be listed: {error.strerror}."
            continue
        for entry in entries:
            path, is_sound = Path(entry.path), Path(entry.name).suffix.lower() in decode.SUFFIXES
            if entry.name.startswith(".") or entry.name == RESOURCES:
                continue
            try:
                mode, is_link = entry.stat().st_mode, entry.is_symlink()
            except OSError as error:
                left_out[_relative(path, root)] = _unreadable(path, error)
                continue
            if not (is_sound or stat.S_ISDIR(mode)):
                continue
            real = path.resolve() if is_link else real_places[-1] / entry.name
            relative = _relative(path, root)
            if is_link and not (follow_links or real.is_relative_to(root)):
                left_out[relative] = f"It is a link that leaves the folder, to {real}; --follow-links follows it."
            elif stat.S_ISDIR(mode):
                if real in real_places:
                    left_out[relative] = "It is a link that leads in a circle."
                elif is_link and linked and real in linked_to:  # links among linked folders make ever new paths
                    left_out[relative] = f"It is a link to a folder that is read already, {real}."
                else:
                    todo.append((path, (*real_places, real), linked or is_link))
                    linked_to |= {real} if is_link else set()
            elif not stat.S_ISREG(mode):
                left_out[relative] = "It is a pipe, a socket or a device, no file."
            elif relative in files:
                left_out[f"{relative} (not UTF-8)"] = "Another file is named as this one is written down; rename it."
            else:
                files.add(relative)
    if "." in left_out:
        raise UserError(f"{folder}: {left_out['.']} Allow it to be read, or choose another folder.")
    if not files:
        named = "".join(f" {path}: {reason}" for path, reason in list(left_out.items())[:LEFT_OUT_NAMED])
        raise UserError(f"{folder} holds no audio file; supported are {', '.join(decode.SUFFIXES)}.{named}")
    reasons = dict(sorted((path, readable(why)) for path, why in left_out.items()))
    return Listing(tuple(sorted(files)), reasons, follow_links)


def _relative(path: Path, root: Path) -> str:
    return listed(path.relative_to(root).as_posix())


def _unreadable(path: Path, error: OSError) -> str:
    """Why the entry of a folder cannot be looked at."""
    if error.errno == errno.ELOOP:
        return "It is a link that leads in a circle."
    if path.is_symlink():
        return f"It is a link that leads nowhere, to {path.readlink()}."
    return f"It could not be read: {error.strerror}."


def load(
    folder: str | Path, *, name: str | None = None, taxonomy: Taxonomy | None = None, follow_links: bool = False
) -> Collection:
    """Collection of all audio files under a folder.

    Titles come from file names, tags from the names of the folders on the way; ids are the relative paths. Two further
    columns, ``bytes`` and ``modified`` (ns since 1970), tell when a file has changed. What :func:`list_sounds` leaves
    out is among the notes.

    Raises:
        UserError: The folder is missing or holds no audio file.
    """
    from bstviz.datasets.taxonomy import bst

    root = Path(folder).resolve()
    return collection_of(root, list_sounds(root, follow_links=follow_links), name=name, taxonomy=taxonomy or bst())


def collection_of(root: Path, listing: Listing, *, name: str | None = None, taxonomy: Taxonomy) -> Collection:
    """Collection of the sounds of a folder that have been listed; a file that has vanished since has no length."""
    import pandas as pd

    from bstviz.audio import decode
    from bstviz.datasets.collection import Collection, sounds_table

    relative = [PurePosixPath(path) for path in listing.files]
    files = [on_disk(root / path) for path in listing.files]
    states = [_state(file) for file in files]
    rows = pd.DataFrame(
        {
            "sound_id": listing.files,
            "title": [re.sub(r"[_\s]+", " ", p.stem).strip() for p in relative],
            "tags": [",".join(p.parent.parts) for p in relative],
            "path": listing.files,
            "duration": [decode.duration(file) for file in files],
            "bytes": [size for size, _ in states],
            "modified": [time for _, time in states],
        }
    )
    named = [f"{path} was left out: {reason}" for path, reason in listing.left_out.items()]
    more = [f"{len(named) - LEFT_OUT_NAMED:,} more were left out."] if len(named) > LEFT_OUT_NAMED else []
    return Collection(
        name=name or listed(root.name),
        sounds=sounds_table(rows),
        taxonomy=taxonomy,
        audio_root=str(root),
        notes=(*named[:LEFT_OUT_NAMED], *more),
        follow_links=listing.follow_links,
    )


def _state(file: Path) -> tuple[int, int]:
    """Size and time of change of a file, 0 and 0 where it has vanished."""
    try:
        status = file.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns
