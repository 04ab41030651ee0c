"""What Klaviyo accepts and answers, revision by revision, as distilled from its OpenAPI documents by `distil.py`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import unquote

JSON = Any

REVISIONS = ("2026-01-15", "2026-07-15")
"""The revisions that the package holds a contract of, oldest first."""

PRE_RELEASED = "2026-04-15"
"""A revision between them, whose operations are answered as the next contract describes them."""


@dataclass(frozen=True)
class Resource:
    """A resource type: the shape of each attribute, and the type that each relationship leads to."""

    type: str
    path: str
    attributes: Mapping[str, JSON]
    required: frozenset[str]
    relationships: Mapping[str, tuple[str, ...]]

    def target(self, relationship: str) -> str:
        """The type that a relationship leads to; its own name when the document tells nothing more."""
        types = self.relationships.get(relationship, ())
        return types[0] if types else relationship

    def many(self, relationship: str) -> bool:
        types = self.relationships.get(relationship, ())
        return not types or types[-1] == "*"


@dataclass(frozen=True)
class Operation:
    """One operation. `query` holds what each parameter may be; `types` the resource types of the answer's data."""

    name: str
    method: str
    path: str
    since: str
    rate: Mapping[str, str]
    query: Mapping[str, JSON]
    status: tuple[int, ...]
    required: tuple[str, ...] = ()
    body: JSON = None
    media: str = "application/vnd.api+json"
    types: tuple[str, ...] = ()
    many: bool = False
    ids: bool = False
    lacks: Mapping[str, frozenset[str]] = field(default_factory=dict)
    bare: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def answers(self) -> bool:
        """Whether a success carries a body."""
        return bool(self.types)

    @cached_property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.path.strip("/").split("/")[1:])

    @cached_property
    def additional(self) -> Mapping[str, frozenset[str]]:
        """Attributes shown only when asked for, by type."""
        return {
            name[18:-1]: frozenset(names) for name, names in self.query.items() if name.startswith("additional-fields[")
        }


class Contract:
    """One revision of Klaviyo's API."""

    def __init__(self, document: Mapping[str, JSON], revision: str) -> None:
        self.revision = revision
        self.shapes: Mapping[str, JSON] = document["shapes"]
        self.fields: Mapping[str, list[str]] = document["fields"]
        self.resources: dict[str, Resource] = {
            type_: Resource(
                type_,
                row["path"] or f"/api/{type_}s",
                row["attributes"],
                frozenset(row["required"]),
                {name: tuple(target) for name, target in row["relationships"].items()},
            )
            for type_, row in document["resources"].items()
        }
        self.operations = {
            name: _operation(name, row) for name, row in document["operations"].items() if row["since"] <= revision
        }
        self._routes: list[tuple[re.Pattern[str], dict[str, Operation]]] = []
        self._fixed: dict[str, dict[str, Operation]] = {}
        self._build_routes()

    def _build_routes(self) -> None:
        by_path: dict[str, dict[str, Operation]] = {}
        for operation in self.operations.values():
            by_path.setdefault(operation.path, {})[operation.method] = operation
        for path, methods in by_path.items():
            if "{" in path:
                self._routes.append((re.compile(re.sub(r"\{\w+\}", "([^/]+)", path)), methods))
            else:
                self._fixed[path] = methods
        self._by_head: dict[str, list[tuple[re.Pattern[str], dict[str, Operation]]]] = {}
        for pattern, methods in self._routes:
            head = pattern.pattern.split("/")[2]
            self._by_head.setdefault(head, []).append((pattern, methods))

    def route(self, path: str) -> tuple[dict[str, Operation], str] | None:
        """The operations of a path as it stands in the URL, by method, and the id in it (decoded)."""
        path = path.rstrip("/")
        if path in self._fixed:
            return self._fixed[path], ""
        parts = path.split("/", 3)
        for pattern, methods in self._by_head.get(parts[2] if len(parts) > 2 else "", ()):
            if found := pattern.fullmatch(path):
                return methods, unquote(found[1])
        return None

    def resource(self, type_: str) -> Resource:
        known = self.resources.get(type_)
        return known or Resource(type_, f"/api/{type_}s", {}, frozenset(), {})

    def shape(self, shape: JSON) -> tuple[JSON, bool]:
        """A shape with its name resolved, and whether it may be null."""
        nullable = False
        while isinstance(shape, str):
            if shape.endswith("?"):
                shape, nullable = shape[:-1], True
            if not shape.startswith("@"):
                return shape, nullable
            shape = self.shapes[shape[1:]]
        return shape, nullable or bool(shape.get("null"))


_PLAIN = ("method", "path", "since", "rate", "query", "body", "media", "many", "ids")


def _operation(name: str, row: Mapping[str, JSON]) -> Operation:
    sets: dict[str, Any] = {
        key: {type_: frozenset(names) for type_, names in row.get(key, {}).items()} for key in ("lacks", "bare")
    }
    plain: dict[str, Any] = {key: row[key] for key in _PLAIN if key in row}
    plain |= {key: tuple(row.get(key, ())) for key in ("status", "required", "types")}
    return Operation(name=name, **plain, **sets)


@lru_cache
def contract(revision: str) -> Contract | None:
    """The contract in force at a revision (`2026-01-15`), or None when there is no such revision."""
    if revision not in (*REVISIONS, PRE_RELEASED):
        return None
    document = next(known for known in REVISIONS if known >= revision)
    text = files(__package__).joinpath(f"contract-{document}.json").read_text("utf-8")
    return Contract(json.loads(text), revision)
