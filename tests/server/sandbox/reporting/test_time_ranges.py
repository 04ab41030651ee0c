"""Timeframes of reports begin and end where clocks of the account's timezone say."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from klaviyo_mcp.sandbox.reporting.reports import query_report
from klaviyo_mcp.sandbox.reporting.time_ranges import Buckets, TimeRange, add_months, named_timeframe, start_of
from klaviyo_mcp.sandbox.state.store import Record, Store

NOW = datetime(2026, 6, 3, 12, tzinfo=UTC)


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


def test_a_year_has_the_length_of_a_year_although_summer_time_ends_in_it() -> None:
    zone = ZoneInfo("Europe/Oslo")
    last_year = named_timeframe("last_year", NOW, zone)
    assert (last_year.local(last_year.start), last_year.local(last_year.end)) == (
        datetime(2025, 1, 1, tzinfo=zone),
        datetime(2026, 1, 1, tzinfo=zone),
    )
    assert last_year.length.days == 365
    half = TimeRange(last_year.start, datetime(2025, 7, 1, tzinfo=zone).timestamp(), zone)
    assert half.length.total_seconds() == 181 * 86_400


def test_a_bucket_can_start_before_its_time_range_and_the_last_ends_with_it() -> None:
    start, end = (datetime(2026, month, 15, tzinfo=UTC).timestamp() for month in (1, 3))
    buckets = Buckets(TimeRange(start, end, ZoneInfo("UTC")), "month")
    assert [label[:10] for label in buckets.labels()] == ["2026-01-01", "2026-02-01", "2026-03-01"]
    assert buckets.ends()[-1] == end
    assert [buckets.index(at) for at in (start, end - 1)] == [0, 2]


def test_months_are_added_across_the_turn_of_the_year() -> None:
    assert add_months(datetime(2026, 1, 31), -1) == datetime(2025, 12, 1)
    assert add_months(datetime(2025, 12, 5), 2) == datetime(2026, 2, 1)
    assert start_of("week", datetime(2026, 6, 3, 12)) == datetime(2026, 6, 1)
