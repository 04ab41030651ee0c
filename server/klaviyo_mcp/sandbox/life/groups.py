"""Lists with their members, and the events of joining them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from klaviyo_mcp.sandbox.life.builder import AccountBuilder
from klaviyo_mcp.sandbox.state.store import Record
from klaviyo_mcp.sandbox.timestamps import format_timestamp

_LISTS = (
    ("Newsletter", "double_opt_in", 720, 3),
    ("SMS Club", "single_opt_in", 610, 11),
    ("App Users", "single_opt_in", 420, 25),
    ("VIP Customers", "single_opt_in", 400, 6),
    ("Trail Stories", "double_opt_in", 380, 40),
    ("Kitchen Recipes", "double_opt_in", 365, 52),
    ("Wholesale Partners", "single_opt_in", 300, 90),
    ("Summer Competition", "single_opt_in", 210, 170),
)
"""Name, opt-in process, and how many days ago the list was created and updated."""
_TRAIL_ACTIVITIES = frozenset({"hiking", "trail running", "bikepacking"})


def add_lists(builder: AccountBuilder) -> None:
    """Add the lists. Most members follow from a profile's consent and interests, some from a competition."""
    created_at: dict[str, str] = {}
    for name, opt_in_process, created, updated in _LISTS:
        created_at[name] = builder.timestamp(created)
        times = builder.created_and_updated(created, updated)
        attributes: dict[str, Any] = {"name": name, "opt_in_process": opt_in_process, **times}
        builder.lists[name] = builder.add("list", attributes).id
    for profile in builder.profiles:
        for name, at in _memberships(builder, profile):
            builder.store.join("list", builder.lists[name], profile.id, max(at, created_at[name]))


def _memberships(builder: AccountBuilder, profile: Record) -> list[tuple[str, str]]:
    """The names of a profile's lists, with the time of joining each."""
    attributes = profile.attributes
    created: str = attributes["created"]
    memberships: list[tuple[str, str]] = []
    subscriptions = attributes["subscriptions"]
    email = (subscriptions.get("email") or {}).get("marketing") or {}
    if email.get("consent") == "SUBSCRIBED":
        memberships.append(("Newsletter", created))
        activity = attributes["properties"].get("favorite_activity")
        if activity and builder.random.random() < 0.5:
            name = "Trail Stories" if activity in _TRAIL_ACTIVITIES else "Kitchen Recipes"
            memberships.append((name, created))
    for channel, name in (("sms", "SMS Club"), ("mobile_push", "App Users")):
        consent = (subscriptions.get(channel) or {}).get("marketing") or {}
        if consent.get("consent") == "SUBSCRIBED":
            memberships.append((name, consent["consent_timestamp"]))
    if attributes["properties"].get("loyalty_tier") == "gold":
        memberships.append(("VIP Customers", attributes["updated"]))
    if attributes["organization"]:
        memberships.append(("Wholesale Partners", created))
    if builder.random.random() < 0.06:
        day = builder.days_ago(170 + 35 * builder.random.random())
        if format_timestamp(day) >= created:
            memberships.append(("Summer Competition", format_timestamp(day + timedelta(minutes=7))))
    return memberships


def plan_subscriptions(builder: AccountBuilder) -> None:
    """Plan an event for each member that joined a list within the year."""
    for name, id_ in builder.lists.items():
        members = builder.store.members("list", id_)
        for profile in builder.active_profiles:
            at = datetime.fromisoformat(members[profile.id]) if profile.id in members else None
            if at is not None and at >= builder.first_activity(profile):
                builder.plan_event("Subscribed to List", profile, at, {"List": name, "$list_id": id_})
