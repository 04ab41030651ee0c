"""Answers as Klaviyo's documents: resources with their attributes, relationships and links, and what is included."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from klaviyo_mcp.sandbox.api.query import Page, Query
from klaviyo_mcp.sandbox.contract.contract import Contract, Operation
from klaviyo_mcp.sandbox.state.relationships import Relationships
from klaviyo_mcp.sandbox.state.store import Record

HOST = "https://a.klaviyo.com"

_ALWAYS = frozenset({("campaign", "campaign-messages")})
"""To-many relationships whose ids Klaviyo tells without being asked to include them."""

_COUNTED = frozenset({("list", "profile_count"), ("segment", "profile_count")})

_ON_REQUEST = frozenset({
    ("profile", "subscriptions"), ("profile", "predictive_analytics"), ("profile", "joined_group_at"),
    ("list", "profile_count"), ("segment", "profile_count"), ("metric-property", "sample_values"),
})  # fmt: skip
"""Attributes that a resource shows only where the operation, or the request, asks for them."""


@dataclass(frozen=True, slots=True)
class _Link:
    """One relationship of an answer; `told` when it names the ids that it leads to."""

    name: str
    target: str
    many: bool
    told: bool


class Renderer:
    """Documents for one answer of one operation."""

    def __init__(self, contract: Contract, operation: Operation, relations: Relationships, query: Query) -> None:
        self.contract = contract
        self.operation = operation
        self.relations = relations
        self.query = query
        self.joined: Mapping[str, str] = {}
        self._plans: dict[str, Callable[[Record], dict[str, Any]]] = {}
        self._links: dict[tuple[str, bool], list[_Link]] = {}

    def one(self, record: Record) -> dict[str, Any]:
        return self._document(self._resource(record, primary=True), [record], {"self": self.address(record)})

    def many(self, page: Page, path: str, given: Mapping[str, str]) -> dict[str, Any]:
        data = [self._resource(record, primary=True) for record in page.records]
        return self._document(data, page.records, page_links(page, path, given))

    def identifiers(self, page: Page, path: str, given: Mapping[str, str]) -> dict[str, Any]:
        data = [{"type": record.type, "id": record.id} for record in page.records]
        return {"data": data, "links": page_links(page, path, given)}

    def _document(self, data: Any, records: Sequence[Record], links: Mapping[str, Any]) -> dict[str, Any]:
        document = {"data": data, "links": links}
        if self.query.include:
            document["included"] = self._included(records)
        return document

    def _included(self, records: Iterable[Record]) -> list[dict[str, Any]]:
        found: dict[tuple[str, str], Record] = {}
        for record in records:
            for name in self.query.include:
                for other in self.relations.records(record, name):
                    found.setdefault((other.type, other.id), other)
        return [self._resource(record, primary=False) for record in found.values()]

    def address(self, record: Record) -> str:
        return f"{HOST}{self.contract.resource_type(record.type).path}/{quote(record.id, safe='')}"

    def _resource(self, record: Record, *, primary: bool) -> dict[str, Any]:
        address = self.address(record)
        attributes = self._plan(record.type)(record)
        if record.type == "profile" and primary and self.joined:
            attributes["joined_group_at"] = self.joined.get(record.id)
        resource: dict[str, Any] = {"type": record.type, "id": record.id, "attributes": attributes}
        links = self._link_plan(record.type, primary)
        if links:
            resource["relationships"] = {link.name: self._relationship(record, link, address) for link in links}
        resource["links"] = {"self": address}
        return resource

    def _relationship(self, record: Record, link: _Link, address: str) -> dict[str, Any]:
        relationship: dict[str, Any] = {}
        if link.told and link.many:
            ids = self.relations.ids(record, link.name)
            relationship["data"] = [{"type": link.target, "id": id_} for id_ in ids]
        elif link.told and (ids := self.relations.ids(record, link.name)):
            relationship["data"] = {"type": link.target, "id": ids[0]}
        relationship["links"] = {"self": f"{address}/relationships/{link.name}/", "related": f"{address}/{link.name}/"}
        return relationship

    def _link_plan(self, type_: str, primary: bool) -> list[_Link]:
        """How a type's relationships are shown in this answer: which tell the ids they lead to."""
        if (type_, primary) not in self._links:
            resource = self.contract.resource_type(type_)
            bare = self.operation.without_linkage.get(type_, ())
            self._links[type_, primary] = [
                _Link(
                    name,
                    resource.target(name),
                    many := resource.is_to_many(name),
                    primary
                    and name not in bare
                    and (not many or name in self.query.include or (type_, name) in _ALWAYS),
                )
                for name in resource.relationships
            ]
        return self._links[type_, primary]

    def _plan(self, type_: str) -> Callable[[Record], dict[str, Any]]:
        """How a type's attributes are shown in this answer."""
        if type_ not in self._plans:
            self._plans[type_] = self._make_plan(type_)
        return self._plans[type_]

    def _make_plan(self, type_: str) -> Callable[[Record], dict[str, Any]]:
        resource = self.contract.resource_type(type_)
        asked = (self.query.additional or {}).get(type_, frozenset())
        chosen = (self.query.fields or {}).get(type_)
        held_back = {name for of, name in _ON_REQUEST if of == type_}
        held_back |= self.operation.additional_fields.get(type_, frozenset()) | self.operation.without_attributes.get(
            type_, frozenset()
        )
        names = [name for name in resource.attributes if name not in held_back or name in asked]
        whole = names
        paths: list[list[str]] = []
        if chosen is not None:
            whole = [name for name in names if name in chosen or name in asked]
            paths = [field.split(".") for field in chosen if "." in field and field.split(".")[0] in names]
        nullable = {name for name in whole if self.contract.resolve(resource.attributes[name])[1]}
        counted = [name for name in whole if (type_, name) in _COUNTED]

        def show(record: Record) -> dict[str, Any]:
            attributes = record.attributes
            shown = {name: attributes.get(name) for name in whole if name in attributes or name in nullable}
            for path in paths:
                _copy(attributes, shown, path)
            for name in counted:
                shown[name] = len(self.relations.store.members(type_, record.id))
            return shown

        return show


def _copy(source: Mapping[str, Any], target: dict[str, Any], path: Sequence[str]) -> None:
    head, *rest = path
    value = source.get(head)
    if not rest:
        target.setdefault(head, value)
    elif isinstance(value, dict):
        inner = target.setdefault(head, {})
        if inner is not value:
            _copy(value, inner, rest)


def page_links(page: Page, path: str, given: Mapping[str, str]) -> dict[str, str]:
    """The links of a collection. Klaviyo's name its own host, so a client behind a gateway must not follow them."""
    links = {"self": _address(path, given)}
    for name, cursor in (("next", page.next), ("prev", page.previous)):
        if cursor:
            links[name] = _address(path, {**given, "page[cursor]": cursor})
    return links


def _address(path: str, given: Mapping[str, str]) -> str:
    return f"{HOST}{path}" + (f"?{urlencode(given)}" if given else "")
