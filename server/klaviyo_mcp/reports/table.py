"""A report as a table: a line of facts, then CSV with names beside ids, totals first, the rows that matter first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from klaviyo_mcp.account.directory import Account
from klaviyo_mcp.answers.budget import FITTING, answer_text, fit_lines
from klaviyo_mcp.answers.csv import csv_lines, filled_columns
from klaviyo_mcp.answers.cursors import START, Position
from klaviyo_mcp.answers.values import cell
from klaviyo_mcp.answers.wording import count_noun, hidden_note
from klaviyo_mcp.reports import statistics
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.jsonapi.records import Page

NONE = "(none)"
TOTAL = "TOTAL"


class IdGrouping(NamedTuple):
    """A grouping by ids: its column, the kind of thing ("" where only the report can name it), the name's grouping."""

    column: str
    kind: str
    beside: str = ""


ID_GROUPINGS: Mapping[str, IdGrouping] = {
    "campaign_id": IdGrouping("campaign", "campaign"),
    "campaign_message_id": IdGrouping("campaign_message", "", "campaign_message_name"),
    "flow_id": IdGrouping("flow", "flow", "flow_name"),
    "flow_message_id": IdGrouping("flow_message", "", "flow_message_name"),
    "tag_id": IdGrouping("tag", "tag", "tag_name"),
    "form_id": IdGrouping("form", "form"),
    "form_version_id": IdGrouping("form_version", "form version"),
    "segment_id": IdGrouping("segment", "segment"),
    "$flow": IdGrouping("$flow", "flow"),
    "$attributed_flow": IdGrouping("$attributed_flow", "flow"),
    "$message": IdGrouping("$message", "message"),
    "$attributed_message": IdGrouping("$attributed_message", "message"),
}
OVERLAPPING_GROUPINGS = {"tag_id": "tags", "tag_name": "tags", "segment_id": "segments"}
"""Groupings in which one message or person stands in several rows, so that rows do not add up."""
UNTRUSTED_DIMENSIONS = frozenset(
    {
        *("Client Canonical", "Client Name", "Email Domain", "From Number", "Method", "To Number", "URL"),
        "$value_currency",
    }
)
"""Dimensions of events that people outside the account can write."""
_SPAN = re.compile(r"(greater-or-equal|less-than)\(datetime,([^)]*)\)")


@dataclass(frozen=True)
class Group:
    """One combination of groupings, and each statistic at every time (a list of one where there are no times)."""

    keys: Mapping[str, str]
    values: Mapping[str, Sequence[Any]]

    def steps(self) -> list[dict[str, Any]]:
        """The statistics at every time."""
        count = max(map(len, self.values.values()), default=0)
        return [
            {name: series[at] if at < len(series) else None for name, series in self.values.items()}
            for at in range(count)
        ]

    def weight(self, name: str) -> float:
        """What the group counts for in a statistic: its total, or where that is none its latest number."""
        whole = statistics.total(name, self.steps())
        numbers = [value for value in self.values.get(name, ()) if isinstance(value, int | float)]
        return whole if whole is not None else numbers[-1] if numbers else 0.0


def sort_groups(groups: Sequence[Group]) -> list[Group]:
    """The groups that matter most first; those that weigh the same as they came."""
    names = statistics.sort_statistics(list(dict.fromkeys(name for group in groups for name in group.values)))
    return sorted(groups, key=lambda group: [-group.weight(name) for name in names])


def read_report(page: Page, dimensions: Sequence[str]) -> tuple[list[str] | None, list[Group]] | None:
    """The times (None where there are none) and the groups of a report or an aggregate; None where it is neither."""
    if not page.single or not page.records:
        return None
    told = page.records[0].attributes
    times = told.get("date_times") or told.get("dates")
    times = [str(time) for time in times] if isinstance(times, list) else None
    results, data = told.get("results"), told.get("data")
    if isinstance(results, list):
        return times, [Group(_keys(_member(row, "groupings")), _series(_member(row, "statistics"))) for row in results]
    if isinstance(data, list) and times is not None:
        return times, [Group(_dimensions(row, dimensions), _series(_member(row, "measurements"))) for row in data]
    return None


@dataclass
class ReportTable:
    """One report as text. `names` has for a grouping the names of its ids; `now` is for named timeframes."""

    arguments: Arguments
    times: Sequence[str] | None
    groups: Sequence[Group]
    names: Mapping[str, Mapping[str, str]]
    account: Account
    hide: bool = False
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.zone_name = getattr(self.arguments, "timezone", None) or self.account.timezone
        self.zone = _zone(self.zone_name)
        self.keys = list(self.groups[0].keys) if self.groups else []
        self.statistics = list(dict.fromkeys(name for group in self.groups for name in group.values))
        self.hidden = [key for key in self.keys if self.hide and key in UNTRUSTED_DIMENSIONS]
        self.overlap = next((OVERLAPPING_GROUPINGS[key] for key in self.keys if key in OVERLAPPING_GROUPINGS), "")
        self.zeros = 0
        if self.times is not None and self.keys:
            kept = [group for group in self.groups if not all(map(statistics.all_zero, group.values.values()))]
            self.zeros, self.groups = len(self.groups) - len(kept), kept
        self.by = [] if getattr(self.arguments, "sort", None) else statistics.sort_statistics(self.statistics)
        self.groups = sort_groups(self.groups) if self.by else self.groups

    def text(
        self, start: Position, following: str | None, asides: Sequence[str], cursor: Callable[[Position], str]
    ) -> str:
        """The answer from `start` on, within the budget; `following` is Klaviyo's own next cursor."""
        totals = self._totals()
        rows = [self._header(), *totals, *self._rows()]
        kept = filled_columns(rows[1:], len(rows[0])) or list(range(len(rows[0])))
        header, *lines = csv_lines([row[at] for at in kept] for row in rows)
        lines = lines[start.skip :]
        marked = bool(lines) and any(key in UNTRUSTED_DIMENSIONS for key in self.keys if key not in self.hidden)
        facts = self._facts(start, bool(totals), bool(following))

        def head(shown: int) -> str:
            rest = Position(start.cursor, None, start.skip + shown) if shown < len(lines) else None
            after = rest or (Position(following) if following else None)
            ending = (
                f"more: cursor={cursor(after)}" if after else "complete" if start == START else "these are the last"
            )
            return "; ".join([*self._extent(shown, len(lines), start, len(totals)), *facts, *asides, ending])

        shown, text = fit_lines(lines, head, header=[header], marked=marked)
        return answer_text(text, [header, *lines[:shown]] if lines else [], marked=marked)

    def _header(self) -> list[str]:
        keys = [ID_GROUPINGS[key].column if key in ID_GROUPINGS else key for key in self._columns()]
        return [*(["time"] if self.times is not None else []), *keys, *self.statistics]

    def _columns(self) -> list[str]:
        """The groupings that are columns: not those whose names stand beside their ids."""
        beside = {ID_GROUPINGS[key].beside for key in self.keys if key in ID_GROUPINGS}
        return [key for key in self.keys if key not in beside and key not in self.hidden]

    def _rows(self) -> Iterator[list[str]]:
        times = self._clock_times()
        for group in self.groups:
            keys = self._cells(group)
            for at, step in enumerate(group.steps()):
                time = [times[at] if at < len(times) else ""] if self.times is not None else []
                yield [*time, *keys, *self._told(step)]

    def _totals(self) -> list[list[str]]:
        """One row for all groups together, where they add up, and in a series one for each group."""
        rows = []
        times = self.times is not None
        if len(self.groups) > 1 and not self.overlap:
            steps = [(step, group.keys.get("send_channel", "")) for group in self.groups for step in group.steps()]
            channels = [channel for _, channel in steps] if "send_channel" in self.keys else []
            told = statistics.totals(self.statistics, [step for step, _ in steps], channels)
            if any(value is not None for value in told.values()):
                blank = [""] * (len(self._columns()) - 1)
                rows.append([*(["total"] if times else []), TOTAL, *blank, *self._told(told)])
        for group in self.groups if times and len(self.times or ()) > 1 else ():
            told = statistics.totals(self.statistics, group.steps())
            if any(value is not None for value in told.values()):
                rows.append(["total", *self._cells(group), *self._told(told)])
        return rows

    def _cells(self, group: Group) -> list[str]:
        return [self._cell(group, key) for key in self._columns()]

    def _cell(self, group: Group, key: str) -> str:
        value = group.keys.get(key, "")
        if not value:
            return NONE if self._is_aggregate() else ""
        if key not in ID_GROUPINGS:
            return cell(value)
        _, _, beside = ID_GROUPINGS[key]
        name = group.keys.get(beside, "") or self.names.get(key, {}).get(value, "")
        whole = self.names.get("campaign_id", {}).get(group.keys.get("campaign_id", ""), "")
        if not name or name == value or (key == "campaign_message_id" and name == whole):
            return cell(value)
        return f"{cell(name, 80)} ({cell(value)})"

    def _told(self, values: Mapping[str, Any]) -> list[str]:
        return [cell(statistics.format_statistic(name, values.get(name))) for name in self.statistics]

    def _is_aggregate(self) -> bool:
        return "measurements" in type(self.arguments).model_fields

    def _clock_times(self) -> list[str]:
        """The times as clocks of the zone show them: days alone where all are midnights."""
        moments = [_moment(time, self.zone) for time in self.times or ()]
        if all(moment and (moment.hour, moment.minute) == (0, 0) for moment in moments):
            return [f"{moment:%Y-%m-%d}" for moment in moments if moment]
        told = zip(moments, self.times or (), strict=True)
        return [f"{moment:%Y-%m-%d %H:%M}" if moment else cell(time, 40) for moment, time in told]

    def _extent(self, shown: int, length: int, start: Position, totals: int) -> list[str]:
        """How much there is, and how much of it is shown."""
        if self.times is None:
            count, of = shown, length
            if start.skip == 0:
                count, of = shown - totals, length - totals
            if start != START:
                return [f"next {count_noun(count, 'row')}"]
            return [count_noun(count, "row") if count == of else f"{count:,} of {of:,} rows ({FITTING})"]
        interval = getattr(self.arguments, "interval", None) or "day"
        unit = _INTERVALS.get(interval, interval)
        facts = [f"{count_noun(len(self.groups), 'group')} at {len(self.times):,} times (by {unit})"]
        if start.skip:
            facts.append(f"next {count_noun(shown, 'row')}")
        elif shown < length:
            facts.append(f"{shown:,} of {length:,} rows ({FITTING}), totals first")
        return facts

    def _facts(self, start: Position, has_totals: bool, following: bool) -> list[str]:
        facts = [self._timeframe()] if self._timeframe() else []
        if self.zeros:
            facts.append(f"{count_noun(self.zeros, 'group')} with zeros only left out")
        if len(self.groups) > 1 and self.by:
            facts.append(f"sorted by {self.by[0]}")
        in_its_own = "$value_currency" in (getattr(self.arguments, "by", None) or ())
        money = statistics.MONEY | {"sum_value"}
        if self.account.currency and not in_its_own and any(name in money for name in self.statistics):
            facts.append(f"money in {cell(self.account.currency, 10)}")
        if self.overlap and len(self.groups) > 1:
            facts.append(f"no {TOTAL}, for {self.overlap} overlap")
        elif has_totals and len(self.groups) > 1 and self._unopened():
            facts.append(f"open rates of {TOTAL} are without {' and '.join(self._unopened())}")
        if has_totals and len(self.groups) > 1 and not self.overlap and (following or start.cursor):
            facts.append(f"{TOTAL} is of this page of the report")
        if self.hidden:
            facts.append(hidden_note(self.hidden))
        return facts

    def _unopened(self) -> list[str]:
        """Channels among the rows that open rates say nothing of."""
        if not statistics.OPEN_RATES.intersection(self.statistics):
            return []
        return sorted({group.keys.get("send_channel", "") for group in self.groups} & statistics.CHANNELS_WITHOUT_OPENS)

    def _timeframe(self) -> str:
        zone = f" ({self.zone_name})" if self.zone_name else "" if self._is_aggregate() else " (the account's timezone)"
        timeframe = getattr(self.arguments, "timeframe", None)
        if timeframe is not None and timeframe.key:
            days = _days(timeframe.key, self.now().astimezone(self.zone)) if self.zone_name else ""
            return f"{timeframe.key}{f' {days}' if days else ''}{zone}"
        if timeframe is not None:
            return f"{_clock(timeframe.start)} up to {_clock(timeframe.end)}{zone}"
        ends = dict(_SPAN.findall(",".join(getattr(self.arguments, "filter", None) or ())))
        if len(ends) == 2:
            return f"{_day(ends['greater-or-equal'])} up to {_day(ends['less-than'])}{zone or ' (UTC)'}"
        return ""


_INTERVALS = {"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month"}


def _clock(time: str | None) -> str:
    """A timeframe's end without the offset, which Klaviyo passes over."""
    moment = datetime.fromisoformat(str(time))
    return f"{moment:%Y-%m-%d}" if (moment.hour, moment.minute) == (0, 0) else f"{moment:%Y-%m-%d %H:%M}"


def _day(time: str) -> str:
    """A time as it was given, without its seconds and midnights; its offset counts."""
    return cell(re.sub(r":00(?=$|Z|[+-])", "", re.sub(r"T00:00(:00)?(?=$)", "", time.strip('" '))), 40)


def _days(key: str, today: datetime) -> str:
    """The days of a named timeframe, where there is no doubt about them."""
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


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (KeyError, ValueError, OSError):
        return UTC


def _moment(time: str, zone: tzinfo) -> datetime | None:
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        return None
    return moment.astimezone(zone) if moment.tzinfo else moment


def _member(row: Any, name: str) -> Mapping[str, Any]:
    value = row.get(name) if isinstance(row, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _series(values: Mapping[str, Any]) -> dict[str, Sequence[Any]]:
    return {name: value if isinstance(value, list) else [value] for name, value in values.items()}


def _keys(groupings: Mapping[str, Any]) -> dict[str, str]:
    return {name: value if isinstance(value, str) else cell(value) for name, value in groupings.items()}


def _dimensions(row: Any, names: Sequence[str]) -> dict[str, str]:
    values = row.get("dimensions") if isinstance(row, Mapping) else None
    values = values if isinstance(values, list) else []
    return _keys({names[at] if at < len(names) else f"dimension_{at + 1}": value for at, value in enumerate(values)})
