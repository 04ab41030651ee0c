"""Schemas that every client accepts, over all operations, and a snapshot of each so that a review shows every change.

`uv run poe snapshots` writes the snapshots.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from klaviyo_tools.arguments.types import Arguments, models_in
from klaviyo_tools.operation.area import Area
from klaviyo_tools.operation.facts import OLDEST_REVISION
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.registry import registry
from klaviyo_tools.schema.input_schema import input_schema

SNAPSHOTS = Path(__file__).parent / "snapshots"
UPDATE = "run uv run poe snapshots"
OPERATIONS = list(registry().values())
# What Gemini takes of JSON Schema, and what Anthropic, OpenAI and Copilot take as well.
ACCEPTED_ARGUMENTS = {
    "type",
    "description",
    "enum",
    "items",
    "properties",
    "required",
    "maximum",
    "maxItems",
}
TYPES = {"string", "integer", "number", "boolean", "array", "object"}
MOST_DEPTH = 5


def nodes(schema: dict[str, Any], at: str = "", depth: int = 1) -> Iterator[tuple[str, dict[str, Any], int]]:
    yield at, schema, depth
    for name, inner in schema.get("properties", {}).items():
        yield from nodes(inner, f"{at}.{name}", depth + 1)
    if "items" in schema:
        yield from nodes(schema["items"], f"{at}[]", depth + 1)


def faults(schema: dict[str, Any]) -> Iterator[str]:
    for at, node, depth in nodes(schema):
        if unknown := set(node) - ACCEPTED_ARGUMENTS:
            yield f"{at}: {sorted(unknown)}"
        if node.get("type") not in TYPES:
            yield f"{at}: type {node.get('type')}"
        if (node.get("type") == "array") != ("items" in node):
            yield f"{at}: items belong to arrays, and to each"
        if "enum" in node and not (node["type"] == "string" and all(isinstance(v, str) and v for v in node["enum"])):
            yield f"{at}: an enumeration of other than strings"
        if not set(node.get("required", ())) <= set(node.get("properties", {})):
            yield f"{at}: requires what it does not have"
        if depth > MOST_DEPTH:
            yield f"{at}: {depth} levels deep"
        yield from (
            f"{at}: key {key}" for key in node.get("properties", {}) if not re.fullmatch(r"[a-zA-Z0-9_]{1,64}", key)
        )


def schemas(operation: Operation) -> Iterator[dict[str, Any]]:
    for revision in (OLDEST_REVISION, None):
        for brief in (True, False):
            yield input_schema(operation.arguments, revision, brief=brief)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_no_client_refuses_a_schema(operation: Operation) -> None:
    for schema in schemas(operation):
        assert list(faults(schema)) == []
        assert schema["type"] == "object"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_unknown_arguments_are_refused_although_no_schema_says_so(operation: Operation) -> None:
    models = [operation.arguments]
    for model in models:
        models += [inner for field in model.model_fields.values() for inner in models_in(field.annotation)]
    assert [model.__name__ for model in models if model.model_config.get("extra") != "forbid"] == []


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_the_schema_in_the_list_of_tools_is_a_part_of_the_whole(operation: Operation) -> None:
    whole, brief = input_schema(operation.arguments), input_schema(operation.arguments, brief=True)
    assert list(brief["properties"]) == [name for name in whole["properties"] if name in brief["properties"]]
    assert brief.get("required", []) == whole.get("required", [])
    assert len(json.dumps(brief)) <= len(json.dumps(whole)) + 40


def test_names_and_descriptions_are_short_enough_for_every_client() -> None:
    assert [o.name for o in OPERATIONS if not re.fullmatch(r"[a-z][a-z0-9_]{2,43}", o.name)] == []
    assert [o.name for o in OPERATIONS if not 5 < len(o.purpose) < 1024] == []
    assert len({o.name for o in OPERATIONS}) == len(OPERATIONS)


def test_names_are_accepted_as_the_text_that_the_list_of_tools_shows() -> None:
    arguments: type[Arguments] = registry()["get_lists"].arguments
    assert input_schema(arguments, brief=True)["properties"]["fields"] == {"type": "string"}
    given = arguments.model_validate({"fields": "name, created", "include": "tags"})
    assert (getattr(given, "fields"), getattr(given, "include")) == (["name", "created"], ["tags"])  # noqa: B009


def test_unlisted_arguments_are_accepted() -> None:
    arguments = registry()["get_list"].arguments
    assert "fields" not in input_schema(arguments, brief=True)["properties"]
    assert input_schema(arguments)["properties"]["fields"] == {"type": "array", "items": {"type": "string"}}
    arguments.model_validate({"list_id": "Y6nRLr", "fields": ["name"]})


def compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def snapshot(area: Area) -> str:
    """Each tool: its purpose, its arguments as listed, and below `describe_tool` those with a longer schema there."""
    lines: list[str] = []
    for operation in area:
        listed, whole = (input_schema(operation.arguments, brief=brief) for brief in (True, False))
        lines += [f"{operation.name}: {operation.purpose}"]
        lines += [f"    {name}: {compact(schema)}" for name, schema in listed["properties"].items()]
        lines += [f"    required: {', '.join(listed['required'])}"] if "required" in listed else []
        more = [
            (name, schema) for name, schema in whole["properties"].items() if listed["properties"].get(name) != schema
        ]
        lines += ["  describe_tool"] if more else []
        lines += [f"    {name}: {compact(schema)}" for name, schema in more]
        lines.append("")
    return "\n".join(lines)


@pytest.mark.parametrize("area", registry().areas.values(), ids=lambda area: area.name)
def test_a_tool_is_as_its_snapshot(area: Area) -> None:
    path = SNAPSHOTS / f"{area.name}.txt"
    if os.environ.get("SNAPSHOTS") == "update":
        path.write_text(snapshot(area))
    assert path.exists(), f"{path.name} is missing: {UPDATE}"
    assert snapshot(area) == path.read_text(), f"changed: {UPDATE}, and read git diff"


def test_every_area_has_a_snapshot_and_every_snapshot_an_area() -> None:
    assert {path.stem for path in SNAPSHOTS.glob("*.txt")} == set(registry().areas)
