"""Decisions on labels: a record that only grows, written by any number of windows and processes at once.

On disk one JSON object per line, each whole in itself (format version 1) and, by its id, like no other: two records,
or a record and its copy, are joined by ``cat``, and a line that both hold counts once. An entry is flushed to the disk
before it counts as made (:mod:`bstviz.review.acts`): what was decided outlives a killed process. A line cut off by a
full disk or a power failure is passed over and counted, and the next entry starts a line of its own.

Decisions on many sounds at once are one *act*: written together, taken back and brought back together. Taking back and
bringing back are entries too; nothing that stands in a record is rewritten.

Nobody overwrites anybody. A decision names in ``over`` the ones that whoever made it had been shown; those it replaces.
Two people who decide on the same sound without having seen each other's decision both stand, and where they differ the
sound is *disputed* until somebody who sees both decides.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from bstviz import schema, storage
from bstviz.datasets.collection_header import ID_LENGTH
from bstviz.datasets.taxonomy import Code
from bstviz.errors import UserError
from bstviz.schema import Name, Prose, Short

RECORD_VERSION = 1
RECORD_BYTES = 2**30
SoundId = Annotated[str, Meta(min_length=1, max_length=ID_LENGTH, pattern=schema.SAFE)]
DecisionId = Annotated[str, Meta(min_length=1, max_length=100, pattern=schema.SAFE)]
SIGNATURE_LENGTH = 100
Signature = Annotated[str, Meta(min_length=1, max_length=SIGNATURE_LENGTH, pattern=schema.SAFE)]
AnnotationConfidence = Annotated[int, Meta(ge=1, le=5)]
When = Annotated[str, Meta(max_length=40, pattern=r"\A\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)\Z")]


@dataclass(frozen=True)
class Decision:
    """What somebody decided about the label of one sound.

    Attributes:
        sound_id: The sound.
        old: Class that it has in the collection; None where it has none.
        new: Class that it should have: ``old`` keeps it, None means unsure.
        why: What spoke for it on the page, in words.
        when: UTC, ISO 8601.
        by: Who decided: what tells one reviewer from another, in older records one browser window.
        id: Unique.
        over: Ids of the decisions that this one was made in knowledge of, and replaces.
        name: What the reviewer is called, where they or their login said.
        confidence: How sure they are of the new class, 1 to 5: its annotation confidence.
        comment: Theirs, for whoever reads the label.
        act: Of a decision that was made together with others, what they have in common; None of one made alone.
    """

    sound_id: SoundId
    old: Code | None
    new: Code | None
    why: Prose
    when: When
    by: Name
    id: DecisionId
    over: tuple[DecisionId, ...] = ()
    name: Signature | None = None
    confidence: AnnotationConfidence | None = None
    comment: Prose | None = None
    act: DecisionId | None = None

    @property
    def verdict(self) -> str:
        """The decision in words."""
        if self.new is None or self.old is None:
            return "unsure" if self.new is None else f"given {self.new}"
        return "kept" if self.new == self.old else f"changed to {self.new}"

    @property
    def act_id(self) -> str:
        """What takes back the decision and those made together with it."""
        return self.act or self.id


@dataclass(frozen=True)
class Record:
    """All decisions of one file.

    Attributes:
        decisions: In the order in which they were made, without those taken back.
        damaged: Lines that could not be read.
        undone: By who took them back, what can be brought back, first to last, the acts that were taken back together
            as one: those since which they have decided nothing.
    """

    decisions: tuple[Decision, ...] = ()
    damaged: int = 0
    undone: Mapping[str, tuple[tuple[str, ...], ...]] = dataclasses.field(default_factory=dict)

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

    def last_act(self, who: str) -> tuple[Decision, ...]:
        """The last decision of somebody and those that they made together with it."""
        last = self.last_by(who)
        return self.of_act(last.act_id) if last is not None else ()

    def of_act(self, act: str) -> tuple[Decision, ...]:
        """The decisions of an act, or the one of this id."""
        return tuple(d for d in self.decisions if act in (d.act, d.id))


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
    undone: dict[str, list[_Undo]] = {}
    away: set[str] = set()
    damaged = 0
    for line in dict.fromkeys(filter(None, data.split(b"\n"))):
        try:
            head = msgspec.json.decode(line, type=_Line)
            entry = msgspec.json.decode(line, type=head.kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            damaged += 1
            continue
        storage.check_version(head.format_version, (RECORD_VERSION,), f"{file} has", "Restore it from a copy.")
        if collection_hash is not None and head.collection != collection_hash:
            raise UserError(
                f"{file} is about another version of the collection (hash {head.collection[:12]}…, not "
                f"{collection_hash[:12]}…). Give the record of this version, or the collection as it was."
            )
        if isinstance(entry, Decision):
            if decisions.setdefault(entry.id, entry) is entry:
                undone.pop(entry.by, None)
        elif isinstance(entry, _Undo):
            away.add(entry.undoes)
            undone.setdefault(entry.by, []).append(entry)
        else:
            away.discard(entry.redoes)
            undone[entry.by] = [undo for undo in undone.get(entry.by, ()) if undo.undoes != entry.redoes]
    standing = tuple(d for d in decisions.values() if d.id not in away and d.act not in away)
    return Record(standing, damaged, {who: _together(undos) for who, undos in undone.items() if undos})


@dataclass(frozen=True)
class _Undo:
    """An act or a decision is taken back; entries of one id were made by one press. Older ones have none."""

    undoes: DecisionId
    when: When
    by: Name
    id: DecisionId | None = None


@dataclass(frozen=True)
class _Redo:
    redoes: DecisionId
    when: When
    by: Name


@dataclass(frozen=True)
class _Line:
    """What every line of a record bears."""

    format_version: int
    collection: Short
    undoes: str | None = None
    redoes: str | None = None

    @property
    def kind(self) -> type[Decision | _Undo | _Redo]:
        """What the line is."""
        return _Undo if self.undoes else _Redo if self.redoes else Decision


def _together(undos: Sequence[_Undo]) -> tuple[tuple[str, ...], ...]:
    """What each press took back."""
    presses = groupby(undos, lambda undo: undo.id or (undo.undoes, undo.when))
    return tuple(tuple(undo.undoes for undo in own) for _, own in presses)


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
