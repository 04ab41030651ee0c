"""Events: what one request records, the next reads."""

from __future__ import annotations

import pytest
from tests.server.sandbox.sandbox_api import Api, only_error, profile

pytestmark = pytest.mark.anyio


async def test_an_event_creates_its_profile_and_metric_and_counts_once_for_a_unique_id(api: Api) -> None:
    metric = {"data": {"type": "metric", "attributes": {"name": "Placed Order"}}}
    attributes = {
        "properties": {"sku": "A"}, "metric": metric, "profile": {"data": profile(email="a@example.com")},
        "value": 9.5, "unique_id": "order-1", "time": "2026-05-01T10:00:00+02:00",
    }  # fmt: skip
    for _ in range(2):
        assert await api.post("events", {"data": {"type": "event", "attributes": attributes}}, 202) is None
    (event,) = (await api.get("events", include="metric,profile"))["data"]
    assert event["attributes"]["datetime"] == "2026-05-01T08:00:00+00:00"
    assert event["attributes"]["timestamp"] == 1777622400
    properties = event["attributes"]["event_properties"]
    assert (properties["sku"], properties["$value"]) == ("A", 9.5)
    metric_id = event["relationships"]["metric"]["data"]["id"]
    assert await api.ids("metrics", filter='equals(integration.name,"API")') == [metric_id]
    assert await api.ids("events", filter=f'equals(metric_id,"{metric_id}")') == [event["id"]]
    assert await api.ids("events", filter="greater-than(datetime,2026-05-02)") == []


async def test_an_event_without_properties_is_refused(api: Api) -> None:
    metric = {"data": {"type": "metric", "attributes": {"name": "Placed Order"}}}
    error = only_error(await api.post("events", {"data": {"type": "event", "attributes": {"metric": metric}}}, 400))
    assert error["source"]["pointer"] == "/data/attributes/properties"


async def test_bulk_events_are_recorded_for_each_profile(api: Api) -> None:
    metric = {"data": {"type": "metric", "attributes": {"name": "Waved"}}}
    events = {"data": [{"type": "event", "attributes": {"properties": {}, "metric": metric}}] * 2}
    groups = [
        {
            "type": "event-bulk-create",
            "attributes": {"profile": {"data": profile(email=f"p{n}@example.com")}, "events": events},
        }
        for n in range(2)
    ]
    body = {"type": "event-bulk-create-job", "attributes": {"events-bulk-create": {"data": groups}}}
    await api.post("event-bulk-create-jobs", {"data": body}, 202)
    assert (len(await api.ids("events")), len(await api.ids("profiles")), len(await api.ids("metrics"))) == (4, 2, 1)
