"""An experiment that is served by a process which can be killed, and started again at the same address."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from benchmarks.serving import free_port, serve, stop
from bstviz.review.decisions import Record, read_record


class Killable:
    """The app on a folder of runs, until it is killed or stopped."""

    def __init__(self, runs: Path, collection_hash: str) -> None:
        self.runs, self.hash, self.port = runs, collection_hash, free_port()
        self.start()

    def start(self) -> None:
        self.server = serve(["--experiment", str(self.runs)], self.port)

    def kill(self) -> None:
        os.killpg(self.server.pid, signal.SIGKILL)
        self.server.wait(timeout=30)

    def stop(self) -> None:
        stop(self.server)

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}/explore"

    def record(self) -> Record:
        """The decisions as they stand on the disk."""
        (file,) = self.runs.glob("review-*.jsonl")
        return read_record(file, self.hash)
