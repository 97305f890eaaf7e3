"""Predictions of a model that was trained elsewhere as runs without weights, to be looked at beside runs of ours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from bstviz import storage
from bstviz.datasets.collection import Collection
from bstviz.datasets.splits import choose_folds, confident_sounds
from bstviz.encoders.base import AudioOrText
from bstviz.errors import UserError
from bstviz.evaluation.out_of_fold import evaluate
from bstviz.latent.projection import pca_map
from bstviz.models.config import EXTERNAL, Modality, TrainConfig
from bstviz.models.predict import Prediction, answers_table
from bstviz.models.run import Run, library_versions
from bstviz.models.run_info import CollectionRef, ExternalModel
from bstviz.predictions.table import PredictionTable

SPLIT_KIND = "unknown folds"
KINDS: tuple[AudioOrText, ...] = ("audio", "text")


def external_runs(
    predictions: PredictionTable,
    collection: Collection,
    *,
    name: str,
    file: str | Path,
    modality: Modality = "audio",
    min_confidence: int = 1,
    fold_column: str | None = None,
    latents: str | Path | None = None,
) -> list[Run]:
    """Runs without weights: one, or one per fold that lists its test sounds.

    It is taken at its word that the model had not been trained on the sounds: all that have a class and reach the
    threshold are test sounds.

    Args:
        predictions: For sounds of the collection.
        collection: The sounds.
        name: What to call the model.
        file: Where the predictions were read from.
        modality: What the model takes.
        min_confidence: Annotation confidence threshold of its training and test.
        fold_column: Column of the collection with the folds that the model was trained and tested on; not known when
            left out.
        latents: A .npy of vectors (n, d) in the order of the predictions, an .npz with these as ``latents`` and ``ids``
            of its own, or ``audio`` or ``text`` for the collection's embeddings. Sounds without a finite vector are
            left out of the runs.

    Raises:
        UserError: Fewer than two sounds of a run have a prediction and a latent, or latents or folds do not fit.
    """
    rows = predictions.rows_of(collection.sounds["sound_id"])  # (N,) in the collection's order
    listed = rows >= 0
    vectors, words = np.zeros((len(collection), 0), np.float32), ""
    if latents is not None:
        vectors, words = _vectors(latents, predictions, collection)
        listed &= np.isfinite(vectors).all(axis=1)
    model = ExternalModel(
        name=name,
        file=Path(file).name,
        sha256=storage.sha256(Path(file)),
        given=predictions.given,
        latents=words,
        dim=vectors.shape[1],
    )
    folds, kind = np.zeros(len(collection), np.int64), SPLIT_KIND
    if fold_column is not None:
        chosen = choose_folds(collection, column=fold_column)
        folds, kind = chosen.assignment, chosen.kind

    def one(fold: int) -> Run:
        own = np.flatnonzero(listed & (folds == fold))
        if len(own) < 2:
            raise UserError(
                f"{len(own)} sounds of {collection.name!r} have a prediction{' and a latent' if words else ''}; its "
                f"ids are like {collection.sounds['sound_id'].iloc[0]!r}, those of the predictions like "
                f"{predictions.sound_ids[0] if len(predictions) else None!r}."
            )
        nowhere = np.full((len(own), 2), np.nan, np.float32)
        answer = Prediction(vectors[own], predictions.probabilities[rows[own]], nowhere)
        pca, projections = pca_map(answer.latent)
        run = Run(
            model=None,
            train=TrainConfig(loss=EXTERNAL, modality=modality, min_confidence=min_confidence),
            taxonomy=collection.taxonomy,
            encoders={},
            collection=CollectionRef(
                collection.name,
                collection.hash,
                str(collection.folder) if collection.folder else None,
                collection.source,
            ),
            fold=fold,
            split_kind=kind,
            metrics={},
            history={},
            versions=library_versions(),
            external=model,
            weights={},
            sounds=answers_table(collection, own, _splits(collection, own, min_confidence), answer),
            latents=answer.latent,
            projections=projections,
            pca=pca,
        )
        return replace(run, metrics=evaluate(run)) if (run.tested & (run.y_true >= 0)).any() else run

    return [one(fold) for fold in np.unique(folds[folds >= 0]).tolist()]


def _splits(collection: Collection, rows: np.ndarray, min_confidence: int) -> np.ndarray:
    """Names of the splits of some rows: test, or below the threshold; without a class unused."""
    split = np.where(confident_sounds(collection, min_confidence)[rows], "test", "below_threshold").astype(object)
    split[collection.labels[rows] < 0] = "unused"
    return split


def _vectors(latents: str | Path, predictions: PredictionTable, collection: Collection) -> tuple[np.ndarray, str]:
    """A vector for each sound of the collection, (N, d) float32, NaN without one, and where they come from, in words.

    Raises:
        UserError: There are none such, or their number is not that of the predictions.
    """
    for kind in KINDS:
        if str(latents) == kind:
            return collection.embedding(kind), f"the collection's {kind} embeddings"
    path = Path(latents)
    if path.suffix not in (".npy", ".npz"):
        raise UserError(f"--latents is {path}; allowed are a .npy or .npz file, audio and text.")
    try:
        read = np.load(path, allow_pickle=False)
        values, ids = (read, predictions.sound_ids) if path.suffix == ".npy" else (read["latents"], read["ids"])
    except (OSError, ValueError) as error:
        raise UserError(f"Cannot read the latents {path}: {error}. Save them with numpy.save.") from None
    except KeyError:
        raise UserError(f"{path} holds {', '.join(read)}; it needs latents (n, d) and ids (n,).") from None
    if values.ndim != 2 or len(values) != len(ids) or not values.shape[1] or values.dtype.kind != "f":
        raise UserError(
            f"{path} holds {values.dtype} of shape {values.shape} for {len(ids):,} ids; it takes floating-point "
            "vectors (n, d), a row for each."
        )
    place = dict(zip(map(str, ids), range(len(ids)), strict=True))
    rows = np.array([place.get(sound, -1) for sound in collection.sounds["sound_id"]])
    found: np.ndarray = np.where((rows >= 0)[:, None], values[rows], np.nan).astype(np.float32)
    return found, path.name
