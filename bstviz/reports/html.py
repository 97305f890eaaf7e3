"""An experiment as one HTML file: the sections of the Results page, then data, settings and how to reproduce it.

The file needs no network: Plotly's script is inside it, once, and fonts are the reader's own. It is light or dark as
the reader's system is, and prints on white.
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

import plotly.graph_objects as go

from bstviz import storage
from bstviz.models.experiment_folder import load_infos, read_experiment
from bstviz.models.run_info import HEADER, RunInfo
from bstviz.plots.confusion import NIGHT
from bstviz.reports import reproduce, summaries
from bstviz.reports.card.facts import CardFacts
from bstviz.reports.comparisons import collection_of
from bstviz.reports.sections import SECTIONS, Block, Choice, Chosen, Figure, RunGroup, Section, Table, Text, run_groups
from bstviz.reports.table import MODELS
from bstviz.training.baselines import find_baselines

TEMPLATE = "report.html"
CARD_SECTIONS = ("Model", "Data", "Training", "Figures", "By group", "Limits")
"""Of a model card; accuracy by class and calibration stand with their figures."""
ONE_OF_SEVERAL = 330  # height in pixels of a figure that stands among others of its kind


@dataclass(frozen=True, eq=False)
class Chapter:
    """A heading and what stands under it; the heading's anchor is made from its place."""

    title: str
    blocks: Sequence[Block] = ()
    chapters: list[Chapter] = field(default_factory=list)


def load_groups(experiments: Iterable[str | Path]) -> list[RunGroup]:
    """Runs and baselines of experiment folders by collection and folds; runs that are damaged are left out.

    Raises:
        UserError: A folder holds no run, none can be read, or no sound of theirs has a class.
    """
    folders = [Path(folder) for folder in experiments]
    infos, _ = load_infos(folders)
    return run_groups(infos, [baseline for folder in folders for baseline in find_baselines(folder)])


def chapters_of(group: RunGroup, *, paper: bool = True) -> list[Chapter]:
    """All sections about one group, those of a setting together by setting, then what they are made from."""
    settings = [Chosen(infos, name) for name, infos in summaries.named_settings(group.infos).items()]
    by_setting = [s for s in SECTIONS if s.scope == "setting"]
    return [
        *(_chapter(s, _choices(s, group, paper=paper)) for s in SECTIONS if s.scope != "setting"),
        Chapter("Settings one by one", chapters=[_setting(chosen, by_setting) for chosen in settings]),
        Chapter("Model cards", chapters=[_card(chosen) for chosen in settings]),
        data(group),
        training(group.infos),
        made_again(group),
    ]


def _choices(section: Section, group: RunGroup, *, paper: bool) -> list[Chosen]:
    """The runs that a section is shown for, of those that it can show, one after another; of the folds, the first."""
    infos = [info for info in group.infos if section.needs(info)]
    if not infos:
        return []
    if section.scope == "pair":
        return [Chosen(own, name) for name, own in summaries.named_settings(infos, losses_apart=False).items()]
    if section.scope == "fold":
        fold = min(info.fold for info in infos)
        return [Chosen([info for info in infos if info.fold == fold])]
    return [Chosen(infos, rows=group.rows, paper=paper)]


def _chapter(section: Section, choices: Sequence[Chosen]) -> Chapter:
    blocks = [block for chosen in choices for block in section.blocks(chosen)]
    return Chapter(section.heading, _with_words(section, blocks or [Text(section.missing)]))


def _setting(chosen: Chosen, sections: Sequence[Section]) -> Chapter:
    """The sections about one setting, without headings of their own."""
    there = [section for section in sections if all(map(section.needs, chosen.infos))]
    return Chapter(chosen.name, [b for section in there for b in _with_words(section, section.blocks(chosen))])


def _card(chosen: Chosen) -> Chapter:
    """What the model card of a setting says beyond the other chapters."""
    sections = CardFacts(chosen.runs, collection_of(chosen.infos[0])).sections()
    return Chapter(chosen.name, chapters=[Chapter(name, sections[name]) for name in CARD_SECTIONS])


def _with_words(section: Section, blocks: Sequence[Block]) -> list[Block]:
    """Blocks for a file: all figures of a choice; a section's words in its figure's caption, or else before all."""
    shown: list[Block] = []
    for block in blocks:
        if isinstance(block, Choice):
            figures = [block.draw(key) for key in block.names]
            for drawn in figures:
                drawn.figure.update_layout(height=ONE_OF_SEVERAL)
            shown += figures
        elif isinstance(block, Figure):
            shown.append(dataclasses.replace(block, caption=f"{section.words} {block.caption}"))
        else:
            shown.append(block)
    alone = section.words and not any(isinstance(block, Figure) for block in shown)
    return [Text(section.words), *shown] if alone else shown


def _numeric(table: Table) -> list[bool]:
    """Whether each column holds numbers, which stand to the right."""
    columns = zip(*table.cells, strict=True)
    return [i >= table.words and not re.search("[^\\W\\d_]", "".join(column)) for i, column in enumerate(columns)]


def _script(figure: go.Figure) -> str:
    """A figure for a script element: no ``<`` in it can end the element."""
    return str(figure.to_json()).replace("<", "\\u003c")


def data(group: RunGroup) -> Chapter:
    """Collection, encoders, folds and runs, each with its hash."""
    first = group.infos[0]
    facts = {
        "Collection": first.collection.name,
        "SHA-256 of its sounds, classes and embeddings": first.collection.hash,
    }
    collection = collection_of(first)
    if collection is None:
        facts["Sounds"] = "not known: the collection is not where it was when the runs were made"
    else:
        facts["Sounds"] = f"{len(collection):,}, of which {int((collection.labels >= 0).sum()):,} have a class"
        facts["Licence"] = collection.license or "not stated"
        facts |= {"Note": " ".join(collection.notes)} if collection.notes else {}
    taxonomy = first.taxonomy
    facts["Taxonomy"] = f"{taxonomy.id}, {len(taxonomy.second)} classes in {len(taxonomy.top)}, SHA-256 {taxonomy.hash}"
    for kind, encoder in {k: e for info in group.infos for k, e in info.encoders.items()}.items():
        facts[f"{kind.capitalize()} embeddings"] = str(encoder)
    also = sorted({name for info in group.infos for name in info.extra_training_data})
    facts |= {"Extra training data": ", ".join(also)} if also else {}
    seeds = sorted({info.train.seed for info in group.infos})
    facts["Folds"] = f"{first.split_kind}; {len({info.fold for info in group.infos})} of them"
    facts |= {"Training seeds": ", ".join(map(str, seeds))} if len(seeds) > 1 else {}
    for folder in group.experiments:
        entry = read_experiment(folder)
        if entry.get("folds"):
            facts["SHA-256 of the fold assignment"] = entry["folds"]["sha256"]
        facts |= {"Left out": "; ".join(entry["left_out"])} if entry.get("left_out") else {}
    runs = [
        [
            i.id,
            f"{int(i.metrics['n']):,}",
            f"{100 * i.metrics['second_accuracy']:.2f}",
            f"{100 * i.metrics['top_accuracy']:.2f}",
            storage.sha256((i.folder or Path()) / HEADER),
        ]
        for i in group.infos
    ]
    headings = [
        "Run",
        "Test sounds",
        "Second-level, %",
        "Top-level, %",
        f"SHA-256 of {HEADER}, which holds those of its other files",
    ]
    return Chapter(
        "Data",
        [
            Table("What the runs were trained and tested on.", ["", ""], [[k, v] for k, v in facts.items()], words=2),
            Table("The runs, one per fold.", headings, runs),
        ],
    )


def training(infos: Sequence[RunInfo]) -> Chapter:
    """Every setting of the trainings; several values where the runs differ; what is known of models from elsewhere."""
    entries = [_flat(dataclasses.asdict(info.train)) for info in infos if info.external is None]
    from_elsewhere = list(dict.fromkeys(info.external for info in infos if info.external is not None))
    cells = [
        [name, ", ".join(dict.fromkeys(_word(entry.get(name)) for entry in entries))] for name in (entries or [{}])[0]
    ]
    versions = {
        name: ", ".join(sorted({i.versions[name] for i in infos if name in i.versions})) for name in infos[0].versions
    }
    made_with = [[name, version] for name, version in versions.items()]
    caption = "Settings of the trainings; several values where the runs differ."
    elsewhere = "Models that were trained elsewhere, whose predictions were imported."
    files = [[model.name, model.file, model.sha256] for model in from_elsewhere]
    return Chapter(
        "Settings and versions",
        [
            *([Table(caption, ["Setting", "Value"], cells, words=2)] if cells else []),
            *([Table(elsewhere, ["Model", "File", "SHA-256"], files, words=3)] if files else []),
            Table("Versions that the runs were made with.", ["Package", "Version"], made_with, words=2),
        ],
    )


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


def made_again(group: RunGroup) -> Chapter:
    """The commands that make the runs and this report again."""
    found = reproduce.commands(group.infos, group.baselines)
    title = "How to reproduce it"
    if found is None:
        words = (
            "These runs do not come from one sweep; the settings above and each run's header state how each was made."
        )
        return Chapter(title, [Text(words)])
    toml, lines = found
    words = (
        "With the collection named above (its hash and that of the folds show whether it is the same) and the "
        "settings in a file settings.toml:"
    )
    return Chapter(title, [Text(words), Text(toml, code=True), Text("\n".join(lines), code=True)])


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

    found = load_groups(experiments)
    chapters = [Chapter(group.name, chapters=chapters_of(group, paper=paper)) for group in found]
    names = dict.fromkeys(group.infos[0].collection.name for group in found)
    template = (resources.files("bstviz") / "data" / TEMPLATE).read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    packages = ", ".join(f"{name} {metadata.version(name)}" for name in ("bstviz", "plotly"))
    return environment.from_string(template).render(
        title=f"Sound classifiers on {', '.join(names)}",
        models=", ".join(dict.fromkeys(_models(found))),
        chapters=chapters[0].chapters if len(chapters) == 1 else chapters,
        source=found[0].name if len(found) == 1 else "",
        kind=lambda block: type(block).__name__,
        numeric=_numeric,
        script=lambda figure: Markup(_script(figure)),
        night=Markup(json.dumps(NIGHT)),
        plotly=Markup(get_plotlyjs()),
        date=datetime.now(UTC).astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        versions=f"{packages}, Python {platform.python_version()}",
    )


def _models(found: Sequence[RunGroup]) -> Iterator[str]:
    for group in found:
        for info, *_ in summaries.named_settings(group.infos).values():
            own = f"{MODELS[info.train.loss].lower()} ({info.train.words('modality')})"
            yield info.external.name if info.external is not None else own


def write_report(experiments: Sequence[str | Path], file: str | Path, *, paper: bool = True) -> Path:
    """Write the report of experiment folders to a file, as a whole or not at all; arguments as for :func:`build`."""
    file = Path(file)
    storage.write_file(file, build(experiments, paper=paper).encode())
    return file
