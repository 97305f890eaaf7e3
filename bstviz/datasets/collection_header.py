"""What ``collection.json`` says of a collection, and what its table of sounds may hold."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bstviz import schema
from bstviz.audio.decode import LONGEST_STATED
from bstviz.datasets.taxonomy import TaxonomyEntry
from bstviz.encoders.base import EncoderInfo, completed
from bstviz.errors import UserError
from bstviz.schema import Count, Digest, Line, Place, Prose, shown

STATED_WORDS = ("sound_id", "class", "title", "tags", "description", "uploader", "license", "path")
"""Columns of every collection that hold words; the others of :data:`STATED_NUMBERS` numbers."""
STATED_NUMBERS: Mapping[str, tuple[float, float]] = {"confidence": (1, 5), "duration": (0, LONGEST_STATED)}
"""And what these may lie between."""
STATED_CODES = ("class_top", "class_before_review")
"""Columns that may be there and hold codes of classes."""
STATED_FURTHER = (*STATED_CODES, "content")
ID_LENGTH = 4_096
"""Of a sound's id at most, which may be a path."""


@dataclass(frozen=True)
class Revision:
    """A change of labels that made a new version of a collection.

    Attributes:
        name: Of the collection that was changed.
        hash: Of it, before the change.
        changed: How many sounds got another class.
        when: Of the last decision, UTC, ISO 8601.
    """

    name: Line
    hash: Digest
    changed: Count
    when: Line

    def __str__(self) -> str:
        classes = "class" if self.changed == 1 else "classes"
        return f"{self.changed:,} {classes} changed by review on {self.when[:10]}, from version {self.hash[:12]}"


@dataclass(frozen=True, kw_only=True)
class CollectionHeader:
    """What ``collection.json`` says (``docs/formats.md``); attributes as of
    :class:`bstviz.datasets.collection.Collection`.
    """

    name: Line
    taxonomy: TaxonomyEntry
    license: Prose
    source: Line | None = None
    record: Line | None = None
    audio_encoder: EncoderInfo | None
    text_encoder: EncoderInfo | None
    further_texts: tuple[EncoderInfo, ...] = ()
    audio_root: Place | None
    follow_links: bool = False
    notes: tuple[Prose, ...] = ()
    revisions: tuple[Revision, ...] = ()
    hash: Digest
    files_hash: Digest | None = None


def header_from(stored: Mapping[str, Any], what: str, remedy: str) -> CollectionHeader:
    """A header of today's words as what it says; raises UserError as :func:`bstviz.schema.convert`."""
    header = dict(stored)
    for name in ("audio_encoder", "text_encoder"):
        header[name] = completed(header.get(name)) or None
    further = header.get("further_texts", [])
    header["further_texts"] = [completed(entry) for entry in further] if isinstance(further, list) else further
    found = schema.convert(header, CollectionHeader, what, remedy)
    made = files_hash_of(header.get("files", {}), found.audio_root)
    if found.files_hash not in (None, made):
        raise UserError(f"{what}: files_hash is not that of files and audio_root. {remedy}")
    return dataclasses.replace(found, files_hash=made)


def files_hash_of(files: Mapping[str, str], audio_root: str | None) -> str:
    """What tells one state of a collection's folder from another, be its identity the same: SHA-256 over the hashes of
    its files by name, and where its audio lies.
    """
    lines = [f"{name}\t{digest}" for name, digest in sorted(files.items())]
    return hashlib.sha256("\n".join([*lines, str(audio_root)]).encode()).hexdigest()


def stated_sounds(table: pd.DataFrame, what: str, remedy: str) -> pd.DataFrame:
    """A stored table of sounds with its columns in their types, as :func:`bstviz.datasets.collection.sounds_table`
    makes them.

    Raises:
        UserError: A column holds something else, or a confidence out of range. Such a duration is missing.
    """
    out = table.copy()
    for name in (*STATED_WORDS, *STATED_FURTHER):
        if name in out:
            numbers = name in STATED_FURTHER and pd.api.types.is_numeric_dtype(out[name])  # once saved so
            if out[name].notna().any() and not (numbers or isinstance(out[name].dtype, pd.StringDtype)):
                raise UserError(f"{what}: column {name} holds {out[name].dtype}; allowed are words. {remedy}")
            out[name] = out[name].astype("str").where(out[name].notna())
    if "duration" in out and pd.api.types.is_numeric_dtype(out["duration"]):  # importers once kept others
        out["duration"] = out["duration"].where(out["duration"].between(*STATED_NUMBERS["duration"]))
    for name, (least, most) in STATED_NUMBERS.items():
        if name in out and out[name].notna().any():
            wrong = f"{what}: column {name} holds {{}}; allowed are numbers from {least:g} to {most:g}. {remedy}"
            if not pd.api.types.is_numeric_dtype(out[name]) or pd.api.types.is_bool_dtype(out[name]):
                raise UserError(wrong.format(out[name].dtype))
            known = out[name].dropna()
            outside = known[~known.between(least, most) | (known % 1 != 0 if name == "confidence" else False)]
            if len(outside):
                raise UserError(wrong.format(outside.iat[0]))
    if "confidence" in out:
        out["confidence"] = pd.to_numeric(out["confidence"]).astype("Int8")
    if "duration" in out:
        out["duration"] = pd.to_numeric(out["duration"]).astype("float32")
    return out


def check_ids(ids: pd.Series, what: str) -> None:
    """Refuse (UserError) ids of sounds that are no words, empty, too long, hold control characters, or stand twice."""
    words = ids.tolist()  # once: a series makes each word anew when it is asked
    wrong = np.array([not isinstance(i, str) or not 0 < len(i) <= ID_LENGTH for i in words], bool)
    if not wrong.any() and re.search(schema.UNSAFE, "".join(words)):
        wrong = np.array([re.search(schema.UNSAFE, i) is not None for i in words], bool)
    if wrong.any():
        first = int(wrong.argmax())
        raise UserError(
            f"{what} has the sound_id {shown(ids.iat[first])} in row {first + 1:,}; an id is a line of 1 to "
            f"{ID_LENGTH:,} characters, none a control character."
        )
    if ids.duplicated().any():
        raise UserError(f"{what} repeats the sound_id {shown(ids[ids.duplicated()].iloc[0])}; ids are unique.")
