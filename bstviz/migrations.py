"""What older versions of the formats called things, put into the words of version 3; nothing else knows old words.

A reader hands a header or a table over as it lies on disk and gets it as version 3 has it. Nothing is written back: a
folder keeps its version, and with it its hashes and its identity, until a writer replaces it. ``docs/formats.md``
describes version 3.

Versions written so far: collections 1 and 3, runs and experiments 2 and 3; tables of labels and of unfinished work
bear no number and are told by their columns.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

FORMAT_VERSION = 3
"""Version of collections, runs and experiments that is written."""
COLLECTION_VERSIONS = (1, FORMAT_VERSION)
RUN_VERSIONS = (2, FORMAT_VERSION)
EXPERIMENT_VERSIONS = (2, FORMAT_VERSION)

OLD_COLUMNS = {"stamp": "fingerprint"}
"""Columns of labels and of the chunks of unfinished work."""
OLD_SPLITS = {"below": "below_threshold"}
"""Values of the column ``split`` of a run's sounds."""
OLD_FACETS = {"certainty": "predicted_confidence"}
"""Columns to colour and filter by, in addresses of pages that somebody kept."""
OLD_BST_TEXTS = "650440271fe6a5775fb4cd4f53a0f51a934f611f8f56e31f2e91ffce98cebc0c"
"""Of names, definitions and examples of the packaged taxonomy, some of which contradicted its official scope."""
_RUN_KEYS = {"also_trained_on": "extra_training_data", "applied": "answered_by"}
_SPLIT_KINDS = {
    "none: applied to a collection that it was not trained on": (
        "none: inference only, on a collection that it was not trained on"
    ),
}
_OFFICIAL = ("bsd10k", "bsd35k")
"""Data sets that bring CLAP embeddings of their own; their headers once did not say how those were made."""
_OFFICIAL_AUDIO = {"preprocessing": {"max_seconds": 30.0, "antialias": True}, "crops": "one random set"}
_OFFICIAL_TEXT = {"template": ""}
_RUN_FILES = {"retrieval.safetensors": "memory.safetensors"}

Header = dict[str, Any]


def collection_header(header: Header) -> Header:
    """``collection.json`` of any version as of version 3: version 1 says the same in the same words."""
    if _stated(header, "source") in _OFFICIAL:
        made = {f"{kind}_encoder": _official(kind, header.get(f"{kind}_encoder")) for kind in ("audio", "text")}
        header = {**header, **made}
    return {**header, "format_version": FORMAT_VERSION}


def run_header(header: Header) -> Header:
    """``run.json`` of any version as of version 3; ``files`` goes on naming what lies in the folder."""
    encoders = header.get("encoders")
    if _stated(header.get("collection"), "source") in _OFFICIAL and isinstance(encoders, dict):
        header = {**header, "encoders": {kind: _official(kind, made) for kind, made in encoders.items()}}
    if header["format_version"] == FORMAT_VERSION:
        return header
    renamed = {**_renamed(header, _RUN_KEYS), "format_version": FORMAT_VERSION}
    kind = _stated(header, "split_kind")
    return {**renamed, "split_kind": _SPLIT_KINDS[kind]} if kind in _SPLIT_KINDS else renamed


def _stated(entry: object, name: str) -> str | None:
    """A word that an entry states, which may be of any form; its reader checks it afterwards."""
    value = entry.get(name) if isinstance(entry, dict) else None
    return value if isinstance(value, str) else None


def _official(kind: str, entry: Any) -> Any:
    """An encoder's entry of an official data set, which says how its embeddings were made; ours name what ran them."""
    if _stated(entry, "id") != "clap" or entry.get("via") or "preprocessing" in entry:
        return entry
    return {**entry, **(_OFFICIAL_AUDIO if kind == "audio" else _OFFICIAL_TEXT)}


def run_file(name: str, version: int) -> str:
    """What a file of a run, by its name in version 3, is called in a folder of some version."""
    return name if version == FORMAT_VERSION else _RUN_FILES.get(name, name)


def experiment_stated(entry: Header, version: int) -> Header:
    """An ``experiment.json`` of version 3 as an older version would have stated it, to compare the two.

    Version 2 uses the same words; its baselines did not say which share of the training sounds they hold out.
    """
    if version == FORMAT_VERSION:
        return entry
    baselines = [{k: v for k, v in baseline.items() if k != "validation"} for baseline in entry.get("baselines", ())]
    return {**entry, "baselines": baselines} if baselines else entry


def facet(name: str, offered: Container[str]) -> str:
    """A column that a kept address names, as it is called now; the name itself where it is offered or was no other."""
    return name if name in offered else OLD_FACETS.get(name, name)


def facet_labels(chosen: Mapping[str, frozenset[str]], offered: Container[str]) -> dict[str, frozenset[str]]:
    """Labels by column that a kept address filters by, as columns and labels are called now."""
    labels = {facet(name, offered): kept for name, kept in chosen.items()}
    if "split" in labels:
        labels["split"] = frozenset(OLD_SPLITS.get(label, label).replace("_", " ") for label in labels["split"])
    return labels


def _renamed(entry: Mapping[str, Any], names: Mapping[str, str]) -> Header:
    return {names.get(key, key): value for key, value in entry.items()}
