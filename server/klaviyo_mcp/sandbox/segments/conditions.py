"""The kinds of conditions of a segment: what each reads of the account. The contract has checked their shape.

Source: the schemas of `ConditionGroup` in Klaviyo's OpenAPI documents. What they leave open is written down where it is
decided here.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from klaviyo_mcp.sandbox.errors import invalid
from klaviyo_mcp.sandbox.segments.account import Account, Condition, Moment, Predicate, Stored
from klaviyo_mcp.sandbox.segments.consent import marketing_condition, permissions_condition
from klaviyo_mcp.sandbox.segments.dates import read_date_filter, read_moment
from klaviyo_mcp.sandbox.segments.places import distance_condition, region_condition
from klaviyo_mcp.sandbox.segments.values import ValueTest, read_numeric_filter, read_value_filter

ConditionReader = Callable[[Mapping[str, Any], str, Account], Condition]

_PROFILE_ATTRIBUTES = frozenset({
    "email", "phone_number", "external_id", "first_name", "last_name", "organization", "title", "locale", "image",
    "created", "updated", "last_event_date",
})  # fmt: skip
_LOCATION = frozenset({
    "address1", "address2", "city", "country", "latitude", "longitude", "region", "zip", "timezone", "ip",
})  # fmt: skip
_PROPERTY = re.compile(r"""(properties|location)\[(?:'(.+)'|"(.+)")\]""", re.DOTALL)
_PREDICTED_DATES = {"expected_date_of_next_purchase": "expected_date_of_next_order"}


def read_condition(row: Mapping[str, Any], pointer: str, account: Account) -> Condition:
    """Read a condition. Raises KlaviyoError (400) for what names no record, or what the sandbox cannot evaluate."""
    reader = _READERS.get(row["type"])
    if reader is None:
        raise invalid(f"Conditions of type {row['type']!r} are not evaluated here.", pointer=f"{pointer}/type")
    return reader(row, pointer, account)


def _property_condition(row: Mapping[str, Any], pointer: str, account: Account) -> Condition:
    read = _property_reader(row["property"], f"{pointer}/property")
    return _value_condition(read, read_value_filter(row["filter"], f"{pointer}/filter"))


def _value_condition(read: Callable[[Stored], Any], test: ValueTest) -> Condition:
    def begin(account: Account, moment: Moment) -> Predicate:
        return lambda profile: test(read(profile), moment)

    return begin


def _property_reader(name: str, pointer: str) -> Callable[[Stored], Any]:
    if name in _PROFILE_ATTRIBUTES:
        return lambda profile: profile.attributes.get(name)
    match = _PROPERTY.fullmatch(name)
    if match is None or (match[1] == "location" and (match[2] or match[3]) not in _LOCATION):
        detail = f"{name!r} is no property of profiles; a custom one is written properties['{name}']."
        raise invalid(detail, pointer=pointer)
    whole, key = match[1], match[2] or match[3]
    return lambda profile: (profile.attributes.get(whole) or {}).get(key)


def _membership_condition(row: Mapping[str, Any], pointer: str, account: Account) -> Condition:
    """A member of at least one of the groups (since a time), or of none of them."""
    group_ids, is_member = row["group_ids"], row["is_member"]
    for index, id_ in enumerate(group_ids):
        if account.get("list", id_) is None and account.get("segment", id_) is None:
            raise invalid(f"There is no list or segment with id {id_!r}.", pointer=f"{pointer}/group_ids/{index}")
    if not group_ids:
        raise invalid("At least one list or segment is needed.", pointer=f"{pointer}/group_ids")
    timeframe = row.get("timeframe_filter")
    date_test = read_date_filter(timeframe) if timeframe else None

    def begin(account: Account, moment: Moment) -> Predicate:
        groups = [account.members(type_, id_) for id_ in group_ids for type_ in ("list", "segment")]

        def is_in(members: Mapping[str, str], id_: str) -> bool:
            at = members.get(id_)
            if at is None or date_test is None:
                return at is not None
            joined = read_moment(at, moment)
            return joined is not None and date_test(joined, moment)

        return lambda profile: any(is_in(members, profile.id) for members in groups) is is_member

    return begin


def _metric_condition(row: Mapping[str, Any], pointer: str, account: Account) -> Condition:
    """How many events of a metric a profile has, or the sum of their values, among those that the filters select."""
    metric_id, is_count = row["metric_id"], row["measurement"] == "count"
    if account.get("metric", metric_id) is None:
        raise invalid(f"There is no metric with id {metric_id!r}.", pointer=f"{pointer}/metric_id")
    measure_test = read_numeric_filter(row["measurement_filter"])
    date_test = read_date_filter(row["timeframe_filter"])
    tests = []
    for index, one in enumerate(row.get("metric_filters") or ()):
        at = f"{pointer}/metric_filters/{index}"
        if one.get("filter") is None:
            raise invalid(f"A filter of {one['property']!r} is needed here.", pointer=f"{at}/filter")
        tests.append((one["property"], read_value_filter(one["filter"], f"{at}/filter")))

    def begin(account: Account, moment: Moment) -> Predicate:
        measures: dict[str, float] = defaultdict(float)
        for event in account.referring(metric_id, "event", "metric"):
            properties = event.attributes["event_properties"] or {}
            at = datetime.fromtimestamp(event.attributes["timestamp"], UTC)
            if date_test(at, moment) and all(test(properties.get(name), moment) for name, test in tests):
                measures[str(event.links.get("profile"))] += 1 if is_count else _value_of(properties)
        return lambda profile: measure_test(round(measures.get(profile.id, 0.0), 6))

    return begin


def _value_of(properties: Mapping[str, Any]) -> float:
    value = properties.get("$value")
    return float(value) if isinstance(value, (int, float)) else 0.0


def _predictive_condition(row: Mapping[str, Any], pointer: str, account: Account) -> Condition:
    """A value that Klaviyo predicts. Of channels the sandbox knows the order, not how likely each is."""
    dimension = row["dimension"]
    if dimension == "predicted_gender" or row.get("measurement") == "rank":
        detail = f"{dimension!r} is not evaluated so here: no such value is predicted."
        raise invalid(detail, pointer=f"{pointer}/dimension")
    test = read_value_filter(row["filter"], f"{pointer}/filter")
    if dimension == "channel_affinity":
        return _value_condition(lambda profile: _priority(profile, row["predicted_channel"]), test)
    name = _PREDICTED_DATES.get(dimension, dimension)
    return _value_condition(lambda profile: _predictions(profile).get(name), test)


def _predictions(profile: Stored) -> Mapping[str, Any]:
    return profile.attributes.get("predictive_analytics") or {}


def _priority(profile: Stored, channel: str) -> int | None:
    """The place of a channel in a profile's order of channels, from 1."""
    ranked = _predictions(profile).get("ranked_channel_affinity") or []
    return ranked.index(channel) + 1 if channel in ranked else None


_READERS: Mapping[str, ConditionReader] = {
    "profile-property": _property_condition,
    "profile-group-membership": _membership_condition,
    "profile-metric": _metric_condition,
    "profile-marketing-consent": marketing_condition,
    "profile-permissions": permissions_condition,
    "profile-region": region_condition,
    "profile-postal-code-distance": distance_condition,
    "profile-predictive-analytics": _predictive_condition,
}
"""The conditions that the sandbox evaluates. It has no funnels, and no condition on custom objects."""
