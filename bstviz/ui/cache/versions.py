"""Which version of each run and collection a session shows: those that were on disk when it began, or reloaded.

A session keeps hashes of headers, and :mod:`bstviz.ui.cache.loading` loads what it shows by these: from memory, or
from the disk as long as that holds the same. So all visitors of a version share what was loaded, and none is handed
another one in its place. :func:`look` says what has changed since.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

import streamlit as st

from bstviz import paths, storage
from bstviz.datasets.collection import COLLECTION_HEADER, is_collection
from bstviz.errors import UserError, in_words
from bstviz.evaluation.out_of_fold import Setting, setting_of
from bstviz.models.experiment_folder import find_runs, shortest_names
from bstviz.models.run_info import HEADER, RunInfo, info_from_header, is_run, read_run_header
from bstviz.review.retraining.versions import find_versions, is_versions, versions_folder
from bstviz.server.visitors.forget import this_visitor
from bstviz.training.baselines import BASELINES, Baseline, baseline_files, read_baseline
from bstviz.ui import callbacks
from bstviz.ui.kept import KEEPER

SESSION_VERSIONS = "bstviz.versions"
"""Where the session keeps what it shows."""
NAMES_SAID = 3
"""Folders that a sentence names at most."""
FileState = tuple[str, int, int, int, int]
"""Of a file: its name, inode, size, and when it was written and last touched, in ns."""


@dataclass(frozen=True, eq=False)
class RunVersion:
    """A run as it is, or was: the hash of its header, which names all its files, and what that says."""

    hash: str
    info: RunInfo

    @property
    def place(self) -> Path:
        """Where it lay, whatever links led there."""
        return self.info.folder or Path()

    @cached_property
    def setting(self) -> Setting:
        """What it shares with its siblings."""
        return setting_of(self.info)

    @cached_property
    def named(self) -> Path | None:
        """The folder of the collection that it names; of no link of the run's own folder, which may go."""
        if self.info.collection.path is None:
            return None
        return Path(os.path.normpath(self.place / self.info.collection.path))


@dataclass(frozen=True, eq=False)
class BaselineVersion:
    """A baseline as it is, or was: the hash of its file, and its scores."""

    hash: str
    content: Baseline


@dataclass(frozen=True, eq=False)
class Versions:
    """What the app was started with, as it was on disk at one moment.

    Attributes:
        given: Folders of experiments and of collections, as the app was given them.
        runs: Runs that are whole, by folder, in order; no two of one place.
        baselines: Those of the experiments, by file, in order.
        collections: Hash of the header of each collection that may be a run's, by folder.
        unreadable: Why other folders are no such runs, and files no such baselines.
    """

    given: tuple[str, str]
    runs: Mapping[Path, RunVersion]
    baselines: Mapping[Path, BaselineVersion]
    collections: Mapping[Path, str]
    unreadable: Mapping[Path, str]

    @cached_property
    def named(self) -> dict[str, Path]:
        """Runs by the shortest name that tells them apart: the folder's, or as much of the path as that takes."""
        names = shortest_names([version.place for version in self.runs.values()])
        return dict(zip(names, self.runs, strict=True))

    @cached_property
    def _by_place(self) -> dict[Path, Path]:
        return {version.place: path for path, version in self.runs.items()}

    def path_of(self, folder: Path) -> Path | None:
        """How the app was given the folder of a run; None where it is none of these."""
        return folder if folder in self.runs else self._by_place.get(folder.resolve())


def shown() -> Versions:
    """What this session shows."""
    kept: Versions | None = st.session_state.get(SESSION_VERSIONS)
    if kept is None or kept.given != _given():
        kept = st.session_state[SESSION_VERSIONS] = on_disk()
    return kept


def reload() -> None:
    """Show what is on disk now; what was there before is kept for those who still look at it."""
    from bstviz.ui.web import media  # which is made for pages, and they for what is loaded

    st.session_state[SESSION_VERSIONS] = on_disk()
    KEEPER.leave(this_visitor())
    callbacks.let_go()
    media.let_go()


def look() -> list[str]:
    """What is another on disk than this session shows, a clause each; a collection that was missing is taken in."""
    now, kept = on_disk(), st.session_state.get(SESSION_VERSIONS)
    if kept is None or kept.given != now.given or not kept.runs:
        kept = now
    collections = {**now.collections, **kept.collections}
    unreadable = {path: reason for path, reason in now.unreadable.items() if path not in {*kept.runs, *kept.baselines}}
    if (collections, unreadable) != (kept.collections, kept.unreadable):
        kept = replace(kept, collections=collections, unreadable=unreadable)
    st.session_state[SESSION_VERSIONS] = kept
    return _changes(kept, now)


def experiment_folders() -> list[Path]:
    """Folders to load runs from: those the app was started with, or the bundled ones."""
    given = [Path(p) for p in os.environ.get(paths.EXPERIMENTS_VARIABLE, "").split(os.pathsep) if p]
    return given or paths.bundled_experiments()


def collection_folders(version: RunVersion) -> list[Path]:
    """Folders that may hold a run's collection: those the app was started with, and the one that it names."""
    folders = [Path(p) for p in os.environ.get(paths.COLLECTION_VARIABLE, "").split(os.pathsep) if p]
    return folders if version.named is None else [*folders, version.named]


def on_disk() -> Versions:
    """What the app was started with, as it is now. One damaged or missing run hides no other."""
    runs: dict[Path, RunVersion] = {}
    unreadable: dict[Path, str] = {}
    given, made = experiment_folders(), list[Path]()
    for folders in (given, made):
        for path, read in (each for experiment in folders for each in _read_experiment(experiment).items()):
            if isinstance(read, str):
                unreadable[path] = read
            else:
                runs[path] = read
        if folders is given:
            made += _retrained(runs.values(), given)
    runs = _each_once(runs)
    baselines: dict[Path, BaselineVersion] = {}
    for file, own in (each for experiment in experiment_folders() for each in _read_baselines(experiment).items()):
        if isinstance(own, str):
            unreadable[file] = own
        else:
            baselines[file] = own
    candidates = {folder for version in runs.values() for folder in collection_folders(version)}
    collections = {folder: digest for folder in candidates if (digest := _collection_hash(folder))}
    return Versions(_given(), runs, baselines, collections, unreadable)


def _retrained(runs: Iterable[RunVersion], given: Sequence[Path]) -> list[Path]:
    """Experiments that retrainings of some runs have made."""
    collections = {version.info.collection.hash: version.info.collection for version in runs}
    homes = dict.fromkeys(versions_folder(collection, given) for collection in collections.values())
    return [version.folder for home in homes for version in find_versions(home)]


def header_hash(folder: Path, header: str) -> str:
    """Hash of a folder's header, read again only where the file has changed; UserError where it is away."""
    file = folder / header
    try:
        file = storage.located(folder) / header
        return _hash(file, _state(file.name, file.stat()))
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}). Load the page again when it is back.") from None


def _given() -> tuple[str, str]:
    return os.environ.get(paths.EXPERIMENTS_VARIABLE, ""), os.environ.get(paths.COLLECTION_VARIABLE, "")


def _read_experiment(experiment: Path) -> dict[Path, RunVersion | str]:
    """The runs of an experiment (or the one run), and why its other folders are none; by folder."""
    try:
        folders = [experiment] if is_run(experiment) else storage.folders_in(experiment)
        found = {folder: _read(folder) for folder in folders if folder.name != BASELINES}
        if not any(found.values()):
            find_runs(experiment)  # says what is missing
    except (UserError, OSError) as error:
        return {experiment: in_words(error) or str(error)}
    return {
        folder: read or f"{folder} is no run: there is no {HEADER} in it."
        for folder, read in found.items()
        if read or not (is_collection(folder) or is_versions(folder))
    }


def _each_once(runs: Mapping[Path, RunVersion]) -> dict[Path, RunVersion]:
    """Runs without a second one of the same place; of a folder and links to it the folder stays."""
    first: dict[Path, Path] = {}
    for path in sorted(runs, key=Path.is_symlink):
        first.setdefault(runs[path].place, path)
    return {path: version for path, version in runs.items() if first[version.place] == path}


def _read(folder: Path) -> RunVersion | str | None:
    """A run whose files are whole, or why it is not; None where there is no header of a run."""
    try:
        files = _files(folder)
        return _whole(folder, files) if any(name == HEADER for name, *_ in files) else None
    except (UserError, OSError) as error:
        return in_words(error) or str(error)


def _read_baselines(experiment: Path) -> dict[Path, BaselineVersion | str]:
    """The baselines of an experiment, and why other files are none; by file."""
    found: dict[Path, BaselineVersion | str] = {}
    try:
        files = baseline_files(experiment)
    except OSError as error:
        return {experiment / BASELINES: in_words(error) or str(error)}
    for file in files:
        try:
            found[file] = _baseline(file, _state(file.name, file.stat()))
        except FileNotFoundError:  # deleted just now
            continue
        except OSError as error:
            found[file] = in_words(error) or str(error)
    return found


def _collection_hash(folder: Path) -> str | None:
    try:
        return header_hash(folder, COLLECTION_HEADER)
    except UserError:
        return None


def _state(name: str, found: os.stat_result) -> FileState:
    """What tells a file from another one at its place, whatever its time of writing was set to."""
    return name, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _files(folder: Path) -> tuple[FileState, ...]:
    """The files of a folder, which may just be replaced."""

    def files(place: Path) -> tuple[FileState, ...]:
        with os.scandir(place) as entries:
            return tuple(sorted(_state(entry.name, entry.stat()) for entry in entries if entry.is_file()))

    try:
        return files(folder)
    except FileNotFoundError:
        return storage.read_folder(folder, files)


@lru_cache(4096)
def _hash(file: Path, state: FileState) -> str:
    return storage.sha256(file)


@lru_cache(4096)
def _whole(path: Path, files: tuple[FileState, ...]) -> RunVersion | str:
    """A run in whose files nothing is amiss, or what is: read again only where one of them has changed."""

    def read(place: Path) -> RunVersion:
        return RunVersion(storage.sha256(place / HEADER), info_from_header(read_run_header(place, verify=True), path))

    try:
        return storage.read_folder(path, read)
    except UserError as error:
        return str(error)


@lru_cache(4096)
def _baseline(file: Path, state: FileState) -> BaselineVersion | str:
    """A baseline, or what is amiss with it: read again only where its file has changed."""
    try:
        return BaselineVersion(storage.sha256(file), read_baseline(file))
    except UserError as error:
        return str(error)


def _changes(kept: Versions, now: Versions) -> list[str]:
    """What is another on disk than a session shows, a clause each."""
    runs = _of_one_kind(kept.runs, now.runs, now.unreadable)
    baselines = _of_one_kind(kept.baselines, now.baselines, now.unreadable)
    there = {folder: now.collections.get(folder) or _collection_hash(folder) for folder in kept.collections}
    collections = {
        "replaced": [folder for folder, digest in there.items() if digest not in (None, kept.collections[folder])],
        "gone": [folder for folder, digest in there.items() if digest is None],
    }
    return [
        _clause(kind, state, folders)
        for kind, found in (("run", runs), ("baseline", baselines), ("collection", collections))
        for state, folders in found.items()
        if folders
    ]


def _of_one_kind(
    kept: Mapping[Path, RunVersion | BaselineVersion],
    now: Mapping[Path, RunVersion | BaselineVersion],
    unreadable: Mapping[Path, str],
) -> dict[str, list[Path]]:
    return {
        "replaced": [path for path in kept if path in now and kept[path].hash != now[path].hash],
        "damaged": [path for path in kept if path in unreadable],
        "gone": [path for path in kept if path not in now and path not in unreadable],
        "new": [path for path in now if path not in kept],
    }


def _clause(kind: str, state: str, folders: Sequence[Path]) -> str:
    names = list(dict.fromkeys(folder.absolute().name for folder in folders))
    several = len(names) > 1
    more = f" and {len(names) - NAMES_SAID} more" if len(names) > NAMES_SAID else ""
    return f"{kind}{'s' * several} {', '.join(names[:NAMES_SAID])}{more} {'are' if several else 'is'} {state}"
