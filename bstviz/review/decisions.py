"""Decisions on labels: a record that only grows, written by any number of windows and processes at once.

On disk one JSON object per line, each whole in itself (format version 1), so that two records can be joined by ``cat``.
An entry is flushed to the disk before :func:`decide` returns: what was decided outlives a killed process. A line cut
off by a full disk or a power failure is passed over and counted, and the next entry starts a line of its own.

Nobody overwrites anybody. A decision names in ``over`` the ones that whoever made it had been shown; those it replaces.
Two people who decide on the same sound without having seen each other's decision both stand, and where they differ the
sound is *disputed* until somebody who sees both decides.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import os
import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import pandas as pd
from msgspec import Meta

from bstviz import paths, schema, storage
from bstviz.datasets.collection import Collection
from bstviz.datasets.collection_header import ID_LENGTH, Revision
from bstviz.datasets.taxonomy import Code
from bstviz.errors import UserError
from bstviz.models.run_info import CollectionRef, is_run
from bstviz.schema import Name, Prose, Short

RECORD_VERSION = 1
CSV_COLUMNS = ("sound_id", "old", "new", "why", "when", "name")
RECORD_BYTES = 2**30
HASH_SIGNS = 12
"""Of a collection's hash, in the name of its record."""
BEFORE = "class_before_review"
"""Column of a new version of a collection: the class that a relabelled sound had."""
SoundId = Annotated[str, Meta(min_length=1, max_length=ID_LENGTH, pattern=schema.SAFE)]
DecisionId = Annotated[str, Meta(min_length=1, max_length=100, pattern=schema.SAFE)]
SIGNATURE_LENGTH = 100
Signature = Annotated[str, Meta(min_length=1, max_length=SIGNATURE_LENGTH, pattern=schema.SAFE)]
When = Annotated[str, Meta(max_length=40, pattern=r"\A\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)\Z")]


@dataclass(frozen=True)
class Decision:
    """What somebody decided about the label of one sound.

    Attributes:
        sound_id: The sound.
        old: Class that it has in the collection.
        new: Class that it should have: ``old`` keeps it, None means unsure.
        why: In words.
        when: UTC, ISO 8601.
        by: Who decided: what tells one reviewer from another, in older records one browser window.
        id: Unique.
        over: Ids of the decisions that this one was made in knowledge of, and replaces.
        name: What the reviewer is called, where they or their login said.
    """

    sound_id: SoundId
    old: Code
    new: Code | None
    why: Prose
    when: When
    by: Name
    id: DecisionId
    over: tuple[DecisionId, ...] = ()
    name: Signature | None = None

    @property
    def verdict(self) -> str:
        """The decision in words."""
        return "unsure" if self.new is None else "kept" if self.new == self.old else f"changed to {self.new}"


@dataclass(frozen=True)
class Record:
    """All decisions of one file.

    Attributes:
        decisions: In the order in which they were made, without those taken back.
        damaged: Lines that could not be read.
    """

    decisions: tuple[Decision, ...] = ()
    damaged: int = 0

    @cached_property
    def standing(self) -> dict[str, tuple[Decision, ...]]:
        """By sound, the decisions that no other replaces; several where people decided without seeing each other's.

        A decision replaces those on the same sound alone. In a circle nobody can have seen all the others, so there
        none replaces another: of what was decided nothing is lost.
        """
        position = {decision.id: i for i, decision in enumerate(self.decisions)}
        over = [
            (i, position[id_])
            for i, decision in enumerate(self.decisions)
            for id_ in decision.over
            if id_ in position and self.decisions[position[id_]].sound_id == decision.sound_id
        ]
        if any(older >= i for i, older in over):  # of joined logs, or made up
            circle = _circles(over, len(self.decisions))
            over = [(i, older) for i, older in over if circle[i] != circle[older]]
        replaced = {older for _, older in over}
        found: dict[str, list[Decision]] = {}
        for i, decision in enumerate(self.decisions):
            if i not in replaced:
                found.setdefault(decision.sound_id, []).append(decision)
        return {sound: tuple(decisions) for sound, decisions in found.items()}

    @cached_property
    def agreed(self) -> dict[str, Decision]:
        """By sound, the last standing decision where all standing ones say the same."""
        return {sound: d[-1] for sound, d in self.standing.items() if len({one.new for one in d}) == 1}

    @property
    def disputed(self) -> list[str]:
        """Sounds on which standing decisions differ."""
        return [sound for sound in self.standing if sound not in self.agreed]

    def last_by(self, who: str) -> Decision | None:
        """The last decision of somebody, which an undo takes back."""
        return next((d for d in reversed(self.decisions) if d.by == who), None)


def record_file(collection: CollectionRef, experiments: Iterable[Path]) -> Path:
    """Where the decisions on a collection's labels are kept.

    That is the folder in BSTVIZ_REVIEWS, else the first experiment's own folder (beside the runs, which are replaced as
    a whole when they are trained again), else, where that is the bundled models' or may not be written to, the cache.
    """
    name = re.sub(r"[^\w-]+", "-", collection.name.lower()).strip("-") or "collection"
    file = f"review-{name}-{collection.hash[:HASH_SIGNS]}.jsonl"
    given = os.environ.get(paths.REVIEWS_VARIABLE)
    if given:
        return Path(given).expanduser() / file
    for experiment in experiments:
        folder = experiment.resolve().parent if is_run(experiment) else experiment.resolve()
        if paths.assets().resolve() not in (folder, *folder.parents) and os.access(folder, os.W_OK):
            return folder / file
    return paths.cache_folder() / "reviews" / file


def of_other_versions(file: Path) -> dict[str, int]:
    """How many decisions stand in the records beside one that are about other versions of its collection, by name."""
    found: dict[str, int] = {}
    others: list[Path] = []
    with contextlib.suppress(OSError):  # what cannot be read is said where it is the one in use
        others = sorted(file.parent.glob(f"{file.stem[:-HASH_SIGNS]}{'[0-9a-f]' * HASH_SIGNS}.jsonl"))
    for other in others:
        with contextlib.suppress(UserError, OSError):
            state = other.stat()
            count = 0 if other == file else _count(other, state.st_mtime_ns, state.st_size)
            found |= {other.name: count} if count else {}
    return found


@lru_cache(64)
def _count(file: Path, written: int, size: int) -> int:
    return sum(len(decisions) for decisions in read_record(file, None).standing.values())


def read_record(file: Path, collection_hash: str | None) -> Record:
    """The decisions of a file, on the version of the collection of this hash (None takes any); none where there is no
    such file.

    Raises:
        UserError: It cannot be read, or holds decisions on another version of the collection, or of another format
            version.
    """
    try:
        data = _bytes_of(file)
        if not data.endswith(b"\n"):  # perhaps in the middle of somebody's line, who holds the lock
            with contextlib.suppress(OSError), storage.locked(file):
                data = _bytes_of(file)
    except FileNotFoundError:
        return Record()
    except OSError as error:
        raise UserError(
            f"The decisions in {file} cannot be read ({error}). Correct that, or choose another folder."
        ) from None
    decisions: dict[str, Decision] = {}
    undone: set[str] = set()
    damaged = 0
    for line in filter(None, data.split(b"\n")):
        try:
            head = msgspec.json.decode(line, type=_Line)
            undo_ = msgspec.json.decode(line, type=_Undo) if head.undoes else None
            decision = None if undo_ else msgspec.json.decode(line, type=Decision)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            damaged += 1
            continue
        storage.check_version(head.format_version, (RECORD_VERSION,), f"{file} has", "Restore it from a copy.")
        if collection_hash is not None and head.collection != collection_hash:
            raise UserError(
                f"{file} is about another version of the collection (hash {head.collection[:12]}…, not "
                f"{collection_hash[:12]}…). Give the record of this version, or the collection as it was."
            )
        if decision is not None:
            decisions.setdefault(decision.id, decision)
        elif undo_ is not None:
            undone.add(undo_.undoes)
    return Record(tuple(d for d in decisions.values() if d.id not in undone), damaged)


@dataclass(frozen=True)
class _Line:
    """What every line of a record bears."""

    format_version: int
    collection: Short
    undoes: str | None = None


@dataclass(frozen=True)
class _Undo:
    undoes: DecisionId
    when: When
    by: Name


def _bytes_of(file: Path) -> bytes:
    """The bytes of a record; UserError where it is too large for one."""
    size = file.stat().st_size
    if size > RECORD_BYTES:
        raise UserError(f"{file} holds {size:,} bytes; a record of decisions has up to {RECORD_BYTES:,}.")
    return file.read_bytes()


def _circles(arrows: Sequence[tuple[int, int]], count: int) -> np.ndarray:
    """For each of some nodes a number, (count,), the same for those that lie on a circle of arrows."""
    from scipy import sparse

    rows, columns = np.array(arrows).T
    graph = sparse.coo_array((np.ones(len(rows), bool), (rows, columns)), shape=(count, count))
    found: np.ndarray = sparse.csgraph.connected_components(graph, connection="strong")[1]
    return found


def decide(
    file: Path,
    collection_hash: str,
    *,
    sound_id: str,
    old: str,
    new: str | None,
    why: str,
    by: str,
    over: Iterable[str] = (),
    name: str | None = None,
) -> Decision:
    """Record a decision; it is on the disk when this returns. Arguments as of :class:`Decision`.

    Raises:
        UserError: The record cannot be written, or would not be read again.
    """
    when = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    decision = Decision(sound_id, old, new, why, when, by, uuid.uuid4().hex, tuple(over), name)
    schema.check(decision)  # what is not read again would be lost
    _append(file, collection_hash, dataclasses.asdict(decision))
    return decision


def undo(file: Path, collection_hash: str, decision: Decision, *, by: str) -> None:
    """Take a decision back: what it replaced stands again. Both entries stay in the file; raises UserError as
    :func:`decide`.
    """
    when = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    _append(file, collection_hash, {"undoes": decision.id, "when": when, "by": by})


def _append(file: Path, collection_hash: str, entry: dict[str, Any]) -> None:
    line = json.dumps({"format_version": RECORD_VERSION, "collection": collection_hash, **entry}, ensure_ascii=False)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = not file.exists()
        with storage.locked(file), file.open("ab+", buffering=0) as out:
            before = out.seek(0, os.SEEK_END)
            if before:
                out.seek(-1, os.SEEK_END)
                line = line if out.read(1) == b"\n" else f"\n{line}"  # somebody's last line was cut off
            data = f"{line}\n".encode()
            try:
                if out.write(data) != len(data):
                    raise OSError(errno.ENOSPC, "the disk is full")
                os.fsync(out.fileno())
            except OSError:
                out.truncate(before)  # no half line stays
                raise
        if fresh:
            storage.flush(file.parent)
    except OSError as error:
        raise UserError(
            f"The decision could not be saved in {file} ({error.strerror or error}). Free space there, or start the "
            "app with --reviews FOLDER."
        ) from None


def table(record: Record) -> pd.DataFrame:
    """Every standing decision, columns :data:`CSV_COLUMNS`; ``new`` is empty where somebody was unsure,
    and ``name`` where none was given.
    """
    standing = (d for decisions in record.standing.values() for d in decisions)
    rows = [(d.sound_id, d.old, d.new, d.why, d.when, d.name) for d in standing]
    return pd.DataFrame(rows, columns=list(CSV_COLUMNS)).sort_values("when", kind="stable", ignore_index=True)


def apply_decisions(collection: Collection, record: Record) -> Collection:
    """A new version of a collection with the agreed changes of class; neither the given one nor its folder is changed.

    Relabelled sounds keep their old class in the column :data:`BEFORE`, and ``revisions`` gains an entry.

    Raises:
        UserError: Nothing is to be changed, or a decision does not fit the collection.
    """
    changes = {sound: d for sound, d in record.agreed.items() if d.new not in (None, d.old)}
    if not changes:
        raise UserError("No decision changes a class, so there is no new version to make.")
    sounds = collection.sounds.copy()
    classes, before = sounds["class"].to_numpy(object, copy=True), np.full(len(sounds), None, object)
    if BEFORE in sounds:
        before[:] = sounds[BEFORE]
    for sound, decision in changes.items():
        row = collection.row_of.get(sound)
        if row is None or classes[row] != decision.old or decision.new not in collection.taxonomy.codes:
            raise UserError(
                f"The decision on {sound!r} ({decision.old} → {decision.new}) does not fit {collection.name!r}: give "
                "the version that was reviewed."
            )
        before[row], classes[row] = decision.old, decision.new
    sounds["class"] = pd.Series(classes, index=sounds.index).astype(sounds["class"].dtype)
    sounds[BEFORE] = pd.Series(before, index=sounds.index, dtype="str")
    last = max(d.when for d in changes.values())
    revision = Revision(collection.name, collection.hash, len(changes), last)
    return dataclasses.replace(collection, sounds=sounds, revisions=(*collection.revisions, revision))
