"""What somebody does with labels: decide on one sound or on many at once, take the last act back, bring it back.

Each is an entry, or some, that a record of decisions gains (:mod:`bstviz.review.decisions`), and is on the disk when
the call returns.
"""

from __future__ import annotations

import dataclasses
import errno
import os
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from bstviz import schema, storage
from bstviz.errors import UserError
from bstviz.review.decisions import RECORD_BYTES, RECORD_VERSION, Decision, read_record


def decide(
    file: Path,
    collection_hash: str,
    *,
    sound_id: str,
    old: str | None,
    new: str | None,
    why: str,
    by: str,
    over: Iterable[str] = (),
    name: str | None = None,
    confidence: int | None = None,
    comment: str | None = None,
) -> Decision:
    """Record a decision; it is on the disk when this returns. Arguments as of :class:`Decision`.

    Raises:
        UserError: The record cannot be written, or would not be read again.
    """
    (decision,) = decide_all(
        file,
        collection_hash,
        {sound_id: (old, new)},
        why=why,
        by=by,
        over={sound_id: over},
        name=name,
        confidence=confidence,
        comment=comment,
    )
    return decision


def decide_all(
    file: Path,
    collection_hash: str,
    changes: Mapping[str, tuple[str | None, str | None]],
    *,
    by: str,
    why: str = "",
    over: Mapping[str, Iterable[str]] | None = None,
    name: str | None = None,
    confidence: int | None = None,
    comment: str | None = None,
) -> tuple[Decision, ...]:
    """Record decisions on some sounds as one act; all of them are on the disk when this returns.

    Args:
        file: The record.
        collection_hash: Of the collection.
        changes: By sound, the class that it has and the one that it should have.
        by: Who decides.
        why: In words.
        over: By sound, the decisions that these replace.
        name: What who decides is called.
        confidence: Annotation confidence of the new classes.
        comment: On all of them.

    Raises:
        UserError: The record cannot be written, or would not be read again.
    """
    act = uuid.uuid4().hex if len(changes) > 1 else None
    replaced, when = over or {}, _now()
    made = []
    for sound, (old, new) in changes.items():
        id_, seen = uuid.uuid4().hex, tuple(replaced.get(sound, ()))
        made.append(Decision(sound, old, new, why, when, by, id_, seen, name, confidence, comment, act))
        schema.check(made[-1])  # what is not read again would be lost
    _append(file, collection_hash, *map(_stated, made))
    return tuple(made)


def _stated(decision: Decision) -> dict[str, Any]:
    """What a line says of a decision: of fields that may be left out those that it has."""
    values = ((field, getattr(decision, field.name)) for field in dataclasses.fields(decision))
    return {field.name: value for field, value in values if value is not None or field.default is dataclasses.MISSING}


def undo(file: Path, collection_hash: str, *decisions: Decision, by: str) -> None:
    """Take decisions back as one act, and none of those made together with them: what they replaced stands again. All
    entries stay in the file; raises UserError as :func:`decide`.
    """
    _append_act(file, collection_hash, "undoes", [decision.id for decision in decisions], by=by)


def undo_act(file: Path, collection_hash: str, *, by: str) -> tuple[Decision, ...]:
    """Take back the last decision of somebody and those that they made together with it.

    Returns:
        What was taken back; nothing where they have decided nothing. Raises UserError as :func:`decide`.
    """
    taken = read_record(file, collection_hash).last_act(by)
    if taken:
        _append_act(file, collection_hash, "undoes", [taken[0].act_id], by=by)
    return taken


def redo_act(file: Path, collection_hash: str, *, by: str) -> tuple[Decision, ...]:
    """Bring back what somebody took back last, unless they have decided anything since.

    Returns:
        What was brought back. Raises UserError as :func:`decide`.
    """
    undone = read_record(file, collection_hash).undone.get(by)
    if not undone:
        return ()
    _append_act(file, collection_hash, "redoes", undone[-1], by=by)
    record = read_record(file, collection_hash)
    return tuple(decision for act in undone[-1] for decision in record.of_act(act))


def _append_act(file: Path, collection_hash: str, verb: str, acts: Iterable[str], *, by: str) -> None:
    """Take acts back, or bring them back, by one press: their entries share its id."""
    common = {"when": _now(), "by": by, "id": uuid.uuid4().hex}
    _append(file, collection_hash, *({verb: act, **common} for act in acts))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _append(file: Path, collection_hash: str, *entries: Mapping[str, Any]) -> None:
    """Add lines to a record in one write: all of them are on the disk when this returns, or none is."""
    head = {"format_version": RECORD_VERSION, "collection": collection_hash}
    lines = b"".join(msgspec.json.encode({**head, **entry}) + b"\n" for entry in entries)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = not file.exists()
        with storage.locked(file), file.open("ab+", buffering=0) as out:
            before = out.seek(0, os.SEEK_END)
            if before + len(lines) >= RECORD_BYTES:
                raise UserError(
                    f"{file} is full: a record of decisions has up to {RECORD_BYTES:,} bytes. Make a new version of "
                    "the collection from it (bstviz review apply), which has a record of its own."
                )
            if before:
                out.seek(-1, os.SEEK_END)
                lines = lines if out.read(1) == b"\n" else b"\n" + lines  # somebody's last line was cut off
            try:
                if out.write(lines) != len(lines):
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
