from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
import soundfile
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bstviz.models.run import Run
from bstviz.server.api.access import Access
from bstviz.server.api.served import Served
from bstviz.server.api.transport import Interface
from tests.fakes import RATE, tone

API = "http://localhost/api/v1"
SOUND = {"Content-Type": "audio/wav"}
LIMIT = 2**20


def wav(hz: float = 440, seconds: float = 0.5) -> bytes:
    """A sine, as a file."""
    file = io.BytesIO()
    soundfile.write(file, tone(hz, seconds), RATE, format="WAV")
    return file.getvalue()


def served(runs: dict[str, Run]) -> Served:
    """What a server of these runs serves."""
    folders = {run.folder.parent for run in runs.values() if run.folder is not None}
    return Served(tuple(folders))


def client_of(served: Served, access: Access | None = None, **options: Any) -> TestClient:
    """A program that asks a server of what is served."""
    interface = Interface(served, access or Access(), upload_bytes=options.pop("upload_bytes", LIMIT))
    return TestClient(Starlette(routes=interface.routes()), base_url=API, **options)


@pytest.fixture
def client(runs: dict[str, Run], encoders: object) -> Iterator[TestClient]:
    """A program that asks a server of small runs."""
    with client_of(served(runs)) as client:
        yield client
