"""Runs of any size, made up: clusters in a latent space, words, answers that are mostly right, a few sound files for
all.

For measuring the app only. ``python -m benchmarks.synthetic FOLDER N`` writes ``FOLDER/sounds`` (a collection) and
``FOLDER/hierarchical`` and ``FOLDER/flat`` (runs of it). :func:`make_experiment` writes a whole experiment.
"""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from bstviz import paths, synth
from bstviz.datasets.collection import Collection, sounds_table
from bstviz.datasets.taxonomy import bst
from bstviz.encoders.base import EncoderInfo
from bstviz.evaluation.out_of_fold import evaluate
from bstviz.latent.projection import fit_pca, pca_table
from bstviz.models.config import LOSSES
from bstviz.models.experiment_folder import write_experiment
from bstviz.models.run import Run, load_run
from bstviz.models.run_info import CollectionRef, load_info, run_id
from bstviz.training.baselines import Baseline, BaselineConfig

FOLDS, THRESHOLDS = 5, (1, 3, 4)
"""Of an experiment; thresholds of annotation confidence."""
WORDS = np.array(
    [
        "dog",
        "rain",
        "door",
        "engine",
        "voice",
        "piano",
        "drum",
        "glass",
        "wind",
        "street",
        "bird",
        "footsteps",
        "bell",
        "water",
        "guitar",
        "crowd",
        "alarm",
        "forest",
        "train",
        "synth",
    ]
)


def write_files(folder: Path, count: int = 40) -> list[str]:
    """Names of ``count`` OGG files of demo sounds, written to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for spec in synth.catalogue()[:: len(synth.catalogue()) // count][:count]:
        names.append(f"{spec.sound_id}.ogg")
        soundfile.write(folder / names[-1], synth.render(spec.sound_id), synth.SAMPLE_RATE)
    return names


def make_collection(n: int, audio: Path, *, encoder: EncoderInfo | None = None, seed: int = 0) -> Collection:
    """n sounds over all classes in unequal shares, with words, confidence, uploader, duration, and one of a few files
    each; with an encoder also embeddings, as if by it.
    """
    files = np.array(write_files(audio))
    rng = np.random.default_rng(seed)
    codes = np.array(bst().codes)
    label = rng.choice(len(codes), n, p=rng.dirichlet(np.full(len(codes), 6)))
    number = np.char.zfill(np.arange(n).astype(str), 7)
    words = [pd.Series(WORDS[rng.integers(len(WORDS), size=n)]) for _ in range(4)]
    table = pd.DataFrame(
        {
            "sound_id": np.char.add(np.char.add(codes[label], "-"), number),
            "class": codes[label],
            "confidence": rng.choice([1, 2, 3, 4, 5], n, p=[0.01, 0.07, 0.3, 0.55, 0.07]),
            "title": words[0] + " " + words[1] + " " + pd.Series(number),
            "tags": words[2] + "," + words[3],
            "uploader": np.char.add("user", rng.zipf(1.7, n).clip(max=5_000).astype(str)),
            "path": files[np.arange(n) % len(files)],
            "license": rng.choice(["CC0 1.0", "CC BY 4.0"], n),
            "duration": rng.lognormal(1, 1, n).clip(0.1, 300),
        }
    )
    embeddings = None
    if encoder is not None:
        centres = rng.normal(size=(len(codes), encoder.dim))
        embeddings = (centres[label] + rng.normal(scale=4, size=(n, encoder.dim))).astype(np.float32)
    return Collection(
        f"synthetic {n:,}",
        sounds_table(table),
        audio_root=str(audio.absolute()),
        audio=embeddings,
        audio_encoder=encoder,
        license="CC0",
    )


def make_run(
    collection: Collection,
    base: Run,
    folder: Path,
    *,
    seed: int,
    split: np.ndarray | None = None,
    measured: bool = False,
) -> Path:
    """A run of the collection with the settings of ``base``, three of four answers right.

    Args:
        collection: Its sounds, n; saved as ``sounds`` beside the run.
        base: What is not made up.
        folder: Of the run.
        seed: Of what is made up.
        split: (n,) what each sound was to the run; drawn when left out.
        measured: Measure it on its test sounds; else its metrics are those of ``base``.
    """
    rng = np.random.default_rng(seed)
    n, classes = len(collection), len(base.taxonomy.second)
    labels, parents = collection.labels, base.taxonomy.parents
    centres = rng.normal(size=(len(base.taxonomy.top), 64))[parents] + 0.6 * rng.normal(size=(classes, 64))
    latents = (centres[labels] + 0.55 * rng.normal(size=(n, 64), scale=1.0)).astype(np.float32)
    logits = rng.gumbel(size=(n, classes)).astype(np.float32)
    logits[np.arange(n), labels] += 5
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    sounds = pd.DataFrame(
        {
            "sound_id": collection.sounds["sound_id"],
            "split": rng.choice(["train", "val", "test"], n, p=[0.7, 0.1, 0.2]) if split is None else split,
            "y_true": collection.sounds["class"],
            "y_pred": np.array(base.taxonomy.codes)[probabilities.argmax(axis=1)],
            **{f"p_{code}": probabilities[:, i] for i, code in enumerate(base.taxonomy.codes)},
            "attention_audio": np.float32(1),
            "attention_text": np.float32(0),
        }
    )
    pca = fit_pca(latents)
    reference = CollectionRef(collection.name, collection.hash, str((folder.parent / "sounds").absolute()))
    made = replace(
        base,
        sounds=sounds,
        latents=latents,
        pca=pca,
        projections=pca_table(pca, latents),
        collection=reference,
        umap=None,
        extra_training_data=(),
        folder=None,
    )
    return (replace(made, metrics=evaluate(made)) if measured else made).save(folder)


def make_experiment(folder: Path, n: int) -> Path:
    """Five folds of hierarchical and flat runs and baselines at three annotation confidence thresholds, of n sounds
    with embeddings; what is there already is kept.
    """
    if (folder / "experiment.json").is_file():
        return folder
    bases = {loss: load_run(paths.assets() / "runs" / f"{loss}-audio-c1-fold0") for loss in LOSSES}
    encoder = next(iter(bases.values())).encoders["audio"]
    collection = make_collection(n, folder / "audio", encoder=encoder)
    collection.save(folder / "sounds")
    fold_of = np.random.default_rng(1).integers(FOLDS, size=n)
    confidence = collection.sounds["confidence"].to_numpy(int)
    for seed, (loss, threshold, fold) in enumerate(itertools.product(LOSSES, THRESHOLDS, range(FOLDS))):
        train = replace(bases[loss].train, min_confidence=threshold)
        low, own = confidence < threshold, fold_of == fold
        split = np.select([own & low, own, low], ["below_threshold", "test", "unused"], "train")
        base = replace(bases[loss], train=train, fold=fold, split_kind=f"{FOLDS} folds, made up")
        made = folder / run_id(train, fold)
        make_run(collection, base, made, seed=seed, split=split, measured=True)
        for method in ("knn", "logistic"):
            about = {"split_kind": base.split_kind, "collection": collection.name, "metrics": load_info(made).metrics}
            Baseline(BaselineConfig(method, "audio", threshold), fold, encoders=str(encoder), **about).save(folder)
    write_experiment(folder, {})
    return folder


def make(folder: Path, n: int) -> Path:
    """The collection and both runs in a folder; what is there already is kept."""
    if not all((folder / loss / "run.json").is_file() for loss in LOSSES):
        collection = make_collection(n, folder / "audio")
        collection.save(folder / "sounds")
        for seed, loss in enumerate(LOSSES):
            make_run(collection, load_run(paths.assets() / "runs" / f"{loss}-audio-c1-fold0"), folder / loss, seed=seed)
    return folder


if __name__ == "__main__":
    print(make(Path(sys.argv[1]), int(sys.argv[2])))
