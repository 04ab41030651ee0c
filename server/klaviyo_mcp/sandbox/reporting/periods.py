"""Spans of time cut into hours, days, weeks and months as a clock on the wall of some place shows them.

Weeks begin on Mondays. Source of the named timeframes and intervals: Klaviyo's reporting API overview.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from klaviyo_mcp.sandbox.errors import invalid

_UNKNOWN_ZONES = frozenset({"Factory", "Europe/Kyiv", "Pacific/Kanton"})
"""Zones of the IANA database that Klaviyo does not take."""


def zone_of(name: str, pointer: str) -> ZoneInfo:
    """The timezone of this IANA name. Raises KlaviyoError (400)."""
    try:
        if name in _UNKNOWN_ZONES:
            raise ValueError(name)
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise invalid(f"{name!r} is not a valid timezone.", pointer=pointer) from None


@dataclass(frozen=True)
class Span:
    """From `start` to just before `end`, seconds since the epoch, in the time of `zone`."""

    start: float
    end: float
    zone: ZoneInfo

    def holds(self, timestamp: float) -> bool:
        return self.start <= timestamp < self.end

    @property
    def length(self) -> timedelta:
        """What clocks of the zone tell between start and end: a year stays a year when summer time ends in it."""
        return self.local(self.end).replace(tzinfo=None) - self.local(self.start).replace(tzinfo=None)

    def local(self, timestamp: float) -> datetime:
        return datetime.fromtimestamp(timestamp, self.zone)


class Buckets:
    """A span cut by `interval` (hour, day, week or month), or left whole. The first may start before the span."""

    def __init__(self, span: Span, interval: str | None) -> None:
        self.span = span
        self.starts = _starts(span, interval) if interval else [span.start]

    def __len__(self) -> int:
        return len(self.starts)

    def index(self, timestamp: float) -> int:
        """The bucket that a time in the span falls into."""
        return bisect_right(self.starts, timestamp) - 1

    def labels(self) -> list[str]:
        """When each bucket starts, in UTC."""
        return [datetime.fromtimestamp(start, UTC).isoformat() for start in self.starts]

    def ends(self) -> Sequence[float]:
        return [*self.starts[1:], self.span.end]


def named(key: str, now: datetime, zone: ZoneInfo) -> Span:
    """The span that Klaviyo calls `last_30_days`, `this_month` and so on; days include today, months are whole ones."""
    today = floor(now.astimezone(zone), "day")
    tomorrow = today + timedelta(days=1)
    if key.endswith("_days"):
        start, end = tomorrow - timedelta(days=int(key.split("_")[1])), tomorrow
    elif key.endswith("_months"):
        end = floor(today, "month")
        start = later(end, -int(key.split("_")[1]))
    elif key in ("today", "yesterday"):
        start, end = (today, tomorrow) if key == "today" else (today - timedelta(days=1), today)
    else:
        which, unit = key.split("_")
        start = _year(today) if unit == "year" else floor(today, unit)
        end = tomorrow
        if which == "last":
            months = {"month": 1, "year": 12}
            start, end = (start - timedelta(days=7) if unit == "week" else later(start, -months[unit])), start
    return Span(start.timestamp(), end.timestamp(), zone)


def _year(day: datetime) -> datetime:
    return day.replace(month=1, day=1)


def floor(moment: datetime, interval: str) -> datetime:
    """The start of the hour, day, week or month that a moment of some zone falls into."""
    if interval == "hour":
        return moment.replace(minute=0, second=0, microsecond=0)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if interval == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if interval == "month" else day


def later(day: datetime, months: int) -> datetime:
    """The first of a month, so many months on (or back)."""
    count = day.year * 12 + day.month - 1 + months
    return day.replace(year=count // 12, month=count % 12 + 1, day=1)


def _starts(span: Span, interval: str) -> list[float]:
    at = floor(span.local(span.start), interval)
    if interval == "hour":
        # Counted in seconds: an hour that the clock shows twice is two hours.
        return [at.timestamp() + 3600 * n for n in range(-int((at.timestamp() - span.end) // 3600))]
    starts = []
    while at.timestamp() < span.end:
        starts.append(at.timestamp())
        at = later(at, 1) if interval == "month" else at + timedelta(days=7 if interval == "week" else 1)
    return starts
