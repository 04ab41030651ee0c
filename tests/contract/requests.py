"""Requests to the sandbox made from the contract: for every operation, with what it requires, or with everything."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from klaviyo_mcp.sandbox.contract.contract import Contract, Operation

JSON = Any
SEGMENT = {
    "condition_groups": [
        {"conditions": [{"type": "profile-group-membership", "is_member": True, "group_ids": ["list-1"]}]}
    ]
}
DEFINITIONS: Mapping[str, JSON] = {
    "create_flow": {"triggers": [{"type": "list", "id": "list-1"}], "actions": [], "entry_action_id": None},
    "update_flow_action": {"type": "time-delay", "data": {"unit": "days", "value": 3}},
    "create_segment": SEGMENT,
    "update_segment": SEGMENT,
    "create_form": {"versions": [{"steps": [], "type": "popup", "name": "First"}]},
}
"""Definitions, which the contract leaves open, or of which it describes the outer shape only."""

IDS = {
    "profile-merge": "profile-2",
    "mapped-metric": "revenue",
    "campaign-send-job": "campaign-1",
}
"""Ids of records that are not `<type>-1`."""

REQUIRED_IN_FACT = ("data", "email", "metric", "profile", "profiles", "relationships")
"""Properties that Klaviyo's document calls optional although a request without them says nothing."""

LEFT_OUT = ("_kx", "meta", "custom-metric", "page_cursor")
"""Properties that exclude others, or of which no example makes sense."""

TIME_RANGE = ["greater-or-equal(datetime,2026-01-01)", "less-than(datetime,2026-05-01)"]
TEXTS = {
    "email": "new@example.com",
    "phone_number": "+15555550100",
    "editor_type": "CODE",
    "status": "live",
    "endpoint_url": "https://example.com/hook",
    "import_from_url": "https://example.com/a.png",
    "metric_id": "metric-1",
    "conversion_metric_id": "metric-1",
}
SCALARS = {
    "integer": 3,
    "number": 3.5,
    "boolean": False,
    "date-time": "2026-05-01T00:00:00+00:00",
    "date": "2000-01-01",
}


@dataclass(frozen=True)
class Body:
    """The body of a request, with the required properties or with everything; its ids are of records in the store."""

    contract: Contract
    operation: Operation
    everything: bool

    def build(self) -> JSON:
        return self.value(self.operation.body, "")

    def value(self, shape: JSON, name: str) -> JSON:
        if name == "timeframe":
            return {"key": "last_7_days"}
        shape, _ = self.contract.resolve(shape)
        if isinstance(shape, str):
            return self.scalar(shape, name)
        if "enum" in shape:
            return shape["enum"][0]
        if "of" in shape:
            return [self.value(shape["of"], name)]
        if "anyOf" in shape:
            return self.value(shape["anyOf"][0], name)
        if name == "definition" and self.operation.name in DEFINITIONS:
            return DEFINITIONS[self.operation.name]
        if self.operation.name == "query_metric_aggregates" and "measurements" in shape["props"]:
            return {"metric_id": "metric-1", "measurements": ["count"], "filter": TIME_RANGE, "timezone": "UTC"}
        return self.object(shape)

    def object(self, shape: JSON) -> JSON:
        required, excluded = {*shape.get("required", ()), *REQUIRED_IN_FACT}, self.excluded()
        names = [
            name
            for name in shape["props"]
            if name not in excluded and (name in required or (self.everything and name not in LEFT_OUT))
        ]
        value = {name: self.value(shape["props"][name], name) for name in names}
        if "type" in value and isinstance(value.get("id"), str):
            # An estimation job is started for the campaign whose id it takes.
            is_estimation = value["type"] == "campaign-recipient-estimation-job"
            value["id"] = "campaign-1" if is_estimation else IDS.get(value["type"], f"{value['type']}-1")
        return value

    def excluded(self) -> tuple[str, ...]:
        """Properties that exclude another one of the operation's body."""
        name = self.operation.name
        if "bulk_" in name and "suppress_" in name:
            return ("relationships",)
        if name in ("create_template", "update_template"):
            return ("definition",)
        return ("filter", "group_by") if name.startswith("query_") else ()

    def scalar(self, kind: str, name: str) -> JSON:
        if kind == "object":
            return DEFINITIONS.get(self.operation.name, {"note": "kept"})
        if name in ("included", "excluded"):
            return "list-1"
        return SCALARS.get(kind, TEXTS.get(name, f"{name}_9"))


def collection_type(contract: Contract, operation: Operation) -> str:
    """The type of the collection that a path begins with, or the collection's name where no type has this path."""
    first = operation.segments[0]
    types = contract.resource_types.values()
    return next((one.type for one in types if one.path == f"/api/{first}"), first)


def request_of(contract: Contract, operation: Operation, everything: bool) -> dict[str, Any]:
    """The arguments of `httpx.AsyncClient.request` for an operation."""
    type_ = collection_type(contract, operation)
    request: dict[str, Any] = {
        "method": operation.method,
        "url": "/klaviyo" + re.sub(r"\{\w+\}", IDS.get(type_, f"{type_}-1"), operation.path),
        "params": _query(contract, operation) if everything else {},
        "headers": {"authorization": "Bearer sandbox", "revision": contract.revision},
    }
    if "filter" in operation.required:
        request["params"]["filter"] = required_filter(operation, "coupon-1")
    if operation.media_type == "multipart/form-data":
        request["files"] = {"file": ("a.png", b"\x89PNG\r\n\x1a\n" + b"0" * 64, "image/png")}
    elif operation.body is not None:
        request["content"] = json.dumps(Body(contract, operation, everything).build())
        request["headers"]["content-type"] = "application/vnd.api+json"
    return request


def required_filter(operation: Operation, coupon: str) -> str:
    return f'equals(coupon.id,"{coupon}")' if "coupon" in operation.name else 'equals(messages.channel,"email")'


def _query(contract: Contract, operation: Operation) -> dict[str, str]:
    query: dict[str, str] = {}
    for name, allowed in operation.query.items():
        if name == "include" or name.startswith("additional-fields"):
            query[name] = ",".join(allowed)
        elif name == "sort":
            query[name] = allowed[-1]
        elif name.startswith("fields["):
            query[name] = ",".join(contract.fields[allowed])
    return query
