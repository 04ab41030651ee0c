"""Catalog items, variants and categories, one at a time and in bulk, and back-in-stock subscriptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klaviyo_mcp.sandbox.api.patches import apply_patch
from klaviyo_mcp.sandbox.api.records import create_record, mark_updated
from klaviyo_mcp.sandbox.api.request import Answer, ApiRequest, Handler, related_ids
from klaviyo_mcp.sandbox.behaviour.bulk_jobs import bulk_job
from klaviyo_mcp.sandbox.errors import invalid
from klaviyo_mcp.sandbox.state.store import Record

MAX_RESOURCES_IN_BULK = 100
_SINGULARS = ("item", "variant", "category")
_PLURALS = ("items", "variants", "categories")


def _catalog_id(attributes: Mapping[str, Any]) -> str:
    integration = attributes.get("integration_type") or "$custom"
    catalog = attributes.get("catalog_type") or "$default"
    return f"{integration}:::{catalog}:::{attributes['external_id']}"


def _create_resource(request: ApiRequest, resource: Mapping[str, Any]) -> Record:
    """Store a catalog resource, whose id consists of its integration, its catalog and its external id."""
    id_ = _catalog_id(resource["attributes"])
    of_id = ("integration_type", "catalog_type")
    attributes = {name: value for name, value in resource["attributes"].items() if name not in of_id}
    if resource["type"] != "catalog-category":
        attributes = {"published": True, "images": [], "custom_metadata": {}, "price": None, **attributes}
        attributes |= {name: attributes.get(name) for name in ("image_full_url", "image_thumbnail_url")}
    if resource["type"] == "catalog-variant":
        attributes = {"inventory_policy": 0, **attributes}
    if resource["type"] == "catalog-item":
        return _create_item(request, {**resource, "attributes": attributes}, id_)
    relationships = dict(resource.get("relationships") or {})
    relationships.pop("items", None)
    record = create_record(request, {**resource, "attributes": attributes, "relationships": relationships}, id_)
    if items := related_ids(resource, "items"):
        request.relationships.change(record, "items", "POST", "catalog-item", items)
    return record


def _create_item(request: ApiRequest, resource: Mapping[str, Any], id_: str) -> Record:
    categories = related_ids(resource, "categories")
    request.relationships.require("catalog-category", categories, "/data/relationships/categories/data")
    record = create_record(request, {"type": resource["type"], "attributes": resource["attributes"]}, id_)
    request.store.link(record, "categories", categories)
    return record


def _create(request: ApiRequest) -> Answer:
    return request.answer_record(_create_resource(request, request.data))


def _update_resource(request: ApiRequest, resource: Mapping[str, Any]) -> Record:
    record = request.record(resource["type"], resource["id"])
    apply_patch(record.type, record.attributes, resource.get("attributes") or {})
    for name in resource.get("relationships") or {}:
        target = request.relationships.target(record.type, name)
        request.relationships.change(record, name, "PATCH", target, related_ids(resource, name))
    mark_updated(request.contract, request.store, record)
    return record


def _update(request: ApiRequest) -> Answer:
    return request.answer_record(_update_resource(request, request.data))


def _delete_resource(request: ApiRequest, resource: Mapping[str, Any]) -> Record:
    record = request.record(resource["type"], resource["id"])
    request.relationships.delete(record)
    return record


def _subscribe_to_back_in_stock(request: ApiRequest) -> Answer:
    request.relationships.require(
        "catalog-variant", request.related_ids("variant"), "/data/relationships/variant/data/id"
    )
    if not (request.attributes.get("profile") or {}).get("data"):
        raise invalid("A profile is required.", pointer="/data/attributes/profile")
    return request.answer_nothing()


HANDLERS: Mapping[str, Handler] = {
    **{f"create_catalog_{one}": _create for one in _SINGULARS},
    **{f"update_catalog_{one}": _update for one in _SINGULARS},
    **{f"bulk_create_catalog_{many}": bulk_job(_create_resource, MAX_RESOURCES_IN_BULK) for many in _PLURALS},
    **{f"bulk_update_catalog_{many}": bulk_job(_update_resource, MAX_RESOURCES_IN_BULK) for many in _PLURALS},
    **{f"bulk_delete_catalog_{many}": bulk_job(_delete_resource, MAX_RESOURCES_IN_BULK) for many in _PLURALS},
    "create_back_in_stock_subscription": _subscribe_to_back_in_stock,
}
