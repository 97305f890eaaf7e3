"""The audio files of a collection: as items of work, whether they are away, and where they have moved to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bstviz.datasets.audio_files import is_inside
from bstviz.datasets.collection import NO_FOLDER, SYNTH_ROOT, Collection
from bstviz.encoders.base import EncoderInfo
from bstviz.errors import UserError
from bstviz.jobs.resumable import Item, fingerprint
from bstviz.paths import readable

AWAY_SHARE = 0.9  # of a collection's sounds; more than that are not away one by one


def item_of(collection: Collection, row: int) -> Item:
    """A sound of a collection as an item of work; one whose path leads out of the audio root has no file."""
    sound_id = str(collection.sounds["sound_id"].iat[row])
    if collection.audio_root == SYNTH_ROOT:
        return Item(sound_id, SYNTH_ROOT + sound_id, "synthesised")
    try:
        path = collection.path(row)
    except UserError:  # it leads out: no file, of this sound alone
        path = None
    return Item(sound_id, readable(path) if path else "", fingerprint(path) if path else "")


def refuse_if_away(away: Sequence[str], items: Sequence[Item], collection: Collection) -> None:
    """Refuse to go on without nearly all files: their drive or share is away, and what is known of them stays.

    Args:
        away: Ids of the sounds whose files cannot be found or read.
        items: All sounds of the collection.
        collection: Names the place and the next step.

    Raises:
        UserError: More than :data:`AWAY_SHARE` of the sounds that have a file are away.
    """
    files = sum(bool(item.source) for item in items)
    if len(away) <= AWAY_SHARE * files:
        return
    root = collection.root()
    what = f"{len(away):,} of {files:,} sounds cannot be read in {root}, {away[0]!r} for one"
    raise UserError(
        f"{what if root.is_dir() else f'The audio folder {root} is away'}. Nothing was changed. Make it available, to "
        "all machines of a cluster, and run the same again; or, if the sounds have moved: bstviz relocate "
        f"{collection.folder or collection.name} NEWFOLDER"
    )


def refuse_to_drop(rows: Sequence[int], collection: Collection, info: EncoderInfo) -> None:
    """Refuse an encoder that leaves sounds with nothing, because they have embeddings of another one and no file."""
    if rows:
        seconds = info.preprocessing.max_seconds
        options = "" if seconds is None else f" --max-seconds {seconds:g}"
        options += " --antialias" * info.preprocessing.antialias
        raise UserError(
            f"{len(rows):,} sounds, {collection.sounds['sound_id'].iat[rows[0]]!r} for one, have embeddings of "
            f"{collection.audio_encoder}, and their files cannot be read now: they would have none of {info}. Nothing "
            f"was changed. Make the files available, or let their embeddings go: bstviz embed "
            f"{collection.folder or collection.name} --audio-encoder {info.id}{options} --text-encoder none "
            "--drop-missing"
        )


@dataclass(frozen=True, eq=False)
class Relocation:
    """A collection with another audio folder, how many of its sounds name a file, and which of these are not there, as
    reasons by id.
    """

    collection: Collection
    files: int
    missing: dict[str, str]


def relocated(collection: Collection, root: str | Path) -> Relocation:
    """The collection with its sounds in another folder; ids, classes and embeddings, so its identity, stay.

    Args:
        collection: Whose ``path`` column names files.
        root: The folder that the paths are relative to now.

    Raises:
        UserError: The folder is missing, the collection names no files, or none of them is there.
    """
    root = Path(root).resolve()
    if not root.is_dir():
        raise UserError(f"There is no folder {root}; give the one where the sounds are now.")
    named = collection.sounds.loc[collection.sounds["path"].notna(), ["sound_id", "path"]]
    if collection.audio_root == SYNTH_ROOT or named.empty:
        raise UserError(f"Collection {collection.name!r} names no audio files; there is nothing to relocate.")
    missing = {
        sound_id: f"There is no file {path} in {root}."
        for sound_id, path in named.itertuples(index=False, name=None)
        if not is_inside(root, path, follow_links=collection.follow_links)
    }
    if len(missing) == len(named):
        before = "" if collection.audio_root in NO_FOLDER else f" They were in {collection.root()}."
        raise UserError(
            f"None of the {len(named):,} sounds of {collection.name!r} is in {root}, {named['path'].iat[0]} for one. "
            f"Give the folder that the paths are relative to.{before}"
        )
    return Relocation(replace(collection, audio_root=str(root)), len(named), missing)
