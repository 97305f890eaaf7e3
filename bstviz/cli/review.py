"""The commands ``review``: labels with low quality scores, and the decisions made on them in the app."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bstviz.cli.console import JsonOption, OutOption, SeedOption, console, output, plain, save_collection, share_bar
from bstviz.errors import UserError

if TYPE_CHECKING:
    from bstviz.datasets.collection import Collection
    from bstviz.models.run_info import RunInfo

commands = typer.Typer(
    help="Labels that are probably wrong: list them, export and apply the decisions made in the app.",
    no_args_is_help=True,
)
DecisionsOption = Annotated[
    Path | None, typer.Option(help="Record of decisions; by default the one that the app keeps.")
]
CollectionOption = Annotated[Path | None, typer.Option(help="The runs' collection, where it has moved.")]


@commands.command("list")
def list_labels(
    experiments: list[Path],
    count: Annotated[int, typer.Option(help="Number of sounds to print.")] = 20,
    collection: CollectionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the sounds with the lowest label quality scores, with given label, suggested label and reasons.

    Scores come from the out-of-fold predictions of the experiments' first modality and annotation confidence threshold.

    Example: bstviz review list experiments/table1
    """
    from bstviz.evaluation.out_of_fold import pool
    from bstviz.models.run import load_run
    from bstviz.review.label_quality import judging_runs, score_labels

    infos, sounds = _reviewed(experiments, collection)
    scored = score_labels([pool([load_run(i.folder) for i in own if i.folder]) for own in judging_runs(infos)], sounds)
    codes = scored.taxonomy.codes
    rows = [
        {
            "sound_id": str(scored.sound_ids[i]),
            "label": codes[scored.labels[i]],
            "suggested": codes[scored.suggested[i]],
            "support": float(scored.scores[i]),
            "why": "; ".join(scored.reasons(i)),
        }
        for i in scored.order[:count]
    ]
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    neighbours = f" and {scored.k} nearest neighbours each" if scored.k else ""
    output.print(f"{len(scored):,} sounds scored by {', '.join(scored.names)}{neighbours}")
    for row in rows:
        output.print(f"  {plain(row['sound_id'])}  {row['label']} → {row['suggested']}  {plain(row['why'])}")


@commands.command()
def export(experiments: list[Path], out: OutOption, decisions: DecisionsOption = None) -> None:
    """Write the decisions as CSV: sound_id, old, new (empty: unsure), why, when, name (where one was given).

    Example: bstviz review export experiments/table1 --out decisions.csv
    """
    from bstviz import storage
    from bstviz.datasets.writing import csv_bytes
    from bstviz.review.decisions import read_record, record_file, table

    about = _reviewed_infos(experiments)[0].collection
    file = decisions or record_file(about, experiments)
    rows = table(read_record(file, about.hash))
    storage.write_file(out, csv_bytes(rows))
    console.print(f"{len(rows):,} decision{'s' if len(rows) != 1 else ''} of {plain(file)} -> {plain(out)}")


@commands.command()
def apply(
    experiments: list[Path], out: OutOption, decisions: DecisionsOption = None, collection: CollectionOption = None
) -> None:
    """Make a new version of the collection with the decided classes; the original is not changed.

    Example: bstviz review apply experiments/table1 --out collections/bsd10k-2
    """
    from bstviz import storage
    from bstviz.review.decisions import apply_decisions, read_record, record_file

    storage.recover(out)
    if out.exists():
        raise UserError(f"{out} exists already; choose a new folder for the new version.")
    infos, sounds = _reviewed(experiments, collection)
    file = decisions or record_file(infos[0].collection, experiments)
    record = read_record(file, sounds.hash)
    changed = apply_decisions(sounds, record)
    save_collection(changed, out)
    console.print(f"  {plain(changed.revisions[-1])}")
    if record.disputed:
        console.print(f"  not changed: {len(record.disputed):,} disputed sounds; settle them in the app first")


def retrain(
    experiments: list[Path],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder of versions; by default beside the record, where the app looks."),
    ] = None,
    decisions: DecisionsOption = None,
    collection: CollectionOption = None,
    modality: Annotated[str | None, typer.Option(help="audio, text or both; by default that of the first run.")] = None,
    fold: Annotated[int, typer.Option(min=0, help="Which fold's runs to retrain.")] = 0,
    seed: SeedOption = 0,
) -> None:
    """Retrain flat and hierarchical models on the decisions so far; a new version beside the old ones.

    Example: bstviz retrain experiments/table1 --decisions decisions.jsonl --out versions
    """
    from bstviz.models.experiment_folder import find_runs
    from bstviz.models.run import load_run
    from bstviz.review.decisions import read_record, record_file
    from bstviz.review.retraining.changes import changes, in_words
    from bstviz.review.retraining.held_out import read_answers
    from bstviz.review.retraining.retrain import beside, counterpart
    from bstviz.review.retraining.retrain import retrain as make_version
    from bstviz.review.retraining.versions import home_of

    infos, sounds = _reviewed(experiments, collection, with_metrics=False)
    before = [load_run(info.folder) for info in beside(infos, modality=modality, fold=fold) if info.folder]
    file = decisions or record_file(infos[0].collection, experiments)
    record = read_record(file, sounds.hash)
    with share_bar() as report:
        version = make_version(sounds, record, before, out or home_of(before, experiments), seed=seed, report=report)
    console.print(f"version {version.number} -> {plain(version.folder)}")
    for new in map(load_run, find_runs(version.folder)):
        output.print(new.name)
        for line in in_words(changes(counterpart(before, new.train.loss), new, read_answers(version.held_out, new))):
            output.print(f"  {plain(line)}")


def _reviewed_infos(experiments: list[Path], *, with_metrics: bool = True) -> list[RunInfo]:
    """The runs of some experiments, those that have metrics or all, of one collection."""
    from bstviz.models.experiment_folder import find_runs
    from bstviz.models.run_info import load_info

    found = [load_info(folder) for experiment in experiments for folder in find_runs(experiment)]
    infos = [info for info in found if info.metrics or not with_metrics]
    names = sorted({f"{i.collection.name} ({i.collection.hash[:6]})" for i in infos})
    if len(names) != 1:
        of = ", ".join(names) or "none with classes"
        raise UserError(f"A review covers one collection; these runs are of {of}. Name other runs.")
    return infos


def _reviewed(
    experiments: list[Path], collection: Path | None, *, with_metrics: bool = True
) -> tuple[list[RunInfo], Collection]:
    """The runs under review and their collection, loaded from another folder where one is given."""
    from bstviz.datasets.collection import load_collection

    infos = _reviewed_infos(experiments, with_metrics=with_metrics)
    if collection is None:
        return infos, infos[0].load_collection()
    sounds = load_collection(collection)
    infos[0].check_collection(sounds)
    return infos, sounds
