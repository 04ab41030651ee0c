"""Events and what is computed from them: metrics, reports, aggregates."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from klaviyo_mcp.sandbox.api.engine import Answer, Call, Handler, make
from klaviyo_mcp.sandbox.api.render import HOST
from klaviyo_mcp.sandbox.behaviour.people import upsert
from klaviyo_mcp.sandbox.errors import invalid
from klaviyo_mcp.sandbox.state.store import Record
from klaviyo_mcp.sandbox.timestamps import format_timestamp, parse_timestamp

_NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")
_REPORTS = (
    "campaign_values",
    "flow_values",
    "flow_series",
    "form_values",
    "form_series",
    "segment_values",
    "segment_series",
)


def _metric(call: Call, resource: Mapping[str, Any]) -> Record:
    """The metric of this name, made by the first event that names it."""
    name = resource["attributes"]["name"]
    for metric in call.store.all("metric"):
        if metric.attributes.get("name") == name:
            return metric
    integration = {"object": "integration", "id": "7FtS4J", "key": "api", "name": "API", "category": "API"}
    return make(call, {"type": "metric", "attributes": {"name": name, "integration": integration}})


def _record(call: Call, attributes: Mapping[str, Any], profile: Record) -> None:
    """An event of a profile; one with a `unique_id` that the metric and profile already have is left out."""
    metric = _metric(call, attributes["metric"]["data"])
    unique = attributes.get("unique_id")
    marks = ("klaviyo-sandbox", metric.id, profile.id, unique or call.store.new_id("event"))
    identity = str(uuid.uuid5(_NAMESPACE, "\n".join(marks)))
    held = (
        [call.store.get("event", id_) for id_ in call.store.referring_ids(profile.id, "event").get("profile", ())]
        if unique
        else []
    )
    if any(event is not None and event.attributes.get("uuid") == identity for event in held):
        return
    moment = parse_timestamp(attributes.get("time")) or call.store.now()
    properties = dict(attributes["properties"])
    if attributes.get("value") is not None:
        properties["$value"] = attributes["value"]
    if attributes.get("value_currency") is not None:
        properties["$value_currency"] = attributes["value_currency"]
    properties["$event_id"] = unique or identity
    told: dict[str, Any] = {
        "timestamp": int(moment.timestamp()),
        "datetime": format_timestamp(moment),
        "event_properties": properties,
        "uuid": identity,
    }
    links: dict[str, str | list[str] | None] = {"metric": metric.id, "profile": profile.id, "attributions": []}
    call.store.add(Record("event", call.store.new_id("event"), told, links))
    if told["datetime"] > (profile.attributes.get("last_event_date") or ""):
        profile.attributes["last_event_date"] = told["datetime"]
        call.store.touch(profile)


def _create(call: Call) -> Answer:
    profile, _ = upsert(call, call.attributes["profile"]["data"])
    _record(call, call.attributes, profile)
    return call.done()


def _bulk(call: Call) -> Answer:
    groups = call.attributes["events-bulk-create"]["data"]
    count = sum(len(group["attributes"]["events"]["data"]) for group in groups)
    if not 0 < count <= 1000:
        raise invalid("Between 1 and 1000 events at once.", pointer="/data/attributes/events-bulk-create/data")
    for group in groups:
        profile, _ = upsert(call, group["attributes"]["profile"]["data"])
        for event in group["attributes"]["events"]["data"]:
            _record(call, event["attributes"], profile)
    return call.done()


def _computed(call: Call, attributes: dict[str, Any]) -> Answer:
    """A computed answer is a resource that is nowhere kept; its id follows from the question."""
    id_ = str(uuid.uuid5(_NAMESPACE, repr(sorted(call.attributes.items()))))
    return call.one(Record(call.operation.types[0], id_, attributes))


def _report(call: Call) -> Answer:
    from klaviyo_mcp.sandbox.reporting import reports

    return _computed(call, reports.query_report(call.store, call.operation.name, call.attributes, call.store.now()))


def _aggregate(call: Call) -> Answer:
    from klaviyo_mcp.sandbox.reporting import aggregates

    attributes, following = aggregates.query_page(call.store, call.attributes)
    status, document = _computed(call, attributes)
    if following:
        document["links"]["next"] = f"{HOST}/api/metric-aggregates?page_cursor={quote(following)}"
    return status, document


HANDLERS: Mapping[str, Handler] = {
    "create_event": _create,
    "bulk_create_events": _bulk,
    "query_metric_aggregates": _aggregate,
    **{f"query_{report}": _report for report in _REPORTS},
}
