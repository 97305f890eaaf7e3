"""Where long work is done: in this process and its children, or by Ray on one machine or many."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args

from bstviz.errors import UserError

Name = Literal["local", "ray"]


@dataclass(frozen=True)
class Engine:
    """Where the work is done.

    Attributes:
        name: ``local``, this process, or ``ray``.
        workers: Ray processes, of one core each; as many as the cluster has cores when left out.
        address: Ray cluster to join, e.g. ``auto`` or ``ray://head:10001``; a local one is started when left out.
            Sounds and results must lie on a disk that all its machines see under the same path.
    """

    name: Name = "local"
    workers: int | None = None
    address: str | None = None

    def __post_init__(self) -> None:
        if self.name not in get_args(Name):
            raise UserError(f"There is no engine {self.name!r}; known: {', '.join(get_args(Name))}.")
        if self.workers is not None and self.workers < 1:
            raise UserError(f"workers is {self.workers}; at least 1 is needed.")


LOCAL = Engine()


@contextmanager
def connected(engine: Engine) -> Iterator[Any]:
    """The ``ray`` module with a cluster behind it; one that was started or joined here is left at the end.

    Raises:
        UserError: Ray is not installed, or its cluster cannot be reached.
    """
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        import ray
    except ImportError:
        raise UserError("--engine ray needs Ray; run: pip install 'bstviz[ray]'") from None
    own = not ray.is_initialized()
    if own:
        cores = engine.workers if engine.address is None else None
        try:
            ray.init(
                address=engine.address,
                num_cpus=cores,
                log_to_driver=False,
                logging_level="ERROR",
                include_dashboard=False,
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise UserError(f"The Ray cluster at {engine.address!r} cannot be reached: {error}") from None
    try:
        yield ray
    finally:
        if own:
            ray.shutdown()
