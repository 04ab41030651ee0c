"""Campaigns, and the messages that they consist of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from klaviyo_mcp.sandbox.life.delivery import former
from klaviyo_mcp.sandbox.life.mailings import MAILINGS, SECOND_SUBJECTS, Mailing
from klaviyo_mcp.sandbox.life.plan import Message, PlannedSend
from klaviyo_mcp.sandbox.life.world import World
from klaviyo_mcp.sandbox.state.store import Record
from klaviyo_mcp.sandbox.timestamps import format_timestamp

SENDER = {"from_email": "hello@example.com", "from_label": "Fell & Hearth", "reply_to_email": "care@example.com"}
_HOURS = (9, 16, 12, 7)
_RENDER = {"shorten_links": True, "add_org_prefix": True, "add_info_link": True, "add_opt_out_language": False}
_IMAGES = {"Product Launch": "larkspur-tent", "Recipe of the Month": "sourdough", "Trail Story": "hero-ridge"}


def make(world: World) -> None:
    """A campaign for each mailing; those that were sent are planned for delivery."""
    for number, mailing in enumerate(MAILINGS):
        at = (world.ago(mailing.days)).replace(hour=_HOURS[number % 4], minute=0)
        campaign = _campaign(world, mailing, number, format_timestamp(at))
        subjects = [mailing.words, *([SECOND_SUBJECTS[mailing.name]] if mailing.name in SECOND_SUBJECTS else [])]
        messages = [_message(world, mailing, campaign, subject, place) for place, subject in enumerate(subjects)]
        world.store.link(campaign, "campaign-messages", [message.id for message in messages])
        world.campaigns[mailing.name] = campaign.id
        if mailing.status == "Sent":
            for profile in _recipients(world, mailing, format_timestamp(at)):
                message = world.random.choice(messages)
                pause = timedelta(seconds=world.random.randrange(20, 900))
                world.sendings.append(PlannedSend(at + pause, profile, message))


def _group(world: World, name: str) -> tuple[str, str]:
    return ("list", world.lists[name]) if name in world.lists else ("segment", world.segments[name])


def _recipients(world: World, mailing: Mailing, at: str) -> list[Record]:
    """Who was in the audience at that time, with those who have left the channel since."""
    kind, id_ = _group(world, mailing.to)
    members = world.store.members(kind, id_)
    without = world.store.members(*_group(world, mailing.but)) if mailing.but else {}
    found = []
    for profile in world.lively:
        joined = members.get(profile.id) or former(profile, mailing.to)
        if joined is not None and joined < at and profile.id not in without:
            found.append(profile)
    return found


def _campaign(world: World, mailing: Mailing, number: int, at: str) -> Record:
    dated = mailing.status in ("Sent", "Scheduled")
    updated = world.text(max(mailing.days, 0.4))
    attributes: dict[str, Any] = {
        "name": mailing.name,
        "status": mailing.status,
        "archived": mailing.name == "Wrong Link Reminder",
        "audiences": {
            "included": [_group(world, mailing.to)[1]],
            "excluded": [_group(world, mailing.but)[1]] if mailing.but else [],
        },
        "send_options": {"use_smart_sending": number % 3 != 0},
        "tracking_options": _tracking(mailing, number),
        "send_strategy": _strategy(mailing, number, at),
        "created_at": world.text(mailing.days + 6 if mailing.days > 0 else 2 + number % 3),
        "scheduled_at": world.text(max(mailing.days + 1, 0.5)) if dated else None,
        "updated_at": at if mailing.status == "Sent" else updated,
        "send_time": at if dated else None,
    }
    return world.add("campaign", attributes)


def _strategy(mailing: Mailing, number: int, at: str) -> dict[str, Any]:
    if mailing.name in SECOND_SUBJECTS:
        return {"method": "ab_test_campaign"}
    if mailing.status == "Scheduled" or number % 3 == 1:
        return {"method": "static", "datetime": at, "options": {"is_local": False}}
    if number % 11 == 5:
        return {"method": "throttled", "datetime": at, "throttle_percentage": 25}
    if number % 11 == 8:
        return {"method": "smart_send_time", "date": at[:10]}
    return {"method": "immediate"}


def _tracking(mailing: Mailing, number: int) -> dict[str, Any] | None:
    if mailing.channel == "mobile_push":
        return None
    tags = [{"type": "dynamic", "name": "utm_campaign", "value": "campaign_name"}] if number % 5 == 0 else []
    links: dict[str, Any] = {"add_tracking_params": bool(tags), "custom_tracking_params": tags}
    return links if mailing.channel == "sms" else {**links, "is_tracking_opens": True, "is_tracking_clicks": True}


def _message(world: World, mailing: Mailing, campaign: Record, words: str, place: int) -> Message:
    label = mailing.name if place == 0 else f"{mailing.name} (variation {place + 1})"
    attributes: dict[str, Any] = {"channel": mailing.channel, "label": label, "send_times": []}
    if campaign.attributes["send_time"]:
        attributes["send_times"] = [{"datetime": campaign.attributes["send_time"], "is_local": False}]
    if mailing.channel == "email":
        content = {"subject": words, "preview_text": f"{mailing.name} from Fell & Hearth", **SENDER}
        attributes |= {"definition": {"channel": "email", "label": label, "content": content}, "content": content}
    elif mailing.channel == "sms":
        attributes |= {"definition": {"channel": "sms", "content": {"body": words}, "render_options": dict(_RENDER)}}
        attributes |= {"content": {"body": words}, "render_options": dict(_RENDER)}
    else:
        attributes |= {"definition": _push(mailing.name, words), "content": {"body": words}}
    attributes |= {name: campaign.attributes[name] for name in ("created_at", "updated_at")}
    links = {
        "campaign": campaign.id,
        "template": world.templates[mailing.template] if mailing.template else None,
        "image": world.images[_IMAGES[mailing.template]] if mailing.template in _IMAGES else None,
    }
    record = world.add("campaign-message", attributes, {**links})
    return Message(record.id, mailing.name, words, mailing.channel, variation=len(label) > len(mailing.name))


def _push(name: str, words: str) -> dict[str, Any]:
    return {
        "channel": "mobile_push",
        "notification_type": "standard",
        "content": {"title": name.removeprefix("App: "), "body": words},
        "options": {"on_open": {"type": "open_app"}, "badge": {"display": False}, "play_sound": True},
        "kv_pairs": {},
    }
