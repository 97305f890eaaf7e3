"""Stand-ins that need no weights: small encoders, collections with a structure, runs trained in a second."""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import soundfile

from bstviz.datasets.collection import Collection, sounds_table
from bstviz.datasets.splits import Folds, stratified_folds
from bstviz.datasets.taxonomy import bst
from bstviz.encoders.base import Embeddings, EncoderInfo
from bstviz.evaluation.out_of_fold import OutOfFold
from bstviz.jobs.background_process import Report
from bstviz.models.config import NetworkSizes, TrainConfig
from bstviz.models.run import Run

CODES = ("m-sp", "m-m", "is-p", "fx-a", "fx-v", "ss-n")
AUDIO_DIM, TEXT_DIM = 16, 12
RATE = 8_000
TINY = NetworkSizes(width=32, depth=1, dropout=0.0, hidden=16, latent=8)
DEEP = NetworkSizes(width=32, expansion=2, depth=1, dropout=0.0, hidden=16, latent=8, norm="batch", head="deep")


def until(holds: Callable[[], Any], seconds: float = 120.0) -> None:
    """Wait until something holds, for so many seconds at most."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"it does not hold within {seconds:g} s"
        time.sleep(0.01)


class FakeAudioEncoder:
    """Log energy of 16 frequency bands: tones of different pitch come out apart."""

    rate = RATE

    def __init__(self, revision: str = "1") -> None:
        self.info = EncoderInfo("fake-audio", revision, AUDIO_DIM)
        self.embedded = 0

    def embed(self, sounds: Sequence[np.ndarray]) -> np.ndarray:
        self.embedded += len(sounds)
        bands = [np.array_split(np.abs(np.fft.rfft(x, RATE)), AUDIO_DIM) for x in sounds]
        return np.log1p([[b.mean() for b in sound] for sound in bands]).astype(np.float32)


class FakeTextEncoder:
    """Counts of words, hashed to 12 dimensions."""

    def __init__(self, revision: str = "1") -> None:
        self.info = EncoderInfo("fake-text", revision, TEXT_DIM)
        self.embedded = 0

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.embedded += len(texts)
        out = np.zeros((len(texts), TEXT_DIM), np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                out[row, zlib.crc32(word.encode()) % TEXT_DIM] += 1
        return out


def with_descriptions(collection: Collection) -> Collection:
    """A collection with a second text, of title, tags and description, whose vectors say less of the class."""
    first = collection.embedding("text")
    values = (first[:, ::-1] + np.random.default_rng(7).normal(scale=2, size=first.shape)).astype(np.float32)
    encoder = EncoderInfo("fake-text", "1", TEXT_DIM, ("title", "tags", "description"))
    return collection.having_text(Embeddings(values, encoder))


def tone(hz: float, seconds: float = 0.25, rate: int = RATE) -> np.ndarray:
    """A sine (n,) float32 of amplitude 0.5."""
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def write_tones(folder: Path, codes: Sequence[str] = CODES, per_class: int = 4) -> pd.DataFrame:
    """WAV files of one pitch region per class, and their table (sound_id, class, title, path, confidence, uploader)."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for c, code in enumerate(codes):
        for i in range(per_class):
            file = f"{code}_{i}.wav"
            soundfile.write(folder / file, tone(300 + 550 * c + 7 * i), RATE)
            rows.append((f"{code}_{i}", code, f"sound {code} {i}", file, 1 + (c + i) % 5, f"user{i}"))
    return pd.DataFrame(rows, columns=["sound_id", "class", "title", "path", "confidence", "uploader"])


def small_collection(
    codes: Sequence[str] = CODES, per_class: int = 8, *, seed: int = 0, spread: float = 0.5, name: str = "small"
) -> Collection:
    """Sounds whose embeddings lie in one cluster per class; confidence runs 1 to 5, four uploaders, no audio files."""
    rng = np.random.default_rng(seed)
    n = len(codes) * per_class
    label = np.repeat(np.arange(len(codes)), per_class)
    within = np.tile(np.arange(per_class), len(codes))
    sounds = pd.DataFrame(
        {
            "sound_id": [f"s{i:03d}" for i in range(n)],
            "class": [codes[c] for c in label],
            "confidence": 1 + within % 5,
            "title": [f"title {i}" for i in range(n)],
            "tags": "some,tags",
            "uploader": [f"user{i % 4}" for i in within],
            "license": "CC0",
        }
    )

    def clusters(dim: int) -> np.ndarray:
        centres = rng.normal(size=(len(codes), dim))
        return (3 * centres[label] + spread * rng.normal(size=(n, dim))).astype(np.float32)

    return Collection(
        name=name,
        sounds=sounds_table(sounds),
        taxonomy=bst(),
        audio=clusters(AUDIO_DIM),
        text=clusters(TEXT_DIM),
        audio_encoder=EncoderInfo("fake-audio", "1", AUDIO_DIM),
        text_encoder=EncoderInfo("fake-text", "1", TEXT_DIM, ("title", "tags")),
        license="CC0",
        notes=("made up",),
    )


def quick(**changes: object) -> TrainConfig:
    """Settings under which a small collection is learned in well under a second, whatever the defaults are."""
    settings = {
        "epochs": 40,
        "min_steps": 0,
        "patience": 0,
        "batch_size": 8,
        "learning_rate": 1e-2,
        "schedule": "one-cycle",
        "weight_decay": 1e-2,
        "noise": 0.1,
        "mask": 0.2,
        "mixup": 0.0,
        "label_smoothing": 0.0,
        "top_penalty": "soft",
        "contrastive_weight": 1.0,
        "precision": "float32",
        "retrieval": False,
        "sizes": TINY,
    }
    return TrainConfig(**{**settings, **changes})  # type: ignore[arg-type]


def stratified(collection: Collection, n_folds: int = 4, seed: int = 0) -> Folds:
    """Stratified folds over a collection."""
    return Folds(stratified_folds(collection.labels, n_folds=n_folds, seed=seed), f"stratified {n_folds}-fold")


def answers_of(
    base: Run,
    y_true: np.ndarray,
    y_pred: np.ndarray,
    *,
    folds: np.ndarray | None = None,
    ids: Sequence[str] | None = None,
    annotation_confidence: np.ndarray | None = None,
    seed: int = 0,
) -> OutOfFold:
    """Out-of-fold predictions made of labels, in order, with random probabilities.

    One run per fold, in all else like ``base``.
    """
    n, codes = len(y_true), np.array(base.taxonomy.codes, object)
    folds = np.zeros(n, int) if folds is None else folds
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(len(codes)), n).astype(np.float32)
    best = probabilities.argmax(axis=1)
    rows = np.arange(n)
    probabilities[rows, best], probabilities[rows, y_pred] = probabilities[rows, y_pred], probabilities[rows, best]
    sounds = pd.DataFrame(
        {
            "sound_id": [f"s{i:05d}" for i in rows] if ids is None else ids,
            "y_true": codes[y_true],
            "y_pred": codes[y_pred],
        }
    )
    sounds = pd.concat([sounds, pd.DataFrame(probabilities, columns=[f"p_{c}" for c in codes])], axis=1)
    known, member = np.unique(folds, return_inverse=True)
    runs = [
        replace(base, fold=int(fold), sounds=sounds.assign(split=np.where(folds == fold, "test", "train")))
        for fold in known
    ]
    return OutOfFold(
        tuple(runs), member, rows, np.full(n, np.nan) if annotation_confidence is None else annotation_confidence
    )


class InThisProcess:
    """A worker process that is none: what is asked for is done by the thread that asks, where patches hold."""

    def __init__(self, niceness: int, threads: int) -> None:
        self.number, self.alive, self.pid = 0, True, os.getpid()

    def take(self) -> None:
        self.number += 1

    def run(self, function: Callable[..., Any], arguments: tuple[Any, ...], report: Report) -> tuple[Any, int]:
        return function(*arguments, report=report), 0

    def stop(self, number: int) -> None:
        """It goes on to its end."""

    def end(self) -> None:
        """There is nothing to end."""
