"""Segments: their definitions, and exactly those profiles that satisfy them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from klaviyo_mcp.sandbox.life.builder import AccountBuilder, marketing_subscription
from klaviyo_mcp.sandbox.state.store import Record

Rule = Callable[[Record], str | None]
"""Since when a profile satisfies a definition (ISO 8601), or None where it does not."""

_ALL_TIME = {"type": "date", "operator": "alltime"}
_LAPSED_DAYS = 180


def add_segments(builder: AccountBuilder) -> None:
    """Add the segments. `add_members_by_events` adds the members of those whose definitions ask for events."""
    for number, (name, definition, is_starred) in enumerate(_definitions(builder)):
        attributes = {"name": name, "definition": definition, "is_active": True, "is_processing": False}
        times = builder.created_and_updated(350 - 45 * number, 20 + 9 * number)
        builder.segments[name] = builder.add("segment", {**attributes, "is_starred": is_starred, **times}).id
    for name, rule in _rules_without_events(builder).items():
        _join(builder, name, rule)


def _definitions(builder: AccountBuilder) -> tuple[tuple[str, dict[str, Any], bool], ...]:
    """The name of each segment, its definition, and whether it is starred."""
    status = {"subscription": "subscribed", "filters": None}
    consent = {
        "type": "profile-marketing-consent",
        "consent": {"can_receive_marketing": True, "consent_status": status, "channel": "email"},
    }
    membership = {
        "type": "profile-group-membership",
        "is_member": True,
        "group_ids": [builder.lists["SMS Club"]],
    }
    at_least_once = _metric_condition(builder, "Placed Order", "greater-than-or-equal", 1)
    not_lately = _metric_condition(builder, "Placed Order", "equals", 0, days=_LAPSED_DAYS)
    opened = _metric_condition(builder, "Opened Email", "greater-than-or-equal", 1, days=30)
    repeatedly = _metric_condition(builder, "Placed Order", "greater-than-or-equal", 2)
    return (
        ("Subscribers in Germany", _all(consent, _property_condition("location['country']", "Germany")), False),
        ("Gold Tier", _all(_property_condition("properties['loyalty_tier']", "gold")), True),
        ("Reachable by SMS", _all(membership), False),
        ("Repeat Customers", _all(repeatedly), True),
        ("Lapsed Customers", _all(at_least_once, not_lately), False),
        ("Engaged in 30 Days", _all(opened), False),
    )


def add_members_by_events(builder: AccountBuilder) -> None:
    """Add the members of the segments whose definitions ask for events."""
    orders, opens = _event_times(builder, "Placed Order"), _event_times(builder, "Opened Email")
    lapsed_since, last_month = builder.timestamp(_LAPSED_DAYS), builder.timestamp(30)

    def repeat_customer(profile: Record) -> str | None:
        return orders[profile.id][1] if len(orders.get(profile.id, ())) > 1 else None

    def lapsed(profile: Record) -> str | None:
        times = orders.get(profile.id)
        return max(times[-1], lapsed_since) if times and times[-1] < lapsed_since else None

    def engaged(profile: Record) -> str | None:
        return next((at for at in opens.get(profile.id, ()) if at >= last_month), None)

    _join(builder, "Repeat Customers", repeat_customer)
    _join(builder, "Lapsed Customers", lapsed)
    _join(builder, "Engaged in 30 Days", engaged)


def _rules_without_events(builder: AccountBuilder) -> dict[str, Rule]:
    club = builder.store.members("list", builder.lists["SMS Club"])

    def german_subscriber(profile: Record) -> str | None:
        email = marketing_subscription(profile, "email")
        can_receive = email.get("consent") == "SUBSCRIBED" and email["can_receive_email_marketing"]
        is_german = profile.attributes["location"]["country"] == "Germany"
        return email["consent_timestamp"] if can_receive and is_german else None

    def gold(profile: Record) -> str | None:
        is_gold = profile.attributes["properties"].get("loyalty_tier") == "gold"
        return profile.attributes["updated"] if is_gold else None

    return {
        "Subscribers in Germany": german_subscriber,
        "Gold Tier": gold,
        "Reachable by SMS": lambda profile: club.get(profile.id),
    }


def _join(builder: AccountBuilder, name: str, rule: Rule) -> None:
    segment = builder.store.get("segment", builder.segments[name])
    if segment is None:
        return
    created: str = segment.attributes["created"]
    for profile in builder.profiles:
        at = rule(profile)
        if at is not None:
            builder.store.join("segment", segment.id, profile.id, max(at, created))


def _event_times(builder: AccountBuilder, metric: str) -> dict[str, list[str]]:
    """The times of each profile's events of a metric, oldest first."""
    times: dict[str, list[str]] = {}
    for event in builder.store.referring(builder.metrics[metric], "event", "metric"):
        times.setdefault(str(event.links["profile"]), []).append(event.attributes["datetime"])
    return times


def _all(*conditions: dict[str, Any]) -> dict[str, Any]:
    """A definition that asks for all of these conditions."""
    return {"condition_groups": [{"conditions": [condition]} for condition in conditions]}


def _property_condition(name: str, value: str) -> dict[str, Any]:
    equals = {"type": "string", "operator": "equals", "value": value}
    return {"type": "profile-property", "property": name, "filter": equals}


def _metric_condition(
    builder: AccountBuilder, name: str, operator: str, value: int, *, days: int | None = None
) -> dict[str, Any]:
    lately = {"type": "date", "operator": "in-the-last", "unit": "day", "quantity": days}
    return {
        "type": "profile-metric",
        "metric_id": builder.metrics[name],
        "measurement": "count",
        "measurement_filter": {"type": "numeric", "operator": operator, "value": value},
        "timeframe_filter": _ALL_TIME if days is None else lately,
        "metric_filters": None,
    }
