"""What ``run.json`` says of a run: enough for tables and pickers, without reading its arrays."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from msgspec import Meta

from bstviz import migrations, schema, storage
from bstviz.datasets.collection import Collection, load_collection
from bstviz.datasets.taxonomy import Decoding, Taxonomy, taxonomy_from
from bstviz.encoders.base import AudioOrText, EncoderInfo, completed, words_of
from bstviz.errors import UserError
from bstviz.latent.projection import UmapSettings
from bstviz.models.config import EXTERNAL, Modality, ModelConfig, NetworkSizes, TrainConfig, kinds_of
from bstviz.schema import Count, Digest, Finite, Line, Name, Place, Short

HEADER = "run.json"
Fold = Annotated[int, Meta(ge=0, lt=10_000)]
Given = Literal["classes", "score", "none"]
"""Which probabilities a model gave: of all classes, of the predicted one alone, or none."""
Part = Literal["weights", "history", "latents", "training sounds"]
"""What a folder may leave out of a run: its network and datastore; its training's course; its latents and their maps;
the sounds that are not of its test fold.
"""
TRAIN_AGAIN = "Train it again, or restore the folder from a copy."


@dataclass(frozen=True)
class CollectionRef:
    """The collection that a run belongs to: its name, its hash, where it was, as seen from the run's folder, which data
    set it is, where its importer said so, and the hash of the text embeddings that the run takes, where these are not
    the collection's first.
    """

    name: Line
    hash: Digest
    path: Place | None
    source: Line | None = None
    text_hash: Digest | None = None


@dataclass(frozen=True, kw_only=True)
class ExternalModel:
    """A model that was trained elsewhere, of which a run holds the predictions and no weights.

    Attributes:
        name: What people call it.
        file: Name of the file that the predictions were read from.
        sha256: Of that file.
        given: The probabilities that it held. Of the predicted class alone: the rest is spread evenly over the others;
            none: the predicted class has probability 1.
        latents: Where the sounds' latents come from, in words; empty where there are none.
        dim: Their dimensions; 0 where there are none.
    """

    name: Line
    file: Line
    sha256: Digest
    given: Given = "classes"
    latents: Line = ""
    dim: Annotated[int, Meta(ge=0, le=65_536)] = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class RunInfo:
    """What ``run.json`` says of a run: enough for tables and pickers, without its arrays.

    Attributes:
        model: Sizes of the network; None of a model that was trained elsewhere.
        train: Settings of its training; of a model that was trained elsewhere modality and threshold alone are known.
        taxonomy: The classes.
        encoders: What made the embeddings it takes, by kind.
        collection: What it was trained on.
        fold: Index of its test fold.
        split_kind: How the folds were made, in words.
        metrics: On the test sounds at or above the confidence threshold.
        history: One row per epoch: train_loss, val_loss, val_accuracy.
        temperature: What logits are divided by, fitted on the validation sounds; 1 leaves them as they are.
        versions: Of the libraries that made it.
        precision: Of the matrix products of its training, ``float32`` or ``bfloat16``; None where it was not recorded.
        threads: Processor threads of its training; None where they were not recorded.
        extra_training_data: Names of further collections whose sounds trained it but are not listed.
        umap: Parameters of the UMAP maps, if they were made.
        answered_by: Of an inference-only run (:mod:`bstviz.inference.explore`), which run answered, by
            :func:`bstviz.models.run.run_identity`; None for a trained one.
        decoding: By which the predicted classes that it stores were chosen: ``argmax`` for a trained run.
        held_out_gain: How much better than the class frequencies it predicts sounds that were held out by group
            (:func:`bstviz.inference.pool.gain`), in nats per sound, where its maker measured it; None elsewhere.
        external: Which model predicted, where that was trained elsewhere; None for a network of ours.
        left_out: What of a network of ours its folder does not hold, to be small.
        folder: Where it was loaded from, if it was.
    """

    model: ModelConfig | None
    train: TrainConfig
    taxonomy: Taxonomy
    encoders: dict[AudioOrText, EncoderInfo]
    collection: CollectionRef
    fold: Fold
    split_kind: Line
    metrics: dict[Name, float]
    history: dict[Name, list[float]]
    versions: dict[Name, Line]
    precision: Line | None = None
    threads: Count | None = None
    temperature: Annotated[float, Meta(gt=0, le=1e6)] = 1.0
    extra_training_data: tuple[Line, ...] = ()
    umap: UmapSettings | None = None
    answered_by: Short | None = None
    decoding: Decoding = "argmax"
    held_out_gain: Finite | None = None
    external: ExternalModel | None = None
    left_out: tuple[Part, ...] = ()
    folder: Path | None = None

    @property
    def name(self) -> str:
        """Loss, modality, threshold, variant if named, fold, and seed if not 0, as people tell runs apart; of a model
        that was trained elsewhere its name and the fold.
        """
        if self.external is not None:
            return f"{self.external.name} · fold {self.fold}"
        variant = f" · {self.train.variant}" if self.train.variant else ""
        seed = f" · seed {self.train.seed}" if self.train.seed else ""
        return f"{self.train.words()}{variant} · fold {self.fold}{seed}"

    @property
    def id(self) -> str:
        """Folder name: unique within an experiment."""
        if self.external is not None:
            plain = re.sub(r"[^\w.+-]+", "-", self.external.name).strip("-.")
            return f"{plain or EXTERNAL}-fold{self.fold}"
        return run_id(self.train, self.fold)

    @property
    def model_name(self) -> str:
        """Loss and modality, or the name of a model that was trained elsewhere."""
        return self.external.name if self.external is not None else self.train.words("loss", "modality")

    @property
    def given(self) -> Given:
        """Which probabilities the model gave."""
        return self.external.given if self.external is not None else "classes"

    @property
    def predicts(self) -> bool:
        """Whether it predicts new sounds: its weights are here."""
        return self.model is not None and "weights" not in self.left_out

    @property
    def latent_dim(self) -> int:
        """Dimensions of the latents; 0 where predictions came without any, or they are left out."""
        if "latents" in self.left_out:
            return 0
        if self.external is not None:
            return self.external.dim
        return self.model.sizes.latent if self.model is not None else 0

    @property
    def attends(self) -> bool:
        """Whether it divides its attention between audio and text, so that there are weights to show."""
        return self.train.modality == "both" and self.external is None

    @property
    def text(self) -> str | None:
        """The text configuration that it takes, as ``title+tags``; None for an audio model."""
        return self.encoders["text"].configuration if "text" in self.encoders else None

    def text_from(self, values: Mapping[str, str]) -> str:
        """A new sound's text as the run takes it: of the fields that it was trained on, joined as these were, or of
        all where it knows none of these.

        Args:
            values: Title, tags and description, by name.
        """
        trained_on = self.encoders.get("text")
        if trained_on is None or not set(trained_on.fields) & set(values):
            return words_of(values, list(values))
        return words_of(values, trained_on.fields, trained_on.template)

    def view(self, collection: Collection) -> Collection:
        """A collection seen with the text configuration that the run takes; as it is where the run predicts nothing
        new.

        Raises:
            UserError: The collection has no such text embeddings.
        """
        known = self.predicts and "text" in self.encoders and self.encoders["text"].fields
        return collection.with_text(self.text) if known else collection

    def load_collection(self) -> Collection:
        """The collection that the run belongs to, from where it was.

        Raises:
            UserError: It is not there any more, or its sounds or embeddings have changed.
        """
        path = (self.folder or Path()) / self.collection.path if self.collection.path else None
        if path is None or not storage.located(path).is_dir():
            raise UserError(
                f"The collection {self.collection.name!r} of this run is not at {path}. Put it back there, or name "
                "its folder with --collection."
            )
        collection = load_collection(path)
        self.check_collection(collection)
        return collection

    def check_collection(self, collection: Collection) -> None:
        """Refuse a collection that is not the one the run was trained on (UserError)."""
        same = collection.hash == self.collection.hash
        if not same or self.view(collection).text_hash != self.collection.text_hash:
            raise UserError(
                f"Collection {collection.name!r} is not what run {self.id} was trained on: its sounds, classes or "
                "embeddings have changed. Train again, or use the collection as it was."
            )


def run_id(train: TrainConfig, fold: int) -> str:
    """Folder name of a run within an experiment; with the variant if it has a name, and the seed if it is not 0."""
    modality = modality_in_names(train.modality, train.text)
    variant = f"-{train.variant}" if train.variant else ""
    return f"{train.loss}-{modality}-c{train.min_confidence}{variant}-fold{fold}" + seed_suffix(train.seed)


def modality_in_names(modality: Modality, text: str | None) -> str:
    """A modality in the name of a run or baseline; with its text configuration where that is not the first."""
    return f"{modality}-{quote(text, safe='+')}" if text else modality


def seed_suffix(seed: int) -> str:
    """What ends the name of a run or baseline of a training seed; nothing for seed 0."""
    return f"-s{seed}" if seed else ""


def load_info(folder: str | Path, *, verify: bool = False) -> RunInfo:
    """Read what ``run.json`` says; one of an older format version is migrated in memory.

    Args:
        folder: The run.
        verify: Check the hashes of the other files too.

    Raises:
        UserError: The folder is no run, incomplete, damaged, or of a newer format version.
    """
    folder = Path(folder)
    header = storage.read_folder(folder, lambda place: read_run_header(place, verify=verify))
    return info_from_header(header, folder)


def read_run_header(place: Path, *, verify: bool) -> dict[str, Any]:
    """The header of the run at ``place``, as it is stored; UserError as :func:`load_info`."""
    return storage.read_header(place, HEADER, "run", migrations.RUN_VERSIONS, TRAIN_AGAIN, verify=verify)


def info_from_header(stored: dict[str, Any], folder: Path) -> RunInfo:
    """What a header, migrated where it is of an older format version, says of the run in ``folder``.

    Raises:
        UserError: It lacks something, or something in it is not allowed.
    """
    what = str(folder / HEADER)
    header = {name: value for name, value in migrations.run_header(stored).items() if name != "folder"}
    model, encoders = header.get("model"), header.get("encoders")
    if not header.get("external"):
        schema.known_only(model, ModelConfig, what, TRAIN_AGAIN)
        schema.known_only(model.get("sizes") if isinstance(model, dict) else None, NetworkSizes, what, TRAIN_AGAIN)
        header["model"] = {} if model is None else model  # which lacks what every network has
    if "taxonomy" in header:
        header["taxonomy"] = taxonomy_from(header["taxonomy"], f"{what}: taxonomy", TRAIN_AGAIN)
    if "train" in header:
        header["train"] = TrainConfig.from_dict(header["train"], f"{what}: train", TRAIN_AGAIN)
    header["umap"] = header.get("umap") or None
    if isinstance(encoders, dict):
        header["encoders"] = {kind: completed(entry) for kind, entry in encoders.items()}
    info = dataclasses.replace(schema.convert(header, RunInfo, what, TRAIN_AGAIN), folder=folder.resolve())
    _check_whole(info, what)
    return info


def _check_whole(info: RunInfo, what: str) -> None:
    """Refuse (UserError) a header whose parts do not fit each other."""
    model, kinds = info.model, set(kinds_of(info.train.modality))
    lengths = {name: len(values) for name, values in info.history.items()}
    if len(set(lengths.values())) > 1:
        raise UserError(f"{what}: history has {lengths} epochs; allowed is the same number of each. {TRAIN_AGAIN}")
    if (info.external is None) != (info.train.loss != EXTERNAL):
        raise UserError(f"{what}: loss is {info.train.loss!r}, which does not fit external. {TRAIN_AGAIN}")
    if model is None:
        return
    dims = {kind: dim for kind, dim in (("audio", model.audio_dim), ("text", model.text_dim)) if dim}
    taken = {kind: encoder.dim for kind, encoder in info.encoders.items()}
    if model.modality != info.train.modality or set(dims) != kinds or any(dims.get(k) != d for k, d in taken.items()):
        raise UserError(
            f"{what}: the model takes {model.modality} of dimensions {dims}; trained was {info.train.modality} on "
            f"encoders of dimensions {taken}. {TRAIN_AGAIN}"
        )
    if model.n_classes != len(info.taxonomy.codes):
        raise UserError(
            f"{what}: the model has {model.n_classes} classes and its taxonomy {len(info.taxonomy.codes)}. "
            f"{TRAIN_AGAIN}"
        )


def is_run(folder: Path) -> bool:
    """Whether a folder holds a run."""
    return (storage.located(folder) / HEADER).is_file()
