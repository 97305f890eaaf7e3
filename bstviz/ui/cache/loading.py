"""Runs and collections in the version that a session shows (:mod:`bstviz.ui.cache.versions`), loaded once for all."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from bstviz.datasets.collection import COLLECTION_HEADER, Collection, current_files_hash, load_collection
from bstviz.errors import UserError, in_words
from bstviz.models import run
from bstviz.models.run_info import HEADER, RunInfo
from bstviz.ui.cache import versions
from bstviz.ui.cache.loaded import Loaded
from bstviz.ui.cache.versions import RunVersion, collection_folders, header_hash
from bstviz.ui.kept import kept

Content = TypeVar("Content")
Collections = tuple[tuple[str, str], ...]
"""Folders of collections that may be a run's, with the hashes of their headers."""
MAPPED_BYTES = 256 * 2**20
"""Latents of fewer bytes are held in memory: a map of a file shows what somebody writes into it, and ends with it."""
RELOAD = "Press Reload, or load the page again, to see it as it is now."


def identity_of_collection(collection: Collection) -> str:
    """What a cache knows a collection by: its folder, its hash, and that of its files, by which audio is found."""
    return f"{collection.folder}|{collection.hash}|{collection.files_hash}"


def infos() -> dict[Path, RunInfo]:
    """What each run that the session shows is, by its folder, without its arrays; damaged ones are left out.

    Raises:
        UserError: No run can be read.
    """
    known = versions.shown()
    if not known.runs:
        raise UserError(next(iter(known.unreadable.values())))
    return {path: version.info for path, version in known.runs.items()}


def run_named(name: str) -> str:
    """Path of a run by its name in an address; KeyError where there is none."""
    return str(versions.shown().named[name])


def run_name(loaded: Loaded) -> str:
    """Name of a run in an address."""
    own = versions.shown().path_of(loaded.run.folder or Path())
    return next(name for name, path in versions.shown().named.items() if path == own)


def run_path(loaded: Loaded) -> str:
    """Path of a run, as pickers hold it."""
    return run_named(run_name(loaded))


def load_run(path: Path) -> run.Run:
    """A run in the version that the session shows.

    Raises:
        UserError: It is not one of those that the app was started with, or is another on disk by now.
    """
    return run_at(*_version(path))


def load(path: Path) -> Loaded:
    """A run with its collection, in the versions that the session shows; without one, with the problem.

    Raises:
        UserError: As :func:`load_run`.
    """
    (place, digest), known = _version(path), versions.shown()
    candidates = tuple(
        (str(folder), known.collections[folder])
        for folder in collection_folders(known.runs[Path(place)])
        if folder in known.collections
    )
    try:
        return _load(place, digest, candidates)
    except (UserError, OSError) as error:  # asked again at the next look: a folder may be on its way
        return _without_collection(place, digest, str(error))


def siblings(loaded: Loaded) -> list[RunInfo]:
    """Runs of the same setting, one per fold, in fold order, this one among them."""
    return [version.info for version in _siblings(loaded)]


def sibling_keys(loaded: Loaded) -> tuple[tuple[int, str, str], ...]:
    """Fold, folder and header hash of each of :func:`siblings`, for :func:`run_at`."""
    return tuple((v.info.fold, str(v.info.folder), v.hash) for v in _siblings(loaded))


def check_unchanged(collection: Collection) -> None:
    """Refuse (UserError) to play anything of a collection that was changed on disk since it was loaded."""
    folder = collection.folder or Path()
    if _files_hash(folder, header_hash(folder, COLLECTION_HEADER)) != collection.files_hash:
        raise UserError(f"Collection {collection.name!r} was changed on disk since this page loaded it. {RELOAD}")


def _version(path: Path) -> tuple[str, str]:
    """Folder and header hash of a run that the session shows."""
    known = versions.shown()
    own = known.path_of(path)
    if own is None:
        raise UserError(known.unreadable.get(path, f"The run {path.name} is not there any more. {RELOAD}"))
    return str(own), known.runs[own].hash


def _siblings(loaded: Loaded) -> list[RunVersion]:
    known, (path, _) = versions.shown().runs, _version(loaded.run.folder or Path())
    own = known[Path(path)]
    found = {own.info.fold: own}
    for other in known.values():
        if other.setting == own.setting:
            found.setdefault(other.info.fold, other)
    return [found[fold] for fold in sorted(found)]


def _as_shown(folder: Path, header: str, digest: str, read: Callable[[Path], Content]) -> Content:
    """What a folder holds, if that is the version of this hash of its header, before and after it was read."""
    if header_hash(folder, header) == digest:
        content = read(folder)
        if header_hash(folder, header) == digest:
            return content
    raise UserError(f"{folder.name} was changed on disk since this page was opened. {RELOAD}")


@kept(max_entries=64)
def run_at(path: str, digest: str) -> run.Run:
    """A run in the version of this hash of its header, whoever shows it.

    Raises:
        UserError: It is neither in memory nor on disk.
    """
    found = _as_shown(Path(path), HEADER, digest, run.load_run)
    return dataclasses.replace(found, latents=np.array(found.latents)) if found.latents.nbytes < MAPPED_BYTES else found


@kept(max_entries=8)
def _load_collection(path: str, digest: str) -> Collection:
    return _as_shown(Path(path), COLLECTION_HEADER, digest, load_collection)


@lru_cache(64)
def _files_hash(folder: Path, digest: str) -> str:
    return current_files_hash(folder)


def _find_collection(loaded: run.Run, candidates: Collections) -> Collection:
    problem = (
        f"The collection {loaded.collection.name!r} that this run was trained on was not found (or has changed since): "
        "titles and sounds are missing here. Name its folder when you start the app: --collection FOLDER."
    )
    for folder, digest in candidates:
        try:
            collection = _load_collection(str(Path(folder).resolve()), digest)
        except (UserError, OSError) as error:  # another candidate may be the one
            problem = in_words(error) or str(error)
            continue
        if collection.hash == loaded.collection.hash:
            if not loaded.sounds["sound_id"].isin(collection.row_of).all():
                raise UserError(f"Run {loaded.id} lists sounds that its collection {collection.name!r} does not have.")
            return collection
    raise UserError(problem)


@kept(max_entries=64)
def _load(path: str, digest: str, candidates: Collections) -> Loaded:
    loaded = run_at(path, digest)
    collection = _find_collection(loaded, candidates)
    identity = _identity(path, digest, *(f"{folder} {version}" for folder, version in candidates))
    rows = pd.Index(collection.sounds["sound_id"]).get_indexer(loaded.sounds["sound_id"])
    table = collection.sounds.iloc[rows].reset_index(drop=True)
    return Loaded(loaded, collection, None, rows, table, identity, _identity(path, digest))


@kept(max_entries=64)
def _without_collection(path: str, digest: str, problem: str) -> Loaded:
    loaded = run_at(path, digest)
    columns = ["title", "tags", "description", "uploader", "license", "confidence"]
    bare = pd.DataFrame({c: [pd.NA] * len(loaded.sounds) for c in columns})
    rows, identity = np.full(len(loaded.sounds), -1), _identity(path, digest, problem)
    return Loaded(loaded, None, problem, rows, bare, identity, _identity(path, digest))


def _identity(*parts: str) -> str:
    """Names what was loaded, for browsers too: nothing of the server's disk is in it."""
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]
