"""Runs: one trained model with everything that the app shows of it.

On disk (``docs/formats.md``) a run is a folder: ``run.json``, ``weights.safetensors``, ``sounds.parquet``,
``latents.safetensors``, ``projections.parquet``, ``pca.safetensors`` and, with retrieval, ``retrieval.safetensors``. A
run without weights was trained elsewhere, or leaves them out; where there are no latents there are no maps.
What its header says is a :class:`bstviz.models.run_info.RunInfo`; an experiment is a folder of such folders
(:mod:`bstviz.models.experiment_folder`).
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bstviz import migrations, storage, stored
from bstviz.datasets.collection import Collection
from bstviz.datasets.collection_header import check_ids
from bstviz.datasets.taxonomy import taxonomy_entry
from bstviz.datasets.writing import write_packed
from bstviz.errors import UserError
from bstviz.latent.projection import PCA, UmapSettings, columns_of, pca_map, umap_table
from bstviz.models.config import TrainConfig, kinds_of
from bstviz.models.retrieval import DATASTORE_TENSORS, Datastore
from bstviz.models.run_info import HEADER, TRAIN_AGAIN, CollectionRef, RunInfo, info_from_header, read_run_header
from bstviz.schema import shown

RETRIEVAL = "retrieval.safetensors"
PCA_TENSORS = {"mean": ("float32", 1), "components": ("float32", 2), "explained": ("float32", 1)}
SPLITS = ("train", "val", "test", "below_threshold", "partial", "unused")
ATTENTION = ("attention_audio", "attention_text")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Run(RunInfo):
    """One trained model.

    Attributes:
        weights: Parameters and buffers by name, each with a leading axis of 1; none where it does not predict.
        sounds: One row per sound, as stored.
        latents: (N, Z) float32; (N, 0) where predictions came without any.
        projections: Maps of the latents, (N rows).
        pca: The PCA behind the pca columns.
        datastore: Its training sounds, for retrieval; None where it answers by its network alone.
    """

    weights: dict[str, np.ndarray]
    sounds: pd.DataFrame
    latents: np.ndarray
    projections: pd.DataFrame
    pca: PCA
    datastore: Datastore | None = None

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
        """Predicted second-level labels (N,) int64, by the run's decoding."""
        return self.taxonomy.encode(self.sounds["y_pred"])

    @cached_property
    def confidence(self) -> np.ndarray:
        """Probability of the predicted second-level class, (N,) float32."""
        found: np.ndarray = self.probabilities[np.arange(len(self.y_pred)), self.y_pred]
        return found

    @cached_property
    def tested(self) -> np.ndarray:
        """Whether each sound is a test sound at or above the confidence threshold, (N,) bool."""
        return (self.sounds["split"] == "test").to_numpy()

    @cached_property
    def held_out(self) -> np.ndarray:
        """Whether each sound is of the fold's test part, at any annotation confidence, (N,) bool."""
        return self.sounds["split"].isin(["test", "below_threshold"]).to_numpy()

    @cached_property
    def learned(self) -> np.ndarray:
        """Whether each sound took part in the training, as training or validation sound, (N,) bool."""
        return self.sounds["split"].isin(["train", "val", "partial"]).to_numpy()

    def frame(self) -> pd.DataFrame:
        """The run as one table, one row per sound, in the order of its latents.

        Returns:
            Columns ``sound_id``; ``split``; ``class`` and ``predicted``, second-level codes, and their top-level ones
            ``top`` and ``predicted_top``; ``correct``, at the second level; ``confidence``, the probability of the
            predicted class; ``pca_x`` and ``pca_y``, and where a UMAP map is stored ``umap_x`` and ``umap_y``. Without
            a class ``class``, ``top`` and ``correct`` are missing.
        """
        known = self.y_true >= 0
        top = np.array(self.taxonomy.top_codes, object)[self.taxonomy.parents]
        frame = pd.DataFrame(
            {
                "sound_id": self.sounds["sound_id"],
                "split": self.sounds["split"],
                "class": self.sounds["y_true"],
                "top": pd.Series(np.where(known, top[self.y_true], None), dtype="str"),
                "predicted": self.sounds["y_pred"],
                "predicted_top": pd.Series(top[self.y_pred], dtype="str"),
                "correct": pd.Series(self.y_true == self.y_pred, dtype="boolean").where(known),
                "confidence": self.confidence,
            }
        )
        for method in ("pca", "umap"):
            stored = columns_of(method, 2)
            if set(stored) <= set(self.projections):
                frame[[f"{method}_x", f"{method}_y"]] = self.projections[stored].to_numpy()
        return frame

    def with_umap(self, settings: UmapSettings | None = None) -> Run:
        """The same run with its UMAP maps made."""
        settings = settings or UmapSettings()
        keep = [c for c in self.projections if not str(c).startswith("umap")]
        table = pd.concat([self.projections[keep], umap_table(self.latents, settings)], axis=1)
        return dataclasses.replace(self, projections=table, umap=settings)

    def save(self, folder: str | Path, *, half: bool = False) -> Path:
        """Write the run as a folder, replacing an older version of it as a whole; with ``half`` latents and
        probabilities in half precision, and tables packed.
        """
        from safetensors.numpy import save_file

        folder = Path(folder)
        header: dict[str, Any] = {
            "format_version": migrations.FORMAT_VERSION,
            "model": dataclasses.asdict(self.model) if self.model else None,
            "train": dataclasses.asdict(self.train) if self.external is None else _known_of_external(self.train),
            "taxonomy": taxonomy_entry(self.taxonomy),
            "encoders": {kind: dataclasses.asdict(info) for kind, info in self.encoders.items()},
            "collection": dataclasses.asdict(self._collection_seen_from(folder)),
            "extra_training_data": list(self.extra_training_data),
            "fold": self.fold,
            "split_kind": self.split_kind,
            "metrics": self.metrics,
            "history": self.history,
            "temperature": self.temperature,
            "umap": dataclasses.asdict(self.umap) if self.umap else None,
            "versions": self.versions,
            "precision": self.precision,
            "threads": self.threads,
            "answered_by": self.answered_by,
            "decoding": self.decoding,
            "held_out_gain": self.held_out_gain,
            "external": dataclasses.asdict(self.external) if self.external else None,
            **({"left_out": list(self.left_out)} if self.left_out else {}),
        }
        write = write_packed if half else partial(pd.DataFrame.to_parquet, index=False)
        kinds = {f"p_{code}": np.float16 for code in self.taxonomy.codes} if half else {}
        with storage.replaced_folder(folder) as fresh:
            if self.weights:
                save_file({k: np.ascontiguousarray(v) for k, v in self.weights.items()}, fresh / "weights.safetensors")
            if self.latent_dim:
                latents = np.ascontiguousarray(self.latents, np.float16 if half else np.float32)
                save_file({"latents": latents}, fresh / "latents.safetensors")
                pca = {k: np.ascontiguousarray(v) for k, v in dataclasses.asdict(self.pca).items()}
                save_file(pca, fresh / "pca.safetensors")
                write(self.projections, fresh / "projections.parquet")
            if self.datastore is not None:
                save_file(self.datastore.arrays(), fresh / RETRIEVAL)
            write(self.sounds.astype(kinds), fresh / "sounds.parquet")
            storage.write_header(fresh, HEADER, header)
            info = info_from_header(read_run_header(fresh, verify=False), folder)
            # what would not be read takes nothing's place
            _stated_sounds(stored.read_table(fresh / "sounds.parquet"), info, folder)
        return folder

    def _collection_seen_from(self, folder: Path) -> CollectionRef:
        """The reference with its path made relative to the run's new folder, so that both can move together."""
        if self.collection.path is None:
            return self.collection
        target = (self.folder or Path()) / self.collection.path
        return dataclasses.replace(self.collection, path=Path(os.path.relpath(target, folder.absolute())).as_posix())

    @classmethod
    def from_fit(cls, collection: Collection, *, train: TrainConfig, latents: np.ndarray, **fitted: Any) -> Run:
        """The run of a network that was fitted on a collection: taxonomy, encoders and PCA are added to what the fit
        gave.

        Args:
            collection: The sounds that it lists.
            train: Settings of its training.
            latents: (N, Z) float32.
            fitted: The other attributes of a run, see :class:`Run`.
        """
        pca, projections = pca_map(latents)
        encoders = {kind: collection.encoder(kind) for kind in kinds_of(train.modality)}
        return cls(
            taxonomy=collection.taxonomy,
            encoders={kind: info for kind, info in encoders.items() if info},
            collection=CollectionRef(
                collection.name,
                collection.hash,
                str(collection.folder) if collection.folder else None,
                collection.source,
                collection.text_hash,
            ),
            train=train,
            latents=latents,
            projections=projections,
            pca=pca,
            versions=library_versions(),
            **fitted,
        )


def _known_of_external(train: TrainConfig) -> dict[str, Any]:
    """What is known of the training of a model that was trained elsewhere."""
    return {"loss": train.loss, "modality": train.modality, "min_confidence": train.min_confidence}


def library_versions() -> dict[str, str]:
    """Versions of what shapes a run's numbers."""
    from importlib import metadata

    return {name: metadata.version(name) for name in ("bstviz", "torch", "numpy", "scikit-learn", "umap-learn")}


def run_identity(*runs: Run) -> str:
    """Short hash of everything that the answers of runs depend on: of their headers as they lie on disk."""
    headers = b"".join((storage.located(run.folder or Path()) / HEADER).read_bytes() for run in runs)
    return hashlib.sha256(headers).hexdigest()[:16]


def load_run(folder: str | Path) -> Run:
    """Read a run folder and check version, hashes, shapes and class order; an older version is migrated in memory.

    Raises:
        UserError: The folder is no run, damaged, or of a newer format version.

    Examples:
        >>> import bstviz
        >>> from bstviz.paths import assets
        >>> bstviz.load_run(assets() / "runs" / "hierarchical-audio-c1-fold0")
        Run(hierarchical · audio · confidence ≥ 1 · fold 0, 1104 sounds, latents (1104, 64))
    """
    folder = Path(folder)
    return storage.read_folder(folder, lambda place: _read(place, folder))


def _read(place: Path, folder: Path) -> Run:
    """The run of a folder, from where that lies just now."""
    header = read_run_header(place, verify=True)
    info = info_from_header(header, folder)
    sounds = _stated_sounds(stored.read_table(place / "sounds.parquet", remedy=TRAIN_AGAIN), info, folder)
    if info.latent_dim:
        latents = stored.map_tensor(place / "latents.safetensors", "latents", remedy=TRAIN_AGAIN)
        pca = PCA(**stored.read_tensors(place / "pca.safetensors", PCA_TENSORS, remedy=TRAIN_AGAIN))
        projections = stored.read_table(place / "projections.parquet", remedy=TRAIN_AGAIN)
    else:
        latents = np.zeros((len(sounds), 0), np.float32)
        pca, projections = pca_map(latents)
    if not len(sounds) == len(latents) == len(projections) or latents.shape[1] != info.latent_dim:
        raise UserError(
            f"{folder}: {len(sounds)} sounds, latents {latents.shape}, coordinates of {len(projections)}. {TRAIN_AGAIN}"
        )
    _check_maps(latents, projections, pca, info, folder)
    retrieval = place / migrations.run_file(RETRIEVAL, header["format_version"])
    datastore = None
    if retrieval.is_file():
        arrays = stored.read_tensors(retrieval, DATASTORE_TENSORS, remedy=TRAIN_AGAIN)
        if arrays["share"].shape != (1,):
            raise UserError(
                f"{folder / retrieval.name} holds {len(arrays['share'])} shares; allowed is 1. {TRAIN_AGAIN}"
            )
        datastore = Datastore.from_arrays(arrays)
        dims = info.model.audio_dim + info.model.text_dim if info.model else 0
        datastore.check(dims, len(info.taxonomy.codes), f"{folder / retrieval.name}", TRAIN_AGAIN)
    weights = place / "weights.safetensors"
    return Run(
        datastore=datastore,
        **{field.name: getattr(info, field.name) for field in dataclasses.fields(info)},
        weights=stored.read_tensors(weights, remedy=TRAIN_AGAIN) if info.predicts else {},
        sounds=sounds,
        latents=latents,
        projections=projections,
        pca=pca,
    )


def _stated_sounds(table: pd.DataFrame, info: RunInfo, folder: Path) -> pd.DataFrame:
    """A stored table of a run's sounds, with its columns in their types; raises UserError where one is wrong."""
    codes, what = info.taxonomy.codes, f"{folder / 'sounds.parquet'}"
    expected = [f"p_{c}" for c in codes]
    if [c for c in table if str(c).startswith("p_")] != expected:
        raise UserError(f"{folder}: the probability columns are not the taxonomy's classes in order. {TRAIN_AGAIN}")
    allowed = {"split": SPLITS, "y_true": codes, "y_pred": codes, "sound_id": None, "content": None}
    sounds = table.copy()
    for name, values in allowed.items():
        if name not in sounds:
            if name == "content":
                continue
            raise UserError(f"{what} lacks the column {name}. {TRAIN_AGAIN}")
        sounds[name] = sounds[name].astype("str")
        if name == "split":
            sounds[name] = sounds[name].replace(migrations.OLD_SPLITS)
        given = sounds[name].dropna() if name in ("y_true", "content") else sounds[name]
        wrong = given[~given.isin(values)] if values is not None else given[given.isna()]
        if len(wrong):
            raise UserError(
                f"{what}: column {name} holds {shown(wrong.iat[0])}; allowed are {', '.join(values or ['words'])}. "
                f"{TRAIN_AGAIN}"
            )
    check_ids(sounds["sound_id"], what)
    for name in (*expected, *ATTENTION):
        if name not in sounds or not pd.api.types.is_float_dtype(sounds[name]):
            raise UserError(f"{what} has no column {name} of floating point numbers. {TRAIN_AGAIN}")
        numbers = sounds[name].to_numpy()
        if not (((numbers >= 0) & (numbers <= 1.001)) | (np.isnan(numbers) & (name in ATTENTION))).all():
            raise UserError(f"{what}: column {name} holds other numbers than from 0 to 1. {TRAIN_AGAIN}")
    return sounds.astype({name: np.float32 for name in expected if sounds[name].dtype == np.float16})


def _check_maps(latents: np.ndarray, projections: pd.DataFrame, pca: PCA, info: RunInfo, folder: Path) -> None:
    """Refuse (UserError) latents and maps with numbers that are not finite, and a PCA of other dimensions."""
    if not info.latent_dim:
        return
    wanted = columns_of("pca", 3)
    maps = [name for name in projections if name in wanted or str(name).startswith("umap")]
    if not set(wanted) <= set(maps) or not all(pd.api.types.is_float_dtype(projections[name]) for name in maps):
        raise UserError(
            f"{folder / 'projections.parquet'} lacks {', '.join(wanted)}, or they are no numbers. {TRAIN_AGAIN}"
        )
    numbers = (latents, projections[maps].to_numpy(), pca.mean, pca.components, pca.explained)
    if not all(np.isfinite(values).all() for values in numbers):
        raise UserError(f"{folder}: latents, coordinates or PCA hold numbers that are not finite. {TRAIN_AGAIN}")
    shapes = [values.shape for values in numbers[2:]]
    if shapes != [(info.latent_dim,), (3, info.latent_dim), (3,)]:
        raise UserError(
            f"{folder / 'pca.safetensors'} holds shapes {shapes} for {info.latent_dim} dimensions. {TRAIN_AGAIN}"
        )
