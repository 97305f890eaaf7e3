"""The description of the HTTP interface for programs and their makers: OpenAPI 3.1, made from the types of messages."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from bstviz import __version__
from bstviz.server.api.endpoints import ENDPOINTS, Endpoint
from bstviz.server.api.messages import Problem
from bstviz.server.health import Health

SOUND_TYPES = ("application/octet-stream", "audio/*")
"""Media types of a body that is a sound file; what it is says the content."""
JSON = "application/json"
REFERENCE = "#/components/schemas/{name}"
STATUSES = {
    401: "The token is missing or another one, or the request comes from elsewhere and there is none.",
    404: "There is no such run or sound.",
    413: "The body is larger than the server takes.",
    415: "The body is neither a sound nor JSON, by its Content-Type.",
    422: "Something that was given is not allowed, or the sound cannot be decoded.",
    503: "The server is busy, or something is away for a moment; Retry-After says when to ask again.",
}


def document(place: str, *, token: bool) -> dict[str, Any]:
    """The OpenAPI document of an interface at a place of its server; with ``token`` it says that one is needed."""
    types = {Problem, Health, *(t for e in ENDPOINTS for t in (e.answer, e.body) if t is not None)}
    schemas = _components(sorted(types, key=lambda t: t.__name__))
    for endpoint in ENDPOINTS:
        if endpoint.body is not None:
            schemas[endpoint.body.__name__]["additionalProperties"] = False
    schemes = {"token": {"type": "http", "scheme": "bearer"}} if token else {}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "bstviz",
            "version": __version__,
            "description": "Classify, embed and find sounds by the models and collections that a server holds.",
        },
        "servers": [{"url": place}],
        "paths": {f"/{endpoint.path}": {endpoint.method.lower(): _operation(endpoint)} for endpoint in ENDPOINTS}
        | {"/healthz": {"get": _health()}},
        "components": {"schemas": schemas, "securitySchemes": schemes},
        "security": [{"token": []}] if token else [],
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    reasons = [401, 404, *([413, 415] if endpoint.method == "POST" else []), 422, 503]
    stated: dict[str, Any] = {
        "operationId": endpoint.path.replace("/", "_"),
        "summary": endpoint.summary,
        "description": inspect.getdoc(endpoint.query),
        "parameters": _parameters(endpoint.query),
        "responses": {"200": _answer("The answer.", endpoint.answer)}
        | {str(status): _problem(status) for status in reasons},
    }
    if endpoint.method == "POST":
        content: dict[str, Any] = {kind: {"schema": {}} for kind in SOUND_TYPES if endpoint.takes_sound}
        body = {JSON: {"schema": _named(endpoint.body)}} if endpoint.body is not None else {}
        stated["requestBody"] = {"required": True, "content": content | body}
    return stated


def _health() -> dict[str, Any]:
    """Of :mod:`bstviz.server.health`: open to everybody."""
    return {
        "operationId": "healthz",
        "summary": "Whether the server answers, and which it is.",
        "security": [],
        "responses": {"200": _answer("It does.", Health)},
    }


def _answer(description: str, kind: type) -> dict[str, Any]:
    return {"description": description, "content": {JSON: {"schema": _named(kind)}}}


def _problem(status: int) -> dict[str, Any]:
    found = _answer(STATUSES[status], Problem)
    if status == 503:
        found["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    if status == 401:
        found["headers"] = {"WWW-Authenticate": {"description": "Bearer.", "schema": {"type": "string"}}}
    return found


def _parameters(query: type) -> list[dict[str, Any]]:
    own = _components([query])[query.__name__]
    return [
        {
            "name": name,
            "in": "query",
            "required": name in own.get("required", ()),
            "schema": _without_null(schema),
        }
        for name, schema in own["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a parameter, which is left out where it would be null."""
    some: list[dict[str, Any]] = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    return some[0] if some else schema


def _named(kind: type | None) -> dict[str, str]:
    return {"$ref": REFERENCE.format(name=kind.__name__ if kind else "")}


def _components(types: list[type]) -> dict[str, Any]:
    _, found = msgspec.json.schema_components(types, ref_template=REFERENCE)
    portable: dict[str, Any] = _portable(found)
    return portable


def _portable(schema: Any) -> Any:
    """A schema with patterns as ECMA-262 has them, in which no JSON holds halves of characters."""
    if isinstance(schema, Mapping):
        return {
            key: _ecma(value) if key == "pattern" and isinstance(value, str) else _portable(value)
            for key, value in schema.items()
        }
    return [_portable(one) for one in schema] if isinstance(schema, list) else schema


def _ecma(pattern: str) -> str:
    return re.sub(r"\\Z\Z", "$", re.sub(r"\A\\A", "^", pattern)).replace(r"\ud800-\udfff", "")
