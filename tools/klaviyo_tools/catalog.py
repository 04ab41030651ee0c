"""All operations by name, and the toolsets in which a server offers them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module

from .arguments import nearest
from .operation import Area, Operation

AREAS = (
    "accounts",
    "profiles",
    "consent",
    "imports",
    "lists",
    "segments",
    "campaigns",
    "flows",
    "events",
    "metrics",
    "reporting",
    "templates",
    "catalogs",
    "coupons",
    "tags",
    "forms",
    "reviews",
    "images",
    "webhooks",
    "connections",
)
"""The modules that declare an `area`, in the order in which tools are listed."""


class UnknownName(LookupError):
    """No operation, area or toolset is called that; the message names the nearest."""


class Catalog(Mapping[str, Operation]):
    """Operations by name, in a stable order."""

    def __init__(self, areas: Iterable[Area]) -> None:
        self.areas = {area.name: area for area in areas}
        self._operations = {operation.name: operation for area in self.areas.values() for operation in area}

    def __getitem__(self, name: str) -> Operation:
        try:
            return self._operations[name]
        except KeyError:
            close = nearest(name, self._operations)
            hint = f"did you mean {' or '.join(close)}?" if close else "tools/list names those there are"
            raise UnknownName(f"there is no tool {name[:60]!r}; {hint}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._operations

    def __iter__(self) -> Iterator[str]:
        return iter(self._operations)

    def __len__(self) -> int:
        return len(self._operations)

    def at(self, revision: str) -> list[Operation]:
        """The operations that exist in a revision of Klaviyo's API."""
        return [operation for operation in self._operations.values() if operation.since <= revision]

    def look(self, operation: Operation) -> str | None:
        """The read that shows whether a write was applied: its own word, or the plain read of the same path."""
        if operation.look or operation.job:
            return operation.look or operation.job
        reads = {other.path: other.name for other in self._operations.values() if other.method == "GET"}
        paths = (operation.path, operation.path.replace("/relationships/", "/"), operation.path.rpartition("/")[0])
        return next((reads[path] for path in paths if path in reads), None)


@cache
def catalog() -> Catalog:
    """Every operation there is."""
    return Catalog(import_module(f".{name}", __package__).area for name in AREAS)
