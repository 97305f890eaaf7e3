"""Published data sets from Zenodo to a collection: record, files, checksums, unpacking, import.

Downloads lie in the cache. A stopped one goes on where it was; a file whose checksum is not the record's is thrown
away; archives are unpacked within limits (:mod:`bstviz.audio.archive`), each once.

References: https://developers.zenodo.org (records API).
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from bstviz import paths, storage
from bstviz.audio import archive
from bstviz.datasets.collection import Collection
from bstviz.datasets.registry import DATASETS
from bstviz.errors import UserError

API = "https://zenodo.org/api"
DOWNLOAD_BYTES = 2**16  # bytes; a connection that breaks off loses less than that
TRIES, WAIT = 5, 2.0  # connections to get one file, and seconds between them, growing
TIMEOUT = 60.0
AUDIO_FILE = re.compile(r"audio", re.IGNORECASE)
NO_AUDIO_FILE = re.compile(r"embedding|feature|clap|metadata", re.IGNORECASE)
Meter = Callable[[str, int], Any]
"""Shows progress in bytes: ``with meter(what, total) as advance: advance(n)``."""


@dataclass(frozen=True)
class RemoteFile:
    """A file of a record: its name, size in bytes, checksum as ``algorithm:hexadecimal``, and address."""

    name: str
    size: int
    checksum: str
    url: str

    @property
    def is_audio(self) -> bool:
        """Whether it holds sounds, which are only fetched when asked for."""
        return bool(AUDIO_FILE.search(self.name)) and not NO_AUDIO_FILE.search(self.name)


@contextmanager
def no_meter(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A :data:`Meter` that shows nothing."""
    yield lambda n: None


def fetchable() -> list[str]:
    """Ids of the data sets that can be fetched."""
    return [source_id for source_id, module in DATASETS.items() if "zenodo.org" in module.SOURCE.url]


def fetch(
    source_id: str,
    *,
    audio: bool = False,
    record: str | None = None,
    folder: Path | None = None,
    api: str = API,
    meter: Meter = no_meter,
) -> Collection:
    """Download a published data set, unpack it and import it.

    Args:
        source_id: ``bsd10k`` or ``bsd35k``.
        audio: Fetch the sounds too.
        record: Number of another Zenodo record, for other versions of the data.
        folder: Where downloads and unpacked files go; the cache when left out.
        api: Address of the records API.
        meter: Shows progress.

    Raises:
        UserError: The data set is unknown, the server cannot be reached, the disk is too small, a checksum does not
            fit, or an archive is refused.
    """
    if source_id not in fetchable():
        raise UserError(f"There is nothing to fetch for {source_id!r}; known: {', '.join(fetchable())}.")
    source = DATASETS[source_id].SOURCE
    number = record or source.url.rstrip("/").rsplit("/", 1)[-1]
    place = folder or paths.cache_folder() / "datasets" / f"{source_id}-{number}"
    if os.environ.get(paths.OFFLINE_VARIABLE) == "1":
        if not (place / "data").is_dir():
            raise UserError(f"{source.title} is not in {place}, and nothing is downloaded in offline mode.")
        return DATASETS[source_id].load(place / "data")
    files = [file for file in record_files(number, api=api) if audio or not file.is_audio]
    downloads, data = place / "downloads", place / "data"
    todo = [file for file in files if not _marker(downloads, file).is_file()]
    _check_space(place, sum(3 * file.size for file in todo))
    with meter(f"Downloading {source.title}", sum(file.size for file in todo)) as advance:
        for file in todo:
            download(file, downloads, on_bytes=advance)
    for file in todo:
        path = downloads / file.name
        if path.suffix.lower() == ".zip":
            archive.unpack(path, data)
        else:
            target = data / ("metadata" if path.suffix.lower() == ".csv" else ".") / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        path.unlink()
        storage.write_file(_marker(downloads, file), b"")
    collection: Collection = DATASETS[source_id].load(data)
    return collection


def _marker(downloads: Path, file: RemoteFile) -> Path:
    """File that stands for one that has been downloaded and unpacked."""
    return downloads / f"{file.name}.{file.checksum.replace(':', '-')}.done"


def _check_space(place: Path, needed: int) -> None:
    existing = next(p for p in (place, *place.parents) if p.exists())
    free = shutil.disk_usage(existing).free
    if needed > free:
        raise UserError(
            f"About {needed / 2**30:.1f} GB are needed for the download and its unpacking, and {free / 2**30:.1f} GB "
            f"are free at {existing}. Set {paths.CACHE_VARIABLE} to a folder on another disk."
        )


def record_files(number: str, *, api: str = API) -> list[RemoteFile]:
    """Files of a Zenodo record, in the order of their names.

    Raises:
        UserError: The server cannot be reached, or its answer is no record.
    """
    import requests

    address = f"{api}/records/{quote(number, safe='')}"
    try:
        answer = requests.get(address, timeout=TIMEOUT)
        answer.raise_for_status()
        entries = answer.json()["files"]
        files = [
            RemoteFile(entry["key"], int(entry["size"]), str(entry["checksum"]), entry["links"]["self"])
            for entry in entries
        ]
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"The record {address} could not be read ({error}). Check the connection and try again."
        ) from None
    for file in files:
        if PurePosixPath(file.name).name != file.name or file.name.startswith(".") or "\\" in file.name:
            raise UserError(f"The record {address} names a file {file.name!r}, which leads out of the folder: refused.")
    return sorted(files, key=lambda file: file.name)


def download(file: RemoteFile, folder: Path, *, on_bytes: Callable[[int], None] = lambda n: None) -> Path:
    """Download a file, going on where a stopped one was, and check it.

    Args:
        file: What to get.
        folder: Where to put it.
        on_bytes: Called with the number of bytes that came since the last call, those of an earlier try first.

    Raises:
        UserError: The server cannot be reached or breaks off again and again, or the checksum does not fit.
    """
    import pooch
    import requests

    folder.mkdir(parents=True, exist_ok=True)
    target, part = folder / file.name, folder / f"{file.name}.part"
    if target.is_file():
        on_bytes(file.size)
        return target
    reported = 0
    problem: object = "it broke off"
    for attempt in range(TRIES):
        have = part.stat().st_size if part.is_file() else 0
        if have > file.size:
            part.unlink()
            have = 0
        on_bytes(have - reported)
        reported = have
        if have == file.size and part.is_file():
            break
        try:
            with requests.get(
                file.url, headers={"Range": f"bytes={have}-"} if have else {}, stream=True, timeout=TIMEOUT
            ) as answer:
                answer.raise_for_status()
                onward = answer.status_code == 206
                if have and not onward:  # the server starts from the beginning
                    on_bytes(-reported)
                    reported = 0
                with part.open("ab" if onward else "wb") as out:
                    for block in answer.iter_content(DOWNLOAD_BYTES):
                        out.write(block)
                        on_bytes(len(block))
                        reported += len(block)
        except requests.RequestException as error:
            problem = error
        if part.is_file() and part.stat().st_size == file.size:
            break
        time.sleep(WAIT * attempt)
    else:
        raise UserError(
            f"{file.name} could not be downloaded from {file.url}: {problem}. Run the same command again to go on "
            "where it was."
        )
    algorithm, _, digest = file.checksum.rpartition(":")
    if pooch.file_hash(str(part), alg=algorithm or "md5") != digest:
        part.unlink()
        raise UserError(
            f"{file.name} arrived damaged: its checksum is not {file.checksum}. It was deleted; run the same command "
            "again."
        )
    part.replace(target)
    return target
