"""The rendered schemas of the list of tools are those of the declarations. `uv run poe snapshots` renders them anew."""

from __future__ import annotations

import json
import os
from dataclasses import replace

from klaviyo_tools.operation.facts import OLDEST_REVISION
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.registry import registry
from klaviyo_tools.schema.input_schema import input_schema
from klaviyo_tools.schema.listed import RENDERED_FILE, listed_schema

LATER = "2026-07-15"


def rendered() -> str:
    """The file as it should be, one operation in a line."""
    lines = [
        f"{json.dumps(name)}: {json.dumps(rendered_anew(operation), ensure_ascii=False, separators=(',', ':'))}"
        for name, operation in registry().items()
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def rendered_anew(operation: Operation, revision: str = OLDEST_REVISION) -> dict[str, object]:
    return input_schema(operation.arguments, revision, brief=True)


def test_the_rendered_schemas_are_those_of_the_declarations() -> None:
    if os.environ.get("SNAPSHOTS") == "update":
        RENDERED_FILE.write_text(rendered(), encoding="utf-8")
    assert RENDERED_FILE.read_text(encoding="utf-8") == rendered(), "changed: run uv run poe snapshots"


def test_at_a_later_revision_the_schemas_are_those_of_the_revision() -> None:
    differing = 0
    for operation in registry().values():
        schema = listed_schema(operation, LATER)
        assert schema == rendered_anew(operation, LATER)
        differing += schema != listed_schema(operation, OLDEST_REVISION)
    assert differing


def test_an_operation_of_the_same_name_with_other_arguments_has_its_own_schema() -> None:
    other = replace(registry()["get_profiles"], name="get_lists")
    assert listed_schema(other, OLDEST_REVISION) == rendered_anew(registry()["get_profiles"])


def test_a_schema_that_is_changed_is_not_changed_for_the_next_caller() -> None:
    operation = registry()["get_lists"]
    listed_schema(operation, OLDEST_REVISION)["properties"] = {}
    assert listed_schema(operation, OLDEST_REVISION) == rendered_anew(operation)
