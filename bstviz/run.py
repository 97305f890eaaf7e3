"""Runs: one trained model with everything that the app shows of it; experiments: folders of runs.

On disk (format version 2) a run is a folder: ``run.json``, ``weights.safetensors``, ``sounds.parquet`` (sound_id, split,
y_true, y_pred, ``p_<class>`` for every class, attention_audio, attention_text), ``latents.safetensors`` (latents (N, 64)),
``projections.parquet`` (see :mod:`bstviz.projection`), ``pca.safetensors`` (mean, components, explained) and, with
retrieval, ``memory.safetensors`` (see :mod:`bstviz.memory`). An experiment
is a folder of such folders and ``experiment.json``.
"""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bstviz import storage
from bstviz.collection import (
    AudioOrText,
    Collection,
    EncoderInfo,
    encoder_from,
    load_collection,
    taxonomy_entry,
    taxonomy_from,
)
from bstviz.config import ModelConfig, NetworkSizes, TrainConfig, kinds_of
from bstviz.errors import UserError
from bstviz.projection import PCA, UmapSettings, fit_pca, pca_table, umap_table
from bstviz.taxonomy import Taxonomy

if TYPE_CHECKING:
    from bstviz.memory import Memory

FORMAT_VERSION = 2
HEADER = "run.json"
EXPERIMENT_HEADER = "experiment.json"
REMEDY = "Train it again, or restore the folder from a copy."


@dataclass(frozen=True)
class CollectionRef:
    """The collection that a run belongs to: its name, its hash, and where it was, as seen from the run's folder."""

    name: str
    hash: str
    path: str | None


@dataclass(frozen=True, kw_only=True)
class RunInfo:
    """What ``run.json`` says of a run: enough for tables and pickers, without its arrays.

    Attributes:
        model: Sizes of the network.
        train: Settings of its training.
        taxonomy: The classes.
        encoders: What made the embeddings it takes, by kind.
        collection: What it was trained on.
        fold: Index of its test fold.
        split_kind: How the folds were made, in words.
        metrics: On the test sounds at or above the confidence threshold.
        history: One row an epoch: train_loss, val_loss, val_accuracy.
        temperature: What logits are divided by, fitted on the validation sounds; 1 leaves them as they are.
        versions: Of the libraries that made it.
        also_trained_on: Names of further collections whose sounds trained it but are not listed.
        umap: Parameters of the UMAP maps, if they were made.
        applied: Of an applied run (:mod:`bstviz.apply`), which run answered: a hash of its header; None for a trained one.
        folder: Where it was loaded from, if it was.
    """

    model: ModelConfig
    train: TrainConfig
    taxonomy: Taxonomy
    encoders: dict[AudioOrText, EncoderInfo]
    collection: CollectionRef
    fold: int
    split_kind: str
    metrics: dict[str, float]
    history: dict[str, list[float]]
    versions: dict[str, str]
    temperature: float = 1.0
    also_trained_on: tuple[str, ...] = ()
    umap: UmapSettings | None = None
    applied: str | None = None
    folder: Path | None = None

    @property
    def name(self) -> str:
        """Loss, modality, threshold and fold, as people tell runs apart."""
        return (
            f"{self.train.loss} · {self.train.modality} · confidence ≥ {self.train.min_confidence} · fold {self.fold}"
        )

    @property
    def id(self) -> str:
        """Folder name: unique within an experiment."""
        return run_id(self.train, self.fold)

    def load_collection(self) -> Collection:
        """The collection that the run belongs to, from where it was.

        Raises:
            UserError: It is not there any more, or its sounds or embeddings have changed.
        """
        path = (self.folder or Path()) / self.collection.path if self.collection.path else None
        if path is None or not path.is_dir():
            raise UserError(
                f"The collection {self.collection.name!r} of this run is not at {path}. Put it back there, or name its folder "
                "with --collection."
            )
        collection = load_collection(path)
        self.check_collection(collection)
        return collection

    def check_collection(self, collection: Collection) -> None:
        """Refuse a collection that is not the one the run was trained on (UserError)."""
        if collection.hash != self.collection.hash:
            raise UserError(
                f"Collection {collection.name!r} is not what run {self.id} was trained on: its sounds, classes or embeddings "
                "have changed. Train again, or use the collection as it was."
            )


@dataclass(frozen=True, kw_only=True, repr=False)
class Run(RunInfo):
    """One trained model.

    Attributes:
        weights: Parameters and buffers by name, each with a leading axis of 1.
        sounds: One row a sound, as stored.
        latents: (N, Z) float32.
        projections: Maps of the latents, (N rows).
        pca: The PCA behind the pca columns.
        memory: Its training sounds, for retrieval; None where it answers by its network alone.
    """

    weights: dict[str, np.ndarray]
    sounds: pd.DataFrame
    latents: np.ndarray
    projections: pd.DataFrame
    pca: PCA
    memory: Memory | None = None

    def __repr__(self) -> str:
        return f"Run({self.name}, {len(self.sounds)} sounds, latents {self.latents.shape})"

    @cached_property
    def probabilities(self) -> np.ndarray:
        """Second-level probabilities (N, C) float32."""
        return self.sounds[[f"p_{c}" for c in self.taxonomy.codes]].to_numpy(np.float32)

    @cached_property
    def y_true(self) -> np.ndarray:
        """Second-level labels (N,) int64, -1 without a class."""
        return self.taxonomy.encode(self.sounds["y_true"])

    @cached_property
    def y_pred(self) -> np.ndarray:
        """Predicted second-level labels (N,) int64."""
        return self.taxonomy.encode(self.sounds["y_pred"])

    @cached_property
    def tested(self) -> np.ndarray:
        """Whether each sound is a test sound at or above the confidence threshold, (N,) bool."""
        return (self.sounds["split"] == "test").to_numpy()

    def with_umap(self, settings: UmapSettings | None = None) -> Run:
        """The same run with its UMAP maps made."""
        settings = settings or UmapSettings()
        keep = [c for c in self.projections if not str(c).startswith("umap")]
        table = pd.concat([self.projections[keep], umap_table(self.latents, settings)], axis=1)
        return dataclasses.replace(self, projections=table, umap=settings)

    def save(self, folder: str | Path) -> Path:
        """Write the run as a folder, replacing an older version of it as a whole."""
        from safetensors.numpy import save_file

        folder = Path(folder)
        header: dict[str, Any] = {
            "format_version": FORMAT_VERSION,
            "model": dataclasses.asdict(self.model),
            "train": dataclasses.asdict(self.train),
            "taxonomy": taxonomy_entry(self.taxonomy),
            "encoders": {kind: dataclasses.asdict(info) for kind, info in self.encoders.items()},
            "collection": dataclasses.asdict(self._collection_seen_from(folder)),
            "also_trained_on": list(self.also_trained_on),
            "fold": self.fold,
            "split_kind": self.split_kind,
            "metrics": self.metrics,
            "history": self.history,
            "temperature": self.temperature,
            "umap": dataclasses.asdict(self.umap) if self.umap else None,
            "versions": self.versions,
            "applied": self.applied,
        }
        with storage.replaced_folder(folder) as fresh:
            save_file({k: np.ascontiguousarray(v) for k, v in self.weights.items()}, fresh / "weights.safetensors")
            save_file({"latents": np.ascontiguousarray(self.latents, np.float32)}, fresh / "latents.safetensors")
            save_file(
                {k: np.ascontiguousarray(v) for k, v in dataclasses.asdict(self.pca).items()}, fresh / "pca.safetensors"
            )
            if self.memory is not None:
                save_file(self.memory.arrays(), fresh / "memory.safetensors")
            self.sounds.to_parquet(fresh / "sounds.parquet", index=False)
            self.projections.to_parquet(fresh / "projections.parquet", index=False)
            storage.write_header(fresh, HEADER, header)
        return folder

    def _collection_seen_from(self, folder: Path) -> CollectionRef:
        """The reference with its path made relative to the run's new folder, so that both can move together."""
        if self.collection.path is None:
            return self.collection
        target = (self.folder or Path()) / self.collection.path
        return dataclasses.replace(self.collection, path=Path(os.path.relpath(target, folder.absolute())).as_posix())

    @classmethod
    def from_fit(cls, collection: Collection, *, train: TrainConfig, latents: np.ndarray, **fitted: Any) -> Run:
        """The run of a network that was fitted on a collection: taxonomy, encoders and PCA are added to what the fit gave.

        Args:
            collection: The sounds that it lists.
            train: Settings of its training.
            latents: (N, Z) float32.
            fitted: The other attributes of a run, see :class:`Run`.
        """
        pca = fit_pca(latents)
        encoders = {kind: collection.encoder(kind) for kind in kinds_of(train.modality)}
        return cls(
            taxonomy=collection.taxonomy,
            encoders={kind: info for kind, info in encoders.items() if info},
            collection=CollectionRef(
                collection.name, collection.hash, str(collection.folder) if collection.folder else None
            ),
            train=train,
            latents=latents,
            projections=pca_table(pca, latents),
            pca=pca,
            versions=library_versions(),
            **fitted,
        )


def run_id(train: TrainConfig, fold: int) -> str:
    """Folder name of a run within an experiment."""
    return f"{train.loss}-{train.modality}-c{train.min_confidence}-fold{fold}"


def library_versions() -> dict[str, str]:
    """Versions of what shapes a run's numbers."""
    from importlib import metadata

    return {name: metadata.version(name) for name in ("bstviz", "torch", "numpy", "scikit-learn", "umap-learn")}


def load_info(folder: str | Path, *, verify: bool = False) -> RunInfo:
    """Read what ``run.json`` says.

    Args:
        folder: The run.
        verify: Check the hashes of the other files too.

    Raises:
        UserError: The folder is no run, incomplete, damaged, or of another format version.
    """
    folder = Path(folder)
    header = storage.read_header(folder, HEADER, "run", FORMAT_VERSION, REMEDY, verify=verify)
    model = header["model"]
    return RunInfo(
        model=ModelConfig(**{**model, "sizes": NetworkSizes(**model["sizes"])}),
        train=TrainConfig.from_dict(header["train"]),
        taxonomy=taxonomy_from(header["taxonomy"]),
        encoders={kind: info for kind, entry in header["encoders"].items() if (info := encoder_from(entry))},
        collection=CollectionRef(**header["collection"]),
        fold=header["fold"],
        split_kind=header["split_kind"],
        metrics=header["metrics"],
        history=header["history"],
        temperature=header["temperature"],
        versions=header["versions"],
        also_trained_on=tuple(header["also_trained_on"]),
        umap=UmapSettings(**header["umap"]) if header["umap"] else None,
        applied=header["applied"],
        folder=folder.resolve(),
    )


def load_run(folder: str | Path) -> Run:
    """Read a run folder and check version, hashes, shapes and class order.

    Raises:
        UserError: The folder is no run, damaged, or of another format version.
    """
    from safetensors.numpy import load_file

    folder = Path(folder)
    info = load_info(folder, verify=True)
    sounds = pd.read_parquet(folder / "sounds.parquet")
    latents = storage.map_tensor(folder / "latents.safetensors", "latents")
    projections = pd.read_parquet(folder / "projections.parquet")
    expected = [f"p_{c}" for c in info.taxonomy.codes]
    if [c for c in sounds if str(c).startswith("p_")] != expected or info.model.n_classes != len(expected):
        raise UserError(f"{folder}: the probability columns are not the taxonomy's classes in order. {REMEDY}")
    if not len(sounds) == len(latents) == len(projections) or latents.shape[1] != info.model.sizes.latent:
        raise UserError(f"{folder}: {len(sounds)} sounds, latents {latents.shape}, {len(projections)} places. {REMEDY}")
    remembered = folder / "memory.safetensors"
    memory = None
    if remembered.is_file():
        from bstviz.memory import Memory

        memory = Memory.from_arrays(load_file(remembered))
    return Run(
        memory=memory,
        **{field.name: getattr(info, field.name) for field in dataclasses.fields(info)},
        weights=load_file(folder / "weights.safetensors"),
        sounds=sounds,
        latents=latents,
        projections=projections,
        pca=PCA(**load_file(folder / "pca.safetensors")),
    )


def is_run(folder: Path) -> bool:
    """Whether a folder holds a run."""
    return (folder / HEADER).is_file()


def find_runs(folder: str | Path) -> list[Path]:
    """Folders of the runs of an experiment (or the one run) at ``folder``, in name order.

    Raises:
        UserError: There is none.
    """
    folder = Path(folder)
    if is_run(folder):
        return [folder]
    if folder.is_dir():
        for old in folder.glob(".*.old"):
            storage.recover(folder / old.name[1 : -len(".old")])
    runs = sorted(f for f in folder.iterdir() if is_run(f) and not f.name.startswith(".")) if folder.is_dir() else []
    if not runs:
        raise UserError(f"{folder} holds no run; make one with: bstviz train COLLECTION --out {folder}")
    return runs


def write_experiment(folder: str | Path, command: dict[str, Any]) -> None:
    """Write ``experiment.json``: the settings that the runs of a folder share, checked when a stopped one goes on.

    Raises:
        UserError: The folder already holds an experiment of other settings.
    """
    file = Path(folder) / EXPERIMENT_HEADER
    entry = {"format_version": FORMAT_VERSION, **command}
    if file.is_file():
        old = json.loads(file.read_text(encoding="utf-8"))
        changed = sorted(k for k in {*old, *entry} if old.get(k) != entry.get(k))
        if changed:
            raise UserError(
                f"{folder} already holds an experiment with other settings ({', '.join(changed)}). Choose another --out, "
                "or delete the folder."
            )
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    storage.write_file(file, (json.dumps(entry, indent=1) + "\n").encode())
