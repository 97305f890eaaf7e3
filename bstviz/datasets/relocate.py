"""Collections whose sounds have moved: another audio folder, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from bstviz.datasets.collection import NO_FOLDER, SYNTH_ROOT, Collection
from bstviz.errors import UserError
from bstviz.paths import on_disk


@dataclass(frozen=True, eq=False)
class Relocation:
    """A collection with another audio folder, how many of its sounds name a file, and which of these are not there, as
    reasons by id.
    """

    collection: Collection
    files: int
    missing: dict[str, str]


def relocated(collection: Collection, root: str | Path) -> Relocation:
    """The collection with its sounds in another folder; ids, classes and embeddings, so its identity, stay.

    Args:
        collection: Whose ``path`` column names files.
        root: The folder that the paths are relative to now.

    Raises:
        UserError: The folder is missing, the collection names no files, or none of them is there.
    """
    root = Path(root).resolve()
    if not root.is_dir():
        raise UserError(f"There is no folder {root}; give the one where the sounds are now.")
    named = collection.sounds.loc[collection.sounds["path"].notna(), ["sound_id", "path"]]
    if collection.audio_root == SYNTH_ROOT or named.empty:
        raise UserError(f"Collection {collection.name!r} names no audio files; there is nothing to relocate.")
    missing = {
        sound_id: f"There is no file {path} in {root}."
        for sound_id, path in named.itertuples(index=False, name=None)
        if not _is_there(root, path)
    }
    if len(missing) == len(named):
        before = "" if collection.audio_root in NO_FOLDER else f" They were in {collection.root()}."
        raise UserError(
            f"None of the {len(named):,} sounds of {collection.name!r} is in {root}, {named['path'].iat[0]} for one. "
            f"Give the folder that the paths are relative to.{before}"
        )
    return Relocation(replace(collection, audio_root=str(root)), len(named), missing)


def _is_there(root: Path, path: str) -> bool:
    """Whether a file is in a folder; a path that leads out of it is not."""
    parts = PurePosixPath(path)
    return not parts.is_absolute() and ".." not in parts.parts and on_disk(root / path).is_file()
