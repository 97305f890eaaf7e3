"""An experiment as one HTML file: what the results page shows, with settings, data, versions and the way to make it again.

The file needs no network: Plotly's script is inside it, once, and fonts are the reader's own. It is light or dark as the reader's
system is, and prints on white.
"""

from __future__ import annotations

import dataclasses
import json
import platform
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from bstviz import report, reproduce, results, storage
from bstviz import result_figures as drawn
from bstviz.baselines import Baseline, find_baselines
from bstviz.collection import Collection
from bstviz.config import MODALITY_WORDS
from bstviz.confusion_figures import NIGHT
from bstviz.errors import UserError
from bstviz.report import COLUMNS, Row
from bstviz.run import HEADER, RunInfo, find_runs, load_info, load_run, read_experiment

TEMPLATE = "report.html"
OF_SETTING = ("Confusion", "Classes", "Training", "Attention", "Calibration")
"""Figures of every setting, in order."""


@dataclass(frozen=True)
class Table:
    """Headings, cells as text, and what they are of."""

    caption: str
    headings: list[str]
    cells: list[list[str]]
    words: int = 1  # columns at the left that hold words

    @property
    def numeric(self) -> list[bool]:
        """Whether each column holds numbers, which stand to the right."""
        columns = zip(*self.cells, strict=True)
        return [i >= self.words and not re.search("[^\\W\\d_]", "".join(column)) for i, column in enumerate(columns)]


@dataclass(frozen=True)
class Figure:
    """A Plotly figure and what it is of."""

    caption: str
    figure: go.Figure
    legend: tuple[tuple[str, str], ...] = ()  # names and colours, where the figure has none of its own

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.figure.layout.height)

    @property
    def json(self) -> str:
        """The figure for a script element: no ``<`` in it can end the element."""
        return str(self.figure.to_json()).replace("<", "\\u003c")


@dataclass(frozen=True)
class Text:
    """A paragraph, or lines of code."""

    text: str
    code: bool = False


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it; the heading's anchor is made from its place."""

    title: str
    blocks: list[Table | Figure | Text] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)


@dataclass(frozen=True)
class Source:
    """The runs and baselines of one collection and kind of folds, whichever experiments they come from."""

    infos: list[RunInfo]
    baselines: list[Baseline]
    experiments: list[Path]

    @property
    def name(self) -> str:
        """Collection and folds."""
        return f"{self.infos[0].collection.name} · folds: {self.infos[0].split_kind}"


def sources(experiments: Iterable[str | Path]) -> list[Source]:
    """Runs and baselines of experiment folders by collection and folds.

    Raises:
        UserError: A folder holds no run.
    """
    found: dict[tuple[str, str], Source] = {}
    for folder in map(Path, experiments):
        for path in find_runs(folder):
            info = load_info(path)
            source = found.setdefault((info.collection.name, info.split_kind), Source([], [], []))
            source.infos.append(info)
            if folder not in source.experiments:
                source.experiments.append(folder)
        for baseline in find_baselines(folder):
            if (key := (baseline.collection, baseline.split_kind)) in found:
                found[key].baselines.append(baseline)
    return list(found.values())


def sections_of(source: Source, *, paper: bool = True) -> list[Section]:
    """All sections about one source, in the order of the results page, then what they are made from."""
    rows = report.rows([*source.infos, *source.baselines])
    settings = results.named_settings(source.infos)
    return [
        table_one(rows, paper=paper),
        structure(source.infos),
        latent_spaces(source.infos),
        Section("Settings one by one", sections=[of_setting(name, infos) for name, infos in settings.items()]),
        data(source),
        training(source.infos),
        made_again(source),
    ]


def table_one(rows: Sequence[Row], *, paper: bool) -> Section:
    """Table 1 as the command line prints it, and every metric as dots."""
    beside = paper and any(report.paper_figure(row, "second_accuracy") for row in rows)
    headings, cells = report.table(rows, paper=beside)
    where = f"Test sounds of {rows[0].collection}; folds: {rows[0].split_kind}. Embeddings: {'; '.join(dict.fromkeys(r.encoders for r in rows))}."
    notes = f" In brackets: {report.PAPER_NOTE.removeprefix('Paper: ')}" if beside else ""
    blocks: list[Table | Figure | Text] = [Table(f"{report.NOTE} {where}{notes}", headings, cells, words=3)]
    for metric in COLUMNS:
        heading = results.heading(metric)
        marks = " Open marks: the paper's." if metric != "hierarchical_f1" else ""
        caption = (
            f"{heading}, percent: mean and standard deviation over folds, by modality and confidence threshold.{marks}"
        )
        blocks.append(Figure(caption, drawn.table_figure(rows, metric, heading, height=330)))
    return Section("Table 1", blocks)


def structure(infos: Sequence[RunInfo]) -> Section:
    """What hierarchical training does to the latent space, by setting."""
    blocks: list[Table | Figure | Text] = [Text(results.CLAIM)]
    for name, members in results.named_settings(infos, losses_apart=False).items():
        compared = results.losses_compared(members)
        if compared is None:
            continue
        frame, folds = compared
        signed = frame.assign(Difference=[f"{v:+z.3f}" for v in frame["Difference"]])
        blocks.append(Table(f"{name}. {results.compared_on(folds)}", *_text(signed)))
    if len(blocks) == 1:
        blocks.append(
            Text("This takes a hierarchical and a flat run of the same setting and fold; there are none here.")
        )
    return Section("Structure of the latent spaces", blocks)


def _text(frame: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Headings and cells of a table of numbers and words, numbers with three decimals."""
    cells = [[f"{v:z.3f}" if isinstance(v, float) else str(v) for v in row] for row in frame.itertuples(index=False)]
    return [str(name) for name in frame], cells


def latent_spaces(infos: Sequence[RunInfo]) -> Section:
    """The panels of the paper's figure 2, of the first fold."""
    fold = min(info.fold for info in infos)
    chosen, titles = results.panels(infos, fold)
    if not chosen:
        return Section("Latent spaces", [Text("None of the settings of the paper's figure 2 is among the runs.")])
    figure = drawn.panels_figure([load_run(info.folder or Path()) for info in chosen], titles)
    caption = f"{results.CAPTIONS['Latent spaces']} Fold {fold}, all its sounds with a class, or {drawn.PANEL_POINTS:,} drawn at random of more."
    legend = tuple((top.name, top.color) for top in chosen[0].taxonomy.top)
    return Section("Latent spaces", [Figure(caption, figure, legend)])


def of_setting(name: str, infos: Sequence[RunInfo]) -> Section:
    """The figures of one setting, over all its folds."""
    answers = results.pooled([load_run(info.folder or Path()) for info in infos])
    over = f"{len(answers):,} test sounds of {results.folds_in_words(len(infos))}, each answered by the model that did not learn it."
    blocks: list[Table | Figure | Text] = []
    for section in OF_SETTING:
        if section == "Attention" and infos[0].train.modality != "both":
            continue
        caption = results.CAPTIONS[section]
        if section == "Training":
            blocks.append(Figure(caption, drawn.training_figure(infos)))
            continue
        if section == "Calibration":
            caption += f" Expected calibration error {results.calibration_error(infos)}."
        blocks.append(Figure(f"{caption} Of {name}: {over}", results.setting_figure(section, answers)))
    return Section(name, blocks)


def data(source: Source) -> Section:
    """Collection, encoders, folds and runs, each with its hash."""
    first = source.infos[0]
    facts = {
        "Collection": first.collection.name,
        "SHA-256 of its sounds, classes and embeddings": first.collection.hash,
    }
    collection = _collection(first)
    if collection is None:
        facts["Sounds"] = "the collection is not where it was when the runs were made"
    else:
        facts["Sounds"] = f"{len(collection):,}, of which {int((collection.labels >= 0).sum()):,} have a class"
        facts["Licence"] = collection.license or "not stated"
        facts |= {"Note": " ".join(collection.notes)} if collection.notes else {}
    facts["Taxonomy"] = (
        f"{first.taxonomy.id}, {len(first.taxonomy.second)} classes in {len(first.taxonomy.top)}, SHA-256 {first.taxonomy.hash}"
    )
    for kind, encoder in {k: e for info in source.infos for k, e in info.encoders.items()}.items():
        facts[f"{kind.capitalize()} embeddings"] = str(encoder)
    also = sorted({name for info in source.infos for name in info.also_trained_on})
    facts |= {"Also trained on": ", ".join(also)} if also else {}
    facts["Folds"] = f"{first.split_kind}; {len({info.fold for info in source.infos})} of them"
    for folder in source.experiments:
        entry = read_experiment(folder)
        if entry.get("folds"):
            facts["SHA-256 of the fold assignment"] = entry["folds"]["sha256"]
        facts |= {"Left out": "; ".join(entry["left_out"])} if entry.get("left_out") else {}
    runs = [
        [i.id, f"{int(i.metrics['n']):,}", f"{100 * i.metrics['second_accuracy']:.2f}", f"{100 * i.metrics['top_accuracy']:.2f}",
         storage.sha256((i.folder or Path()) / HEADER)]
        for i in source.infos
    ]  # fmt: skip
    headings = [
        "Run",
        "Test sounds",
        "Second-level, %",
        "Top-level, %",
        f"SHA-256 of {HEADER}, which holds those of its other files",
    ]
    return Section(
        "Data",
        [
            Table("What the runs were trained and tested on.", ["", ""], [[k, v] for k, v in facts.items()], words=2),
            Table("The runs, one a fold.", headings, runs),
        ],
    )


def _collection(info: RunInfo) -> Collection | None:
    try:
        return info.load_collection()
    except UserError:
        return None


def training(infos: Sequence[RunInfo]) -> Section:
    """Every setting of the trainings; several values where the runs differ."""
    entries = [_flat(dataclasses.asdict(info.train)) for info in infos]
    cells = [[name, ", ".join(dict.fromkeys(_word(entry.get(name)) for entry in entries))] for name in entries[0]]
    versions = {
        name: ", ".join(sorted({i.versions[name] for i in infos if name in i.versions})) for name in infos[0].versions
    }
    return Section(
        "Settings and versions",
        [
            Table("Settings of the trainings; several values where the runs differ.", ["Setting", "Value"], cells, words=2),
            Table("Versions that the runs were made with.", ["Package", "Version"], [[k, v] for k, v in versions.items()], words=2),
        ],
    )  # fmt: skip


def _flat(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        name: v
        for key, value in entry.items()
        for name, v in (
            {f"{key}.{k}": v for k, v in value.items()} if isinstance(value, dict) else {key: value}
        ).items()
    }


def _word(value: object) -> str:
    return "–" if value is None else str(value)


def made_again(source: Source) -> Section:
    """The commands that make the runs and this report again."""
    found = reproduce.commands(source.infos, source.baselines)
    title = "How to make it again"
    if found is None:
        words = "These runs are not those of one sweep; the settings above and the header of each run say how each was made."
        return Section(title, [Text(words)])
    toml, lines = found
    words = (
        "With the collection named above (its hash, and that of the folds, tell whether it is the same), and the settings in a "
        "file settings.toml:"
    )
    return Section(title, [Text(words), Text(toml, code=True), Text("\n".join(lines), code=True)])


def build(experiments: Sequence[str | Path], *, paper: bool = True) -> str:
    """The report of experiment folders, as the text of an HTML file.

    Args:
        experiments: Folders of runs.
        paper: Put the paper's figures beside ours in table 1.

    Raises:
        UserError: A folder holds no run.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    found = sources(experiments)
    chapters = [Section(source.name, sections=sections_of(source, paper=paper)) for source in found]
    names = dict.fromkeys(source.infos[0].collection.name for source in found)
    template = (resources.files("bstviz") / "data" / TEMPLATE).read_text(encoding="utf-8")
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(
        template
    )
    return page.render(
        title=f"Sound classifiers on {', '.join(names)}",
        models=", ".join(dict.fromkeys(_models(found))),
        sections=chapters[0].sections if len(chapters) == 1 else chapters,
        source=found[0].name if len(found) == 1 else "",
        kind=lambda block: type(block).__name__,
        night=Markup(json.dumps(NIGHT)),
        plotly=Markup(get_plotlyjs()),
        markup=Markup,
        date=datetime.now(UTC).astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        versions=f"bstviz {metadata.version('bstviz')}, plotly {metadata.version('plotly')}, Python {platform.python_version()}",
    )


def _models(found: Sequence[Source]) -> Iterator[str]:
    for source in found:
        for info, *_ in results.named_settings(source.infos).values():
            yield f"{report.MODELS[info.train.loss].lower()} ({MODALITY_WORDS[info.train.modality]})"


def write(experiments: Sequence[str | Path], file: str | Path, *, paper: bool = True) -> Path:
    """Write the report of experiment folders to a file, as a whole or not at all; arguments as for :func:`build`."""
    file = Path(file)
    storage.write_file(file, build(experiments, paper=paper).encode())
    return file
