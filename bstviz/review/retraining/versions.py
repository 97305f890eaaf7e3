"""Versions: what each retraining makes, a folder beside the record of decisions, and the way back to any.

A version is an experiment like any other (``version-1``, ``version-2``, …) with the collection that its runs belong to
inside of it, in ``collection``. Its ``experiment.json`` names the runs before it and those that its training started
from. Nothing is overwritten: going back is choosing an older run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bstviz import storage
from bstviz.models.experiment_folder import read_experiment
from bstviz.models.run_info import CollectionRef, RunInfo
from bstviz.review.record_files import STEM, VERSIONS, record_file, version_number

VERSION_COLLECTION = "collection"
HELD_OUT = "held-out.parquet"


@dataclass(frozen=True)
class Version:
    """One version.

    Attributes:
        number: From 1.
        folder: Its experiment.
    """

    number: int
    folder: Path

    @property
    def collection(self) -> Path:
        """Folder of its collection."""
        return self.folder / VERSION_COLLECTION

    @property
    def held_out(self) -> Path:
        """File of what further networks say of sounds that they did not learn (not always there)."""
        return self.folder / HELD_OUT

    @property
    def before(self) -> list[Path]:
        """Folders of the runs before it."""
        return self._named("before")

    @property
    def started_from(self) -> list[Path]:
        """Folders of the runs that its training started from; none where weights were drawn anew."""
        return self._named("started_from")

    def _named(self, name: str) -> list[Path]:
        return [self.folder / stated for stated in read_experiment(self.folder).get(name, ())]


def versions_folder(collection: CollectionRef, experiments: Iterable[Path]) -> Path:
    """Where the versions of a collection are kept: beside the record of the decisions on it."""
    record = record_file(collection, experiments)
    return record.with_name(f"{record.stem}{VERSIONS}")


def home_of(before: Sequence[RunInfo], experiments: Iterable[Path]) -> Path:
    """The folder that a retraining of some runs adds a version to: their own version's, or that of their collection."""
    version = version_of(before[0].folder) if before[0].folder else None
    return version.folder.parent if version is not None else versions_folder(before[0].collection, experiments)


def find_versions(folder: Path) -> list[Version]:
    """The versions in a folder of versions, first to last; none where there is no such folder."""
    found = [version for path in (storage.folders_in(folder) if folder.is_dir() else ()) if (version := _version(path))]
    return sorted(found, key=lambda version: version.number)


def origins(versions: Iterable[Version]) -> dict[Path, set[Path]]:
    """By folder of a version, those of the runs before all retraining that it comes from.

    Args:
        versions: Of one folder, first to last.
    """
    found: dict[Path, set[Path]] = {}
    for version in versions:
        before = [run.resolve() for run in version.before]
        found[version.folder.resolve()] = set().union(*(found.get(run.parent, {run}) for run in before))
    return found


def is_versions(folder: Path) -> bool:
    """Whether a folder is one of versions."""
    return folder.name.endswith(VERSIONS) and bool(find_versions(folder))


def version_of(run: Path) -> Version | None:
    """The version that a run's folder belongs to; None for a run of another experiment."""
    version = _version(run.resolve().parent)
    return version if version is not None and version.collection.is_dir() else None


def next_version(folder: Path) -> Version:
    """The version to be made in a folder of versions."""
    number = 1 + max((version.number for version in find_versions(folder)), default=0)
    return Version(number, folder / f"{STEM}{number}")


def _version(folder: Path) -> Version | None:
    number = version_number(folder)
    return Version(number, folder) if number is not None else None
