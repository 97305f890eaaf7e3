"""Serving the pages in this process, until it is stopped."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import webbrowser
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bstviz import __version__, log, paths
from bstviz.errors import UserError
from bstviz.jobs import background, stopping
from bstviz.jobs.memory import share_memory
from bstviz.server import login
from bstviz.server.health import is_this_server
from bstviz.server.ports import port_for
from bstviz.server.routes import middleware, routes
from bstviz.server.settings import Settings, export, load_settings
from bstviz.server.visitors.forget import forget_visitors

if TYPE_CHECKING:
    from bstviz.server.api.transport import Interface

EVERYWHERE = ("0.0.0.0", "::")
Lifespan = Callable[[object], AbstractAsyncContextManager[None]]


def serve_app(
    experiments: Sequence[Path] = (),
    collections: Sequence[Path] = (),
    *,
    reviews: Path | None = None,
    port: int | None = None,
    address: str | None = None,
    browser: bool = False,
    page: str = "",
    api: bool = False,
    pages: bool = True,
    token_file: Path | None = None,
) -> None:
    """Serve the app until it is stopped; SIGTERM and Ctrl-C end it within seconds. What is left out is as
    :class:`bstviz.server.settings.Settings` have it.

    Args:
        experiments: Folders of runs to load; the bundled models where there are none.
        collections: Folders to look for a run's collection in, before the place that the run names.
        reviews: Folder for the decisions on labels; beside the first experiment when left out.
        port: TCP port; 0 lets the system choose.
        address: Address to listen on.
        browser: Open a browser on it when it answers.
        page: That it opens on; the first one when left out.
        api: Answer programs at ``/api/v1``, too (``docs/http.md``).
        pages: Show the pages; without them programs alone are answered.
        token_file: Holds the token that programs have to show, in place of the settings'.

    Raises:
        UserError: A setting is not allowed, the port is taken, or programs need a token here.
    """
    import streamlit

    settings = load_settings(
        experiments=tuple(str(Path(p).resolve()) for p in experiments),
        collections=tuple(str(Path(p).resolve()) for p in collections),
        reviews=None if reviews is None else str(Path(reviews).resolve()),
        port=port,
        address=address,
    )
    interface = _interface(settings, token_file) if api else None
    found = port_for(settings.address, settings.port)
    export(settings)
    script = paths.root() / "app.py"
    sys.argv = [str(script)]  # Streamlit looks beside it for its configuration
    options = {
        "server.headless": True,
        "server.port": found,
        "server.address": settings.address,
        "server.maxUploadSize": settings.upload_megabytes,
        "server.maxCacheDataSize": f"{settings.cache_megabytes}mb",
        "runner.postScriptGC": False,  # as .streamlit/config.toml says
    }
    if settings.address in EVERYWHERE:  # or else Streamlit asks a server on the internet what address this machine has
        options["browser.serverAddress"] = "localhost"
    log.for_server()
    lifespan = partial(_serving, settings, opened=page if browser else None, interface=interface)
    own = [*(interface.routes() if interface is not None else []), *routes()]
    app = streamlit.App(script, routes=own, middleware=middleware(pages=pages), lifespan=lifespan)
    login.check()
    app.run(config=options)


def _interface(settings: Settings, token_file: Path | None) -> Interface:
    from bstviz.server.api.access import access_of
    from bstviz.server.api.served import Served
    from bstviz.server.api.transport import Interface

    access = access_of(settings.token, token_file, settings.address, people_log_in=bool(settings.login))
    served = Served(tuple(map(Path, settings.experiments)), tuple(map(Path, settings.collections)))
    return Interface(served, access, upload_bytes=settings.upload_megabytes * 2**20)


def lifespan_of_settings() -> Lifespan:
    """For ``streamlit run app.py``, which has port, address and size of uploads from Streamlit's own options: the other
    settings, and how the app begins and ends.
    """
    try:
        settings = load_settings()
        share_memory()
        export(settings)
        login.check()
    except UserError as error:
        sys.exit(f"Error: {error}")
    log.for_server()
    return partial(_serving, settings, opened=None)


@asynccontextmanager
async def _serving(
    settings: Settings, app: object, *, opened: str | None, interface: Interface | None = None
) -> AsyncGenerator[None]:
    """From the first request on to the last; the server knows its port by now."""
    import streamlit

    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # below, it names visitors' addresses
    stopping.end_in_time()
    port = int(streamlit.get_option("server.port"))
    log.action("serve", version=__version__, port=port)
    if opened is not None:
        address = str(streamlit.get_option("server.address"))
        host = "localhost" if address in EVERYWHERE else f"[{address}]" if ":" in address else address
        threading.Thread(target=_open_browser, args=(f"http://{host}:{port}", opened), daemon=True).start()
    if interface is not None:
        threading.Thread(target=interface.warm, daemon=True).start()
    forgetting = asyncio.create_task(forget_visitors(settings.forget_seconds))
    try:
        yield
    finally:
        forgetting.cancel()
        log.action("stop")
        background.close()
        stopping.end_children()


def _open_browser(url: str, page: str) -> None:
    """Open a browser on a page when this server answers at an address, within a minute, and on no other's."""
    for _ in range(120):
        try:
            if is_this_server(url):
                webbrowser.open(f"{url}/{page}".rstrip("/"))
            else:
                log.warning("browser", opened=False, reason="another-server")
            return
        except OSError:
            time.sleep(0.5)
