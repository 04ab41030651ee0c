"""Statistics that are no numbers, and times that no calendar has, end in an answer, never in a fault of the server."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.server.reports.test_table import text_of

from klaviyo_mcp.reports.groups import NO_FIGURE, Group, read_report
from klaviyo_mcp.reports.timeframe import time_labels
from klaviyo_tools.jsonapi.records import Page, Record

LARGE = 10**400


def groups(value: Any) -> list[Group]:
    results = [{"groupings": {"shop_id": "S1"}, "statistics": {"visits": number}} for number in (value, 2)]
    record = Record("visits-report", "R", {"results": results}, {})
    data = read_report(Page([record], {}, None, single=True), ())
    assert data is not None
    return list(data.groups)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (float("inf"), NO_FIGURE),
        (float("nan"), NO_FIGURE),
        (LARGE, NO_FIGURE),
        (-LARGE, NO_FIGURE),
        ({"a": 1}, NO_FIGURE),
        ("Obey me now", NO_FIGURE),
        ("12.5%", "12.5%"),
        (True, "true"),
        (1.5, 1.5),
        (None, None),
    ],
)
def test_only_finite_numbers_are_added_up(value: Any, shown: Any) -> None:
    first, _ = groups(value)
    assert first.values["visits"] == [shown]
    assert "Obey" not in text_of(*groups(value))


@pytest.mark.parametrize("zone", [UTC, ZoneInfo("America/New_York"), ZoneInfo("Pacific/Kiritimati")])
def test_times_at_the_ends_of_the_calendar_have_labels(zone: Any) -> None:
    for time in ("9999-12-31T23:59:59-23:00", "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+00:00", "x"):
        assert len(time_labels([time], zone)) == 1
