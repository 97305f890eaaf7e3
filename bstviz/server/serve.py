"""Serving the pages in this process, until it is stopped."""

from __future__ import annotations

import os
import sys
import threading
import time
import urllib.request
import webbrowser
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bstviz import paths
from bstviz.server.routes import routes

HOST, PORT = "localhost", 8501


def serve_app(
    experiments: Sequence[Path] = (),
    collections: Sequence[Path] = (),
    *,
    reviews: Path | None = None,
    port: int = PORT,
    address: str = HOST,
    browser: bool = False,
) -> None:
    """Serve the app until it is stopped. SIGTERM ends the process and frees its port.

    Args:
        experiments: Folders of runs to load; the bundled models where there are none.
        collections: Folders to look for a run's collection in, before the place that the run names.
        reviews: Folder for the decisions on labels; beside the first experiment when left out.
        port: TCP port; 0 lets the system choose.
        address: Address to listen on.
        browser: Open a browser on it when it answers.
    """
    import streamlit

    os.environ[paths.EXPERIMENTS_VARIABLE] = os.pathsep.join(str(Path(p).resolve()) for p in experiments)
    os.environ[paths.COLLECTION_VARIABLE] = os.pathsep.join(str(Path(p).resolve()) for p in collections)
    if reviews is not None:
        os.environ[paths.REVIEWS_VARIABLE] = str(reviews.resolve())
    script = paths.root() / "app.py"
    sys.argv = [str(script)]  # Streamlit looks beside it for its configuration
    options = {"server.headless": True, "server.port": port, "server.address": address}
    streamlit.App(script, routes=routes(), lifespan=_with_browser if browser else None).run(config=options)


@asynccontextmanager
async def _with_browser(app: object) -> AsyncGenerator[None]:
    """Opens a browser on the server, which knows its port by now."""
    import streamlit

    url = f"http://{streamlit.get_option('server.address')}:{streamlit.get_option('server.port')}"
    threading.Thread(target=_open_browser, args=(url,), daemon=True).start()
    yield


def _open_browser(url: str) -> None:
    """Open a browser when the server answers, within a minute."""
    for _ in range(120):
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
                webbrowser.open(url)
                return
        except OSError:
            time.sleep(0.5)
