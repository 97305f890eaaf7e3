"""Commands that train and evaluate: train, sweep, report, demo."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bstviz.cli.console import (
    AddressOption,
    AlsoOption,
    DeviceOption,
    EngineOption,
    EpochsOption,
    FoldColumnOption,
    FoldSeedOption,
    FoldsOption,
    GroupOption,
    JobsOption,
    JsonOption,
    OutOption,
    SeedOption,
    WorkersOption,
    chosen_device,
    chosen_engine,
    console,
    end_with_problems,
    plain,
    print_old_recipe,
    print_renamed,
    track,
)
from bstviz.errors import UserError

if TYPE_CHECKING:
    from bstviz.datasets.collection import Collection
    from bstviz.datasets.splits import Folds
    from bstviz.training.preset import Grid

commands = typer.Typer()


@commands.command()
def train(
    collection: Path,
    out: OutOption,
    loss: Annotated[str, typer.Option(help="flat or hierarchical.")] = "hierarchical",
    modality: Annotated[str, typer.Option(help="audio, text or both.")] = "audio",
    text: Annotated[
        str | None,
        typer.Option(help="Which text, by its fields, e.g. title+tags; by default the first that was embedded."),
    ] = None,
    min_confidence: Annotated[
        int, typer.Option(help="Least annotation confidence (1-5) of the sounds to train and test on.")
    ] = 1,
    folds: FoldsOption = "5",
    group: GroupOption = None,
    fold_column: FoldColumnOption = None,
    recipe: Annotated[
        str,
        typer.Option(help="Training config: default, paper (section 4.2 of the paper) or hatr (the authors' code)."),
    ] = "default",
    preset: Annotated[str | None, typer.Option(hidden=True)] = None,
    epochs: EpochsOption = None,
    also: AlsoOption = None,
    partial_labels: Annotated[
        bool,
        typer.Option(help="Train on sounds whose top-level class alone is known too (column class_top)."),
    ] = False,
    umap: Annotated[bool, typer.Option(help="Make the UMAP maps now; otherwise the app makes them on request.")] = True,
    seed: SeedOption = 0,
    fold_seed: FoldSeedOption = 0,
    jobs: JobsOption = None,
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Train one model per fold; run again after a stop, it trains the folds that are missing.

    Example: bstviz train collections/mine --loss flat --modality audio --folds 5 --group uploader --out runs/flat
    """
    from bstviz.datasets.collection import load_collection
    from bstviz.datasets.splits import choose_folds
    from bstviz.latent.projection import UmapSettings
    from bstviz.models import config
    from bstviz.training.preset import Grid

    if preset is not None:
        print_renamed("train --preset", "train --recipe")
        recipe = preset
    changes: dict[str, Any] = {"loss": loss, "modality": modality, "min_confidence": min_confidence, "seed": seed}
    changes["partial_labels"] = partial_labels
    print_old_recipe(recipe)
    sounds = load_collection(collection)
    changes["text"] = sounds.with_text(text).chosen_text
    setting = config.recipe(recipe, **changes, **config.exact_epochs(epochs))
    assignment = choose_folds(sounds, folds=folds, group=group, column=fold_column, seed=fold_seed)
    maps = UmapSettings(seed=seed) if umap else None
    grid, extra = Grid((setting,), (), ()), _extra(sounds, also)
    _run_sweep(sounds, assignment, grid, out, extra=extra, jobs=jobs, device=chosen_device(device), umap=maps)
    _print_report([out], "json" if as_json else "text")


@commands.command()
def sweep(
    collection: Path,
    out: OutOption,
    preset: Annotated[
        str, typer.Option(help="table1, table1-hatr, table1-default, ablation, or a .toml file of your own.")
    ] = "table1",
    recipe: Annotated[
        str | None, typer.Option(help="Training config: default, paper or hatr; by default the preset's.")
    ] = None,
    folds: FoldsOption = "5",
    group: GroupOption = None,
    fold_column: FoldColumnOption = None,
    epochs: EpochsOption = None,
    also: AlsoOption = None,
    baselines: Annotated[bool, typer.Option(help="Fit the preset's baselines too.")] = True,
    umap: Annotated[
        bool, typer.Option(help="Make the UMAP maps too; otherwise the app makes them on request.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option(min=0, help="The one training seed; the preset's, or 0, when left out.")
    ] = None,
    seeds: Annotated[str, typer.Option(help="Several training seeds, e.g. 0,1,2, in place of the preset's.")] = "",
    variants: Annotated[
        str, typer.Option(help="Only these of the preset's variants, e.g. focal-2,no-mixup; the recipe itself stays.")
    ] = "",
    fold_seed: FoldSeedOption = 0,
    jobs: JobsOption = None,
    device: DeviceOption = "cpu",
    engine: EngineOption = "local",
    workers: WorkersOption = None,
    address: AddressOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a grid of settings on the same folds, as in the paper's table 1; run again after a stop, it continues.

    Example: bstviz sweep collections/bsd10k --preset table1 --out experiments/table1
    """
    from bstviz.datasets.collection import load_collection
    from bstviz.datasets.splits import choose_folds
    from bstviz.latent.projection import UmapSettings
    from bstviz.training.experiment import chosen_seeds
    from bstviz.training.preset import grid_of, load_preset

    print_old_recipe(recipe)
    trained = chosen_seeds(seed, _numbers(seeds))
    chosen = load_preset(preset).changed(
        recipe=recipe,
        baselines=baselines,
        epochs=epochs,
        seeds=trained,
        variants=tuple(name.strip() for name in variants.split(",") if name.strip()),
    )
    sounds = load_collection(collection)
    grid = grid_of(chosen, sounds)
    for reason in grid.left_out:
        console.print(f"left out: {plain(reason)}")
    assignment = choose_folds(sounds, folds=folds, group=group, column=fold_column, seed=fold_seed)
    maps = UmapSettings(seed=grid.settings[0].seed) if umap else None
    options: dict[str, Any] = {"device": chosen_device(device), "engine": chosen_engine(engine, workers, address)}
    _run_sweep(sounds, assignment, grid, out, extra=_extra(sounds, also), jobs=jobs, umap=maps, **options)
    _print_report([out], "json" if as_json else "text")


def _extra(collection: Collection, also: list[Path] | None) -> list[Collection]:
    """Further collections to train on, after saying what of each is left out."""
    from bstviz.datasets.collection import load_collection
    from bstviz.datasets.extra import shared

    found = [load_collection(path) for path in also or ()]
    for other in found:
        out = int(shared(collection, other).sum())
        words = f"; {out:,} left out, which {collection.name} has too" if out else ""
        console.print(f"extra training data: {plain(f'{len(other) - out:,} sounds of {other.name}{words}')}")
    return found


def _numbers(words: str) -> list[int]:
    """The numbers of an option that holds several.

    Raises:
        UserError: A part of it is none.
    """
    parts = [part.strip() for part in words.split(",")] if words else []
    if not all(part.isdecimal() for part in parts):
        raise UserError(f"--seeds is {words!r}; allowed are whole numbers with commas between them, e.g. 0,1,2.")
    return [int(part) for part in parts]


def _run_sweep(sounds: Collection, assignment: Folds, grid: Grid, out: Path, **options: Any) -> None:
    """Run a sweep under a progress bar that shows what is done and how long the rest may take."""
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from bstviz.training.sweep import Task, run_sweep

    seeds = len({setting.seed for setting in grid.settings})
    settings, count = len(grid.settings) // seeds, assignment.count
    several = f" x {seeds} seeds" if seeds > 1 else ""
    console.print(
        f"{settings} setting{'s' if settings > 1 else ''} x {count} folds{several} ({plain(assignment.kind)}) -> "
        f"{plain(out)}"
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

        for _ in run_sweep(sounds, assignment, grid, out, on_start=on_start, on_progress=on_progress, **options):
            finished = sum(share == 1 for share in shares)
            bar.update(row, description=f"Training, {finished} of {len(shares)} tasks done")


@commands.command()
def report(
    experiments: list[Path],
    form: Annotated[str, typer.Option("--format", help="text, markdown, latex, csv or json.")] = "text",
    paper: Annotated[
        bool,
        typer.Option(help="Put the paper's figures beside those of its recipe, or of its authors' code, on BSD10k."),
    ] = True,
    common: Annotated[bool, typer.Option(help="Score on the sounds alone that every row tests; no baselines.")] = False,
    html: Annotated[
        Path | None,
        typer.Option(help="Write everything that the Results page shows to this HTML file, which needs no network."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the metrics of experiments, mean and deviation over folds, in the shape of the paper's table 1.

    Example: bstviz report experiments/table1 --format markdown

    Example: bstviz report experiments/table1 --html table1.html
    """
    from bstviz.models.experiment_folder import load_infos

    if html is not None:
        if common:
            raise UserError("--common is for the printed table; leave out --html.")
        from bstviz.reports.html import write_report

        console.print(f"report -> {plain(write_report(experiments, html, paper=paper))}")
    else:
        _print_report(experiments, "json" if as_json else form, paper=paper, common=common)
    _, damaged = load_infos(experiments)
    end_with_problems(damaged, "run", "could not be read, left out above")


def _print_report(experiments: list[Path], form: str, *, paper: bool = True, common: bool = False) -> None:
    from bstviz.reports.comparisons import of_experiments
    from bstviz.reports.table import TABLE_FORMATS, load_rows, write

    if form not in TABLE_FORMATS:
        raise UserError(f"format is {form!r}; allowed are {', '.join(TABLE_FORMATS)}.")
    table = load_rows(experiments, common=common)
    if common:
        tested = " or ".join(dict.fromkeys(f"{row.test_sounds:,}" for row in table))
        console.print(f"common test set: {tested} sounds that every row tests; baselines keep no predictions, left out")
    width = None if sys.stdout.isatty() else 240
    comparisons = of_experiments(experiments) if form == "json" and not common else ()
    print(write(table, form, paper=paper, width=width, comparisons=comparisons))


@commands.command()
def demo(
    out: OutOption,
    extra: Annotated[
        list[Path] | None, typer.Option(help="Embedded collection with extra training data; repeatable.")
    ] = None,
    titles: Annotated[
        Path | None, typer.Option(help="Table of BSD10k whose titles train the model of file names; left out, none is.")
    ] = None,
    sweeps: Annotated[
        list[Path] | None,
        typer.Option("--sweep", help="Sweep on BSD10k's words to keep the predictions of; repeatable."),
    ] = None,
    seed: SeedOption = 0,
    fold_seed: FoldSeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Make the demo collection and train the bundled models on it.

    Example: bstviz demo --out demo --extra collections/recordings
    """
    from bstviz.paths import BUNDLED_WORDS
    from bstviz.reports.card.markdown import write_card
    from bstviz.reports.table import load_rows, write
    from bstviz.training.bundled.bsd10k import bundle_words
    from bstviz.training.bundled.models import LICENSE, RUNS, train_bundled, train_bundled_text

    def on_run(name: str, epoch: int, total: int) -> None:
        if epoch == total:
            console.print(f"trained {name}")

    folders = train_bundled(out, list(extra or ()), seed=seed, fold_seed=fold_seed, track=track, on_run=on_run)
    if titles is not None:
        folders.append(train_bundled_text(titles, out, seed=seed))
        console.print(f"trained {plain(folders[-1])}")
    for folder in folders:
        write_card(folder, license=LICENSE)
    if sweeps:
        bundle_words(sweeps, out)
        (out / BUNDLED_WORDS / "table.csv").write_text(write(load_rows(sweeps), "csv") + "\n", encoding="utf-8")
        console.print(f"kept the predictions of {len(sweeps)} sweeps -> {plain(out / BUNDLED_WORDS)}")
    _print_report([out / RUNS], "json" if as_json else "text")
