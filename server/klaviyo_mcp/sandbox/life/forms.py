"""Sign-up forms with their versions, and who saw, closed and submitted them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from klaviyo_mcp.sandbox.life.world import World
from klaviyo_mcp.sandbox.state.store import Record

_FORMS = (
    ("Newsletter Popup", "live", "popup", ("Plain", "With picture")),
    ("Footer Sign-up", "live", "embed", ("Footer",)),
    ("SMS Flyout", "live", "flyout", ("Ten per cent",)),
    ("Winter Competition", "draft", "full_page", ("Draft",)),
    ("Repair Week Banner", "draft", "banner", ("Thin",)),
)
_SHOWN = ("Newsletter Popup", "Footer Sign-up")


def make(world: World) -> None:
    shown: list[tuple[str, str]] = []
    for number, (name, status, kind, variations) in enumerate(_FORMS):
        times = {"created_at": world.text(390 - 15 * number), "updated_at": world.text(80 - 15 * number)}
        form = world.add("form", {"name": name, "status": status, "ab_test": len(variations) > 1, **times})
        versions = [_version(world, form, kind, variation, times) for variation in variations]
        world.store.link(form, "form-versions", [version.id for version in versions])
        definitions = [_definition(world, version, name) for version in versions]
        form.attributes["definition"] = {"versions": definitions}
        if name in _SHOWN:
            shown += [(form.id, version.id) for version in versions]
    for profile in world.lively:
        _encounters(world, profile, shown)


def _version(world: World, form: Record, kind: str, variation: str, times: dict[str, str]) -> Record:
    attributes: dict[str, Any] = {"form_type": kind, "variation_name": variation, "status": form.attributes["status"]}
    if form.attributes["ab_test"]:
        attributes["ab_test"] = {"variation_name": variation}
    return world.add("form-version", attributes | times, {"form": form.id})


def _definition(world: World, version: Record, name: str) -> dict[str, Any]:
    kind = version.attributes["form_type"]
    asked = {"type": "email", "properties": {"label": "E-mail", "placeholder": "you@example.com", "required": True}}
    submit = {"type": "promotional_sms_subscription"} if name.startswith("SMS") else {
        "type": "next_step", "submit": True, "properties": {"list_id": world.lists["Newsletter"]}
    }  # fmt: skip
    button = {"type": "button", "properties": {"label": "Sign up"}, "action": submit}
    return {
        "id": int(version.id),
        "name": version.attributes["variation_name"],
        "type": "full_screen" if kind == "full_page" else kind,
        "status": version.attributes["status"],
        "ab_test": False,
        "triggers": [{"type": "delay", "properties": {"seconds": 8}}] if kind == "popup" else [],
        "steps": [{"name": "Sign up", "columns": [{"rows": [{"blocks": [asked]}, {"blocks": [button]}]}]}],
    }


def _encounters(world: World, profile: Record, shown: list[tuple[str, str]]) -> None:
    """Whoever came by a form saw and submitted one then; others see one now and again, and close it."""
    random = world.random
    held = (profile.attributes["subscriptions"].get("email") or {}).get("marketing") or {}
    if held.get("method") == "FORM" and held["consent"] == "SUBSCRIBED":
        at = datetime.fromisoformat(held["consent_timestamp"])
        if at > world.ago(364):
            told = _told(*random.choice(shown))
            names = ("Viewed Form", "Viewed Form Step", "Qualified Form", "Submitted Form Step", "Submitted Form")
            for number, name in enumerate(names):
                world.happen(name, profile, at + timedelta(seconds=4 * number), dict(told))
    since = world.since(profile)
    for _ in range(random.choices((0, 1, 2), (4, 4, 2))[0]):
        at = since + (world.now - since) * random.random()
        told = _told(*random.choice(shown))
        world.happen("Viewed Form", profile, at, dict(told))
        world.happen("Viewed Form Step", profile, at + timedelta(seconds=1), dict(told))
        if random.random() < 0.7:
            world.happen("Closed Form", profile, at + timedelta(seconds=9), dict(told))


def _told(form: str, version: str) -> dict[str, Any]:
    return {"form_id": form, "form_version_id": version, "URL": "https://shop.example.com/", "$step_name": "Sign up"}
