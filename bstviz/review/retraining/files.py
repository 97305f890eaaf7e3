"""Retraining in another process: what it reads and writes are folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bstviz.datasets.collection import load_collection
from bstviz.models.run import load_run
from bstviz.review.decisions import read_record
from bstviz.review.retraining.changes import Changes, changes
from bstviz.review.retraining.held_out import read_answers
from bstviz.review.retraining.retrain import Report, no_report, retrain


def retrain_files(
    record: Path, collection: Path, before: Sequence[Path], out: Path, *, report: Report = no_report
) -> Path:
    """The folder of the next version; arguments as for :func:`bstviz.review.retraining.retrain.retrain`."""
    sounds = load_collection(collection)
    decisions = read_record(record, sounds.hash)
    runs = [load_run(folder) for folder in before]
    return retrain(sounds, decisions, runs, out, report=report).folder.resolve()


def changes_of_files(before: Path, after: Path, held_out: Path, *, report: Report = no_report) -> Changes:
    """What changed between two runs, with what further networks said (``held_out``, not always there)."""
    report(0.0, "Measuring")
    new = load_run(after)
    return changes(load_run(before), new, read_answers(held_out, new))


def load_libraries(*, report: Report = no_report) -> None:
    """Load what a retraining needs."""
    import bstviz.training.train  # noqa: F401
