"""The dimensions of events: what aggregates group by and reports attribute by, and the value of an event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from klaviyo_mcp.sandbox.state.store import Record, Store, linked_ids

NAMES_WITH_SPACES = (
    "Bot Click",
    "Bounce Type",
    "Campaign Name",
    "Client Canonical",
    "Client Name",
    "Client Type",
    "Email Domain",
    "Failure Source",
    "Failure Type",
    "From Number",
    "From Phone Region",
    "Inbox Provider",
    "Message Name",
    "Message Type",
    "Segment Count",
    "To Number",
    "To Phone Region",
)

_ATTRIBUTIONS: Mapping[str, tuple[str, ...]] = {
    "$attributed_message": ("campaign-message", "flow-message"),
    "$attributed_flow": ("flow",),
    "$attributed_variation": ("flow-message-variation",),
}
"""Dimensions that come from an event's attribution, with the relationships that can hold them."""


class EventDimensions:
    """Reads the dimensions of a store's events."""

    NAMES: ClassVar[frozenset[str]] = frozenset(
        {
            *("$attributed_channel", "$attributed_flow", "$attributed_message", "$attributed_variation"),
            *("$campaign_channel", "$flow", "$flow_channel", "$message", "$message_send_cohort", "$usage_amount"),
            *("$value_currency", "$variation", "$variation_send_cohort", "List", "Method", "Subject", "URL", "form_id"),
            *NAMES_WITH_SPACES,
        }
    )

    def __init__(self, store: Store) -> None:
        self.store = store

    def value(self, event: Record, name: str) -> str:
        """A dimension of an event as text; empty where the event has none."""
        properties = event.attributes["event_properties"] or {}
        value = properties.get(name)
        if value is None:
            value = self._derived_value(event, properties, name)
        if isinstance(value, bool):
            return str(value).lower()
        return "" if value is None else str(value)

    def _derived_value(self, event: Record, properties: Mapping[str, Any], name: str) -> str | None:
        if name in _ATTRIBUTIONS:
            return self.attributed_id(event, *_ATTRIBUTIONS[name])
        if name == "$attributed_channel":
            return self.channel(self.attributed_id(event, *_ATTRIBUTIONS["$attributed_message"]))
        if name in ("$campaign_channel", "$flow_channel"):
            is_of_flow = bool(properties.get("$flow"))
            return self.channel(properties.get("$message")) if is_of_flow == (name == "$flow_channel") else None
        if name == "Email Domain":
            profile = self.store.get("profile", str(event.links.get("profile")))
            email = profile.attributes.get("email") if profile else None
            return email.rpartition("@")[2] if email and properties.get("$message") else None
        return None

    def attributed_id(self, event: Record, *relationships: str) -> str | None:
        """The id in the first of these relationships that the event's first attribution has."""
        for id_ in linked_ids(event.links.get("attributions")):
            attribution = self.store.get("attribution", id_)
            for name in relationships if attribution else ():
                if attribution and (ids := linked_ids(attribution.links.get(name))):
                    return ids[0]
        return None

    def channel(self, message_id: str | None) -> str | None:
        """The channel of a campaign's or a flow's message."""
        message = message_id and (
            self.store.get("campaign-message", message_id) or self.store.get("flow-message", message_id)
        )
        return message.attributes.get("channel") if isinstance(message, Record) else None


def event_value(event: Record) -> float:
    """The event's value in the account's currency, 0 where it has none."""
    value = (event.attributes["event_properties"] or {}).get("$value")
    return float(value) if isinstance(value, int | float) else 0.0
