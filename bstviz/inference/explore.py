"""Inference-only runs: a run's predictions for a collection it was not trained on, for every page that shows runs.

An inference-only run is a folder like any run. It keeps the network, the encoders and the settings of the run that
predicts, and holds latents, probabilities and maps of the other collection's sounds; there is no training history. Its
sounds are ``test`` where they have a class, so that they can be judged, and ``unused`` where they have none.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bstviz import paths
from bstviz.datasets.audio_root import AWAY_SHARE
from bstviz.datasets.collection import Collection, is_collection, load_collection
from bstviz.datasets.folder import LEFT_OUT_NAMED, collection_of, list_sounds
from bstviz.encoders.base import Embeddings
from bstviz.errors import UserError
from bstviz.evaluation import metrics
from bstviz.inference.classify import DECODING
from bstviz.inference.embed import EmbedReport, embed_collection
from bstviz.inference.names import words_of_name
from bstviz.inference.pool import TextModel, pooled, text_model_beside
from bstviz.jobs.backend import LOCAL, Engine
from bstviz.jobs.resumable import Track, no_progress
from bstviz.latent.projection import UmapSettings, pca_map
from bstviz.models.experiment_folder import find_runs
from bstviz.models.predict import answers_table, predict
from bstviz.models.run import Run, library_versions, load_run, run_identity
from bstviz.models.run_info import CollectionRef, is_run

UMAP_LIBRARY_SOUNDS = 20_000  # up to which a library's UMAP maps are made at once
FINGERPRINT_COLUMNS = ["sound_id", "bytes", "modified"]
DECODED_COLUMNS = ["duration", "content"]  # which are known once a sound has been decoded


def run_inference(run: Run, collection: Collection, *, beside: TextModel | None = None) -> Run:
    """A run's predictions for another collection, decoded top-down; its metrics, as everywhere, are of ``argmax``.

    Args:
        run: A loaded run.
        collection: Sounds embedded by the encoders that the run was trained on; those without an embedding are left
            out. Of its text configurations the one that the run was trained on.
        beside: A text model, whose predictions by the words of the files' names are pooled with the run's.

    Raises:
        UserError: Taxonomies or encoders differ, embeddings are missing, or no two sounds have one.
    """
    if collection.taxonomy.hash != run.taxonomy.hash:
        raise UserError(
            f"Collection {collection.name!r} has taxonomy {collection.taxonomy.id!r}, run {run.id} has "
            f"{run.taxonomy.id!r}: import the sounds with the run's taxonomy."
        )
    collection = run.view(collection)
    matrices = {kind: collection.embedding(kind) for kind in run.encoders}
    rows = np.flatnonzero(collection.usable(run.encoders))
    if len(rows) < 2:
        have = "sound of {} has an embedding" if len(rows) == 1 else "sounds of {} have embeddings"
        raise UserError(f"{len(rows)} {have.format(repr(collection.name))}; at least 2 are needed.")
    given = {kind: Embeddings(matrices[kind][rows], info) for kind in matrices if (info := collection.encoder(kind))}
    answer = predict(run, audio=given.get("audio"), text=given.get("text"))
    if beside is not None:
        names = [words_of_name(str(path)) for path in collection.sounds["path"].iloc[rows].fillna("")]
        mixed = pooled(answer.probabilities, beside.predict(names), beside.weight([run]))
        answer = replace(answer, probabilities=mixed)
    labels = collection.labels[rows]
    known = labels >= 0
    pca, projections = pca_map(answer.latent)
    path = str(collection.folder) if collection.folder else None
    return replace(
        run,
        collection=CollectionRef(collection.name, collection.hash, path, collection.source, collection.text_hash),
        split_kind="none: inference only, on a collection that it was not trained on",
        sounds=answers_table(collection, rows, np.where(known, "test", "unused"), answer, decoding=DECODING),
        latents=answer.latent,
        projections=projections,
        pca=pca,
        metrics=metrics.evaluate(labels[known], answer.probabilities[known], run.taxonomy.parents)
        if known.any()
        else {},
        history={},
        versions=library_versions(),
        umap=None,
        answered_by=_answered_by(run, beside),
        left_out=(),
        decoding=DECODING,
        folder=None,
    )


def _answered_by(run: Run, beside: TextModel | None) -> str:
    return run_identity(run, *([beside.run] if beside else ()))


def decoded(run: Run) -> Run:
    """An inference-only run with its predicted classes decoded anew from its probabilities, top-down."""
    codes = np.array(run.taxonomy.codes, object)
    predicted = codes[run.taxonomy.decode(run.probabilities, DECODING)]
    return replace(run, sounds=run.sounds.assign(y_pred=predicted), decoding=DECODING)


@dataclass(frozen=True)
class Library:
    """A folder of sounds made ready to explore: the collection's folder, the folder of inference-only runs, what was
    done, and the reasons of what could not be, by relative path.
    """

    collection: Path
    runs: Path
    report: EmbedReport
    problems: dict[str, str]


def library_home(folder: str | Path) -> Path:
    """Where what is made of a folder of sounds is kept: a place of its own in the cache, so that the folder stays as it
    is.
    """
    root = Path(folder).resolve()
    return (
        paths.cache_folder()
        / "libraries"
        / f"{paths.readable(root.name)}-{hashlib.sha256(os.fsencode(root)).hexdigest()[:10]}"
    )


def open_library(
    folder: str | Path,
    run_folders: Sequence[Path],
    *,
    home: Path | None = None,
    names: bool = False,
    follow_links: bool = False,
    engine: Engine = LOCAL,
    device: str = "cpu",
    track: Track = no_progress,
) -> Library:
    """Import and embed a folder of sounds and let runs predict its classes; called again, do only what is new or
    changed.

    Args:
        folder: The sounds; nothing is written there.
        run_folders: Audio models of one encoder, or experiments of them.
        home: Where to keep the collection and the inference-only runs; :func:`library_home` when left out.
        names: Pool the runs' predictions with the bundled text model's by the words of the files' names, where it has
            the same classes.
        follow_links: Follow links that leave the folder, too.
        engine: Where the sounds are embedded.
        device: Torch device.
        track: Shows progress.

    Raises:
        UserError: There are no sounds, fewer than two can be decoded, or nearly all that there were are away; a run
            needs text or another encoder than the first one.
    """
    runs = [load_run(path) for folder_of_runs in run_folders for path in find_runs(folder_of_runs)]
    encoders = {tuple(run.encoders.items()) for run in runs}
    if len(encoders) != 1 or any(tuple(run.encoders) != ("audio",) for run in runs):
        raise UserError("A folder of sounds takes audio models of one encoder; choose such with --run.")
    home = home or library_home(folder)
    collection_folder = home / "collection"
    root = Path(folder).resolve()
    listing = list_sounds(root, follow_links=follow_links)
    if is_collection(collection_folder):
        old = load_collection(collection_folder)
        with_away = replace(listing, files=tuple(sorted({*listing.files, *listing.away(old.sounds["sound_id"])})))
        fresh = carried_over(collection_of(root, with_away, taxonomy=runs[0].taxonomy), old)
    else:
        fresh = collection_of(root, listing, taxonomy=runs[0].taxonomy)
    fresh.save(collection_folder)
    encoder = runs[0].encoders["audio"]
    report = embed_collection(
        collection_folder,
        audio_encoder=encoder.id,
        preprocessing=encoder.preprocessing,
        text_encoder=None,
        only_missing=True,
        engine=engine,
        device=device,
        track=track,
    )
    problems = listing.left_out | report.without_audio
    _check_decoded(report, root, problems)
    beside = text_model_beside(runs[0], device=device) if names else None
    for run in runs:
        target = home / "runs" / run.id
        if is_run(target):
            there = load_run(target)
            if (there.answered_by, there.collection.hash) == (_answered_by(run, beside), report.collection.hash):
                if there.decoding != DECODING:  # of before there were two
                    decoded(there).save(target)
                continue
        inferred = run_inference(run, report.collection, beside=beside)
        if 5 <= len(inferred.sounds) <= UMAP_LIBRARY_SOUNDS:
            inferred = inferred.with_umap(UmapSettings())
        inferred.save(target)
    return Library(collection_folder, home / "runs", report, problems)


def _check_decoded(report: EmbedReport, root: Path, problems: dict[str, str]) -> None:
    """Refuse to go on with fewer than two sounds, naming what kept the others from being decoded."""
    decoded = int(report.collection.usable(["audio"]).sum())
    if decoded >= 2:
        return
    next_step = "or mend these:" if problems else "or ask about one: bstviz classify FILE"
    lines = [
        f"{decoded} of {len(report.collection):,} sounds in {root} could be decoded; a map needs at least 2. "
        f"Add sounds, {next_step}",
        *(f"{path}: {reason}" for path, reason in list(problems.items())[:LEFT_OUT_NAMED]),
        *([f"… and {len(problems) - LEFT_OUT_NAMED:,} more"] if len(problems) > LEFT_OUT_NAMED else []),
    ]
    raise UserError("\n  ".join(lines))


def carried_over(fresh: Collection, old: Collection) -> Collection:
    """A newly imported folder with the audio embeddings that an older import has of files that are unchanged or away.

    Raises:
        UserError: Nearly all sounds that the older import has are away.
    """
    there_now = fresh.sounds[["bytes", "modified"]].any(axis=1)  # a file may be of 1970, but not of that and empty
    there = fresh.sounds["sound_id"][there_now]
    gone = old.sounds["sound_id"][~old.sounds["sound_id"].isin(there)]
    if len(gone) > AWAY_SHARE * len(old):
        raise UserError(
            f"{len(gone):,} of {len(old):,} sounds that were explored in {fresh.root()} are not there now, "
            f"{gone.iat[0]!r} for one. Nothing was changed. Make them available, or begin anew with another --home."
        )
    if old.audio is None or not set(FINGERPRINT_COLUMNS) <= set(old.sounds):
        return fresh
    away = ~there_now.to_numpy() & fresh.sounds["sound_id"].isin(old.row_of).to_numpy()
    before = old.sounds.set_index("sound_id")
    marks = fresh.sounds[FINGERPRINT_COLUMNS].copy()
    for name in ("bytes", "modified"):
        marks.loc[away, name] = before.loc[marks["sound_id"][away], name].to_numpy()
    known = {key: row for row, key in enumerate(old.sounds[FINGERPRINT_COLUMNS].itertuples(index=False, name=None))}
    rows = np.array([known.get(key, -1) for key in marks.itertuples(index=False, name=None)])
    matrix = np.where((rows >= 0)[:, None], old.audio[rows], np.nan).astype(np.float32)
    found = old.sounds.iloc[rows].reset_index(drop=True)
    decoded = {name: found[name].where(rows >= 0, fresh.sounds.get(name)) for name in DECODED_COLUMNS if name in found}
    sounds = fresh.sounds.assign(bytes=marks["bytes"], modified=marks["modified"], **decoded)
    return replace(fresh, sounds=sounds, audio=matrix, audio_encoder=old.audio_encoder)
