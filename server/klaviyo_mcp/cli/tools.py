"""Every operation as a table, for people and programs."""

from __future__ import annotations

import json
from typing import Any

from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.registry import UnknownName, registry
from klaviyo_tools.schema.input_schema import input_schema
from klaviyo_tools.toolsets import CORE, STANDARD


def operations_of(revision: str, area: str | None = None) -> list[Operation]:
    """The operations of a revision, or those of one area. Raises UnknownName."""
    operations = registry()
    if area is None:
        return operations.at_revision(revision)
    area_name = area.lower().replace("-", "_")
    if area_name not in operations.areas:
        raise UnknownName(f"there is no area {area[:40]!r}; there are {', '.join(operations.areas)}")
    in_area = [operation for operation in operations.at_revision(revision) if operation.area == area_name]
    if not in_area:
        since = min(operation.revisions.since for operation in operations.areas[area_name])
        raise UnknownName(f"{area_name} has operations from revision {since} on: --revision {since}")
    return in_area


def search_operations(operations: list[Operation], query: str, limit: int = 5) -> list[Operation]:
    """The operations that fit a query, best first, as find_tools ranks them."""
    from klaviyo_tools.search.index import Index
    from klaviyo_tools.search.phrasebook import stored_phrasebook

    return [hit.operation for hit in Index(operations, stored_phrasebook()).search(query, limit)]


def smallest_toolset(operation: Operation) -> str:
    """The smallest preset that lists the operation."""
    for name, members in (("core", CORE), ("standard", STANDARD)):
        if operation.name in members.split():
            return name
    return "all"


def operations_text(operations: list[Operation]) -> str:
    """One line for each operation, a heading for each area."""
    lines: list[str] = []
    area = None
    for operation in operations:
        if operation.area != area:
            area = operation.area
            lines += ["", area.upper().replace("_", " ")]
        facts = f"{smallest_toolset(operation):<8} {operation.effect:<14} {operation.revisions.since}"
        lines.append(f"  {operation.name:<44} {facts}  {operation.purpose}")
    return "\n".join(lines).lstrip("\n")


def operations_json(operations: list[Operation], revision: str) -> str:
    """The operations as JSON, with the HTTP operation and the input schema.

    Operations that are an argument of a tool come last, each with that tool and argument under `as`.
    """
    described: list[dict[str, Any]] = [
        {
            "name": operation.name,
            "area": operation.area,
            "toolset": smallest_toolset(operation),
            "effect": operation.effect.value,
            "since": operation.revisions.since,
            "description": operation.purpose,
            "method": operation.method,
            "path": operation.path,
            "scopes": list(operation.scopes),
            "aliases": list(operation.aliases),
            "inputSchema": input_schema(operation.arguments, revision),
        }
        for operation in operations
    ]
    ids = [operation for operation in operations if operation.reading.ids_operation]
    described += [
        {
            "name": operation.reading.ids_operation,
            "as": {"tool": operation.name, "argument": "ids_only"},
            "area": operation.area,
            "since": operation.revisions.since,
            "method": "GET",
            "path": operation.ids_path,
            "scopes": list(operation.scopes),
        }
        for operation in ids
    ]
    return json.dumps(described, indent=1)
