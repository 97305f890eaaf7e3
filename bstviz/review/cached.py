"""Arrays that take seconds to work out, kept in the cache folder by what they follow from: data, settings, and the
version of a method, a constant beside it that is raised when the method changes.

Where one is away, damaged (each file has its own SHA-256) or cannot be written, it is worked out again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from bstviz import paths, storage, stored
from bstviz.errors import UserError

KEPT_FOLDER = "label-quality"
LEAST_ROWS = 2_000
"""Of fewer nothing is kept: they are worked out in no time."""
KEPT_BYTES = 2**28
"""Of all that is kept; beyond that what was not used for longest is deleted."""
DIGEST = "sha256"
"""Name in a file of the digest of the others."""


def cached_arrays(
    name: str,
    follows_from: Iterable[bytes | str],
    make: Callable[[], dict[str, np.ndarray]],
    *,
    rows: int,
    expected: Mapping[str, tuple[str, int]],
) -> dict[str, np.ndarray]:
    """Arrays as they were kept, or else as they are made now.

    Args:
        name: Of all of them together.
        follows_from: What they depend on, the version of the method among it.
        make: Works them out.
        rows: First dimension of each.
        expected: By name type and number of axes, as of :func:`bstviz.stored.read_tensors`.
    """
    if rows < LEAST_ROWS:
        return make()
    digest = hashlib.sha256()
    for part in follows_from:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8) + data)
    try:
        file = paths.cache_folder() / KEPT_FOLDER / f"{name}-{digest.hexdigest()[:32]}.safetensors"
    except UserError:  # nowhere to keep anything
        return make()
    with suppress(UserError, OSError):
        found = stored.read_tensors(file, {**expected, DIGEST: ("uint8", 1)})
        digest_of_them = found.pop(DIGEST)
        if np.array_equal(digest_of_them, _digest(found)) and all(len(array) == rows for array in found.values()):
            with suppress(OSError):  # where nothing can be written
                os.utime(file)
            return found
    made = make()
    with suppress(UserError, OSError):
        _keep(file, made)
    return made


def _digest(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """SHA-256 of arrays, (32,) uint8."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        digest.update(arrays[name].tobytes())
    return np.frombuffer(digest.digest(), np.uint8)


def _keep(file: Path, arrays: dict[str, np.ndarray]) -> None:
    from safetensors.numpy import save

    file.parent.mkdir(parents=True, exist_ok=True)
    storage.sweep(file.parent)
    data = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    storage.write_file(file, save({**data, DIGEST: _digest(data)}))
    left = KEPT_BYTES
    for other in sorted(file.parent.glob("*.safetensors"), key=lambda one: one.stat().st_mtime, reverse=True):
        left -= other.stat().st_size
        if left < 0 and other != file:
            other.unlink(missing_ok=True)
