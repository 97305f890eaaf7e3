"""Baselines on the same embeddings and folds as the networks: nearest neighbours, logistic regression, zero-shot.

Embeddings are standardised by the training sounds; with both modalities the two are concatenated. Baselines train on
the very sounds that the networks beside them train on: the same validation sounds are held out, though a baseline has
no use for them. Zero-shot (:mod:`bstviz.training.zero_shot`) trains on nothing and takes audio alone, of an encoder
that embeds text too.

References: P. Anastasopoulou, J. Torrey, X. Serra, F. Font, "Heterogeneous Sound Classification with the Broad Sound
Taxonomy and Dataset", DCASE 2024 (nearest neighbours); paper section 5.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from bstviz import schema, storage, stored
from bstviz.datasets.collection import Collection
from bstviz.datasets.extra import join
from bstviz.datasets.splits import Folds, split_collection
from bstviz.errors import UserError
from bstviz.evaluation import metrics
from bstviz.models.config import Modality, Threshold, TrainConfig, checked_text, kinds_of
from bstviz.models.run_info import Fold, modality_in_names, seed_suffix
from bstviz.schema import Line, Name, Prose, Seed, Share
from bstviz.training.zero_shot import zero_shot

Method = Literal["knn", "logistic", "zeroshot"]
METHODS: dict[Method, str] = {
    "knn": "kNN (10, cosine)",
    "logistic": "Logistic regression",
    "zeroshot": "Zero-shot (class definitions)",
}
BASELINES = "baselines"
BASELINE_VERSION = 2
"""Version 1 fitted on the validation sounds too, and did not say so."""
KNN_NEIGHBOURS, INVERSE_REGULARISATION = 10, 0.01


@dataclass(frozen=True)
class BaselineConfig:
    """What a baseline is fitted on.

    Attributes:
        method: Which baseline.
        modality: Which embeddings it takes.
        min_confidence: Sounds below this annotation confidence are left out of training and test alike.
        seed: Of the validation draw, by which its splits are those of the networks.
        validation: Share of the training sounds that is held out, as of the networks; 0 in files of format version 1,
            whose baselines trained on the validation sounds too.
        text: Which text configuration of the collection, as of the networks.
    """

    method: Method
    modality: Modality
    min_confidence: Threshold = 1
    seed: Seed = 0
    validation: Share = TrainConfig.validation
    text: Line | None = None

    def __post_init__(self) -> None:
        schema.check(self)
        checked_text(self.modality, self.text)
        if self.method == "zeroshot" and self.modality != "audio":
            raise UserError(
                f"modality is {self.modality!r}; zero-shot compares sounds with class definitions: take audio."
            )


@dataclass(frozen=True)
class Baseline:
    """A baseline's scores on one fold.

    Attributes:
        config: What it is.
        fold: Index of its test fold.
        split_kind: How the folds were made, in words.
        collection: Name of the collection.
        encoders: What made the embeddings, in words.
        metrics: As of a run: on the test sounds at or above the annotation confidence threshold.
        source: Id of the data set that the collection is, where its importer said so.
        text: The text configuration that it takes, as ``title+tags``; None for audio, and where it was not recorded.
        extra_training_data: Names of further collections that it was fitted on.
    """

    config: BaselineConfig
    fold: Fold
    split_kind: Line
    collection: Line
    encoders: Prose
    metrics: dict[Name, float]
    source: Line | None = None
    text: Line | None = None
    extra_training_data: tuple[Line, ...] = ()

    def save(self, experiment: Path) -> Path:
        """Write the scores into an experiment folder."""
        file = baseline_file(experiment, self.config, self.fold)
        file.parent.mkdir(parents=True, exist_ok=True)
        entry = {"format_version": BASELINE_VERSION, **dataclasses.asdict(self)}
        storage.write_file(file, (json.dumps(entry, indent=1) + "\n").encode())
        return file


def baseline_file(experiment: Path, config: BaselineConfig, fold: int) -> Path:
    """File of a baseline's scores within an experiment; the seed is in its name where it is not 0."""
    modality = modality_in_names(config.modality, config.text)
    name = f"{config.method}-{modality}-c{config.min_confidence}-fold{fold}{seed_suffix(config.seed)}"
    return experiment / BASELINES / f"{name}.json"


def find_baselines(experiment: str | Path) -> list[Baseline]:
    """The baselines of an experiment, in name order; none where it has none.

    Raises:
        UserError: A file is damaged or of another format version.
    """
    return [read_baseline(file) for file in baseline_files(experiment)]


def baseline_files(experiment: str | Path) -> list[Path]:
    """Files of the baselines of an experiment, in name order."""
    return sorted((Path(experiment) / BASELINES).glob("*.json"))


def read_baseline(file: Path) -> Baseline:
    """The baseline of a file; raises UserError as :func:`find_baselines`."""
    remedy = "Delete it and run the sweep again."
    entry = stored.read_json(file, remedy=remedy)
    version, config = entry.get("format_version"), entry.get("config")
    storage.check_version(version, (1, BASELINE_VERSION), f"{file} has", remedy)
    if version == 1 and isinstance(config, dict):
        entry["config"] = {"validation": 0.0, **config}
    return schema.convert(entry, Baseline, str(file), remedy)


def fit_baseline(
    collection: Collection, folds: Folds, fold: int, config: BaselineConfig, *, extra: Sequence[Collection] = ()
) -> Baseline:
    """Fit a baseline on one fold and score it; ``extra`` as for networks, but zero-shot trains on nothing.

    Raises:
        UserError: An embedding is missing, too few sounds remain, or zero-shot has no encoder that embeds text.
    """
    collection = collection.with_text(config.text)
    kinds = kinds_of(config.modality)
    extra = () if config.method == "zeroshot" else extra
    collection, folds = join(collection, folds, extra, kinds)
    matrices = [collection.embedding(kind) for kind in kinds]
    usable = collection.usable(kinds)
    labels = collection.labels
    split = split_collection(
        collection,
        folds,
        fold,
        usable,
        min_confidence=config.min_confidence,
        validation=config.validation,
        seed=config.seed,
    )
    train, test = split == "train", split == "test"
    if config.method == "zeroshot":
        probabilities = zero_shot(collection)[test]
    else:
        x = np.concatenate([np.nan_to_num(m) for m in matrices], axis=1)
        probabilities = _trained(config.method, x[train], labels[train], x[test], len(collection.taxonomy.codes))
    return Baseline(
        config=config,
        fold=fold,
        split_kind=folds.kind,
        collection=collection.name,
        encoders=", ".join(f"{kind} {collection.encoder(kind)}" for kind in kinds) + _texts(collection, config),
        metrics=metrics.evaluate(labels[test], probabilities, collection.taxonomy.parents),
        source=collection.source,
        extra_training_data=tuple(other.name for other in extra),
        text=info.configuration if "text" in kinds and (info := collection.encoder("text")) else None,
    )


def _texts(collection: Collection, config: BaselineConfig) -> str:
    """In words, whose definitions zero-shot takes, where a data set brought them."""
    source = collection.taxonomy.texts_from
    return f", class texts of {source}" if source and config.method == "zeroshot" else ""


def _trained(method: Method, x: np.ndarray, labels: np.ndarray, asked: np.ndarray, n_classes: int) -> np.ndarray:
    """Probabilities (m, C) for ``asked`` (m, d) of a classifier trained on x (n, d) and labels (n,)."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifier = (
        KNeighborsClassifier(min(KNN_NEIGHBOURS, len(x)), metric="cosine", weights="distance")
        if method == "knn"
        else LogisticRegression(C=INVERSE_REGULARISATION, max_iter=300)
    )
    model = make_pipeline(StandardScaler(), classifier).fit(x, labels)
    probabilities = np.zeros((len(asked), n_classes))
    probabilities[:, model.classes_] = model.predict_proba(asked)
    return probabilities
