"""Events recorded for profiles, and the metrics that they create."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from klaviyo_mcp.sandbox.api.records import create_record
from klaviyo_mcp.sandbox.api.request import Answer, ApiRequest, Handler
from klaviyo_mcp.sandbox.behaviour.profiles import upsert_profile
from klaviyo_mcp.sandbox.errors import invalid
from klaviyo_mcp.sandbox.state.store import Links, Record
from klaviyo_mcp.sandbox.timestamps import format_timestamp, parse_timestamp

MAX_EVENTS = 1000
_NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


def _find_or_create_metric(request: ApiRequest, resource: Mapping[str, Any]) -> Record:
    name = resource["attributes"]["name"]
    for metric in request.store.all("metric"):
        if metric.attributes.get("name") == name:
            return metric
    integration = {"object": "integration", "id": "7FtS4J", "key": "api", "name": "API", "category": "API"}
    return create_record(request, {"type": "metric", "attributes": {"name": name, "integration": integration}})


def _record_event(request: ApiRequest, attributes: Mapping[str, Any], profile: Record) -> None:
    """Store an event, unless metric and profile have one with the same `unique_id`."""
    metric = _find_or_create_metric(request, attributes["metric"]["data"])
    unique_id = attributes.get("unique_id")
    identity = ("klaviyo-sandbox", metric.id, profile.id, unique_id or request.store.new_id("event"))
    event_uuid = str(uuid.uuid5(_NAMESPACE, "\n".join(identity)))
    events = request.store.referring(profile.id, "event", "profile")
    if unique_id and any(event.attributes.get("uuid") == event_uuid for event in events):
        return
    moment = parse_timestamp(attributes.get("time")) or request.store.now()
    properties = dict(attributes["properties"])
    if attributes.get("value") is not None:
        properties["$value"] = attributes["value"]
    if attributes.get("value_currency") is not None:
        properties["$value_currency"] = attributes["value_currency"]
    properties["$event_id"] = unique_id or event_uuid
    event_attributes: dict[str, Any] = {
        "timestamp": int(moment.timestamp()),
        "datetime": format_timestamp(moment),
        "event_properties": properties,
        "uuid": event_uuid,
    }
    links: Links = {"metric": metric.id, "profile": profile.id, "attributions": []}
    request.store.add(Record("event", request.store.new_id("event"), event_attributes, links))
    if event_attributes["datetime"] > (profile.attributes.get("last_event_date") or ""):
        profile.attributes["last_event_date"] = event_attributes["datetime"]
        request.store.touch(profile)


def _create_event(request: ApiRequest) -> Answer:
    profile, _ = upsert_profile(request, request.attributes["profile"]["data"])
    _record_event(request, request.attributes, profile)
    return request.answer_nothing()


def _create_events(request: ApiRequest) -> Answer:
    groups = request.attributes["events-bulk-create"]["data"]
    count = sum(len(group["attributes"]["events"]["data"]) for group in groups)
    if not 0 < count <= MAX_EVENTS:
        pointer = "/data/attributes/events-bulk-create/data"
        raise invalid(f"Between 1 and {MAX_EVENTS} events at once.", pointer=pointer)
    for group in groups:
        profile, _ = upsert_profile(request, group["attributes"]["profile"]["data"])
        for event in group["attributes"]["events"]["data"]:
            _record_event(request, event["attributes"], profile)
    return request.answer_nothing()


HANDLERS: Mapping[str, Handler] = {
    "create_event": _create_event,
    "bulk_create_events": _create_events,
}
