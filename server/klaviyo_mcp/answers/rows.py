"""Records as rows of text: CSV of the columns that matter, or a line of compact JSON each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from klaviyo_mcp.answers.budget import line_bytes
from klaviyo_mcp.answers.columns import Column, Columns, Included, Joins
from klaviyo_mcp.answers.csv import csv_lines, filled_columns
from klaviyo_mcp.answers.objects import RecordObjects
from klaviyo_mcp.answers.values import (
    CELL_CHARACTERS,
    FIELD_CELL_CHARACTERS,
    cell,
    fit_members,
    join_cells,
    timestamp,
    to_json,
    value_at,
)
from klaviyo_mcp.answers.view import ResourceLookup, View
from klaviyo_tools.jsonapi.records import Record
from klaviyo_tools.registry import resource_type
from klaviyo_tools.resource_types import ResourceType

_HEADER_CHARACTERS = 60
_FACET_CHARACTERS = 40
OTHER_VALUE = "other"
"""Counts of a facet stand under this word where strangers may have written the value."""
_ID = Column("id", (), None, False)


class RowLines(NamedTuple):
    """Lines of text: a CSV header (none above lines of JSON), one line a row, and whether they hold untrusted text."""

    header: list[str]
    rows: list[str]
    untrusted: bool


class Rows:
    """The rows of a collection. The text of each is made once, when its record is added."""

    def __init__(self, resource: ResourceType, view: View, resources: ResourceLookup = resource_type) -> None:
        self.resource = resource
        self.columns = Columns(resource, view, resources)
        self.hidden = self.columns.hidden
        """The names of the attributes that the view hides."""
        self.size = 0
        """Characters of the rows: never more than the bytes that their lines will take."""
        self._joins = Joins(view.hide, resources, self.hidden)
        self._objects = RecordObjects(self.columns, self._joins) if view.detail == "full" else None
        self._max_cell = FIELD_CELL_CHARACTERS if view.fields else CELL_CHARACTERS
        self._cells: list[list[str]] = []
        self._lines: list[str] = []
        self._facet = self.columns.facet()
        self._date_path = tuple(resource.date.split(".")) if resource.date else ()
        self._facets: list[str] = []
        self._days: list[str] = []

    def __len__(self) -> int:
        return len(self._lines) if self._objects else len(self._cells)

    def add(self, records: Iterable[Record], included: Included, room: int) -> bool:
        """Add records until they certainly fill `room` bytes. Returns whether there is room for more."""
        for record in records:
            if self.size > room:
                return False
            self._add_facts(record, included)
            if self._objects:
                line = to_json(self._objects.object(record, included))
                self._lines.append(line)
                self.size += len(line) + 1
            else:
                row = self._row(record, included, self._max_cell)
                self._cells.append(row)
                self.size += sum(map(len, row)) + 1
        return self.size <= room

    def lines(self, count: int) -> RowLines:
        """The lines of the first `count` rows."""
        if self._objects:
            return RowLines([], self._lines[:count], self._objects.untrusted)
        return self._csv(self._cells[:count])

    def shortened_lines(self, record: Record, included: Included, room: int) -> RowLines:
        """The lines of one record that is larger than `room` bytes, its longest values cut."""
        if self._objects:
            members = fit_members(self._objects.object(record, included), room)
            return RowLines([], [to_json(members)], self._objects.untrusted)
        max_cell = self._max_cell
        while True:
            max_cell //= 2
            lines = self._csv([self._row(record, included, max_cell)])
            if max_cell <= 4 or line_bytes([*lines.header, *lines.rows]) <= room:
                return lines

    def facet_counts(self, count: int) -> Counter[str]:
        """How many of the first `count` rows have each value of the type's facet."""
        return Counter(value for value in self._facets[:count] if value)

    def date_range(self, count: int) -> tuple[str, str] | None:
        """The first and the last day of the type's date in the first `count` rows."""
        days = [day for day in self._days[:count] if day]
        return (min(days), max(days)) if days else None

    def _add_facts(self, record: Record, included: Included) -> None:
        if self._facet is not None:
            value: Any
            if self._facet.relationship:
                value = "; ".join(self._joins.values(record, self._facet.relationship, (), included))
            else:
                value = value_at(record.attributes, self._facet.path)
                value = value if value is None or self._facet.visible_value(value) is not None else OTHER_VALUE
            self._facets.append(cell(value, _FACET_CHARACTERS) if isinstance(value, str | int | float) else "")
        if self._date_path:
            value = value_at(record.attributes, self._date_path)
            self._days.append((timestamp(value) or "")[:10] if isinstance(value, str) else "")

    def _row(self, record: Record, included: Included, max_cell: int) -> list[str]:
        """The cells of a record, its id first; `max_cell` is in characters."""
        if self.columns.takes_any_attribute or record.related:
            self.columns.grow(record)
        attributes = record.attributes
        cells = [cell(record.id, max_cell)]
        for column in self.columns:
            _, path, relationship, _, _, shown_values = column
            if shown_values is not None:
                cells.append(cell(self._visible_value_of(column, record, included), max_cell))
            elif relationship is not None:
                values = self._joins.values(record, relationship, path, included)
                cells.append(join_cells([cell(value, max_cell) for value in values], max_cell))
            elif len(path) == 1:
                cells.append(cell(attributes.get(path[0]), max_cell))
            else:
                cells.append(cell(value_at(attributes, path), max_cell))
        return cells

    def _visible_value_of(self, column: Column, record: Record, included: Included) -> Any:
        """The value of a column most of whose values are hidden."""
        if column.relationship is None:
            return column.visible_value(value_at(record.attributes, column.path))
        return column.visible_value(self._joins.values(record, column.relationship, column.path, included))

    def _csv(self, rows: Sequence[Sequence[str]]) -> RowLines:
        """Rows of cells as CSV, without the columns that are empty in all of them."""
        columns = [_ID, *self.columns]
        indexes = filled_columns(rows, len(columns))
        names = [cell(columns[index].name, _HEADER_CHARACTERS) for index in indexes]
        if len(indexes) < len(columns) or any(len(row) < len(columns) for row in rows):
            # Rows that were made before a column was added are shorter.
            rows = [[row[index] if index < len(row) else "" for index in indexes] for row in rows]
        header, *lines = csv_lines([names, *rows])
        return RowLines([header], lines, any(self._is_untrusted(columns[index]) for index in indexes))

    def _is_untrusted(self, column: Column) -> bool:
        if column.shown_values is not None:
            return False
        if column.relationship is None or column.path:
            return column.untrusted
        return column.untrusted or column.related_type in self._joins.untrusted_types
