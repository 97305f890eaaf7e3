"""The command ``app``: serve the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bstviz.cli.console import PortOption
from bstviz.server.serve import serve_app

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
    port: PortOption = None,
    address: Annotated[
        str | None, typer.Option(help="Address to listen on; by default localhost, for programs of this machine alone.")
    ] = None,
) -> None:
    """Serve the app on the runs of your experiments, or else on the bundled models.

    What is left out is taken from BSTVIZ_EXPERIMENTS, BSTVIZ_PORT, …, else from bstviz.toml in the working folder.

    Example: bstviz app --experiment runs/hierarchical --experiment runs/flat
    """
    from bstviz.models.experiment_folder import find_runs

    for folder in experiment or ():
        find_runs(folder)
    serve_app(experiment or (), collection or (), reviews=reviews, port=port, address=address)
