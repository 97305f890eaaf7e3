"""Where the decisions on a collection's labels are kept, and which records of its other versions lie there."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from bstviz import paths
from bstviz.errors import UserError
from bstviz.models.run_info import CollectionRef, is_run
from bstviz.review.decisions import read_record

HASH_SIGNS = 12
"""Of a collection's hash, in the name of its record."""
NAME_BYTES = 223
"""Of a collection's name there: file systems take 255 in all, those of the record's lock among them."""
STEM, VERSIONS = "version-", "-versions"
"""What the folder of a retrained version begins with, and the one that holds all versions of a collection ends with."""


def record_file(collection: CollectionRef, experiments: Iterable[Path]) -> Path:
    """Where the decisions on a collection's labels are kept.

    That is the folder in BSTVIZ_REVIEWS, else the first experiment's own folder (beside the runs, which are replaced as
    a whole when they are trained again), else, where that is the bundled models' or may not be written to, the cache.
    Versions are runs of the experiment that they were retrained from.
    """
    name = re.sub(r"[^\w-]+", "-", collection.name.lower()).strip("-") or "collection"
    name = name.encode()[:NAME_BYTES].decode(errors="ignore")
    file = f"review-{name}-{collection.hash[:HASH_SIGNS]}.jsonl"
    given = os.environ.get(paths.REVIEWS_VARIABLE)
    if given:
        return Path(given).expanduser() / file
    for experiment in experiments:
        folder = experiment.resolve().parent if is_run(experiment) else experiment.resolve()
        while version_number(folder) is not None and folder.parent.name.endswith(VERSIONS):
            folder = folder.parent.parent
        if paths.assets().resolve() not in (folder, *folder.parents) and os.access(folder, os.W_OK):
            return folder / file
    return paths.cache_folder() / "reviews" / file


def version_number(folder: Path) -> int | None:
    """Which version a folder is by its name; None where it is none."""
    found = re.fullmatch(rf"{STEM}(\d{{1,6}})", folder.name)
    return int(found[1]) if found else None


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
