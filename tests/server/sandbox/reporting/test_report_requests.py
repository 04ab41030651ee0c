"""What reports can be asked for, and the time ranges that they cover."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from klaviyo_mcp.sandbox.errors import KlaviyoError
from klaviyo_mcp.sandbox.reporting.reports import query_report
from klaviyo_mcp.sandbox.state.store import Record, Store

NOW = datetime(2026, 6, 3, 12, tzinfo=UTC)

MARCH = {"start": "2026-03-01T00:00:00+00:00", "end": "2026-04-01T00:00:00+00:00"}


@pytest.fixture
def store() -> Store:
    store = Store(now=NOW)
    store.add(Record("metric", "VIEWED", {"name": "Viewed Form"}))
    store.add(Record("form", "form1", {"name": "Popup"}))
    return store


def add_view(store: Store, at: float) -> None:
    attributes = {"timestamp": int(at), "event_properties": {"form_id": "form1"}}
    store.add(Record("event", store.new_id("event"), attributes, {"metric": "VIEWED", "profile": "ann"}))


def count_views(store: Store, timeframe: dict[str, str]) -> int:
    attributes = {"statistics": ["viewed_form"], "timeframe": timeframe}
    (row,) = query_report(store, "query_form_values", attributes, NOW)["results"]
    return int(row["statistics"]["viewed_form"])


REFUSED = [
    ("campaign_values", {"statistics": []}, "statistics", "invalid"),
    ("campaign_values", {"conversion_metric_id": "NONE"}, "conversion_metric_id", "invalid"),
    ("campaign_values", {"group_by": ["campaign_id", "tag_id"]}, "group_by", "invalid"),
    ("flow_values", {"group_by": ["flow_id"]}, "group_by", "invalid"),
    ("form_values", {"group_by": ["form_version_id"]}, "group_by", "invalid"),
    ("form_values", {"timeframe": {"start": "2026-03-02", "end": "2026-03-02"}}, "timeframe/end", "invalid"),
    ("form_values", {"timeframe": {"start": "2024-03-02", "end": "2026-03-02"}}, "timeframe", "invalid"),
    ("form_series", {"interval": "hourly", "timeframe": {"key": "last_30_days"}}, "timeframe", "invalid"),
    ("flow_series", {"interval": "daily", "timeframe": {"key": "last_90_days"}}, "timeframe", "invalid"),
    ("flow_series", {"interval": "monthly", "timeframe": {"key": "last_365_days"}}, "timeframe", "invalid"),
    ("segment_values", {"timeframe": {"start": "2023-05-01", "end": "2023-07-01"}}, "timeframe", "invalid"),
    ("campaign_values", {"filter": 'equals(flow_id,"F1")'}, "filter", "invalid_filter"),
    ("campaign_values", {"filter": 'equals(tag_id,"T1")'}, "filter", "invalid_filter"),
    ("campaign_values", {"filter": 'equals(campaign_id,["C1"])'}, "filter", "invalid_filter"),
    ("campaign_values", {"filter": 'contains-any(campaign_id,"C1")'}, "filter", "invalid_filter"),
    ("campaign_values", {"filter": 'equals(send_channel,"fax")'}, "filter", "invalid_filter"),
    ("campaign_values", {"filter": 'equals(campaign_id,"C1"),contains-any(campaign_id,["C2"])'}, "filter", None),
    ("form_values", {"filter": 'contains-any(form_id,["a"])'}, "filter", "invalid_filter"),
    ("form_values", {"filter": f"any(form_id,{json.dumps([str(n) for n in range(101)])})"}, "filter", None),
    ("segment_values", {"filter": "equals(segment_id"}, "filter", "invalid_filter"),
]


@pytest.mark.parametrize(("operation", "attributes", "pointer", "code"), REFUSED)
def test_a_wrong_attribute_is_refused_with_its_place(
    store: Store, operation: str, attributes: dict[str, Any], pointer: str, code: str | None
) -> None:
    statistics = {"flow": "opens", "campaign": "opens", "form": "submits", "segment": "total_members"}
    defaults = {
        "statistics": [statistics[operation.split("_")[0]]],
        "timeframe": MARCH,
        "conversion_metric_id": "VIEWED",
        "interval": "weekly",
    }
    with pytest.raises(KlaviyoError) as raised:
        query_report(store, f"query_{operation}", defaults | attributes, NOW)
    assert (raised.value.status, raised.value.pointer) == (400, f"/data/attributes/{pointer}")
    assert raised.value.code == (code or "invalid_filter")


@pytest.mark.parametrize(
    ("key", "start", "end"),
    [
        ("today", "06-03", "06-04"),
        ("yesterday", "06-02", "06-03"),
        ("last_7_days", "05-28", "06-04"),
        ("this_week", "06-01", "06-04"),
        ("last_week", "05-25", "06-01"),
        ("this_month", "06-01", "06-04"),
        ("last_month", "05-01", "06-01"),
        ("last_3_months", "03-01", "06-01"),
        ("this_year", "01-01", "06-04"),
    ],
)
def test_a_named_timeframe_begins_and_ends_at_midnight_in_the_accounts_timezone(
    store: Store, key: str, start: str, end: str
) -> None:
    store.add(Record("account", "A", {"timezone": "Asia/Tokyo"}))
    tokyo = 9 * 3600
    first, last = (datetime.fromisoformat(f"2026-{day}T00:00+00:00").timestamp() - tokyo for day in (start, end))
    for at in (first - 1, first, last - 1, last):
        add_view(store, at)
    assert count_views(store, {"key": key}) == 2


def test_the_offset_of_a_custom_timeframe_is_ignored(store: Store) -> None:
    add_view(store, datetime(2026, 3, 1, 0, 30, tzinfo=UTC).timestamp())
    timeframe = {"start": "2026-03-01T00:00:00-05:00", "end": "2026-03-01T01:00:00-05:00"}
    assert count_views(store, timeframe) == 1
