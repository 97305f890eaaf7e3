"""Work that writes to disk, to be killed in the middle and done again: small, with encoders that need no weights.

Each piece of work is a function of the folder that it works in; what it needs lies there (:func:`prepare`).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from bstviz.cli.review import apply
from bstviz.datasets.collection import Collection, load_collection
from bstviz.encoders import registry
from bstviz.errors import UserError
from bstviz.inference import embed
from bstviz.inference.embed import embed_collection
from bstviz.inference.label import label_folder
from bstviz.models.run import Run
from bstviz.review import acts, decisions
from bstviz.training.baselines import BaselineConfig
from bstviz.training.preset import Grid
from bstviz.training.sweep import run_sweep
from tests.fakes import CODES, FakeAudioEncoder, quick, small_collection, stratified, write_tones

DECIDED = 5
WRITING = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.truncate"}


def prepare(folder: Path, runs: dict[str, Run], collection: Collection) -> None:
    """Put what all the work needs into a folder."""
    table = write_tones(folder / "tones", per_class=2)
    tones = replace(
        small_collection(per_class=2), sounds=small_collection(per_class=2).sounds.assign(path=table["path"])
    )
    replace(tones, audio=None, audio_encoder=None, audio_root=str(folder / "tones")).save(folder / "embedded")
    small_collection(seed=1).save(folder / "saved")
    collection.save(folder / "reviewed")
    runs["audio"].save(folder / "run")
    for sound, old in collection.sounds[["sound_id", "class"]].head(3).itertuples(index=False):
        decide(folder / "given.jsonl", str(sound), str(old), collection.hash)


def decide(file: Path, sound: str, old: str, collection_hash: str) -> None:
    """Another class for a sound."""
    new = CODES[(CODES.index(old) + 1) % len(CODES)]
    acts.decide(file, collection_hash, sound_id=sound, old=old, new=new, why="", by="ann")


def save(folder: Path) -> None:
    """A collection takes the place of another one."""
    small_collection(seed=2).save(folder / "saved")


def review(folder: Path) -> None:
    """Decide on the sounds that nobody has decided on."""
    file, known = folder / "review.jsonl", load_collection(folder / "reviewed")
    decide(file, str(known.sounds["sound_id"].iat[0]), str(known.sounds["class"].iat[0]), known.hash)
    for sound, old in known.sounds[["sound_id", "class"]].head(DECIDED).itertuples(index=False):
        if sound not in decisions.read_record(file, known.hash).standing:
            decide(file, str(sound), str(old), known.hash)


def label_together(folder: Path) -> None:
    """Give some sounds a class in one act, unless that has been done; take it back and bring it back."""
    file, known = folder / "together.jsonl", load_collection(folder / "reviewed")
    rows = known.sounds[["sound_id", "class"]].head(DECIDED)
    changes = {str(sound): (str(old), CODES[0]) for sound, old in rows.itertuples(index=False)}
    if decisions.read_record(file, known.hash).standing.keys() != changes.keys():
        acts.decide_all(file, known.hash, changes, by="ann", confidence=4)
    acts.undo_act(file, known.hash, by="ann")
    acts.redo_act(file, known.hash, by="ann")


def review_apply(folder: Path) -> None:
    """Make the new version, if it is not there yet."""
    try:
        apply([folder / "run"], folder / "applied", folder / "given.jsonl", folder / "reviewed")
    except UserError as error:
        if "exists already" not in str(error):
            raise


def label(folder: Path) -> None:
    """Label the tones, two to a chunk."""
    label_folder(folder / "tones", folder / "labels.parquet", [folder / "run"])


def embed_(folder: Path) -> None:
    """Embed the tones, two to a chunk."""
    embed_collection(folder / "embedded", audio_encoder="fake-audio", text_encoder=None)


def sweep(folder: Path) -> None:
    """Two folds of a setting and of a baseline."""
    collection = load_collection(folder / "reviewed")
    grid = Grid((quick(epochs=2),), (BaselineConfig("knn", "audio"),), ())
    list(run_sweep(collection, stratified(collection, 2), grid, folder / "swept", jobs=1))


WORK: dict[str, Callable[[Path], None]] = {
    "save": save,
    "review": review,
    "label together": label_together,
    "review apply": review_apply,
    "label": label,
    "embed": embed_,
    "sweep": sweep,
}


def do(name: str, folder: Path, moment: int | None) -> None:
    """Do a piece of work in a process of its own, until it has touched its folder ``moment`` times, and is killed.

    Without a moment it is done to its end, and how often it touched the folder is written to ``<folder>.touched``.
    """
    torch.set_num_threads(1)
    registry.ENCODERS["audio", "fake-audio"] = lambda device: FakeAudioEncoder()
    embed.BATCH_SOUNDS = 2
    touched = 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal touched
        if event not in WRITING or not str(arguments[0]).startswith(str(folder)):
            return
        if event == "open" and arguments[1] in ("r", "rb", None) and not int(str(arguments[2])) & os.O_ACCMODE:
            return
        touched += 1
        if touched == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    WORK[name](folder)
    if moment is None:
        folder.with_suffix(".touched").write_text(str(touched))
