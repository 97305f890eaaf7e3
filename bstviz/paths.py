"""Where things are: the pages and assets of this installation, the cache, and the variables that say otherwise; and how
names of files that are not UTF-8 are written down.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from bstviz.errors import UserError

CACHE_VARIABLE = "BSTVIZ_CACHE"
OFFLINE_VARIABLE = "BSTVIZ_OFFLINE"
"""Set to 1, nothing is downloaded: what is not in the cache is an error that says so."""
EXPERIMENTS_VARIABLE = "BSTVIZ_EXPERIMENTS"
COLLECTION_VARIABLE = "BSTVIZ_COLLECTIONS"
REVIEWS_VARIABLE = "BSTVIZ_REVIEWS"
"""Folder of the decisions on labels; see :func:`bstviz.review.record_files.record_file`."""
DECODE_SECONDS_VARIABLE, DECODE_MEGABYTES_VARIABLE = "BSTVIZ_DECODE_SECONDS", "BSTVIZ_DECODE_MEGABYTES"
"""Limits of decoder processes; see :mod:`bstviz.audio.sandbox.pool`."""
CACHE_MEGABYTES_VARIABLE = "BSTVIZ_CACHE_MEGABYTES"
"""Limit of what pages keep; see :mod:`bstviz.ui.kept`."""
LOGIN_VARIABLE = "BSTVIZ_LOGIN"
"""Who may come in; see :mod:`bstviz.server.login`."""

FOLDERS = (EXPERIMENTS_VARIABLE, COLLECTION_VARIABLE, REVIEWS_VARIABLE, CACHE_VARIABLE)
"""Variables that name folders."""
DIRECTORIES = re.compile(r"""(?<![\w:/.])(?:/[^\s/'",;()<>]+)*/(?=[^\s/])|(?<!\w)[A-Za-z]:\\(?:[^\s\\'",;()<>]+\\)*""")
"""What stands before the last name of an absolute path."""

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
SURROGATE = re.compile(r"[\ud800-\udc7f\udd00-\udfff]")
"""Halves of a character that stand for no byte of a file's name."""
BUNDLED_WORDS = "bsd10k-words"
"""Folder of the experiment on BSD10k's titles and tags, among the assets."""
ESCAPE = re.compile(r"\\x([0-9a-f]{2})")


def readable(path: str | Path) -> str:
    """A path, or a text with names of files in it, as it can be shown and stored: without bytes that are not UTF-8.

    A name in Latin-1, as old archives and disks have them, becomes ``T\\xfcr.wav``; :func:`on_disk` finds it again.
    """
    text = SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", str(path))
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def listed(path: str | Path) -> str:
    """A path as ids and tables hold it: :func:`readable`, and control characters (a name with a line break) as
    ``\\x0a`` too.
    """
    return CONTROL.sub(lambda found: "".join(f"\\x{byte:02x}" for byte in found[0].encode()), readable(path))


def on_disk(path: str | Path) -> Path:
    """Where the file lies whose path :func:`readable` wrote down; a file that is really named so comes first."""
    whole, place = Path(path), Path()
    if not ESCAPE.search(str(path)):
        return whole
    for part in whole.parts:
        raw = re.sub(rb"\\x([0-9a-f]{2})", lambda byte: bytes.fromhex(byte[1].decode()), os.fsencode(part))
        place = place / (part if os.path.lexists(place / part) else os.fsdecode(raw))
    return place


def is_below(folder: Path, path: str, *, follow_links: bool = False) -> bool:
    """Whether a path that :func:`readable` wrote down stays in a folder; by a link that leaves it only with
    ``follow_links``.
    """
    place = os.path.normpath if follow_links else os.path.realpath
    try:
        return Path(place(on_disk(folder / path))).is_relative_to(place(folder))
    except (OSError, ValueError):  # what no file can be called
        return False


def without_places(text: str) -> str:
    """A text in which absolute paths are shortened, for those who may not know where things lie on this machine: to
    what follows the folder above one of the app's own, or else to their last name.
    """
    given = [folder for name in FOLDERS for folder in os.environ.get(name, "").split(os.pathsep) if folder]
    own = [assets(), Path(os.path.expanduser("~")), Path.cwd(), Path(tempfile.gettempdir())]  # noqa: PTH111 (that of Path raises where there is no home)
    above = {place.parent for folder in (*map(Path, given), *own) for place in (folder, folder.resolve())}
    for folder in sorted(map(str, above), key=len, reverse=True):
        if folder not in (os.sep, os.curdir):
            text = text.replace(f"{folder}{os.sep}", "")
    return DIRECTORIES.sub("", text)


def limit(variable: str, usual: int) -> int:
    """The whole number from 1 on that an environment variable names; the usual one where it names none.

    Raises:
        UserError: It names something else.
    """
    given = os.environ.get(variable, "")
    if given and not re.fullmatch("[1-9][0-9]{0,6}", given):
        raise UserError(f"{variable} is {given!r}; allowed is a whole number from 1 to 9,999,999.")
    return int(given or usual)


def root() -> Path:
    """Folder of app.py, pages and assets: their copy inside an installed package, or the repository."""
    package = Path(__file__).parent
    for folder in (package / "web", package.parent):
        if (folder / "app.py").is_file() and (folder / "pages").is_dir():
            return folder
    raise UserError("app.py and pages are missing from this installation; install bstviz again.")


def assets() -> Path:
    """Folder of the logo, the demo, the bundled models and the experiment on BSD10k."""
    return root() / "assets"


def bundled_experiments() -> list[Path]:
    """Folders of runs that are looked at where nobody names others: the demo's, and those on BSD10k's words."""
    return [folder for name in ("runs", BUNDLED_WORDS) if (folder := assets() / name).is_dir()]


def cache_folder() -> Path:
    """Where downloads and libraries are kept: BSTVIZ_CACHE, or the system's place for caches.

    Raises:
        UserError: The system has none, for somebody without a home folder.
    """
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return Path(given).expanduser()
    import pooch

    try:
        return Path(pooch.os_cache("bstviz"))
    except RuntimeError:
        raise UserError(
            f"There is no home folder to keep a cache in. Set {CACHE_VARIABLE} to a folder that can be written to."
        ) from None
