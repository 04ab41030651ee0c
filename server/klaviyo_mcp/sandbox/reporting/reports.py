"""The seven reports: statistics of campaigns, flows, forms and segments, in total (values) or over time (series).

Sources: the schemas of the report operations, their descriptions, and Klaviyo's reporting API overview.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

from klaviyo_mcp.sandbox.errors import KlaviyoError, invalid, invalid_filter
from klaviyo_mcp.sandbox.filters import Comparison, matches, parse_filter
from klaviyo_mcp.sandbox.reporting.facts import Fact, Groupings, form_facts, message_facts, segment_facts
from klaviyo_mcp.sandbox.reporting.statistics import (
    FORM_STATISTICS,
    MESSAGE_STATISTICS,
    SEGMENT_STATISTICS,
    Statistic,
    Tally,
)
from klaviyo_mcp.sandbox.reporting.time_ranges import Buckets, TimeRange, named_timeframe
from klaviyo_mcp.sandbox.segments.account import account_zone
from klaviyo_mcp.sandbox.state.store import Store

MAX_TIMEFRAME = timedelta(days=366)
MAX_SERIES_TIMEFRAME = {"hourly": timedelta(days=7), "daily": timedelta(days=60), "monthly": timedelta(weeks=52)}
FIRST_DAY_OF_SEGMENTS = datetime(2023, 6, 1, tzinfo=UTC)
MAX_FILTER_VALUES = 100
CHANNELS = ("email", "sms", "push-notification", "whatsapp")

_AT = "/data/attributes/"
_INTERVALS = {"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month"}
_SINGLE_VALUED, _MANY_VALUED = ("equals", "contains-any"), ("contains-any", "contains-all")
_EQUALS_OR_ANY = ("equals", "any")
_MESSAGE_FIELDS = ("send_channel", "text_message_format", "variation", "variation_name")
_TAG_FIELDS = ("tag_id", "tag_name")


@dataclass(frozen=True)
class Report:
    """What a report can be asked for.

    `operators` holds those that the filter takes of each grouping. `required_groupings` says which groupings must
    accompany another one; those under the empty name accompany any. `takes_conversion_metric` says whether the report
    counts conversions.
    """

    statistics: Mapping[str, Statistic]
    operators: Mapping[str, tuple[str, ...]]
    default_groupings: tuple[str, ...]
    facts: Callable[[Store, Buckets, str], Iterable[Fact]]
    required_groupings: Mapping[str, tuple[str, ...]]
    takes_conversion_metric: bool = False


def _message_report(parent: str, *fields: str) -> Report:
    own = (f"{parent}_id", f"{parent}_message_id", f"{parent}_message_name", *fields)
    return Report(
        MESSAGE_STATISTICS,
        dict.fromkeys((*own, *_MESSAGE_FIELDS), _SINGLE_VALUED) | dict.fromkeys(_TAG_FIELDS, _MANY_VALUED),
        (f"{parent}_id", f"{parent}_message_id", "send_channel"),
        lambda store, _, conversion_metric_id: message_facts(store, parent, conversion_metric_id),
        {"": (f"{parent}_id", f"{parent}_message_id")},
        takes_conversion_metric=True,
    )


REPORTS: Mapping[str, Report] = {
    "campaign": _message_report("campaign"),
    "flow": _message_report("flow", "flow_name"),
    "form": Report(
        FORM_STATISTICS,
        {"form_id": _EQUALS_OR_ANY, "form_version_id": _EQUALS_OR_ANY},
        ("form_id",),
        lambda store, _, __: form_facts(store),
        {"form_version_id": ("form_id",)},
    ),
    "segment": Report(
        SEGMENT_STATISTICS,
        {"segment_id": _EQUALS_OR_ANY},
        ("segment_id",),
        lambda store, buckets, _: segment_facts(store, buckets),
        {},
    ),
}


def query_report(store: Store, operation: str, attributes: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The attributes of a report. `operation` is `query_campaign_values` and so on. Raises KlaviyoError (400)."""
    subject, form = operation.removeprefix("query_").split("_")
    report = REPORTS[subject]
    statistics: list[str] = list(dict.fromkeys(attributes["statistics"]))
    if not statistics:
        raise invalid("At least one statistic is required.", pointer=f"{_AT}statistics")
    interval = attributes["interval"] if form == "series" else None
    time_range = _time_range(attributes["timeframe"], interval, now, account_zone(store))
    if subject == "segment" and time_range.start < FIRST_DAY_OF_SEGMENTS.timestamp():
        raise invalid("Segments have no data before 2023-06-01.", pointer=f"{_AT}timeframe")
    metric_id = _conversion_metric_id(store, attributes) if report.takes_conversion_metric else ""
    group_by = _group_by(report, attributes.get("group_by"))
    conditions = _conditions(report, attributes.get("filter"))
    buckets = Buckets(time_range, _INTERVALS[interval] if interval else None)
    rows = _tally(report.facts(store, buckets, metric_id), buckets, conditions, group_by)
    results = [
        {
            "groupings": dict(zip(group_by, key, strict=True)),
            "statistics": _statistics(report, statistics, tallies, len(buckets) if interval else None),
        }
        for key, tallies in sorted(rows.items())
    ]
    return {"results": results, "date_times": buckets.labels()} if interval else {"results": results}


Rows = dict[tuple[str, ...], dict[int, Tally]]
"""The tallies of each row, by the values that it is grouped by, and by the index of the bucket."""


def _tally(facts: Iterable[Fact], buckets: Buckets, conditions: Sequence[Comparison], group_by: Sequence[str]) -> Rows:
    rows: Rows = {}
    # All facts of one message share their groupings, so the rows of a message are looked up once.
    keys_by_groupings: dict[int, list[tuple[str, ...]]] = {}
    kept_alive: list[Groupings] = []
    for fact in facts:
        if not buckets.time_range.contains(fact.at):
            continue
        if id(fact.groupings) not in keys_by_groupings:
            kept_alive.append(fact.groupings)
            selected = all(matches(condition, fact.groupings[condition.field]) for condition in conditions)
            keys_by_groupings[id(fact.groupings)] = list(_row_keys(fact.groupings, group_by)) if selected else []
        index = buckets.index(fact.at)
        for key in keys_by_groupings[id(fact.groupings)]:
            tally = rows.setdefault(key, {}).setdefault(index, Tally())
            tally.add(fact.kind, fact.profile, fact.amount)
    return rows


def _row_keys(groupings: Groupings, group_by: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The rows that a message counts in: one for each of its tags, and a nameless one where it has none."""
    columns = {name: values for name in group_by if isinstance(values := groupings[name], list)}
    choices: list[list[dict[str, str]]] = []
    for stem in dict.fromkeys(name.partition("_")[0] for name in columns):
        names = [name for name in columns if name.partition("_")[0] == stem]
        rows = zip(*(columns[name] for name in names), strict=True)
        choices.append([dict(zip(names, row, strict=True)) for row in rows] or [dict.fromkeys(names, "")])
    for choice in product(*choices):
        row = {name: value for part in choice for name, value in part.items()}
        yield tuple(row[name] if name in row else str(groupings[name]) for name in group_by)


def _statistics(
    report: Report, names: Sequence[str], tallies: Mapping[int, Tally], buckets: int | None
) -> dict[str, float | list[float]]:
    """The statistics of a row: a number each, or for a series a number for each bucket."""
    empty = Tally()
    if buckets is None:
        return {name: report.statistics[name](tallies.get(0, empty)) for name in names}
    return {name: [report.statistics[name](tallies.get(index, empty)) for index in range(buckets)] for name in names}


def _time_range(timeframe: Mapping[str, Any], interval: str | None, now: datetime, zone: ZoneInfo) -> TimeRange:
    pointer = f"{_AT}timeframe"
    if "key" in timeframe:
        time_range = named_timeframe(timeframe["key"], now, zone)
    else:
        # Klaviyo ignores the offset: a custom timeframe is in the account's timezone.
        start, end = (datetime.fromisoformat(timeframe[name]).replace(tzinfo=zone) for name in ("start", "end"))
        time_range = TimeRange(start.timestamp(), end.timestamp(), zone)
        if time_range.start >= time_range.end:
            raise invalid("The start of the timeframe must be before its end.", pointer=f"{pointer}/end")
    if time_range.length > MAX_TIMEFRAME:
        raise invalid("The timeframe may not be longer than one year.", pointer=pointer)
    most = MAX_SERIES_TIMEFRAME.get(interval or "")
    if most and time_range.length > most:
        detail = f"With the interval {interval} the timeframe may not be longer than {most.days} days."
        raise invalid(detail, pointer=pointer)
    return time_range


def _conversion_metric_id(store: Store, attributes: Mapping[str, Any]) -> str:
    id_: str = attributes["conversion_metric_id"]
    if store.get("metric", id_) is None:
        raise invalid(f"No metric has the id {id_}.", pointer=f"{_AT}conversion_metric_id")
    return id_


def _group_by(report: Report, names: Sequence[str] | None) -> list[str]:
    if not names:
        return list(report.default_groupings)
    for name in ("", *names):
        for required in report.required_groupings.get(name, ()):
            if required not in names:
                raise invalid(f"Grouping {f'by {name} ' if name else ''}needs {required}.", pointer=f"{_AT}group_by")
    return list(dict.fromkeys(names))


def _conditions(report: Report, text: str | None) -> list[Comparison]:
    if text is None:
        return []
    comparisons = parse_filter(text, pointer=f"{_AT}filter")
    for index, one in enumerate(comparisons):
        if one.field not in report.operators:
            raise _invalid_filter(f"{one.field!r} is not a filterable field; allowed: {', '.join(report.operators)}.")
        allowed = report.operators[one.field]
        if one.operator not in allowed:
            raise _invalid_filter(f"{one.operator!r} is not allowed for {one.field!r}; allowed: {', '.join(allowed)}.")
        if isinstance(one.value, list) == (one.operator == "equals"):
            expected = "a single value" if one.operator == "equals" else "a list"
            raise _invalid_filter(f"{one.operator!r} takes {expected}.")
        if any(one.field == other.field for other in comparisons[:index]):
            raise _invalid_filter(f"only one condition on {one.field!r} is allowed.")
        _check_values(one)
    return [_as_any(one) if report.operators[one.field] == _SINGLE_VALUED else one for one in comparisons]


def _as_any(comparison: Comparison) -> Comparison:
    """Read `contains-any` of a field with a single value as `any`: the value is one of those listed."""
    if comparison.operator != "contains-any":
        return comparison
    return Comparison("any", comparison.field, comparison.value)


def _check_values(comparison: Comparison) -> None:
    values = comparison.value if isinstance(comparison.value, list) else [comparison.value]
    if len(values) > MAX_FILTER_VALUES:
        raise _invalid_filter(f"at most {MAX_FILTER_VALUES} values of {comparison.field!r} are allowed.")
    if comparison.field == "send_channel" and not set(values) <= set(CHANNELS):
        raise _invalid_filter(f"'send_channel' is one of {', '.join(CHANNELS)}.")


def _invalid_filter(detail: str) -> KlaviyoError:
    return invalid_filter(detail, pointer=f"{_AT}filter")
