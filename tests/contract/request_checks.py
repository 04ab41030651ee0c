"""Requests checked by a document: parameters, their values, and the body."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote

import httpx

from klaviyo_tools.drift.openapi import Document


def is_of_operation(document: Document, name: str, request: httpx.Request) -> bool:
    """Whether a request to the gateway is one to this operation."""
    method, path, _ = document.operations[name]
    pattern = re.sub(r"\{\w+\}", "[^/]+", path)
    return request.method == method and bool(re.fullmatch(f"/klaviyo{pattern}", unquote(request.url.path)))


def request_faults(document: Document, name: str, request: httpx.Request) -> Iterator[str]:
    """What a document does not allow of a request to an operation."""
    described = document.operations[name][2]
    in_query = [parameter for parameter in described.get("parameters", ()) if parameter["in"] == "query"]
    parameters = {parameter["name"]: document.resolve(parameter["schema"]) for parameter in in_query}
    for parameter, value in parse_qsl(request.url.query.decode()):
        schema = parameters.get(parameter, {})
        enum = schema.get("enum") or document.resolve(schema.get("items", {})).get("enum")
        if parameter not in parameters:
            yield f"sent {parameter}"
        elif enum and (unknown := set(value.split(",")) - set(enum)):
            yield f"sent {parameter}={unknown}"
    body = document.body_schema(name)
    if body is not None and body[0] != "multipart/form-data":
        yield from document.validate(body[1], json.loads(request.content))
