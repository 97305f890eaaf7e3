"""Limits of what is taken, and how what is refused is answered."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import MutableMapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bstviz.audio import decode
from bstviz.errors import AwayError
from bstviz.inference.classify import Classifier
from bstviz.jobs import background
from bstviz.models.run import Run
from bstviz.server.api import endpoints, queued, transport
from bstviz.server.api.access import Access
from bstviz.server.api.served import Served
from tests.server.api.conftest import API, LIMIT, SOUND, client_of, served, wav

TOKEN = "t" * 32


def test_a_body_over_the_limit_is_refused_by_its_stated_size_and_by_its_bytes(client: TestClient) -> None:
    large = b"\0" * (LIMIT + 1)

    def chunks():  # type: ignore[no-untyped-def]  # without a stated size
        yield large[:LIMIT]
        yield large[LIMIT:]

    for content in (large, chunks()):
        answer = client.post("classify", content=content, headers=SOUND)
        assert answer.status_code == 413
        assert "more than 1,048,576 bytes" in answer.json()["error"]
    assert client.post("classify", content=wav(), headers=SOUND).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"])
def test_a_body_of_another_type_is_refused(client: TestClient, kind: str) -> None:
    answer = client.post("classify", content=wav(), headers={"Content-Type": kind})
    assert answer.status_code == 415
    assert "allowed is audio/…, application/octet-stream or application/json" in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "The body is no JSON"),
        (b"{", "The body is no JSON"),
        (b"[]", "The body is []; allowed is an object"),
        (b"{}", "words is missing"),
        (b'{"words": 3}', "words is 3; allowed is a line of 1 to 1,000 characters"),
        (b'{"words": "a\\u0007"}', "words is 'a\\x07'"),
        (b'{"words": " "}', "that begins with no space"),
        (b'{"words": "rain", "run": "x"}', "the unknown setting 'run'"),
        (b"[" * 100_000 + b"]" * 100_000, "The body"),
        (b'{"words": "\xff"}', "The body is no JSON"),
    ],
)
def test_a_body_that_is_not_allowed_is_refused_in_a_sentence(client: TestClient, body: bytes, sentence: str) -> None:
    answer = client.post("classify", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert sentence in answer.json()["error"]


def test_what_is_no_sound_is_refused_and_no_folder_of_the_server_is_named(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = client.post("classify", params={"name": "x.wav"}, content=b"no sound", headers=SOUND)
    assert answer.status_code == 422
    assert "x.wav could not be decoded" in answer.json()["error"]

    def away(data: bytes, name: str) -> None:
        raise AwayError(f"{tmp_path}/x/y.wav could not be read.")

    monkeypatch.setattr(queued, "decoded", away)
    answer = client.post("classify", content=wav(), headers=SOUND)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert str(tmp_path.parent) not in answer.text


def test_a_fault_of_the_program_is_told_without_its_words(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(data: bytes, name: str) -> None:
        raise KeyError("secret")

    monkeypatch.setattr(queued, "decoded", fault)
    answer = client.post("classify", content=wav(), headers=SOUND)
    assert answer.status_code == 500
    assert "secret" not in answer.text and "fault of the program" in answer.json()["error"]


def test_over_so_many_requests_the_server_says_when_to_ask_again(
    runs: dict[str, Run], encoders: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, taken = threading.Event(), threading.Semaphore(0)
    monkeypatch.setattr(transport, "WAITING", 3)

    def slowly(data: bytes, name: str) -> object:
        taken.release()
        go.wait(30)
        return decode.decode(data)

    monkeypatch.setattr(queued, "decoded", slowly)
    with client_of(served(runs)) as client, ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(client.post, "classify", content=wav(), headers=SOUND) for _ in range(3)]
        for _ in range(3):
            assert taken.acquire(timeout=30)
        refused = client.post("classify", content=wav(), headers=SOUND)
        assert client.get("healthz").status_code == 200
        go.set()
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert [one.result().status_code for one in waiting] == [200] * 3
        assert client.post("classify", content=wav(), headers=SOUND).status_code == 200


def test_a_request_whose_client_has_gone_while_it_waited_is_not_begun(
    runs: dict[str, Run], encoders: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, begun = threading.Event(), []

    def slowly(data: bytes, name: str) -> object:
        begun.append(name)
        go.wait(30)
        return decode.decode(data)

    monkeypatch.setattr(queued, "decoded", slowly)
    monkeypatch.setattr(transport, "API_THREADS", 1)
    interface = transport.Interface(served(runs), Access(), upload_bytes=LIMIT)
    app = Starlette(routes=interface.routes())

    async def asked(name: str, gone: asyncio.Event) -> int:
        body, sent = iter([wav()]), []

        async def receive() -> dict[str, object]:
            if (data := next(body, None)) is not None:
                return {"type": "http.request", "body": data}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, object]) -> None:
            sent.append(message)

        headers = [(b"host", b"localhost"), (b"content-type", b"audio/wav")]
        scope = {"type": "http", "method": "POST", "path": "/api/v1/classify", "root_path": "", "headers": headers}
        await app({**scope, "query_string": f"name={name}".encode()}, receive, send)
        return int(str(sent[0]["status"]))

    async def two() -> tuple[int, int]:
        stays, leaves = asyncio.Event(), asyncio.Event()
        first = asyncio.create_task(asked("0001.wav", stays))
        while not begun:
            await asyncio.sleep(0.01)
        second = asyncio.create_task(asked("0002.wav", leaves))
        leaves.set()
        status = await second
        go.set()
        return await first, status

    assert asyncio.run(two()) == (200, 499)
    assert begun == ["0001.wav"]


def test_a_server_of_text_models_alone_makes_ready_for_words(
    runs: dict[str, Run], encoders: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, warmed = runs["text"], []
    monkeypatch.setattr(transport, "text_classifier", lambda: Classifier(text))
    monkeypatch.setattr(background.WorkQueue, "warm", lambda self, key, *_, **__: warmed.append(key))
    assert text.folder is not None
    transport.Interface(Served((text.folder,)), Access(), upload_bytes=LIMIT).warm()
    assert set(warmed) == {str(text.encoders["text"])}


def test_the_address_holds_below_any_path_and_a_wrong_method_is_told_the_right_one(client: TestClient) -> None:
    assert client.get("http://localhost/lab/sounds/api/v1/runs").status_code == 200
    answer = client.get("classify")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert "POST classify" in answer.json()["error"]


def test_without_the_token_nothing_is_answered_but_health_and_the_description(
    runs: dict[str, Run], encoders: object
) -> None:
    with client_of(served(runs), Access(TOKEN)) as client:
        for own in ({}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": f"Basic {TOKEN}"}):
            for endpoint in endpoints.ENDPOINTS:
                answer = client.request(endpoint.method, endpoint.path, headers=own)
                assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert client.get("healthz").json()["status"] == "ok"
        assert client.get("openapi.json").json()["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
        assert client.get("runs", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_without_a_token_a_page_of_another_site_is_refused(client: TestClient) -> None:
    for host in ("evil.example", "localhost.evil.example", "10.0.0.1:80", ""):
        assert client.get("runs", headers={"Host": host}).status_code == 401
    for host in ("localhost:8501", "127.0.0.1", "[::1]:8501"):
        assert client.get("runs", headers={"Host": host}).status_code == 200
    assert API.startswith("http://localhost")
