"""Where things are: the pages and assets of this installation, the cache, and the variables that say otherwise."""

from __future__ import annotations

import os
from pathlib import Path

from bstviz.errors import UserError

CACHE_VARIABLE = "BSTVIZ_CACHE"
OFFLINE_VARIABLE = "BSTVIZ_OFFLINE"
"""Set to 1, nothing is downloaded: what is not in the cache is an error that says so."""
EXPERIMENTS_VARIABLE = "BSTVIZ_EXPERIMENTS"
COLLECTION_VARIABLE = "BSTVIZ_COLLECTIONS"
REVIEWS_VARIABLE = "BSTVIZ_REVIEWS"
"""Folder of the decisions on labels; see :func:`bstviz.review.decisions.record_file`."""


def root() -> Path:
    """Folder of app.py, pages and assets: their copy inside an installed package, or the repository."""
    package = Path(__file__).parent
    for folder in (package / "web", package.parent):
        if (folder / "app.py").is_file() and (folder / "pages").is_dir():
            return folder
    raise UserError("app.py and pages are missing from this installation; install bstviz again.")


def assets() -> Path:
    """Folder of the logo, the demo and the bundled models."""
    return root() / "assets"


def cache_folder() -> Path:
    """Where downloads and libraries are kept: BSTVIZ_CACHE, or the system's place for caches."""
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return Path(given).expanduser()
    import pooch

    return Path(pooch.os_cache("bstviz"))
