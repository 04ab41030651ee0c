"""What Klaviyo accepts and answers: a contract for each revision, distilled from its OpenAPI document by `distil.py`.

A shape is the distilled form of a schema; `distil.py` describes it.
"""

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

CONTRACT_REVISIONS = ("2026-01-15", "2026-07-15")
"""The revisions that the package ships a contract of, oldest first."""

INTERMEDIATE_REVISIONS = ("2026-04-15",)
"""Revisions without a contract of their own: the next contract describes the operations that they already have."""

READ_REVISIONS = ("2026-10-15",)
"""Revisions, younger than the contracts above, of which the sandbox answers the reads alone."""

OLDER_REVISIONS = frozenset({
    "2022-10-17", "2023-01-24", "2023-02-22", "2023-06-15", "2023-07-15", "2023-08-15", "2023-09-15", "2023-10-15",
    "2023-12-15", "2024-02-15", "2024-05-15", "2024-06-15", "2024-07-15", "2024-10-15", "2025-01-15", "2025-04-15",
    "2025-07-15", "2025-10-15",
})  # fmt: skip
"""Revisions before the oldest contract. A retired one falls forward at Klaviyo: the oldest contract answers for it.

Source: Klaviyo's changelog, and its API versioning and deprecation policy.
"""


@dataclass(frozen=True)
class ResourceType:
    """A resource type: the shape of each attribute, and the types that each relationship leads to.

    A relationship's types end with `*` where it is to-many, and are empty where the document declares none.
    """

    type: str
    path: str
    attributes: Mapping[str, JSON]
    required: frozenset[str]
    relationships: Mapping[str, tuple[str, ...]]

    def target(self, relationship: str) -> str:
        """The type that a relationship leads to, or the relationship's own name where none is declared."""
        types = self.relationships.get(relationship, ())
        return types[0] if types else relationship

    def is_to_many(self, relationship: str) -> bool:
        types = self.relationships.get(relationship, ())
        return not types or types[-1] == "*"


@dataclass(frozen=True)
class Operation:
    """One operation.

    `query` maps each query parameter to what it may be, `required` names those that must be there. `rate` holds the
    limits by window (`{"burst": "10/s", "steady": "150/m"}`), `slower` those of a costly request by the parameter that
    makes it so (`include=list`). `types` are the resource types of the answer's data; `without_attributes` and
    `without_linkage` say which attributes, and which relationships' data, this operation's answers leave out of a type.
    """

    name: str
    method: str
    path: str
    since: str
    rate: Mapping[str, str]
    query: Mapping[str, JSON]
    status: tuple[int, ...]
    slower: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    body: JSON = None
    media_type: str = "application/vnd.api+json"
    types: tuple[str, ...] = ()
    answers_many: bool = False
    answers_identifiers: bool = False
    without_attributes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    without_linkage: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def has_answer(self) -> bool:
        """Whether a success carries a body."""
        return bool(self.types)

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """The path's segments below `/api/`: `("lists", "{id}", "profiles")`."""
        return tuple(self.path.strip("/").split("/")[1:])

    @cached_property
    def additional_fields(self) -> Mapping[str, frozenset[str]]:
        """The attributes that are shown only on request, by type."""
        prefix = "additional-fields["
        return {
            name.removeprefix(prefix).removesuffix("]"): frozenset(names)
            for name, names in self.query.items()
            if name.startswith(prefix)
        }


Routes = Mapping[str, Operation]
"""The operations of one path, by method."""


class Contract:
    """One revision of Klaviyo's API."""

    def __init__(self, document: Mapping[str, JSON], revision: str) -> None:
        self.revision = revision
        self.shapes: Mapping[str, JSON] = document["shapes"]
        self.fields: Mapping[str, list[str]] = document["fields"]
        self.resource_types: Mapping[str, ResourceType] = {
            type_: _resource_type(type_, row) for type_, row in document["resources"].items()
        }
        self.operations: Mapping[str, Operation] = {
            name: _operation(name, row) for name, row in document["operations"].items() if row["since"] <= revision
        }
        self._fixed_routes: dict[str, Routes] = {}
        self._patterns_by_collection: dict[str, list[tuple[re.Pattern[str], Routes]]] = {}
        self._build_routes()

    def _build_routes(self) -> None:
        by_path: dict[str, dict[str, Operation]] = {}
        for operation in self.operations.values():
            by_path.setdefault(operation.path, {})[operation.method] = operation
        for path, routes in by_path.items():
            if "{" not in path:
                self._fixed_routes[path] = routes
                continue
            pattern = re.compile(re.sub(r"\{\w+\}", "([^/]+)", path))
            self._patterns_by_collection.setdefault(path.split("/")[2], []).append((pattern, routes))

    def route(self, path: str) -> tuple[Routes, str] | None:
        """The operations of a path as it stands in the URL, by method, and the decoded id in it (or empty)."""
        path = path.rstrip("/")
        if path in self._fixed_routes:
            return self._fixed_routes[path], ""
        segments = path.split("/", 3)
        for pattern, routes in self._patterns_by_collection.get(segments[2] if len(segments) > 2 else "", ()):
            if match := pattern.fullmatch(path):
                return routes, unquote(match[1])
        return None

    def resource_type(self, type_: str) -> ResourceType:
        """The resource type of this name; an empty one where the contract has none."""
        return self.resource_types.get(type_) or ResourceType(type_, f"/api/{type_}s", {}, frozenset(), {})

    def resolve(self, shape: JSON) -> tuple[JSON, bool]:
        """A shape with its name resolved, and whether it may be null."""
        nullable = False
        while isinstance(shape, str):
            if shape.endswith("?"):
                shape, nullable = shape[:-1], True
            if not shape.startswith("@"):
                return shape, nullable
            shape = self.shapes[shape[1:]]
        return shape, nullable or bool(shape.get("null"))


def _resource_type(type_: str, row: Mapping[str, JSON]) -> ResourceType:
    relationships = {name: tuple(types) for name, types in row["relationships"].items()}
    path = row["path"] or f"/api/{type_}s"
    return ResourceType(type_, path, row["attributes"], frozenset(row["required"]), relationships)


_PLAIN_FACTS = ("method", "path", "since", "rate", "slower", "query", "body", "media_type")


def _operation(name: str, row: Mapping[str, JSON]) -> Operation:
    facts: dict[str, Any] = {key: row[key] for key in _PLAIN_FACTS if key in row}
    facts |= {key: tuple(row.get(key, ())) for key in ("scopes", "status", "required", "types")}
    facts |= {key: row.get(key, False) for key in ("answers_many", "answers_identifiers")}
    facts |= {
        key: {type_: frozenset(names) for type_, names in row.get(key, {}).items()}
        for key in ("without_attributes", "without_linkage")
    }
    return Operation(name=name, **facts)


@lru_cache
def load_contract(revision: str) -> Contract | None:
    """The contract in force at a revision (`2026-01-15`), or None where there is no such revision."""
    if revision in OLDER_REVISIONS:
        return load_contract(CONTRACT_REVISIONS[0])
    if revision not in (*CONTRACT_REVISIONS, *INTERMEDIATE_REVISIONS, *READ_REVISIONS):
        return None
    shipped = next(one for one in (*CONTRACT_REVISIONS, *READ_REVISIONS) if one >= revision)
    return Contract(read_contract(shipped), revision)


def read_contract(revision: str) -> dict[str, JSON]:
    """The shipped contract of one of `CONTRACT_REVISIONS`, as JSON."""
    document: dict[str, JSON] = json.loads(files(__package__).joinpath(f"contract-{revision}.json").read_text("utf-8"))
    return document
