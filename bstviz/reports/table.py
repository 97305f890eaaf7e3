"""Runs and baselines to a table: one row per setting, mean and deviations over folds and seeds; the paper's table 1.

A setting is everything but fold and training seed. A test sound counts once, however many seeds predict it.
Long because rows, cells and every form of the table share one order of columns and one rule for the paper's figures.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bstviz.datasets.writing import in_markdown, inert
from bstviz.errors import UserError
from bstviz.evaluation import metrics
from bstviz.models.config import EXTERNAL, LOSSES, MODALITIES, RECIPES, Modality, TrainConfig, modality_words
from bstviz.models.experiment_folder import load_infos
from bstviz.models.run import load_run
from bstviz.models.run_info import RunInfo
from bstviz.reports.paper import (
    PAPER_ENCODER,
    PAPER_NOTE,
    PAPER_RECIPES,
    PAPER_SOURCE,
    PAPER_TEXT,
    SECTION_5,
    PaperFigure,
    paper_table,
)
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
    EXTERNAL: "External model",
    **{str(k): v for k, v in METHODS.items()},
}
"""Kinds of rows and their names, in the table's order: the losses, models that were trained elsewhere, baselines."""
WORDS = ("Annotation confidence", "Loss", "Modality", "Variant")
"""Headings of the columns that hold words; the last is there where a sweep has variants."""
POINT = ("loss", "modality", "text", "min_confidence", "seed", "variant")
"""Fields of a training config that say which point of a sweep it is, not with which recipe it was trained."""
TABLE_FORMATS = ("text", "markdown", "latex", "csv", "json")
NOTHING_MEASURED = (
    "None of the sounds of these runs has a class, so there is nothing to measure. Maps show what is predicted; to "
    "judge it, give some sounds a class (the column class of a table)."
)
NOTE = "Percent, mean ± population deviation over folds; the threshold applies to training and test alike."
SEEDS_NOTE = (
    "Percent, mean over folds and training seeds ± population deviation over folds (of means over seeds) / over seeds "
    "(of means over folds); a test sound counts once; the threshold applies to training and test alike."
)


@dataclass(frozen=True)
class Summary:
    """A metric of a setting, over its folds and seeds.

    Attributes:
        mean: Over all runs.
        std_over_folds: Population deviation over folds of the means over seeds; None for one fold.
        std_over_seeds: Population deviation over seeds of the means over the folds that all seeds have; None for one
            seed, or where there is no such fold.
    """

    mean: float
    std_over_folds: float | None = None
    std_over_seeds: float | None = None

    def percent(self, digits: int = 2) -> str:
        """As the table prints it: the mean, and what there is of both deviations."""

        def number(share: float | None) -> str:
            return "–" if share is None else f"{100 * share:.{digits}f}"

        if self.std_over_folds is None and self.std_over_seeds is None:
            return number(self.mean)
        seeds = "" if self.std_over_seeds is None else f" / {number(self.std_over_seeds)}"
        return f"{number(self.mean)} ± {number(self.std_over_folds)}{seeds}"


def summary(values: dict[tuple[int, int], float]) -> Summary:
    """Mean and deviations of values by fold and seed."""
    folds, seeds = sorted({f for f, _ in values}), sorted({s for _, s in values})
    shared = [fold for fold in folds if all((fold, seed) in values for seed in seeds)]
    over_seeds = [np.mean([values[f, s] for s in seeds if (f, s) in values]) for f in folds]
    over_folds = [np.mean([values[fold, seed] for fold in shared]) for seed in seeds] if shared else []
    return Summary(
        float(np.mean(list(values.values()))),
        float(np.std(over_seeds)) if len(folds) > 1 else None,
        float(np.std(over_folds)) if shared and len(seeds) > 1 else None,
    )


@dataclass(frozen=True)
class Row:
    """One setting and the summary of every metric over its folds and seeds.

    Attributes:
        collection: Name of the collection.
        source: Id of the data set that it is, where its importer said so, of runs that were trained on it.
        encoders: What made the embeddings, in words.
        clap: Whether CLAP made all of them, as in the paper.
        model: A key of :data:`MODELS`.
        loss: Of a network; None for a baseline and for a model that was trained elsewhere.
        modality: Which embeddings it takes.
        text: Which text configuration, as ``title+tags``; empty for audio, and for baselines that do not say.
        min_confidence: Threshold on training and test alike.
        split_kind: How the folds were made.
        variant: Name of the change to its sweep's recipe; empty for the recipe itself.
        recipe: What tells apart networks that are alike in all this: the recipe, with what differs from it, and extra
            training data.
        folds: How many were trained.
        seeds: With how many training seeds.
        test_sounds: Over all folds, each once.
        metrics: By name.
        external: Name of a model that was trained elsewhere; empty for others.
    """

    collection: str
    source: str | None
    encoders: str
    clap: bool
    model: str
    loss: str | None
    modality: Modality
    text: str
    min_confidence: int
    split_kind: str
    variant: str
    recipe: str
    folds: int
    seeds: int
    test_sounds: int
    metrics: dict[str, Summary]
    external: str = ""

    def percent(self, metric: str, digits: int = 2) -> str:
        """A metric in percent, with its deviations where there are several folds or seeds; a dash where it cannot be
        known.
        """
        return self.metrics[metric].percent(digits) if metric in self.metrics else "–"

    @property
    def model_words(self) -> str:
        """What the model is: its loss, its method, or its name where it was trained elsewhere."""
        return self.external or MODELS[self.model]

    @property
    def over(self) -> str:
        """What its means are over, "5 folds x 3 seeds"; the number of folds alone where there is one seed."""
        if self.seeds == 1:
            return str(self.folds)
        return f"{self.folds} fold{'s' * (self.folds != 1)} x {self.seeds} seeds"


def _key(item: RunInfo | Baseline) -> tuple[Any, ...]:
    """What an item's row is about, in the order of the table; equal for the folds and seeds of one setting."""
    config: BaselineConfig | TrainConfig
    model: str
    external = ""
    if isinstance(item, Baseline):
        config, model, clap, variant = item.config, item.config.method, False, ""
        recipe = "" if config.validation == RECIPES["default"].validation else f"validation {config.validation}"
        collection, encoders, source = item.collection, item.encoders, item.source
    else:
        config, model, recipe, variant = item.train, item.train.loss, recipe_of(item.train), item.train.variant
        collection = item.collection.name
        source = item.collection.source if item.answered_by is None and item.external is None else None
        encoders = ", ".join(f"{kind} {info}" for kind, info in item.encoders.items())
        clap = all(info.id == PAPER_ENCODER for info in item.encoders.values())
        if item.external is not None:
            external, recipe, clap = item.external.name, "", False
            encoders = f"of {external} not known"
    if item.extra_training_data:
        recipe += f"{', ' * bool(recipe)}extra training data {', '.join(item.extra_training_data)}"
    order = (collection, source or "", item.split_kind, config.min_confidence, list(MODELS).index(model))
    place = (MODALITIES.index(config.modality), item.text or "")
    return (*order, *place, model, config.modality, encoders, clap, variant, recipe, external)


@cache
def recipe_of(train: TrainConfig) -> str:
    """Name of the recipe, or of the one that is nearest with what differs: "default with focal_gamma 2.0"."""
    own = _settings(train)
    different = {name: {k: v for k, v in own.items() if v != _settings(config)[k]} for name, config in RECIPES.items()}
    name = min(different, key=lambda name: len(different[name]))
    changes = ", ".join(f"{k} {v}" for k, v in different[name].items())
    return f"{name} with {changes}" if changes else name


def _settings(train: TrainConfig) -> dict[str, Any]:
    """What a recipe states: every field but the points of a sweep, the sizes one by one."""
    values = dataclasses.asdict(train)
    sizes = {f"sizes.{name}": value for name, value in values.pop("sizes").items()}
    return {k: v for k, v in (values | sizes).items() if k not in POINT}


def rows(items: Iterable[RunInfo | Baseline]) -> list[Row]:
    """Group runs and baselines by everything but fold and seed, and summarise each group, in the paper's order.

    Of several that share setting, fold and seed the first counts; runs on sounds without classes have no figures.
    """
    groups: dict[tuple[Any, ...], dict[tuple[int, int], dict[str, float]]] = {}
    for item in (item for item in items if item.metrics):
        seed = item.config.seed if isinstance(item, Baseline) else item.train.seed
        groups.setdefault(_key(item), {}).setdefault((item.fold, seed), item.metrics)
    out = []
    for key in sorted(groups):
        collection, source, kind, threshold, _, _, text, model, modality, encoders, clap, variant, recipe, external = (
            key
        )
        scores = groups[key]
        names = [name for name in next(iter(scores.values())) if all(name in s for s in scores.values())]
        sizes = {fold: scores[fold, seed]["n"] for fold, seed in scores}
        row = Row(
            collection=collection,
            source=source or None,
            encoders=encoders,
            clap=clap,
            model=model,
            loss=model if model in LOSSES else None,
            modality=modality,
            text=text,
            min_confidence=threshold,
            split_kind=kind,
            variant=variant,
            recipe=recipe,
            folds=len(sizes),
            seeds=len({seed for _, seed in scores}),
            test_sounds=int(sum(sizes.values())),
            metrics={name: summary({at: s[name] for at, s in scores.items()}) for name in names if name != "n"},
            external=external,
        )
        out.append(row)
    return out


def load_rows(experiments: Iterable[str | Path], *, common: bool = False) -> list[Row]:
    """Rows of all runs and baselines of experiment folders; runs that are damaged are left out.

    Args:
        experiments: The folders.
        common: Score on the sounds that every row tests, see :func:`on_common_sounds`.

    Raises:
        UserError: A folder holds no run, none can be read, no sound of theirs has a class, or none is tested by all.
    """
    folders = list(experiments)
    infos = [info for info in load_infos(folders)[0] if info.metrics]
    if not infos:
        raise UserError(NOTHING_MEASURED)
    return rows(on_common_sounds(infos) if common else [*infos, *(b for f in folders for b in find_baselines(f))])


def on_common_sounds(infos: Sequence[RunInfo]) -> list[RunInfo]:
    """Runs with the metrics of the sounds that all rows of their collection test, whatever their folds and thresholds.

    Baselines keep no predictions, so they cannot be scored so; measures of latent structure are left out.

    Raises:
        UserError: No sound is tested by all.
    """
    tested: dict[str, dict[tuple[Any, ...], set[str]]] = {}
    for info in infos:
        run = load_run(info.folder or Path())
        of_row = tested.setdefault(info.collection.hash, {}).setdefault(_key(info), set())
        of_row.update(run.sounds["sound_id"][run.tested & (run.y_true >= 0)])
    common = {name: set.intersection(*of_row.values()) for name, of_row in tested.items()}
    if not all(common.values()):
        raise UserError("No sound is tested in all rows, so there is no common test set; give fewer experiments.")
    out = []
    for info in infos:
        run = load_run(info.folder or Path())
        kept = run.tested & run.sounds["sound_id"].isin(common[info.collection.hash]).to_numpy() & (run.y_true >= 0)
        if kept.any():
            scores = metrics.evaluate(run.y_true[kept], run.probabilities[kept], run.taxonomy.parents, given=run.given)
            out.append(replace(info, metrics=scores))
    return out


def paper_figure(row: Row, metric: str) -> PaperFigure | None:
    """The paper's figure for a row's setting, where it has one that may stand beside it."""
    known = row.source == PAPER_SOURCE and row.recipe in PAPER_RECIPES and not row.variant
    if not known or row.text not in ("", PAPER_TEXT):
        return None
    return paper_table().get((row.min_confidence, row.loss or "", row.modality, metric))


def modality_names(rows: Sequence[Row]) -> list[str]:
    """Each row's modality in words, with its text where the rows are of several."""
    several = len({row.text for row in rows if row.text}) > 1
    return [modality_words(row.modality, row.text if several else None) for row in rows]


def has_paper(rows: Sequence[Row]) -> bool:
    """Whether any of the rows has a figure of the paper beside it."""
    return any(paper_figure(row, "second_accuracy") for row in rows)


def notes(rows: Sequence[Row], *, paper: bool) -> list[str]:
    """What has to be said under a table of these rows."""
    recipes = ", ".join(dict.fromkeys(row.recipe for row in rows if row.loss and not row.variant))
    variants = "; ".join(dict.fromkeys(f"{row.variant}: {row.recipe}" for row in rows if row.variant))
    return [
        f"Embeddings: {'; '.join(dict.fromkeys(row.encoders for row in rows))}.",
        *([f"Recipe: {recipes}."] if recipes else []),
        *([f"Variants: {variants}."] if variants else []),
        SEEDS_NOTE if any(row.seeds > 1 for row in rows) else NOTE,
        *([PAPER_NOTE] if paper and has_paper(rows) else []),
    ]


def table(rows: Sequence[Row], *, paper: bool, digits: int = 2) -> tuple[list[str], list[list[str]]]:
    """Headings and cells of table 1; with ``paper`` the paper's mean stands in brackets behind ours, where it may."""
    beside = paper and has_paper(rows)
    with_paper = [row for row in rows if beside and paper_figure(row, "second_accuracy")]
    theirs = " (paper)" if all(row.clap for row in with_paper) else " (paper: by CLAP)"
    names = [
        heading + (theirs if beside and metric != "hierarchical_f1" else "")
        for metric, heading in TABLE_METRICS.items()
    ]
    varied = any(row.variant for row in rows)
    headings = [*WORDS[: 3 + varied], *names, "Folds", "Test sounds"]
    several = len({row.recipe for row in rows if row.loss and not row.variant}) > 1
    cells = []

    def cell(own: str, other: PaperFigure | None) -> str:
        return f"{own} ({100 * other.mean:.{digits}f})".strip() if other else own

    for row, modality in zip(rows, modality_names(rows), strict=True):
        name = row.model_words + (f" ({row.recipe})" if several and row.recipe and not row.variant else "")
        figures = [
            cell(row.percent(metric, digits), paper_figure(row, metric) if beside else None) for metric in TABLE_METRICS
        ]
        words = [f"≥ {row.min_confidence}", name, modality, *[row.variant or "–"] * varied]
        cells.append([*words, *figures, row.over, f"{row.test_sounds:,}"])
    audio = [i for i, row in enumerate(rows) if (row.min_confidence, row.modality) == (1, "audio")]
    if any(rows[i] in with_paper for i in audio):
        others = [
            [
                "≥ 1",
                row.words,
                "audio",
                *["–"] * varied,
                *(cell("", row.metrics.get(metric)) or "–" for metric in TABLE_METRICS),
                "",
                "",
            ]
            for row in SECTION_5
        ]
        cells[audio[-1] + 1 : audio[-1] + 1] = others
    return headings, cells


def write(
    rows: Sequence[Row],
    form: str,
    *,
    paper: bool = True,
    width: int | None = None,
    comparisons: Sequence[Mapping[str, Any]] = (),
) -> str:
    """The table as text for people or programs.

    Args:
        rows: Its rows.
        form: One of :data:`TABLE_FORMATS`. CSV and JSON hold every metric as shares of 1; the others those of the
            printed table.
        paper: Put the paper's means beside ours, where they may stand (JSON has them as ``paper`` always).
        width: Of text, in characters; the terminal's when left out.
        comparisons: Hierarchical against flat (:func:`bstviz.reports.comparisons.of_experiments`), for JSON.

    Raises:
        UserError: There is no such format.
    """
    if form == "json":
        entry = {"rows": [_json(row) for row in rows], **_section_5(rows), "comparisons": list(comparisons)}
        return json.dumps(entry, indent=1)
    if form == "csv":
        return _csv(rows)
    if form not in TABLE_FORMATS:
        raise UserError(f"format is {form!r}; allowed are {', '.join(TABLE_FORMATS)}.")
    render: dict[str, Callable[[list[str], list[list[str]]], str]] = {
        "markdown": _markdown,
        "latex": _latex,
        "text": lambda headings, cells: _text(headings, cells, width),
    }
    parts = []
    for collection, kind in dict.fromkeys((row.collection, row.split_kind) for row in rows):
        members = [row for row in rows if (row.collection, row.split_kind) == (collection, kind)]
        lines = [
            f"{collection} · folds: {kind}",
            render[form](*table(members, paper=paper)),
            *notes(members, paper=paper),
        ]
        if form == "markdown":
            lines[0] = f"**{lines[0]}**\n"
        elif form == "latex":
            lines = [lines[1], *(f"% {line}" for line in (lines[0], *lines[2:]))]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _json(row: Row) -> dict[str, Any]:
    theirs = {name: figure for name in TABLE_METRICS if (figure := paper_figure(row, name))}
    return dataclasses.asdict(row) | {"paper": {name: dataclasses.asdict(s) for name, s in theirs.items()}}


def _section_5(rows: Sequence[Row]) -> dict[str, Any]:
    """The paper's rows of section 5, where its figures may stand."""
    return {"paper_section_5": [dataclasses.asdict(row) for row in SECTION_5]} if has_paper(rows) else {}


def words_in(headings: Sequence[str]) -> int:
    """How many columns at the left of a table hold words."""
    return sum(heading in WORDS for heading in headings)


def _text(headings: list[str], cells: list[list[str]], width: int | None) -> str:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    broken = [heading.replace(" (", "\n(") for heading in headings]
    shown = Table(*broken, box=box.SIMPLE_HEAD, pad_edge=False)
    for column in shown.columns[words_in(headings) :]:
        column.justify = "right"
        column.no_wrap = True
    for line in cells:
        shown.add_row(*map(Text, line))  # no markup in it
    out = io.StringIO()
    Console(width=width, file=out, highlight=False).print(shown)
    return out.getvalue().rstrip()


def _markdown(headings: list[str], cells: list[list[str]]) -> str:
    words = words_in(headings)
    rule = ["---"] * words + ["---:"] * (len(headings) - words)
    literal = (map(in_markdown, line) for line in cells)
    return "\n".join("| " + " | ".join(line) + " |" for line in (headings, rule, *literal)) + "\n"


def _latex(headings: list[str], cells: list[list[str]]) -> str:
    """A tabular of the package booktabs, with a rule between thresholds."""
    signs = {
        "±": r"$\pm$",
        "≥": r"$\geq$",
        "–": "--",
        "%": r"\%",
        "&": r"\&",
        "_": r"\_",
        "#": r"\#",
        "$": r"\$",
        "{": r"\{",
        "}": r"\}",
        "\\": r"\textbackslash{}",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        " x ": r" $\times$ ",
    }

    def line(words: list[str]) -> str:
        text = [re.sub("|".join(map(re.escape, signs)), lambda found: signs[found[0]], word) for word in words]
        return " & ".join(text) + r" \\"

    body: list[str] = []
    for before, own in zip([cells[0], *cells], cells, strict=False):
        body += [r"\midrule"] * (before[0] != own[0]) + [line(own)]
    columns = "l" * words_in(headings) + "r" * (len(headings) - words_in(headings))
    start = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", line(headings), r"\midrule"]
    return "\n".join([*start, *body, r"\bottomrule", r"\end{tabular}"])


def _csv(rows: Sequence[Row]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row.metrics))
    fixed = [f.name for f in dataclasses.fields(Row) if f.name != "metrics"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    parts = [f.name for f in dataclasses.fields(Summary)]
    writer.writerow([*fixed, *(inert(f"{name}_{part}") for name in names for part in parts)])
    for row in rows:
        figures = [row.metrics.get(name, Summary(float("nan"))) for name in names]
        writer.writerow(
            [*(inert(getattr(row, name)) for name in fixed), *(getattr(s, part) for s in figures for part in parts)]
        )
    return out.getvalue().rstrip("\n")
