"""Where the pages are, and serving them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import urllib.request
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from bstviz.errors import UserError

EXPERIMENTS_VARIABLE = "BSTVIZ_EXPERIMENTS"
COLLECTION_VARIABLE = "BSTVIZ_COLLECTIONS"
REVIEWS_VARIABLE = "BSTVIZ_REVIEWS"
"""Folder of the decisions on doubtful labels; see :func:`bstviz.decisions.record_file`."""


def root() -> Path:
    """Folder of app.py, pages and assets: their copy inside an installed package, or the repository."""
    package = Path(__file__).parent
    for folder in (package / "web", package.parent):
        if (folder / "app.py").is_file() and (folder / "pages").is_dir():
            return folder
    raise UserError("app.py and pages are missing from this installation; install bstviz again.")


def assets() -> Path:
    """Folder of the logo and the released runs."""
    return root() / "assets"


def serve(
    experiments: Sequence[Path] = (),
    collections: Sequence[Path] = (),
    *,
    reviews: Path | None = None,
    port: int = 8501,
    address: str = "localhost",
    browser: bool = False,
) -> int:
    """Serve the app until it is stopped; returns the server's exit status.

    Args:
        experiments: Folders of runs to load; the released runs where there are none.
        collections: Folders to look for a run's collection in, before the place that the run names.
        reviews: Folder for decisions on doubtful labels; beside the first experiment when left out.
        port: TCP port; 0 lets the system choose.
        address: Address to listen on.
        browser: Open a browser on it when it answers.
    """
    environment = os.environ | {
        EXPERIMENTS_VARIABLE: os.pathsep.join(str(Path(p).resolve()) for p in experiments),
        COLLECTION_VARIABLE: os.pathsep.join(str(Path(p).resolve()) for p in collections),
    }
    if reviews is not None:
        environment[REVIEWS_VARIABLE] = str(reviews.resolve())
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true"]
    options = [f"--server.port={port}", f"--server.address={address}"]
    if browser:
        threading.Thread(target=_open_browser, args=(f"http://{address}:{port}",), daemon=True).start()
    return subprocess.run([*command, *options], cwd=root(), env=environment, check=False).returncode


def _open_browser(url: str) -> None:
    for _ in range(120):
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
                webbrowser.open(url)
                return
        except OSError:
            time.sleep(0.5)
