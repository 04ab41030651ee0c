"""Metrics: what is refused, and what is sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from klaviyo_tools.areas.metrics import area
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.request import Request

RequestOf = Callable[..., Request]
RefusalOf = Callable[..., str]

SPAN = ["greater-or-equal(datetime,2024-01-01)", "less-than(datetime,2024-04-01)"]
NEEDS_BOTH = (
    "filter: needs both ends of the time: greater-or-equal(datetime,2026-01-01T00:00:00) and "
    "less-than(datetime,2026-02-01T00:00:00)"
)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"filter": None}, "filter is required"),
        ({"filter": SPAN[:1]}, NEEDS_BOTH),
        ({"filter": "less-than(datetime,2024-04-01)"}, NEEDS_BOTH),
        (
            {"filter": [SPAN[0], "less-than(datetime,2025-06-01T12:00:00Z)"]},
            "filter: spans 517 days: aggregates cover at most one year, ask once for each",
        ),
        (
            {"filter": ["greater-or-equal(datetime,2024-04-01)", SPAN[1]]},
            "filter: the start of the time is not before its end",
        ),
        ({"measurements": []}, "measurements: is empty: give at least 1"),
        ({"measurements": "revenue"}, "measurements.0: should be 'count', 'sum_value' or 'unique'"),
        ({"by": ["message"]}, "by: dimension 'message' is unknown; did you mean $message"),
        ({"sort": "-counts"}, "sort: 'counts' is unknown; did you mean count"),
        ({"interval": "days"}, "interval: should be 'hour', 'day', 'week' or 'month'"),
    ],
)
def test_an_aggregate_that_klaviyo_would_refuse_is_not_sent(
    refusal_of: RefusalOf, change: dict[str, object], message: str
) -> None:
    call = {"metric_id": "TxVpCr", "measurements": ["count"], "filter": SPAN, **change}
    assert refusal_of("query_metric_aggregates", **call).startswith(message)


def test_a_leap_year_is_a_year(request_of: RequestOf) -> None:
    span = [SPAN[0], "less-than(datetime,2025-01-01)"]
    assert request_of("query_metric_aggregates", metric_id="TxVpCr", measurements=["count"], filter=span).body


def test_counting_and_summing_by_day(request_of: RequestOf) -> None:
    sent = request_of(
        "query_metric_aggregates",
        metric_id="TxVpCr",
        measurements=["count", "sum_value"],
        interval="day",
        filter=SPAN,
    )
    assert sent == Request(
        "POST",
        "/api/metric-aggregates",
        {},
        {
            "data": {
                "type": "metric-aggregate",
                "attributes": {
                    "metric_id": "TxVpCr",
                    "measurements": ["count", "sum_value"],
                    "filter": SPAN,
                    "interval": "day",
                },
            }
        },
    )
    assert area.operations["query_metric_aggregates"].effect is Effect.READ


def test_the_conditions_may_stand_in_one_text(request_of: RequestOf) -> None:
    sent = request_of(
        "query_metric_aggregates",
        metric_id="TxVpCr",
        measurements="count",
        filter=f'{",".join(SPAN)},any($message,["M1","M2"])',
        by="$message",
        sort="-count",
        cursor="next",
        page_size=100,
        timezone="Europe/Oslo",
        return_fields="count",
    )
    assert sent.body["data"]["attributes"] == {
        "metric_id": "TxVpCr",
        "measurements": ["count"],
        "filter": [*SPAN, 'any($message,["M1","M2"])'],
        "by": ["$message"],
        "timezone": "Europe/Oslo",
        "sort": "-count",
        "return_fields": ["count"],
        "page_size": 100,
        "page_cursor": "next",
    }


def test_reading_metrics(request_of: RequestOf) -> None:
    assert request_of("get_metrics") == Request("GET", "/api/metrics")
    assert request_of("get_metrics", filter={"integration.name": "Shopify"}) == Request(
        "GET", "/api/metrics", {"filter": 'equals(integration.name,"Shopify")'}
    )
    assert request_of("get_metric", metric_id="TxVpCr", include="flow_triggers") == Request(
        "GET", "/api/metrics/TxVpCr", {"include": "flow-triggers"}
    )


def test_a_custom_metric_needs_its_parts(refusal_of: RefusalOf) -> None:
    assert refusal_of("create_custom_metric", name="Net", definition={"aggregation_method": "value"}) == (
        "definition.metric_groups is required (objects of metric_id, metric_filters, value_property)"
    )


def test_a_custom_metric_is_created(request_of: RequestOf) -> None:
    definition = {
        "aggregation_method": "value",
        "metric_groups": [
            {
                "metric_id": "TxVpCr",
                "metric_filters": [
                    {"property": "Brand", "filter": {"type": "string", "operator": "equals", "value": "Example"}}
                ],
                "value_property": "total",
            }
        ],
    }
    assert request_of("create_custom_metric", name="Net", definition=definition) == Request(
        "POST",
        "/api/custom-metrics",
        {},
        {"data": {"type": "custom-metric", "attributes": {"name": "Net", "definition": definition}}},
    )


def test_a_mapping_has_one_metric(refusal_of: RefusalOf, request_of: RequestOf) -> None:
    assert refusal_of("update_mapped_metric", mapped_metric_id="revenue") == (
        "arguments: give one of metric_id or custom_metric_id"
    )
    assert request_of("update_mapped_metric", mapped_metric_id="revenue", custom_metric_id="C1") == Request(
        "PATCH",
        "/api/mapped-metrics/revenue",
        {},
        {
            "data": {
                "type": "mapped-metric",
                "id": "revenue",
                "relationships": {"custom-metric": {"data": {"type": "custom-metric", "id": "C1"}}},
            }
        },
    )
