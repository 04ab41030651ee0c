"""Sign-up forms with their versions, and the events of profiles that viewed, closed and submitted them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from klaviyo_mcp.sandbox.life.builder import DAYS_OF_ACTIVITY, AccountBuilder, marketing_subscription
from klaviyo_mcp.sandbox.state.store import Record

_FORMS = (
    ("Newsletter Popup", "live", "popup", ("Plain", "With picture")),
    ("Footer Sign-up", "live", "embed", ("Footer",)),
    ("SMS Flyout", "live", "flyout", ("Ten per cent",)),
    ("Winter Competition", "draft", "full_page", ("Draft",)),
    ("Repair Week Banner", "draft", "banner", ("Thin",)),
)
_VIEWED_FORMS = ("Newsletter Popup", "Footer Sign-up")
_SIGN_UP_METRICS = ("Viewed Form", "Viewed Form Step", "Qualified Form", "Submitted Form Step", "Submitted Form")


def add_forms(builder: AccountBuilder) -> None:
    viewed: list[tuple[str, str]] = []
    for number, (name, status, kind, variations) in enumerate(_FORMS):
        times = {
            "created_at": builder.timestamp(390 - 15 * number),
            "updated_at": builder.timestamp(80 - 15 * number),
        }
        form = builder.add("form", {"name": name, "status": status, "ab_test": len(variations) > 1, **times})
        versions = [_add_version(builder, form, kind, variation, times) for variation in variations]
        builder.store.link(form, "form-versions", [version.id for version in versions])
        definitions = [_version_definition(builder, version, name) for version in versions]
        form.attributes["definition"] = {"versions": definitions}
        if name in _VIEWED_FORMS:
            viewed += [(form.id, version.id) for version in versions]
    for profile in builder.active_profiles:
        _plan_sign_up(builder, profile, viewed)
        _plan_views(builder, profile, viewed)


def _add_version(builder: AccountBuilder, form: Record, kind: str, variation: str, times: dict[str, str]) -> Record:
    attributes: dict[str, Any] = {"form_type": kind, "variation_name": variation, "status": form.attributes["status"]}
    if form.attributes["ab_test"]:
        attributes["ab_test"] = {"variation_name": variation}
    return builder.add("form-version", attributes | times, {"form": form.id})


def _version_definition(builder: AccountBuilder, version: Record, form_name: str) -> dict[str, Any]:
    kind = version.attributes["form_type"]
    field = {"type": "email", "properties": {"label": "E-mail", "placeholder": "you@example.com", "required": True}}
    action: dict[str, Any] = {"type": "promotional_sms_subscription"}
    if not form_name.startswith("SMS"):
        action = {"type": "next_step", "submit": True, "properties": {"list_id": builder.lists["Newsletter"]}}
    button = {"type": "button", "properties": {"label": "Sign up"}, "action": action}
    return {
        "id": int(version.id),
        "name": version.attributes["variation_name"],
        "type": "full_screen" if kind == "full_page" else kind,
        "status": version.attributes["status"],
        "ab_test": False,
        "triggers": [{"type": "delay", "properties": {"seconds": 8}}] if kind == "popup" else [],
        "steps": [{"name": "Sign up", "columns": [{"rows": [{"blocks": [field]}, {"blocks": [button]}]}]}],
    }


def _plan_sign_up(builder: AccountBuilder, profile: Record, viewed: list[tuple[str, str]]) -> None:
    """Plan the submission of a form by a profile that subscribed through one within the year."""
    subscription = marketing_subscription(profile, "email")
    if subscription.get("method") != "FORM" or subscription["consent"] != "SUBSCRIBED":
        return
    at = datetime.fromisoformat(subscription["consent_timestamp"])
    if at > builder.days_ago(DAYS_OF_ACTIVITY - 1):
        properties = _form_properties(*builder.random.choice(viewed))
        for number, metric in enumerate(_SIGN_UP_METRICS):
            builder.plan_event(metric, profile, at + timedelta(seconds=4 * number), dict(properties))


def _plan_views(builder: AccountBuilder, profile: Record, viewed: list[tuple[str, str]]) -> None:
    """Plan up to two views of a form at any time, most of which end with closing it."""
    random = builder.random
    first = builder.first_activity(profile)
    for _ in range(random.choices((0, 1, 2), (4, 4, 2))[0]):
        at = first + (builder.now - first) * random.random()
        properties = _form_properties(*random.choice(viewed))
        builder.plan_event("Viewed Form", profile, at, dict(properties))
        builder.plan_event("Viewed Form Step", profile, at + timedelta(seconds=1), dict(properties))
        if random.random() < 0.7:
            builder.plan_event("Closed Form", profile, at + timedelta(seconds=9), dict(properties))


def _form_properties(form_id: str, version_id: str) -> dict[str, Any]:
    url = "https://shop.example.com/"
    return {"form_id": form_id, "form_version_id": version_id, "URL": url, "$step_name": "Sign up"}
