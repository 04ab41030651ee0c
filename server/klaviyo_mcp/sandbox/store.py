"""Everything the sandbox holds: records by type and id, linked by relationships."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Record:
    """One JSON:API resource. `links` maps a relationship's name to one id, a list of ids, or None."""

    type: str
    id: str
    attributes: dict[str, Any]
    links: dict[str, str | list[str] | None] = field(default_factory=dict)


class Store:
    """Records by type in insertion order. Seeding and handlers write through it, so that it can index."""

    def __init__(self) -> None:
        self._records: dict[str, dict[str, Record]] = defaultdict(dict)

    def add(self, record: Record) -> Record:
        self._records[record.type][record.id] = record
        return record

    def get(self, type_: str, id_: str) -> Record | None:
        return self._records[type_].get(id_)

    def all(self, type_: str) -> Iterator[Record]:
        return iter(self._records[type_].values())

    def count(self, type_: str) -> int:
        return len(self._records[type_])

    def remove(self, type_: str, id_: str) -> Record | None:
        return self._records[type_].pop(id_, None)
