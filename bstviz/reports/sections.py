"""The sections of a report, as data: the results page and the HTML report are two renderers of this one list.

A section takes the runs of one group (a collection and a kind of folds), or some of them, and gives blocks: text,
tables, figures. A renderer decides how blocks look, how several figures share a place, and who chooses the runs;
words and figures are those given here.

Long because the list of all sections stands with what makes the blocks of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from math import isnan
from pathlib import Path
from typing import Literal

import pandas as pd
import plotly.graph_objects as go

from bstviz.errors import UserError
from bstviz.evaluation import confusion
from bstviz.evaluation.out_of_fold import OutOfFold
from bstviz.latent.projection import columns_of
from bstviz.models.run import Run, load_run
from bstviz.models.run_info import RunInfo
from bstviz.plots import maps, per_class
from bstviz.plots.confusion import confusion_figure
from bstviz.reports import comparisons, figures, summaries, table
from bstviz.reports.comparisons import LossComparison
from bstviz.reports.table import MODELS, TABLE_METRICS, Row
from bstviz.training.baselines import Baseline

Scope = Literal["group", "pair", "fold", "setting"]
"""What a section is about: all runs of a group, one setting with either loss, one fold, or one setting."""


@dataclass(frozen=True)
class Text:
    """A paragraph, or lines of code."""

    text: str
    code: bool = False


@dataclass(frozen=True, eq=False)
class Table:
    """A table as text, and as the numbers behind it where they can be sorted.

    Attributes:
        caption: What it is of; empty where the section's title says it.
        headings: Of its columns.
        cells: As text, row by row.
        words: Columns at the left that hold words.
        frame: The same as numbers, or in fewer digits, for a page; None where there is only text.
        formats: Format specification of each column of numbers in ``frame``.
        help: A sentence on a column of ``frame``.
        csv: All its numbers, for programs; empty where there are no more.
    """

    caption: str
    headings: list[str]
    cells: list[list[str]]
    words: int = 1
    frame: pd.DataFrame | None = None
    formats: Mapping[str, str] = field(default_factory=dict)
    help: Mapping[str, str] = field(default_factory=dict)
    csv: str = ""


@dataclass(frozen=True, eq=False)
class Figure:
    """A Plotly figure and what it is of.

    Attributes:
        caption: What it shows, beyond the words of its section.
        figure: With a height.
        legend: Names and colours, where the figure has none of its own.
    """

    caption: str
    figure: go.Figure
    legend: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, eq=False)
class Choice:
    """Figures of one kind: one at a time where somebody can choose, else all.

    Attributes:
        label: What is chosen.
        names: Of the figures in order, by key.
        start: The key that is shown first.
        draw: The figure of a key.
    """

    label: str
    names: Mapping[str, str]
    start: str
    draw: Callable[[str], Figure]


Block = Text | Table | Figure | Choice


@dataclass(frozen=True, eq=False)
class RunGroup:
    """The runs and baselines of one collection and kind of folds, whichever experiments they come from."""

    infos: list[RunInfo]
    baselines: list[Baseline]

    @property
    def name(self) -> str:
        """Collection and folds."""
        return f"{self.infos[0].collection.name} · folds: {self.infos[0].split_kind}"

    @property
    def experiments(self) -> list[Path]:
        """Folders that hold the runs."""
        return list(dict.fromkeys(info.folder.parent for info in self.infos if info.folder))

    @cached_property
    def rows(self) -> list[Row]:
        """Of table 1."""
        return table.rows([*self.infos, *self.baselines])


def run_groups(infos: Iterable[RunInfo], baselines: Iterable[Baseline]) -> list[RunGroup]:
    """Runs by collection and kind of folds, in the order of the first of each.

    Left out are runs on sounds without classes, of which nothing can be measured, and baselines without a run.

    Raises:
        UserError: No run is left.
    """
    found: dict[tuple[str, str], RunGroup] = {}
    for info in (info for info in infos if info.metrics):
        found.setdefault((info.collection.name, info.split_kind), RunGroup([], [])).infos.append(info)
    if not found:
        raise UserError(table.NOTHING_MEASURED)
    for baseline in baselines:
        if group := found.get((baseline.collection, baseline.split_kind)):
            group.baselines.append(baseline)
    return list(found.values())


@dataclass(frozen=True, eq=False)
class Chosen:
    """The runs that a section is shown for, and how.

    Attributes:
        infos: As the section's scope says; one or more.
        name: Of their setting.
        rows: Of table 1, where the scope is the group.
        load: Reads a run with its arrays.
        pool: Pools a setting's out-of-fold predictions; of the runs as they are loaded when left out.
        compare: Compares hierarchical with flat runs.
        paper: Put the paper's figures beside ours in table 1.
        dark: Colours for a dark page.
        training: Show the sounds that a run was trained on beside its test sounds, in figure 2.
        unit_length: Project latents of unit length in place of raw ones, in figure 2.
    """

    infos: Sequence[RunInfo]
    name: str = ""
    rows: Sequence[Row] = ()
    load: Callable[[RunInfo], Run] = lambda info: load_run(info.folder or Path())
    pool: Callable[[Sequence[RunInfo]], OutOfFold] | None = None
    compare: Callable[[Sequence[RunInfo]], Sequence[LossComparison]] = comparisons.compare_stored
    paper: bool = True
    dark: bool = False
    training: bool = False
    unit_length: bool = False

    @property
    def runs(self) -> list[Run]:
        """The runs with their arrays."""
        return [self.load(info) for info in self.infos]

    @cached_property
    def answers(self) -> OutOfFold:
        """Out-of-fold predictions of a setting, at or above its own annotation confidence threshold."""
        return summaries.pooled(self.runs) if self.pool is None else self.pool(self.infos)

    @property
    def over(self) -> str:
        """What the figures of a setting are over."""
        folds = summaries.folds_in_words(len(self.infos))
        answered = "each predicted by the model that was not trained on it"
        return f"Of {self.name}: {len(self.answers):,} test sounds of {folds}, {answered}."


def table_one(chosen: Chosen) -> list[Block]:
    """Table 1 as the command line prints it, and every metric as dots."""
    rows = chosen.rows
    beside = chosen.paper and table.has_paper(rows)
    said = " ".join(table.notes(rows, paper=chosen.paper))
    caption = f"Test sounds of {rows[0].collection}; folds: {rows[0].split_kind}. {said}"
    headings, cells = table.table(rows, paper=chosen.paper)
    shorter = pd.DataFrame(table.table(rows, paper=chosen.paper, digits=1)[1], columns=headings)

    known = {name: words for name, words in TABLE_METRICS.items() if any(name in row.metrics for row in rows)}

    def dots(metric: str) -> Figure:
        heading = summaries.heading(metric)
        marks = " Open marks: the paper's." if beside and metric != "hierarchical_f1" else ""
        over = "mean and population deviation over folds, by modality and annotation confidence threshold"
        return Figure(
            f"{heading}, percent: {over}.{marks}", figures.table_figure(rows, metric, heading, paper=chosen.paper)
        )

    return [
        Table(caption, headings, cells, words=table.words_in(headings), frame=shorter, csv=table.write(rows, "csv")),
        Choice("Metric", known, "second_accuracy", dots),
    ]


def structure(chosen: Chosen) -> list[Block]:
    """What hierarchical training does to the latent space."""
    compared = summaries.losses_compared(chosen.infos)
    if compared is None:
        return []
    frame, folds = compared
    higher = {str(name): "On how many folds hierarchical is higher" for name in frame if "higher on" in str(name)}
    differences = [str(name) for name in frame.select_dtypes("number")]
    notes = dict.fromkeys(differences, "Hierarchical minus non-hierarchical") | higher
    caption = f"{chosen.name}. {summaries.compared_on(folds)}"
    return [_as_table(caption, frame, dict.fromkeys(differences, "+.3f"), notes)]


def hierarchical_against_flat(chosen: Chosen) -> list[Block]:
    """Paired tests of hierarchical against flat training, on every measure and by class."""
    found = chosen.compare(chosen.infos)
    if not found:
        return []
    formats = {MODELS[loss]: ".2f" for loss in comparisons.LOSSES_COMPARED}
    formats |= {"Difference": "+.2f", "Test sounds": ",d"}
    caption = f"{chosen.name}. {comparisons.drawn_in_words(found[0])}"
    notes = {
        "Retrieval": "Whether the votes of nearest training sounds are blended into the answers, as the runs give them"
    }
    tables = [_as_table(caption, comparisons.measures_frame(found), formats, notes, words=2)]
    words, by_class = comparisons.classes_in_words(found), comparisons.classes_frame(found)
    if by_class.empty:
        return [*tables, Text(f"{chosen.name}. {words}")]
    return [*tables, _as_table(f"{chosen.name}. {words}", by_class, formats, notes, words=2)]


def _as_table(
    caption: str, frame: pd.DataFrame, formats: Mapping[str, str], notes: Mapping[str, str], words: int = 1
) -> Table:
    """A table of a frame, whose cells are text in its formats."""
    cells = [[_cell(v, formats.get(str(n), "")) for n, v in row.items()] for row in frame.to_dict("records")]
    return Table(caption, [str(name) for name in frame], cells, words, frame=frame, formats=formats, help=notes)


def _cell(value: object, spec: str) -> str:
    """A value as text; numbers without a negative zero, a dash where there is none."""
    if isinstance(value, float) and isnan(value):
        return "–"
    return format(value, spec.replace(".", "z.")) if spec else str(value)


def latent_spaces(chosen: Chosen) -> list[Block]:
    """The panels of the paper's figure 2."""
    there, titles = summaries.panels(chosen.infos)
    if not there:
        return []
    runs = [chosen.load(info) for info in there]
    figure = figures.panels_figure(runs, titles, training=chosen.training, unit_length=chosen.unit_length)
    counts = [len(figures.panel_rows(run, training=chosen.training)) for run in runs]
    shown = "training, validation and test sounds" if chosen.training else "test sounds"
    caption = (
        f"Fold {there[0].fold}, {shown} at or above each panel's annotation confidence threshold, in order "
        f"{', '.join(f'{n:,}' for n in counts)}. PCA of {'unit-length' if chosen.unit_length else 'raw'} latents."
        + f" {summaries.seeds_in_words(there, chosen.infos)}".rstrip()
        + f" Of more than {figures.PANEL_POINTS:,} that many are drawn at random."
        * (max(counts) > figures.PANEL_POINTS)
    )
    return [Figure(caption, figure, tuple((top.name, top.color) for top in there[0].taxonomy.top))]


def map_of_latents(chosen: Chosen) -> list[Block]:
    """Hierarchical and flat latents of one fold side by side, or those of the one run that there is."""
    fold = min(info.fold for info in chosen.infos)
    of_fold = {info.train.loss: info for info in chosen.infos if info.fold == fold}
    infos = [of_fold[loss] for loss in reversed(comparisons.LOSSES_COMPARED) if loss in of_fold] or chosen.infos[:1]
    runs = [chosen.load(info) for info in infos]
    collection = comparisons.collection_of(infos[0])
    stored = all(set(columns_of("umap", 2)) <= set(run.projections) for run in runs)
    projection: maps.Projection = "umap" if stored else "pca"
    draw = partial(maps.pair_map, *runs) if len(runs) == 2 else partial(maps.latent_map, runs[0])
    figure = draw(
        projection=projection, collection=collection, mark_wrong=True, names=True, contours=True, dark=chosen.dark
    )
    side = " The right map is aligned to the left one." if len(runs) == 2 else ""
    caption = (
        f"{chosen.name}, fold {infos[0].fold}: {projection.upper()} of {len(figure.data[0].x):,} sounds, coloured by "
        f"top-level class; lines hold the densest half and four fifths of each, rings are wrong predictions.{side}"
    )
    return [Figure(caption, figure)]


def confusion_matrix(chosen: Chosen) -> list[Block]:
    """Figure 1 of the paper."""
    along = confusion.axis(chosen.answers.taxonomy)
    matrix = confusion.counts(chosen.answers, along)
    return [Figure(chosen.over, confusion_figure(matrix, along, dark=chosen.dark, named=True))]


def classes(chosen: Chosen) -> list[Block]:
    """Figure 3 of the paper."""
    answers = chosen.answers
    return [Figure(chosen.over, per_class.class_accuracy_figure(answers.taxonomy, answers.y_true, answers.y_pred))]


def training(chosen: Chosen) -> list[Block]:
    """Losses and validation accuracy by epoch."""
    return [Figure(f"Of {chosen.name}.", figures.training_figure(chosen.infos))]


def attention(chosen: Chosen) -> list[Block]:
    """Weights of audio and text by class."""
    answers = chosen.answers
    figure = per_class.attention_figure(answers.taxonomy, answers.y_true, answers.attention[:, 0])
    return [Figure(chosen.over, figure)]


def calibration(chosen: Chosen) -> list[Block]:
    """Reliability of the confidence."""
    answers = chosen.answers
    error = f"Expected calibration error {summaries.calibration_error(answers)}."
    figure = per_class.reliability_figure(answers.y_true, answers.probabilities, answers.taxonomy.parents)
    return [Figure(f"{error} {chosen.over}", figure)]


@dataclass(frozen=True)
class Section:
    """One section of the page and of the report.

    Attributes:
        name: In a word or two; no two sections have the same.
        words: A sentence or two on it.
        scope: What it is about.
        blocks: What stands in it; nothing where the runs chosen do not have it.
        title: As a heading, where that says more than the name.
        needs: Which runs can have it.
        missing: What to say where none has.
        folds_apart: One fold of the setting can be shown alone.
    """

    name: str
    words: str
    scope: Scope
    blocks: Callable[[Chosen], list[Block]]
    title: str = ""
    needs: Callable[[RunInfo], bool] = lambda _: True
    missing: str = ""
    folds_apart: bool = False

    @property
    def heading(self) -> str:
        """Its title, or its name."""
        return self.title or self.name


NO_PAIR = "This needs a hierarchical and a flat run of the same setting and fold; there are none here."
SECTIONS = (
    Section("Table 1", "What is measured of every setting, in percent.", "group", table_one),
    Section(
        "Structure",
        "The paper's claim: hierarchical training leaves accuracy about equal and makes latents cohere by top-level "
        "class.",
        "pair",
        structure,
        title="Structure of the latent spaces",
        missing=NO_PAIR,
    ),
    Section(
        "Hierarchical against flat",
        "Whether hierarchical training changes what is answered, or chance alone would: paired tests on the same "
        "sounds. They are of the models as trained; models of another seed are another comparison.",
        "pair",
        hierarchical_against_flat,
        missing=NO_PAIR,
    ),
    Section(
        "Confusion",
        "Confusion matrix, percent of each row, as figure 1 of the paper; rows are true classes. "
        "Numbers in brackets: test sounds.",
        "setting",
        confusion_matrix,
        folds_apart=True,
    ),
    Section(
        "Latent spaces",
        "PCA of the 64-dimensional latents of one fold, as figure 2 of the paper: non-hierarchical and hierarchical, "
        "and hierarchical as the annotation confidence threshold rises. Coloured by second-level class, one hue for "
        "each top-level class.",
        "fold",
        latent_spaces,
        needs=lambda info: info.external is None,
        missing="None of the settings of the paper's figure 2 is among the runs of this fold.",
    ),
    Section(
        "Maps",
        "All sounds of one fold in the latent space, each to be read by pointing at it.",
        "pair",
        map_of_latents,
        title="Maps of the latent spaces",
        needs=lambda info: info.latent_dim > 0,
        missing="These predictions came without latents, so there is no map of them.",
    ),
    Section(
        "Classes",
        "Accuracy by second-level class on the test sounds of all folds, sorted and coloured by their number, as "
        "figure 3.",
        "setting",
        classes,
    ),
    Section(
        "Training",
        "Every fold's curves. The training loss has all terms of the recipe, label smoothing among them, and augmented "
        "sounds.",
        "setting",
        training,
        needs=lambda info: bool(info.history),
        missing="Only models that were trained here have curves; there are none among these runs.",
    ),
    Section(
        "Attention",
        "How much the model relies on the audio and how much on the text: the audio's weight in equation 2, median and "
        "quartiles over the test sounds of each class, all folds.",
        "setting",
        attention,
        needs=lambda info: info.attends,
        missing="Attention is between audio and text; this needs an audio + text model.",
    ),
    Section(
        "Calibration",
        "How often predictions of a given confidence are correct, on the test sounds of all folds; on the dotted line "
        "confidence equals accuracy. At the top level it is the summed probability of the predicted class. Logits are "
        "divided by a temperature fitted on validation sounds.",
        "setting",
        calibration,
        needs=lambda info: info.given != "none",
        missing="These models gave classes alone, without probabilities.",
    ),
)
"""All sections, in the order of the page."""
