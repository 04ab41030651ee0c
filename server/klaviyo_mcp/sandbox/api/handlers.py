"""Answers by the shape of an operation's path: collections, records, related records, and changes of each."""

from __future__ import annotations

from collections.abc import Mapping

from klaviyo_mcp.sandbox.api.jobs import advance_job, start_job
from klaviyo_mcp.sandbox.api.paging import Collection, Page
from klaviyo_mcp.sandbox.api.records import create_record, update_record
from klaviyo_mcp.sandbox.api.request import Answer, ApiRequest, Handler
from klaviyo_mcp.sandbox.contract.bodies import check_body
from klaviyo_mcp.sandbox.contract.contract import Contract, Operation
from klaviyo_mcp.sandbox.errors import not_found
from klaviyo_mcp.sandbox.state.store import GROUPS, Record

_CHANGING_FILTERS = ("campaign-message", "push-token", "catalog-item", "coupon-code")
"""Types that other types' filters look into, so that a change of theirs can change any collection."""


def answer(request: ApiRequest, handlers: Mapping[str, Handler]) -> Answer:
    """Check the body, then let the operation's handler answer, or the handler of its path's shape.

    Raises KlaviyoError where Klaviyo would refuse.
    """
    operation = request.operation
    if operation.body is not None and operation.media_type.endswith("json"):
        check_body(request.contract, operation, request.body, request.id)
    handler = handlers.get(operation.name)
    if handler is None:
        shape = (operation.method, len(operation.segments), "relationships" in operation.segments)
        handler = _HANDLERS_BY_SHAPE.get(shape)
    if handler is None:
        raise not_found("resource", request.path)
    return handler(request)


def collection_type(contract: Contract, operation: Operation) -> str:
    """The type of the collection that a path begins with."""
    path = f"/api/{operation.segments[0]}"
    for type_, resource_type in contract.resource_types.items():
        if resource_type.path == path:
            return type_
    return operation.segments[0].removesuffix("s")


def list_records(request: ApiRequest) -> Answer:
    type_ = request.operation.types[0]
    store = request.store
    types = {type_, *request.contract.resource_type(type_).relationships, *_CHANGING_FILTERS}
    version = tuple(store.version(name) for name in sorted(types))
    return request.answer_collection(Collection(type_, ("all", type_), version, lambda: store.all(type_), {}))


def get_record(request: ApiRequest) -> Answer:
    record = request.record(request.operation.types[0])
    advance_job(request.store, record)
    return request.answer_record(record)


def get_related(request: ApiRequest) -> Answer:
    record = request.record(collection_type(request.contract, request.operation))
    name, target = request.operation.segments[-1], request.operation.types[0]
    if request.operation.answers_many:
        return request.answer_collection(_related_collection(request, record, name, target))
    related = request.relationships.records(record, name, target)
    if not related:
        raise not_found(target, f"of {record.type} {record.id}", f"/data/relationships/{name}")
    if request.operation.answers_identifiers:
        document = request.renderer.identifiers(Page(related[:1]), request.path, request.parameters)
        return Answer(request.operation.status[0], document | {"data": document["data"][0]})
    return request.answer_record(related[0])


def _related_collection(request: ApiRequest, record: Record, name: str, target: str) -> Collection:
    store = request.store
    is_group = name == "profiles" and record.type in GROUPS
    joined = store.members(record.type, record.id) if is_group else {}
    if (record.type, name) == ("profile", "segments"):
        store.groups("segment", record.id)  # evaluates them, which changes the version
    version = (store.version(target), store.version(record.type))
    key = ("group" if is_group else "related", record.type, record.id, name)
    return Collection(target, key, version, lambda: request.relationships.records(record, name, target), joined)


def change_relationship(request: ApiRequest) -> Answer:
    record = request.record(collection_type(request.contract, request.operation))
    data = request.body["data"]
    identifiers = data if isinstance(data, list) else [data]
    name = request.operation.segments[-1]
    target = identifiers[0]["type"] if identifiers else request.relationships.target(record.type, name)
    ids = [identifier["id"] for identifier in identifiers]
    request.relationships.change(record, name, request.operation.method, target, ids)
    return request.answer_nothing()


def create(request: ApiRequest) -> Answer:
    """Start a job where the path is one of jobs, else store the resource in the body.

    An operation that answers without a body stores nothing: there would be no id to read it by.
    """
    if not request.operation.has_answer:
        return request.answer_nothing()
    if request.operation.segments[0].endswith("-jobs"):
        return request.answer_record(start_job(request))
    return request.answer_record(create_record(request, request.data))


def update(request: ApiRequest) -> Answer:
    record = request.record(request.data["type"])
    update_record(request, record)
    return request.answer_record(record)


def delete(request: ApiRequest) -> Answer:
    record = request.record(collection_type(request.contract, request.operation))
    deleted = request.answer_record(record)
    request.relationships.delete(record)
    return deleted


_HANDLERS_BY_SHAPE: Mapping[tuple[str, int, bool], Handler] = {
    ("GET", 1, False): list_records,
    ("GET", 2, False): get_record,
    ("GET", 3, False): get_related,
    ("GET", 4, True): get_related,
    ("POST", 1, False): create,
    ("PATCH", 2, False): update,
    ("DELETE", 2, False): delete,
    ("POST", 4, True): change_relationship,
    ("PATCH", 4, True): change_relationship,
    ("DELETE", 4, True): change_relationship,
}
"""The handler of a method and a path: how many segments the path has, and whether it has `relationships` among them."""
