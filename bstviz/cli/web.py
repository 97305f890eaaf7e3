"""The command ``app``: serve the pages."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bstviz import paths
from bstviz.cli.console import PortOption

commands = typer.Typer()
HOST, PORT = "localhost", 8501


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
    raise typer.Exit(serve_app(experiment or (), collection or (), reviews=reviews, port=port, address=address))


def serve_app(
    experiments: Sequence[Path] = (),
    collections: Sequence[Path] = (),
    *,
    reviews: Path | None = None,
    port: int = PORT,
    address: str = HOST,
    browser: bool = False,
) -> int:
    """Serve the app until it is stopped; returns the server's exit status.

    Args:
        experiments: Folders of runs to load; the bundled models where there are none.
        collections: Folders to look for a run's collection in, before the place that the run names.
        reviews: Folder for the decisions on labels; beside the first experiment when left out.
        port: TCP port; 0 lets the system choose.
        address: Address to listen on.
        browser: Open a browser on it when it answers.
    """
    import subprocess
    import threading

    environment = os.environ | {
        paths.EXPERIMENTS_VARIABLE: os.pathsep.join(str(Path(p).resolve()) for p in experiments),
        paths.COLLECTION_VARIABLE: os.pathsep.join(str(Path(p).resolve()) for p in collections),
    }
    if reviews is not None:
        environment[paths.REVIEWS_VARIABLE] = str(reviews.resolve())
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true"]
    options = [f"--server.port={port}", f"--server.address={address}"]
    if browser:
        threading.Thread(target=_open_browser, args=(f"http://{address}:{port}",), daemon=True).start()
    return subprocess.run([*command, *options], cwd=paths.root(), env=environment, check=False).returncode


def _open_browser(url: str) -> None:
    """Open a browser when the server answers, within a minute."""
    import urllib.request
    import webbrowser

    for _ in range(120):
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
                webbrowser.open(url)
                return
        except OSError:
            time.sleep(0.5)
