"""The command ``app``: serve the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bstviz.cli.console import PortOption
from bstviz.server.serve import HOST, PORT, serve_app

commands = typer.Typer()


@commands.command("app")
def app(
    experiment: Annotated[list[Path] | None, typer.Option(help="Folder of runs to load; repeatable.")] = None,
    collection: Annotated[
        list[Path] | None, typer.Option(help="Folder of the runs' collection, where it has moved; repeatable.")
    ] = None,
    reviews: Annotated[
        Path | None, typer.Option(help="Folder for decisions on labels; by default the first experiment's.")
    ] = None,
    port: PortOption = PORT,
    address: Annotated[str, typer.Option(help="Address to listen on.")] = HOST,
) -> None:
    """Serve the app on the runs of your experiments, or else on the bundled models.

    Example: bstviz app --experiment runs/hierarchical --experiment runs/flat
    """
    from bstviz.models.experiment_folder import find_runs

    for folder in experiment or ():
        find_runs(folder)
    serve_app(experiment or (), collection or (), reviews=reviews, port=port, address=address)
