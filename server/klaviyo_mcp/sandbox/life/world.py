"""What the areas of life share: the store, the dice, the calendar, and what the areas before made."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from klaviyo_mcp.sandbox.life.plan import PlannedEvent, PlannedSend
from klaviyo_mcp.sandbox.state.store import Links, Record, Store
from klaviyo_mcp.sandbox.timestamps import format_timestamp

YEAR = 365.0
"""How many days back the shop's messages and events go."""

LIVELY = 400
"""Of a large store, only the first so many profiles have events, so that events stay under 20,000 in all."""


@dataclass
class World:
    """A store in the making. The mappings lead from names to ids."""

    store: Store
    random: random.Random
    now: datetime
    profiles: list[Record] = field(default_factory=list)
    lists: dict[str, str] = field(default_factory=dict)
    segments: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, str] = field(default_factory=dict)
    templates: dict[str, str] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    campaigns: dict[str, str] = field(default_factory=dict)
    flows: dict[str, str] = field(default_factory=dict)
    sendings: list[PlannedSend] = field(default_factory=list)
    happenings: list[PlannedEvent] = field(default_factory=list)

    @property
    def lively(self) -> Sequence[Record]:
        """The profiles that have events."""
        return self.profiles[:LIVELY]

    def add(
        self, type_: str, attributes: Mapping[str, Any], links: Links | None = None, id_: str | None = None
    ) -> Record:
        """Store a record, under a new id unless one is given."""
        return self.store.add(Record(type_, id_ or self.store.new_id(type_), dict(attributes), links or {}))

    def ago(self, days: float) -> datetime:
        """So many days before now."""
        return self.now - timedelta(days=days)

    def text(self, days: float) -> str:
        """So many days before now, as Klaviyo writes a time."""
        return format_timestamp(self.ago(days))

    def since(self, profile: Record) -> datetime:
        """When a profile's events begin: a year ago, or when it was created if that is later."""
        created: datetime = datetime.fromisoformat(profile.attributes["created"])
        return max(created, self.ago(YEAR))

    def times(self, created: float, updated: float) -> dict[str, str]:
        """The attributes `created` and `updated`, given in days before now."""
        return {"created": self.text(created), "updated": self.text(updated)}

    def happen(
        self,
        metric: str,
        profile: Record,
        at: datetime,
        properties: dict[str, Any],
        credit: PlannedEvent | None = None,
    ) -> PlannedEvent:
        """Note an event of a profile, to be stored in the order of time."""
        happening = PlannedEvent(at, metric, profile.id, properties, credit)
        self.happenings.append(happening)
        return happening
