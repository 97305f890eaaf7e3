"""A bare folder of sounds: every audio file in it and below, named by its path, without classes.

Example: bstviz import folder ~/Recordings --out collections/recordings
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from bstviz.datasets.base import Source
from bstviz.errors import UserError

if TYPE_CHECKING:
    from bstviz.datasets.collection import Collection
    from bstviz.datasets.taxonomy import Taxonomy

SOURCE = Source("folder", "A folder of sounds", "", "your own", "yours to state")


def sound_files(folder: Path) -> list[str]:
    """Audio files under a folder, as sorted paths relative to it with forward slashes.

    Hidden files and folders are left out.

    Raises:
        UserError: The folder is missing or holds no audio file.
    """
    from bstviz.audio import decode

    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}.")
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inside = Path(place).relative_to(folder)
        sounds = (name for name in names if Path(name).suffix.lower() in decode.SUFFIXES and not name.startswith("."))
        found += [(inside / name).as_posix() for name in sounds]
    if not found:
        raise UserError(f"{folder} holds no audio file; supported are {', '.join(decode.SUFFIXES)}.")
    return sorted(found)


def load(folder: str | Path, *, name: str | None = None, taxonomy: Taxonomy | None = None) -> Collection:
    """Collection of all audio files under a folder.

    Titles come from file names, tags from the names of the folders on the way; ids are the relative paths. Two further
    columns, ``bytes`` and ``modified`` (ns since 1970), tell when a file has changed.

    Raises:
        UserError: The folder is missing or holds no audio file.
    """
    import pandas as pd

    from bstviz.audio import decode
    from bstviz.datasets.collection import Collection, sounds_table
    from bstviz.datasets.taxonomy import bst

    root = Path(folder).resolve()
    relative = [Path(path) for path in sound_files(root)]
    states = [(root / p).stat() for p in relative]
    rows = pd.DataFrame(
        {
            "sound_id": [p.as_posix() for p in relative],
            "title": [re.sub(r"[_\s]+", " ", p.stem).strip() for p in relative],
            "tags": [",".join(p.parent.parts) for p in relative],
            "path": [p.as_posix() for p in relative],
            "duration": [decode.duration(root / p) for p in relative],
            "bytes": [state.st_size for state in states],
            "modified": [state.st_mtime_ns for state in states],
        }
    )
    return Collection(
        name=name or root.name, sounds=sounds_table(rows), taxonomy=taxonomy or bst(), audio_root=str(root)
    )
