"""Forms that older versions wrote, made by hand out of what this one writes: keys, columns, file names as they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from bstviz import storage

KEYS = {"extra_training_data": "also_trained_on", "answered_by": "applied"}
SPLIT_KINDS = {
    "none: inference only, on a collection that it was not trained on": (
        "none: applied to a collection that it was not trained on"
    ),
}


def run_2(folder: Path) -> Path:
    """A run's folder turned into format version 2."""
    if (folder / "retrieval.safetensors").is_file():
        (folder / "retrieval.safetensors").rename(folder / "memory.safetensors")
    sounds = pd.read_parquet(folder / "sounds.parquet")
    sounds["split"] = sounds["split"].replace({"below_threshold": "below"})
    sounds.to_parquet(folder / "sounds.parquet", index=False)
    header = _header(folder / "run.json")
    header = {KEYS.get(key, key): value for key, value in header.items()} | {"format_version": 2}
    header["split_kind"] = SPLIT_KINDS.get(header["split_kind"], header["split_kind"])
    storage.write_header(folder, "run.json", header)
    return folder


def collection_1(folder: Path) -> Path:
    """A collection's folder turned into format version 1."""
    storage.write_header(folder, "collection.json", _header(folder / "collection.json") | {"format_version": 1})
    return folder


def experiment_2(folder: Path) -> Path:
    """An experiment's folder turned into format version 2, its runs too."""
    entry = _header(folder / "experiment.json") | {"format_version": 2, "left_out": ["told in other words then"]}
    (folder / "experiment.json").write_text(json.dumps(entry, indent=1) + "\n", encoding="utf-8")
    for file in folder.glob("*/run.json"):
        run_2(file.parent)
    return folder


def table_2(file: Path) -> Path:
    """A table of labels, or a part of unfinished work, turned into what version 2 wrote, metadata kept."""
    from pyarrow import parquet

    table = parquet.read_table(file)
    old = [{"fingerprint": "stamp"}.get(name, name) for name in table.column_names]
    assert "stamp" in old
    metadata = {key: value.replace(b'"fingerprint"', b'"stamp"') for key, value in table.schema.metadata.items()}
    parquet.write_table(table.rename_columns(old).replace_schema_metadata(metadata), file)
    return file


def _header(file: Path) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return header
