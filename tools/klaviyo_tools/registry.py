"""All operations and resource types by name, and the toolsets in which a server offers the operations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from importlib import import_module
from types import MappingProxyType

from klaviyo_tools.arguments.spelling import nearest
from klaviyo_tools.operation.area import Area
from klaviyo_tools.operation.facts import AnswerKind, RecordAddress
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.resource_types import ResourceType, unknown_resource_type
from klaviyo_tools.toolsets import CORE, PRESETS, STANDARD

AREAS = (
    "accounts",
    "profiles",
    "consent",
    "imports",
    "privacy",
    "push_tokens",
    "lists",
    "segments",
    "campaigns",
    "flows",
    "events",
    "metrics",
    "reporting",
    "templates",
    "catalogs",
    "catalog_categories",
    "catalog_variants",
    "catalog_jobs",
    "back_in_stock",
    "coupons",
    "tags",
    "forms",
    "reviews",
    "images",
    "webhooks",
    "web_feeds",
    "tracking_settings",
    "custom_objects",
    "object_types",
    "conversations",
    "connections",
)
"""The modules of the areas, in the order in which tools are listed."""

_RECORD_PATH = re.compile(r"(?:/api)?/[\w-]+/\{\w+\}")
"""The path of one record by its id."""


class UnknownName(LookupError):
    """No operation, area or toolset has this name; the message suggests the nearest."""


class Registry(Mapping[str, Operation]):
    """Operations by name, in a stable order."""

    def __init__(self, areas: Iterable[Area]) -> None:
        self.areas = {area.name: area for area in areas}
        self._operations = {operation.name: operation for area in self.areas.values() for operation in area}
        self.resource_types: Mapping[str, ResourceType] = MappingProxyType(_resource_types(self.areas.values()))

    def __getitem__(self, name: str) -> Operation:
        try:
            return self._operations[name]
        except KeyError:
            if name in self.argument_operations:
                raise UnknownName(f"there is no tool {name}: call {self.replacement_call(name)}") from None
            close = nearest(name, self._operations)
            hint = f"did you mean {' or '.join(close)}?" if close else "tools/list names those there are"
            raise UnknownName(f"there is no tool {name[:60]!r}; {hint}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._operations

    def __iter__(self) -> Iterator[str]:
        return iter(self._operations)

    def __len__(self) -> int:
        return len(self._operations)

    @cached_property
    def argument_operations(self) -> Mapping[str, tuple[str, str]]:
        """Klaviyo's operation that is an argument of a tool here -> the tool and the argument."""
        reads = (operation for operation in self._operations.values() if operation.reading.ids_operation)
        return {str(operation.reading.ids_operation): (operation.name, "ids_only") for operation in reads}

    def replacement_call(self, name: str) -> str:
        """The call that replaces an operation which is an argument here."""
        tool, argument = self.argument_operations[name]
        return f"{tool} with {argument}=true"

    def at_revision(self, revision: str) -> list[Operation]:
        """The operations that exist in a revision of Klaviyo's API."""
        return [operation for operation in self._operations.values() if operation.revisions.since <= revision]

    def in_toolsets(self, toolsets: Iterable[str]) -> list[Operation]:
        """The operations of presets and areas, in the order of the registry. Raises UnknownName."""
        names: set[str] = set()
        for toolset in toolsets:
            word = toolset.strip().lower().replace("-", "_")
            if word in ("core", "standard"):
                names.update((CORE if word == "core" else STANDARD).split())
            elif word == "all":
                names.update(self._operations)
            elif word in self.areas:
                names.update(self.areas[word].operations)
            elif word != "none":
                close = nearest(word, [*PRESETS, *self.areas])
                names_of_all = ", ".join([*PRESETS, *self.areas])
                hint = f"did you mean {' or '.join(close)}?" if close else f"there are {names_of_all}"
                raise UnknownName(f"there is no toolset {toolset[:40]!r}; {hint}")
        return [operation for name, operation in self._operations.items() if name in names]

    def verify_with(self, operation: Operation) -> str | None:
        """The read that shows whether a write was applied: the one that it declares, or the read of the same path."""
        if operation.verify_with:
            return operation.verify_with
        reads = self._reads_by_path
        paths = (operation.path, operation.path.replace("/relationships/", "/"), operation.path.rpartition("/")[0])
        return next((reads[path] for path in paths if path in reads), operation.job.read if operation.job else None)

    def read_in_path(self, operation: Operation) -> Operation | None:
        """The read of the record in an operation's path; None where there is none."""
        paths = (operation.path, operation.path.partition("/relationships/")[0]) if operation.path_ids else ()
        return next((self[self._reads_by_path[path]] for path in paths if path in self._reads_by_path), None)

    @cached_property
    def record_reads(self) -> Mapping[str, Operation]:
        """Type of a record -> the read of one record by its id."""
        return {
            operation.resource: operation
            for operation in self._operations.values()
            if operation.answer is AnswerKind.RECORD
            and operation.method == "GET"
            and _RECORD_PATH.fullmatch(operation.path)
        }

    @cached_property
    def collections(self) -> Mapping[str, Operation]:
        """Type of a record -> the read of all records of the account."""
        return {
            operation.resource: operation
            for operation in self._operations.values()
            if operation.answer is AnswerKind.COLLECTION and operation.method == "GET" and not operation.path_ids
        }

    @cached_property
    def addresses(self) -> Mapping[str, tuple[Operation, RecordAddress]]:
        """Type of a record that has an address -> its read and that address."""
        return {one.resource: (one, one.address) for one in self._operations.values() if one.address is not None}

    @cached_property
    def _reads_by_path(self) -> dict[str, str]:
        """Path -> the GET of it."""
        return {other.path: other.name for other in self._operations.values() if other.method == "GET"}


def _resource_types(areas: Iterable[Area]) -> dict[str, ResourceType]:
    declared: dict[str, ResourceType] = {}
    for area in areas:
        if twice := declared.keys() & area.resource_types.keys():
            raise ValueError(f"{', '.join(sorted(twice))} of {area.name} is declared in another area too")
        declared.update(area.resource_types)
    return declared


@cache
def registry() -> Registry:
    """All operations and resource types."""
    return Registry(import_module(f"klaviyo_tools.areas.{name}").area for name in AREAS)


def resource_type(type_: str) -> ResourceType:
    """The facts of a resource type. A type that no area declares is shown whole, and its text is not trusted."""
    return registry().resource_types.get(type_) or unknown_resource_type(type_)
