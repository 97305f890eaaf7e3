"""Experiments on disk: a folder of runs, and ``experiment.json``, which says what settings they share."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from bstviz import migrations, schema, storage, stored
from bstviz.errors import UserError
from bstviz.models.config import TrainConfig
from bstviz.models.run_info import RunInfo, is_run, load_info, run_id, seed_suffix
from bstviz.schema import Digest, Line, Name, Place, Prose

EXPERIMENT_HEADER = "experiment.json"


@dataclass(frozen=True)
class _About:
    name: Line
    hash: Digest
    texts: dict[Line, Digest] | None = None


@dataclass(frozen=True)
class _Folds:
    count: Annotated[int, Meta(ge=1, lt=10_000)]
    kind: Line
    sha256: Digest


@dataclass(frozen=True, kw_only=True)
class _Header:
    """What ``experiment.json`` may say; settings and baselines are compared as they stand there."""

    collection: _About | None = None
    extra_training_data: tuple[_About, ...] = ()
    folds: _Folds | None = None
    settings: tuple[dict[Name, Any], ...] = ()
    baselines: tuple[dict[Name, Any], ...] = ()
    left_out: tuple[Prose, ...] = ()
    before: tuple[Place, ...] = ()
    started_from: tuple[Place, ...] = ()


def find_runs(folder: str | Path) -> list[Path]:
    """Folders of the runs of an experiment (or the one run) at ``folder``, in name order.

    Raises:
        UserError: There is none.
    """
    folder = Path(folder)
    if is_run(folder):
        return [folder]
    runs = [path for path in storage.folders_in(folder) if is_run(path)]
    if not runs:
        raise UserError(f"{folder} holds no run; make one with: bstviz train COLLECTION --out {folder}")
    return runs


def shortest_names(places: Sequence[Path]) -> list[str]:
    """A name for each folder, in their order: the folder's, or as much of the paths as tells all apart."""
    for depth in range(1, max((len(place.parts) for place in places), default=0) + 1):
        names = ["/".join(place.parts[-depth:]) for place in places]
        if len(set(names)) == len(names):
            return names
    return []


def load_infos(folders: Iterable[str | Path]) -> tuple[list[RunInfo], dict[str, str]]:
    """What the runs of experiments are, and why others cannot be read, by folder: one that is damaged ends nothing.

    Raises:
        UserError: A folder holds no run, or no run can be read.
    """
    infos: list[RunInfo] = []
    damaged: dict[str, str] = {}
    for path in (path for folder in folders for path in find_runs(folder)):
        try:
            infos.append(load_info(path, verify=True))
        except (UserError, OSError) as error:
            damaged[str(path)] = str(error)
    if damaged and not infos:
        raise UserError(next(iter(damaged.values())))
    return infos, damaged


def run_folder(experiment: str | Path, train: TrainConfig, fold: int) -> Path:
    """Where a run lies in an experiment, or will: under its name, or under the one without the seed of older versions.

    Raises:
        UserError: A run under the older name is damaged, or of a newer format version.
    """
    named = Path(experiment) / run_id(train, fold)
    older = named.with_name(named.name.removesuffix(seed_suffix(train.seed)))
    if older != named and not is_run(named) and is_run(older) and load_info(older).train == train:
        return older
    return named


def read_experiment(folder: str | Path) -> dict[str, Any]:
    """What ``experiment.json`` says; empty where there is none.

    Raises:
        UserError: It is damaged, or of a newer format version.
    """
    file = Path(folder) / EXPERIMENT_HEADER
    if not file.is_file():
        return {}
    remedy = "Restore it from a copy, or choose another folder."
    entry = stored.read_json(file, remedy=remedy)
    storage.check_version(entry.get("format_version"), migrations.EXPERIMENT_VERSIONS, f"{file} has", remedy)
    schema.convert(entry, _Header, str(file), remedy)
    return entry


def write_experiment(folder: str | Path, command: dict[str, Any]) -> None:
    """Write ``experiment.json``: the settings that the runs of a folder share, checked when a stopped one goes on.

    What is ``left_out`` follows from the rest, and is put in words that may change: it is not compared.

    Raises:
        UserError: The folder already holds an experiment of other settings.
    """
    entry = {"format_version": migrations.FORMAT_VERSION, **command}
    file = Path(folder) / EXPERIMENT_HEADER
    storage.recover(file)
    old = read_experiment(folder)
    if not old:
        file.parent.mkdir(parents=True, exist_ok=True)
        storage.write_file(file, (json.dumps(entry, indent=1) + "\n").encode())
        return
    if "settings" in old:
        old["settings"] = [_stated_today(setting) for setting in old["settings"]]
    entry = migrations.experiment_stated(entry, old["format_version"])
    for stated in (old, entry):
        if "baselines" in stated:  # a text could not be named before
            stated["baselines"] = [{"text": None, **baseline} for baseline in stated["baselines"]]
    changed = sorted(
        k for k in {*old, *entry} - {"format_version", "left_out"} if _unordered(old.get(k)) != _unordered(entry.get(k))
    )
    if changed:
        raise UserError(
            f"{folder} already holds an experiment with other settings ({', '.join(changed)}). Choose another --out, "
            "or delete the folder."
        )


def _stated_today(setting: dict[str, Any]) -> dict[str, Any]:
    """A stored training config with what could not be set when it was stored: as it was done then."""
    default = dataclasses.asdict(TrainConfig())
    sizes = setting.get("sizes", {})
    return {**default, **setting, "sizes": {**default["sizes"], **sizes} if isinstance(sizes, dict) else sizes}


def _unordered(value: Any) -> Any:
    """A value to compare: the settings of a sweep are the same in any order."""
    return sorted(json.dumps(item, sort_keys=True) for item in value) if isinstance(value, list) else value
