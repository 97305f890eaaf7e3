"""Long work over many sounds: in chunks, each kept on disk as it is done, on this machine or by Ray.

A worker takes sounds and yields tables, one row per sound with its ``id`` and ``fingerprint``. Every table is written
at once, as a file of its own that is either whole or not there. A process killed at any moment loses the chunk it was
at and no other: started again, it does what is missing. Ray runs the same worker in several processes, on one machine
or on many that share a disk.

A row without a fingerprint is of a sound that could not be found or read: it may be there again next time, so the row
counts for the call that made it and no longer.
"""

from __future__ import annotations

import io
import logging
import platform
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import pandas as pd

from bstviz import migrations, storage
from bstviz.errors import UserError
from bstviz.jobs.backend import LOCAL, Engine, connected

AWAY = ".away.parquet"
READERS, AHEAD = 2, 12  # threads that decode, and sounds that they may be ahead
RAY_BATCH, RAY_BATCHES = 128, 4  # sounds that a Ray worker is given at a time, at most, and how often at least
Track = Callable[..., Iterable[Any]]
"""Wraps an iterable to show progress: ``track(items, total=n, description="…", completed=k)``."""
Source = TypeVar("Source")
Result = TypeVar("Result")


def no_progress(items: Iterable[Any], **_: Any) -> Iterable[Any]:
    """A :data:`Track` that shows nothing."""
    return items


@dataclass(frozen=True)
class Item:
    """A sound to be worked on.

    Attributes:
        id: What its results are filed under; unique.
        source: Path of its file, as :func:`bstviz.paths.readable` writes it, ``synth:`` and an id for a sound that is
            synthesised, or empty where there is none.
        fingerprint: Changes when the file does (:func:`fingerprint`); results of another fingerprint are not taken
            over. Empty where there is no file.
    """

    id: str
    source: str
    fingerprint: str


def fingerprint(path: Path) -> str:
    """Size and time of change of a file; empty where there is none."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_size}-{status.st_mtime_ns}"


class Worker(Protocol):
    """Takes sounds, as many as they come, and yields tables of ``id``, ``fingerprint`` and its results."""

    def __call__(self, items: Iterable[Item]) -> Iterator[pd.DataFrame]: ...


def in_chunks(
    make: Callable[[], Worker],
    items: Sequence[Item],
    store: Path,
    *,
    engine: Engine = LOCAL,
    track: Track = no_progress,
    description: str = "Sounds",
) -> pd.DataFrame:
    """Results for every item, one row each in their order; what an earlier call left in ``store`` is not done again,
    but for sounds that could not be read.

    Args:
        make: Makes the worker, in the process where it works; it must pickle for Ray.
        items: What to work on.
        store: Folder of the finished chunks; its owner deletes it when the results are elsewhere.
        engine: Where the work is done.
        track: Shows progress, one step per sound.
        description: What the progress is of.

    Raises:
        UserError: Ray is asked for and not installed, its cluster cannot be reached, or its workers do not see what
            this machine does.
    """
    store.mkdir(parents=True, exist_ok=True)
    storage.sweep(store)
    for file in store.glob(f"*{AWAY}"):
        file.unlink()
    done = {
        key
        for table in _chunks(store, ["id", "fingerprint"])
        for key in zip(table["id"], table["fingerprint"], strict=True)
        if key[1]
    }
    todo = [item for item in items if (item.id, item.fingerprint) not in done]
    steps = iter(()) if not todo else (_ray if engine.name == "ray" else _here)(make, todo, store, engine)
    for _ in track(steps, total=len(items), description=description, completed=len(items) - len(todo)):
        pass
    found = pd.concat([pd.DataFrame({"id": [], "fingerprint": []}, dtype="str"), *_chunks(store)], ignore_index=True)
    order = {(item.id, mark): row for row, item in enumerate(items) for mark in (item.fingerprint, "")}
    keys = zip(found["id"], found["fingerprint"], strict=True)
    rows = pd.Series([order.get(key, -1) for key in keys], index=found.index)
    found = found.assign(row=rows, away=found["fingerprint"] == "")[rows >= 0].sort_values(["row", "away"])
    found = found.drop_duplicates("row").drop(columns=["row", "away"])
    if len(found) < len(items):
        raise UserError(
            f"{len(items) - len(found):,} of {len(items):,} sounds have no result in {store}: the workers of the Ray "
            "cluster do not write where this machine reads. Keep sounds and results on a disk that all machines see "
            "under the same path."
        )
    return found.reset_index(drop=True)


def _chunks(store: Path, columns: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
    """The finished chunks, migrated where an older version wrote them; some of their columns, or all."""
    from pyarrow import parquet

    for file in sorted(store.glob("*.parquet")):
        names = {name: migrations.OLD_COLUMNS.get(name, name) for name in parquet.read_schema(file).names}
        wanted = [stored for stored, name in names.items() if columns is None or name in columns]
        yield pd.read_parquet(file, columns=wanted).rename(columns=names)


def _write(store: Path, table: pd.DataFrame) -> list[str]:
    """Write a chunk as a whole, sounds that could not be read apart from the others; returns its ids."""
    away = table["fingerprint"] == ""
    for part, suffix in ((table[~away], ".parquet"), (table[away], AWAY)):
        if len(part):
            buffer = io.BytesIO()
            part.to_parquet(buffer, index=False)
            storage.write_file(store / f"{uuid.uuid4().hex}{suffix}", buffer.getvalue())
    return table["id"].tolist()


def _here(make: Callable[[], Worker], todo: list[Item], store: Path, engine: Engine) -> Iterator[str]:
    for table in make()(todo):
        yield from _write(store, table)


class _RayWorker:
    """A worker inside a Ray actor: writes its own chunks, gives back their ids as they are done."""

    def __init__(self, make: Callable[[], Worker], store: str) -> None:
        self.work, self.store = make(), Path(store)
        if not self.store.is_dir():
            raise UserError(
                f"The Ray worker on {platform.node()} does not see {store}. Keep sounds and results on a disk that all "
                "machines see under the same path."
            )

    def __call__(self, batch: dict[str, np.ndarray]) -> Iterator[dict[str, list[str]]]:
        values = (batch[field.name].tolist() for field in fields(Item))
        for table in self.work([Item(*own) for own in zip(*values, strict=True)]):
            yield {"id": _write(self.store, table)}


def _ray(make: Callable[[], Worker], todo: list[Item], store: Path, engine: Engine) -> Iterator[str]:
    with connected(engine) as ray:
        from ray import data

        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        context = data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        workers = engine.workers or max(int(ray.cluster_resources().get("CPU", 1)), 1)
        size = min(RAY_BATCH, -(-len(todo) // (RAY_BATCHES * workers)))
        blocks = -(-len(todo) // size)
        listed = data.from_items([asdict(item) for item in todo], override_num_blocks=blocks)
        done = listed.map_batches(
            _RayWorker,
            fn_constructor_args=(make, str(store.absolute())),
            batch_size=size,
            compute=data.ActorPoolStrategy(size=workers),
            num_cpus=1,
        )
        try:
            for batch in done.iter_batches(batch_size=None, prefetch_batches=0):
                yield from batch["id"].tolist()
        except ray.exceptions.RayError as error:
            raise UserError(f"The work stopped on the Ray cluster: {_cause(error)}") from None


def _cause(error: BaseException | None) -> str:
    """What a worker said, in the last line of what Ray says of its error."""
    said = ""
    while error is not None:
        said = str(error).strip() or said
        error = getattr(error, "cause", None) or error.__cause__
    return said.rsplit("\n", 1)[-1].removeprefix(f"{UserError.__module__}.{UserError.__name__}: ")


def read_ahead(
    load: Callable[[Source], Result], items: Iterable[Source], *, readers: int = READERS, ahead: int = AHEAD
) -> Iterator[Result]:
    """Results of ``load`` for items in their order, prepared by threads up to ``ahead`` before they are asked for."""
    pool = ThreadPoolExecutor(readers)
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(load, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
