"""What commands print: results on standard output; progress, notes and problems on standard error."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from bstviz.errors import UserError
from bstviz.paths import readable

if TYPE_CHECKING:
    from bstviz.datasets.collection import Collection

console = Console(stderr=True, highlight=False, soft_wrap=True)
output = Console(highlight=False, soft_wrap=True)
PROBLEMS_SHOWN = 20
FAILED = "could not be found or decoded, or hold no audio"
INCOMPLETE = 1
"""Exit status of a command that has done what it could, but not all: what is missing has been named."""


def plain(text: object) -> str:
    """Text with nothing in it read as markup, and names of files that are not UTF-8 made readable."""
    from rich.markup import escape

    return escape(readable(str(text)))


def track(items: Iterable[Any], *, total: int, description: str, completed: int = 0) -> Iterator[Any]:
    """Progress bar with rate and time left; see :data:`bstviz.jobs.resumable.Track`."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    rate = TextColumn("{task.fields[rate]}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(description, total=total, completed=completed, rate="")
        started = time.monotonic()
        for done, item in enumerate(items, 1):
            yield item
            bar.update(task, advance=1, rate=f"{done / max(time.monotonic() - started, 1e-3):.1f}/s")


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
    with Progress(*columns, console=console) as bar:
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
        named = Path(name).name
        console.print(f"  {plain(reason if reason.startswith(named) else f'{name}: {reason}')}")
    if count > PROBLEMS_SHOWN:
        console.print(f"  … and {count - PROBLEMS_SHOWN:,} more")


def end_with_problems(problems: dict[str, str], what: str = "sound", failed: str = FAILED) -> None:
    """Print what could not be done, as :func:`print_problems`, and end with :data:`INCOMPLETE` if there is any."""
    print_problems(problems, what, failed)
    if problems:
        raise typer.Exit(INCOMPLETE)


def save_collection(collection: Collection, out: Path) -> None:
    """Write a collection and print what is in it and what comes next.

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
