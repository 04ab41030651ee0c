"""Metric aggregates agree with the events in the store, in any timezone, and refuse what Klaviyo refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from klaviyo_mcp.sandbox.errors import KlaviyoError
from klaviyo_mcp.sandbox.reporting.aggregates import query_aggregates, query_page
from klaviyo_mcp.sandbox.seed import populate
from klaviyo_mcp.sandbox.state.store import Record, Store

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)

TIME_RANGE = ["greater-or-equal(datetime,2026-03-01)", "less-than(datetime,2026-03-04)"]


@pytest.fixture
def store() -> Store:
    store = Store(now=NOW)
    for name in ("Placed Order", "Opened Email"):
        store.add(Record("metric", name.split()[0].upper(), {"name": name}))
    store.add(Record("campaign-message", "CM", {"channel": "email"}, {"campaign": "C"}))
    store.add(Record("flow-message", "FM", {"channel": "sms"}))
    for id_ in ("ann", "ben"):
        store.add(Record("profile", id_, {"email": f"{id_}@example.com"}))
    return store


def add_event(store: Store, metric: str, at: str, profile: str, attributions: Any = (), **properties: Any) -> Record:
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    attributes = {"timestamp": int(moment.timestamp()), "event_properties": properties}
    links: dict[str, Any] = {"metric": metric, "profile": profile, "attributions": list(attributions)}
    return store.add(Record("event", store.new_id("event"), attributes, links))


def query(store: Store, **attributes: Any) -> dict[str, Any]:
    defaults = {"metric_id": "PLACED", "measurements": ["count"], "filter": TIME_RANGE}
    return query_aggregates(store, defaults | attributes)


def rows(store: Store, **attributes: Any) -> dict[tuple[str, ...], Any]:
    return {tuple(row["dimensions"]): row["measurements"] for row in query(store, **attributes)["data"]}


@pytest.mark.parametrize(
    ("attributes", "status", "pointer"),
    [
        ({"metric_id": "NONE"}, 404, "metric_id"),
        ({"measurements": []}, 400, "measurements"),
        ({"filter": []}, 400, "filter"),
        ({"filter": TIME_RANGE[:1]}, 400, "filter"),
        ({"filter": TIME_RANGE[1:]}, 400, "filter"),
        ({"filter": ["greater-or-equal(datetime,2026-03-01)", "less-than(datetime,2026-03-01)"]}, 400, "filter"),
        ({"filter": ["greater-or-equal(datetime,2025-03-01)", "less-than(datetime,2026-03-03)"]}, 400, "filter"),
        ({"filter": [*TIME_RANGE, "equals(datetime,2026-03-01)"]}, 400, "filter/2"),
        ({"filter": ['greater-or-equal(datetime,"soon")', TIME_RANGE[1]]}, 400, "filter/0"),
        ({"filter": [*TIME_RANGE, 'equals(Colour,"red")']}, 400, "filter/2"),
        ({"filter": [*TIME_RANGE, 'starts-with(Subject,"A")']}, 400, "filter/2"),
        ({"filter": [*TIME_RANGE, 'any(Subject,"A")']}, 400, "filter/2"),
        ({"filter": [*TIME_RANGE, 'equals(Subject,["A"])']}, 400, "filter/2"),
        ({"filter": [*TIME_RANGE, "equals(Subject"]}, 400, "filter/2"),
        ({"timezone": "Mars/Olympus"}, 400, "timezone"),
        ({"timezone": "Europe/Kyiv"}, 400, "timezone"),
        ({"timezone": "../UTC"}, 400, "timezone"),
        ({"sort": "unique"}, 400, "sort"),
        ({"sort": "-$message", "by": ["$flow"]}, 400, "sort"),
        ({"page_size": 0}, 400, "page_size"),
        ({"page_cursor": "bm8"}, 400, "page_cursor"),
        ({"return_fields": ["dates", "colour"]}, 400, "return_fields/1"),
    ],
)
def test_a_wrong_attribute_is_refused_with_its_place(
    store: Store, attributes: dict[str, Any], status: int, pointer: str
) -> None:
    with pytest.raises(KlaviyoError) as raised:
        query(store, **attributes)
    assert (raised.value.status, raised.value.pointer) == (status, f"/data/attributes/{pointer}")
    assert raised.value.document()["errors"][0]["source"] == {"pointer": f"/data/attributes/{pointer}"}


def test_a_leap_year_is_not_too_long(store: Store) -> None:
    time_range = ["greater-or-equal(datetime,2024-01-01)", "less-than(datetime,2025-01-01)"]
    assert len(query(store, filter=time_range)["dates"]) == 366


def test_events_are_counted_by_day_with_values_and_profiles(store: Store) -> None:
    add_event(store, "PLACED", "2026-02-28T23:59:59", "ann", **{"$value": 1000})
    add_event(store, "PLACED", "2026-03-01T00:00:00", "ann", **{"$value": 10.1})
    add_event(store, "PLACED", "2026-03-01T23:59:59", "ann", **{"$value": 0.2})
    add_event(store, "PLACED", "2026-03-03T12:00:00", "ben", **{"$value": "much"})
    add_event(store, "PLACED", "2026-03-04T00:00:00", "ann", **{"$value": 1000})
    add_event(store, "OPENED", "2026-03-01T12:00:00", "ann")
    assert query(store, measurements=["count", "unique", "sum_value"]) == {
        "dates": ["2026-03-01T00:00:00+00:00", "2026-03-02T00:00:00+00:00", "2026-03-03T00:00:00+00:00"],
        "data": [
            {
                "dimensions": [],
                "measurements": {"count": [2, 0, 1], "unique": [1, 0, 1], "sum_value": [10.3, 0.0, 0.0]},
            }
        ],
    }


def test_a_metric_without_events_counts_nothing(store: Store) -> None:
    assert rows(store) == {(): {"count": [0, 0, 0]}}
    assert rows(store, by=["$message"]) == {}


def test_days_and_the_time_range_begin_at_midnight_of_the_timezone(store: Store) -> None:
    add_event(store, "PLACED", "2026-03-01T04:59:59", "ann")
    add_event(store, "PLACED", "2026-03-01T05:00:00", "ann")
    add_event(store, "PLACED", "2026-03-04T04:59:59", "ann")
    aggregate = query(store, timezone="America/New_York")
    assert aggregate["dates"][0] == "2026-03-01T05:00:00+00:00"
    assert aggregate["data"][0]["measurements"] == {"count": [1, 0, 1]}


def test_a_time_with_an_offset_keeps_it_in_any_timezone(store: Store) -> None:
    time_range = ["greater-or-equal(datetime,2026-03-01T00:00:00Z)", "less-than(datetime,2026-03-02T00:00:00+00:00)"]
    add_event(store, "PLACED", "2026-03-01T00:00:00", "ann")
    aggregate = query(store, timezone="America/New_York", filter=time_range)
    assert aggregate["dates"] == ["2026-02-28T05:00:00+00:00", "2026-03-01T05:00:00+00:00"]
    assert aggregate["data"][0]["measurements"] == {"count": [1, 0]}


def test_a_day_on_which_clocks_change_has_23_or_25_hours(store: Store) -> None:
    for day, hours in (("2026-03-08", 23), ("2026-11-01", 25), ("2026-06-01", 24)):
        next_day = f"{day[:8]}{int(day[8:]) + 1:02d}"
        time_range = [f"greater-or-equal(datetime,{day})", f"less-than(datetime,{next_day})"]
        assert len(query(store, timezone="America/New_York", filter=time_range, interval="hour")["dates"]) == hours


def test_weeks_begin_on_monday_and_months_on_the_first_but_only_the_time_range_counts(store: Store) -> None:
    time_range = ["greater-or-equal(datetime,2026-03-04)", "less-than(datetime,2026-04-02)"]
    add_event(store, "PLACED", "2026-03-03T12:00:00", "ann")
    add_event(store, "PLACED", "2026-03-05T12:00:00", "ann")
    week = query(store, filter=time_range, interval="week")
    assert [date[:10] for date in week["dates"]] == [
        "2026-03-02",
        "2026-03-09",
        "2026-03-16",
        "2026-03-23",
        "2026-03-30",
    ]
    assert week["data"][0]["measurements"] == {"count": [1, 0, 0, 0, 0]}
    month = query(store, filter=time_range, interval="month")
    assert [date[:10] for date in month["dates"]] == ["2026-03-01", "2026-04-01"]


def test_events_are_grouped_by_dimensions_and_those_without_one_together(store: Store) -> None:
    add_event(store, "PLACED", "2026-03-01T01:00:00", "ann", **{"$message": "CM", "Campaign Name": "Spring"})
    add_event(store, "PLACED", "2026-03-02T01:00:00", "ben", **{"$message": "FM", "$flow": "F", "Bot Click": True})
    add_event(store, "PLACED", "2026-03-02T01:00:00", "ben")
    assert rows(store, by=["$message", "$flow_channel"]) == {
        ("", ""): {"count": [0, 1, 0]},
        ("CM", ""): {"count": [1, 0, 0]},
        ("FM", "sms"): {"count": [0, 1, 0]},
    }
    assert set(rows(store, by=["$campaign_channel", "Email Domain"])) == {
        ("email", "example.com"),
        ("", "example.com"),
        ("", ""),
    }
    assert set(rows(store, by=["Campaign Name", "Bot Click"])) == {("Spring", ""), ("", "true"), ("", "")}


def test_an_order_has_the_dimensions_of_its_attribution(store: Store) -> None:
    store.add(Record("attribution", "A", {}, {"flow": "F", "flow-message": "FM"}))
    add_event(store, "PLACED", "2026-03-01T01:00:00", "ann", ["A"])
    by = ["$attributed_flow", "$attributed_message", "$attributed_channel"]
    assert rows(store, by=by) == {("F", "FM", "sms"): {"count": [1, 0, 0]}}


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ('equals(Campaign Name,"Spring")', 1),
        ('equals("Campaign Name","Spring")', 1),
        ('any(Campaign Name,["Spring","Autumn"])', 2),
        ('contains(Campaign Name,"tum")', 1),
        ("equals(Bot Click,false)", 1),
        ('equals($message,"")', 1),
        ('equals(Subject,"nothing")', 0),
    ],
)
def test_conditions_on_dimensions_select_events(store: Store, condition: str, count: int) -> None:
    add_event(store, "PLACED", "2026-03-01T01:00:00", "ann", **{"Campaign Name": "Spring", "$message": "CM"})
    add_event(store, "PLACED", "2026-03-01T01:00:00", "ann", **{"Campaign Name": "Autumn", "$message": "CM"})
    add_event(store, "PLACED", "2026-03-01T01:00:00", "ann", **{"Bot Click": False})
    assert rows(store, filter=[*TIME_RANGE, condition]) == {(): {"count": [count, 0, 0]}}


@pytest.fixture
def campaigns(store: Store) -> Store:
    for name, count in (("b", 2), ("a", 1), ("c", 3)):
        for _ in range(count):
            add_event(store, "PLACED", "2026-03-02T01:00:00", "ann", Subject=name)
    return store


@pytest.mark.parametrize(
    ("sort", "order"),
    [(None, "abc"), ("Subject", "abc"), ("-Subject", "cba"), ("count", "abc"), ("-count", "cba")],
)
def test_rows_are_sorted(campaigns: Store, sort: str | None, order: str) -> None:
    assert [name for (name,) in rows(campaigns, by=["Subject"], sort=sort)] == list(order)


def test_pages_make_up_the_whole_and_a_cursor_belongs_to_its_query(campaigns: Store) -> None:
    attributes = {
        "metric_id": "PLACED",
        "measurements": ["count"],
        "filter": TIME_RANGE,
        "by": ["Subject"],
        "page_size": 2,
    }
    first, cursor = query_page(campaigns, attributes)
    second, end = query_page(campaigns, attributes | {"page_cursor": cursor})
    assert [row["dimensions"] for row in first["data"] + second["data"]] == [["a"], ["b"], ["c"]]
    assert end is None
    with pytest.raises(KlaviyoError, match="cursor"):
        query_page(campaigns, attributes | {"page_cursor": cursor, "by": ["List"]})


def test_a_month_of_the_seeded_account_agrees_with_a_count_by_hand() -> None:
    store = Store(now=NOW)
    populate(store, profiles=60, now=NOW)
    metric = next(one for one in store.all("metric") if one.attributes["name"] == "Placed Order")
    may = [
        event
        for event in store.all("event")
        if event.links["metric"] == metric.id and event.attributes["datetime"].startswith("2026-05")
    ]
    attributes = {
        "metric_id": metric.id,
        "measurements": ["count", "unique", "sum_value"],
        "filter": ["greater-or-equal(datetime,2026-05-01)", "less-than(datetime,2026-06-01)"],
        "interval": "month",
    }
    (row,) = query_aggregates(store, attributes)["data"]
    assert may
    assert row["measurements"] == {
        "count": [len(may)],
        "unique": [len({event.links["profile"] for event in may})],
        "sum_value": [round(sum(event.attributes["event_properties"]["$value"] for event in may), 2)],
    }


def test_return_fields_select_fields(store: Store) -> None:
    assert set(query(store, return_fields=["data"])) == {"data"}
    assert set(query(store, return_fields=None)) == {"dates", "data"}
