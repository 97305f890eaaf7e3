"""The commands ``review``: labels with low quality scores, sounds to label next, and the decisions made in the app."""

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
    from bstviz.review.decisions import Record

commands = typer.Typer(
    help="Labels: list those that are probably wrong, export and apply the decisions made in the app.",
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
    from bstviz.models.experiment_folder import find_runs
    from bstviz.models.run import load_run
    from bstviz.models.run_info import load_info
    from bstviz.review.label_quality import judging_runs, score_labels

    infos = _of_one_collection([i for e in experiments for f in find_runs(e) if (i := load_info(f)).metrics])
    sounds = _collection_of(infos[0], collection)
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


@commands.command("next")
def list_next(
    experiments: list[Path],
    count: Annotated[int, typer.Option(min=1, help="Number of sounds.")] = 100,
    among: Annotated[
        str | None,
        typer.Option(help="unlabelled or labelled sounds; by default those without a class, where there are any."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw among equals.")] = 0,
    decisions: DecisionsOption = None,
    collection: CollectionOption = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="CSV to write in place of printing.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print which sounds to label next, each with its reason: those that the models are least sure of, disagree on or
    have seen nothing like, spread out so that no two say the same.

    Example: bstviz review next experiments/mine --count 50 --out next.csv
    """
    from bstviz import storage
    from bstviz.datasets.writing import csv_bytes
    from bstviz.models.run import load_run
    from bstviz.review.label_quality import judging_runs
    from bstviz.review.next_sounds import checked_among, labelling_queue

    infos, sounds, record = _decided(experiments, decisions, collection)
    runs = [load_run(info.folder) for own in judging_runs(infos) for info in own if info.folder]
    queue = labelling_queue(runs, sounds, record, count=count, among=checked_among(among), seed=seed)
    table = queue.table()
    if out is not None:
        storage.write_file(out, csv_bytes(table))
        console.print(f"{len(table):,} sounds to label next -> {plain(out)}")
    elif as_json:
        print(json.dumps(table.to_dict("records"), indent=1))
    else:
        output.print(f"{len(table):,} of {queue.open_count:,} {queue.among} sounds, by {', '.join(queue.names)}")
        for row in table.to_dict("records"):
            output.print(f"  {plain(row['sound_id'])}  {row['predicted']}  {row['score']:.2f}  {plain(row['why'])}")


@commands.command()
def export(experiments: list[Path], out: OutOption, decisions: DecisionsOption = None) -> None:
    """Write the decisions as CSV: sound_id, old (empty: none yet), new (empty: unsure), why, when, and where given
    name, confidence and comment.

    Example: bstviz review export experiments/table1 --out decisions.csv
    """
    from bstviz import storage
    from bstviz.datasets.writing import csv_bytes
    from bstviz.review.applied import table
    from bstviz.review.decisions import read_record
    from bstviz.review.record_files import record_file

    about = _decided_infos(experiments)[0].collection
    file = decisions or record_file(about, experiments)
    rows = table(read_record(file, about.hash))
    storage.write_file(out, csv_bytes(rows))
    console.print(f"{len(rows):,} decision{'s' if len(rows) != 1 else ''} of {plain(file)} -> {plain(out)}")


@commands.command()
def labels(
    experiments: list[Path],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write, .csv or .parquet.")],
    decisions: DecisionsOption = None,
    collection: CollectionOption = None,
) -> None:
    """Write the labels as they are after the decisions, a table like BSD10k's metadata, annotation confidence included;
    `bstviz import table` reads it again.

    Example: bstviz review labels experiments/table1 --out labels.csv
    """
    from bstviz import storage
    from bstviz.datasets.writing import csv_bytes, parquet_bytes
    from bstviz.review.applied import label_table

    if out.suffix not in (".csv", ".parquet"):
        raise UserError(f"--out is {out}; allowed are files that end in .csv or .parquet.")
    _, sounds, record = _decided(experiments, decisions, collection)
    rows = label_table(sounds, record)
    storage.write_file(out, csv_bytes(rows) if out.suffix == ".csv" else parquet_bytes(rows))
    console.print(f"{len(rows):,} of {len(sounds):,} sounds have a class -> {plain(out)}")


@commands.command()
def apply(
    experiments: list[Path], out: OutOption, decisions: DecisionsOption = None, collection: CollectionOption = None
) -> None:
    """Make a new version of the collection with the decided classes and annotation confidences; the original is not
    changed.

    Example: bstviz review apply experiments/table1 --out collections/bsd10k-2
    """
    from bstviz import storage
    from bstviz.review.applied import apply_decisions

    storage.recover(out)
    if out.exists():
        raise UserError(f"{out} exists already; choose a new folder for the new version.")
    _, sounds, record = _decided(experiments, decisions, collection)
    changed = apply_decisions(sounds, record)
    save_collection(changed, out)
    console.print(f"  {plain(changed.revisions[-1])}")
    if record.disputed:
        console.print(f"  not changed: {len(record.disputed):,} disputed sounds; settle them in the app first")


@commands.command()
def agreement(
    experiments: list[Path],
    decisions: DecisionsOption = None,
    collection: CollectionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print how far each two reviewers agree, on both levels: the share of sounds, and Cohen's kappa.

    Example: bstviz review agreement experiments/table1
    """
    import pandas as pd

    from bstviz.review.agreement import agreements
    from bstviz.review.record_files import record_file

    infos, sounds, record = _decided(experiments, decisions, collection)
    pairs = agreements(record, sounds.taxonomy)
    if as_json:
        print(pd.DataFrame(pairs).to_json(orient="records", indent=1))
        return
    if not pairs:
        file = decisions or record_file(infos[0].collection, experiments)
        output.print(f"No two reviewers have given the same sound a class in {plain(file)}.")
    for pair in pairs:
        output.print(
            f"{plain(pair.first)} and {plain(pair.second)}: {pair.sounds:,} sounds; "
            f"top level {100 * pair.top_agreement:.1f} %, kappa {pair.top_kappa:.2f}; "
            f"second level {100 * pair.second_agreement:.1f} %, kappa {pair.second_kappa:.2f}"
        )


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
    from bstviz.review.retraining.changes import changes, in_words
    from bstviz.review.retraining.held_out import read_answers
    from bstviz.review.retraining.retrain import beside, counterpart
    from bstviz.review.retraining.retrain import retrain as make_version
    from bstviz.review.retraining.versions import home_of

    infos, sounds, record = _decided(experiments, decisions, collection)
    before = [load_run(info.folder) for info in beside(infos, modality=modality, fold=fold) if info.folder]
    with share_bar() as report:
        version = make_version(sounds, record, before, out or home_of(before, experiments), seed=seed, report=report)
    console.print(f"version {version.number} -> {plain(version.folder)}")
    for new in map(load_run, find_runs(version.folder)):
        output.print(new.name)
        for line in in_words(changes(counterpart(before, new.train.loss), new, read_answers(version.held_out, new))):
            output.print(f"  {plain(line)}")


def _decided(
    experiments: list[Path], decisions: Path | None, collection: Path | None
) -> tuple[list[RunInfo], Collection, Record]:
    """The runs of some experiments, their collection, and the decisions on its labels."""
    from bstviz.review.decisions import read_record
    from bstviz.review.record_files import record_file

    infos = _decided_infos(experiments)
    sounds = _collection_of(infos[0], collection)
    file = decisions or record_file(infos[0].collection, experiments)
    return infos, sounds, read_record(file, sounds.hash)


def _decided_infos(experiments: list[Path]) -> list[RunInfo]:
    """The runs of some experiments, all of one collection."""
    from bstviz.models.experiment_folder import find_runs
    from bstviz.models.run_info import load_info

    return _of_one_collection([load_info(f) for e in experiments for f in find_runs(e)])


def _of_one_collection(infos: list[RunInfo]) -> list[RunInfo]:
    names = sorted({f"{i.collection.name} ({i.collection.hash[:6]})" for i in infos})
    if len(names) != 1:
        found = ", ".join(names) or "none with classes"
        raise UserError(f"A review covers one collection; these runs are of {found}. Name other runs.")
    return infos


def _collection_of(info: RunInfo, collection: Path | None) -> Collection:
    """A run's collection, loaded from another folder where one is given."""
    from bstviz.datasets.collection import load_collection

    if collection is None:
        return info.load_collection()
    sounds = load_collection(collection)
    info.check_collection(sounds)
    return sounds
