"""The seven reports: what campaigns, flows, forms and segments did, in total (values) or over time (series).

Sources: the schemas of the report operations, their descriptions, and Klaviyo's reporting API overview.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from klaviyo_mcp.sandbox.errors import KlaviyoError, invalid
from klaviyo_mcp.sandbox.filters import Comparison, matches, parse_filter
from klaviyo_mcp.sandbox.reporting import statistics
from klaviyo_mcp.sandbox.reporting.occurrences import Facts, Occurrence, of_forms, of_messages, of_segments
from klaviyo_mcp.sandbox.reporting.periods import Buckets, Span, named
from klaviyo_mcp.sandbox.reporting.statistics import Figure, Tally
from klaviyo_mcp.sandbox.state.store import Store

LONGEST = timedelta(days=366)
LONGEST_SERIES = {"hourly": timedelta(days=7), "daily": timedelta(days=60), "monthly": timedelta(weeks=52)}
SEGMENTS_SINCE = datetime(2023, 6, 1, tzinfo=UTC)
MOST_IN_LIST = 100
CHANNELS = ("email", "sms", "push-notification", "whatsapp")

_AT = "/data/attributes/"
_INTERVALS = {"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month"}
_SCALAR, _LIST, _PLAIN = ("equals", "contains-any"), ("contains-any", "contains-all"), ("equals", "any")
_OF_MESSAGES = ("send_channel", "text_message_format", "variation", "variation_name")
_OF_TAGS = ("tag_id", "tag_name")


@dataclass(frozen=True)
class Report:
    """What a report takes. `needs` tells for a grouping which others must stand beside it ("" for any grouping)."""

    figures: Mapping[str, Figure]
    fields: Mapping[str, tuple[str, ...]]
    default: tuple[str, ...]
    occurrences: Callable[[Store, Buckets, str], Iterable[Occurrence]]
    needs: Mapping[str, tuple[str, ...]]
    converts: bool = False


def _messages(part: str, *names: str) -> Report:
    fields = dict.fromkeys((f"{part}_id", f"{part}_message_id", f"{part}_message_name", *names), _SCALAR)
    return Report(
        statistics.MESSAGING,
        fields | dict.fromkeys(_OF_MESSAGES, _SCALAR) | dict.fromkeys(_OF_TAGS, _LIST),
        (f"{part}_id", f"{part}_message_id", "send_channel"),
        lambda store, _, conversion: of_messages(store, part, conversion),
        {"": (f"{part}_id", f"{part}_message_id")},
        converts=True,
    )


REPORTS: Mapping[str, Report] = {
    "campaign": _messages("campaign"),
    "flow": _messages("flow", "flow_name"),
    "form": Report(
        statistics.FORM,
        {"form_id": _PLAIN, "form_version_id": _PLAIN},
        ("form_id",),
        lambda store, _, __: of_forms(store),
        {"form_version_id": ("form_id",)},
    ),
    "segment": Report(
        statistics.SEGMENT,
        {"segment_id": _PLAIN},
        ("segment_id",),
        lambda store, buckets, _: of_segments(store, buckets),
        {},
    ),
}


def answer(store: Store, operation: str, attributes: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The attributes of a report. `operation` is `query_campaign_values` and so on. Raises KlaviyoError (400)."""
    subject, form = operation.removeprefix("query_").split("_")
    report = REPORTS[subject]
    statistics: list[str] = list(dict.fromkeys(attributes["statistics"]))
    if not statistics:
        raise invalid("At least one statistic is required.", pointer=f"{_AT}statistics")
    interval = attributes["interval"] if form == "series" else None
    span = _span(attributes["timeframe"], interval, now, _account_zone(store))
    if subject == "segment" and span.start < SEGMENTS_SINCE.timestamp():
        raise invalid("Segments have no data before 2023-06-01.", pointer=f"{_AT}timeframe")
    conversion = _conversion(store, attributes) if report.converts else ""
    group_by = _group_by(report, attributes.get("group_by"))
    conditions = _conditions(report, attributes.get("filter"))
    buckets = Buckets(span, _INTERVALS[interval] if interval else None)
    groups = _tallied(report.occurrences(store, buckets, conversion), buckets, conditions, group_by)
    results = [
        {
            "groupings": dict(zip(group_by, key, strict=True)),
            "statistics": _statistics(report, statistics, tallies, len(buckets) if interval else None),
        }
        for key, tallies in sorted(groups.items())
    ]
    return {"results": results, "date_times": buckets.labels()} if interval else {"results": results}


Groups = dict[tuple[str, ...], dict[int, Tally]]


def _tallied(
    occurrences: Iterable[Occurrence], buckets: Buckets, conditions: Sequence[Comparison], group_by: Sequence[str]
) -> Groups:
    groups: Groups = {}
    # Facts are shared by all that happened to one message, so what follows from them is worked out once.
    keys: dict[int, list[tuple[str, ...]]] = {}
    seen: list[Facts] = []
    for one in occurrences:
        if not buckets.span.holds(one.at):
            continue
        if id(one.facts) not in keys:
            seen.append(one.facts)
            chosen = all(matches(condition, one.facts[condition.field]) for condition in conditions)
            keys[id(one.facts)] = list(_keys(one.facts, group_by)) if chosen else []
        at = buckets.index(one.at)
        for key in keys[id(one.facts)]:
            tally = groups.setdefault(key, {}).setdefault(at, Tally())
            tally.add(one.kind, one.profile, one.amount)
    return groups


def _keys(facts: Facts, group_by: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The groups that facts fall into: one for each tag, and one without a name for what has none."""
    columns = {name: held for name in group_by if isinstance(held := facts[name], list)}
    choices: list[list[dict[str, str]]] = []
    for stem in dict.fromkeys(name.partition("_")[0] for name in columns):
        names = [name for name in columns if name.partition("_")[0] == stem]
        rows = zip(*(columns[name] for name in names), strict=True)
        choices.append([dict(zip(names, row, strict=True)) for row in rows] or [dict.fromkeys(names, "")])
    for choice in product(*choices):
        listed = {name: value for part in choice for name, value in part.items()}
        yield tuple(listed[name] if name in listed else str(facts[name]) for name in group_by)


def _statistics(
    report: Report, names: Sequence[str], tallies: Mapping[int, Tally], buckets: int | None
) -> dict[str, float | list[float]]:
    empty = Tally()
    if buckets is None:
        return {name: report.figures[name](tallies.get(0, empty)) for name in names}
    return {name: [report.figures[name](tallies.get(at, empty)) for at in range(buckets)] for name in names}


def _account_zone(store: Store) -> ZoneInfo:
    account = next(store.all("account"), None)
    try:
        return ZoneInfo(account.attributes.get("timezone") or "UTC" if account else "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _span(timeframe: Mapping[str, Any], interval: str | None, now: datetime, zone: ZoneInfo) -> Span:
    pointer = f"{_AT}timeframe"
    if "key" in timeframe:
        span = named(timeframe["key"], now, zone)
    else:
        # Klaviyo passes over the offset: the clock meant is the account's.
        start, end = (datetime.fromisoformat(timeframe[name]).replace(tzinfo=zone) for name in ("start", "end"))
        span = Span(start.timestamp(), end.timestamp(), zone)
        if span.start >= span.end:
            raise invalid("The start of the timeframe must be before its end.", pointer=f"{pointer}/end")
    if span.length > LONGEST:
        raise invalid("The timeframe may not be longer than one year.", pointer=pointer)
    most = LONGEST_SERIES.get(interval or "")
    if most and span.length > most:
        detail = f"With the interval {interval} the timeframe may not be longer than {most.days} days."
        raise invalid(detail, pointer=pointer)
    return span


def _conversion(store: Store, attributes: Mapping[str, Any]) -> str:
    id_: str = attributes["conversion_metric_id"]
    if store.get("metric", id_) is None:
        raise invalid(f"No metric has the id {id_}.", pointer=f"{_AT}conversion_metric_id")
    return id_


def _group_by(report: Report, given: Sequence[str] | None) -> list[str]:
    if not given:
        return list(report.default)
    for name in ("", *given):
        for needed in report.needs.get(name, ()):
            if needed not in given:
                raise invalid(f"Grouping {f'by {name} ' if name else ''}needs {needed}.", pointer=f"{_AT}group_by")
    return list(dict.fromkeys(given))


def _conditions(report: Report, text: str | None) -> list[Comparison]:
    if text is None:
        return []
    conditions = parse_filter(text, pointer=f"{_AT}filter")
    for number, one in enumerate(conditions):
        if one.field not in report.fields:
            raise _refused(f"{one.field!r} is not a filterable field; allowed: {', '.join(report.fields)}.")
        allowed = report.fields[one.field]
        if one.operator not in allowed:
            raise _refused(f"{one.operator!r} is not allowed for {one.field!r}; allowed: {', '.join(allowed)}.")
        if isinstance(one.value, list) == (one.operator == "equals"):
            raise _refused(f"{one.operator!r} takes {'a single value' if one.operator == 'equals' else 'a list'}.")
        if any(one.field == other.field for other in conditions[:number]):
            raise _refused(f"only one condition on {one.field!r} is allowed.")
        _check_values(one)
    # Of a thing with one value, `contains-any` means that it is one of those listed.
    listed = [one.operator == "contains-any" and report.fields[one.field] == _SCALAR for one in conditions]
    pairs = zip(conditions, listed, strict=True)
    return [Comparison("any", one.field, one.value) if is_listed else one for one, is_listed in pairs]


def _check_values(one: Comparison) -> None:
    values = one.value if isinstance(one.value, list) else [one.value]
    if len(values) > MOST_IN_LIST:
        raise _refused(f"at most {MOST_IN_LIST} values of {one.field!r} are allowed.")
    if one.field == "send_channel" and not set(values) <= set(CHANNELS):
        raise _refused(f"'send_channel' is one of {', '.join(CHANNELS)}.")


def _refused(detail: str) -> KlaviyoError:
    return KlaviyoError(400, "invalid_filter", "Invalid input.", f"Invalid filter provided: {detail}", f"{_AT}filter")
