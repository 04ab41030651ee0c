"""Events: what is refused, and what is sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from klaviyo_tools.areas.events import area
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.request import Request

RequestOf = Callable[..., Request]
RefusalOf = Callable[..., str]

ANN = {"email": "customer@example.com"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"properties": None}, "properties is required"),
        ({"profile": {"first_name": "Ann"}}, "profile: a profile needs email, phone_number, id, external_id, "),
        ({"profile": {"kx": "abc"}}, "unknown argument 'profile.kx': did you mean _kx?"),
        ({"metric": "m" * 128}, "metric.name: at most 127 characters"),
        ({"time": "yesterday"}, "time: 'yesterday' is not an ISO 8601 time such as 2026-03-01T09:00:00Z"),
        (
            {"properties": {f"p{n}": n for n in range(401)}},
            "arguments: properties takes at most 400 keys, not 401",
        ),
    ],
)
def test_an_event_that_klaviyo_would_refuse_is_not_sent(
    refusal_of: RefusalOf, change: dict[str, object], message: str
) -> None:
    call = {"metric": "Viewed Product", "profile": ANN, "properties": {}, **change}
    assert refusal_of("create_event", **call).startswith(message)


def test_a_batch_holds_a_thousand_events(refusal_of: RefusalOf) -> None:
    events = [{"metric": "Viewed Product", "properties": {}}] * 501
    assert refusal_of("bulk_create_events", events_bulk_create=[{"profile": ANN, "events": events}] * 2) == (
        "arguments: 1002 events: one call takes at most 1000, split the call"
    )
    assert refusal_of("bulk_create_events", events_bulk_create=[{"profile": ANN}]) == (
        "events_bulk_create.0.events is required (objects of metric, properties, time, value, value_currency, "
        "unique_id, backfill)"
    )


def test_recording_an_event(request_of: RequestOf) -> None:
    properties = {"product_id": "SKU123", "product_name": "Blue T-Shirt", "price": 29.99}
    sent = request_of(
        "create_event", metric={"name": "Viewed Product"}, profile=ANN, properties=properties, unique_id="view-1"
    )
    assert sent == Request(
        "POST",
        "/api/events",
        {},
        {
            "data": {
                "type": "event",
                "attributes": {
                    "metric": {"data": {"type": "metric", "attributes": {"name": "Viewed Product"}}},
                    "properties": properties,
                    "unique_id": "view-1",
                    "profile": {"data": {"type": "profile", "attributes": {"email": "customer@example.com"}}},
                },
            }
        },
    )


def test_the_metric_may_be_given_by_its_name_alone(request_of: RequestOf) -> None:
    by_name = request_of("create_event", metric="Viewed Product", profile=ANN, properties={}, unique_id="1")
    assert by_name == request_of(
        "create_event", metric={"name": "Viewed Product"}, profile=ANN, properties={}, unique_id="1"
    )


def test_an_event_without_an_id_gets_one_and_is_idempotent(request_of: RequestOf) -> None:
    sent = [request_of("create_event", metric="Viewed Product", profile=ANN, properties={}) for _ in range(2)]
    ids = [request.body["data"]["attributes"]["unique_id"] for request in sent]
    assert len({*ids}) == 2
    assert all(len(id_) == 32 for id_ in ids)


def test_the_properties_of_the_event_and_of_the_profile_stay_apart(request_of: RequestOf) -> None:
    sent = request_of(
        "create_event",
        metric="Placed Order",
        properties={"sku": "1"},
        profile={"id": "P1", "properties": {"size": "M"}, "patch_properties": {"append": {"skus": "1"}}},
        value="9.5",
        value_currency="EUR",
        unique_id="order-1",
        time="2026-02-01",
    )
    assert sent.body["data"]["attributes"] == {
        "metric": {"data": {"type": "metric", "attributes": {"name": "Placed Order"}}},
        "properties": {"sku": "1"},
        "time": "2026-02-01T00:00:00Z",
        "value": 9.5,
        "value_currency": "EUR",
        "unique_id": "order-1",
        "profile": {
            "data": {
                "type": "profile",
                "id": "P1",
                "attributes": {
                    "properties": {"size": "M"},
                    "meta": {"patch_properties": {"append": {"skus": "1"}}},
                },
            }
        },
    }


def test_a_batch_nests_events_under_their_profiles(request_of: RequestOf) -> None:
    sent = request_of(
        "bulk_create_events",
        events_bulk_create=[
            {
                "profile": {"email": "a@example.com", "patch_properties": {"unset": ["old"]}},
                "events": [{"metric": "Viewed Product", "properties": {"sku": "1"}, "unique_id": "e1"}],
            }
        ],
    )
    event = {
        "type": "event",
        "attributes": {
            "metric": {"data": {"type": "metric", "attributes": {"name": "Viewed Product"}}},
            "properties": {"sku": "1"},
            "unique_id": "e1",
        },
    }
    profile = {
        "type": "profile",
        "attributes": {"email": "a@example.com"},
        "meta": {"patch_properties": {"unset": ["old"]}},
    }
    assert sent == Request(
        "POST",
        "/api/event-bulk-create-jobs",
        {},
        {
            "data": {
                "type": "event-bulk-create-job",
                "attributes": {
                    "events-bulk-create": {
                        "data": [
                            {
                                "type": "event-bulk-create",
                                "attributes": {"profile": {"data": profile}, "events": {"data": [event]}},
                            }
                        ]
                    }
                },
            }
        },
    )


def test_recording_is_a_write() -> None:
    assert {area.operations[name].effect for name in ("create_event", "bulk_create_events")} == {Effect.WRITE}


def test_reading_events(request_of: RequestOf) -> None:
    operation = area.operations["get_events"]
    arguments = operation.arguments.model_validate({"filter": "greater-than(datetime,2024-01-01T00:00:00Z)"})
    assert operation.request(arguments, {"page[size]": "50"}) == Request(
        "GET", "/api/events", {"filter": "greater-than(datetime,2024-01-01T00:00:00Z)", "page[size]": "50"}
    )
    assert request_of("get_events", filter={"metric_id": "ABC123"}, sort="-datetime", include="metric") == Request(
        "GET", "/api/events", {"filter": 'equals(metric_id,"ABC123")', "sort": "-datetime", "include": "metric"}
    )
    assert request_of("get_event", event_id="E1") == Request("GET", "/api/events/E1")
