"""Records as flat JSON objects: `detail=full`, and the answer of one record."""

from __future__ import annotations

from typing import Any

from klaviyo_mcp.answers.columns import Columns, Included, Joins
from klaviyo_mcp.answers.members import MAX_MEMBERS, MORE, LeftOut, first_members
from klaviyo_mcp.answers.values import is_empty, value_at, without_empties
from klaviyo_mcp.answers.view import ResourceLookup, View
from klaviyo_tools.jsonapi.records import Record, RelatedIds
from klaviyo_tools.resource_types import ResourceType


class RecordObjects:
    """Makes objects of records: id, attributes without empties and needless nulls, names or ids of related records."""

    def __init__(self, columns: Columns, joins: Joins) -> None:
        self._columns, self._joins = columns, joins
        self._hide = columns.view.hide
        self._declared_objects = {name.partition(".")[0] for name in columns.resource.fields if "." in name}
        self.hidden = columns.hidden
        """The names of the attributes that the view hides."""
        self.untrusted = False
        """Whether an object holds text that people outside the account can write."""

    def object(self, record: Record, included: Included) -> dict[str, Any]:
        """The object of a record; of the fields that the view names, where it names any."""
        members: dict[str, Any] = {"id": record.id} if record.id else {}
        if self._columns.view.fields:
            return self._add_fields(members, record, included)
        for name, value in first_members(record.attributes):
            untrusted = self._columns.is_untrusted(name)
            if untrusted and self._hide:
                value = self._without_untrusted(value, name)
            value = without_empties(value, nulls=self._shows_nulls(name))
            if not is_empty(value):
                members[name if name != "id" else "id (attribute)"] = value
                if untrusted and not self.untrusted and not self._hide:
                    self.untrusted = not self._is_trusted(value)
        if len(record.attributes) > MAX_MEMBERS:
            members[MORE] = LeftOut(len(record.attributes) - MAX_MEMBERS)
        for name, related in first_members(record.related):
            if name not in self._columns.resource.relationships:
                if self._hide:
                    self._columns.hide(name)
                    continue
                self.untrusted = True
            names = self._joins.values(record, name, (), included)
            members[name if name not in members else f"{name} (related)"] = names if related.many else names[0]
            self.untrusted = self.untrusted or related.type in self._joins.untrusted_types
        return members

    def object_with_included(self, record: Record, included: Included) -> dict[str, Any]:
        """`object`, with each record that the view includes as an object instead of its name."""
        members = self.object(record, included)
        for name in self._columns.view.include:
            related = record.related.get(name)
            key = f"{name} (related)" if f"{name} (related)" in members else name
            if related is not None and key in members:
                objects = self._related_objects(name, related, included)
                members[key] = objects if related.many else objects[0]
        return members

    def _add_fields(self, members: dict[str, Any], record: Record, included: Included) -> dict[str, Any]:
        for column in self._columns:
            name, path, relationship, untrusted, related_type, shown_values = column
            if relationship is None:
                value = value_at(record.attributes, path)
            else:
                value = self._joins.values(record, relationship, path, included)
            value = without_empties(
                value if shown_values is None else column.visible_value(value), nulls=self._shows_nulls(name)
            )
            if not is_empty(value):
                members[name] = value
                untrusted = (untrusted and shown_values is None) or related_type in self._joins.untrusted_types
                self.untrusted = self.untrusted or untrusted
        return members

    def _shows_nulls(self, name: str) -> bool:
        """Whether nulls in an attribute are shown: where its type does not declare the members, a null tells of one."""
        # What is hidden has become null; the errors of a job have members that are null wherever they say nothing.
        is_job = self._columns.resource.type.endswith("-job")
        return not self._hide and not is_job and name.partition(".")[0] not in self._declared_objects

    def _related_objects(self, name: str, related: RelatedIds, included: Included) -> list[dict[str, Any]]:
        resources = self._columns.resources
        objects = record_objects(resources(related.type), View(detail="full", hide=self._hide), resources)
        members = []
        for id_ in related.ids:
            other = included.get((related.type, id_))
            members.append({"id": id_} if other is None else objects.object(other, {}))
        self.untrusted = self.untrusted or objects.untrusted
        self.hidden.update({f"{name}.{attribute}": None for attribute in objects.hidden})
        return members

    def _without_untrusted(self, value: Any, path: str) -> Any:
        """A value without the attributes in it that people outside the account can write."""
        resource = self._columns.resource
        if not resource.declares(path) or any(
            one in ("*", path) or path.startswith(f"{one}.") for one in resource.untrusted
        ):
            shown = self._trusted_values(value, path) if resource.trusted_values else None
            if shown != value:
                self._columns.hide(path)
            return shown
        if not self._columns.is_untrusted(path):
            return value
        if isinstance(value, dict):
            return {key: self._without_untrusted(item, f"{path}.{key}") for key, item in value.items()}
        if isinstance(value, list):
            return [self._without_untrusted(item, path) for item in value]
        return value

    def _is_trusted(self, value: Any) -> bool:
        """Whether a value of an untrusted attribute says nothing of a stranger's."""
        return isinstance(value, str) and value in self._columns.resource.trusted_values

    def _trusted_values(self, value: Any, path: str) -> Any:
        """What is shown of an attribute that strangers can write: the trusted values in it, under declared names."""
        resource = self._columns.resource
        if isinstance(value, dict):
            declared = (*resource.fields, *resource.columns)
            return {
                name: self._trusted_values(item, f"{path}.{name}")
                for name, item in value.items()
                if f"{path}.{name}" in declared
            }
        return value if isinstance(value, str) and value in resource.trusted_values else None


def record_objects(resource: ResourceType, view: View, resources: ResourceLookup) -> RecordObjects:
    """Makes the objects of a resource type."""
    hidden: dict[str, None] = {}
    return RecordObjects(Columns(resource, view, resources, hidden), Joins(view.hide, resources, hidden))
