"""Records as rows of text: CSV of the columns that matter, or a line of compact JSON each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from klaviyo_mcp.answers.budget import line_bytes
from klaviyo_mcp.answers.csv import csv_lines, filled_columns
from klaviyo_mcp.answers.values import (
    CELL_CHARACTERS,
    NAMED_CELL_CHARACTERS,
    cell,
    fit_members,
    is_empty,
    join_cells,
    timestamp,
    to_json,
    value_at,
    without_empties,
)
from klaviyo_mcp.answers.view import MAX_FIELDS, ResourceLookup, View, overlaps, relationship_of
from klaviyo_tools.jsonapi.records import Flat
from klaviyo_tools.registry import resource_type
from klaviyo_tools.resource_types import ResourceType

Included = Mapping[tuple[str, str], Flat]


class Column(NamedTuple):
    """One column: an attribute (`path`), or through `relationship` the names, ids or an attribute of other records."""

    name: str
    path: tuple[str, ...]
    relationship: str | None
    strange: bool
    kind: str = ""
    """The type that the relationship leads to."""


class RowLines(NamedTuple):
    """Lines of text: a CSV header (none above lines of JSON), one line a row, and whether strangers wrote in them."""

    header: list[str]
    rows: list[str]
    untrusted: bool


class Rows:
    """Rows as records come in: their text is made once, and `size` is never more than what they will take.

    Columns without a single value are dropped in the end, so that a column may be anything that records could hold.
    """

    def __init__(self, resource: ResourceType, view: View, resources: ResourceLookup = resource_type) -> None:
        self.resource = resource
        self.view = view
        self.resources = resources
        self.records: list[Flat] = []
        self.size = 0
        self.hidden: dict[str, None] = {}
        self.overflow = 0
        """Attributes of an unknown type that found no room among the columns."""
        self.limit = NAMED_CELL_CHARACTERS if view.fields else CELL_CHARACTERS
        self.full = view.detail == "full"
        self._columns: dict[str, Column] = {}
        self._cells: list[list[str]] = []
        self._lines: list[str] = []
        self._facets: list[str] = []
        self._dates: list[str] = []
        self.strange = False
        self._facet = self._telling()
        self._date = tuple(resource.date.split(".")) if resource.date else ()
        self._named: set[str] = set()
        self._open = not view.fields and not resource.columns
        named = view.fields or resource.columns_with(view.additional)
        for name in named:
            self._column(name)
        for name in (*view.include, *(() if view.fields else view.additional)):
            # `profile.email` stands for the profile that was included, `subscriptions.email…` for the subscriptions.
            if name not in self._columns and not any(known.startswith(f"{name}.") for known in self._columns):
                self._column(name)

    def __len__(self) -> int:
        return len(self.records)

    def add(self, records: Iterable[Flat], included: Included, room: int) -> bool:
        """Take records in until `room` bytes are certainly full. Answers whether there is room for more."""
        for record in records:
            if self.size > room:
                return False
            self.records.append(record)
            self._note(record, included)
            if self.full:
                self._lines.append(to_json(self.object(record, included)))
                self.size += len(self._lines[-1]) + 1
            else:
                row = self.row(record, included, self.limit)
                self._cells.append(row)
                self.size += sum(map(len, row)) + 1
        return self.size <= room

    def row(self, record: Flat, included: Included, limit: int) -> list[str]:
        """The cells of one record, id first."""
        attributes = record.attributes
        if self._open:
            for name in attributes:
                self._open_column(name)
        if record.related and not self.view.fields:
            for name, related in record.related.items():
                if name not in self._columns:
                    self._column(name, related.type)
        cells = [cell(record.id, limit)]
        for _, path, relationship, _, _ in self._columns.values():
            if relationship is not None:
                cells.append(self._related(record, relationship, path, included, limit))
            elif len(path) == 1:
                cells.append(cell(attributes.get(path[0]), limit))
            else:
                cells.append(cell(value_at(attributes, path), limit))
        return cells

    def object(self, record: Flat, included: Included) -> dict[str, Any]:
        """The record as one flat object: id, attributes without nulls and empties, related ids, joined names."""
        whole: dict[str, Any] = {"id": record.id} if record.id else {}
        if self.view.fields:
            for name, path, relationship, strange, kind in self._columns.values():
                value = (
                    value_at(record.attributes, path)
                    if relationship is None
                    else self.joined(record, relationship, path, included)
                )
                value = without_empties(value)
                if not is_empty(value):
                    whole[name] = value
                    self.strange = self.strange or strange or kind in self._named
            return whole
        for name, value in record.attributes.items():
            if self._is_strange(name):
                value = self._shown(value, name) if self.view.hide else value
                self.strange = self.strange or not (self.view.hide or is_empty(value))
            value = without_empties(value)
            if not is_empty(value):
                whole[name if name != "id" else "id (attribute)"] = value
        for name, related in record.related.items():
            names = self.joined(record, name, (), included)
            key = name if name not in whole else f"{name} (related)"
            whole[key] = names if related.many else names[0]
            self.strange = self.strange or related.type in self._named
        return whole

    def opened(self, record: Flat, included: Included) -> dict[str, Any]:
        """The record as `object` tells it, with the records that were included as objects instead of their names."""
        whole = self.object(record, included)
        for name in self.view.include:
            related = record.related.get(name)
            key = f"{name} (related)" if f"{name} (related)" in whole else name
            if related is None or key not in whole:
                continue
            rows = Rows(self.resources(related.type), View(detail="full", hide=self.view.hide), self.resources)
            others = [included.get((related.type, id_), id_) for id_ in related.ids]
            told = [{"id": other} if isinstance(other, str) else rows.object(other, {}) for other in others]
            whole[key] = told if related.many else told[0]
            self.strange = self.strange or rows.strange
            self.hidden.update({f"{name}.{hidden}": None for hidden in rows.hidden})
        return whole

    def lines(self, count: int) -> RowLines:
        """The lines of the first `count` rows."""
        if self.full:
            return RowLines([], self._lines[:count], self.strange)
        return self._csv(self._cells[:count])

    def _csv(self, rows: Sequence[Sequence[str]]) -> RowLines:
        """Rows of cells as CSV lines without their all-empty columns."""
        columns = [Column("id", (), None, False), *self._columns.values()]
        kept = filled_columns(rows, len(columns))
        names = [cell(columns[i].name, 60) for i in kept]
        header, *lines = csv_lines([names, *([row[i] if i < len(row) else "" for i in kept] for row in rows)])
        return RowLines([header], lines, any(self._holds_strange(columns[i]) for i in kept))

    def shortened(self, index: int, included: Included, room: int) -> RowLines:
        """The lines of one row that is larger than `room` bytes, its longest values cut."""
        record = self.records[index]
        if self.full:
            return RowLines([], [to_json(fit_members(self.object(record, included), room))], self.strange)
        limit = self.limit
        while True:
            limit //= 2
            lines = self._csv([self.row(record, included, limit)])
            if limit <= 4 or line_bytes([*lines.header, *lines.rows]) <= room:
                return lines

    def split(self, count: int) -> Counter[str]:
        """How the first `count` rows divide by the type's telling attribute."""
        return Counter(value for value in self._facets[:count] if value)

    def span(self, count: int) -> tuple[str, str] | None:
        """The first and the last day of the type's date in the first `count` rows."""
        days = [day for day in self._dates[:count] if day]
        return (min(days), max(days)) if days else None

    def name_of(self, type_: str, id_: str, included: Included) -> str:
        """A joined record as a reader knows it: `Spring sale (01HX…)`, or its id alone."""
        other = included.get((type_, id_))
        if other is not None:
            resource = self.resources(type_)
            for path in resource.label:
                label = value_at(other.attributes, path.split("."))
                if not isinstance(label, str | int | float) or label in ("", id_):
                    continue
                strange = overlaps(resource.untrusted, path)
                if strange and self.view.hide:
                    self.hidden[f"{type_}.{path}"] = None
                    continue
                if strange:
                    self._named.add(type_)
                return f"{cell(label, 80)} ({id_})"
        return id_

    def _note(self, record: Flat, included: Included) -> None:
        if self._facet is not None:
            value: Any
            if self._facet.relationship:
                value = "; ".join(self.joined(record, self._facet.relationship, (), included))
            else:
                value = value_at(record.attributes, self._facet.path)
            self._facets.append(cell(value, 40) if isinstance(value, str | int | float) else "")
        if self._date:
            value = value_at(record.attributes, self._date)
            self._dates.append((timestamp(value) or "")[:10] if isinstance(value, str) else "")

    def _telling(self) -> Column | None:
        """The column whose split is told above the rows: never one that strangers write, for it stands outside."""
        facet = self.resource.facet
        if facet is None:
            return None
        column = self._made(facet)
        if column.relationship:
            kind = self.resources(column.kind)
            return None if any(overlaps(kind.untrusted, label) for label in kind.label) else column
        return None if column.strange else column

    def _column(self, name: str, related: str | None = None) -> None:
        column = self._made(name, related)
        if self.view.hide and column.strange:
            self.hidden[name] = None
        else:
            self._columns[name] = column

    def _made(self, name: str, related: str | None = None) -> Column:
        """The column of an attribute or `relationship.attribute`; of the records' names where it is a relationship.

        `related` is the type of a relationship that the table of resources does not have.
        """
        joined = (name, "") if related else relationship_of(self.resource, name)
        if joined is None:
            return Column(name, tuple(name.split(".")), None, self._is_strange(name))
        relationship, path = joined
        kind = related or self.resource.relationships[relationship]
        # Names of records are judged when they are shown: mostly it is their ids alone.
        strange = bool(path) and overlaps(self.resources(kind).untrusted, path)
        return Column(name, tuple(path.split(".")) if path else (), relationship, strange, kind)

    def _holds_strange(self, column: Column) -> bool:
        if column.relationship is None or column.path:
            return column.strange
        return column.kind in self._named

    def _open_column(self, name: str) -> None:
        if name in self._columns or name in self.hidden:
            return
        if len(self._columns) < MAX_FIELDS:
            strange = self._is_strange(name)
            if strange and self.view.hide:
                self.hidden[name] = None
            else:
                self._columns[name] = Column(name, (name,), None, strange)
        else:
            self.overflow += 1

    def _is_strange(self, path: str) -> bool:
        return overlaps(self.resource.untrusted, path)

    def _shown(self, value: Any, path: str) -> Any:
        """The value without what strangers write in it."""
        strangers = self.resource.untrusted
        if any(one == "*" or path == one or path.startswith(f"{one}.") for one in strangers):
            self.hidden[path] = None
            return None
        if not overlaps(strangers, path):
            return value
        if isinstance(value, dict):
            return {key: self._shown(item, f"{path}.{key}") for key, item in value.items()}
        if isinstance(value, list):
            return [self._shown(item, path) for item in value]
        return value

    def joined(self, record: Flat, relationship: str, path: Sequence[str], included: Included) -> list[Any]:
        related = record.related.get(relationship)
        if related is None:
            return []
        if not path:
            return [self.name_of(related.type, id_, included) for id_ in related.ids]
        others = (included.get((related.type, id_)) for id_ in related.ids)
        values = (value_at(other.attributes, path) for other in others if other is not None)
        return [value for value in values if not is_empty(value)]

    def _related(self, record: Flat, relationship: str, path: Sequence[str], included: Included, limit: int) -> str:
        values = self.joined(record, relationship, path, included)
        if not values:
            return ""
        return join_cells([cell(value, limit) for value in values], limit)
