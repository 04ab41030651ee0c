"""The times of a report in words: its timeframe, its timezone, and the times of a series."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from klaviyo_mcp.answers.values import cell
from klaviyo_tools.arguments.types import Arguments

_FILTER_END = re.compile(r"(greater-or-equal|less-than)\(datetime,([^)]*)\)")


def zone_of(name: str) -> tzinfo:
    """The timezone of that name; UTC where it is empty or unknown."""
    try:
        return ZoneInfo(name) if name else UTC
    except (KeyError, ValueError, OSError):
        return UTC


def takes_timezone(arguments: Arguments) -> bool:
    """Whether a call chooses its timezone; other reports are in the account's."""
    return "timezone" in type(arguments).model_fields


def timeframe_text(arguments: Arguments, zone_name: str, now: datetime) -> str:
    """The timeframe that a report covers: `last_month 2026-02-01 to 2026-02-28 (Europe/Oslo)`; empty where it has none.

    `zone_name` is empty where the timezone is unknown.
    """
    zone = f" ({zone_name})" if zone_name else "" if takes_timezone(arguments) else " (the account's timezone)"
    timeframe = getattr(arguments, "timeframe", None)
    if timeframe is not None and timeframe.key:
        days = _days(timeframe.key, now.astimezone(zone_of(zone_name))) if zone_name else ""
        return f"{timeframe.key}{f' {days}' if days else ''}{zone}"
    if timeframe is not None:
        return f"{_clock(timeframe.start)} up to {_clock(timeframe.end)}{zone}"
    ends = dict(_FILTER_END.findall(",".join(getattr(arguments, "filter", None) or ())))
    if len(ends) == 2:
        return f"{_end(ends['greater-or-equal'])} up to {_end(ends['less-than'])}{zone or ' (UTC)'}"
    return ""


def time_labels(times: Sequence[str], zone: tzinfo) -> list[str]:
    """Times as clocks of the timezone show them; as days alone where all are midnights."""
    moments = [_moment(time, zone) for time in times]
    if all(moment and (moment.hour, moment.minute) == (0, 0) for moment in moments):
        return [f"{moment:%Y-%m-%d}" for moment in moments if moment]
    pairs = zip(moments, times, strict=True)
    return [f"{moment:%Y-%m-%d %H:%M}" if moment else cell(time, 40) for moment, time in pairs]


def _moment(time: str, zone: tzinfo) -> datetime | None:
    try:
        moment = datetime.fromisoformat(time)
        return moment.astimezone(zone) if moment.tzinfo else moment
    except (ValueError, OverflowError):  # the year 9999 has no later zones
        return None


def _clock(time: str | None) -> str:
    """An end of a timeframe without its offset, which Klaviyo ignores."""
    moment = datetime.fromisoformat(str(time))
    return f"{moment:%Y-%m-%d}" if (moment.hour, moment.minute) == (0, 0) else f"{moment:%Y-%m-%d %H:%M}"


def _end(time: str) -> str:
    """An end in a filter as it was given, without seconds and midnights; its offset counts."""
    return cell(re.sub(r":00(?=$|Z|[+-])", "", re.sub(r"T00:00(:00)?(?=$)", "", time.strip('" '))), 40)


def _days(key: str, today: datetime) -> str:
    """The days of a named timeframe; empty where Klaviyo may count them otherwise than we do."""
    unit = key.partition("_")[2]
    if key in ("today", "yesterday"):
        return f"{today - timedelta(days=key == 'yesterday'):%Y-%m-%d}"
    if unit not in ("month", "year"):
        return ""
    first = today.replace(day=1) if unit == "month" else today.replace(month=1, day=1)
    last = today
    if key.startswith("last_"):
        last = first - timedelta(days=1)
        first = last.replace(day=1) if unit == "month" else last.replace(month=1, day=1)
    return f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
