"""What commands share: the options they take and how their values are read, and what they print.

Results go to standard output; progress, notes and problems to standard error.
Long because every option stands with the words of its help.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.console import Console

from bstviz import log
from bstviz.errors import UserError
from bstviz.paths import readable

if TYPE_CHECKING:
    from bstviz.datasets.collection import Collection
    from bstviz.encoders.base import AudioOrText
    from bstviz.jobs.backend import Engine

console = Console(stderr=True, highlight=False, soft_wrap=True)
output = Console(highlight=False, soft_wrap=True)
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What a terminal obeys, but for the end of a line and the tabulator; and what changes the direction of writing."""
PROBLEMS_SHOWN = 20
FAILED = "could not be found or decoded, or hold no audio"
INCOMPLETE = 1
"""Exit status of a command that has done what it could, but not all: what is missing has been named."""
OutOption = Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")]
NameOption = Annotated[str | None, typer.Option(help="Name of the collection.")]
TaxonomyOption = Annotated[Path | None, typer.Option(help="CSV of a taxonomy other than BST.")]
SourceOption = Annotated[
    str | None,
    typer.Option(help="Data set that the table holds, e.g. bsd10k: published figures stand beside its runs."),
]
AudioOption = Annotated[Path | None, typer.Option("--audio", help="Folder of the audio files.")]
ClassFromOption = Annotated[
    str | None,
    typer.Option(
        help="Column that holds the classes, or folder: the folder that a file lies in; by default class, label …, and "
        "of Freesound's sounds, which have a category, none."
    ),
]
VectorOption = Annotated[
    str | None, typer.Option(help="Column of embeddings (lists), or columns of numbers: 'x,y', 'emb_*'.")
]
NpyOption = Annotated[
    Path | None, typer.Option(help="Folder of embeddings, <sound_id>.npy, or one .npy with a row for each sound.")
]
NpzOption = Annotated[Path | None, typer.Option(help="File of embeddings: an array for each id, or one matrix.")]
GivenEncoderOption = Annotated[
    str | None, typer.Option("--encoder", help="What you call whatever made the embeddings; kept as given:NAME.")
]
VectorKindOption = Annotated[
    str | None, typer.Option(help="What the embeddings were made of: audio (by default) or text.")
]
DeviceOption = Annotated[str, typer.Option(help="Torch device: cpu, cuda, mps.")]
FollowLinksOption = Annotated[
    bool, typer.Option("--follow-links", help="Follow links that leave the folder, too; others always are.")
]
FoldsOption = Annotated[
    str,
    typer.Option(
        help="Number of stratified folds, or: published (of BSD10k-v1.2, by public out-of-fold predictions), hatr (as "
        "in the authors' code, made after filtering by confidence)."
    ),
]
GroupOption = Annotated[
    str | None, typer.Option(help="Column; sounds that share a value are kept in the same fold, e.g. uploader.")
]
FoldColumnOption = Annotated[
    str | None,
    typer.Option(help="Column with the data's own folds; by default test_fold, where there is one and no --fold-seed."),
]
EpochsOption = Annotated[int | None, typer.Option(help="Number of epochs; by default the recipe's.")]
SeedOption = Annotated[
    int, typer.Option(min=0, help="Seed of training: initialisation, order, augmentation, validation.")
]
FoldSeedOption = Annotated[int, typer.Option(min=0, help="Seed of stratified folds.")]
AlsoOption = Annotated[
    list[Path] | None,
    typer.Option(
        help="Embedded collection to train on too; the first one alone is tested, and what it has too is left out. "
        "Repeatable."
    ),
]
JobsOption = Annotated[
    int | None,
    typer.Option(min=1, help="Worker processes; by default one per processor core, or one with an accelerator."),
]
EngineOption = Annotated[str, typer.Option(help="local, or ray for many processes and machines.")]
WorkersOption = Annotated[int | None, typer.Option(help="Ray processes; by default as many as there are cores.")]
AddressOption = Annotated[str | None, typer.Option(help="Ray cluster to join, e.g. auto; by default a local one.")]
PortOption = Annotated[
    int | None, typer.Option(help="TCP port, 0 for any; by default 8501, or the next one that is free.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def plain(text: object) -> str:
    """Other people's text for the terminal: nothing in it is markup, moves the cursor or turns the line around, and
    names of files that are not UTF-8 are readable.
    """
    from rich.markup import escape

    shown = OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), readable(str(text)))
    return escape(shown)


def track(items: Iterable[Any], *, total: int, description: str, completed: int = 0) -> Iterator[Any]:
    """Progress bar with rate and time left; see :data:`bstviz.jobs.resumable.Track`."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    rate = TextColumn("{task.fields[rate]}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
    with Progress(*columns, console=console, disable=log.is_quiet()) as bar:
        task = bar.add_task(description, total=total, completed=completed, rate="")
        started = time.monotonic()
        for done, item in enumerate(items, 1):
            yield item
            bar.update(task, advance=1, rate=f"{done / max(time.monotonic() - started, 1e-3):.1f}/s")


@contextmanager
def share_bar() -> Iterator[Callable[[float, str], None]]:
    """Progress bar of work that says which share of it is done, and what it is doing."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=log.is_quiet()) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda share, words: bar.update(task, completed=share, description=words)


@contextmanager
def meter(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Progress bar in bytes; see :data:`bstviz.datasets.download.Meter`."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=log.is_quiet()) as bar:
        task = bar.add_task(what, total=total)
        yield lambda n: bar.update(task, advance=n)


def print_renamed(old: str, new: str) -> None:
    """Say that an old name of something was used; it works for one version more."""
    console.print(f"[dim]{plain(old)} is now {plain(new)}; the next version will not accept the old name.[/]")


def print_old_recipe(name: str | None) -> None:
    """Say what a recipe that is no longer offered is called now, if it is one."""
    from bstviz.models.config import OLD_RECIPES

    if name in OLD_RECIPES:
        print_renamed(f"recipe {name}", OLD_RECIPES[name][0])


def print_problems(problems: dict[str, str], what: str = "sound", failed: str = FAILED) -> None:
    """Print what could not be done, and why.

    Args:
        problems: Reasons by id or path.
        what: What they are, one of them.
        failed: What happened to them.
    """
    if not problems:
        return
    count = len(problems)
    console.print(f"{count:,} {what}{'s' if count > 1 else ''} {failed}:")
    for name, reason in list(problems.items())[:PROBLEMS_SHOWN]:
        console.print(f"  {plain(reason if reason.startswith(name) else f'{name}: {reason}')}")
    if count > PROBLEMS_SHOWN:
        console.print(f"  … and {count - PROBLEMS_SHOWN:,} more")


def end_with_problems(problems: dict[str, str], what: str = "sound", failed: str = FAILED) -> None:
    """Print what could not be done, as :func:`print_problems`, and end with :data:`INCOMPLETE` if there is any."""
    print_problems(problems, what, failed)
    if problems:
        raise typer.Exit(INCOMPLETE)


def save_collection(collection: Collection, out: Path) -> None:
    """Write a collection and print what is in it and what comes next; ends with :data:`INCOMPLETE` where something was
    left out of it, which its notes name.

    Raises:
        UserError: ``out`` holds something that is not a collection.
    """
    from bstviz.models.run_info import is_run

    taken = out.exists() and (not out.is_dir() or any(out.iterdir()))
    if is_run(out) or (taken and not (out / "collection.json").is_file()):
        raise UserError(f"{out} holds something that is not a collection; choose another --out.")
    collection.save(out)
    labelled = int((collection.labels >= 0).sum())
    name = plain(collection.name)
    console.print(f"[bold]{name}[/]: {len(collection):,} sounds, {labelled:,} with a class -> {plain(out)}")
    for note in collection.notes:
        console.print(f"  note: {plain(note)}")
    if collection.audio is None and collection.text is None:
        console.print(f"  next: bstviz embed {plain(out)}")
    if collection.left_out:
        raise typer.Exit(INCOMPLETE)


def chosen_device(name: str) -> str:
    """The torch device of that name, after trying it.

    Raises:
        UserError: It cannot be used on this machine.
    """
    import torch

    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise UserError(
            f"Device {name!r} cannot be used here; cpu always can, cuda or mps where there is one."
        ) from None
    return name


def chosen_engine(name: str, workers: int | None, address: str | None) -> Engine:
    """Where the work is done, by ``--engine``, ``--workers`` and ``--address``."""
    from bstviz.jobs.backend import Engine

    return Engine(name, workers, address)  # type: ignore[arg-type]  # checked by Engine itself


def chosen_kind(by: str | None) -> AudioOrText | None:
    """The embeddings that ``--by`` names; None where it is left out.

    Raises:
        UserError: There are no such embeddings.
    """
    if by not in (None, "audio", "text"):
        raise UserError(f"--by is {by!r}; allowed are audio and text.")
    return cast("AudioOrText | None", by)
