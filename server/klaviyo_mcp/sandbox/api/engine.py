"""One call answered: by the shape of its path, or by the handler that knows its behaviour."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from klaviyo_mcp.sandbox.api import query as queries
from klaviyo_mcp.sandbox.api.query import Collections, Page, Query, Source
from klaviyo_mcp.sandbox.api.render import Renderer
from klaviyo_mcp.sandbox.contract.bodies import check_body
from klaviyo_mcp.sandbox.contract.contract import Contract, Operation
from klaviyo_mcp.sandbox.errors import conflict, not_found
from klaviyo_mcp.sandbox.state.relationships import Relationships
from klaviyo_mcp.sandbox.state.store import GROUPS, Record, Store

JSON = Any
Answer = tuple[int, JSON]
"""A status and a document; None for an answer without a body."""


@dataclass
class Call:
    """One request to one operation, its parameters and body already held against the contract."""

    contract: Contract
    operation: Operation
    store: Store
    relations: Relationships
    collections: Collections
    path: str
    id: str
    given: Mapping[str, str]
    query: Query
    body: JSON

    @property
    def data(self) -> dict[str, Any]:
        """The resource in the body."""
        data: dict[str, Any] = self.body["data"]
        return data

    @property
    def attributes(self) -> dict[str, Any]:
        attributes: dict[str, Any] = self.data.get("attributes") or {}
        return attributes

    def related(self, name: str) -> list[str]:
        """The ids that a relationship of the body names."""
        return linked(self.data, name)

    @cached_property
    def renderer(self) -> Renderer:
        return Renderer(self.contract, self.operation, self.relations, self.query)

    def record(self, type_: str, id_: str | None = None) -> Record:
        """The record of this id (the path's, unless given), or Klaviyo's 404."""
        id_ = self.id if id_ is None else id_
        record = self.store.get(type_, id_)
        if record is None:
            raise not_found(type_, id_)
        return record

    def one(self, record: Record, status: int | None = None) -> Answer:
        return (status or self.operation.status[0]), self.renderer.one(record) if self.operation.has_answer else None

    def done(self) -> Answer:
        return self.operation.status[0], None

    def many(self, source: Source) -> Answer:
        page = self.collections.page(source, self.query)
        self.renderer.joined = source.joined
        show = self.renderer.identifiers if self.operation.answers_identifiers else self.renderer.many
        return self.operation.status[0], show(page, self.path, self.given)


Handler = Callable[[Call], Answer]


def linked(resource: Mapping[str, Any], name: str) -> list[str]:
    """The ids under `relationships.<name>.data` of a resource in a body."""
    data = ((resource.get("relationships") or {}).get(name) or {}).get("data")
    return [one["id"] for one in (data if isinstance(data, list) else [data] if data else [])]


def answer(call: Call, special: Mapping[str, Handler]) -> Answer:
    """Check the body, then answer. Raises KlaviyoError where Klaviyo would refuse."""
    if call.operation.body is not None and call.operation.media_type.endswith("json"):
        check_body(call.contract, call.operation, call.body, call.id)
    handler = special.get(call.operation.name)
    return handler(call) if handler else _by_shape(call)


def read_query(contract: Contract, operation: Operation, given: Mapping[str, str]) -> Query:
    return queries.read(contract, operation, given)


def _by_shape(call: Call) -> Answer:
    operation = call.operation
    shape = (operation.method, len(operation.segments), "relationships" in operation.segments)
    handler = _SHAPES.get(shape)
    if handler is None:
        raise not_found("resource", call.path)
    return handler(call)


def home_type(contract: Contract, operation: Operation) -> str:
    """The type of the collection that a path starts from."""
    path = f"/api/{operation.segments[0]}"
    for type_, resource in contract.resource_types.items():
        if resource.path == path:
            return type_
    return operation.segments[0].removesuffix("s")


def list_all(call: Call) -> Answer:
    type_ = call.operation.types[0]
    store = call.store
    versions = tuple(
        store.version(name) for name in {type_, *call.contract.resource_type(type_).relationships, *_BESIDE}
    )
    return call.many(Source(type_, ("all", type_), versions, lambda: store.all(type_), {}))


_BESIDE = ("campaign-message", "push-token", "catalog-item", "coupon-code")
"""Types whose changes can move records of another in a filter."""


def get_one(call: Call) -> Answer:
    record = call.record(call.operation.types[0])
    advance(call.store, record)
    return call.one(record)


def get_related(call: Call) -> Answer:
    base = call.record(home_type(call.contract, call.operation))
    name = call.operation.segments[-1]
    target = call.operation.types[0]
    if call.operation.answers_many:
        return call.many(_related_source(call, base, name, target))
    records = call.relations.records(base, name, target)
    if not records:
        raise not_found(target, f"of {base.type} {base.id}", f"/data/relationships/{name}")
    if call.operation.answers_identifiers:
        links = page = Page(records[:1])
        document = call.renderer.identifiers(links, call.path, call.given)
        return call.operation.status[0], document | {"data": document["data"][0]} if page.records else None
    return call.one(records[0])


def _related_source(call: Call, base: Record, name: str, target: str) -> Source:
    store = call.store
    versions = (store.version(target), store.version(base.type))
    joined: Mapping[str, str] = {}
    kind = "related"
    if name == "profiles" and base.type in GROUPS:
        joined, kind = store.members(base.type, base.id), "group"
    return Source(
        target, (kind, base.type, base.id, name), versions, lambda: call.relations.records(base, name, target), joined
    )


def change_related(call: Call) -> Answer:
    base = call.record(home_type(call.contract, call.operation))
    data = call.body["data"]
    resources = data if isinstance(data, list) else [data]
    name = call.operation.segments[-1]
    target = resources[0]["type"] if resources else call.relations.target(base.type, name)
    call.relations.change(base, name, call.operation.method, target, [one["id"] for one in resources])
    return call.done()


def create(call: Call) -> Answer:
    """Make the record that the body describes; an operation that answers nothing only checks it."""
    if not call.operation.has_answer:
        return call.done()
    return call.one(make(call, call.data))


def make(call: Call, data: Mapping[str, Any], id_: str | None = None) -> Record:
    """Store a resource of a body, completed with what Klaviyo fills in. Raises 409 when the id is taken."""
    type_ = data["type"]
    if id_ is not None and call.store.get(type_, id_) is not None:
        raise conflict(f"A {type_} with id {id_} already exists.", "/data/attributes")
    links: dict[str, str | list[str] | None] = {}
    for name in data.get("relationships") or {}:
        ids = linked(data, name)
        call.relations.require(call.relations.target(type_, name), ids, f"/data/relationships/{name}/data")
        links[name] = ids if call.contract.resource_type(type_).is_to_many(name) else next(iter(ids), None)
    record = Record(type_, id_ or call.store.new_id(type_), dict(data.get("attributes") or {}), links)
    complete(call.contract, call.store, record)
    return call.store.add(record)


def update(call: Call) -> Answer:
    """Set the attributes, and the relationships, that the body names."""
    record = call.record(call.data["type"])
    record.attributes.update(call.attributes)
    for name in call.data.get("relationships") or {}:
        ids = call.related(name)
        call.relations.require(call.relations.target(record.type, name), ids, f"/data/relationships/{name}/data")
        many = call.contract.resource_type(record.type).is_to_many(name)
        call.store.link(record, name, ids if many else next(iter(ids), None))
    stamp(call.contract, call.store, record)
    return call.one(record)


def stamp(contract: Contract, store: Store, record: Record) -> None:
    """Tell the store, and the record itself, that it changed now."""
    for name in ("updated", "updated_at"):
        if name in contract.resource_type(record.type).attributes:
            record.attributes[name] = store.timestamp()
    store.touch(record)


def delete(call: Call) -> Answer:
    record = call.record(home_type(call.contract, call.operation))
    document = call.one(record)
    call.relations.delete(record)
    return document


def complete(contract: Contract, store: Store, record: Record) -> None:
    """Fill in the attributes that Klaviyo always answers: times are now, the rest is empty."""
    resource = contract.resource_type(record.type)
    for name, shape in resource.attributes.items():
        if name in record.attributes:
            continue
        if name in ("created", "created_at", "updated", "updated_at"):
            record.attributes[name] = store.timestamp()
        elif name in resource.required and not contract.resolve(shape)[1]:
            record.attributes[name] = blank(contract, store, shape)


def blank(contract: Contract, store: Store, shape: JSON) -> JSON:
    """The emptiest value of a shape."""
    shape, nullable = contract.resolve(shape)
    if nullable:
        return None
    if isinstance(shape, str):
        return {"integer": 0, "number": 0, "boolean": False, "object": {}, "date-time": store.timestamp()}.get(
            shape, ""
        )
    if "enum" in shape:
        return shape["enum"][0]
    if "of" in shape:
        return []
    if "anyOf" in shape:
        return blank(contract, store, shape["anyOf"][0])
    return {name: blank(contract, store, shape["props"][name]) for name in shape.get("required", ())}


def start_job(call: Call, id_: str | None = None, *, failed: Iterable[JSON] = (), **attributes: Any) -> Record:
    """A job, queued. It is processing at the first read and complete at the second, whatever the clock says."""
    type_ = call.operation.types[0]
    failures = list(failed)
    record = Record(type_, id_ or call.store.new_id(type_), {"status": "queued", **attributes})
    complete(call.contract, call.store, record)
    known = call.contract.resource_type(type_).attributes
    total = attributes.get("total_count", 0)
    final = {"completed_count": total - len(failures), "failed_count": len(failures), "skipped_count": 0}
    final |= {"completed_at": None, "errors": failures}
    record.attributes["_final"] = {name: value for name, value in final.items() if name in known}
    record.attributes |= {name: 0 for name in ("completed_count", "failed_count", "skipped_count") if name in known}
    return call.store.add(record)


def advance(store: Store, record: Record) -> None:
    """A job's next step, taken when it is read."""
    if "_final" not in record.attributes:
        return
    if record.attributes["status"] == "queued":
        record.attributes["status"] = "processing"
        if re.search("import", record.type):
            record.attributes["started_at"] = store.timestamp()
    elif record.attributes["status"] == "processing":
        final = record.attributes.pop("_final")
        record.attributes |= final | {"status": "complete"}
        if "completed_at" in final:
            record.attributes["completed_at"] = store.timestamp()
    store.touch(record)


def create_or_start(call: Call) -> Answer:
    """A job where the path makes one, a resource elsewhere."""
    if call.operation.segments[0].endswith("-jobs") and call.operation.has_answer:
        return call.one(start_job(call))
    return create(call)


_SHAPES: Mapping[tuple[str, int, bool], Handler] = {
    ("GET", 1, False): list_all,
    ("GET", 2, False): get_one,
    ("GET", 3, False): get_related,
    ("GET", 4, True): get_related,
    ("POST", 1, False): create_or_start,
    ("PATCH", 2, False): update,
    ("DELETE", 2, False): delete,
    ("POST", 4, True): change_related,
    ("PATCH", 4, True): change_related,
    ("DELETE", 4, True): change_related,
}
