"""Sweeps: the settings of a preset on the same folds, in parallel; each run is kept once done; a stopped sweep goes on.

Workers only compute; this process alone writes. So a run is on disk whole or not at all, whatever is killed when.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bstviz import storage
from bstviz.datasets.collection import Collection
from bstviz.datasets.extra import check_alike
from bstviz.datasets.splits import Folds
from bstviz.jobs.backend import LOCAL, Engine, connected
from bstviz.jobs.fastest import cores
from bstviz.models.config import TrainConfig, kinds_of
from bstviz.models.experiment_folder import run_folder, write_experiment
from bstviz.models.run import Run
from bstviz.models.run_info import is_run
from bstviz.training.baselines import Baseline, BaselineConfig, baseline_file, find_baselines, fit_baseline
from bstviz.training.preset import Grid

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.queues import SimpleQueue

    from bstviz.latent.projection import UmapSettings

Progress = Callable[[int, float], None]
"""Called with the index of a task and the share of it that is done, 0 to 1."""


@dataclass(frozen=True)
class Task:
    """Folds of one setting or baseline that are worked on together."""

    config: TrainConfig | BaselineConfig
    folds: tuple[int, ...]

    @property
    def cost(self) -> float:
        """Rough length, for progress and order: folds and modalities, a baseline a quarter of a training."""
        share = 0.25 if isinstance(self.config, BaselineConfig) else 1.0
        return share * len(self.folds) * len(kinds_of(self.config.modality))


def default_jobs(device: str) -> int:
    """Worker processes that suit a device: one per processor core, or one in all where an accelerator does the work."""
    if device != "cpu":
        return 1
    return cores()


def describe(collection: Collection, folds: Folds, grid: Grid, extra: Sequence[Collection] = ()) -> dict[str, Any]:
    """The entry of ``experiment.json``: what makes two sweeps the same."""
    named = dict.fromkeys([*(setting.text for setting in grid.settings), *(b.text for b in grid.baselines)])
    texts = {name: collection.with_text(name).text_hash for name in named if name}
    also = [{"name": other.name, "hash": other.hash} for other in extra]
    return {
        "collection": {"name": collection.name, "hash": collection.hash} | ({"texts": texts} if texts else {}),
        **({"extra_training_data": also} if also else {}),
        "folds": {
            "count": folds.count,
            "kind": folds.kind,
            "sha256": hashlib.sha256(folds.assignment.tobytes()).hexdigest(),
        },
        "settings": [dataclasses.asdict(config) for config in grid.settings],
        "baselines": [dataclasses.asdict(config) for config in grid.baselines],
        "left_out": list(grid.left_out),
    }


def open_tasks(out: Path, folds: Folds, grid: Grid, *, jobs: int, together: bool = True) -> list[Task]:
    """What is still to do in an experiment folder, longest first.

    Args:
        out: The experiment.
        folds: Its folds.
        grid: Its settings and baselines.
        jobs: How many tasks run at once; a setting's folds become several tasks where there are fewer settings than
            that.
        together: Train a setting's folds side by side in one task; False makes one task per fold.
    """

    fitted = {(baseline.config, baseline.fold) for baseline in find_baselines(out)}

    def missing(config: TrainConfig | BaselineConfig) -> list[int]:
        if isinstance(config, BaselineConfig):
            return [f for f in range(folds.count) if (config, f) not in fitted]
        return [f for f in range(folds.count) if not is_run(run_folder(out, config, f))]

    configs: list[TrainConfig | BaselineConfig] = [*grid.settings, *grid.baselines]
    todo = {config: left for config in configs if (left := missing(config))}
    tasks = []
    for config, left in todo.items():
        count = min(len(left), -(-jobs // len(todo))) if together else len(left)
        tasks += [Task(config, tuple(left[i::count])) for i in range(count)]
    return sorted(tasks, key=lambda task: -task.cost)


def carry_out(
    task: Task,
    collection: Collection,
    folds: Folds,
    *,
    extra: Sequence[Collection] = (),
    device: str = "cpu",
    umap: UmapSettings | None = None,
    on_share: Callable[[float], None] | None = None,
) -> list[Run] | list[Baseline]:
    """Train or fit a task's folds; the same function in this process, in a worker and on a cluster."""
    if isinstance(task.config, BaselineConfig):
        return [fit_baseline(collection, folds, fold, task.config, extra=extra) for fold in task.folds]
    from bstviz.training.train import train_folds

    report = (lambda epoch, epochs: on_share(epoch / epochs)) if on_share else None
    options: dict[str, Any] = {"extra": extra, "device": device, "umap": umap, "on_epoch": report}
    return train_folds(collection, folds, task.folds, task.config, **options)


def run_sweep(
    collection: Collection,
    folds: Folds,
    grid: Grid,
    out: str | Path,
    *,
    extra: Sequence[Collection] = (),
    jobs: int | None = None,
    device: str = "cpu",
    engine: Engine = LOCAL,
    umap: UmapSettings | None = None,
    on_start: Callable[[list[Task]], None] | None = None,
    on_progress: Progress | None = None,
) -> Iterator[Task]:
    """Do what is missing of a sweep, yielding each task as its results are on disk.

    Args:
        collection: The sounds.
        folds: Their folds.
        grid: Settings and baselines.
        out: Folder of the experiment.
        extra: Further collections to train on (:mod:`bstviz.datasets.extra`).
        jobs: Worker processes; :func:`default_jobs` when left out.
        device: Torch device.
        engine: Local processes, or Ray: one task per fold, on as many processors as it has.
        umap: Make UMAP maps with these settings; None leaves them to be made later.
        on_start: Called with the tasks to be done.
        on_progress: Called as tasks advance; with Ray only as they end.

    Raises:
        UserError: The folder holds an experiment of other settings, a further collection has other classes or encoders,
            or Ray is not installed.
    """
    out = Path(out)
    for text, modality in {(config.text, config.modality) for config in grid.settings}:
        for other in extra:
            check_alike(collection.with_text(text), other, kinds_of(modality))
    write_experiment(out, describe(collection, folds, grid, extra))
    for fold in range(folds.count):
        for config in grid.settings:
            storage.recover(run_folder(out, config, fold))
        for baseline in grid.baselines:
            storage.recover(baseline_file(out, baseline, fold))
    jobs = jobs or default_jobs(device)
    tasks = open_tasks(out, folds, grid, jobs=jobs, together=engine.name == "local")
    if on_start:
        on_start(tasks)
    progress = on_progress or (lambda index, share: None)
    options: dict[str, Any] = {"extra": tuple(extra), "device": device, "umap": umap}
    if engine.name == "ray":
        results = _on_ray(tasks, collection, folds, engine, **options)
    elif jobs == 1 or len(tasks) < 2:
        results = _here(tasks, collection, folds, on_progress=progress, **options)
    else:
        results = _in_processes(tasks, collection, folds, jobs, on_progress=progress, **options)
    for index, done in results:
        for result in done:
            result.save(out if isinstance(result, Baseline) else out / result.id)
        progress(index, 1.0)
        yield tasks[index]


Results = Iterator[tuple[int, list[Run] | list[Baseline]]]


def _here(
    tasks: Sequence[Task], collection: Collection, folds: Folds, *, on_progress: Progress, **options: Any
) -> Results:
    import torch

    torch.set_num_threads(1)  # batches are small: more threads wait for each other
    for index, task in enumerate(tasks):

        def on_share(share: float, index: int = index) -> None:
            on_progress(index, share)

        yield index, carry_out(task, collection, folds, on_share=on_share, **options)


@dataclass
class _Worker:
    """What a worker process is given once: the data, where it reports how far it is, and a pipe that ends it."""

    collection: Collection
    folds: Folds
    options: dict[str, Any]
    reports: SimpleQueue[tuple[int, float]]
    parent: Connection


_worker: _Worker


def _begin(worker: _Worker) -> None:
    """Set up a worker process: one thread, no interest in Ctrl-C, and an end when its parent has one or says so."""
    import signal
    import threading

    import torch
    from threadpoolctl import threadpool_limits

    global _worker
    _worker = worker
    torch.set_num_threads(1)
    threadpool_limits(1)  # linear algebra of the baselines
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def follow() -> None:
        worker.parent.poll(None)  # until the parent has closed its end, or has ended
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _in_worker(index: int, task: Task) -> list[Run] | list[Baseline]:
    def on_share(share: float) -> None:
        _worker.reports.put((index, share))

    return carry_out(task, _worker.collection, _worker.folds, on_share=on_share, **_worker.options)


def _in_processes(
    tasks: Sequence[Task], collection: Collection, folds: Folds, jobs: int, *, on_progress: Progress, **options: Any
) -> Results:
    from multiprocessing import get_context

    context = get_context("spawn")
    reports = context.SimpleQueue()
    followed, parent = context.Pipe(duplex=False)
    worker = _Worker(collection, folds, options, reports, followed)
    pool = ProcessPoolExecutor(min(jobs, len(tasks)), context, initializer=_begin, initargs=(worker,))
    pending: dict[Future[list[Run] | list[Baseline]], int] = {}
    try:
        pending = {pool.submit(_in_worker, index, task): index for index, task in enumerate(tasks)}
        while pending:
            done, _ = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
            while not reports.empty():
                on_progress(*reports.get())
            for future in done:
                yield pending.pop(future), future.result()
    finally:
        if pending:  # stopped, or a task failed: nobody waits for the others
            parent.close()
        pool.shutdown(cancel_futures=True)
        parent.close()
        followed.close()


def _on_ray(tasks: Sequence[Task], collection: Collection, folds: Folds, engine: Engine, **options: Any) -> Results:
    with connected(engine) as ray:
        gpus = 1 if str(options["device"]).startswith("cuda") else 0
        remote = ray.remote(num_cpus=1, num_gpus=gpus)(_on_one_thread)
        shared = ray.put((collection, folds, options))
        pending = {remote.remote(task, shared): index for index, task in enumerate(tasks)}
        while pending:
            (done,), _ = ray.wait(list(pending), num_returns=1)
            yield pending.pop(done), ray.get(done)


def _on_one_thread(task: Task, shared: tuple[Collection, Folds, dict[str, Any]]) -> list[Run] | list[Baseline]:
    import torch

    torch.set_num_threads(1)
    collection, folds, options = shared
    return carry_out(task, collection, folds, **options)
