"""The command line: thin commands over the package; ``--json`` for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.console import Console

from bstviz import __version__
from bstviz.config import AUDIO_ENCODER, TEXT_ENCODER
from bstviz.errors import UserError

if TYPE_CHECKING:
    from bstviz.collection import AudioOrText, Collection
    from bstviz.engine import Engine
    from bstviz.run import Run, RunInfo
    from bstviz.splits import Folds
    from bstviz.sweep import Grid

app = typer.Typer(
    name="bstviz",
    help="Train, see and hear sound classifiers on the two-level Broad Sound Taxonomy.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
imports = typer.Typer(help="Make a collection from sounds and their table.", no_args_is_help=True)
app.add_typer(imports, name="import")
review = typer.Typer(
    help="Doubtful labels: list them, export and apply what was decided in the app.", no_args_is_help=True
)
app.add_typer(review, name="review")
console = Console(stderr=True, highlight=False, soft_wrap=True)

OutOption = Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")]
NameOption = Annotated[str | None, typer.Option(help="Name of the collection.")]
TaxonomyOption = Annotated[Path | None, typer.Option(help="CSV of a taxonomy other than BST.")]
DeviceOption = Annotated[str, typer.Option(help="Torch device: cpu, cuda, mps.")]
FoldsOption = Annotated[int, typer.Option(help="Number of folds.")]
GroupOption = Annotated[str | None, typer.Option(help="Column whose sounds never part, e.g. uploader.")]
FoldColumnOption = Annotated[
    str | None, typer.Option(help="Column with the data's own folds (found by itself: test_fold).")
]
EpochsOption = Annotated[int | None, typer.Option(help="Another number of epochs.")]
SeedOption = Annotated[int, typer.Option(help="Of folds, initialisation and augmentation.")]
JobsOption = Annotated[
    int | None,
    typer.Option(min=1, help="Worker processes; one a processor core when left out, one with an accelerator."),
]
EngineOption = Annotated[str, typer.Option(help="local, or ray for many processes and machines.")]
WorkersOption = Annotated[int | None, typer.Option(help="Ray processes; as many as there are cores when left out.")]
AddressOption = Annotated[str | None, typer.Option(help="Ray cluster to join, e.g. auto; a local one when left out.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def main() -> None:
    """Entry point: what is meant for a person is printed for a person."""
    try:
        app()
    except UserError as error:
        console.print(f"[bold red]Error:[/] {_plain(error)}")
        sys.exit(2)
    except OSError as error:
        console.print(f"[bold red]Error:[/] {_plain(error)}")
        sys.exit(2)
    except KeyboardInterrupt:
        console.print("Stopped; run the same command again to go on where it was.")
        sys.exit(130)


def _plain(text: object) -> str:
    from rich.markup import escape

    return escape(str(text))


def _track(items: Iterable[Any], *, total: int, description: str, completed: int = 0) -> Iterator[Any]:
    """Progress bar with rate and time left on standard error; see :data:`bstviz.parts.Track`."""
    import time

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    rate = TextColumn("{task.fields[rate]}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(description, total=total, completed=completed, rate="")
        started = time.monotonic()
        for done, item in enumerate(items, 1):
            yield item
            bar.update(task, advance=1, rate=f"{done / max(time.monotonic() - started, 1e-3):.1f}/s")


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(f"bstviz {__version__}")


def _device(name: str) -> str:
    """The torch device of that name, after trying it."""
    import torch

    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise UserError(
            f"Device {name!r} cannot be used here; cpu always can, cuda or mps where there is one."
        ) from None
    return name


def _save(collection: Collection, out: Path) -> None:
    from bstviz.run import is_run

    taken = out.exists() and (not out.is_dir() or any(out.iterdir()))
    if is_run(out) or (taken and not (out / "collection.json").is_file()):
        raise UserError(f"{out} holds something that is no collection; choose another --out.")
    collection.save(out)
    labelled = int((collection.labels >= 0).sum())
    console.print(
        f"[bold]{_plain(collection.name)}[/]: {len(collection):,} sounds, {labelled:,} with a class -> {_plain(out)}"
    )
    for note in collection.notes:
        console.print(f"  note: {_plain(note)}")
    if collection.audio is None and collection.text is None:
        console.print(f"  next: bstviz embed {_plain(out)}")


@imports.command("bsd10k")
def import_bsd10k(folder: Path, out: OutOption, name: NameOption = None) -> None:
    """Import BSD10k (any version) with its CLAP embeddings.

    Example: bstviz import bsd10k ~/BSD10k-v1.2 --out collections/bsd10k
    """
    from bstviz.datasets import bsd10k

    _save(bsd10k.load(folder, name=name), out)


@imports.command("bsd35k")
def import_bsd35k(folder: Path, out: OutOption, name: NameOption = None) -> None:
    """Import BSD35k-CS with its CLAP embeddings.

    Example: bstviz import bsd35k ~/BSD35k-CS --out collections/bsd35k
    """
    from bstviz.datasets import bsd35k

    _save(bsd35k.load(folder, name=name), out)


@imports.command("table")
def import_table(
    table: Path,
    out: OutOption,
    audio: Annotated[Path | None, typer.Option(help="Folder of the audio files.")] = None,
    name: NameOption = None,
    taxonomy: TaxonomyOption = None,
) -> None:
    """Import a CSV, TSV or parquet table of sounds, with or without their audio.

    Used where present: sound_id, class, confidence, title, tags, description, uploader, license, path or file. Other
    columns are kept to group and colour by.

    Example: bstviz import table sounds/metadata.csv --audio sounds --out collections/mine
    """
    from bstviz.datasets import table as source
    from bstviz.taxonomy import load_taxonomy

    classes = load_taxonomy(taxonomy) if taxonomy else None
    _save(source.load(table, audio_folder=audio, name=name, taxonomy=classes), out)


@imports.command("folder")
def import_folder(folder: Path, out: OutOption, name: NameOption = None, taxonomy: TaxonomyOption = None) -> None:
    """Import a bare folder of sounds, without classes.

    Example: bstviz import folder ~/Recordings --out collections/recordings
    """
    from bstviz.datasets import folder as source
    from bstviz.taxonomy import load_taxonomy

    _save(source.load(folder, name=name, taxonomy=load_taxonomy(taxonomy) if taxonomy else None), out)


@app.command()
def fetch(
    source: Annotated[str, typer.Argument(help="bsd10k or bsd35k.")],
    out: OutOption,
    audio: Annotated[bool, typer.Option(help="The sounds too; without them they are played by Freesound.")] = False,
    record: Annotated[str | None, typer.Option(help="Number of another Zenodo record of the data.")] = None,
    name: NameOption = None,
) -> None:
    """Download BSD10k or BSD35k with its CLAP embeddings and import it; stopped, it goes on where it was.

    Example: bstviz fetch bsd10k --out collections/bsd10k
    """
    from dataclasses import replace

    from bstviz.fetch import fetch as get

    collection = get(source, audio=audio, record=record, meter=_meter)
    _save(replace(collection, name=name or collection.name), out)


@contextmanager
def _meter(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Progress bar in bytes on standard error; see :data:`bstviz.fetch.Meter`."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(what, total=total)
        yield lambda n: bar.update(task, advance=n)


@app.command()
def embed(
    collection: Path,
    audio_encoder: Annotated[
        str, typer.Option(help="Encoder of the audio, several joined by +, or none.")
    ] = AUDIO_ENCODER,
    text_encoder: Annotated[str, typer.Option(help="Encoder of the words, or none.")] = TEXT_ENCODER,
    text_fields: Annotated[str, typer.Option(help="Columns that make up the words.")] = "title,tags,description",
    engine: EngineOption = "local",
    workers: WorkersOption = None,
    address: AddressOption = None,
    device: DeviceOption = "cpu",
) -> None:
    """Embed the sounds and words of a collection; stopped, it goes on where it was.

    Example: bstviz embed collections/mine --text-fields title,tags
    """
    from bstviz.embed import embed_collection

    report = embed_collection(
        collection,
        audio_encoder=None if audio_encoder == "none" else audio_encoder,
        text_encoder=None if text_encoder == "none" else text_encoder,
        text_fields=tuple(f.strip() for f in text_fields.split(",") if f.strip()),
        engine=_engine(engine, workers, address),
        device=_device(device),
        track=_track,
    )
    done = report.collection
    for kind, info in (("audio", done.audio_encoder), ("text", done.text_encoder)):
        console.print(f"{kind}: {_plain(info) if info else 'none'}")
    _print_problems(report.without_audio)
    if report.without_text:
        console.print(
            f"{report.without_text:,} of {len(done):,} sounds have no words and no text embedding; models that read leave them out."
        )


def _print_problems(problems: dict[str, str], shown: int = 20) -> None:
    if not problems:
        return
    console.print(f"{len(problems):,} sounds could not be decoded, or hold nothing to hear:")
    for sound_id, reason in list(problems.items())[:shown]:
        named = Path(sound_id).name
        console.print(f"  {_plain(reason if reason.startswith(named) else f'{sound_id}: {reason}')}")
    if len(problems) > shown:
        console.print(f"  … and {len(problems) - shown:,} more")


def _engine(name: str, workers: int | None, address: str | None) -> Engine:
    from bstviz.engine import Engine

    return Engine(name, workers, address)  # type: ignore[arg-type]  # checked by Engine itself


@app.command()
def train(
    collection: Path,
    out: OutOption,
    loss: Annotated[str, typer.Option(help="flat or hierarchical.")] = "hierarchical",
    modality: Annotated[str, typer.Option(help="audio, text or both.")] = "audio",
    min_confidence: Annotated[int, typer.Option(help="Annotation confidence from which sounds count, 1-5.")] = 1,
    folds: FoldsOption = 5,
    group: GroupOption = None,
    fold_column: FoldColumnOption = None,
    preset: Annotated[
        str, typer.Option(help="default; text: for words alone; paper: the paper's own recipe.")
    ] = "default",
    epochs: EpochsOption = None,
    umap: Annotated[bool, typer.Option(help="Make the UMAP maps now; otherwise the app makes them when asked.")] = True,
    seed: SeedOption = 0,
    jobs: JobsOption = None,
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Train a model on every fold; stopped, it goes on with the folds that are missing.

    Example: bstviz train collections/mine --loss flat --modality audio --folds 5 --group uploader --out runs/flat
    """
    from bstviz import config as settings
    from bstviz.collection import load_collection
    from bstviz.projection import UmapSettings
    from bstviz.splits import choose_folds
    from bstviz.sweep import Grid

    changes: dict[str, Any] = {"loss": loss, "modality": modality, "min_confidence": min_confidence, "seed": seed}
    chosen = settings.recipe(preset, **changes, **_epochs(epochs))
    sounds = load_collection(collection)
    assignment = choose_folds(sounds, count=folds, group=group, column=fold_column, seed=seed)
    _run_sweep(
        sounds, assignment, Grid((chosen,), (), ()), out, jobs=jobs, device=_device(device), umap=UmapSettings(seed=seed) if umap else None
    )  # fmt: skip
    _print_report([out], "json" if as_json else "text", paper=False)


def _epochs(epochs: int | None) -> dict[str, int]:
    return {"epochs": epochs, "min_steps": 0} if epochs else {}


@app.command()
def sweep(
    collection: Path,
    out: OutOption,
    preset: Annotated[str, typer.Option(help="table1, or a .toml file of your own.")] = "table1",
    recipe: Annotated[
        str | None, typer.Option(help="Another training recipe than the preset's: default, text, paper.")
    ] = None,
    folds: FoldsOption = 5,
    group: GroupOption = None,
    fold_column: FoldColumnOption = None,
    epochs: EpochsOption = None,
    baselines: Annotated[bool, typer.Option(help="Fit the preset's baselines too.")] = True,
    umap: Annotated[
        bool, typer.Option(help="Make the UMAP maps too; otherwise the app makes them when asked.")
    ] = False,
    seed: SeedOption = 0,
    jobs: JobsOption = None,
    device: DeviceOption = "cpu",
    engine: EngineOption = "local",
    workers: WorkersOption = None,
    address: AddressOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a grid of settings on the same folds, as the paper's table 1; stopped at any moment, it goes on.

    Example: bstviz sweep collections/bsd10k --preset table1 --out experiments/table1
    """
    import dataclasses

    from bstviz.collection import load_collection
    from bstviz.projection import UmapSettings
    from bstviz.splits import choose_folds
    from bstviz.sweep import grid_of, load_preset

    grid = load_preset(preset)
    grid = dataclasses.replace(
        grid, recipe=recipe or grid.recipe, baselines=grid.baselines if baselines else (), train=grid.train | _epochs(epochs)
    )  # fmt: skip
    sounds = load_collection(collection)
    work = grid_of(grid, sounds, seed=seed)
    for reason in work.left_out:
        console.print(f"left out: {_plain(reason)}")
    assignment = choose_folds(sounds, count=folds, group=group, column=fold_column, seed=seed)
    maps = UmapSettings(seed=seed) if umap else None
    where = _engine(engine, workers, address)
    _run_sweep(sounds, assignment, work, out, jobs=jobs, device=_device(device), engine=where, umap=maps)
    _print_report([out], "json" if as_json else "text", paper=preset == "table1")


def _run_sweep(sounds: Collection, assignment: Folds, work: Grid, out: Path, **options: Any) -> None:
    """Run a sweep under a progress bar that says what is done and how long the rest may take."""
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from bstviz.sweep import Task, run_sweep

    settings, count = len(work.settings), assignment.count
    console.print(
        f"{settings} setting{'s' if settings > 1 else ''} x {count} folds ({_plain(assignment.kind)}) -> {_plain(out)}"
    )
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=16),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("left ·"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bar:
        row = bar.add_task("Training")
        costs: list[float] = []
        shares: list[float] = []

        def on_start(tasks: list[Task]) -> None:
            costs.extend(task.cost for task in tasks)
            shares.extend(0.0 for _ in tasks)
            bar.update(row, total=sum(costs) or 1, completed=0 if costs else 1)

        def on_progress(index: int, share: float) -> None:
            shares[index] = max(share, shares[index])
            bar.update(row, completed=sum(c * s for c, s in zip(costs, shares, strict=True)))

        for _ in run_sweep(sounds, assignment, work, out, on_start=on_start, on_progress=on_progress, **options):
            finished = sum(share == 1 for share in shares)
            bar.update(row, description=f"Training, {finished} of {len(shares)} tasks done")


@app.command()
def report(
    experiments: list[Path],
    form: Annotated[str, typer.Option("--format", help="text, markdown, csv or json.")] = "text",
    paper: Annotated[bool, typer.Option(help="Print the paper's table 1 beside the figures.")] = True,
    html: Annotated[
        Path | None, typer.Option(help="Write all that the results page shows to this file, which needs no network.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the metrics of experiments, mean and deviation over folds, in the shape of the paper's table 1.

    Example: bstviz report experiments/table1 --format markdown

    Example: bstviz report experiments/table1 --html table1.html
    """
    if html is not None:
        from bstviz import html_report

        console.print(f"report -> {_plain(html_report.write(experiments, html, paper=paper))}")
        return
    _print_report(experiments, "json" if as_json else form, paper=paper)


def _print_report(experiments: list[Path], form: str, *, paper: bool) -> None:
    from bstviz.report import FORMATS, load_rows, write

    if form not in FORMATS:
        raise UserError(f"format is {form!r}; allowed are {', '.join(FORMATS)}.")
    table = load_rows(experiments)
    width = None if sys.stdout.isatty() else 200
    print(write(table, form, paper=paper, width=width))


@app.command()
def duplicates(
    collection: Path,
    experiment: Annotated[
        Path | None, typer.Option(help="Trained on it: says what near-duplicates in training do to its scores.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write all pairs to this .csv or .parquet.")] = None,
    by: Annotated[str | None, typer.Option(help="audio or text; audio where there is, when left out.")] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Similarity from which a pair counts; chosen from the data when left out.")
    ] = None,
    hear: Annotated[
        bool,
        typer.Option("--listen/--no-listen", help="Compare the waveforms of each pair too, where there are files."),
    ] = True,
    mark: Annotated[
        bool, typer.Option(help="Add a column duplicate_group to the collection, for --group duplicate_group.")
    ] = False,
    count: Annotated[int, typer.Option(help="How many pairs to print.")] = 10,
) -> None:
    """List sounds that are nearly the same, across folds in particular: they make a model look better than it is.

    Example: bstviz duplicates collections/mine --experiment runs/flat --out pairs.csv
    """
    from bstviz import duplicates as near
    from bstviz.collection import NO_FOLDER, load_collection

    if by not in (None, "audio", "text"):
        raise UserError(f"--by is {by!r}; allowed are audio and text.")
    if out is not None and out.suffix not in (".csv", ".parquet"):
        raise UserError(f"--out is {out}; its name must end in .csv or .parquet.")
    sounds = load_collection(collection)
    settings = _settings_of(experiment) if experiment else []
    listen = hear and by != "text" and sounds.audio is not None and sounds.audio_root not in NO_FOLDER
    kind = cast("AudioOrText | None", by)
    found = near.find_duplicates(sounds, kind=kind, threshold=threshold, heard=listen, track=_track)
    table = found.table(sounds.sounds, near.known_folds(sounds, settings[0] if settings else ()))
    shown = Console(highlight=False, soft_wrap=True)
    shown.print(_plain(near.in_words(found, table)))
    if out is not None:
        (table.to_csv if out.suffix == ".csv" else table.to_parquet)(out, index=False)
        console.print(f"{len(table):,} pairs -> {_plain(out)}")
    if mark:
        near.mark_groups(sounds, found).save(collection)
        console.print(f"next: bstviz train {_plain(collection)} --group {near.GROUP_COLUMN} --out RUNS")
    for row in table.head(count).fillna("").to_dict("records"):
        waveforms = f"  waveforms {row['correlation']:.2f}" if "correlation" in row else ""
        ends = "  =  ".join(f"{row[f'sound_{e}']} {row[f'title_{e}']} ({row[f'class_{e}'] or '–'})" for e in "ab")
        shown.print(f"  {row['similarity']:.3f}{waveforms}  {_plain(ends)}")
    for runs in settings:
        for line in near.inflation_in_words(found, runs, sounds):
            shown.print(_plain(line))


def _settings_of(experiment: Path) -> list[list[Run]]:
    """The runs of an experiment's settings, one a fold."""
    from bstviz.outoffold import settings
    from bstviz.run import find_runs, load_info, load_run

    found = settings([load_info(path) for path in find_runs(experiment)])
    return [[load_run(info.folder or Path()) for info in members] for members in found.values()]


@app.command()
def classify(
    files: Annotated[list[Path] | None, typer.Argument(help="Sound files.")] = None,
    batch: Annotated[Path | None, typer.Option(help="Label every sound under this folder instead.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="With --batch: the parquet file to write.")] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            help="Run that answers, or an experiment whose runs answer together; the released audio runs, together, when left out."
        ),
    ] = None,
    text: Annotated[str, typer.Option(help="Title, tags or description, for a run that reads too.")] = "",
    best: Annotated[int, typer.Option(help="How many classes to print.")] = 3,
    engine: EngineOption = "local",
    workers: WorkersOption = None,
    address: AddressOption = None,
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Say what sounds are: a few files, or a whole library with --batch; stopped, that goes on where it was.

    Example: bstviz classify door.wav rain.ogg

    Example: bstviz classify --batch ~/Library --out labels.parquet --engine ray
    """
    if batch is not None:
        if files or out is None:
            raise UserError(
                "--batch takes a folder and --out, and no files: bstviz classify --batch DIR --out labels.parquet"
            )
        _classify_folder(batch, out, [run] if run else _released_runs(), _engine(engine, workers, address), device)
        return
    if not files:
        raise UserError("Give sound files, or --batch and a folder: bstviz classify door.wav rain.ogg")
    from bstviz.classify import load_classifier

    classifier = load_classifier(*([run] if run else _released_runs()), device=_device(device))
    identity = {"run": str(run) if run else classifier.name, "encoder": _encoder_names(classifier.run)}
    results: list[dict[str, Any]] = []
    for file in files:
        entry: dict[str, Any] = {"file": str(file), **identity}
        try:
            answer = classifier.classify(file, text=text)
            for level, values in (("top", answer.top), ("second", answer.second)):
                entry[level] = [{"class": r.code, "probability": r.probability} for r in values]
            entry |= {"novelty": answer.novelty, "notes": list(answer.notes)}
        except UserError as error:
            entry["error"] = str(error)
        results.append(entry)
        if not as_json:
            _print_answer(entry, classifier.run, best)
    if as_json:
        print(json.dumps(results, indent=1))
    else:
        print(f"run {identity['run']}, encoder {identity['encoder']}")
    if all("error" in r for r in results):
        raise typer.Exit(1)


def _classify_folder(folder: Path, out: Path, runs: list[Path], engine: Engine, device: str) -> None:
    from bstviz.library import label_folder

    table = label_folder(folder, out, runs, engine=engine, device=_device(device), track=_track)
    bad = table[table["problem"].notna()]
    by = " + ".join(run.name for run in runs)
    console.print(f"{len(table) - len(bad):,} of {len(table):,} sounds labelled by {_plain(by)} -> {_plain(out)}")
    _print_problems(dict(zip(bad["file"], bad["problem"], strict=True)))


def _released_runs() -> list[Path]:
    """The released audio runs; the mean of their answers is right more often than either (see the README)."""
    from bstviz import webapp

    return [webapp.assets() / "runs" / f"{loss}-audio-c1-fold0" for loss in ("hierarchical", "flat")]


def _encoder_names(run: Run) -> str:
    return " + ".join(f"{info.id} {info.revision}" for info in run.encoders.values())


def _print_answer(entry: dict[str, Any], run: Run, best: int) -> None:
    out = Console(highlight=False, soft_wrap=True)
    if "error" in entry:
        out.print(f"[bold]{_plain(entry['file'])}[/]\n  [red]{_plain(entry['error'])}[/]")
        return
    out.print(f"[bold]{_plain(entry['file'])}[/]")
    for level, count in (("top", 2), ("second", best)):
        named = (
            f"{run.taxonomy[r['class']].name} ({r['class']}) {100 * r['probability']:.1f} %"
            for r in entry[level][:count]
        )
        out.print(f"  {level:>6}: {_plain('  ·  '.join(named))}")
    nearer = f"{100 * entry['novelty']:.0f} % of the collection's own sounds lie nearer to their neighbours"
    out.print(f"  unusual: {nearer}")
    for note in entry["notes"]:
        out.print(f"    note: {_plain(note)}")


DecisionsOption = Annotated[
    Path | None, typer.Option(help="Record of decisions; where the app keeps it when left out.")
]
CollectionOption = Annotated[Path | None, typer.Option(help="The runs' collection, where it has moved.")]


@review.command("list")
def review_list(
    experiments: list[Path],
    count: Annotated[int, typer.Option(help="How many sounds.")] = 20,
    collection: CollectionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the most doubtful labels, and why, by the out-of-fold answers of an experiment's first modality and threshold.

    Example: bstviz review list experiments/table1
    """
    from bstviz.doubt import panel, weigh
    from bstviz.outoffold import pool
    from bstviz.run import load_run

    infos, sounds = _reviewed(experiments, collection)
    weighed = weigh([pool([load_run(i.folder) for i in own if i.folder]) for own in panel(infos)], sounds)
    codes = weighed.taxonomy.codes
    rows = [
        {
            "sound_id": str(weighed.sound_ids[i]),
            "label": codes[weighed.labels[i]],
            "suggested": codes[weighed.suggested[i]],
            "support": float(weighed.support[i]),
            "why": "; ".join(weighed.reasons(i)),
        }
        for i in weighed.order[:count]
    ]
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    out = Console(highlight=False, soft_wrap=True)
    out.print(f"{len(weighed):,} sounds judged by {', '.join(weighed.names)} and {weighed.k} neighbours each")
    for row in rows:
        out.print(f"  {_plain(row['sound_id'])}  {row['label']} → {row['suggested']}  {_plain(row['why'])}")


@review.command("export")
def review_export(experiments: list[Path], out: OutOption, decisions: DecisionsOption = None) -> None:
    """Write the decisions as CSV: sound_id, old, new (empty: unsure), why, when.

    Example: bstviz review export experiments/table1 --out decisions.csv
    """
    from bstviz.decisions import read_record, record_file, table

    about = _reviewed_infos(experiments)[0].collection
    file = decisions or record_file(about, experiments)
    rows = table(read_record(file, about.hash))
    rows.to_csv(out, index=False)
    console.print(f"{len(rows):,} decision{'s' if len(rows) != 1 else ''} of {_plain(file)} -> {_plain(out)}")


@review.command("apply")
def review_apply(
    experiments: list[Path], out: OutOption, decisions: DecisionsOption = None, collection: CollectionOption = None
) -> None:
    """Make a new version of the collection with the classes that were decided on; the original is not changed.

    Example: bstviz review apply experiments/table1 --out collections/bsd10k-2
    """
    from bstviz.decisions import apply_decisions, read_record, record_file

    if out.exists():
        raise UserError(f"{out} is there already; a new version goes into a new folder.")
    infos, sounds = _reviewed(experiments, collection)
    file = decisions or record_file(infos[0].collection, experiments)
    record = read_record(file, sounds.hash)
    changed = apply_decisions(sounds, record)
    _save(changed, out)
    console.print(f"  {_plain(changed.revisions[-1])}")
    if record.disputed:
        console.print(f"  left as they are: {len(record.disputed):,} disputed sounds; decide on them in the app first")


def _reviewed_infos(experiments: list[Path]) -> list[RunInfo]:
    """The runs of some experiments that can be judged, all of one collection."""
    from bstviz.run import find_runs, load_info

    infos = [info for e in experiments for f in find_runs(e) if (info := load_info(f)).metrics]
    names = sorted({f"{i.collection.name} ({i.collection.hash[:6]})" for i in infos})
    if len(names) != 1:
        raise UserError(
            f"A review is of one collection; these runs are of {', '.join(names) or 'none with classes'}. Name other runs."
        )
    return infos


def _reviewed(experiments: list[Path], collection: Path | None) -> tuple[list[RunInfo], Collection]:
    from bstviz.collection import load_collection

    infos = _reviewed_infos(experiments)
    if collection is None:
        return infos, infos[0].load_collection()
    sounds = load_collection(collection)
    infos[0].check_collection(sounds)
    return infos, sounds


@app.command()
def search(
    collection: Path,
    query: str,
    count: Annotated[int, typer.Option(help="How many sounds.")] = 10,
    by: Annotated[
        str | None, typer.Option(help="audio or text; audio where the encoder allows it when left out.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Find the sounds nearest to some words: by the sounds themselves with CLAP, else by their titles, tags and descriptions.

    Example: bstviz search collections/bsd10k "rain on a tent"
    """
    from bstviz.collection import load_collection
    from bstviz.search import search as find

    if by not in (None, "audio", "text"):
        raise UserError(f"--by is {by!r}; allowed are audio and text.")
    sounds = load_collection(collection)
    found = find(sounds, query, k=count, by=by)  # type: ignore[arg-type]  # checked above
    table = sounds.sounds.iloc[found.rows][["sound_id", "class", "title", "path"]].assign(similarity=found.similarities)
    if as_json:
        print(json.dumps({"by": found.by, "found": json.loads(table.to_json(orient="records"))}, indent=1))
        return
    out = Console(highlight=False, soft_wrap=True)
    out.print(f"nearest by {found.by}, {_plain(sounds.encoder(found.by))}")
    for row in table.fillna("").itertuples(index=False):
        sound_id, code, title, _, similarity = row
        out.print(f"  {similarity:.3f}  {_plain(sound_id)}  {_plain(code or '–')}  {_plain(title)}")


@app.command()
def demo(
    out: OutOption,
    extra: Annotated[
        list[Path] | None, typer.Option(help="Embedded collection that joins the training; repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of folds and training.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Make the demo collection and train the released runs on it.

    Example: bstviz demo --out demo --extra collections/recordings
    """
    from bstviz.released import RUNS, train_released

    def on_run(name: str, epoch: int, total: int) -> None:
        if epoch == total:
            console.print(f"trained {name}")

    train_released(out, list(extra or ()), seed=seed, track=_track, on_run=on_run)
    _print_report([out / RUNS], "json" if as_json else "text", paper=False)


@app.command()
def explore(
    folder: Path,
    run: Annotated[
        list[Path] | None, typer.Option(help="Audio run that answers, repeatable; the released ones when left out.")
    ] = None,
    home: Annotated[Path | None, typer.Option(help="Where to keep what is made; in the cache when left out.")] = None,
    engine: EngineOption = "local",
    workers: WorkersOption = None,
    address: AddressOption = None,
    device: DeviceOption = "cpu",
    port: Annotated[int, typer.Option(help="TCP port.")] = 8501,
    serve: Annotated[bool, typer.Option(help="Open the app on it when it is ready.")] = True,
) -> None:
    """Open a bare folder of sounds in the app: import, embed, classify, map. Run again, it takes only what is new.

    Example: bstviz explore ~/Recordings
    """
    from bstviz import webapp
    from bstviz.apply import open_library

    runs = run or _released_runs()
    library = open_library(
        folder, runs, home=home, engine=_engine(engine, workers, address), device=_device(device), track=_track
    )
    _print_problems(library.report.without_audio)
    console.print(
        f"{len(library.report.collection):,} sounds; collection {_plain(library.collection)}, runs {_plain(library.runs)}"
    )
    if serve:
        raise typer.Exit(webapp.serve([library.runs], [library.collection], port=port, browser=True))
    console.print(f"next: bstviz app --experiment {_plain(library.runs)}")


@app.command("app")
def serve(
    experiment: Annotated[list[Path] | None, typer.Option(help="Folder of runs to load; repeatable.")] = None,
    collection: Annotated[
        list[Path] | None, typer.Option(help="Where to look for the runs' collection; repeatable.")
    ] = None,
    reviews: Annotated[
        Path | None, typer.Option(help="Folder for decisions on doubtful labels; the first experiment's when left out.")
    ] = None,
    port: Annotated[int, typer.Option(help="TCP port.")] = 8501,
    address: Annotated[str, typer.Option(help="Address to listen on.")] = "localhost",
) -> None:
    """Serve the app: the released runs, or those of your experiments.

    Example: bstviz app --experiment runs/hierarchical --experiment runs/flat
    """
    from bstviz import webapp
    from bstviz.run import find_runs

    for folder in experiment or ():
        find_runs(folder)
    raise typer.Exit(webapp.serve(experiment or (), collection or (), reviews=reviews, port=port, address=address))
