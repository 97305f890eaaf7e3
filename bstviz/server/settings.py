"""Settings of the app: what the command line says, else the environment, else ``bstviz.toml`` of the working folder (or
``[tool.bstviz]`` of its ``pyproject.toml``), else the defaults.

A setting has one name everywhere: ``upload_megabytes`` is ``BSTVIZ_UPLOAD_MEGABYTES`` in the environment. What holds in
the end is written back there, where pages and decoder processes find it.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from bstviz import schema, stored
from bstviz.errors import UserError
from bstviz.schema import Line, Place

SETTINGS_FILE, PROJECT_FILE = "bstviz.toml", "pyproject.toml"
SETTINGS_BYTES = 2**20
Port = Annotated[int, Meta(ge=0, le=65_535)]
Address = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9._:%-]{1,253}\Z", description="a host name or an IP address")]
Person = Annotated[
    str,
    Meta(
        pattern=r"\A(?:\*|(?:\*|[^\s@:;*?\[]{1,100})@[^\s@:;*?\[]{1,253})\Z",
        description="an e-mail address, *@ and a domain, or * for everybody whom the provider knows",
    ),
]
Folders = Annotated[tuple[Place, ...], Meta(max_length=1_000)]


@dataclass(frozen=True)
class Settings:
    """What the app is served with.

    Attributes:
        experiments: Folders of runs; the bundled models where there are none.
        collections: Folders to look for a run's collection in, before the place that the run names.
        reviews: Folder for the decisions on labels; beside the first experiment where there is none.
        port: TCP port, 0 for one of the system's choice; the first free one from 8501 on where there is none.
        address: Address to listen on.
        upload_megabytes: Size of an uploaded file at most, in units of 2^20 bytes.
        decode_seconds: Processor time that decoding a file may take, besides what its size adds; the decoders' own
            limit where there is none.
        decode_megabytes: Memory that decoding a file may take, in units of 2^20 bytes; likewise.
        cache_megabytes: What pages keep in memory for all visitors, in units of 2^20 bytes, of each of two kinds.
        forget_seconds: How long a visitor's session outlives the last window, from when the server has noticed that it
            is gone: a broken connection finds it again.
        login: Who may come in after logging in; nobody has to where there are none.
        token: What programs have to show (:mod:`bstviz.server.api.access`); "" where there is none. A secret, it stands
            in no environment but where it was put.
    """

    experiments: Folders = ()
    collections: Folders = ()
    reviews: Place | None = None
    port: Port | None = None
    address: Address = "localhost"
    upload_megabytes: Annotated[int, Meta(ge=1, le=100_000)] = 200
    decode_seconds: Annotated[int, Meta(ge=1, le=86_400)] | None = None
    decode_megabytes: Annotated[int, Meta(ge=256, le=1_000_000)] | None = None
    cache_megabytes: Annotated[int, Meta(ge=64, le=10_000_000)] = 4_096
    forget_seconds: Annotated[int, Meta(ge=1, le=90)] = 90
    login: Annotated[tuple[Person, ...], Meta(max_length=1_000)] = ()
    token: Line = ""


NAMES = tuple(field.name for field in fields(Settings))
SECRETS = ("token",)
LISTS = tuple(field.name for field in fields(Settings) if field.default == ())


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"BSTVIZ_{name.upper()}"


def load_settings(folder: Path | None = None, **given: Any) -> Settings:
    """The settings that hold.

    Args:
        folder: Where the settings file may lie; the working folder when left out.
        **given: What the command line says, by the names of :class:`Settings`; None or () says nothing.

    Raises:
        UserError: A setting is unknown, or its value is not allowed; says whose it is.
    """
    said = {name: value for name, value in given.items() if value not in (None, ())}
    found = replace(Settings(), **{**_from_file(folder or Path()), **_from_environment(), **said})
    schema.check(found)
    return found


def export(settings: Settings) -> None:
    """Write settings into the environment of this process and its children."""
    for name in (name for name in NAMES if name not in SECRETS):
        value = getattr(settings, name)
        os.environ[variable(name)] = "" if value is None else _joined(value) if isinstance(value, tuple) else str(value)


def _joined(entries: tuple[str, ...]) -> str:
    return os.pathsep.join(entries)


def _from_file(folder: Path) -> dict[str, Any]:
    """What the settings file of a folder says; its paths start there."""
    file, entry = folder / SETTINGS_FILE, None
    if file.is_file():
        entry = _read(file)
    elif (folder / PROJECT_FILE).is_file():
        file = folder / PROJECT_FILE
        tool = _read(file).get("tool", {})
        if not isinstance(tool, dict):
            raise UserError(f"{file}: tool is {schema.shown(tool)}; allowed is a table, [tool.bstviz].")
        entry = tool.get("bstviz")
    if entry is None:
        return {}
    if not isinstance(entry, dict):
        raise UserError(f"{file}: tool.bstviz is {schema.shown(entry)}; allowed is a table, [tool.bstviz].")
    if unknown := sorted(set(entry) - set(NAMES)):
        raise UserError(f"{file} has the unknown setting {unknown[0]!r}; allowed are {', '.join(sorted(NAMES))}.")
    said = schema.convert(entry, Settings, str(file))
    return {name: _placed(getattr(said, name), name, folder) for name in entry}


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(stored.read_text(file, limit=SETTINGS_BYTES))
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        raise UserError(f"{file} is not valid TOML: {error}. Correct it, or start in another folder.") from None


def _from_environment() -> dict[str, Any]:
    """What environment variables say; an empty one says nothing."""
    said = {}
    for name in NAMES:
        text = os.environ.get(variable(name), "")
        if text:
            value: Any = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else text
            if name in LISTS:
                value = [entry for entry in text.split(os.pathsep) if entry]
            elif name in ("reviews", *SECRETS):
                value = text
            found = getattr(schema.convert({name: value}, Settings, variable(name)), name)
            said[name] = _placed(found, name, Path())
    return said


def _placed(value: Any, name: str, folder: Path) -> Any:
    """A setting's value with paths made absolute, from a folder on."""
    if name in ("experiments", "collections"):
        return tuple(str((folder / Path(place).expanduser()).resolve()) for place in value)
    return str((folder / Path(value).expanduser()).resolve()) if name == "reviews" else value
