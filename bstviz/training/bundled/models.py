"""The bundled models: the demo collection, and the recipe that trains them on it; and the text model of names.

``bstviz demo`` makes the demo collection and trains four models: hierarchical and flat, audio and audio with text. For
the pictures by annotation confidence it trains the audio ones at further thresholds too, and keeps what these predict.
Further collections, given by path, join the training and never the test; only demo sounds are listed in the runs.

What strangers drop on a page is unlike anything that was trained on, so temperature and retrieval share are fitted on
recordings of collections that a network was not trained on (:func:`held_out_folds`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bstviz.datasets import demo
from bstviz.datasets.collection import Collection, is_collection, load_collection
from bstviz.datasets.extra import ORIGIN, concatenate
from bstviz.datasets.splits import Folds, choose_folds, group_values, stratified_folds
from bstviz.datasets.table import load as load_table
from bstviz.encoders.registry import load_text_encoder
from bstviz.evaluation.calibration import fit_temperature, gain
from bstviz.evaluation.metrics import evaluate
from bstviz.inference.embed import embed_collection
from bstviz.inference.names import words_of_name
from bstviz.jobs.resumable import Track, no_progress
from bstviz.latent.projection import UmapSettings
from bstviz.models.config import AUDIO_ENCODER, LOSSES, TEXT_ENCODER, Loss, Modality, TrainConfig, recipe
from bstviz.models.run import Run
from bstviz.training.bundled.slim import slim, without_latents

COLLECTION, RUNS, TEXT = "demo", "runs", "text"
RECIPE = "default"
LICENSE = "mit"
"""Of the bundled models, that of the project."""
CHANGES: dict[str, Any] = {"noise": 0.3, "label_smoothing": 0.3}
"""Of the recipe, for the bundled models (``docs/experiments.md``, "Bundled models")."""
HELD_OUT_FOLDS = 5
TEXT_LOSS: Loss = "flat"
"""Of the text model: its answers are pooled, and its latents are not shown."""
BUNDLED_MODALITIES: tuple[Modality, ...] = ("audio", "both")
FURTHER_THRESHOLDS = (3, 4)
"""Of annotation confidence, as in the paper; the audio models at these are kept without their weights."""
UNUSABLE_LICENSE = r"(?i)\bnc\b|\bsampling\b|no licence stated"
"""Sounds of further collections with such a licence are left out of the bundled models."""
TEXT_FOLDS = 5
"""Of uploaders: the bundled text model is that of the first, and is judged and calibrated on all."""


def make_collection(folder: str | Path, *, track: Track = no_progress) -> Collection:
    """Make the demo collection in ``folder``, synthesise and embed its sounds; an existing one is read back.

    Embeddings of other encoders than the default ones are made anew, and those of a collection that does not tell what
    content its sounds have.
    """
    folder = Path(folder)
    if not is_collection(folder):
        demo.load().save(folder)
    collection = load_collection(folder)
    audio, text = (
        None if info is not None and info.id == wanted else wanted
        for info, wanted in ((collection.audio_encoder, AUDIO_ENCODER), (collection.text_encoder, TEXT_ENCODER))
    )
    if "content" not in collection.sounds:
        audio = AUDIO_ENCODER
    if audio or text:
        report = embed_collection(folder, audio_encoder=audio, text_encoder=text, track=track)
        collection = report.collection
    return collection


def usable(collection: Collection) -> Collection:
    """The collection, with its first text, without sounds whose licence forbids or does not state free use."""
    keep = (
        ~collection.sounds["license"].fillna("no licence stated").str.contains(UNUSABLE_LICENSE, regex=True).to_numpy()
    )
    return replace(
        collection,
        sounds=collection.sounds[keep].reset_index(drop=True),
        audio=None if collection.audio is None else collection.audio[keep],
        text=None if collection.text is None else collection.text[keep],
        further_texts=(),
    )


def config_of(loss: Loss, modality: Modality, *, seed: int = 0, min_confidence: int = 1) -> TrainConfig:
    """Settings of a bundled model.

    Those with text do without retrieval: its share would be 0.1 to 0.2, and its datastores make four fifths of a run.
    """
    own = {"loss": loss, "modality": modality, "seed": seed, "retrieval": modality == "audio"}
    return recipe(RECIPE, **CHANGES | own, min_confidence=min_confidence)


def held_out_folds(everything: Collection, recorded: np.ndarray, *, seed: int = 0) -> Folds | None:
    """Folds for calibration: recordings, grouped by where they come from.

    Args:
        everything: Demo sounds and recordings.
        recorded: (N,) bool, the recordings; what was synthesised is no measure of them and is never held out.
        seed: Of the shuffle.

    Returns:
        None where recordings come from fewer than two places.
    """
    if ORIGIN not in everything.sounds:
        return None
    groups = group_values(everything.sounds, ORIGIN)
    labels = np.where(recorded, everything.labels, -1)
    known = labels >= 0
    largest = int(np.bincount(labels[known], minlength=1).max())
    count = min(HELD_OUT_FOLDS, len(set(groups[known].tolist())), largest)
    if count < 2:
        return None
    kind = f"stratified {count}-fold over recordings, seed {seed}, grouped by {ORIGIN}"
    return Folds(stratified_folds(labels, n_folds=count, seed=seed, groups=groups), kind, groups)


def train_bundled(
    out: str | Path,
    extra: list[Path],
    *,
    seed: int = 0,
    fold_seed: int = 0,
    track: Track = no_progress,
    on_run: Callable[[str, int, int], None] | None = None,
) -> list[Path]:
    """Train the bundled models into ``out``: ``demo`` (the collection) and ``runs`` (the experiment).

    Args:
        out: Folder, made anew where it holds runs already.
        extra: Folders of embedded collections that join the training.
        seed: Of training and UMAP.
        fold_seed: Of the folds.
        track: Progress of embedding.
        on_run: Progress of training: run, epoch, epochs.

    Returns:
        Folders of the runs.
    """
    out = Path(out)
    make_collection(out / COLLECTION, track=track)
    shutil.rmtree(out / RUNS, ignore_errors=True)
    settings = [config_of(loss, modality, seed=seed) for modality in BUNDLED_MODALITIES for loss in LOSSES]
    further = [config_of(loss, "audio", seed=seed, min_confidence=c) for c in FURTHER_THRESHOLDS for loss in LOSSES]
    options: dict[str, Any] = {"fold_seed": fold_seed, "on_run": on_run}
    models = [
        run.save(out / RUNS / run.id, half=True) for run in train_on_demo(out / COLLECTION, extra, settings, **options)
    ]
    looked_at = train_on_demo(out / COLLECTION, extra, further, **options)
    return [*models, *(slim(run, latents=True).save(out / RUNS / run.id, half=True) for run in looked_at)]


def train_on_demo(
    demo_folder: Path,
    extra: Sequence[Path],
    settings: Sequence[TrainConfig],
    *,
    fold_seed: int = 0,
    on_run: Callable[[str, int, int], None] | None = None,
) -> Iterator[Run]:
    """Train the first fold of the demo, one model per setting; arguments otherwise as for :func:`train_bundled`."""
    import torch

    from bstviz.training.train import train_fold

    collection = load_collection(demo_folder)
    others = [usable(load_collection(path)) for path in extra]
    everything = concatenate(collection, others)
    folds = stratified_folds(collection.labels, seed=fold_seed)
    only = "; other collections train only" if others else ""
    kind = f"stratified 5-fold over the demo sounds, seed {fold_seed}{only}"
    held_out = held_out_folds(everything, np.arange(len(everything)) >= len(collection), seed=fold_seed)
    for config in settings:
        torch.set_num_threads(1)  # batches are small, and the UMAP fit before set all cores to work
        yield train_fold(
            collection,
            Folds(folds, kind),
            0,
            config,
            extra=others,
            held_out=held_out,
            umap=UmapSettings(seed=config.seed),
            on_epoch=partial(on_run, config.words()) if on_run else None,
        )


def titled(table: str | Path) -> Collection:
    """The sounds of a table of BSD10k whose licence allows it and whose titles have words, embedded by these alone.

    The words are what :func:`bstviz.inference.names.words_of_name` leaves of a title, as of a file's name at use.
    """
    everything = usable(load_table(table, name="BSD10k titles"))
    titles = everything.sounds["title"].fillna("").str.replace("/", " ")  # in a name it parts folders
    words = titles.map(words_of_name)
    kept = (words != "").to_numpy()
    encoder = load_text_encoder(TEXT_ENCODER)
    return replace(
        everything,
        sounds=everything.sounds[kept].reset_index(drop=True),
        text=encoder.embed(words[kept].tolist()),
        text_encoder=replace(encoder.info, fields=("title",)),
    )


def train_text_models(collection: Collection, folds: Folds, *, loss: Loss, seed: int) -> list[Run]:
    """Text models of all folds with one temperature, fitted on all their test sounds; each lists its own alone.

    The few uploaders of one fold's validation sounds say little of others. There is no retrieval: its datastore is
    five times the size of everything else and adds 0.2 points to the pool with audio (``docs/experiments.md``).
    """
    from bstviz.models.predict import Embeddings, answers_table, predict
    from bstviz.training.train import train_folds

    config = recipe(RECIPE, loss=loss, modality="text", seed=seed, retrieval=False)
    trained = train_folds(collection, folds, range(folds.count), config)
    text, encoder = collection.embedding("text"), trained[0].encoders["text"]
    logits = np.concatenate([run.temperature * np.log(run.probabilities[run.tested]) for run in trained])
    temperature = fit_temperature(logits, np.concatenate([run.y_true[run.tested] for run in trained]))
    out = []
    for run in trained:
        rows = np.array([collection.row_of[sound_id] for sound_id in run.sounds["sound_id"][run.tested]])
        calibrated = replace(run, temperature=temperature)
        answer = predict(calibrated, text=Embeddings(text[rows], encoder))
        out.append(
            replace(
                calibrated,
                sounds=answers_table(collection, rows, np.full(len(rows), "test", object), answer),
                latents=answer.latent,
                projections=run.projections[run.tested].reset_index(drop=True),
                metrics=evaluate(collection.labels[rows], answer.probabilities, collection.taxonomy.parents),
            )
        )
    return out


def train_bundled_text(table: str | Path, out: str | Path, *, seed: int = 0) -> Path:
    """Train the text model that predicts by the words of files' names, into ``out/text``.

    It is the model of one of five folds grouped by uploader; its gain and temperature are those of all five.
    The run lists its test sounds, of uploaders that it was not trained on: their ids, classes and probabilities, and no
    words. Neither the sounds it was trained on nor any titles are kept.

    Args:
        table: Of BSD10k, with title, class, uploader and license.
        out: Folder; the model there is replaced.
        seed: Of folds and training.
    """
    import torch

    torch.set_num_threads(1)  # batches are small
    collection = titled(table)
    folds = choose_folds(collection, folds=TEXT_FOLDS, group="uploader", seed=seed)
    runs = train_text_models(collection, folds, loss=TEXT_LOSS, seed=seed)
    probabilities, labels = (
        np.concatenate([getattr(run, name) for run in runs]) for name in ("probabilities", "y_true")
    )
    run = replace(runs[0], held_out_gain=gain(probabilities, labels))
    return without_latents(run).save(Path(out) / TEXT, half=True)
