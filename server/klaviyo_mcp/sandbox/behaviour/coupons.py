"""Coupons and their codes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from klaviyo_mcp.sandbox.api.handlers import list_records
from klaviyo_mcp.sandbox.api.records import create_record
from klaviyo_mcp.sandbox.api.request import Answer, ApiRequest, Handler, related_ids
from klaviyo_mcp.sandbox.behaviour.bulk_jobs import bulk_job
from klaviyo_mcp.sandbox.errors import invalid
from klaviyo_mcp.sandbox.state.store import Record

MAX_CODES_IN_BULK = 1000


def _create_coupon(request: ApiRequest) -> Answer:
    external_id = request.attributes["external_id"]
    if not re.fullmatch(r"[0-9_A-z]+", external_id):
        raise invalid("external_id must match ^[0-9_A-z]+$.", pointer="/data/attributes/external_id")
    return request.answer_record(create_record(request, request.data, external_id))


def _create_code_record(request: ApiRequest, resource: Mapping[str, Any]) -> Record:
    (coupon_id,) = related_ids(resource, "coupon")
    request.relationships.require("coupon", [coupon_id], "/data/relationships/coupon/data/id")
    attributes = {"expires_at": None, **resource["attributes"], "status": "UNASSIGNED"}
    id_ = f"{coupon_id}-{attributes['unique_code']}"
    code = create_record(request, {**resource, "attributes": attributes}, id_)
    request.store.link(code, "profile", None)
    return code


def _create_code(request: ApiRequest) -> Answer:
    return request.answer_record(_create_code_record(request, request.data))


def _list_codes(request: ApiRequest) -> Answer:
    if not any(one.field in ("coupon.id", "profile.id") for one in request.query.filter):
        raise invalid("A filter by coupon.id or profile.id is required.", parameter="filter")
    return list_records(request)


HANDLERS: Mapping[str, Handler] = {
    "create_coupon": _create_coupon,
    "create_coupon_code": _create_code,
    "bulk_create_coupon_codes": bulk_job(_create_code_record, MAX_CODES_IN_BULK),
    "get_coupon_codes": _list_codes,
}
