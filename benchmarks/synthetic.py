"""Runs of any size, made up: clusters in a latent space, words, answers that are mostly right, a few sound files for
all, or one of its own for each, which says its number.

For measuring the app only. ``python -m benchmarks.synthetic FOLDER N`` writes ``FOLDER/sounds`` (a collection) and
``FOLDER/hierarchical`` and ``FOLDER/flat`` (runs of it). :func:`make_experiment` writes a whole experiment.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from bstviz import paths, synth
from bstviz.datasets.collection import Collection, load_collection, sounds_table
from bstviz.datasets.taxonomy import bst
from bstviz.encoders.base import EncoderInfo
from bstviz.evaluation.out_of_fold import evaluate
from bstviz.latent.projection import fit_pca, pca_table
from bstviz.models.config import LOSSES
from bstviz.models.experiment_folder import write_experiment
from bstviz.models.run import Run, load_run
from bstviz.models.run_info import CollectionRef, load_info, run_id
from bstviz.training.baselines import Baseline, BaselineConfig

RATE = 8_000
"""Hz of the files that say their number."""
DIGITS, TONE, TONES = 20, 0.02, (600.0, 1500.0)
"""Binary digits of a number, seconds of each, and the tones in Hz of 0 and 1."""
NUMBER = 7
"""Characters of a number at the end of ids and titles."""
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


def write_numbered(folder: Path, names: Sequence[str]) -> None:
    """One WAV for each name, the first of number 0, which says its number (:func:`numbered`)."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        soundfile.write(folder / name, numbered(number), RATE)


def numbered(number: int, *, rate: int = RATE, seconds: float = 0.0) -> np.ndarray:
    """A sound that nobody mistakes for another, (n,) float32: its number in tones, a low one for 0, a high one for 1.

    Args:
        number: Below 2 ** :data:`DIGITS`.
        rate: In Hz.
        seconds: Silence follows up to here.
    """
    time = np.arange(round(TONE * rate)) / rate
    tones = [0.5 * np.sin(2 * np.pi * TONES[number >> place & 1] * time) for place in range(DIGITS)]
    sound = np.concatenate(tones).astype(np.float32)
    return np.pad(sound, (0, max(round(seconds * rate) - len(sound), 0)))


def number_of(samples: np.ndarray, rate: int) -> int | None:
    """The number that a sound says; None where it says none."""
    length = round(TONE * rate)
    if len(samples) < DIGITS * length:
        return None
    parts = samples[: DIGITS * length].reshape(DIGITS, length)
    waves = np.exp(-2j * np.pi * np.outer(TONES, np.arange(length) / rate))
    energy = np.abs(parts @ waves.T)  # (digits, 2)
    if (energy.max(axis=1) < 3 * energy.min(axis=1) + 1e-3).any():
        return None
    return int((energy.argmax(axis=1) << np.arange(DIGITS)).sum())


def make_collection(
    n: int, audio: Path, *, name: str = "", seed: int = 0, own_files: int = 0, encoder: EncoderInfo | None = None
) -> Collection:
    """n sounds over all classes in unequal shares, with words, confidence, uploader, duration; ids and titles end with
    their numbers.

    Args:
        n: How many.
        audio: Folder for their files.
        name: What it is called; by its size when left out.
        seed: Of everything that is drawn.
        own_files: So many have a file of their own, which says their number, and the others none; one of a few files
            each when left out.
        encoder: Of the embeddings, some noise around a centre for each class; no embeddings when left out.
    """
    rng = np.random.default_rng(seed)
    codes = np.array(bst().codes)
    label = rng.choice(len(codes), n, p=rng.dirichlet(np.full(len(codes), 6)))
    number = np.char.zfill(np.arange(n).astype(str), NUMBER)
    if own_files:
        files = np.char.add(number[:own_files], ".wav").tolist()
        write_numbered(audio, files)
        files = np.array([*files, *[None] * (n - own_files)], object)
    else:
        files = np.resize(write_files(audio), n)
    words = [pd.Series(WORDS[rng.integers(len(WORDS), size=n)]) for _ in range(4)]
    table = pd.DataFrame(
        {
            "sound_id": np.char.add(np.char.add(codes[label], "-"), number),
            "class": codes[label],
            "confidence": rng.choice([1, 2, 3, 4, 5], n, p=[0.01, 0.07, 0.3, 0.55, 0.07]),
            "title": words[0] + " " + words[1] + " " + pd.Series(number),
            "tags": words[2] + "," + words[3],
            "uploader": np.char.add("user", rng.zipf(1.7, n).clip(max=5_000).astype(str)),
            "path": files,
            "license": rng.choice(["CC0 1.0", "CC BY 4.0"], n),
            "duration": rng.lognormal(1, 1, n).clip(0.1, 300),
        }
    )
    name = name or f"synthetic {n:,}"
    made = Collection(name, sounds_table(table), audio_root=str(audio.absolute()), license="CC0")
    if encoder is None:
        return made
    centres = rng.normal(size=(len(codes), encoder.dim))
    vectors = (centres[label] + 2 * rng.normal(size=(n, encoder.dim))).astype(np.float32)
    return replace(made, audio=vectors, audio_encoder=encoder)


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


def make(folder: Path, n: int, *, name: str = "", own_files: int = 0, embedded: bool = False) -> Path:
    """The collection and both runs in a folder; what is there already is kept. Options as for :func:`make_collection`,
    with embeddings of the runs' encoder where it is to be ``embedded``.
    """
    if not all((folder / loss / "run.json").is_file() for loss in LOSSES):
        bases = [load_run(paths.assets() / "runs" / f"{loss}-audio-c1-fold0") for loss in LOSSES]
        encoder = bases[0].encoders["audio"] if embedded else None
        collection = make_collection(n, folder / "audio", name=name, own_files=own_files, encoder=encoder)
        collection.save(folder / "sounds")
        for seed, (loss, base) in enumerate(zip(LOSSES, bases, strict=True)):
            make_run(collection, base, folder / loss, seed=seed)
    return folder


def import_again(folder: Path) -> None:
    """The collection and both runs of :func:`make` anew, in other orders, and the sounds in another folder, in files
    that are called as those of other sounds were: as when somebody imports and trains again while the app is served.

    Only for those whose sounds have files of their own.
    """
    rng = np.random.default_rng(int.from_bytes(str(folder).encode()[-8:]))
    collection = load_collection(folder / "sounds")
    moved = rng.permutation(len(collection))
    table = collection.sounds.iloc[moved].reset_index(drop=True)
    has_file = table["path"].notna().to_numpy()
    numbers = [int(sound[-NUMBER:]) for sound in table["sound_id"][has_file]]
    root, names = folder / "audio again", np.sort(table["path"][has_file].to_numpy(object))
    root.mkdir(exist_ok=True)
    for name, number in zip(names, numbers, strict=True):
        soundfile.write(root / name, numbered(number), RATE)
    table.loc[has_file, "path"] = names
    audio = None if collection.audio is None else np.asarray(collection.audio)[moved]
    again = replace(collection, sounds=table, audio=audio, audio_root=str(root.absolute()), folder=None)
    runs = {loss: load_run(folder / loss) for loss in LOSSES}
    for loss, run in runs.items():
        order = rng.permutation(len(run.sounds))
        runs[loss] = replace(
            run,
            sounds=run.sounds.iloc[order].reset_index(drop=True),
            latents=np.asarray(run.latents)[order],
            projections=run.projections.iloc[order].reset_index(drop=True),
            collection=replace(run.collection, hash=again.hash, path=str((folder / "sounds").absolute())),
            folder=None,
        )
    again.save(folder / "sounds")
    for loss, run in runs.items():  # who reloads in between has runs without their collection
        run.save(folder / loss)


if __name__ == "__main__":
    print(make(Path(sys.argv[1]), int(sys.argv[2])))
