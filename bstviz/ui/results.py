"""What the results page shows of a setting: cached reading of its runs, pooled out-of-fold answers, comparison of losses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from bstviz import outoffold, report
from bstviz.config import MODALITY_WORDS
from bstviz.outoffold import OutOfFold
from bstviz.report import COLUMNS, MODELS, Row
from bstviz.run import RunInfo
from bstviz.ui import loaders
from bstviz.ui.loaders import Loaded
from bstviz.ui.metric_table import EXPLAINED

COMPARED = {
    **EXPLAINED,
    "second_accuracy": ("Accuracy, second level", "For comparison: what the structure costs or brings."),
    "top_accuracy": ("Accuracy, top level", "The same, counting only the top-level class."),
}
"""Measures of the comparison of losses, with a sentence each; larger is better in all."""


def heading(metric: str) -> str:
    """A metric of the table on a figure's axis."""
    return COLUMNS[metric] if metric == "hierarchical_f1" else f"{COLUMNS[metric]} accuracy"


def rows() -> list[Row]:
    """Rows of the results table: all runs and baselines that the app was started with."""
    baselines = [b for folder in loaders.experiment_folders() for b in report.find_baselines(folder)]
    return report.rows([*loaders.infos().values(), *baselines])


def frame(members: Sequence[Row]) -> pd.DataFrame:
    """Table 1 as numbers in percent: mean, deviation over folds and the paper's mean of each metric."""
    entries = []
    for row in members:
        entry: dict[str, object] = {
            "Confidence": f"≥ {row.min_confidence}",
            "Model": MODELS[row.model],
            "Recipe": row.recipe,
            "Modality": MODALITY_WORDS[row.modality],
        }
        for metric, heading in COLUMNS.items():
            summary, theirs = row.metrics[metric], report.paper_figure(row, metric)
            entry[heading] = 100 * summary.mean
            entry[f"± {heading}"] = 100 * summary.std if row.folds > 1 else None
            if metric != "hierarchical_f1":
                entry[f"{heading}, paper"] = 100 * theirs.mean if theirs else None
        error = row.metrics.get("expected_calibration_error")
        entry |= {
            "Calibration error": 100 * error.mean if error else None,
            "Folds": row.folds,
            "Test sounds": row.test_sounds,
        }
        entries.append(entry)
    table = pd.DataFrame(entries)
    if len({row.recipe for row in members if row.loss}) < 2:
        table = table.drop(columns="Recipe")
    return table.dropna(axis=1, how="all")


def load_folds(chosen: Sequence[RunInfo]) -> list[Loaded]:
    """The runs of a setting with their arrays and collection."""
    return [loaders.load(info.folder or Path()) for info in chosen]


def pooled(folds: Sequence[Loaded]) -> OutOfFold:
    """Out-of-fold answers of a setting's folds, at or above its own confidence threshold."""
    answers = outoffold.pool([loaded.run for loaded in folds])
    return answers.where(answers.tested)


def folds_in_words(count: int) -> str:
    """A number of folds."""
    return f"{count} fold{'s' * (count != 1)}"


def losses_compared(chosen: Sequence[RunInfo]) -> tuple[pd.DataFrame, int] | None:
    """Structure and accuracy of hierarchical and flat runs that share everything but the loss, fold by fold.

    Args:
        chosen: Runs of one collection, modality, threshold and kind of folds.

    Returns:
        A row a measure: means of both, deviations where there are several folds, the mean difference, and on how many folds
        hierarchical is higher; and the number of folds that both have. None where there is no such fold.
    """
    by_loss: dict[str, dict[int, RunInfo]] = {"hierarchical": {}, "flat": {}}
    for info in chosen:
        by_loss[info.train.loss][info.fold] = info
    shared = sorted(set(by_loss["hierarchical"]) & set(by_loss["flat"]))
    if not shared:
        return None
    entries = []
    for name, (label, meaning) in COMPARED.items():
        values = {loss: np.array([by_loss[loss][f].metrics.get(name, np.nan) for f in shared]) for loss in by_loss}
        difference = values["hierarchical"] - values["flat"]
        entries.append(
            {
                "Measure": label,
                **{
                    column: entry for loss, v in values.items()
                    for column, entry in ((MODELS[loss], v.mean()), (f"± {MODELS[loss]}", v.std() if len(shared) > 1 else None))
                },
                "Difference": difference.mean(),
                "Higher on": f"{int((difference > 0).sum())} of {folds_in_words(len(shared))}",
                "What it says": meaning,
            }
        )  # fmt: skip
    return pd.DataFrame(entries).dropna(axis=1, how="all"), len(shared)
