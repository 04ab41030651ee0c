"""Points in time, read and written."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from klaviyo_mcp.sandbox.timestamps import format_timestamp, parse_timestamp


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-06-01", datetime(2026, 6, 1, tzinfo=UTC)),
        ("2026-06-01T12:00:00", datetime(2026, 6, 1, 12, tzinfo=UTC)),
        ("2026-06-01T12:00:00Z", datetime(2026, 6, 1, 12, tzinfo=UTC)),
        ("2026-06-01T12:00:00+02:00", datetime(2026, 6, 1, 10, tzinfo=UTC)),
        (1780315200, datetime(2026, 6, 1, 12, tzinfo=UTC)),
        (date(2026, 6, 1), datetime(2026, 6, 1, tzinfo=UTC)),
        ("2026-99-99", None),
        ("20260601", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_dates_times_and_seconds_are_read_and_anything_else_is_not(value: Any, expected: datetime | None) -> None:
    assert parse_timestamp(value) == expected


def test_a_time_is_written_in_utc_to_the_second() -> None:
    moment = datetime(2026, 6, 1, 12, 30, 15, 999, tzinfo=timezone(timedelta(hours=2)))
    assert format_timestamp(moment) == "2026-06-01T10:30:15+00:00"
