"""The experiment "BSD10k, words": what networks say of real sounds by their titles and tags, and no word of these.

Made of sweeps on the table of BSD10k v1.2 (``make assets``): two losses, three thresholds and the five published folds,
by the paper's recipe and the default one. Kept are ids, classes, annotation confidence, licence codes, folds and a
number for each uploader; the sounds are Freesound's to play.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from bstviz import storage
from bstviz.datasets.bsd10k import SOURCE
from bstviz.datasets.collection import FREESOUND_ROOT, Collection, sounds_table
from bstviz.errors import UserError
from bstviz.models.config import RECIPES, TrainConfig, recipe
from bstviz.models.experiment_folder import find_runs
from bstviz.models.run import Run, load_run
from bstviz.models.run_info import CollectionRef
from bstviz.paths import BUNDLED_WORDS
from bstviz.training.bundled.slim import slim

WORDS_COLLECTION = "bsd10k"
FOLDS = "test_fold"
LATENTS_OF = 0
"""Fold whose latents are kept, of :data:`MAPPED`."""
MAPPED = (("flat", 1), ("hierarchical", 1), ("hierarchical", 3), ("hierarchical", 4))
"""Loss and threshold of the runs that keep them, by the default recipe: the panels of the paper's figure 2."""
LATENT_RECIPE = "default"


def license_code(address: str) -> str:
    """The code of a licence by its address: ``by-nc-4.0``, ``cc0-1.0``."""
    *_, name, version = address.rstrip("/").split("/")
    return f"{'cc0' if name == 'zero' else name}-{version}"


def without_words(collection: Collection, listed: Iterable[str]) -> Collection:
    """The listed sounds of BSD10k by their numbers alone: no title, tag, description or name, and no embedding."""
    own = collection.sounds[collection.sounds["sound_id"].isin(list(listed))].reset_index(drop=True)
    uploaders, _ = pd.factorize(own["uploader"])  # numbered as they come
    table = pd.DataFrame(
        {
            "sound_id": own["sound_id"],
            "class": own["class"],
            "confidence": own["confidence"],
            "uploader": pd.Series(uploaders + 1).where(uploaders >= 0).astype("Int64"),
            "license": own["license"].map(license_code, na_action="ignore"),
            **({FOLDS: own[FOLDS]} if FOLDS in own else {}),
        }
    )
    return Collection(
        name=collection.name,
        sounds=sounds_table(table),
        taxonomy=collection.taxonomy,
        audio_root=FREESOUND_ROOT,
        license=SOURCE.license,
        notes=(
            f"The {len(own):,} sounds of BSD10k v1.2 that have a title or tags. The models read these; they are not "
            "here, and uploaders are numbers.",
            "An annotation confidence of 4 means 4 or 5.",
        ),
        source=SOURCE.id,
    )


def recipe_name(train: TrainConfig) -> str:
    """The recipe that a run was trained by, unchanged; raises UserError for any other."""
    point = {name: getattr(train, name) for name in ("loss", "modality", "text", "min_confidence", "seed")}
    for name in RECIPES:
        if recipe(name, **point) == train:
            return name
    raise UserError(
        f"A run ({train.words()}) is of none of the recipes {', '.join(RECIPES)}; give sweeps of packaged presets."
    )


def bundle_words(sweeps: Sequence[Path], out: str | Path) -> list[Path]:
    """Make ``bsd10k`` (the collection) and ``bsd10k-words`` (the experiment) in a folder, of sweeps on one collection.

    Args:
        sweeps: Experiments of different recipes.
        out: Folder; what is there of both is replaced once all is written.

    Returns:
        Folders of the runs, named after recipe, loss, modality, threshold and fold.

    Raises:
        UserError: Their collection has moved or changed, or a run is of no recipe.
    """
    runs = [load_run(folder) for sweep in sweeps for folder in find_runs(sweep)]
    whole = runs[0].load_collection()
    for run in runs:
        run.check_collection(whole)
    names = [f"{recipe_name(run.train)}-{run.id}" for run in runs]
    known = without_words(whole, {sound for run in runs for sound in run.sounds["sound_id"]})
    collection, experiment = (Path(out).absolute() / name for name in (WORDS_COLLECTION, BUNDLED_WORDS))
    about = CollectionRef(known.name, known.hash, str(collection), known.source)
    with storage.replaced_folder(experiment) as fresh:
        for run, name in zip(runs, names, strict=True):
            _small(run, about).save(fresh / name, half=True)
        known.save(collection)
    return [experiment / name for name in names]


def _small(run: Run, collection: CollectionRef) -> Run:
    """A run as it is bundled, belonging to the collection without words."""
    point = (run.train.loss, run.train.min_confidence)
    latents = run.fold == LATENTS_OF and point in MAPPED and recipe_name(run.train) == LATENT_RECIPE
    return replace(slim(run, latents=latents), collection=collection)
