"""The seeded account: a year of an invented shop for the trail and the kitchen.

All of it is invented. E-mail addresses are at example.com, phone numbers in ranges that are reserved for fiction.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime

from klaviyo_mcp.sandbox.life import (
    account,
    campaigns,
    catalog,
    content,
    coupons,
    delivery,
    devices,
    events,
    flows,
    forms,
    groups,
    imports,
    metrics,
    profiles,
    reviews,
    segments,
    tags,
    visits,
)
from klaviyo_mcp.sandbox.life.builder import AccountBuilder
from klaviyo_mcp.sandbox.state.store import Store


def populate(store: Store, *, profiles: int = 250, seed: int = 2026, now: datetime | None = None) -> None:
    """Fill an empty store, in the same way for the same seed and day.

    Everything is dated relative to `now` (by default today's midnight in UTC), so that the last 30 days have events.
    `profiles` may go up to 100,000: lists and segments grow with it, events stay bounded.
    """
    store.random.seed(seed)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    builder = AccountBuilder(store, random.Random(seed), now or midnight)
    _add_records(builder, profiles)
    _add_activity(builder)
    reviews.add_reviews(builder)
    coupons.add_coupons(builder)
    tags.add_tags(builder)


def _add_records(builder: AccountBuilder, count: int) -> None:
    """Add what exists before anything happens. Each step needs ids of the steps before."""
    metrics.add_metrics(builder)
    account.add_account(builder)
    catalog.add_catalog(builder)
    profiles.add_profiles(builder, count)
    groups.add_lists(builder)
    content.add_content(builder)
    segments.add_segments(builder)
    imports.add_jobs(builder)
    devices.add_push_tokens(builder)


def _add_activity(builder: AccountBuilder) -> None:
    """Plan events and sends, deliver the sends, and store all events in order of time."""
    groups.plan_subscriptions(builder)
    forms.add_forms(builder)
    visits.plan_visits(builder)
    campaigns.add_campaigns(builder)
    flows.add_flows(builder)
    delivery.deliver_sends(builder)
    events.store_events(builder)
    metrics.add_metric_properties(builder)
    segments.add_members_by_events(builder)
