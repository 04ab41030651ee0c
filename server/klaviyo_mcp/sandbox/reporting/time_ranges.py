"""Ranges of time, cut into hours, days, weeks or months as clocks in a timezone show them.

Weeks begin on Mondays. Source of the named timeframes and intervals: Klaviyo's reporting API overview.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from klaviyo_mcp.sandbox.errors import invalid

_UNSUPPORTED_ZONES = frozenset({"Factory", "Europe/Kyiv", "Pacific/Kanton"})
"""Zones of the IANA database that Klaviyo does not accept."""


def load_zone(name: str, pointer: str) -> ZoneInfo:
    """The timezone with this IANA name. Raises KlaviyoError (400)."""
    try:
        if name in _UNSUPPORTED_ZONES:
            raise ValueError(name)
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise invalid(f"{name!r} is not a valid timezone.", pointer=pointer) from None


@dataclass(frozen=True)
class TimeRange:
    """From `start` to just before `end`, in seconds since the epoch, seen from the timezone `zone`."""

    start: float
    end: float
    zone: ZoneInfo

    def contains(self, timestamp: float) -> bool:
        return self.start <= timestamp < self.end

    @property
    def length(self) -> timedelta:
        """The difference that clocks of the zone show: a year stays a year when summer time ends in it."""
        return self.local(self.end).replace(tzinfo=None) - self.local(self.start).replace(tzinfo=None)

    def local(self, timestamp: float) -> datetime:
        return datetime.fromtimestamp(timestamp, self.zone)


class Buckets:
    """A range cut by `interval` (hour, day, week or month), or left whole. The first bucket may start before it."""

    def __init__(self, time_range: TimeRange, interval: str | None) -> None:
        self.time_range = time_range
        self.starts = _bucket_starts(time_range, interval) if interval else [time_range.start]

    def __len__(self) -> int:
        return len(self.starts)

    def index(self, timestamp: float) -> int:
        """The index of the bucket that a time in the range falls into."""
        return bisect_right(self.starts, timestamp) - 1

    def labels(self) -> list[str]:
        """The start of each bucket, in UTC."""
        return [datetime.fromtimestamp(start, UTC).isoformat() for start in self.starts]

    def ends(self) -> Sequence[float]:
        return [*self.starts[1:], self.time_range.end]


def named_timeframe(key: str, now: datetime, zone: ZoneInfo) -> TimeRange:
    """The range that Klaviyo calls `last_30_days`, `this_month` and so on.

    Ranges of days include today; ranges of months are whole months before this one.
    """
    today = start_of("day", now.astimezone(zone))
    tomorrow = today + timedelta(days=1)
    if key.endswith("_days"):
        start, end = tomorrow - timedelta(days=int(key.split("_")[1])), tomorrow
    elif key.endswith("_months"):
        end = start_of("month", today)
        start = add_months(end, -int(key.split("_")[1]))
    elif key in ("today", "yesterday"):
        start, end = (today, tomorrow) if key == "today" else (today - timedelta(days=1), today)
    else:
        which, unit = key.split("_")
        start, end = start_of(unit, today), tomorrow
        if which == "last":
            months = {"month": 1, "year": 12}
            start, end = (start - timedelta(days=7) if unit == "week" else add_months(start, -months[unit])), start
    return TimeRange(start.timestamp(), end.timestamp(), zone)


def start_of(unit: str, moment: datetime) -> datetime:
    """The start of the hour, day, week, month or year that a moment falls into, in the moment's timezone."""
    if unit == "hour":
        return moment.replace(minute=0, second=0, microsecond=0)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "year":
        return day.replace(month=1, day=1)
    return day.replace(day=1) if unit == "month" else day


def add_months(day: datetime, months: int) -> datetime:
    """The first of the month that lies so many months after, or before, a day's month."""
    count = day.year * 12 + day.month - 1 + months
    return day.replace(year=count // 12, month=count % 12 + 1, day=1)


def _bucket_starts(time_range: TimeRange, interval: str) -> list[float]:
    at = start_of(interval, time_range.local(time_range.start))
    if interval == "hour":
        # Counted in seconds, because an hour that clocks show twice is two hours.
        hours = -int((at.timestamp() - time_range.end) // 3600)
        return [at.timestamp() + 3600 * number for number in range(hours)]
    starts = []
    while at.timestamp() < time_range.end:
        starts.append(at.timestamp())
        at = add_months(at, 1) if interval == "month" else at + timedelta(days=7 if interval == "week" else 1)
    return starts
