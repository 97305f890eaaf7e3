"""Variants of a recipe beside it: what each gains, paired by fold, and how sure that is.

    python benchmarks/variants.py EXPERIMENT...

of experiments that ``bstviz sweep --preset ablation`` or another preset with variants made (several where their seeds
are apart). For each loss and modality one line per variant, best first: second-level, top-level accuracy and
hierarchical F1 in percent, each with its deviations over folds / over seeds, and the gain in second-level accuracy over
the recipe itself with its standard error over folds (of means over the seeds that both have), in points.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from bstviz.models.experiment_folder import find_runs
from bstviz.models.run_info import RunInfo, load_info
from bstviz.reports.table import summary

SHOWN = ("second_accuracy", "top_accuracy", "hierarchical_f1")


def gain(variant: list[RunInfo], recipe: list[RunInfo], metric: str) -> tuple[float, float]:
    """Mean difference of a metric over the folds that both have, and its standard error over folds; NaN for one."""
    theirs = {(run.fold, run.train.seed): run.metrics[metric] for run in recipe}
    by_fold = defaultdict(list)
    for run in variant:
        if (at := (run.fold, run.train.seed)) in theirs:
            by_fold[run.fold].append(run.metrics[metric] - theirs[at])
    means = [float(np.mean(values)) for values in by_fold.values()]
    error = np.std(means, ddof=1) / len(means) ** 0.5 if len(means) > 1 else float("nan")
    return float(np.mean(means)), float(error)


def main(experiments: Annotated[list[Path], typer.Argument(help="Folders of a sweep with variants.")]) -> None:
    groups: dict[tuple[str, str, str], dict[str, list[RunInfo]]] = defaultdict(lambda: defaultdict(list))
    for info in (load_info(path) for folder in experiments for path in find_runs(folder)):
        groups[info.split_kind, info.train.loss, info.train.modality][info.train.variant].append(info)
    for (kind, loss, modality), variants in groups.items():
        print(f"\n{loss}, {modality}; folds: {kind}\n")
        print("| Variant | Second-level | Top-level | Hierarchical F1 | Gain, second-level | Seeds |")
        print("|---|---:|---:|---:|---:|---:|")
        lines = []
        for name, runs in variants.items():
            scores = [summary({(r.fold, r.train.seed): r.metrics[metric] for r in runs}) for metric in SHOWN]
            mean, error = gain(runs, variants[""], SHOWN[0])
            gained = f"{100 * mean:+.2f} ± {100 * error:.2f}" if name else "-"
            cells = [name or "the recipe", *(score.percent() for score in scores), gained]
            lines.append((scores[0].mean, [*cells, str(len({r.train.seed for r in runs}))]))
        for _, cells in sorted(lines, key=lambda line: -line[0]):
            print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    typer.run(main)
