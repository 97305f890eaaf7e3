"""The commands ``app`` and ``serve``: the pages, and the interface for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bstviz.cli.console import PortOption
from bstviz.server.serve import serve_app

commands = typer.Typer()


ExperimentsOption = Annotated[list[Path] | None, typer.Option(help="Folder of runs to load; repeatable.")]
CollectionsOption = Annotated[
    list[Path] | None, typer.Option(help="Folder of the runs' collection, where it has moved; repeatable.")
]
ReviewsOption = Annotated[
    Path | None, typer.Option(help="Folder for decisions on labels; by default the first experiment's.")
]
ListenOption = Annotated[
    str | None, typer.Option(help="Address to listen on; by default localhost, for programs of this machine alone.")
]


@commands.command("app")
def app(
    experiment: ExperimentsOption = None,
    collection: CollectionsOption = None,
    reviews: ReviewsOption = None,
    port: PortOption = None,
    address: ListenOption = None,
) -> None:
    """Serve the app on the runs of your experiments, or else on the bundled models.

    What is left out is taken from BSTVIZ_EXPERIMENTS, BSTVIZ_PORT, …, else from bstviz.toml in the working folder.

    Example: bstviz app --experiment runs/hierarchical --experiment runs/flat
    """
    _check(experiment)
    serve_app(experiment or (), collection or (), reviews=reviews, port=port, address=address)


@commands.command("serve")
def serve(
    experiment: ExperimentsOption = None,
    collection: CollectionsOption = None,
    reviews: ReviewsOption = None,
    port: PortOption = None,
    address: ListenOption = None,
    token_file: Annotated[
        Path | None,
        typer.Option(help="File with the token that programs have to show; needed but on localhost."),
    ] = None,
    pages: Annotated[bool, typer.Option("--pages/--no-pages", help="Show the pages of the app, too.")] = True,
) -> None:
    """Answer programs over HTTP, at /api/v1, beside the pages: classify, embed, search, neighbours, runs, figures.

    What is left out is taken from the environment or bstviz.toml, as `bstviz app` does; there the token may stand, too.

    Example: bstviz serve --experiment runs/table1 --no-pages --token-file token
    """
    _check(experiment)
    folders = (experiment or (), collection or ())
    serve_app(*folders, reviews=reviews, port=port, address=address, api=True, pages=pages, token_file=token_file)


def _check(experiments: list[Path] | None) -> None:
    """Refuse (UserError) folders without runs before anything is started."""
    from bstviz.models.experiment_folder import find_runs

    for folder in experiments or ():
        find_runs(folder)
