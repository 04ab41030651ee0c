"""Points in time as Klaviyo reads and writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any


def parse_timestamp(value: Any) -> datetime | None:
    """Read an ISO 8601 date or time, or a Unix timestamp in seconds; None for anything else.

    The result is aware: a time without an offset is in UTC.
    """
    if isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, str):
        if not (len(value) >= 10 and value[4:5] == "-"):
            return None
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    return (value if value.tzinfo else value.replace(tzinfo=UTC)) if isinstance(value, datetime) else None


def format_timestamp(moment: datetime) -> str:
    """Write an aware time as Klaviyo does: UTC, to the second, `2026-06-01T12:00:00+00:00`."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")
