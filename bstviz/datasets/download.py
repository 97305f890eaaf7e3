"""Published data sets from Zenodo to a collection: record, files, checksums, unpacking, import.

A data set's version is pinned in its module, so that the same command gives the same data; ``latest`` or a number
moves on. Everything lies in the cache by checksum: in ``downloads/<checksum>/`` while a file comes, and unpacked in
``data/<checksum>/``, whole or not there. So a stopped download goes on where it was, nothing that was whole comes
twice, and a file that changes is another one. Archives are unpacked within limits (:mod:`bstviz.audio.archive`).

References: https://developers.zenodo.org (records API). It answers 404 to the number that stands for all versions of a
data set (the "concept"), which the web page redirects; ``versions/latest`` of that number is the newest record.
"""

from __future__ import annotations

import dataclasses
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

from bstviz import paths
from bstviz.datasets import unpacking
from bstviz.datasets.base import TIMEOUT, TRIES, WAIT
from bstviz.datasets.collection import Collection
from bstviz.datasets.registry import DATASETS
from bstviz.errors import UserError

API = "https://zenodo.org/api"
LATEST = "latest"
DOWNLOAD_BYTES = 2**16  # bytes; a connection that breaks off loses less than that
PARTIAL, NOT_FOUND, OUT_OF_RANGE = 206, 404, 416
"""Of HTTP's statuses."""
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

    @property
    def folder_name(self) -> str:
        """Of the folders that it lies in while it comes, and once it is unpacked."""
        return self.checksum.replace(":", "-")


@dataclass(frozen=True)
class ZenodoRecord:
    """A Zenodo record: one version of a data set, by its number, and its files."""

    number: str
    files: tuple[RemoteFile, ...]


@contextmanager
def no_meter(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A :data:`Meter` that shows nothing."""
    yield lambda n: None


def fetchable() -> list[str]:
    """Ids of the data sets that can be fetched."""
    return [source_id for source_id, module in DATASETS.items() if module.SOURCE.record]


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
        record: Number of another Zenodo record, for another version of the data, or ``latest``; the version that
            :class:`bstviz.datasets.base.Source` pins when left out.
        folder: Where downloads and unpacked files go; the cache when left out.
        api: Address of the records API.
        meter: Shows progress.

    Returns:
        The collection, which says of which record it is.

    Raises:
        UserError: The data set or its record is unknown, the server cannot be reached, the disk is too small, a
            checksum does not fit, or an archive is refused.
    """
    if source_id not in fetchable():
        raise UserError(f"There is nothing to fetch for {source_id!r}; known: {', '.join(fetchable())}.")
    source = DATASETS[source_id].SOURCE
    number = record or source.record
    offline = os.environ.get(paths.OFFLINE_VARIABLE) == "1"
    if offline and number == LATEST:
        raise UserError(
            "Which record is the latest is not known in offline mode; leave out --record, or give a number."
        )
    latest = number == LATEST
    asked = source.record if latest else number
    found = ZenodoRecord(number, ()) if offline else read_record(asked, latest=latest, api=api)
    place = folder or paths.cache_folder() / "datasets" / f"{source_id}-{found.number}"
    data = place / "data"
    if not offline:
        _get(found, source.title, place, audio=audio, meter=meter)
    elif not data.is_dir():
        raise UserError(f"{source.title} is not in {place}, and nothing is downloaded in offline mode.")
    collection: Collection = DATASETS[source_id].load(data)
    return dataclasses.replace(collection, record=found.number)


def _get(record: ZenodoRecord, title: str, place: Path, *, audio: bool, meter: Meter) -> None:
    """Bring the files of a record into ``place/data``, and away what is of none of them."""
    downloads, data = place / "downloads", place / "data"
    known = {file.folder_name for file in record.files}
    _keep(data, known)
    here = {entry.name for entry in data.iterdir()} if data.is_dir() else set()
    _keep(downloads, known - here)
    todo = [file for file in record.files if (audio or not file.is_audio) and file.folder_name not in here]
    _check_space(place, sum(3 * file.size for file in todo))
    with meter(f"Downloading {title}", sum(file.size for file in todo)) as advance:
        for file in todo:
            download(file, downloads / file.folder_name, on_bytes=advance)
    for file in todo:
        unpacking.unpack(downloads / file.folder_name / file.name, data / file.folder_name)
        shutil.rmtree(downloads / file.folder_name)


def _keep(folder: Path, names: set[str]) -> None:
    """Delete everything else in a folder: of files that have changed since or have left the record, or are unpacked."""
    for entry in folder.iterdir() if folder.is_dir() else ():
        if entry.name not in names:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _check_space(place: Path, needed: int) -> None:
    existing = next(p for p in (place, *place.parents) if p.exists())
    free = shutil.disk_usage(existing).free
    if needed > free:
        raise UserError(
            f"About {needed / 2**30:.1f} GB are needed for the download and its unpacking, and {free / 2**30:.1f} GB "
            f"are free at {existing}. Set {paths.CACHE_VARIABLE} to a folder on another disk."
        )


def read_record(number: str, *, latest: bool = False, api: str = API) -> ZenodoRecord:
    """A Zenodo record and its files, in the order of their names.

    Args:
        number: Of the record, or of all versions of a data set, of which the newest is taken.
        latest: Take the newest version of the data set that the record is one of.
        api: Address of the records API.

    Raises:
        UserError: There is no such record, the server cannot be reached, or its answer is no record.
    """
    import requests

    address = f"{api}/records/{quote(number, safe='')}"
    tried = [f"{address}/versions/latest"] if latest else [address, f"{address}/versions/latest"]
    try:
        for asked in tried:
            answer = requests.get(asked, timeout=TIMEOUT)
            if answer.status_code != NOT_FOUND:
                break
        else:
            raise UserError(
                f"Zenodo has no record {number}, neither one version of a data set nor one with versions: "
                f"{' and '.join(tried)} are answered 404. Take the number from the address of the data set's page, or "
                f"leave out --record for the version that bstviz knows."
            )
        answer.raise_for_status()
        entry = answer.json()
        files = tuple(
            RemoteFile(file["key"], int(file["size"]), str(file["checksum"]), file["links"]["self"])
            for file in entry["files"]
        )
        found = ZenodoRecord(str(int(entry["id"])), tuple(sorted(files, key=lambda file: file.name)))
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"The record {address} could not be read ({error}). Check the connection and try again."
        ) from None
    for file in found.files:
        if PurePosixPath(file.name).name != file.name or file.name.startswith(".") or "\\" in file.name:
            raise UserError(f"The record {address} names a file {file.name!r}, which leads out of the folder: refused.")
        if not re.fullmatch(r"[a-z0-9]+:[0-9a-f]+", file.checksum):
            raise UserError(f"The record {address} has the checksum {file.checksum!r} of {file.name}: refused.")
    return found


def download(file: RemoteFile, folder: Path, *, on_bytes: Callable[[int], None] = lambda n: None) -> Path:
    """Download a file, going on where a stopped one was, and check it.

    What was taken up and comes out wrong is of two states of the file, and is begun anew once.

    Args:
        file: What to get.
        folder: Where to put it; what lies there is of this file, in this state.
        on_bytes: Called with the number of bytes that came since the last call, those of an earlier try first, and a
            negative one where they were in vain.

    Raises:
        UserError: The server cannot be reached or breaks off again and again, or the checksum does not fit.
    """
    import requests

    folder.mkdir(parents=True, exist_ok=True)
    target, part = folder / file.name, folder / f"{file.name}.part"
    if target.is_file():
        on_bytes(file.size)
        return target
    counted = 0
    problem: object = "it broke off"
    for attempt in range(TRIES):
        have = part.stat().st_size if part.is_file() else 0
        on_bytes(have - counted)
        counted = have
        if have < file.size or not part.is_file():
            try:
                for count in _onward(file, part, have):
                    counted += count
                    on_bytes(count)
            except requests.RequestException as error:
                problem = error
        if not part.is_file() or part.stat().st_size < file.size:
            time.sleep(WAIT * attempt)
            continue
        if _checks(file, part):
            part.replace(target)
            return target
        part.unlink()
        if not have:
            raise UserError(
                f"{file.name} arrived damaged: its checksum is not {file.checksum}. It was deleted; run the same "
                "command again."
            )
        problem = "it has changed since a part of it came"
    raise UserError(
        f"{file.name} could not be downloaded from {file.url}: {problem}. Run the same command again to go on where it "
        "was."
    )


def _onward(file: RemoteFile, part: Path, have: int) -> Iterator[int]:
    """Append what is missing of a file to the ``have`` bytes of its part; yields the bytes of each block.

    Where the server starts from the beginning, so does the part, and the first number is ``-have``.
    """
    import requests

    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(file.url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        if answer.status_code == OUT_OF_RANGE:  # the file there has become shorter
            part.unlink()
            yield -have
        answer.raise_for_status()
        onward = answer.status_code == PARTIAL
        if have and not onward:
            yield -have
        with part.open("ab" if onward else "wb") as out:
            for block in answer.iter_content(DOWNLOAD_BYTES):
                out.write(block)
                yield len(block)


def _checks(file: RemoteFile, path: Path) -> bool:
    """Whether a file on disk has the checksum that its record states."""
    import pooch

    algorithm, _, digest = file.checksum.partition(":")
    return bool(pooch.file_hash(str(path), alg=algorithm) == digest)
