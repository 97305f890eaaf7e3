"""Requests of strangers: whatever is changed in them, they are answered, or refused in a sentence."""

from __future__ import annotations

import json
import random
from collections import Counter
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from bstviz.models.run import Run
from tests import fuzzing
from tests.server.api.conftest import wav

FEW, MANY = fuzzing.COUNTS
counts = pytest.mark.parametrize(
    "count", [pytest.param(FEW, marks=pytest.mark.slow), pytest.param(MANY, marks=pytest.mark.long)]
)
TYPES = ("audio/wav", "application/octet-stream", "application/json", "AUDIO/X; y", "text/html", "", "a" * 5_000)
REFUSED = {401, 404, 405, 413, 415, 422}


def sent(client: TestClient, method: str, address: str, body: bytes = b"", kind: str = "") -> int:
    """Status of the answer to a request, which is JSON, and a sentence where it is refused."""
    headers = {"Content-Type": kind} if kind else {}
    with fuzzing.cpu_bound():
        answer = client.request(method, address, content=body, headers=headers)
    said = answer.json()
    if answer.status_code != 200:
        assert answer.status_code in REFUSED, (address[:200], body[:200], said)
        assert set(said) == {"error"} and said["error"].strip() and "Traceback" not in said["error"]
    return answer.status_code


def odd(rng: random.Random, own: str) -> str:
    """A value of an address: its own, that with some characters changed, or an odd one."""
    value = rng.choice(fuzzing.ODD)
    text = own if rng.random() < 0.3 else own + rng.choice("\0\n ÿ‮%&=") if rng.random() < 0.3 else str(value)
    return quote(text.encode("utf-8", "surrogatepass"))


@counts
def test_bodies_of_json_and_sounds_are_taken_or_refused(client: TestClient, count: int) -> None:
    found: Counter[int] = Counter()
    words, sound = json.dumps({"words": "rain on a roof"}).encode(), wav(seconds=0.2)
    for seed in range(count):
        rng = random.Random(seed)
        path, is_json = rng.choice(["classify", "embed"]), rng.random() < 0.6
        body = fuzzing.changed_file(rng, "x.json", words) if is_json else fuzzing.flipped(rng, sound)
        kind = ("application/json" if is_json else "audio/wav") if rng.random() < 0.8 else rng.choice(TYPES)
        found[sent(client, "POST", path, body, kind)] += 1
    assert {200, 415, 422} <= set(found)


@counts
def test_addresses_are_answered_or_refused(client: TestClient, runs: dict[str, Run], count: int) -> None:
    known = {
        "neighbours": {"id": "s001", "k": "3", "run": runs["audio"].id},
        "figures/map": {"run": runs["audio"].id, "color": "second", "dimensions": "3", "names": "true"},
        "figures/confusion": {"cells": "column", "all_folds": "true", "height": "300"},
        "figures/table": {"metric": "top_accuracy"},
        "runs": {},
    }
    found: Counter[int] = Counter()
    for seed in range(count):
        rng = random.Random(seed)
        path = rng.choice(list(known))
        stated = {name: quote(value) for name, value in known[path].items() if rng.random() < 0.9}
        for _ in range(rng.choice([0, 1, 1, 2])):
            name = rng.choice([*known[path], "extra", "run"])
            stated[name] = odd(rng, known[path].get(name, "x"))[:20_000]
        method = rng.choice(["GET"] * 9 + ["POST", "DELETE"])
        if rng.random() < 0.05:
            path += rng.choice(["/", "/..", "/%00", "x", "//etc/passwd"])
        found[sent(client, method, f"{path}?{'&'.join(f'{k}={v}' for k, v in stated.items())}")] += 1
    assert {200, 404, 405, 422} <= set(found)
