"""Metric aggregates: counts and sums of a metric's events over time and by dimension.

Sources: the schema of `query_metric_aggregates` and Klaviyo's guide to its supported attributes.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32
from zoneinfo import ZoneInfo

from klaviyo_mcp.sandbox.errors import invalid, invalid_filter, not_found
from klaviyo_mcp.sandbox.filters import Comparison, matches, parse_filter
from klaviyo_mcp.sandbox.reporting.dimensions import NAMES_WITH_SPACES, EventDimensions, event_value
from klaviyo_mcp.sandbox.reporting.time_ranges import Buckets, TimeRange, load_zone
from klaviyo_mcp.sandbox.state.store import Record, Store

DEFAULT_PAGE_SIZE = 500
MAX_TIME_RANGE = timedelta(days=366)
_AT = "/data/attributes/"
_OPERATORS = frozenset({"equals", "any", "contains"})
_START, _END = "greater-or-equal", "less-than"
_HAS_OFFSET = re.compile(r"datetime\s*,[^)]*T[^)]*(Z|[+-]\d\d:?\d\d)\s*\)", re.IGNORECASE)
_FIELD_WITH_SPACES = re.compile(rf'^(\s*[a-z-]+\(\s*)"?({"|".join(NAMES_WITH_SPACES)})"?(\s*,)')


def query_aggregates(store: Store, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a metric-aggregate. Raises KlaviyoError (400, 404)."""
    return query_page(store, attributes)[0]


def query_page(store: Store, attributes: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """The attributes of a metric-aggregate, and the `page_cursor` of the rows that follow."""
    metric_id = attributes["metric_id"]
    if store.get("metric", metric_id) is None:
        raise not_found("metric", metric_id, f"{_AT}metric_id")
    measurements: list[str] = list(dict.fromkeys(attributes["measurements"]))
    if not measurements:
        raise invalid("At least one measurement is required.", pointer=f"{_AT}measurements")
    group_by: list[str] = list(dict.fromkeys(attributes.get("by") or ()))
    zone = load_zone(attributes.get("timezone") or "UTC", f"{_AT}timezone")
    time_range, conditions = _conditions(attributes["filter"], zone)
    buckets = Buckets(time_range, attributes.get("interval") or "day")
    sort_rows = _sorter(attributes.get("sort"), measurements, group_by)
    offset, size = _offset(attributes), _page_size(attributes)
    events = store.referring(metric_id, "event", "metric")
    groups = _group_events(EventDimensions(store), events, buckets, conditions, group_by)
    rows = sort_rows([_row(group, measurements) for group in groups.values()])
    page = {"dates": buckets.labels(), "data": rows[offset : offset + size]}
    next_cursor = _cursor(attributes, offset + size) if len(rows) > offset + size else None
    return _select_fields(page, attributes.get("return_fields")), next_cursor


@dataclass
class _Group:
    """The events of one combination of dimensions, bucket by bucket."""

    dimensions: tuple[str, ...]
    counts: list[int]
    sums: list[float]
    profiles: dict[int, set[str]] = field(default_factory=dict)


def _group_events(
    dimensions: EventDimensions,
    events: Iterable[Record],
    buckets: Buckets,
    conditions: Sequence[Comparison],
    group_by: list[str],
) -> dict[tuple[str, ...], _Group]:
    length = len(buckets)
    groups: dict[tuple[str, ...], _Group] = {}
    if not group_by:
        groups[()] = _Group((), [0] * length, [0.0] * length)
    for event in events:
        timestamp = event.attributes["timestamp"]
        if not buckets.time_range.contains(timestamp):
            continue
        if not all(matches(one, dimensions.value(event, one.field)) for one in conditions):
            continue
        key = tuple(dimensions.value(event, name) for name in group_by)
        group = groups.get(key)
        if group is None:
            group = groups[key] = _Group(key, [0] * length, [0.0] * length)
        index = buckets.index(timestamp)
        group.counts[index] += 1
        group.sums[index] += event_value(event)
        group.profiles.setdefault(index, set()).add(str(event.links.get("profile")))
    return groups


def _row(group: _Group, names: Sequence[str]) -> dict[str, Any]:
    measurements: dict[str, list[Any]] = {
        "count": group.counts,
        "sum_value": [round(value, 2) for value in group.sums],
        "unique": [len(group.profiles.get(index, ())) for index in range(len(group.counts))],
    }
    return {"dimensions": list(group.dimensions), "measurements": {name: measurements[name] for name in names}}


def _conditions(filters: Sequence[str], zone: ZoneInfo) -> tuple[TimeRange, list[Comparison]]:
    """The time range and the conditions on dimensions. Times without an offset are in the zone."""
    bounds: dict[str, float] = {}
    conditions = []
    for index, text in enumerate(filters):
        pointer = f"{_AT}filter/{index}"
        for one in parse_filter(_protect_spaces(text), pointer=pointer):
            name = one.field.replace("\0", " ")
            if name == "datetime":
                bounds[_bound(one, pointer)] = _timestamp(one, text, zone, pointer)
            else:
                conditions.append(_condition(one, name, pointer))
    if set(bounds) != {_START, _END}:
        detail = "A time range is required: greater-or-equal and less-than of datetime."
        raise invalid_filter(detail, pointer=f"{_AT}filter")
    time_range = TimeRange(bounds[_START], bounds[_END], zone)
    if time_range.start >= time_range.end:
        raise invalid_filter("The start of the time range must be before its end.", pointer=f"{_AT}filter")
    if time_range.length > MAX_TIME_RANGE:
        raise invalid_filter("The time range may not be longer than one year.", pointer=f"{_AT}filter")
    return time_range, conditions


def _protect_spaces(text: str) -> str:
    """Replace the spaces in a dimension's name, which the grammar of filters does not allow."""
    return _FIELD_WITH_SPACES.sub(lambda match: match[1] + match[2].replace(" ", "\0") + match[3], text)


def _bound(comparison: Comparison, pointer: str) -> str:
    if comparison.operator not in (_START, _END):
        detail = f"{comparison.operator!r} is not allowed for 'datetime'; allowed: {_START}, {_END}."
        raise invalid_filter(detail, pointer=pointer)
    return comparison.operator


def _timestamp(comparison: Comparison, text: str, zone: ZoneInfo, pointer: str) -> float:
    if not isinstance(comparison.value, datetime):
        raise invalid_filter("The value of 'datetime' must be an ISO 8601 time.", pointer=pointer)
    moment = comparison.value if _HAS_OFFSET.search(text) else comparison.value.replace(tzinfo=zone)
    return moment.timestamp()


def _condition(comparison: Comparison, name: str, pointer: str) -> Comparison:
    operator, value = comparison.operator, comparison.value
    if name not in EventDimensions.NAMES:
        raise invalid_filter(f"{name!r} is not a filterable field.", pointer=pointer)
    if operator not in _OPERATORS:
        detail = f"{operator!r} is not allowed for {name!r}; allowed: any, contains, equals."
        raise invalid_filter(detail, pointer=pointer)
    if isinstance(value, list) != (operator == "any"):
        raise invalid_filter(
            f"{operator!r} takes {'a list' if operator == 'any' else 'a single value'}.", pointer=pointer
        )
    text: Any = [str(item) for item in value] if isinstance(value, list) else _as_text(value)
    return Comparison(operator, name, text)


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


Rows = list[dict[str, Any]]


def _sorter(sort: str | None, measurements: Sequence[str], group_by: Sequence[str]) -> Callable[[Rows], Rows]:
    name = (sort or "").removeprefix("-")
    if name and name not in measurements and name not in group_by:
        detail = f"{name!r} must be one of the measurements, or of the dimensions in 'by'."
        raise invalid(detail, pointer=f"{_AT}sort")
    descending = (sort or "").startswith("-")

    def sort_rows(rows: Rows) -> Rows:
        rows = sorted(rows, key=lambda row: list(row["dimensions"]))
        if name in measurements:
            return sorted(rows, key=lambda row: sum(row["measurements"][name]), reverse=descending)
        if name:
            return sorted(rows, key=lambda row: str(row["dimensions"][group_by.index(name)]), reverse=descending)
        return rows

    return sort_rows


def _select_fields(page: dict[str, Any], names: Sequence[str] | None) -> dict[str, Any]:
    for index, name in enumerate(names or ()):
        if name not in page:
            raise invalid(f"{name!r} is not a field of a metric-aggregate.", pointer=f"{_AT}return_fields/{index}")
    return {name: value for name, value in page.items() if not names or name in names}


def _page_size(attributes: Mapping[str, Any]) -> int:
    size: int = DEFAULT_PAGE_SIZE if attributes.get("page_size") is None else attributes["page_size"]
    if size < 1:
        raise invalid("'page_size' must be at least 1.", pointer=f"{_AT}page_size")
    return size


def _query_checksum(attributes: Mapping[str, Any]) -> int:
    """A checksum of the query without its page, by which a cursor of another query is recognised."""
    query = {name: value for name, value in attributes.items() if name not in ("page_cursor", "page_size")}
    return crc32(json.dumps(query, sort_keys=True).encode())


def _cursor(attributes: Mapping[str, Any], offset: int) -> str:
    text = json.dumps([offset, _query_checksum(attributes)])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _offset(attributes: Mapping[str, Any]) -> int:
    cursor = attributes.get("page_cursor")
    if not cursor:
        return 0
    try:
        offset, checksum = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if checksum != _query_checksum(attributes) or not isinstance(offset, int):
            raise ValueError(cursor)
    except (ValueError, TypeError):
        raise invalid("Invalid cursor provided.", pointer=f"{_AT}page_cursor") from None
    return offset
