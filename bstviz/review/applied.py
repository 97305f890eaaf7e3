"""Decisions put to use: tables of them, the labels as they stand after them, and a new version of a collection."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from bstviz.datasets.collection import Collection
from bstviz.datasets.collection_header import Revision
from bstviz.errors import UserError
from bstviz.review.decisions import Decision, Record

CSV_COLUMNS = ("sound_id", "old", "new", "why", "when", "name", "confidence", "comment")
LABEL_TABLE = (
    "sound_id",
    "class",
    "class_idx",
    "class_top",
    "confidence",
    "uploader",
    "license",
    "title",
    "tags",
    "description",
)
"""Columns of BSD10k's metadata, in its order."""
BEFORE = "class_before_review"
"""Column of a new version of a collection: the class that a relabelled sound had."""


def table(record: Record) -> pd.DataFrame:
    """Every standing decision, columns :data:`CSV_COLUMNS`; ``old`` is empty where a sound had no class, ``new`` where
    somebody was unsure, and ``name``, ``confidence`` (Int8) and ``comment`` where none was given.
    """
    standing = (d for decisions in record.standing.values() for d in decisions)
    rows = [[getattr(d, name) for name in CSV_COLUMNS] for d in standing]
    found = pd.DataFrame(rows, columns=list(CSV_COLUMNS)).astype({"confidence": "Int8"})
    return found.sort_values("when", kind="stable", ignore_index=True)


def changes_of(collection: Collection, record: Record) -> dict[str, Decision]:
    """The agreed decisions by which a sound of the collection gets another class or another annotation confidence.

    Raises:
        UserError: One does not fit the collection.
    """
    classes, confidences = (collection.sounds[name].to_numpy(object) for name in ("class", "confidence"))
    found = {}
    for sound, decision in record.agreed.items():
        if decision.new is None:
            continue
        row = collection.row_of.get(sound)
        now = None if row is None or pd.isna(classes[row]) else classes[row]
        if row is None or now != decision.old or decision.new not in collection.taxonomy.codes:
            raise UserError(
                f"The decision on {sound!r} ({decision.old or 'no class'} → {decision.new}) does not fit "
                f"{collection.name!r}: give the version that was reviewed."
            )
        before = None if pd.isna(confidences[row]) else int(confidences[row])
        if decision.new != decision.old or decision.confidence not in (None, before):
            found[sound] = decision
    return found


def apply_decisions(collection: Collection, record: Record) -> Collection:
    """A new version of a collection with the agreed classes and annotation confidences; neither the given one nor its
    folder is changed.

    Relabelled sounds keep their old class in the column :data:`BEFORE`, where they had one, and ``revisions`` gains an
    entry. A decision without a confidence leaves the sound's as it is.

    Raises:
        UserError: Nothing is to be changed, or a decision does not fit the collection.
    """
    changes = changes_of(collection, record)
    if not changes:
        raise UserError("No decision changes a class or a confidence, so there is no new version to make.")
    sounds = collection.sounds.copy()
    classes, before = sounds["class"].to_numpy(object, copy=True), np.full(len(sounds), None, object)
    confidences = sounds["confidence"].to_numpy(object, copy=True)
    if BEFORE in sounds:
        before[:] = sounds[BEFORE]
    for sound, decision in changes.items():
        row = collection.row_of[sound]
        if decision.new != decision.old:
            before[row], classes[row] = decision.old, decision.new
        confidences[row] = decision.confidence or confidences[row]
    sounds["class"] = pd.Series(classes, index=sounds.index).astype(sounds["class"].dtype)
    sounds["confidence"] = pd.Series(confidences, index=sounds.index, dtype="Int8")
    sounds[BEFORE] = pd.Series(before, index=sounds.index, dtype="str")
    relabelled = sum(decision.new != decision.old for decision in changes.values())
    last = max(d.when for d in changes.values())
    revision = Revision(collection.name, collection.hash, relabelled, last)
    return dataclasses.replace(collection, sounds=sounds, revisions=(*collection.revisions, revision))


def label_table(collection: Collection, record: Record) -> pd.DataFrame:
    """The sounds that have a class, after the agreed decisions on it, as a table like BSD10k's metadata: columns
    :data:`LABEL_TABLE` and ``path``, which ``bstviz import table`` reads again.

    Raises:
        UserError: A decision does not fit the collection.
    """
    after = apply_decisions(collection, record) if changes_of(collection, record) else collection
    taxonomy, labelled = after.taxonomy, after.labels >= 0
    labels = after.labels[labelled]
    second = [taxonomy.second[label] for label in labels]
    found = after.sounds[labelled].reset_index(drop=True)
    found = found.assign(
        class_idx=pd.array([c.index for c in second], dtype="Int64"),
        class_top=[taxonomy.top_codes[taxonomy.parents[label]] for label in labels],
    )
    return found[[*LABEL_TABLE, "path"]]
