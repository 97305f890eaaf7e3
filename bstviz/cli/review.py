"""The commands ``review``: labels with low quality scores, sounds to label next, and the decisions made in the app."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bstviz.cli.console import JsonOption, OutOption, console, output, plain, save_collection
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
    from bstviz.review.decisions import read_record, record_file
    from bstviz.review.label_quality import judging_runs
    from bstviz.review.next_sounds import checked_among, labelling_queue

    infos, sounds = _reviewed(experiments, collection, labelled=False)
    about = infos[0].collection
    record = read_record(decisions or record_file(about, experiments), about.hash)
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


def _reviewed_infos(experiments: list[Path], *, labelled: bool = True) -> list[RunInfo]:
    """The runs of some experiments, all of one collection; with ``labelled`` those that have metrics."""
    from bstviz.models.experiment_folder import find_runs
    from bstviz.models.run_info import load_info

    infos = [info for e in experiments for f in find_runs(e) if (info := load_info(f)).metrics or not labelled]
    names = sorted({f"{i.collection.name} ({i.collection.hash[:6]})" for i in infos})
    if len(names) != 1:
        found = ", ".join(names) or "none with classes"
        raise UserError(f"A review covers one collection; these runs are of {found}. Name other runs.")
    return infos


def _reviewed(
    experiments: list[Path], collection: Path | None, *, labelled: bool = True
) -> tuple[list[RunInfo], Collection]:
    """The runs under review and their collection, loaded from another folder where one is given."""
    from bstviz.datasets.collection import load_collection

    infos = _reviewed_infos(experiments, labelled=labelled)
    if collection is None:
        return infos, infos[0].load_collection()
    sounds = load_collection(collection)
    infos[0].check_collection(sounds)
    return infos, sounds
