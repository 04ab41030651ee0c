"""The catalog, coupons and their codes, one at a time and by the job."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from klaviyo_mcp.sandbox.api.engine import Answer, Call, Handler, linked, list_all, make, stamp, start_job
from klaviyo_mcp.sandbox.errors import KlaviyoError, invalid
from klaviyo_mcp.sandbox.state.store import Record

_CATALOG = ("item", "variant", "category")
_MOST = {"catalog": 100, "coupon-code": 1000}


def _catalog_id(attributes: Mapping[str, Any]) -> str:
    integration = attributes.get("integration_type") or "$custom"
    catalog = attributes.get("catalog_type") or "$default"
    return f"{integration}:::{catalog}:::{attributes['external_id']}"


def _make_catalog(call: Call, resource: Mapping[str, Any]) -> Record:
    """A catalog resource; its id is made of the integration, the catalog and its external id."""
    attributes = dict(resource["attributes"])
    id_ = _catalog_id(attributes)
    for name in ("integration_type", "catalog_type"):
        attributes.pop(name, None)
    if resource["type"] != "catalog-category":
        attributes = {"published": True, "images": [], "custom_metadata": {}, "price": None, **attributes}
        attributes |= {name: attributes.get(name) for name in ("image_full_url", "image_thumbnail_url")}
    if resource["type"] == "catalog-variant":
        attributes = {"inventory_policy": 0, **attributes}
    if resource["type"] == "catalog-item":
        ids = linked(resource, "categories")
        call.relations.require("catalog-category", ids, "/data/relationships/categories/data")
        resource = {key: value for key, value in resource.items() if key != "relationships"}
        record = make(call, {**resource, "attributes": attributes}, id_)
        call.store.link(record, "categories", ids)
        return record
    items = linked(resource, "items")
    resource = {
        **resource,
        "relationships": {k: v for k, v in (resource.get("relationships") or {}).items() if k != "items"},
    }
    record = make(call, {**resource, "attributes": attributes}, id_)
    if items:
        call.relations.change(record, "items", "POST", "catalog-item", items)
    return record


def _create_catalog(call: Call) -> Answer:
    return call.one(_make_catalog(call, call.data))


def _update_catalog_record(call: Call, resource: Mapping[str, Any]) -> Record:
    record = call.record(resource["type"], resource["id"])
    record.attributes.update(resource.get("attributes") or {})
    for name in resource.get("relationships") or {}:
        target = call.relations.target(record.type, name)
        call.relations.change(record, name, "PATCH", target, linked(resource, name))
    stamp(call.contract, call.store, record)
    return record


def _update_catalog(call: Call) -> Answer:
    return call.one(_update_catalog_record(call, call.data))


def _delete_record(call: Call, resource: Mapping[str, Any]) -> Record:
    record = call.record(resource["type"], resource["id"])
    call.relations.delete(record)
    return record


def _bulk(work: Callable[[Call, Mapping[str, Any]], Record]) -> Handler:
    """A job that does the work for each resource in its body, and keeps the errors of those that failed."""

    def handle(call: Call) -> Answer:
        name, given = next((name, value) for name, value in call.attributes.items() if isinstance(value, dict))
        resources = given["data"]
        most = next(most for prefix, most in _MOST.items() if call.operation.types[0].startswith(prefix))
        pointer = f"/data/attributes/{name}/data"
        if not 0 < len(resources) <= most:
            raise invalid(f"Between 1 and {most} resources at once.", pointer=pointer)
        done: list[str] = []
        errors: list[dict[str, Any]] = []
        for number, resource in enumerate(resources):
            try:
                done.append(work(call, resource).id)
            except KlaviyoError as error:
                told = error.document()["errors"][0]
                kept = {key: told[key] for key in ("id", "code", "title", "detail")}
                errors.append(kept | {"source": {"pointer": f"{pointer}/{number}"}})
        job = start_job(call, failed=errors, total_count=len(resources))
        link = next(iter(call.contract.resource_type(job.type).relationships), name)
        call.store.link(job, link, done)
        return call.one(job)

    return handle


def _create_coupon(call: Call) -> Answer:
    external_id = call.attributes["external_id"]
    if not re.fullmatch(r"[0-9_A-z]+", external_id):
        raise invalid("external_id must match ^[0-9_A-z]+$.", pointer="/data/attributes/external_id")
    return call.one(make(call, call.data, external_id))


def _make_code(call: Call, resource: Mapping[str, Any]) -> Record:
    (coupon_id,) = linked(resource, "coupon")
    call.relations.require("coupon", [coupon_id], "/data/relationships/coupon/data/id")
    attributes = {"expires_at": None, **resource["attributes"], "status": "UNASSIGNED"}
    made = make(call, {**resource, "attributes": attributes}, f"{coupon_id}-{attributes['unique_code']}")
    call.store.link(made, "profile", None)
    return made


def _create_code(call: Call) -> Answer:
    return call.one(_make_code(call, call.data))


def _codes(call: Call) -> Answer:
    if not any(one.field in ("coupon.id", "profile.id") for one in call.query.filter):
        raise invalid("A filter by coupon.id or profile.id is required.", parameter="filter")
    return list_all(call)


def _back_in_stock(call: Call) -> Answer:
    call.relations.require("catalog-variant", call.related("variant"), "/data/relationships/variant/data/id")
    if not (call.attributes.get("profile") or {}).get("data"):
        raise invalid("A profile is required.", pointer="/data/attributes/profile")
    return call.done()


HANDLERS: Mapping[str, Handler] = {
    **{f"create_catalog_{one}": _create_catalog for one in _CATALOG},
    **{f"update_catalog_{one}": _update_catalog for one in _CATALOG},
    **{f"bulk_create_catalog_{many}": _bulk(_make_catalog) for many in ("items", "variants", "categories")},
    **{f"bulk_update_catalog_{many}": _bulk(_update_catalog_record) for many in ("items", "variants", "categories")},
    **{f"bulk_delete_catalog_{many}": _bulk(_delete_record) for many in ("items", "variants", "categories")},
    "create_coupon": _create_coupon,
    "create_coupon_code": _create_code,
    "bulk_create_coupon_codes": _bulk(_make_code),
    "get_coupon_codes": _codes,
    "create_back_in_stock_subscription": _back_in_stock,
}
