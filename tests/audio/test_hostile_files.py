"""Whatever a file says, nothing but the file is read: no address is asked and no other file opened."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import pytest

from bstviz.audio import decode
from bstviz.audio.sound import Sound
from bstviz.errors import UserError
from tests.audio.conftest import decoded_here, strongest_frequency
from tests.hostile_files import KINDS, NAMES, addresses, secret_sound

OPENED, READ = 0x20, 0x01  # of inotify(7)


@dataclass
class Outside:
    """A server and a secret file, and what has been asked of either."""

    port: int
    secret: Path
    watch: int
    requests: list[str] = field(default_factory=list)

    def touched(self) -> list[str]:
        """Requests so far, and whether the secret was opened."""
        with suppress(BlockingIOError):
            if os.read(self.watch, 2**16):
                self.requests.append("the secret was opened")
        return self.requests


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outside]:
    """A server on this machine that answers everything with the secret, and takes datagrams of the same port."""
    if sys.platform != "linux":
        pytest.skip("files are watched by inotify")
    secret = tmp_path / "secret.wav"
    secret.write_bytes(secret_sound())
    monkeypatch.chdir(tmp_path)
    libc = ctypes.CDLL(None)
    watch = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    libc.inotify_add_watch(watch, os.fsencode(secret), OPENED | READ)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("127.0.0.1", port))
    found = Outside(port, secret, watch)
    answer = b"HTTP/1.0 200 OK\r\nContent-Type: audio/wav\r\n\r\n" + secret_sound()

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                found.requests.append("connected")
                connection.sendall(answer)
                connection.close()

    def take() -> None:
        with suppress(OSError):
            while datagrams.recv(2**16):
                found.requests.append("datagram")

    for work in (serve, take):
        threading.Thread(target=work, daemon=True).start()
    yield found
    for opened in (listening, datagrams):
        with suppress(OSError):
            opened.shutdown(socket.SHUT_RDWR)
        opened.close()
    os.close(watch)


def test_what_would_be_touched_is_seen(outside: Outside) -> None:
    """The watch works: a request, a datagram and an opened file are each noticed."""
    with urllib.request.urlopen(f"http://127.0.0.1:{outside.port}/"):
        pass
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"hello", ("127.0.0.1", outside.port))
    outside.secret.read_bytes()
    time.sleep(0.2)
    assert sorted(set(outside.touched())) == ["connected", "datagram", "the secret was opened"]


def checked(outside: Outside, decoding: Callable[[bytes, str], Sound], *, names: int = 1, every: int = 1) -> int:
    """Decode every kind with each n-th address, under so many names each; returns how many files that were."""
    turns, count = cycle(NAMES), 0
    for turn, (kind, make) in enumerate(KINDS.items()):
        for address in addresses(outside.port, outside.secret)[turn % every :: every]:
            data = make(address)
            for _ in range(names):
                name, count = next(turns), count + 1
                try:
                    sound = decoding(data, name)
                except UserError as error:
                    assert "3000" not in str(error)
                    continue
                pitch = strongest_frequency(sound.samples, sound.rate)
                assert pitch != pytest.approx(3_000, abs=50), (kind, address, name)
        assert outside.touched() == [], kind
    return count


def from_path(data: bytes, name: str) -> Sound:
    file = Path("other") / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(data)
    return decode.decode(file)


def test_no_upload_leads_anywhere(outside: Outside) -> None:
    assert checked(outside, lambda data, name: decode.decode(data, name=name), every=4) > 200


def test_no_file_leads_anywhere(outside: Outside) -> None:
    assert checked(outside, from_path, every=4) > 200


def test_the_decoders_lead_nowhere_where_no_process_is_confined(outside: Outside) -> None:
    assert checked(outside, decoded_here) > 800


@pytest.mark.long
@pytest.mark.parametrize("decoding", [from_path, decoded_here])
def test_no_name_makes_a_difference(outside: Outside, decoding: Callable[[bytes, str], Sound]) -> None:
    assert checked(outside, decoding, names=len(NAMES)) > 7_000
