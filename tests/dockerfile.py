"""A Dockerfile's lines, and what an engine would do with them, on a machine that has none: a layer over this machine's
own files stands in for the base image, and its Python for the image's.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

NETWORK = ("PIP_", "SSL_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
"""Variables by which this machine reaches package registries, as an engine's build would be given them."""
MOUNT = """
mount -t overlay overlay -o lowerdir=/,upperdir="$LAYER",workdir="$WORK" "$ROOT"
mount --rbind /dev "$ROOT/dev"
mount --rbind /proc "$ROOT/proc"
mount --rbind /sys "$ROOT/sys"
"""
READ_ONLY = """
mount --bind "$VOLUME" "$ROOT/data"
mount -t tmpfs tmpfs "$ROOT/tmp"
mount -o remount,ro "$ROOT"
"""


def instructions(text: str) -> list[tuple[str, str]]:
    """Instructions of a Dockerfile and their arguments, in order, without comments and in whole lines."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    whole = "\n".join(lines).replace("\\\n", " ").splitlines()
    return [(word, rest.strip()) for word, _, rest in (line.strip().partition(" ") for line in whole)]


def environment(text: str) -> dict[str, str]:
    """What the ENV lines of a Dockerfile set."""
    pairs = [pair for word, rest in instructions(text) if word == "ENV" for pair in shlex.split(rest)]
    return dict(pair.split("=", 1) for pair in pairs)


def argument(text: str, word: str) -> str:
    """The argument of the last instruction of a name."""
    return [rest for name, rest in instructions(text) if name == word][-1]


def command(text: str, word: str) -> list[str]:
    """The program and arguments of CMD, or those that HEALTHCHECK has."""
    found: list[str] = json.loads("[" + argument(text, word).partition("[")[2])
    return found


def can_be_built() -> bool:
    """Whether this machine lets a layer be mounted over its files."""
    return (
        sys.platform == "linux"
        and os.geteuid() == 0
        and all(map(shutil.which, ("unshare", "chroot", "setpriv")))
        and subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode == 0
    )


@dataclass
class Image:
    """What is built from a Dockerfile.

    Attributes:
        text: The Dockerfile.
        folder: An empty folder for the layer and the volume.
    """

    text: str
    folder: Path

    def __post_init__(self) -> None:
        for name in ("layer", "work", "root", "data"):
            (self.folder / name).mkdir()
        os.chown(self.folder / "data", self.user, self.user)

    @property
    def user(self) -> int:
        """Whom the container runs as."""
        return int(argument(self.text, "USER"))

    def build(self, context: Path, **arguments: str) -> None:
        """Follow ARG, RUN, WORKDIR and COPY, each RUN as root in the layer so far."""
        variables = dict(arguments)
        place = "/"
        self._stand_in()
        for word, rest in instructions(self.text):
            if word == "ARG":
                name, _, usual = rest.partition("=")
                variables.setdefault(name, usual)
            elif word == "WORKDIR":
                place = rest
                self._at(place).mkdir(parents=True, exist_ok=True)
            elif word == "COPY":
                *sources, to = rest.split()
                for source in sources:
                    self._copy(context / source, self._at(place) / (Path(source).name if to == "./" else to))
            elif word == "RUN":
                self._root_does(f"cd {place} && {rest}", variables)

    def run(self, *words: str, **more: str) -> list[str]:
        """A command line that runs a program as a container would: as its user, nothing to write on but /data and /tmp,
        no rights beyond a user's and no variables but the image's and those given.
        """
        home = f"/home/bstviz-{self.user}"
        variables = {"HOME": home, "PATH": self._path} | environment(self.text) | more
        user = f"--reuid={self.user} --regid={self.user} --clear-groups --no-new-privs --bounding-set=-all"
        inner = f"cd {argument(self.text, 'WORKDIR')} && exec {shlex.join(words)}"
        assigned = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
        script = f'{MOUNT}{READ_ONLY}exec chroot "$ROOT" env -i {assigned} setpriv {user} sh -c {shlex.quote(inner)}'
        return self._apart(script)

    _path = "/opt/python/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    def _apart(self, script: str) -> list[str]:
        places = {name.upper(): self.folder / name for name in ("layer", "work", "root")}
        known = [f"{name}={place}" for name, place in places.items()]
        return ["unshare", "--mount", "env", *known, f"VOLUME={self.folder / 'data'}", "sh", "-ec", script]

    def _root_does(self, line: str, variables: Mapping[str, str]) -> None:
        reached = {name: value for name, value in os.environ.items() if name.startswith(NETWORK)}
        given = reached | {"PATH": self._path, "HOME": "/root"} | dict(variables)
        assigned = " ".join(f"{name}={shlex.quote(value)}" for name, value in given.items())
        script = f'{MOUNT}exec chroot "$ROOT" env -i {assigned} sh -c {shlex.quote(line)}'
        done = subprocess.run(self._apart(script), capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stdout[-2_000:]}\n{done.stderr[-2_000:]}"

    def _stand_in(self) -> None:
        """Make this machine's files like the base image's: a bare Python first on the path, and user 1000 free."""
        ways = " ".join(shlex.quote(str(place)) for place in Path(sys.base_prefix).parents)
        self._root_does(
            f"chmod o+x {ways}; sed -i '/^[^:]*:[^:]*:{self.user}:/d' /etc/passwd /etc/group; "
            f"{shlex.quote(str(Path(sys.base_prefix) / 'bin' / 'python3'))} -m venv /opt/python",
            {},
        )

    def _at(self, place: str) -> Path:
        return self.folder / "layer" / place.lstrip("/")

    def _copy(self, source: Path, to: Path) -> None:
        if source.is_dir():
            shutil.copytree(source, to, ignore=shutil.ignore_patterns("__pycache__", "secrets.toml"))
        else:
            shutil.copy(source, to)
