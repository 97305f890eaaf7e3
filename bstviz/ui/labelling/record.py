"""The decisions on a collection's labels: one way to them for all pages, read again when the record has grown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bstviz.errors import UserError
from bstviz.models.run_info import CollectionRef
from bstviz.review import record_files
from bstviz.review.decisions import Record, read_record
from bstviz.ui.cache import versions
from bstviz.ui.kept import kept


@dataclass(frozen=True, eq=False)
class Labels:
    """The decisions on a collection as a page has them.

    Attributes:
        file: Where they are kept.
        hash: Of the collection.
        record: What has been decided.
        identity: Names this state of the record.
        problem: Why the record cannot be read, where it cannot.
    """

    file: Path
    hash: str
    record: Record
    identity: str
    problem: str | None = None

    def seen(self, sounds: list[str]) -> dict[str, list[str]]:
        """Ids of the decisions that stand on some sounds, by sound."""
        standing = self.record.standing
        return {sound: [d.id for d in standing[sound]] for sound in sounds if sound in standing}


@kept(max_entries=16)
def _record(file: str, collection_hash: str, state: tuple[int, int]) -> Record:
    return read_record(Path(file), collection_hash)


def recorded(file: Path, collection_hash: str) -> tuple[Record, str]:
    """The decisions of a file as they are on the disk now, and a name for its state; UserError as
    :func:`bstviz.review.decisions.read_record`.
    """
    try:
        found = file.stat()
        state = found.st_mtime_ns, found.st_size
    except OSError:  # not there, or not to be looked at, which reading it says
        state = (0, 0)
    if state == (0, 0):
        return read_record(file, collection_hash), f"{file}|{collection_hash}"
    return _record(str(file), collection_hash, state), f"{file}|{collection_hash}|{state}"


def labels_of(about: CollectionRef) -> Labels:
    """The decisions on a collection as they are on the disk now."""
    file = record_files.record_file(about, versions.experiment_folders())
    try:
        record, identity = recorded(file, about.hash)
    except UserError as error:
        return Labels(file, about.hash, Record(), f"{file}|unreadable", str(error))
    return Labels(file, about.hash, record, identity)
