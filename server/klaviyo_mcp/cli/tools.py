"""Every operation as a table, for people and programs."""

from __future__ import annotations

import json
from typing import Any

from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.registry import UnknownName, registry
from klaviyo_tools.schema.input_schema import input_schema
from klaviyo_tools.toolsets import CORE, STANDARD


def operations_of(revision: str, area: str | None = None) -> list[Operation]:
    """The operations of a revision, of one area if named. Raises UnknownName."""
    known = registry()
    if area is None:
        return known.at(revision)
    word = area.lower().replace("-", "_")
    if word not in known.areas:
        raise UnknownName(f"there is no area {area[:40]!r}; there are {', '.join(known.areas)}")
    found = [operation for operation in known.at(revision) if operation.area == word]
    if not found:
        since = min(operation.revisions.since for operation in known.areas[word])
        raise UnknownName(f"{word} has operations from revision {since} on: --revision {since}")
    return found


def search_operations(operations: list[Operation], query: str, limit: int = 5) -> list[Operation]:
    """Those that fit a query best, best first: the search that find_tools runs."""
    from klaviyo_tools.search.index import Index

    return [hit.operation for hit in Index(operations).search(query, limit)]


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
    """The same for programs, with the HTTP operation and the input schema.

    Operations that are an argument of a tool come last, each `as` that tool and argument.
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
