"""What is served to programs: runs by name, their networks and collections, each loaded once for a version on disk."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from bstviz import paths, storage
from bstviz.datasets.collection import COLLECTION_HEADER, Collection, load_collection
from bstviz.errors import UserError, in_words
from bstviz.evaluation.out_of_fold import setting_of
from bstviz.inference.classify import Classifier, bundled_audio_models
from bstviz.inference.pool import TextModel, text_model_beside
from bstviz.latent.neighbours import Index
from bstviz.models.experiment_folder import find_runs, shortest_names
from bstviz.models.run import Run, load_run
from bstviz.models.run_info import HEADER, RunInfo, load_info
from bstviz.training.baselines import BASELINES

HeaderState = tuple[int, int, int]
"""Of a header: its inode, size and time of writing, which a new version changes."""
RUNS_SAID = 10


class NoSuchThingError(UserError):
    """What was asked about is not there."""


@dataclass(frozen=True)
class Served:
    """The folders that a server was started with.

    Attributes:
        experiments: Folders of runs; the bundled models where there are none.
        collections: Folders to look for a run's collection in, before the place that the run names.
    """

    experiments: tuple[Path, ...] = ()
    collections: tuple[Path, ...] = ()

    def infos(self) -> tuple[dict[str, RunInfo], list[str]]:
        """What each run is, by the shortest name that tells it from others, and why other folders cannot be read."""
        found: dict[Path, RunInfo] = {}
        unreadable = []
        for experiment in self.experiments or paths.bundled_experiments():
            try:
                folders = find_runs(experiment)
            except (UserError, OSError) as error:
                unreadable.append(in_words(error) or str(error))
                continue
            for folder in folders:
                if folder.name == BASELINES:
                    continue
                try:
                    found[folder.resolve()] = _info(folder.resolve(), _state(folder, HEADER))
                except (UserError, OSError) as error:
                    unreadable.append(in_words(error) or str(error))
        return dict(zip(shortest_names(list(found)), found.values(), strict=True)), unreadable

    def default(self) -> tuple[str, ...]:
        """Names of the runs that answer where none is named: the bundled audio models where they are served, else the
        first run that takes sounds alone, else the first one with weights.
        """
        infos = {name: info for name, info in self.infos()[0].items() if info.predicts}
        bundled = [folder.resolve() for folder in bundled_audio_models()]
        by_place = {info.folder: name for name, info in infos.items()}
        if all(folder in by_place for folder in bundled):
            return tuple(by_place[folder] for folder in bundled)
        alone = [name for name, info in infos.items() if tuple(info.encoders) == ("audio",)]
        return tuple([*alone, *infos][:1])

    def named(self, names: Sequence[str]) -> tuple[str, ...]:
        """The names that were given, each once, or the default ones.

        Raises:
            NoSuchThingError: There is no such run, or none at all.
        """
        infos, unreadable = self.infos()
        for name in names:
            if name not in infos:
                known = ", ".join(list(infos)[:RUNS_SAID]) + (" …" if len(infos) > RUNS_SAID else "")
                raise NoSuchThingError(f"There is no run {name!r}; there are {known or 'none'}. See GET runs.")
        chosen = tuple(dict.fromkeys(names)) or self.default()
        if not chosen:
            raise NoSuchThingError(unreadable[0] if unreadable else "No run is served here that can predict.")
        return chosen

    def info(self, name: str | None) -> tuple[str, RunInfo]:
        """A run's name and what it is; of the first default one where none is given."""
        (chosen, *_) = self.named([name] if name is not None else [])
        return chosen, self.infos()[0][chosen]

    def run(self, name: str | None) -> tuple[str, Run]:
        """A run's name and itself; likewise."""
        chosen, info = self.info(name)
        return chosen, _run(*_version(info))

    def folds(self, info: RunInfo) -> list[Run]:
        """The runs of a run's setting, one per fold."""
        alike = [other for other in self.infos()[0].values() if setting_of(other) == setting_of(info)]
        by_fold = {other.fold: other for other in [*reversed(alike), info]}
        return [_run(*_version(by_fold[fold])) for fold in sorted(by_fold)]

    def classifier(self, names: Sequence[str]) -> tuple[tuple[str, ...], Classifier]:
        """The networks of runs that answer together, and these runs' names.

        Raises:
            UserError: They cannot answer together, or have no weights.
        """
        chosen = self.named(names)
        infos = self.infos()[0]
        return chosen, _classifier(tuple(_version(infos[name]) for name in chosen))

    def collection(self, run: Run) -> Collection | None:
        """The collection that a run belongs to; None where it is not found, or has changed since."""
        own = [] if run.folder is None or run.collection.path is None else [run.folder / run.collection.path]
        for folder in [*self.collections, *own]:
            try:
                place = storage.located(folder).resolve()
                found = _collection(place, _state(place, COLLECTION_HEADER))
                run.check_collection(found)
            except (UserError, OSError):  # another candidate may be the one
                continue
            if run.sounds["sound_id"].isin(found.row_of).all():
                return found
        return None


@lru_cache(maxsize=16)
def index_of(run: Run) -> Index:
    """A run's latents, ready to be searched.

    Raises:
        UserError: It has none.
    """
    if not run.latents.shape[1]:
        raise UserError(f"Run {run.id} has no latents, or they are not kept here. Choose another run.")
    return Index(run.latents)


@lru_cache(maxsize=4)
def beside(classifier: Classifier) -> TextModel | None:
    """The text model that may answer beside audio models."""
    return text_model_beside(classifier.run)


@lru_cache(maxsize=1)
def text_classifier() -> Classifier:
    """The bundled text model, which answers words alone."""
    return Classifier(load_run(paths.assets() / "text"))


def _state(folder: Path, header: str) -> HeaderState:
    found = (storage.located(folder) / header).stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _version(info: RunInfo) -> tuple[Path, HeaderState]:
    folder = info.folder or Path()
    return folder, _state(folder, HEADER)


@lru_cache(maxsize=4_096)
def _info(folder: Path, state: HeaderState) -> RunInfo:
    return load_info(folder)


@lru_cache(maxsize=16)
def _run(folder: Path, state: HeaderState) -> Run:
    found = load_run(folder)
    return dataclasses.replace(found, latents=np.array(found.latents))  # a mapped file ends with who writes into it


@lru_cache(maxsize=4)
def _classifier(versions: tuple[tuple[Path, HeaderState], ...]) -> Classifier:
    first, *others = (_run(*version) for version in versions)
    return Classifier(first, others=others)


@lru_cache(maxsize=4)
def _collection(folder: Path, state: HeaderState) -> Collection:
    return load_collection(folder)
