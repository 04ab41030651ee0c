"""The planned events, stored in order of time, with attributions and the values that profiles derive from them."""

from __future__ import annotations

import uuid
from collections import defaultdict
from datetime import timedelta
from typing import Any

from klaviyo_mcp.sandbox.life.builder import AccountBuilder
from klaviyo_mcp.sandbox.life.plan import PlannedEvent
from klaviyo_mcp.sandbox.state.store import Links, Record
from klaviyo_mcp.sandbox.timestamps import format_timestamp


def store_events(builder: AccountBuilder) -> None:
    """Store every planned event up to now; an order that a message led to gets its attribution."""
    events = sorted((event for event in builder.events if event.at <= builder.now), key=lambda event: event.at)
    last_event_dates: dict[str, str] = {}
    for event in events:
        last_event_dates[event.profile] = _store_event(builder, event)
    for id_, at in last_event_dates.items():
        profile = builder.store.get("profile", id_)
        if profile is not None:
            profile.attributes["last_event_date"] = at
    _add_predictions(builder, events)


def _store_event(builder: AccountBuilder, event: PlannedEvent) -> str:
    """Store an event and return its time as Klaviyo writes it."""
    event_uuid = str(uuid.UUID(int=builder.random.getrandbits(128), version=4))
    event.properties.setdefault("$event_id", event_uuid)
    at = format_timestamp(event.at)
    attributes: dict[str, Any] = {
        "timestamp": int(event.at.timestamp()),
        "datetime": at,
        "event_properties": event.properties,
        "uuid": event_uuid,
    }
    event.id = builder.store.new_id("event")
    attributions: list[str] = []
    links: Links = {
        "metric": builder.metrics[event.metric],
        "profile": event.profile,
        "attributions": attributions,
    }
    if event.credit is not None and event.credit.id:
        attributions.append(_add_attribution(builder, event, event.credit))
    builder.add("event", attributes, links, event.id)
    return at


def _add_attribution(builder: AccountBuilder, order: PlannedEvent, credit: PlannedEvent) -> str:
    """Link an order to the message event that it is credited to, and to that message's campaign or flow."""
    message_id = credit.properties["$message"]
    links: Links = {"event": order.id, "attributed-event": credit.id}
    if flow := credit.properties.get("$flow"):
        links |= {"flow": flow, "flow-message": message_id}
    else:
        message = builder.store.get("campaign-message", message_id)
        links |= {"campaign": message.links["campaign"] if message else None, "campaign-message": message_id}
    return builder.add("attribution", {}, links).id


def _add_predictions(builder: AccountBuilder, events: list[PlannedEvent]) -> None:
    orders: dict[str, list[PlannedEvent]] = defaultdict(list)
    for event in events:
        if event.metric == "Placed Order":
            orders[event.profile].append(event)
    for id_, placed in orders.items():
        profile = builder.store.get("profile", id_)
        if profile is not None:
            profile.attributes["predictive_analytics"] = _predictive_analytics(builder, profile, placed)


def _predictive_analytics(builder: AccountBuilder, profile: Record, orders: list[PlannedEvent]) -> dict[str, Any]:
    """Predict a customer's future from how often, how much and how long ago it ordered."""
    count = len(orders)
    spent = round(sum(order.properties["$value"] for order in orders), 2)
    days_between = (orders[-1].at - orders[0].at).days / (count - 1) if count > 1 else None
    days_since = (builder.now - orders[-1].at).days
    predicted_orders = round(count * max(0.1, 1 - days_since / 400), 2)
    predicted_value = round(predicted_orders * spent / count, 2)
    next_order = orders[-1].at + timedelta(days=days_between) if days_between else None
    return {
        "historic_clv": spent,
        "predicted_clv": predicted_value,
        "total_clv": round(spent + predicted_value, 2),
        "historic_number_of_orders": count,
        "predicted_number_of_orders": predicted_orders,
        "average_days_between_orders": days_between,
        "average_order_value": round(spent / count, 2),
        "churn_probability": round(min(0.98, 0.05 + days_since / 380), 2),
        "expected_date_of_next_order": format_timestamp(next_order) if next_order else None,
        "ranked_channel_affinity": ["email", "sms"] if profile.attributes["phone_number"] else ["email"],
    }
