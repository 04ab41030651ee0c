"""How profiles came: imports that are done, suppressions, devices, and subscriptions to lists."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from klaviyo_mcp.sandbox.life.world import World

_IMPORTS = (
    (300, "Wholesale Partners", 14, (("not-an-address", "Invalid email address"),)),
    (170, "Summer Competition", 60, (("+1555", "Invalid phone number"), ("a@@example.com", "Invalid email address"))),
    (21, "Newsletter", 25, ()),
)  # fmt: skip
_PHONES = (("ios", "Apple", "iPhone 15", "17.5"), ("android", "Google", "Pixel 8", "14"))


def make(world: World) -> None:
    for days, name, count, faults in _IMPORTS:
        _import(world, days, name, count, faults)
    done = {"status": "complete", "created_at": world.text(120), "completed_at": world.text(119.99)}
    counts = {"total_count": 6, "completed_count": 6, "skipped_count": 0}
    world.add("profile-suppression-bulk-create-job", {**done, **counts}, {"lists": [], "segments": []})
    _devices(world)
    _subscriptions(world)


def _import(world: World, days: float, name: str, count: int, faults: tuple[tuple[str, str], ...]) -> None:
    """A finished job: the profiles of its list, and an error for each row that could not be read."""
    members = list(world.store.members("list", world.lists[name]))[:count]
    errors = []
    for number, (given, title) in enumerate(faults):
        field = "email" if "mail" in title else "phone_number"
        pointer = f"/data/attributes/profiles/data/{number * 7 + 3}/attributes/{field}"
        attributes: dict[str, Any] = {"code": "invalid", "title": title, "detail": f"{title}: {given}"}
        attributes |= {"source": {"pointer": pointer}, "original_payload": {field: given, "first_name": "Sam"}}
        errors.append(world.add("import-error", attributes).id)
    job = {
        "status": "complete",
        "created_at": world.text(days),
        "started_at": world.text(days - 0.001),
        "completed_at": world.text(days - 0.004),
        "expires_at": world.text(days - 7),
        "total_count": len(members) + len(errors),
        "completed_count": len(members),
        "failed_count": len(errors),
    }
    links = {"lists": [world.lists[name]], "profiles": members, "import-errors": errors}
    world.add("profile-bulk-import-job", job, {**links})


def _devices(world: World) -> None:
    for profile in world.lively:
        push = (profile.attributes["subscriptions"].get("mobile_push") or {}).get("marketing")
        if push is None:
            continue
        platform, maker, model, version = world.random.choice(_PHONES)
        metadata = {
            "device_id": f"{world.random.getrandbits(64):016x}",
            "klaviyo_sdk": "swift" if platform == "ios" else "android",
            "sdk_version": "4.1.0",
            "device_model": model,
            "os_name": platform,
            "os_version": version,
            "manufacturer": maker,
            "app_name": "Fell & Hearth",
            "app_version": "2.7.1",
            "app_build": "271",
            "app_id": "com.example.fellandhearth",
            "environment": "release",
        }
        attributes = {
            "created": push["consent_timestamp"],
            "token": f"{world.random.getrandbits(160):040x}",
            "enablement_status": "AUTHORIZED" if push["can_receive_push_marketing"] else "DENIED",
            "platform": platform,
            "vendor": "apns" if platform == "ios" else "fcm",
            "background": "AVAILABLE",
            "recorded_date": push["consent_timestamp"],
            "metadata": metadata,
        }
        world.add("push-token", attributes, {"profile": profile.id})


def _subscriptions(world: World) -> None:
    """Joining a list within the year is an event."""
    for name, id_ in world.lists.items():
        members = world.store.members("list", id_)
        for profile in world.lively:
            at = datetime.fromisoformat(members[profile.id]) if profile.id in members else None
            if at is not None and at >= world.since(profile):
                world.happen("Subscribed to List", profile, at, {"List": name, "$list_id": id_})
