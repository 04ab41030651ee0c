"""Lists, and who is on them since when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from klaviyo_mcp.sandbox.life.world import World
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
_TRAIL = frozenset({"hiking", "trail running", "bikepacking"})


def make(world: World) -> None:
    """Eight lists: most follow from what a profile agreed to or likes, one from a competition of a few weeks."""
    founded: dict[str, str] = {}
    for name, process, created, updated in _LISTS:
        founded[name] = world.text(created)
        attributes: dict[str, Any] = {"name": name, "opt_in_process": process, **world.times(created, updated)}
        world.lists[name] = world.add("list", attributes).id
    for profile in world.profiles:
        for name, at in _joined(world, profile):
            world.store.join("list", world.lists[name], profile.id, max(at, founded[name]))


def _joined(world: World, profile: Record) -> list[tuple[str, str]]:
    held = profile.attributes
    created: str = held["created"]
    found: list[tuple[str, str]] = []
    subscriptions = held["subscriptions"]
    email = (subscriptions.get("email") or {}).get("marketing") or {}
    if email.get("consent") == "SUBSCRIBED":
        found.append(("Newsletter", created))
        activity = held["properties"].get("favorite_activity")
        if activity and world.random.random() < 0.5:
            found.append(("Trail Stories" if activity in _TRAIL else "Kitchen Recipes", created))
    for channel, name in (("sms", "SMS Club"), ("mobile_push", "App Users")):
        consent = (subscriptions.get(channel) or {}).get("marketing") or {}
        if consent.get("consent") == "SUBSCRIBED":
            found.append((name, consent["consent_timestamp"]))
    if held["properties"].get("loyalty_tier") == "gold":
        found.append(("VIP Customers", held["updated"]))
    if held["organization"]:
        found.append(("Wholesale Partners", created))
    if world.random.random() < 0.06:
        day = world.ago(170 + 35 * world.random.random())
        if format_timestamp(day) < created:
            return found
        found.append(("Summer Competition", format_timestamp(day + timedelta(minutes=7))))
    return found
