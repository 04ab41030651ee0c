"""Klaviyo's documents: resources with attributes, relationships and links, and the resources that are included."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from klaviyo_mcp.sandbox.api.paging import Page
from klaviyo_mcp.sandbox.api.query import Query
from klaviyo_mcp.sandbox.contract.contract import Contract, Operation
from klaviyo_mcp.sandbox.state.relationships import Relationships
from klaviyo_mcp.sandbox.state.store import Record

_ALWAYS_LINKED = frozenset({("campaign", "campaign-messages")})
"""To-many relationships whose ids Klaviyo gives without `include`."""

_MEMBER_COUNTS = frozenset({("list", "profile_count"), ("segment", "profile_count")})

_ON_REQUEST = frozenset({
    ("profile", "subscriptions"), ("profile", "predictive_analytics"), ("profile", "joined_group_at"),
    ("list", "profile_count"), ("segment", "profile_count"), ("metric-property", "sample_values"),
})  # fmt: skip
"""Attributes that a resource shows only where the operation, or the request, asks for them."""

AttributeReader = Callable[[Record], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Relationship:
    """A relationship as this answer shows it: with the ids that it leads to (`has_data`), or with links alone."""

    name: str
    target: str
    to_many: bool
    has_data: bool


class Renderer:
    """Renders the answers of one request to one operation. Links begin with `origin`."""

    def __init__(
        self, contract: Contract, operation: Operation, relationships: Relationships, query: Query, origin: str
    ) -> None:
        self.contract = contract
        self.operation = operation
        self.relationships = relationships
        self.query = query
        self.origin = origin
        self.joined: Mapping[str, str] = {}
        self._attribute_readers: dict[str, AttributeReader] = {}
        self._relationships_by_type: dict[tuple[str, bool], list[_Relationship]] = {}

    def one(self, record: Record) -> dict[str, Any]:
        return self._document(self._resource(record, primary=True), [record], {"self": self.url(record)})

    def many(self, page: Page, path: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        data = [self._resource(record, primary=True) for record in page.records]
        return self._document(data, page.records, page_links(page, f"{self.origin}{path}", parameters))

    def identifiers(self, page: Page, path: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        data = [{"type": record.type, "id": record.id} for record in page.records]
        return {"data": data, "links": page_links(page, f"{self.origin}{path}", parameters)}

    def _document(self, data: Any, records: Sequence[Record], links: Mapping[str, Any]) -> dict[str, Any]:
        document = {"data": data, "links": links}
        if self.query.include:
            document["included"] = self._included(records)
        return document

    def _included(self, records: Iterable[Record]) -> list[dict[str, Any]]:
        included: dict[tuple[str, str], Record] = {}
        for record in records:
            for name in self.query.include:
                for related in self.relationships.records(record, name):
                    included.setdefault((related.type, related.id), related)
        return [self._resource(record, primary=False) for record in included.values()]

    def url(self, record: Record) -> str:
        return f"{self.origin}{self.contract.resource_type(record.type).path}/{quote(record.id, safe='')}"

    def _resource(self, record: Record, *, primary: bool) -> dict[str, Any]:
        url = self.url(record)
        attributes = self._attribute_reader(record.type)(record)
        if record.type == "profile" and primary and self.joined:
            attributes["joined_group_at"] = self.joined.get(record.id)
        resource: dict[str, Any] = {"type": record.type, "id": record.id, "attributes": attributes}
        relationships = self._relationships_of(record.type, primary)
        if relationships:
            resource["relationships"] = {one.name: self._render_relationship(record, one, url) for one in relationships}
        resource["links"] = {"self": url}
        return resource

    def _render_relationship(self, record: Record, relationship: _Relationship, url: str) -> dict[str, Any]:
        document: dict[str, Any] = {}
        name, target = relationship.name, relationship.target
        if relationship.has_data and relationship.to_many:
            ids = self.relationships.ids(record, name)
            document["data"] = [{"type": target, "id": id_} for id_ in ids]
        elif relationship.has_data and (ids := self.relationships.ids(record, name)):
            document["data"] = {"type": target, "id": ids[0]}
        document["links"] = {"self": f"{url}/relationships/{name}/", "related": f"{url}/{name}/"}
        return document

    def _relationships_of(self, type_: str, primary: bool) -> list[_Relationship]:
        """A type's relationships as this answer shows them; included resources show links alone."""
        if (type_, primary) not in self._relationships_by_type:
            resource_type = self.contract.resource_type(type_)
            without_data = self.operation.without_linkage.get(type_, ())
            relationships = []
            for name in resource_type.relationships:
                to_many = resource_type.is_to_many(name)
                is_named = not to_many or name in self.query.include or (type_, name) in _ALWAYS_LINKED
                has_data = primary and name not in without_data and is_named
                relationships.append(_Relationship(name, resource_type.target(name), to_many, has_data))
            self._relationships_by_type[type_, primary] = relationships
        return self._relationships_by_type[type_, primary]

    def _attribute_reader(self, type_: str) -> AttributeReader:
        """A function that reads the attributes of a type's records that this answer shows."""
        if type_ not in self._attribute_readers:
            self._attribute_readers[type_] = self._build_attribute_reader(type_)
        return self._attribute_readers[type_]

    def _build_attribute_reader(self, type_: str) -> AttributeReader:
        resource_type = self.contract.resource_type(type_)
        additional = (self.query.additional_fields or {}).get(type_, frozenset())
        sparse = (self.query.fields or {}).get(type_)
        hidden = {name for of_type, name in _ON_REQUEST if of_type == type_}
        for omitted in (self.operation.additional_fields, self.operation.without_attributes):
            hidden |= omitted.get(type_, frozenset())
        names = [name for name in resource_type.attributes if name not in hidden or name in additional]
        whole = names
        paths: list[list[str]] = []
        if sparse is not None:
            whole = [name for name in names if name in sparse or name in additional]
            paths = [field.split(".") for field in sparse if "." in field and field.split(".")[0] in names]
        nullable = {name for name in whole if self.contract.resolve(resource_type.attributes[name])[1]}
        counts = [name for name in whole if (type_, name) in _MEMBER_COUNTS]

        def read(record: Record) -> dict[str, Any]:
            stored = record.attributes
            attributes = {name: stored.get(name) for name in whole if name in stored or name in nullable}
            for path in paths:
                _copy_path(stored, attributes, path)
            for name in counts:
                # A segment that is processing has counted nobody yet.
                is_ready = not stored.get("is_processing")
                attributes[name] = len(self.relationships.store.members(type_, record.id)) if is_ready else 0
            return attributes

        return read


def _copy_path(source: Mapping[str, Any], target: dict[str, Any], path: Sequence[str]) -> None:
    """Copy the value at a path into nested objects, and nothing beside it."""
    head, *rest = path
    value = source.get(head)
    if not rest:
        target.setdefault(head, value)
    elif isinstance(value, dict):
        inner = target.setdefault(head, {})
        if inner is not value:
            _copy_path(value, inner, rest)


def page_links(page: Page, url: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """The links of a collection at this address. Behind the gateway they name Klaviyo's own host, not the gateway's."""
    links = {"self": _with_query(url, parameters)}
    for name, cursor in (("next", page.next), ("prev", page.previous)):
        if cursor:
            links[name] = _with_query(url, {**parameters, "page[cursor]": cursor})
    return links


def _with_query(url: str, parameters: Mapping[str, str]) -> str:
    return f"{url}?{urlencode(parameters)}" if parameters else url
