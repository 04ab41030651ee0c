"""Counts and sums of a metric's events over time and by dimension: Klaviyo's metric aggregates.

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

from klaviyo_mcp.sandbox.errors import KlaviyoError, invalid, not_found
from klaviyo_mcp.sandbox.filters import Comparison, matches, parse_filter
from klaviyo_mcp.sandbox.reporting.dimensions import SPACED, Dimensions
from klaviyo_mcp.sandbox.reporting.periods import Buckets, Span, zone_of
from klaviyo_mcp.sandbox.state.store import Record, Store

PAGE_SIZE = 500
LONGEST = timedelta(days=366)
_AT = "/data/attributes/"
_OPERATORS = frozenset({"equals", "any", "contains"})
_ENDS = ("greater-or-equal", "less-than")
_OFFSET = re.compile(r"datetime\s*,[^)]*T[^)]*(Z|[+-]\d\d:?\d\d)\s*\)", re.IGNORECASE)
_SPACED = re.compile(rf'^(\s*[a-z-]+\(\s*)"?({"|".join(SPACED)})"?(\s*,)')


def answer(store: Store, attributes: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The attributes of a metric-aggregate. Raises KlaviyoError (400, 404)."""
    return page(store, attributes)[0]


def page(store: Store, attributes: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """The attributes of a metric-aggregate, and the `page_cursor` of the rows that come next."""
    metric_id = attributes["metric_id"]
    if store.get("metric", metric_id) is None:
        raise not_found("metric", metric_id, f"{_AT}metric_id")
    measurements: list[str] = list(dict.fromkeys(attributes["measurements"]))
    if not measurements:
        raise invalid("At least one measurement is required.", pointer=f"{_AT}measurements")
    by: list[str] = list(dict.fromkeys(attributes.get("by") or ()))
    zone = zone_of(attributes.get("timezone") or "UTC", f"{_AT}timezone")
    span, conditions = _conditions(attributes["filter"], zone)
    buckets = Buckets(span, attributes.get("interval") or "day")
    ordered = _order(attributes.get("sort"), measurements, by)
    offset, size = _offset(attributes), _size(attributes)
    events = (store.get("event", id_) for id_ in store.referring_ids(metric_id, "event").get("metric", ()))
    groups = _grouped(Dimensions(store), (event for event in events if event is not None), buckets, conditions, by)
    rows = ordered([_row(group, measurements) for group in groups.values()])
    told = {"dates": buckets.labels(), "data": rows[offset : offset + size]}
    following = _cursor(attributes, offset + size) if len(rows) > offset + size else None
    return _chosen(told, attributes.get("return_fields")), following


@dataclass
class _Group:
    """What one combination of dimensions adds up to, bucket by bucket."""

    dimensions: tuple[str, ...]
    count: list[int]
    sum_value: list[float]
    people: dict[int, set[str]] = field(default_factory=dict)


def _grouped(
    dimensions: Dimensions, events: Iterable[Record], buckets: Buckets, conditions: Sequence[Comparison], by: list[str]
) -> dict[tuple[str, ...], _Group]:
    width = len(buckets)
    groups: dict[tuple[str, ...], _Group] = {}
    if not by:
        groups[()] = _Group((), [0] * width, [0.0] * width)
    for event in events:
        timestamp = event.attributes["timestamp"]
        if not buckets.span.holds(timestamp):
            continue
        if not all(matches(one, dimensions.value(event, one.field)) for one in conditions):
            continue
        key = tuple(dimensions.value(event, name) for name in by)
        group = groups.get(key)
        if group is None:
            group = groups[key] = _Group(key, [0] * width, [0.0] * width)
        at = buckets.index(timestamp)
        group.count[at] += 1
        group.sum_value[at] += dimensions.worth(event)
        group.people.setdefault(at, set()).add(str(event.links.get("profile")))
    return groups


def _row(group: _Group, measurements: Sequence[str]) -> dict[str, Any]:
    told: dict[str, list[Any]] = {
        "count": group.count,
        "sum_value": [round(value, 2) for value in group.sum_value],
        "unique": [len(group.people.get(at, ())) for at in range(len(group.count))],
    }
    return {"dimensions": list(group.dimensions), "measurements": {name: told[name] for name in measurements}}


def _conditions(texts: Sequence[str], zone: ZoneInfo) -> tuple[Span, list[Comparison]]:
    """The span of time and the other conditions. Times without an offset are the zone's."""
    ends: dict[str, float] = {}
    others = []
    for number, text in enumerate(texts):
        pointer = f"{_AT}filter/{number}"
        for one in parse_filter(_joined(text), pointer=pointer):
            name = one.field.replace("\0", " ")
            if name == "datetime":
                ends[_end(one, pointer)] = _timestamp(one, text, zone, pointer)
            else:
                others.append(_condition(one, name, pointer))
    if set(ends) != set(_ENDS):
        raise _refused("A time range is required: greater-or-equal and less-than of datetime.", f"{_AT}filter")
    span = Span(ends[_ENDS[0]], ends[_ENDS[1]], zone)
    if span.start >= span.end:
        raise _refused("The start of the time range must be before its end.", f"{_AT}filter")
    if span.length > LONGEST:
        raise _refused("The time range may not be longer than one year.", f"{_AT}filter")
    return span, others


def _joined(text: str) -> str:
    """Fields of several words as one, which is what the grammar knows."""
    return _SPACED.sub(lambda found: found[1] + found[2].replace(" ", "\0") + found[3], text)


def _end(one: Comparison, pointer: str) -> str:
    if one.operator not in _ENDS:
        raise _refused(f"{one.operator!r} is not allowed for 'datetime'; allowed: {', '.join(_ENDS)}.", pointer)
    return one.operator


def _timestamp(one: Comparison, text: str, zone: ZoneInfo, pointer: str) -> float:
    if not isinstance(one.value, datetime):
        raise _refused("The value of 'datetime' must be an ISO 8601 time.", pointer)
    moment = one.value if _OFFSET.search(text) else one.value.replace(tzinfo=zone)
    return moment.timestamp()


def _condition(one: Comparison, name: str, pointer: str) -> Comparison:
    if name not in Dimensions.NAMES:
        raise _refused(f"{name!r} is not a filterable field.", pointer)
    if one.operator not in _OPERATORS:
        raise _refused(f"{one.operator!r} is not allowed for {name!r}; allowed: any, contains, equals.", pointer)
    if isinstance(one.value, list) != (one.operator == "any"):
        raise _refused(f"{one.operator!r} takes {'a list' if one.operator == 'any' else 'a single value'}.", pointer)
    value: Any = [str(item) for item in one.value] if isinstance(one.value, list) else _text(one.value)
    return Comparison(one.operator, name, value)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _refused(detail: str, pointer: str) -> KlaviyoError:
    return KlaviyoError(400, "invalid_filter", "Invalid input.", f"Invalid filter provided: {detail}", pointer)


Rows = list[dict[str, Any]]


def _order(sort: str | None, measurements: Sequence[str], by: Sequence[str]) -> Callable[[Rows], Rows]:
    name = (sort or "").removeprefix("-")
    if name and name not in measurements and name not in by:
        detail = f"{name!r} must be one of the measurements, or of the dimensions in 'by'."
        raise invalid(detail, pointer=f"{_AT}sort")
    down = (sort or "").startswith("-")

    def ordered(rows: Rows) -> Rows:
        rows = sorted(rows, key=lambda row: list(row["dimensions"]))
        if name in measurements:
            return sorted(rows, key=lambda row: sum(row["measurements"][name]), reverse=down)
        return sorted(rows, key=lambda row: str(row["dimensions"][by.index(name)]), reverse=down) if name else rows

    return ordered


def _chosen(told: dict[str, Any], names: Sequence[str] | None) -> dict[str, Any]:
    for number, name in enumerate(names or ()):
        if name not in told:
            raise invalid(f"{name!r} is not a field of a metric-aggregate.", pointer=f"{_AT}return_fields/{number}")
    return {name: value for name, value in told.items() if not names or name in names}


def _size(attributes: Mapping[str, Any]) -> int:
    size: int = PAGE_SIZE if attributes.get("page_size") is None else attributes["page_size"]
    if size < 1:
        raise invalid("'page_size' must be at least 1.", pointer=f"{_AT}page_size")
    return size


def _question(attributes: Mapping[str, Any]) -> int:
    """What a cursor belongs to: everything asked, but for how much of it at once."""
    asked = {name: value for name, value in attributes.items() if name not in ("page_cursor", "page_size")}
    return crc32(json.dumps(asked, sort_keys=True).encode())


def _cursor(attributes: Mapping[str, Any], offset: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([offset, _question(attributes)]).encode()).decode().rstrip("=")


def _offset(attributes: Mapping[str, Any]) -> int:
    cursor = attributes.get("page_cursor")
    if not cursor:
        return 0
    try:
        offset, question = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if question != _question(attributes) or not isinstance(offset, int):
            raise ValueError(cursor)
    except (ValueError, TypeError):
        raise invalid("Invalid cursor provided.", pointer=f"{_AT}page_cursor") from None
    return offset
