"""The account while it is being seeded: store, random numbers, calendar, and the ids of what was added so far."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from klaviyo_mcp.sandbox.life.plan import PlannedEvent, PlannedSend
from klaviyo_mcp.sandbox.state.store import Links, Record, Store
from klaviyo_mcp.sandbox.timestamps import format_timestamp

DAYS_OF_ACTIVITY = 365.0
"""How many days back messages and events go."""

MAX_ACTIVE_PROFILES = 400
"""How many profiles of a large account have events, so that these stay under 20,000 in all."""


@dataclass
class AccountBuilder:
    """Adds records to a store. The mappings of ids are by name."""

    store: Store
    random: random.Random
    now: datetime
    profiles: list[Record] = field(default_factory=list)
    lists: dict[str, str] = field(default_factory=dict)
    segments: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, str] = field(default_factory=dict)
    templates: dict[str, str] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    sends: list[PlannedSend] = field(default_factory=list)
    events: list[PlannedEvent] = field(default_factory=list)

    @property
    def active_profiles(self) -> Sequence[Record]:
        """The profiles that have events."""
        return self.profiles[:MAX_ACTIVE_PROFILES]

    def add(
        self, type_: str, attributes: Mapping[str, Any], links: Mapping[str, Any] | None = None, id_: str | None = None
    ) -> Record:
        """Store a record, under a new id unless one is given."""
        own_links: Links = dict(links or {})
        return self.store.add(Record(type_, id_ or self.store.new_id(type_), dict(attributes), own_links))

    def days_ago(self, days: float) -> datetime:
        return self.now - timedelta(days=days)

    def timestamp(self, days: float) -> str:
        """The time so many days ago, as Klaviyo writes it."""
        return format_timestamp(self.days_ago(days))

    def created_and_updated(self, created: float, updated: float) -> dict[str, str]:
        """The attributes `created` and `updated`, from days ago."""
        return {"created": self.timestamp(created), "updated": self.timestamp(updated)}

    def first_activity(self, profile: Record) -> datetime:
        """When a profile's events begin: a year ago, or when the profile was created if that is later."""
        created: datetime = datetime.fromisoformat(profile.attributes["created"])
        return max(created, self.days_ago(DAYS_OF_ACTIVITY))

    def plan_event(
        self,
        metric: str,
        profile: Record,
        at: datetime,
        properties: dict[str, Any],
        credit: PlannedEvent | None = None,
    ) -> PlannedEvent:
        """Plan an event of a profile. All events are stored later, in order of time."""
        event = PlannedEvent(at, metric, profile.id, properties, credit)
        self.events.append(event)
        return event


def marketing_subscription(profile: Record, channel: str) -> dict[str, Any]:
    """A profile's marketing subscription to a channel; empty where it has none."""
    subscriptions = profile.attributes["subscriptions"]
    subscription: dict[str, Any] = (subscriptions.get(channel) or {}).get("marketing") or {}
    return subscription
