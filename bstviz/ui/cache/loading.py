"""Runs and collections, loaded once for each version of their folders: by the hash of their headers."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from bstviz import paths, storage
from bstviz.datasets.collection import (
    COLLECTION_HEADER,
    Collection,
    current_files_hash,
    is_collection,
    load_collection,
)
from bstviz.errors import UserError
from bstviz.models import run
from bstviz.models.experiment_folder import find_runs
from bstviz.models.run_info import HEADER, RunInfo, load_info
from bstviz.ui.cache.loaded import Loaded


def identity_of_collection(collection: Collection) -> str:
    """What a cache knows a collection by: its folder, hash, and the folder's version now, whose audio may differ."""
    folder = collection.folder or Path()
    return f"{folder}|{collection.hash}|{_header_hash(folder, COLLECTION_HEADER)}"


def experiment_folders() -> list[Path]:
    """Folders to load runs from: those the app was started with, or the bundled models."""
    given = [Path(p) for p in os.environ.get(paths.EXPERIMENTS_VARIABLE, "").split(os.pathsep) if p]
    return given or [paths.assets() / "runs"]


def run_paths() -> list[Path]:
    """Folders of all runs, in order.

    Raises:
        UserError: A folder holds none.
    """
    return [path for folder in experiment_folders() for path in find_runs(folder)]


def _named() -> dict[str, Path]:
    """Runs by the shortest name that tells them apart: the folder's, or as much of the path as that takes."""
    paths = [p.resolve() for p in run_paths()]
    for depth in range(1, max(len(p.parts) for p in paths) + 1):
        names = ["/".join(p.parts[-depth:]) for p in paths]
        if len(set(names)) == len(names):
            break
    return dict(zip(names, run_paths(), strict=True))


def run_named(name: str) -> str:
    """Path of a run by its name in an address; KeyError where there is none."""
    return str(_named()[name])


def run_name(loaded: Loaded) -> str:
    """Name of a run in an address."""
    own = loaded.run.folder
    return next(name for name, path in _named().items() if path.resolve() == own)


def run_path(loaded: Loaded) -> str:
    """Path of a run, as pickers hold it."""
    return run_named(run_name(loaded))


@lru_cache(4096)
def _hash(file: Path, changed: int, size: int) -> str:
    return storage.sha256(file)


def _header_hash(path: Path, header: str) -> str:
    """Hash of a folder's header, read again only where the file has changed; UserError where it is away."""
    file = storage.located(path) / header
    try:
        now = file.stat()
        return _hash(file, now.st_mtime_ns, now.st_size)
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}). Load the page again when it is back.") from None


@st.cache_resource(max_entries=64, show_spinner=False)
def _load_run(path: str, header_hash: str) -> run.Run:
    return run.load_run(path)


@st.cache_resource(max_entries=8, show_spinner=False)
def _load_collection(path: str, header_hash: str) -> Collection:
    return load_collection(path)


def load_run(path: Path) -> run.Run:
    """A run, read once for each version of its folder."""
    return _load_run(str(path), _header_hash(path, HEADER))


@lru_cache(1024)
def _info(path: str, header_hash: str) -> RunInfo:
    return load_info(path)


def infos() -> dict[Path, RunInfo]:
    """What each run that the app was started with is, by its folder, without its arrays; damaged ones are left out.

    Raises:
        UserError: No run can be read.
    """
    found, damaged = _read_infos()
    if damaged and not found:
        raise UserError(next(iter(damaged.values())))
    return found


def damaged_runs() -> dict[Path, str]:
    """Why runs that the app was started with cannot be read, by their folder."""
    return _read_infos()[1]


def _read_infos() -> tuple[dict[Path, RunInfo], dict[Path, str]]:
    found: dict[Path, RunInfo] = {}
    damaged: dict[Path, str] = {}
    for path in run_paths():
        try:
            found[path] = _info(str(path), _header_hash(path, HEADER))
        except (UserError, OSError) as error:
            damaged[path] = str(error)
    return found, damaged


def _collection_folders(loaded: run.Run) -> dict[Path, str]:
    """Collections that may be a run's, with the hash of their headers."""
    folders = [Path(p) for p in os.environ.get(paths.COLLECTION_VARIABLE, "").split(os.pathsep) if p]
    if loaded.collection.path is not None:
        folders.append((loaded.folder or Path()) / loaded.collection.path)
    return {folder: _header_hash(folder, COLLECTION_HEADER) for folder in folders if is_collection(folder)}


@lru_cache(64)
def _files_hash(folder: Path, header_hash: str) -> str:
    return current_files_hash(folder)


def check_unchanged(collection: Collection) -> None:
    """Refuse (UserError) to play anything of a collection that was changed on disk since it was loaded."""
    folder = collection.folder or Path()
    if _files_hash(folder, _header_hash(folder, COLLECTION_HEADER)) != collection.files_hash:
        raise UserError(f"Collection {collection.name!r} was changed on disk. Load the page again.")


def _find_collection(loaded: run.Run) -> Collection:
    for folder, header_hash in _collection_folders(loaded).items():
        collection = _load_collection(str(folder.resolve()), header_hash)
        if collection.hash == loaded.collection.hash:
            if not loaded.sounds["sound_id"].isin(collection.row_of).all():
                raise UserError(f"Run {loaded.id} lists sounds that its collection {collection.name!r} does not have.")
            return collection
    raise UserError(
        f"The collection {loaded.collection.name!r} that this run was trained on was not found (or has changed since): "
        "titles and sounds are missing here. Name its folder when you start the app: --collection FOLDER."
    )


@st.cache_resource(max_entries=64, show_spinner=False)
def _load(path: str, header_hash: str, collections: str) -> Loaded:
    loaded = load_run(Path(path))
    collection = _find_collection(loaded)
    identity = _identity(path, header_hash, collections)
    rows = pd.Index(collection.sounds["sound_id"]).get_indexer(loaded.sounds["sound_id"])
    return Loaded(loaded, collection, None, rows, collection.sounds.iloc[rows].reset_index(drop=True), identity)


def _identity(*parts: str) -> str:
    """Names what was loaded, for browsers too: nothing of the server's disk is in it."""
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]


@st.cache_resource(max_entries=64, show_spinner=False)
def _without_collection(path: str, header_hash: str, problem: str) -> Loaded:
    loaded = load_run(Path(path))
    columns = ["title", "tags", "description", "uploader", "license", "confidence"]
    bare = pd.DataFrame({c: [pd.NA] * len(loaded.sounds) for c in columns})
    identity = _identity(path, header_hash, problem)
    return Loaded(loaded, None, problem, np.full(len(loaded.sounds), -1), bare, identity)


def load(path: Path) -> Loaded:
    """A run with its collection, both as they are on disk now; where that cannot be had, with the problem."""
    header_hash, loaded = _header_hash(path, HEADER), load_run(path)
    try:
        found = "|".join(f"{folder} {version}" for folder, version in _collection_folders(loaded).items())
        return _load(str(path), header_hash, found)
    except (UserError, OSError) as error:  # asked again at the next look: a folder may be on its way
        return _without_collection(str(path), header_hash, str(error))


def siblings(loaded: Loaded) -> list[RunInfo]:
    """Runs of the same settings and collection, one per fold, in fold order, this one among them."""
    own = loaded.run
    found: dict[int, RunInfo] = {own.fold: own}
    for other in infos().values():
        same = (other.train, other.collection.hash, other.external) == (own.train, own.collection.hash, own.external)
        if same:
            found.setdefault(other.fold, other)
    return [found[fold] for fold in sorted(found)]
