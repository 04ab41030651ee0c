"""Filters on dates, as conditions of segments have them.

Relative dates count whole hours, days of 24 hours or weeks back from the moment of the evaluation. Anniversaries and
calendar months are those of the account's timezone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from klaviyo_mcp.sandbox.segments.account import Moment

DateTest = Callable[[datetime, Moment], bool]

RELATIVE_OPERATORS = frozenset({
    "at-least", "in-the-last", "in-the-next", "between", "anniversary", "anniversary-month", "anniversary-last",
    "anniversary-next",
})  # fmt: skip
"""The operators whose result changes as time passes."""

_UNITS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}
_MAX_SPAN = timedelta(days=365 * 200)


def read_moment(value: Any, moment: Moment) -> datetime | None:
    """The point in time that a text names, None where it names none. A date without an offset is the account's."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=moment.zone)


def read_date_filter(row: Mapping[str, Any]) -> DateTest:
    """The test of a date filter of any operator."""
    return _READERS[row["operator"]](row)


def _span(row: Mapping[str, Any], name: str = "quantity") -> timedelta:
    quantity: int = row[name]
    try:
        return max(min(_UNITS[row["unit"]] * quantity, _MAX_SPAN), -_MAX_SPAN)
    except OverflowError:
        return _MAX_SPAN


def _after(row: Mapping[str, Any]) -> DateTest:
    return lambda at, moment: at > _moment_of(row["date"], moment)


def _before(row: Mapping[str, Any]) -> DateTest:
    return lambda at, moment: at < _moment_of(row["date"], moment)


def _between_static(row: Mapping[str, Any]) -> DateTest:
    return lambda at, moment: _moment_of(row["start"], moment) <= at <= _moment_of(row["end"], moment)


def _moment_of(text: str, moment: Moment) -> datetime:
    """A time of the definition, which the contract has checked."""
    return read_moment(text, moment) or datetime.min.replace(tzinfo=UTC)


def _in_the_last(row: Mapping[str, Any]) -> DateTest:
    span = _span(row)
    return lambda at, moment: moment.now - span <= at <= moment.now


def _in_the_next(row: Mapping[str, Any]) -> DateTest:
    span = _span(row)
    return lambda at, moment: moment.now <= at <= moment.now + span


def _at_least(row: Mapping[str, Any]) -> DateTest:
    span = _span(row)
    return lambda at, moment: at <= moment.now - span


def _between(row: Mapping[str, Any]) -> DateTest:
    """Between so many and so many units ago."""
    nearest, farthest = sorted((_span(row, "start"), _span(row, "end")))
    return lambda at, moment: moment.now - farthest <= at <= moment.now - nearest


def _calendar_month(row: Mapping[str, Any]) -> DateTest:
    return lambda at, moment: at.astimezone(moment.zone).month == row["value"]


def _anniversary_month(_: Mapping[str, Any]) -> DateTest:
    return lambda at, moment: at.astimezone(moment.zone).month == _today(moment).month


def _anniversary(_: Mapping[str, Any]) -> DateTest:
    return lambda at, moment: _falls_between(at, moment, timedelta(), timedelta())


def _anniversary_last(row: Mapping[str, Any]) -> DateTest:
    span = _span(row)
    return lambda at, moment: _falls_between(at, moment, span, timedelta())


def _anniversary_next(row: Mapping[str, Any]) -> DateTest:
    span = _span(row)
    return lambda at, moment: _falls_between(at, moment, timedelta(), span)


def _falls_between(at: datetime, moment: Moment, back: timedelta, ahead: timedelta) -> bool:
    """Whether an anniversary of `at` falls between two days around today. One of 29 February may fall on the 28th."""
    if back + ahead >= timedelta(days=366):
        return True
    first, last = ((moment.now + span).astimezone(moment.zone).date() for span in (-back, ahead))
    day = at.astimezone(moment.zone).date()
    return any(first <= _in_year(day, year) <= last for year in range(first.year, last.year + 1))


def _in_year(day: date, year: int) -> date:
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)


def _today(moment: Moment) -> date:
    return moment.now.astimezone(moment.zone).date()


_READERS: Mapping[str, Callable[[Mapping[str, Any]], DateTest]] = {
    "alltime": lambda _: lambda at, moment: True,
    "after": _after,
    "before": _before,
    "between-static": _between_static,
    "in-the-last": _in_the_last,
    "in-the-next": _in_the_next,
    "at-least": _at_least,
    "between": _between,
    "calendar-month": _calendar_month,
    "anniversary": _anniversary,
    "anniversary-month": _anniversary_month,
    "anniversary-last": _anniversary_last,
    "anniversary-next": _anniversary_next,
}
