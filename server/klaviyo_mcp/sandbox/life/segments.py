"""Segments: rules, and exactly those profiles that a rule holds for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from klaviyo_mcp.sandbox.life.world import World
from klaviyo_mcp.sandbox.state.store import Record

Rule = Callable[[Record], str | None]
"""Since when a profile has belonged, or None when it does not."""

_ALL_TIME = {"type": "date", "operator": "alltime"}
_LAPSED = 180


def make(world: World) -> None:
    """Six segments, defined; who belongs to them is known once there are events (`fill`)."""
    subscribed = {"status": {"subscription": "subscribed", "filters": None}, "channel": "email"}
    consent = {
        "type": "profile-marketing-consent",
        "consent": {"can_receive_marketing": True, "consent_status": subscribed["status"], "channel": "email"},
    }
    definitions: tuple[tuple[str, dict[str, Any], bool], ...] = (
        ("Subscribers in Germany", _all(consent, _property("location['country']", "Germany")), False),
        ("Gold Tier", _all(_property("properties['loyalty_tier']", "gold")), True),
        ("Reachable by SMS", _all({"type": "profile-group-membership", "is_member": True,
                                   "group_ids": [world.lists["SMS Club"]]}), False),
        ("Repeat Customers", _all(_metric(world, "Placed Order", "greater-than-or-equal", 2)), True),
        ("Lapsed Customers", _all(_metric(world, "Placed Order", "greater-than-or-equal", 1),
                                  _metric(world, "Placed Order", "equals", 0, days=_LAPSED)), False),
        ("Engaged in 30 Days", _all(_metric(world, "Opened Email", "greater-than-or-equal", 1, days=30)), False),
    )  # fmt: skip
    for number, (name, definition, starred) in enumerate(definitions):
        attributes = {"name": name, "definition": definition, "is_active": True, "is_processing": False}
        times = world.times(350 - 45 * number, 20 + 9 * number)
        world.segments[name] = world.add("segment", {**attributes, "is_starred": starred, **times}).id
    for name, rule in _early(world).items():
        _join(world, name, rule)


def fill(world: World) -> None:
    """Put into the segments that ask for events whoever has them."""
    orders, opens = _times(world, "Placed Order"), _times(world, "Opened Email")
    lapsed, month = world.text(_LAPSED), world.text(30)

    def repeat(profile: Record) -> str | None:
        return orders[profile.id][1] if len(orders.get(profile.id, ())) > 1 else None

    def lapse(profile: Record) -> str | None:
        times = orders.get(profile.id)
        return max(times[-1], lapsed) if times and times[-1] < lapsed else None

    def engaged(profile: Record) -> str | None:
        return next((at for at in opens.get(profile.id, ()) if at >= month), None)

    for name, rule in (("Repeat Customers", repeat), ("Lapsed Customers", lapse), ("Engaged in 30 Days", engaged)):
        _join(world, name, rule)


def _early(world: World) -> dict[str, Rule]:
    club = world.store.members("list", world.lists["SMS Club"])

    def german(profile: Record) -> str | None:
        held = (profile.attributes["subscriptions"].get("email") or {}).get("marketing") or {}
        may = held.get("consent") == "SUBSCRIBED" and held["can_receive_email_marketing"]
        return held["consent_timestamp"] if may and profile.attributes["location"]["country"] == "Germany" else None

    def gold(profile: Record) -> str | None:
        is_gold = profile.attributes["properties"].get("loyalty_tier") == "gold"
        return profile.attributes["updated"] if is_gold else None

    return {"Subscribers in Germany": german, "Gold Tier": gold, "Reachable by SMS": lambda one: club.get(one.id)}


def _join(world: World, name: str, rule: Rule) -> None:
    segment = world.store.get("segment", world.segments[name])
    if segment is None:
        return
    created: str = segment.attributes["created"]
    for profile in world.profiles:
        at = rule(profile)
        if at is not None:
            world.store.join("segment", segment.id, profile.id, max(at, created))


def _times(world: World, metric: str) -> dict[str, list[str]]:
    """When each profile had events of a metric, oldest first."""
    id_ = world.metrics[metric]
    found: dict[str, list[str]] = {}
    for event in world.store.all("event"):
        if event.links["metric"] == id_:
            found.setdefault(str(event.links["profile"]), []).append(event.attributes["datetime"])
    return found


def _all(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {"condition_groups": [{"conditions": [condition]} for condition in conditions]}


def _property(name: str, value: str) -> dict[str, Any]:
    equals = {"type": "string", "operator": "equals", "value": value}
    return {"type": "profile-property", "property": name, "filter": equals}


def _metric(world: World, name: str, operator: str, value: int, *, days: int | None = None) -> dict[str, Any]:
    lately = {"type": "date", "operator": "in-the-last", "unit": "day", "quantity": days}
    return {
        "type": "profile-metric",
        "metric_id": world.metrics[name],
        "measurement": "count",
        "measurement_filter": {"type": "numeric", "operator": operator, "value": value},
        "timeframe_filter": _ALL_TIME if days is None else lately,
        "metric_filters": None,
    }
