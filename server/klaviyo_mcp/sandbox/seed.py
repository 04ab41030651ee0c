"""Fills a store with a year of plausible life, the same for the same seed and day."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from klaviyo_mcp.sandbox.life import (
    account,
    arrivals,
    campaigns,
    content,
    coupons,
    delivery,
    events,
    flows,
    forms,
    groups,
    metrics,
    people,
    reviews,
    segments,
    shop,
    tags,
    visits,
)
from klaviyo_mcp.sandbox.life.world import World
from klaviyo_mcp.sandbox.state.store import Store


def populate(store: Store, *, profiles: int = 250, seed: int = 2026, now: datetime | None = None) -> None:
    """Write the invented shop into an empty store.

    Everything is dated relative to `now` (today's midnight UTC unless given), so that questions about the last 30 days
    have answers. `profiles` may go to 100,000: lists and segments grow with it, events stay bounded.
    """
    store.random.seed(seed)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    world = World(store, random.Random(seed), now or midnight)
    metrics.make(world)
    account.make(world)
    shop.make(world)
    people.make(world, profiles)
    groups.make(world)
    content.make(world)
    segments.make(world)
    arrivals.make(world)
    forms.make(world)
    visits.make(world)
    campaigns.make(world)
    flows.make(world)
    delivery.make(world)
    events.make(world)
    metrics.describe(world)
    segments.fill(world)
    reviews.make(world)
    coupons.make(world)
    tags.make(world)
