"""Commands that make and inspect collections: import, fetch, embed, duplicates, datasets."""

from __future__ import annotations

import json
from collections.abc import Callable
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bstviz.cli.console import (
    AddressOption,
    AudioOption,
    ClassFromOption,
    DeviceOption,
    EngineOption,
    FollowLinksOption,
    GivenEncoderOption,
    JsonOption,
    NameOption,
    NpyOption,
    NpzOption,
    OutOption,
    SourceOption,
    TaxonomyOption,
    VectorKindOption,
    VectorOption,
    WorkersOption,
    chosen_device,
    chosen_engine,
    chosen_kind,
    console,
    end_with_problems,
    meter,
    output,
    plain,
    save_collection,
    track,
)
from bstviz.datasets.registry import DATASETS
from bstviz.errors import UserError
from bstviz.models.config import AUDIO_ENCODER, TEXT_ENCODER

if TYPE_CHECKING:
    import pandas as pd

    from bstviz.datasets.base import Dataset
    from bstviz.models.run import Run

commands = typer.Typer()
imports = typer.Typer(help="Make a collection from sounds and their table.", no_args_is_help=True)
IMPORT_OPTIONS: dict[str, Any] = {
    "name": NameOption,
    "taxonomy": TaxonomyOption,
    "audio_folder": AudioOption,
    "follow_links": FollowLinksOption,
    "source": SourceOption,
    "class_from": ClassFromOption,
    "vector": VectorOption,
    "npy": NpyOption,
    "npz": NpzOption,
    "encoder": GivenEncoderOption,
    "vector_kind": VectorKindOption,
}
"""Options of ``import``, by the keyword arguments that a data set's ``load`` may take."""


def import_command(dataset: Dataset) -> Callable[..., None]:
    """The command that imports a data set: ``--out``, and what of :data:`IMPORT_OPTIONS` its ``load`` takes."""
    place, *keywords = signature(dataset.load).parameters

    def command(out: Path, **given: Any) -> None:
        from bstviz.datasets.taxonomy import load_taxonomy

        where = given.pop(place)
        chosen = {name: value for name, value in given.items() if value is not None}
        if "taxonomy" in chosen:
            chosen["taxonomy"] = load_taxonomy(chosen["taxonomy"])
        save_collection(dataset.load(where, **chosen), out)

    required = {place: Path, "out": OutOption}
    optional = {name: IMPORT_OPTIONS[name] for name in keywords if name in IMPORT_OPTIONS}
    # what Typer reads arguments and options from
    command.__annotations__ = required | optional
    command.__signature__ = Signature(  # type: ignore[attr-defined]
        [
            *(Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind) for name, kind in required.items()),
            *(
                Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind, default=None)
                for name, kind in optional.items()
            ),
        ]
    )
    return command


for _id, _dataset in DATASETS.items():
    if signature(_dataset.load).parameters:  # the demo needs no path: `bstviz demo` makes it
        imports.command(_id, help=_dataset.__doc__)(import_command(_dataset))


@commands.command()
def datasets(as_json: JsonOption = False) -> None:
    """Print the data sets that can be imported or made, with their licences and what to cite.

    Example: bstviz datasets
    """
    from dataclasses import asdict

    sources = [asdict(dataset.SOURCE) for dataset in DATASETS.values()]
    if as_json:
        print(json.dumps(sources, indent=1))
        return
    for source in sources:
        output.print(f"[bold]{plain(source['id'])}[/]: {plain(source['title'])}")
        for words, key in (("page", "url"), ("licence", "license"), ("citation", "citation")):
            if source[key]:
                output.print(f"  {words}: {plain(source[key])}")


@commands.command()
def fetch(
    source: Annotated[str, typer.Argument(help="bsd10k or bsd35k.")],
    out: OutOption,
    audio: Annotated[bool, typer.Option(help="Download the sounds too; without them, Freesound plays them.")] = False,
    record: Annotated[
        str | None,
        typer.Option(help="Number of another Zenodo record, for another version of the data, or latest."),
    ] = None,
    name: NameOption = None,
) -> None:
    """Download BSD10k or BSD35k with its CLAP embeddings and import it; run again after a stop, it continues.

    Example: bstviz fetch bsd10k --out collections/bsd10k
    """
    from dataclasses import replace

    from bstviz.datasets import download

    collection = download.fetch(source, audio=audio, record=record, meter=meter)
    console.print(f"Zenodo record {plain(collection.record)}")
    save_collection(replace(collection, name=name or collection.name), out)


@commands.command()
def embed(
    collection: Path,
    audio_encoder: Annotated[
        str, typer.Option(help="Encoder of the audio, or several joined by +; none to leave it out.")
    ] = AUDIO_ENCODER,
    text_encoder: Annotated[str, typer.Option(help="Encoder of the text; none to leave it out.")] = TEXT_ENCODER,
    text_fields: Annotated[
        str, typer.Option(help="Columns that make up the text; other columns than before make a text beside it.")
    ] = "title,tags,description",
    text_template: Annotated[
        str, typer.Option(help="How the words are joined, in place of --text-fields: '{title}, {tags}'.")
    ] = "",
    max_seconds: Annotated[
        float | None,
        typer.Option(help="Embed only so many seconds of a sound; 30 as the official embeddings of BSD10k."),
    ] = None,
    antialias: Annotated[
        bool, typer.Option(help="Antialias what CLAP shrinks of a long sound, as LAION's code does since 2024.")
    ] = False,
    drop_missing: Annotated[
        bool,
        typer.Option("--drop-missing", help="With another encoder: let embeddings of sounds go that cannot be found."),
    ] = False,
    engine: EngineOption = "local",
    workers: WorkersOption = None,
    address: AddressOption = None,
    device: DeviceOption = "cpu",
) -> None:
    """Embed the audio and text of a collection; run again after a stop, it continues.

    Example: bstviz embed collections/mine --text-fields title,tags
    """
    from bstviz.encoders.base import Preprocessing
    from bstviz.inference.embed import embed_collection

    report = embed_collection(
        collection,
        audio_encoder=None if audio_encoder == "none" else audio_encoder,
        preprocessing=Preprocessing(max_seconds, antialias),
        text_encoder=None if text_encoder == "none" else text_encoder,
        text_fields=tuple(f.strip() for f in text_fields.split(",") if f.strip()),
        text_template=text_template,
        drop_missing=drop_missing,
        engine=chosen_engine(engine, workers, address),
        device=chosen_device(device),
        track=track,
    )
    done = report.collection
    for kind in ("audio", "text"):
        made = [plain(info) for its_kind, info in done.encoders if its_kind == kind]
        console.print(f"{kind}: {'; '.join(made) or 'none'}")
    for info in report.replaced:
        console.print(f"replaced: the embeddings of {plain(info)}")
    if done.further_texts:
        first, *further = map(plain, done.text_configurations)
        console.print(f"text models take {first}, or with --text {' or '.join(further)}")
    if report.corrected:
        console.print(f"{report.corrected:,} lengths in the table were wrong and are now as decoded.")
    if report.without_text:
        console.print(
            f"{report.without_text:,} of {len(done):,} sounds have no text and so no text embedding; "
            "text models and audio + text models leave them out."
        )
    if report.kept:
        console.print(f"Sounds that cannot be found or read now keep the embedding that they had: {report.kept:,}.")
    end_with_problems(report.without_audio)


@commands.command()
def relocate(
    collection: Path,
    root: Annotated[Path, typer.Argument(help="Folder that the paths of the sounds are relative to now.")],
) -> None:
    """Say where the sounds of a collection are now; nothing else of it changes.

    Example: bstviz relocate collections/mine /media/disk/sounds
    """
    from bstviz.datasets.audio_root import relocated
    from bstviz.datasets.collection import load_collection

    moved = relocated(load_collection(collection), root)
    moved.collection.save(collection)
    found = moved.files - len(moved.missing)
    console.print(f"{found:,} of {moved.files:,} sounds found in {plain(moved.collection.audio_root)}")
    end_with_problems(moved.missing)


@commands.command()
def duplicates(
    collection: Path,
    experiment: Annotated[
        Path | None,
        typer.Option(help="Experiment trained on the collection: print its scores with and without leakage."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write all pairs to this .csv or .parquet.")] = None,
    by: Annotated[
        str | None, typer.Option(help="Embeddings to compare, audio or text; by default audio where there is any.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Least similarity of a pair; by default chosen from the data.")
    ] = None,
    waveforms: Annotated[
        bool,
        typer.Option("--listen/--no-listen", help="Compare waveforms too, where there are files."),
    ] = True,
    mark: Annotated[
        bool, typer.Option(help="Add a column duplicate_group to the collection, for --group duplicate_group.")
    ] = False,
    count: Annotated[int, typer.Option(help="Number of pairs to print.")] = 10,
) -> None:
    """List near-duplicate sounds. In both training and test, they make a model look better than it is (leakage).

    Example: bstviz duplicates collections/mine --experiment runs/flat --out pairs.csv
    """
    from bstviz.datasets.collection import NO_FOLDER, load_collection
    from bstviz.datasets.writing import csv_bytes, parquet_bytes
    from bstviz.evaluation.leakage import known_folds, leakage_in_words
    from bstviz.latent.near_duplicates import GROUP_COLUMN, find_duplicates, in_words, mark_groups

    kind = chosen_kind(by)
    if out is not None and out.suffix not in (".csv", ".parquet"):
        raise UserError(f"--out is {out}; its name must end in .csv or .parquet.")
    sounds = load_collection(collection)
    settings = _settings_of(experiment) if experiment else []
    decode = waveforms and kind != "text" and sounds.audio is not None and sounds.audio_root not in NO_FOLDER
    found = find_duplicates(sounds, kind=kind, threshold=threshold, compare_waveforms=decode, track=track)
    table = found.table(sounds.sounds, known_folds(sounds, settings[0] if settings else ()))
    output.print(plain(in_words(found, table)))
    if out is not None:
        out.write_bytes((csv_bytes if out.suffix == ".csv" else parquet_bytes)(table))
        console.print(f"{len(table):,} pairs -> {plain(out)}")
    if mark:
        mark_groups(sounds, found).save(collection)
        console.print(f"next: bstviz train {plain(collection)} --group {GROUP_COLUMN} --out RUNS")
    _print_pairs(table.head(count))
    for runs in settings:
        for line in leakage_in_words(found, runs, sounds):
            output.print(plain(line))


def _settings_of(experiment: Path) -> list[list[Run]]:
    """The runs of an experiment's settings, one per fold."""
    from bstviz.evaluation.out_of_fold import settings
    from bstviz.models.experiment_folder import find_runs
    from bstviz.models.run import load_run
    from bstviz.models.run_info import load_info

    found = settings([load_info(path) for path in find_runs(experiment)])
    return [[load_run(info.folder or Path()) for info in members] for members in found.values()]


def _print_pairs(table: pd.DataFrame) -> None:
    for row in table.fillna("").to_dict("records"):
        waveforms = f"  waveforms {row['correlation']:.2f}" if "correlation" in row else ""
        ends = "  =  ".join(f"{row[f'sound_{e}']} {row[f'title_{e}']} ({row[f'class_{e}'] or '–'})" for e in "ab")
        output.print(f"  {row['similarity']:.3f}{waveforms}  {plain(ends)}")
