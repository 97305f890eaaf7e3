"""The description says what is there."""

from __future__ import annotations

import re
from typing import Any, get_args

from starlette.testclient import TestClient

from bstviz.reports.table import TABLE_METRICS
from bstviz.server.api.endpoints import ENDPOINTS
from bstviz.server.api.messages import TableMetric
from bstviz.server.api.openapi import document


def refs(value: Any) -> set[str]:
    """Names of schemas that a part of the document refers to."""
    if isinstance(value, dict):
        own = {value["$ref"].rsplit("/", 1)[1]} if "$ref" in value else set()
        return own.union(*map(refs, value.values()))
    return set().union(*map(refs, value)) if isinstance(value, list) else set()


def test_every_endpoint_is_described_and_every_schema_is_there(client: TestClient) -> None:
    said = client.get("openapi.json").json()
    assert said["openapi"].startswith("3.1")
    assert set(said["paths"]) == {f"/{e.path}" for e in ENDPOINTS} | {"/healthz"}
    assert said["servers"] == [{"url": "/api/v1"}]
    assert refs(said) <= set(said["components"]["schemas"])
    assert said["security"] == [] and document("/api/v1", token=True)["security"] == [{"token": []}]


def test_every_text_that_is_asked_has_a_pattern_or_words_and_every_number_bounds() -> None:
    said = document("/api/v1", token=False)
    asked = [p["schema"] for path in said["paths"].values() for o in path.values() for p in o.get("parameters", ())]
    asked += said["components"]["schemas"]["AskedWords"]["properties"].values()
    asked += said["components"]["schemas"]["AskedSearch"]["properties"].values()
    for own in asked:
        own = own["items"] if own.get("type") == "array" else own
        if own.get("type") == "string":
            assert {"pattern", "maxLength"} <= set(own)
            assert re.search(own["pattern"], "rain on a roof") and not re.search(own["pattern"], "a\0b")
        elif own.get("type") == "integer":
            assert {"minimum", "maximum"} <= set(own)
        else:
            assert own.get("type") == "boolean" or own.get("enum")


def test_the_metrics_that_may_be_asked_are_those_of_the_table() -> None:
    assert get_args(TableMetric) == tuple(TABLE_METRICS)
