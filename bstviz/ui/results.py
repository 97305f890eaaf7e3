"""Cached reading of what the results page shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bstviz import report
from bstviz.report import Row
from bstviz.run import Run, RunInfo
from bstviz.ui import loaders


def rows() -> list[Row]:
    """Rows of the results table: all runs and baselines that the app was started with."""
    baselines = [b for folder in loaders.experiment_folders() for b in report.find_baselines(folder)]
    return report.rows([*loaders.infos().values(), *baselines])


def load_folds(chosen: Sequence[RunInfo]) -> list[Run]:
    """The runs of a setting with their arrays."""
    return [loaders.load_run(info.folder or Path()) for info in chosen]
