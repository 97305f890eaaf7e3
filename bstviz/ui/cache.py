"""What is loaded or worked out once for all pages: runs and collections by the hash of their headers, maps, networks.

What is kept between reruns is kept by ``st.cache_data`` and ``st.cache_resource``. A cached function takes the objects
that it works on as they are; ``hash_funcs`` names :func:`identity_of` for each of their types
(:func:`identity_of_collection` for collections), so that a key costs no look at arrays.
Long because whatever is kept is kept here, by one rule.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import streamlit as st

from bstviz import log, paths, storage
from bstviz.datasets.collection import (
    COLLECTION_HEADER,
    Collection,
    current_files_hash,
    is_collection,
    load_collection,
)
from bstviz.errors import UserError
from bstviz.inference import pool
from bstviz.inference.classify import Classifier
from bstviz.inference.pool import TextModel
from bstviz.latent import neighbours, projection
from bstviz.latent.projection import UmapSettings
from bstviz.models import run
from bstviz.models.experiment_folder import find_runs
from bstviz.models.run_info import HEADER, RunInfo, load_info
from bstviz.plots import viewport
from bstviz.plots.facets import Columns, search_text


class Identified(Protocol):
    """What has a unique name among all of its type; another version has another name."""

    @property
    def identity(self) -> str:
        """The name."""


def identity_of(thing: Identified) -> str:
    """What a cache knows an object by, for ``hash_funcs``."""
    return thing.identity


def identity_of_collection(collection: Collection) -> str:
    """What a cache knows a collection by: its folder, hash, and the folder's version now, whose audio may differ."""
    folder = collection.folder or Path()
    return f"{folder}|{collection.hash}|{_header_hash(folder, COLLECTION_HEADER)}"


@dataclass(frozen=True, eq=False)
class Loaded:
    """A run with the collection that it belongs to, its sounds in one order.

    Attributes:
        run: The run.
        collection: Its collection, or None where it cannot be found.
        problem: Why there is no collection.
        rows: (N,) rows of the collection's table, in the run's order; -1 without a collection.
        table: N rows: the collection's columns for the run's sounds (bare columns without a collection).
        identity: Names this version of the run.
    """

    run: run.Run
    collection: Collection | None
    problem: str | None
    rows: np.ndarray
    table: pd.DataFrame
    identity: str

    @cached_property
    def ids(self) -> pd.Index:
        """Sound ids in the run's order."""
        ids: pd.Index = pd.Index(self.run.sounds["sound_id"])
        return ids

    def row_of(self, sound_id: str) -> int | None:
        """Row of a sound in the run, if it lists it."""
        found = int(self.ids.get_indexer(pd.Index([sound_id]))[0])
        return found if found >= 0 else None

    def title(self, row: int) -> str:
        """Title of a run's sound, or its id."""
        return self.titles(np.array([row]))[0]

    def titles(self, rows: np.ndarray) -> list[str]:
        """Titles of a run's sounds, ids where there is none."""
        titles = self.table["title"].iloc[rows].tolist()
        ids = self.run.sounds["sound_id"].iloc[rows].tolist()
        return [t if isinstance(t, str) and t else str(i) for t, i in zip(titles, ids, strict=True)]


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


@st.cache_resource(max_entries=16, show_spinner=False, hash_funcs={Loaded: identity_of})
def _columns(loaded: Loaded, folds: tuple[int, ...], *, training: bool) -> Columns:
    def tested() -> np.ndarray:
        fold = np.full(len(loaded.ids), -1)
        for other in siblings(loaded):
            sibling = load_run(other.folder or Path())
            own = sibling.sounds["sound_id"][sibling.held_out]
            rows = loaded.ids.get_indexer(pd.Index(own))
            fold[rows[rows >= 0]] = other.fold
        return fold

    return Columns(loaded.run, loaded.table, tested if len(folds) > 1 else None, training=training)


def columns(loaded: Loaded, *, training: bool = False) -> Columns:
    """What is known of each sound of a run, and of its siblings as they are now; with ``training``, sounds that it was
    trained on count as right or wrong too.
    """
    return _columns(loaded, tuple(r.fold for r in siblings(loaded)), training=training)


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs={Loaded: identity_of})
def search_texts(loaded: Loaded) -> pd.Series:
    """Title and tags of each sound, in lower case."""
    return search_text(loaded.table)


@st.cache_resource
def _maps() -> dict[tuple[str, int, UmapSettings], np.ndarray]:
    """UMAP maps made while the server runs, by run, dimensions and parameters."""
    return {}


def umap(loaded: Loaded, dimensions: int, settings: UmapSettings) -> np.ndarray | None:
    """A UMAP map (N, 2|3) float32 that the run holds or that was made before; None where it has yet to be made."""
    names = projection.columns_of("umap", dimensions)
    if settings == loaded.run.umap and set(names) <= set(loaded.run.projections):
        return loaded.run.projections[names].to_numpy(np.float32)
    return _maps().get((loaded.identity, dimensions, settings))


@log.timed("umap")
def make_umap(
    loaded: Loaded, dimensions: int, settings: UmapSettings, report: Callable[[float], None] | None = None
) -> np.ndarray:
    """Make a UMAP map and keep it while the server runs.

    Of many sounds it is made from a stratified sample, and the others are projected onto it.
    """
    latents = np.asarray(loaded.run.latents)
    rows = viewport.stratified(loaded.run.y_true, projection.UMAP_SOUNDS)
    fitted = projection.fit_umap(latents[rows], dimensions, settings, report=report)
    points = fitted
    if len(rows) < len(latents):
        points = projection.out_of_sample(latents, latents[rows], fitted)
        points[rows] = fitted
    _maps()[loaded.identity, dimensions, settings] = points
    return points


def umap_settings(loaded: Loaded) -> UmapSettings:
    """Parameters of the run's own UMAP maps, or the usual ones."""
    return loaded.run.umap or UmapSettings()


@st.cache_resource(
    max_entries=32, show_spinner="Making the UMAP map (some seconds, once) …", hash_funcs={Loaded: identity_of}
)
def coordinates(loaded: Loaded, method: str, dimensions: int, settings: UmapSettings) -> np.ndarray:
    """Map of a run, (N, 2|3) float32; a UMAP map that the run lacks is made and kept in memory."""
    if method == "pca":
        return loaded.run.projections[projection.columns_of(method, dimensions)].to_numpy(np.float32)
    found = umap(loaded, dimensions, settings)
    return make_umap(loaded, dimensions, settings) if found is None else found


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs={Loaded: identity_of})
def trustworthiness(loaded: Loaded, method: str, dimensions: int, settings: UmapSettings) -> float:
    """How far neighbours on a map are neighbours in the latent space, 0 to 1."""
    points = coordinates(loaded, method, dimensions, settings)
    return projection.trustworthiness(np.asarray(loaded.run.latents), points)


@st.cache_resource(max_entries=16, show_spinner=False, hash_funcs={Loaded: identity_of})
def index(loaded: Loaded) -> neighbours.Index:
    """A run's latents, ready to be searched."""
    return neighbours.Index(loaded.run.latents)


def nearest(loaded: Loaded, row: int, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Rows and cosine distances of a sound's k nearest neighbours in the latent space, itself left out."""
    rows, distances = index(loaded).around(np.array([row]), k)
    return rows[0], distances[0]


@st.cache_resource(max_entries=8, show_spinner="Loading the encoder …", hash_funcs={Loaded: identity_of})
def classifier(loaded: Loaded) -> Classifier:
    """Classifier of a run, kept between calls."""
    return Classifier(loaded.run)


@st.cache_resource(max_entries=8, show_spinner="Loading the text model …", hash_funcs={Loaded: identity_of})
def text_model_beside(loaded: Loaded) -> TextModel | None:
    """The text model that may predict beside a run, kept between calls; None where there is none."""
    return pool.text_model_beside(loaded.run)
