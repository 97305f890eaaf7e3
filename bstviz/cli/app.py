"""The root of all commands, and the entry point."""

from __future__ import annotations

import logging
import sys
import time
from typing import Annotated

import typer

from bstviz import __version__, log
from bstviz.cli import data, inference, predictions, review, training, web
from bstviz.cli.console import console, plain
from bstviz.errors import in_words
from bstviz.jobs import stopping
from bstviz.jobs.memory import share_memory

SERVING = {"app", "explore"}
"""Commands that serve pages; what visitors gave them goes back to the system."""
app = typer.Typer(
    name="bstviz",
    help="Train, explore and use sound classifiers on two-level taxonomies.",
    epilog="Exit status: 0, all is done; 1, all but some sounds or runs, each named with its reason (check-encoder: "
    "vectors differ); 2, refused, with what to do; 130 or 143, stopped.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
for module in (data, training, inference, predictions, web):
    app.add_typer(module.commands)
app.command()(review.retrain)
app.add_typer(data.imports, name="import")
app.add_typer(review.commands, name="review")


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            "-v",
            help="Log every action, a line of key=value with its seconds, and what pages say of files.",
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress, and log errors alone.")] = False,
) -> None:
    log.to_standard_error(logging.ERROR if quiet else logging.DEBUG if verbose else logging.WARNING)
    if version:
        print(f"bstviz {__version__}")
    start = time.monotonic()
    if name := context.invoked_subcommand:
        context.call_on_close(lambda: log.action("command", name=name, seconds=time.monotonic() - start))


def main() -> None:
    """Run the command line: every error that a person can act on is a sentence, without a traceback."""
    if SERVING.intersection(sys.argv):
        share_memory()  # while there is no other thread
    stopping.raise_when_stopped()
    try:
        app()
    except Exception as error:
        if (words := in_words(error)) is None:
            raise
        console.print(f"[bold red]Error:[/] {plain(words)}")
        sys.exit(2)
    except stopping.Stopped as stopped:
        console.print("Stopped; run the same command again to continue.")
        stopping.end(stopped.status)
