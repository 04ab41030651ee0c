"""The columns of an answer: attributes of its records, and names or attributes of the records that these relate to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from klaviyo_mcp.answers.members import MAX_MEMBERS, MORE, LeftOut, first_items, first_members
from klaviyo_mcp.answers.values import cell, is_empty, value_at
from klaviyo_mcp.answers.view import MAX_FIELDS, ResourceLookup, View, is_untrusted, overlaps, relationship_of
from klaviyo_mcp.answers.wording import UNDECLARED
from klaviyo_tools.jsonapi.records import Record
from klaviyo_tools.resource_types import ResourceType

Included = Mapping[tuple[str, str], Record]
"""Type and id -> a record that was included."""
MAX_KNOWN_ATTRIBUTES = 4_096
NAME_CHARACTERS = 80
"""Characters of a related record's name."""


class Column(NamedTuple):
    """A column: an attribute of the records, or of the records that they relate to.

    Attributes:
        name: The header.
        path: The attribute's path; empty where the column shows the names or ids of related records.
        relationship: The relationship that leads to other records; None for an attribute of the records themselves.
        untrusted: People outside the account can write its values.
        related_type: The type that the relationship leads to.
        shown_values: The only values that are shown, all others are hidden; None where all are shown.
    """

    name: str
    path: tuple[str, ...]
    relationship: str | None
    untrusted: bool
    related_type: str = ""
    shown_values: frozenset[str] | None = None

    def visible_value(self, value: Any) -> Any:
        """A value of this column, or None where it is hidden."""
        if self.shown_values is None:
            return value
        if isinstance(value, list):
            return [item for item in value if isinstance(item, str) and item in self.shown_values]
        return value if isinstance(value, str) and value in self.shown_values else None


class Columns:
    """The columns of a view, in order. They grow where records hold attributes or relationships that nobody declared.

    A column may be anything that records could hold: those without a single value are dropped when rows are written.
    """

    def __init__(
        self, resource: ResourceType, view: View, resources: ResourceLookup, hidden: dict[str, None] | None = None
    ) -> None:
        self.resource, self.view, self.resources = resource, view, resources
        self.hidden = hidden if hidden is not None else {}
        """The names of the attributes that the view hides."""
        self.overflow = 0
        """The number of attributes for which there is no room among the columns."""
        self._columns: dict[str, Column] = {}
        self._untrusted: dict[str, bool] = {}
        """Attribute -> whether strangers can write it: asked for each attribute of each record."""
        self.takes_any_attribute = not view.fields and not resource.columns
        """Whether each attribute of a record becomes a column: the type declares none."""
        for name in view.fields or resource.columns_with(view.additional):
            self._add(name)
        for name in (*view.include, *(() if view.fields else view.additional)):
            # `profile.email` stands for the profile that was included, `subscriptions.email…` for the subscriptions.
            if name not in self._columns and not any(column.startswith(f"{name}.") for column in self._columns):
                self._add(name)

    def __iter__(self) -> Iterator[Column]:
        return iter(self._columns.values())

    def grow(self, record: Record) -> None:
        """Add columns for what a record holds."""
        if self.takes_any_attribute:
            for name, _ in first_members(record.attributes):
                self._add_attribute(name)
            self.overflow += max(0, len(record.attributes) - MAX_MEMBERS)
        if record.related and not self.view.fields:
            for name, related in islice(record.related.items(), MAX_FIELDS):
                if name not in self._columns:
                    self._add(name, related.type)

    def facet(self) -> Column | None:
        """The column whose values the facts count; None where strangers can write any value there."""
        name = self.resource.facet
        if name is None:
            return None
        column = self._column(name)
        if not column.untrusted:
            return column
        values = self.resource.trusted_values
        return column._replace(shown_values=values) if values and not column.relationship else None

    def is_untrusted(self, path: str) -> bool:
        """Whether people outside the account write the attribute at a path, in whole or in part."""
        known = self._untrusted.get(path)
        if known is None:
            known = is_untrusted(self.resource, path)
            if len(self._untrusted) < MAX_KNOWN_ATTRIBUTES:
                self._untrusted[path] = known
        return known

    def hide(self, path: str) -> None:
        """Name an attribute among those that are hidden."""
        self.hidden[path if self.resource.declares(path) else UNDECLARED] = None

    def _add(self, name: str, related_type: str | None = None) -> None:
        column = self._column(name, related_type)
        if not (self.view.hide and column.untrusted):
            self._columns[name] = column
            return
        is_declared = related_type is None
        self.hidden[name if is_declared else UNDECLARED] = None
        type_ = self.resources(column.related_type) if column.relationship else self.resource
        if is_declared and type_.trusted_values:
            self._columns[name] = column._replace(shown_values=type_.trusted_values)

    def _add_attribute(self, name: str) -> None:
        if name in self._columns or name in self.hidden:
            return
        if len(self._columns) >= MAX_FIELDS:
            self.overflow += 1
            return
        untrusted = self.is_untrusted(name)
        if untrusted and self.view.hide:
            self.hide(name)
        else:
            self._columns[name] = Column(name, (name,), None, untrusted)

    def _column(self, name: str, related_type: str | None = None) -> Column:
        """The column of an attribute, of `relationship.attribute`, or of a relationship.

        `related_type` is that of a relationship which the table of resource types does not have.
        """
        joined = (name, "") if related_type else relationship_of(self.resource, name)
        if joined is None:
            return Column(name, tuple(name.split(".")), None, self.is_untrusted(name))
        relationship, path = joined
        if related_type:
            return Column(name, (), relationship, relationship not in self.resource.relationships, related_type)
        related_type = self.resource.relationships[relationship]
        # Whether names are untrusted is decided when one is shown: most related records have nothing but an id.
        untrusted = bool(path) and is_untrusted(self.resources(related_type), path)
        return Column(name, tuple(path.split(".")) if path else (), relationship, untrusted, related_type)


class Joins:
    """Values of the records that a record relates to.

    Args:
        hide: Leave out names that people outside the account can write.
        resources: Finds resource types.
        hidden: Receives the names of the attributes that are left out.
    """

    def __init__(self, hide: bool, resources: ResourceLookup, hidden: dict[str, None] | None = None) -> None:
        self.hide, self.resources = hide, resources
        self.hidden = hidden if hidden is not None else {}
        self.untrusted_types: set[str] = set()
        """The types of the records whose names are shown and untrusted."""

    def values(self, record: Record, relationship: str, path: Sequence[str], included: Included) -> list[Any]:
        """The attribute at a path of each related record; their names or ids where the path is empty."""
        related = record.related.get(relationship)
        if related is None:
            return []
        ids = first_items(related.ids)
        if not path:
            names: list[Any] = [self.name_of(related.type, id_, included) for id_ in ids]
            return names if ids is related.ids else [*names, LeftOut(len(related.ids) - len(ids), MORE)]
        others = (included.get((related.type, id_)) for id_ in ids)
        values = (value_at(other.attributes, path) for other in others if other is not None)
        return [value for value in values if not is_empty(value)]

    def name_of(self, type_: str, id_: str, included: Included) -> str:
        """The name and id of a record, `Spring sale (01HX…)`; its id alone where it has no name or is not included."""
        other = included.get((type_, id_))
        if other is None:
            return id_
        resource = self.resources(type_)
        for path in resource.label:
            name = value_at(other.attributes, path.split("."))
            if not isinstance(name, str | int | float) or name in ("", id_):
                continue
            if overlaps(resource.untrusted, path) and name not in resource.trusted_values:
                if self.hide:
                    self.hidden[f"{type_}.{path}" if resource.fields else UNDECLARED] = None
                    continue
                self.untrusted_types.add(type_)
            return f"{cell(name, NAME_CHARACTERS)} ({id_})"
        return id_
