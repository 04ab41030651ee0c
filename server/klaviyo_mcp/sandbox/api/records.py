"""Records created, completed and updated as request bodies say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klaviyo_mcp.sandbox.api.patches import apply_patch
from klaviyo_mcp.sandbox.api.request import ApiRequest, related_ids
from klaviyo_mcp.sandbox.contract.contract import Contract
from klaviyo_mcp.sandbox.errors import conflict
from klaviyo_mcp.sandbox.state.store import Link, Links, Record, Store

JSON = Any


def create_record(request: ApiRequest, resource: Mapping[str, Any], id_: str | None = None) -> Record:
    """Store a resource of a body, completed with the attributes that Klaviyo fills in.

    Raises KlaviyoError (409) where the id is taken, and (404) where the resource names a record that does not exist.
    """
    type_ = resource["type"]
    if id_ is not None and request.store.get(type_, id_) is not None:
        raise conflict(f"A {type_} with id {id_} already exists.", "/data/attributes")
    links: Links = {name: _checked_link(request, type_, resource, name) for name in resource.get("relationships") or {}}
    record = Record(type_, id_ or request.store.new_id(type_), dict(resource.get("attributes") or {}), links)
    fill_defaults(request.contract, request.store, record)
    return request.store.add(record)


def update_record(request: ApiRequest, record: Record) -> None:
    """Apply the attributes and relationships of the resource in the body."""
    apply_patch(record.type, record.attributes, request.attributes)
    for name in request.data.get("relationships") or {}:
        request.store.link(record, name, _checked_link(request, record.type, request.data, name))
    mark_updated(request.contract, request.store, record)


def _checked_link(request: ApiRequest, type_: str, resource: Mapping[str, Any], name: str) -> Link:
    ids = related_ids(resource, name)
    target = request.relationships.target(type_, name)
    request.relationships.require(target, ids, f"/data/relationships/{name}/data")
    return ids if request.contract.resource_type(type_).is_to_many(name) else next(iter(ids), None)


def mark_updated(contract: Contract, store: Store, record: Record) -> None:
    """Set the record's time of update to now, and tell the store that it has changed."""
    for name in ("updated", "updated_at"):
        if name in contract.resource_type(record.type).attributes:
            record.attributes[name] = store.timestamp()
    store.touch(record)


def fill_defaults(contract: Contract, store: Store, record: Record) -> None:
    """Add the attributes that every answer has: times are now, the others empty."""
    resource_type = contract.resource_type(record.type)
    for name, shape in resource_type.attributes.items():
        if name in record.attributes:
            continue
        if name in ("created", "created_at", "updated", "updated_at"):
            record.attributes[name] = store.timestamp()
        elif name in resource_type.required and not contract.resolve(shape)[1]:
            record.attributes[name] = empty_value(contract, store, shape)


def empty_value(contract: Contract, store: Store, shape: JSON) -> JSON:
    """The emptiest value that a shape allows."""
    shape, nullable = contract.resolve(shape)
    if nullable:
        return None
    if isinstance(shape, str):
        scalars = {"integer": 0, "number": 0, "boolean": False, "object": {}, "date-time": store.timestamp()}
        return scalars.get(shape, "")
    if "enum" in shape:
        return shape["enum"][0]
    if "of" in shape:
        return []
    if "anyOf" in shape:
        return empty_value(contract, store, shape["anyOf"][0])
    return {name: empty_value(contract, store, shape["props"][name]) for name in shape.get("required", ())}
