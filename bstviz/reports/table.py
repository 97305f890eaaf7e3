"""Runs and baselines to a table: one row per setting, mean and standard deviation over its folds; the paper's table 1.

References: P. Anastasopoulou et al., "Hierarchical and Multimodal Learning for Heterogeneous Sound Classification",
2025, table 1 (packaged as ``data/paper_table1.csv``; BSD10k-v1.1 with CLAP embeddings).
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from bstviz.errors import UserError
from bstviz.models.config import LOSSES, MODALITIES, MODALITY_WORDS, OLD_RECIPES, RECIPES, TrainConfig
from bstviz.models.experiment_folder import find_runs
from bstviz.models.run_info import RunInfo, load_info
from bstviz.training.baselines import METHODS, Baseline, BaselineConfig, find_baselines

TABLE_METRICS = {
    "second_accuracy": "Second-level",
    "top_accuracy": "Top-level",
    "second_top2_accuracy": "Second-level (top-2)",
    "top_top2_accuracy": "Top-level (top-2)",
    "hierarchical_f1": "Hierarchical F1",
}
"""The metrics of the printed table and their headings, as in the paper's table 1."""
MODELS: dict[str, str] = {
    **{str(loss): info.words for loss, info in LOSSES.items()},
    **{str(k): v for k, v in METHODS.items()},
}
"""Kinds of rows and their names, in the table's order: the losses, then the baselines."""
TABLE_FORMATS = ("text", "markdown", "csv", "json")
NOTE = "Percent, mean ± standard deviation over folds; the threshold applies to training and test alike."
PAPER_NOTE = (
    "Paper: table 1 of Anastasopoulou et al. 2025, on BSD10k-v1.1 with CLAP embeddings; "
    "figures on other data or by other encoders cannot be compared."
)


@dataclass(frozen=True)
class Summary:
    """Mean and population standard deviation over folds."""

    mean: float
    std: float

    def percent(self) -> str:
        """As the table prints it."""
        return f"{100 * self.mean:.2f} ± {100 * self.std:.2f}"


@dataclass(frozen=True)
class Row:
    """One setting and the summary of every metric over its folds.

    Attributes:
        collection: Name of the collection.
        encoders: What made the embeddings, in words.
        model: A key of :data:`MODELS`.
        loss: Of a network; None for a baseline.
        modality: Which embeddings it takes.
        min_confidence: Threshold on training and test alike.
        split_kind: How the folds were made.
        recipe: What tells apart networks that are alike in all this: the recipe, or the settings that differ.
        folds: How many were trained.
        test_sounds: Over all of them.
        metrics: By name.
    """

    collection: str
    encoders: str
    model: str
    loss: str | None
    modality: str
    min_confidence: int
    split_kind: str
    recipe: str
    folds: int
    test_sounds: int
    metrics: dict[str, Summary]

    def percent(self, metric: str) -> str:
        """A metric in percent, with its deviation where there are several folds."""
        summary = self.metrics[metric]
        return summary.percent() if self.folds > 1 else f"{100 * summary.mean:.2f}"


def _key(item: RunInfo | Baseline) -> tuple[Any, ...]:
    """What an item's row is about, in the order of the table; equal for the folds and seeds of one setting."""
    config: BaselineConfig | TrainConfig
    model: str
    if isinstance(item, Baseline):
        config, model = item.config, item.config.method
        recipe = "" if config.validation == RECIPES["default"].validation else f"validation {config.validation}"
        collection, encoders = item.collection, item.encoders
    else:
        config, model, recipe = item.train, item.train.loss, recipe_of(item.train)
        collection = item.collection.name
        encoders = ", ".join(f"{kind} {info}" for kind, info in item.encoders.items())
    order = (collection, item.split_kind, config.min_confidence, list(MODELS).index(model))
    return (*order, MODALITIES.index(config.modality), model, config.modality, encoders, recipe)


def recipe_of(train: TrainConfig) -> str:
    """Name of the recipe, or the settings that differ from the default one."""
    for name, config in [*RECIPES.items(), *((name, config) for name, (_, config) in OLD_RECIPES.items())]:
        same = replace(
            config, loss=train.loss, modality=train.modality, min_confidence=train.min_confidence, seed=train.seed
        )
        if same == train:
            return name
    default = dataclasses.asdict(RECIPES["default"])
    setting = ("loss", "modality", "min_confidence", "seed")
    return ", ".join(f"{k} {v}" for k, v in dataclasses.asdict(train).items() if v != default[k] and k not in setting)


def rows(items: Iterable[RunInfo | Baseline]) -> list[Row]:
    """Group runs and baselines by everything but fold and seed, and summarise each group, in the paper's order."""
    groups: dict[tuple[Any, ...], list[RunInfo | Baseline]] = {}
    for item in items:
        groups.setdefault(_key(item), []).append(item)
    out = []
    for key in sorted(groups):
        collection, kind, threshold, _, _, model, modality, encoders, recipe = key
        scores = [item.metrics for item in groups[key]]
        values = {name: np.array([s[name] for s in scores]) for name in scores[0] if all(name in s for s in scores)}
        row = Row(
            collection=collection,
            encoders=encoders,
            model=model,
            loss=None if model in METHODS else model,
            modality=modality,
            min_confidence=threshold,
            split_kind=kind,
            recipe=recipe,
            folds=len(scores),
            test_sounds=int(values["n"].sum()),
            metrics={n: Summary(float(v.mean()), float(v.std())) for n, v in values.items() if n != "n"},
        )
        out.append(row)
    return out


def load_rows(experiments: Iterable[str | Path]) -> list[Row]:
    """Rows of all runs and baselines of experiment folders.

    Raises:
        UserError: A folder holds no run.
    """
    items: list[RunInfo | Baseline] = []
    for folder in experiments:
        items += [load_info(path) for path in find_runs(folder)]
        items += find_baselines(folder)
    return rows(items)


@lru_cache(maxsize=1)
def paper_table() -> dict[tuple[int, str, str, str], Summary]:
    """The paper's table 1 by threshold, loss, modality and metric, as shares of 1."""
    text = (resources.files("bstviz") / "data" / "paper_table1.csv").read_text(encoding="utf-8")
    return {
        (int(r["min_confidence"]), r["loss"], r["modality"], r["metric"]): Summary(
            float(r["mean"]) / 100, float(r["std"]) / 100
        )
        for r in csv.DictReader(io.StringIO(text))
    }


def paper_figure(row: Row, metric: str) -> Summary | None:
    """The paper's figure for a row's setting, where it has one."""
    return paper_table().get((row.min_confidence, row.loss or "", row.modality, metric))


def table(rows: Sequence[Row], *, paper: bool) -> tuple[list[str], list[list[str]]]:
    """Headings and cells of table 1; with ``paper`` the paper's mean stands in brackets behind ours."""
    headings = ["Annotation confidence", "Loss", "Modality", *TABLE_METRICS.values(), "Folds", "Test sounds"]
    several = len({row.recipe for row in rows if row.loss}) > 1
    cells = []
    for row in rows:
        name = MODELS[row.model] + (f" ({row.recipe})" if several and row.recipe else "")
        figures = [row.percent(metric) for metric in TABLE_METRICS]
        if paper:
            theirs = [paper_figure(row, metric) for metric in TABLE_METRICS]
            figures = [
                f"{own} ({100 * other.mean:.2f})" if other else own for own, other in zip(figures, theirs, strict=True)
            ]
        cells.append(
            [
                f"≥ {row.min_confidence}",
                name,
                MODALITY_WORDS[row.modality],
                *figures,
                str(row.folds),
                f"{row.test_sounds:,}",
            ]
        )
    return headings, cells


def write(rows: Sequence[Row], form: str, *, paper: bool = True, width: int | None = None) -> str:
    """The table as text for people or programs.

    Args:
        rows: Its rows.
        form: One of :data:`TABLE_FORMATS`. CSV and JSON hold every metric as shares of 1; text and Markdown the
            paper's.
        paper: Put the paper's means beside ours in text and Markdown (JSON has them as ``paper`` always).
        width: Of text, in characters; the terminal's when left out.

    Raises:
        UserError: There is no such format.
    """
    if form == "json":
        return json.dumps({"rows": [_json(row) for row in rows]}, indent=1)
    if form == "csv":
        return _csv(rows)
    if form not in TABLE_FORMATS:
        raise UserError(f"format is {form!r}; allowed are {', '.join(TABLE_FORMATS)}.")
    sources = dict.fromkeys((row.collection, row.split_kind) for row in rows)
    parts = []
    for collection, kind in sources:
        members = [row for row in rows if (row.collection, row.split_kind) == (collection, kind)]
        beside = paper and any(paper_figure(row, "second_accuracy") for row in members)
        headings, cells = table(members, paper=beside)
        encoders = "; ".join(dict.fromkeys(row.encoders for row in members))
        title = f"{collection} · folds: {kind}"
        shown = _markdown(headings, cells) if form == "markdown" else _text(headings, cells, width)
        notes = [f"embeddings: {encoders}", NOTE, *([PAPER_NOTE] if beside else [])]
        parts.append("\n".join([f"**{title}**\n" if form == "markdown" else title, shown, *notes]))
    return "\n\n".join(parts)


def _json(row: Row) -> dict[str, Any]:
    theirs = {name: figure for name in TABLE_METRICS if (figure := paper_figure(row, name))}
    return dataclasses.asdict(row) | {"paper": {name: dataclasses.asdict(s) for name, s in theirs.items()}}


def _text(headings: list[str], cells: list[list[str]], width: int | None) -> str:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    shown = Table(*headings, box=box.SIMPLE_HEAD, pad_edge=False)
    for column in shown.columns[3:]:
        column.justify = "right"
        column.no_wrap = True
    for line in cells:
        shown.add_row(*line)
    out = io.StringIO()
    Console(width=width, file=out, highlight=False).print(shown)
    return out.getvalue().rstrip()


def _markdown(headings: list[str], cells: list[list[str]]) -> str:
    rule = ["---"] * 3 + ["---:"] * (len(headings) - 3)
    return "\n".join("| " + " | ".join(line) + " |" for line in (headings, rule, *cells)) + "\n"


def _csv(rows: Sequence[Row]) -> str:
    metrics = list(dict.fromkeys(name for row in rows for name in row.metrics))
    fixed = [f.name for f in dataclasses.fields(Row) if f.name != "metrics"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*fixed, *(f"{name}_{part}" for name in metrics for part in ("mean", "std"))])
    for row in rows:
        figures = [row.metrics.get(name, Summary(float("nan"), float("nan"))) for name in metrics]
        writer.writerow([*(getattr(row, name) for name in fixed), *(v for s in figures for v in (s.mean, s.std))])
    return out.getvalue().rstrip("\n")
