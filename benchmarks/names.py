"""What the words of names add to what audio says, on the real titles of BSD10k: audio, words and their pool.

    python benchmarks/names.py bsd10k_v1.2.parquet bsd10k_clap_predictions.parquet [--seed 0]

The first table has title, class, uploader, license; the second public out-of-fold predictions of an audio model on the
same sounds, ``baseline__audio__pred`` and ``baseline__audio__score``: the score is taken as the probability of the
predicted class, and the rest is spread evenly over the others. Words: the bundled text model's recipe on the words of
titles alone, sounds of a licence that it may learn from, out of fold; folds grouped by uploader, which is what
strangers' names are like, and the published ones, which are those of the audio model. A sound whose title has no words
gets the audio's answer. Classes are decoded by argmax; the interval of the gain is by bootstrap over uploaders.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer

from bstviz.datasets.collection import Collection
from bstviz.datasets.splits import Folds, choose_folds
from bstviz.datasets.table import load
from bstviz.evaluation import metrics
from bstviz.evaluation.bootstrap import unit_codes
from bstviz.evaluation.calibration import expected_calibration_error
from bstviz.evaluation.paired import compare
from bstviz.inference.pool import gain, pooled
from bstviz.models.config import LOSSES, Loss
from bstviz.training.bundled.models import TEXT_FOLDS, TEXT_LOSS, titled, train_text_models, usable


def spread(predicted: np.ndarray, score: np.ndarray, classes: int) -> np.ndarray:
    """Probabilities (n, C) of predicted labels (n,) with their scores (n,), the rest spread evenly."""
    out = np.repeat((1 - score)[:, None] / (classes - 1), classes, axis=1)
    out[np.arange(len(out)), predicted] = score
    return out.astype(np.float32)


def out_of_fold(collection: Collection, folds: Folds, loss: Loss, seed: int) -> np.ndarray:
    """Out-of-fold probabilities (n, C) of text models."""
    out = np.full((len(collection), len(collection.taxonomy.codes)), np.nan, np.float32)
    for run in train_text_models(collection, folds, loss=loss, seed=seed):
        out[[collection.row_of[sound_id] for sound_id in run.sounds["sound_id"]]] = run.probabilities
    return out


def stated(name: str, y: np.ndarray, probabilities: np.ndarray, parents: np.ndarray) -> None:
    """Print accuracies, gain and calibration of one set of predictions."""
    found = metrics.evaluate(y, probabilities, parents)
    error = expected_calibration_error(y, probabilities)
    print(
        f"  {name:26} second {100 * found['second_accuracy']:.2f}  top {100 * found['top_accuracy']:.2f}  "
        f"gain {gain(probabilities, y):.3f} nats  ECE {100 * error:.1f}",
        flush=True,
    )


def main(
    table: Path,
    predictions: Path,
    seed: Annotated[int, typer.Option(help="Of folds by uploader and training.")] = 0,
) -> None:
    torch.set_num_threads(1)  # batches are small: more threads wait for each other
    everything, worded = usable(load(table)), titled(table)
    taxonomy, sounds = everything.taxonomy, everything.sounds
    given = pd.read_parquet(predictions).set_index("sound_id").loc[sounds["sound_id"]]
    audio = spread(
        taxonomy.encode(given["baseline__audio__pred"]),
        given["baseline__audio__score"].to_numpy(float),
        len(taxonomy.codes),
    )
    y, units = (
        everything.labels,
        unit_codes(sounds["sound_id"].to_numpy(), dict(sounds[["sound_id", "uploader"]].values)),
    )
    rows = pd.Index(sounds["sound_id"]).get_indexer(pd.Index(worded.sounds["sound_id"]))
    print(
        f"{len(sounds):,} sounds of {sounds['uploader'].nunique():,} uploaders, {len(rows):,} with words; seed {seed}"
    )
    stated("audio, all sounds", y, audio, taxonomy.parents)
    stated("audio, sounds with words", y[rows], audio[rows], taxonomy.parents)
    kinds = {"uploader": choose_folds(worded, folds=TEXT_FOLDS, group="uploader", seed=seed)}
    for name, folds in {**kinds, "published": choose_folds(worded, folds="published")}.items():
        for loss in LOSSES if name == "uploader" else (TEXT_LOSS,):
            own = out_of_fold(worded, folds, loss, seed)
            words = np.full_like(audio, np.nan)
            words[rows] = own
            weight = gain(own, y[rows]) / (gain(audio[rows], y[rows]) + gain(own, y[rows]))
            both = pooled(audio, words, weight)
            print(f"folds {name}, {folds.kind}; words: {loss}, weight {weight:.2f}")
            stated("words, sounds with words", y[rows], own, taxonomy.parents)
            stated("pooled, sounds with words", y[rows], both[rows], taxonomy.parents)
            stated("pooled, all sounds", y, both, taxonomy.parents)
            gained = compare(y, audio, both, taxonomy, units).measures
            print(100 * gained[["difference", "low", "high"]], flush=True)


if __name__ == "__main__":
    typer.run(main)
