"""Programs that classify sounds over HTTP at once, against as many threads that call the library.

    python benchmarks/api_load.py [--clients 8] [--minutes 5] [--seconds 5]

Each client sends its next sound when it has the answer to the last, first as a thread of this process that calls
``Classifier.classify``, then over HTTP to `bstviz serve` with a token; both for so many minutes, on the same sounds.
An answer whose class is not that of the library is an error. Prints numbers and the percentiles of seconds of both;
exit status 1 where there is an error or the 95th percentile over HTTP is over :data:`SLOWER` times the library's.
"""

from __future__ import annotations

import argparse
import io
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import requests
import soundfile

from benchmarks.serving import API, served
from bstviz.inference.classify import Classifier, load_classifier

SLOWER = 1.5
SOUNDS, RATE = 24, 44_100
"""How many sounds there are to send, each of its own, and their rate in Hz."""
PATIENCE = 120.0


@dataclass
class Load:
    """What came of some clients: seconds of each answer, and what went wrong."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def row(self, name: str) -> str:
        """Its figures in a line."""
        p50, p95 = np.percentile(self.seconds, [50, 95])
        counts = f"{len(self.seconds):>6} answers {len(self.errors):>3} errors"
        return f"{name:>8} {counts}  p50 {p50:.3f} s  p95 {p95:.3f} s"


def sounds(seconds: float) -> list[bytes]:
    """WAV files that are unlike each other: noise of a color and a pulse of its own each."""
    made = []
    time_axis = np.arange(round(seconds * RATE)) / RATE
    for seed in range(SOUNDS):
        rng = np.random.default_rng(seed)
        tone = np.sin(2 * np.pi * rng.uniform(80, 3_000) * time_axis) * rng.random()
        noise = rng.normal(size=len(time_axis)) * rng.random()
        pulse = np.abs(np.sin(np.pi * rng.uniform(0.2, 6) * time_axis)) ** rng.integers(0, 3)
        file = io.BytesIO()
        soundfile.write(file, 0.2 * pulse * (tone + noise), RATE, format="WAV")
        made.append(file.getvalue())
    return made


def loaded(ask: Callable[[int], str], expected: list[str], clients: int, minutes: float) -> Load:
    """So many clients that ask for the class of one sound after the other, for some minutes."""
    load, end = Load(), time.monotonic() + 60 * minutes

    def go(client: int) -> None:
        turn = client
        while time.monotonic() < end:
            start = time.perf_counter()
            try:
                code = ask(turn % SOUNDS)
            except Exception as error:
                load.errors.append(f"{type(error).__name__}: {error}")
                continue
            load.seconds.append(time.perf_counter() - start)
            if code != expected[turn % SOUNDS]:
                load.errors.append(f"sound {turn % SOUNDS}: {code} in place of {expected[turn % SOUNDS]}")
            turn += clients

    threads = [threading.Thread(target=go, args=(client,)) for client in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return load


def by_library(classifier: Classifier, files: list[bytes]) -> Callable[[int], str]:
    """Asks the library."""
    return lambda i: classifier.classify(files[i]).second[0].code


def by_http(address: str, token: str, files: list[bytes]) -> Callable[[int], str]:
    """Asks a server, on a connection of each thread's own that lasts."""
    own = threading.local()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "audio/wav"}

    def ask(i: int) -> str:
        if not hasattr(own, "session"):
            own.session = requests.Session()
        answer = own.session.post(f"{address}/api/v1/classify", data=files[i], headers=headers, timeout=PATIENCE)
        answer.raise_for_status()
        return str(answer.json()["second"][0]["code"])

    return ask


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seconds", type=float, default=5.0, help="Length of each sound.")
    arguments = parser.parse_args()
    files, classifier = sounds(arguments.seconds), load_classifier()
    ask = by_library(classifier, files)
    expected = [ask(i) for i in range(SOUNDS)]  # which warms the library, too
    library = loaded(ask, expected, arguments.clients, arguments.minutes)
    print(library.row("library"), flush=True)
    token = secrets.token_urlsafe(32)
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "token"
        file.write_text(token)
        with served(["--token-file", str(file)], command=API) as server:
            ask = by_http(server.address, token, files)
            for i in range(SOUNDS):
                ask(i)
            http = loaded(ask, expected, arguments.clients, arguments.minutes)
    print(http.row("HTTP"))
    for error in dict.fromkeys(library.errors + http.errors):
        print(error[:300])
    slower = float(np.percentile(http.seconds, 95) / np.percentile(library.seconds, 95))
    print(f"p95 over HTTP {slower:.2f} times the library's, of {SLOWER:g}")
    sys.exit(bool(http.errors) or slower > SLOWER)


if __name__ == "__main__":
    main()
