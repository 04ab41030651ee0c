"""What happened, put into the store in the order of time, with attributions and what follows for the profiles."""

from __future__ import annotations

import uuid
from collections import defaultdict
from datetime import timedelta
from typing import Any

from klaviyo_mcp.sandbox.life.plan import PlannedEvent
from klaviyo_mcp.sandbox.life.world import World
from klaviyo_mcp.sandbox.state.store import Links
from klaviyo_mcp.sandbox.timestamps import format_timestamp


def make(world: World) -> None:
    """Store every happening up to now as an event; an order that a message led to gets its attribution."""
    happenings = sorted((one for one in world.happenings if one.at <= world.now), key=lambda one: one.at)
    last: dict[str, str] = {}
    for happening in happenings:
        last[happening.profile] = _store(world, happening)
    for id_, at in last.items():
        profile = world.store.get("profile", id_)
        if profile is not None:
            profile.attributes["last_event_date"] = at
    _predict(world, happenings)


def _store(world: World, happening: PlannedEvent) -> str:
    identity = str(uuid.UUID(int=world.random.getrandbits(128), version=4))
    happening.properties.setdefault("$event_id", identity)
    at = format_timestamp(happening.at)
    attributes: dict[str, Any] = {
        "timestamp": int(happening.at.timestamp()),
        "datetime": at,
        "event_properties": happening.properties,
        "uuid": identity,
    }
    metric = world.metrics[happening.metric]
    happening.id = world.store.new_id("event")
    attributions: list[str] = []
    links: Links = {"metric": metric, "profile": happening.profile, "attributions": attributions}
    if happening.credit is not None and happening.credit.id:
        attributions.append(_attribution(world, happening, happening.credit))
    world.add("event", attributes, links, happening.id)
    return at


def _attribution(world: World, happening: PlannedEvent, credit: PlannedEvent) -> str:
    """The link from an order to the message event that it is credited to, and to that message's campaign or flow."""
    message = credit.properties["$message"]
    links: Links = {"event": happening.id, "attributed-event": credit.id}
    if flow := credit.properties.get("$flow"):
        links |= {"flow": flow, "flow-message": message}
    else:
        found = world.store.get("campaign-message", message)
        links |= {"campaign": found.links["campaign"] if found else None, "campaign-message": message}
    return world.add("attribution", {}, links).id


def _predict(world: World, happenings: list[PlannedEvent]) -> None:
    """What Klaviyo would foresee of those who bought: from how often, how much, and how long ago."""
    orders: dict[str, list[PlannedEvent]] = defaultdict(list)
    for happening in happenings:
        if happening.metric == "Placed Order":
            orders[happening.profile].append(happening)
    for id_, placed in orders.items():
        profile = world.store.get("profile", id_)
        if profile is None:
            continue
        spent = round(sum(one.properties["$value"] for one in placed), 2)
        gap = (placed[-1].at - placed[0].at).days / (len(placed) - 1) if len(placed) > 1 else None
        silence = (world.now - placed[-1].at).days
        to_come = round(len(placed) * max(0.1, 1 - silence / 400), 2)
        predicted = round(to_come * spent / len(placed), 2)
        next_order = placed[-1].at + timedelta(days=gap) if gap else None
        profile.attributes["predictive_analytics"] = {
            "historic_clv": spent,
            "predicted_clv": predicted,
            "total_clv": round(spent + predicted, 2),
            "historic_number_of_orders": len(placed),
            "predicted_number_of_orders": to_come,
            "average_days_between_orders": gap,
            "average_order_value": round(spent / len(placed), 2),
            "churn_probability": round(min(0.98, 0.05 + silence / 380), 2),
            "expected_date_of_next_order": format_timestamp(next_order) if next_order else None,
            "ranked_channel_affinity": ["email", "sms"] if profile.attributes["phone_number"] else ["email"],
        }
