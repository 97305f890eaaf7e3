"""Published data as it was downloaded, to folders that importers read: archives are unpacked, once and as a whole.

Somebody who downloads by hand has a .zip, or a folder with several and a table or two beside them. What is unpacked
there already is taken as it lies; the rest goes to the cache, within limits (:mod:`bstviz.audio.archive`).
"""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from pathlib import Path

from bstviz import paths, storage
from bstviz.audio import archive
from bstviz.errors import UserError

ARCHIVE = ".zip"
DIGITS = 16  # of a fingerprint in a folder's name


def unpack(file: Path, folder: Path) -> Path:
    """Unpack an archive into a folder of its own, whole or not there; a file that is no archive is copied into it.

    Raises:
        UserError: The archive is damaged or refused, or cannot be written there.
    """
    with storage.replaced_folder(folder) as fresh:
        if file.suffix.lower() == ARCHIVE:
            archive.unpack(file, fresh)
        else:
            shutil.copyfile(file, fresh / file.name)
    return folder


def folders_of(place: str | Path) -> list[Path]:
    """The folders that hold a data set which was downloaded by hand.

    Args:
        place: An archive; or a folder with the data set, or with archives of it that are still packed, or both.

    Returns:
        The folder itself, if it is one, and one for every archive that had to be unpacked.

    Raises:
        UserError: There is no such folder or archive, or an archive is damaged or refused.
    """
    place = Path(place)
    if place.is_dir():
        archives = sorted(file for file in place.iterdir() if file.suffix.lower() == ARCHIVE and file.is_file())
        return [place, *(_unpacked(file) for file in archives if not _lies_beside(file))]
    if place.suffix.lower() == ARCHIVE and place.is_file():
        return [_unpacked(place)]
    raise UserError(
        f"There is no folder and no {ARCHIVE} archive {place}; give one or the other, as it was downloaded."
    )


def _unpacked(file: Path) -> Path:
    """Where an archive is unpacked in the cache, after unpacking it if it is not."""
    state = file.stat()
    fingerprint = hashlib.sha256(f"{file.name}\n{state.st_size}\n{state.st_mtime_ns}".encode()).hexdigest()
    folder = paths.cache_folder() / "datasets" / f"{file.stem}-{fingerprint[:DIGITS]}"
    if folder.is_dir():
        return folder
    if folder.parent.is_dir():
        storage.sweep(folder.parent)
    return unpack(file, folder)


def _lies_beside(file: Path) -> bool:
    """Whether everything in an archive lies unpacked beside it, or in a folder of its name there."""
    try:
        with zipfile.ZipFile(file) as packed:
            names = [info.filename for info in packed.infolist() if not info.filename.endswith("/")]
    except (*archive.DAMAGED, OSError):
        return False  # unpacking says what is wrong with it
    return any(all((at / name).is_file() for name in names) for at in (file.parent, file.with_suffix("")))
