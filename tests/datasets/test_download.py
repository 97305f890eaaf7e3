from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from bstviz.datasets.collection import FREESOUND_ROOT, load_collection
from bstviz.datasets.download import DOWNLOAD_BYTES, RemoteFile, download, fetch, read_record
from bstviz.errors import UserError
from tests.cli.conftest import invoke
from tests.datasets.conftest import ROWS, wav

CONCEPT, RECORD, NEWEST = "17233904", "19868804", "19999999"


@dataclass
class Zenodo:
    """A server that answers as Zenodo's records API: a data set of two versions, 404 to the number of both.

    Attributes:
        files: Of the pinned version; the newest has those and ``more``.
        asked: What was asked for of files: name and range.
        held: Name of a file of which only half is sent, until another name stands here.
    """

    files: dict[str, bytes]
    api: str = ""
    ranges: bool = True
    break_off: int = 0  # connections to cut after half of what was asked for
    more: dict[str, bytes] = field(default_factory=dict)
    stated: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    held: str = ""

    def files_of(self, number: str) -> dict[str, bytes]:
        return self.files | (self.more if number == NEWEST else {})

    def record(self, number: str) -> bytes:
        entries = [
            {
                "key": name,
                "size": len(data),
                "checksum": self.stated.get(name, "md5:" + hashlib.md5(data).hexdigest()),
                "links": {"self": f"{self.api}/records/{number}/files/{name}/content"},
            }
            for name, data in self.files_of(number).items()
        ]
        return json.dumps({"id": int(number), "conceptrecid": CONCEPT, "files": entries}).encode()


def handler(zenodo: Zenodo) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            if match := re.fullmatch(rf"/api/records/({RECORD}|{NEWEST})", self.path):
                self.answer(200, zenodo.record(match[1]))
            elif re.fullmatch(rf"/api/records/({CONCEPT}|{RECORD}|{NEWEST})/versions/latest", self.path):
                self.answer(200, zenodo.record(NEWEST))
            elif (match := re.fullmatch(rf"/api/records/({RECORD}|{NEWEST})/files/(.+)/content", self.path)) and (
                data := zenodo.files_of(match[1]).get(match[2])
            ):
                self.file(match[2], data)
            else:
                self.answer(404, b'{"status": 404, "message": "The persistent identifier does not exist."}')

        def file(self, name: str, data: bytes) -> None:
            wanted = self.headers.get("Range")
            zenodo.asked.append((name, wanted))
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and zenodo.ranges else 0
            if start >= len(data):
                self.answer(416, b"")
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            half = start + (len(data) - start) // 2
            self.wfile.write(data[start:half])
            if zenodo.break_off:
                zenodo.break_off -= 1
                self.close_connection = True
                return
            while zenodo.held == name:
                time.sleep(0.01)
            with suppress(OSError):  # whoever asked may be gone
                self.wfile.write(data[half:])

        def answer(self, status: int, data: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def npy(value: float) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.full(512, value, np.float32))
    return buffer.getvalue()


@pytest.fixture
def zenodo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Zenodo]:
    """A server with a small BSD10k: a table, an archive of embeddings and one of sounds."""
    monkeypatch.setattr("bstviz.datasets.download.WAIT", 0.0)
    monkeypatch.setenv("BSTVIZ_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("BSTVIZ_OFFLINE", raising=False)
    ids = ["15", "21", "26"]
    features = {
        f"features/clap_{k}_embeddings/{s}.npy": npy(i + d)
        for i, s in enumerate(ids)
        for d, k in ((0, "audio"), (0.5, "text"))
    }
    wav(tmp_path / "one.wav")
    sounds = {f"BSD10k/audio/{s}.wav": (tmp_path / "one.wav").read_bytes() for s in ids}
    files = {
        "BSD10k_metadata.csv": ROWS.to_csv(index=False).encode(),
        "BSD10k_clap_audio_and_text_embeddings.zip": zipped(features),
        "BSD10k_audio.zip": zipped(sounds),
    }
    server = Zenodo(files)
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler(server))
    server.api = f"http://127.0.0.1:{http.server_port}/api"
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    yield server
    http.shutdown()
    http.server_close()


def test_one_call_makes_a_collection_with_the_official_embeddings(zenodo: Zenodo) -> None:
    collection = fetch("bsd10k", api=zenodo.api)
    assert collection.sounds["sound_id"].tolist() == ["15", "21", "26"]
    assert collection.embedding("audio")[:, 0].tolist() == [0, 1, 2]
    assert collection.embedding("text")[:, 0].tolist() == [0.5, 1.5, 2.5]
    assert collection.audio_root == FREESOUND_ROOT
    assert not collection.has_audio(0)
    assert collection.embedded_player(1) == "https://freesound.org/embed/sound/iframe/21/simple/medium/"
    assert "BSD10k_audio.zip" not in {name for name, _ in zenodo.asked}


def test_the_version_is_pinned_and_recorded_and_another_one_is_asked_for(zenodo: Zenodo, tmp_path: Path) -> None:
    zenodo.more = {"BSD10k_metadata.csv": ROWS.head(2).to_csv(index=False).encode()}
    assert (len(pinned := fetch("bsd10k", api=zenodo.api)), pinned.record) == (3, RECORD)
    for asked in ("latest", CONCEPT, NEWEST):
        newest = fetch("bsd10k", record=asked, api=zenodo.api)
        assert (len(newest), newest.record) == (2, NEWEST)
    assert load_collection(newest.save(tmp_path / "c")).record == NEWEST
    assert fetch("bsd10k", record=RECORD, api=zenodo.api).record == RECORD


def test_the_sounds_come_when_asked_for_and_nothing_comes_twice(zenodo: Zenodo) -> None:
    fetch("bsd10k", api=zenodo.api)
    zenodo.asked.clear()
    collection = fetch("bsd10k", audio=True, api=zenodo.api)
    assert [name for name, _ in zenodo.asked] == ["BSD10k_audio.zip"]
    assert [len(collection.load_audio(row)[0]) for row in range(3)] == [800] * 3
    assert collection.embedded_player(0) is None
    fetch("bsd10k", audio=True, api=zenodo.api)
    assert len(zenodo.asked) == 1


def test_a_broken_connection_is_taken_up_where_it_was(zenodo: Zenodo, tmp_path: Path) -> None:
    data = np.random.default_rng(0).bytes(1_000_000)
    zenodo.files = {"big.zip": data}
    zenodo.break_off = 2
    reported: list[int] = []
    (file,) = read_record(RECORD, api=zenodo.api).files
    assert download(file, tmp_path, on_bytes=reported.append).read_bytes() == data
    starts = [int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0 for _, asked in zenodo.asked]
    assert starts[0] == 0
    assert 400_000 < starts[1] <= 500_000 < starts[2] <= 750_000
    assert sum(reported) == len(data)
    assert sorted(f.name for f in tmp_path.iterdir() if f.name.startswith("big")) == ["big.zip"]


def test_a_killed_download_goes_on(zenodo: Zenodo, tmp_path: Path) -> None:
    (file,) = (f for f in read_record(RECORD, api=zenodo.api).files if f.name == "BSD10k_audio.zip")
    whole = zenodo.files[file.name]
    (tmp_path / f"{file.name}.part").write_bytes(whole[:100])
    assert download(file, tmp_path).read_bytes() == whole
    assert zenodo.asked == [(file.name, "bytes=100-")]


@pytest.mark.parametrize("held", [100, 10**6])
def test_a_server_without_ranges_or_a_stale_part_starts_again(zenodo: Zenodo, tmp_path: Path, held: int) -> None:
    zenodo.ranges = False
    (file,) = (f for f in read_record(RECORD, api=zenodo.api).files if f.name == "BSD10k_audio.zip")
    (tmp_path / f"{file.name}.part").write_bytes(b"x" * held)
    reported: list[int] = []
    assert download(file, tmp_path, on_bytes=reported.append).read_bytes() == zenodo.files[file.name]
    assert sum(reported) == file.size


def test_a_part_of_a_file_that_has_changed_is_begun_anew(zenodo: Zenodo, tmp_path: Path) -> None:
    (file,) = (f for f in read_record(RECORD, api=zenodo.api).files if f.name == "BSD10k_audio.zip")
    for held in (b"x" * 100, b"x" * file.size):  # of what the file was before, half of it or all
        (tmp_path / f"{file.name}.part").write_bytes(held)
        reported: list[int] = []
        assert download(file, tmp_path, on_bytes=reported.append).read_bytes() == zenodo.files[file.name]
        assert sum(reported) == file.size
        (tmp_path / file.name).unlink()


def test_a_file_that_became_shorter_is_not_asked_for_for_ever(zenodo: Zenodo, tmp_path: Path) -> None:
    (file,) = (f for f in read_record(RECORD, api=zenodo.api).files if f.name == "BSD10k_audio.zip")
    (tmp_path / f"{file.name}.part").write_bytes(b"x" * (file.size - 1))
    zenodo.files[file.name] = zenodo.files[file.name][:50]
    with pytest.raises(UserError, match="could not be downloaded"):
        download(file, tmp_path)
    assert zenodo.asked[0][1] == f"bytes={file.size - 1}-"
    assert zenodo.asked[1][1] is None


def test_a_file_that_changes_between_two_calls_comes_again_and_no_other(zenodo: Zenodo, tmp_path: Path) -> None:
    fetch("bsd10k", api=zenodo.api, folder=tmp_path / "f")
    zenodo.files["BSD10k_metadata.csv"] = ROWS.assign(title=["A", "B", "C"]).to_csv(index=False).encode()
    zenodo.asked.clear()
    again = fetch("bsd10k", api=zenodo.api, folder=tmp_path / "f")
    assert again.sounds["title"].tolist() == ["A", "B", "C"]
    assert zenodo.asked == [("BSD10k_metadata.csv", None)]


def test_a_killed_fetch_goes_on_and_nothing_that_was_whole_comes_twice(zenodo: Zenodo, tmp_path: Path) -> None:
    first, features, table = "A_first.bin", "BSD10k_clap_audio_and_text_embeddings.zip", "BSD10k_metadata.csv"
    zenodo.files[first] = b"first"
    zenodo.files[features] = bytes(2**20) + zenodo.files[features]  # more than one block
    zenodo.held, half = features, len(zenodo.files[features]) // 2
    command = "import pathlib, sys; from bstviz.datasets.download import fetch; "
    command += "fetch('bsd10k', api=sys.argv[1], folder=pathlib.Path(sys.argv[2]))"
    process = subprocess.Popen([sys.executable, "-c", command, zenodo.api, str(tmp_path / "f")])
    deadline = time.monotonic() + 120
    try:
        while sum(part.stat().st_size for part in tmp_path.rglob("*.part")) < half - DOWNLOAD_BYTES:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
        zenodo.held = ""
    assert zenodo.asked == [(first, None), (features, None)]
    zenodo.asked.clear()
    collection = fetch("bsd10k", api=zenodo.api, folder=tmp_path / "f")
    assert collection.embedding("audio")[:, 0].tolist() == [0, 1, 2]
    (name, onward), last = zenodo.asked
    assert (name, last) == (features, (table, None))
    assert half - DOWNLOAD_BYTES <= int(str(onward).removeprefix("bytes=").rstrip("-")) <= half


def test_a_wrong_checksum_throws_the_file_away(zenodo: Zenodo, tmp_path: Path) -> None:
    zenodo.stated["BSD10k_metadata.csv"] = "md5:" + "0" * 32
    with pytest.raises(UserError, match="arrived damaged"):
        fetch("bsd10k", api=zenodo.api, folder=tmp_path / "f")
    assert not list((tmp_path / "f" / "downloads").rglob("BSD10k_metadata*"))
    del zenodo.stated["BSD10k_metadata.csv"]
    assert len(fetch("bsd10k", api=zenodo.api, folder=tmp_path / "f")) == 3


def test_a_server_that_breaks_off_again_and_again_is_given_up(zenodo: Zenodo, tmp_path: Path) -> None:
    zenodo.break_off = 99
    zenodo.files = {"big.zip": bytes(400_000)}
    (file, *_) = read_record(RECORD, api=zenodo.api).files
    with pytest.raises(UserError, match="Run the same command again"):
        download(file, tmp_path)
    assert (tmp_path / f"{file.name}.part").stat().st_size > 0


def test_an_archive_that_leads_out_is_refused(zenodo: Zenodo, tmp_path: Path) -> None:
    zenodo.files["BSD10k_clap_audio_and_text_embeddings.zip"] = zipped({"../../../evil.npy": b"x"})
    with pytest.raises(UserError, match="leads out of the archive"):
        fetch("bsd10k", api=zenodo.api, folder=tmp_path / "f")
    assert not list(tmp_path.rglob("evil.npy"))


def test_a_record_that_names_a_path_is_refused(zenodo: Zenodo) -> None:
    zenodo.files["../evil.csv"] = b"x"
    with pytest.raises(UserError, match="leads out of the folder"):
        read_record(RECORD, api=zenodo.api)


def test_what_cannot_be_had_is_reported(zenodo: Zenodo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="known: bsd10k, bsd35k"):
        fetch("folder", api=zenodo.api)
    with pytest.raises(UserError, match=r"Zenodo has no record 1, neither .* answered 404"):
        fetch("bsd10k", record="1", api=zenodo.api)
    with pytest.raises(UserError, match="could not be read"):
        read_record(RECORD, api="http://127.0.0.1:9/api")
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 10}))
    with pytest.raises(UserError, match="Set BSTVIZ_CACHE to a folder on another disk"):
        fetch("bsd10k", api=zenodo.api, folder=tmp_path / "f")


def test_offline_only_what_is_there_is_used(zenodo: Zenodo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BSTVIZ_OFFLINE", "1")
    with pytest.raises(UserError, match="offline mode"):
        fetch("bsd10k", api=zenodo.api)
    monkeypatch.delenv("BSTVIZ_OFFLINE")
    fetch("bsd10k", api=zenodo.api)
    monkeypatch.setenv("BSTVIZ_OFFLINE", "1")
    offline = fetch("bsd10k", api="http://127.0.0.1:9/api")
    assert (len(offline), offline.record) == (3, RECORD)
    with pytest.raises(UserError, match="not known in offline mode"):
        fetch("bsd10k", record="latest", api=zenodo.api)


@pytest.mark.parametrize(
    ("name", "audio"),
    [
        ("BSD10k_audio.zip", True),
        ("audio.zip", True),
        ("clap_audio_embeddings.zip", False),
        ("features.zip", False),
        ("BSD_metadata.csv", False),
    ],
)
def test_archives_of_sounds_are_known_by_their_names(name: str, audio: bool) -> None:
    assert RemoteFile(name, 1, "md5:0", "").is_audio == audio


def test_the_command_goes_from_nothing_to_a_collection(
    zenodo: Zenodo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "__kwdefaults__", {**fetch.__kwdefaults__, "api": zenodo.api})
    result = invoke("fetch", "bsd10k", "--out", tmp_path / "c", "--name", "Mine")
    assert result.exit_code == 0, result.output
    collection = load_collection(tmp_path / "c")
    assert (collection.name, len(collection)) == ("Mine", 3)
    assert collection.audio_root == FREESOUND_ROOT
