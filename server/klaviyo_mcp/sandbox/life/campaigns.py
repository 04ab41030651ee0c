"""Campaigns with their messages, and the sends that they lead to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from klaviyo_mcp.sandbox.life.builder import AccountBuilder, marketing_subscription
from klaviyo_mcp.sandbox.life.campaign_table import CAMPAIGNS, SECOND_SUBJECTS, CampaignRow
from klaviyo_mcp.sandbox.life.plan import Message, PlannedSend
from klaviyo_mcp.sandbox.state.store import Record
from klaviyo_mcp.sandbox.timestamps import format_timestamp

SENDER = {"from_email": "hello@example.com", "from_label": "Fell & Hearth", "reply_to_email": "care@example.com"}
_SEND_HOURS = (9, 16, 12, 7)
_RENDER_OPTIONS = {"shorten_links": True, "add_org_prefix": True, "add_info_link": True, "add_opt_out_language": False}
_IMAGES_BY_TEMPLATE = {
    "Product Launch": "larkspur-tent",
    "Recipe of the Month": "sourdough",
    "Trail Story": "hero-ridge",
}
_CHANNELS_BY_LIST = {"Newsletter": "email", "SMS Club": "sms"}
"""Lists that a profile leaves when it unsubscribes from a channel."""


def add_campaigns(builder: AccountBuilder) -> None:
    """Add a campaign for each row of the table, and plan the sends of those that were sent."""
    for number, row in enumerate(CAMPAIGNS):
        at = builder.days_ago(row.days).replace(hour=_SEND_HOURS[number % 4], minute=0)
        campaign = _add_campaign(builder, row, number, format_timestamp(at))
        subjects = [row.text, *([SECOND_SUBJECTS[row.name]] if row.name in SECOND_SUBJECTS else [])]
        messages = [_add_message(builder, row, campaign, subject, place) for place, subject in enumerate(subjects)]
        builder.store.link(campaign, "campaign-messages", [message.id for message in messages])
        if row.status == "Sent":
            for profile in _recipients(builder, row, format_timestamp(at)):
                message = builder.random.choice(messages)
                delay = timedelta(seconds=builder.random.randrange(20, 900))
                builder.sends.append(PlannedSend(at + delay, profile, message))


def _group(builder: AccountBuilder, name: str) -> tuple[str, str]:
    """The type and id of the list or segment with this name."""
    return ("list", builder.lists[name]) if name in builder.lists else ("segment", builder.segments[name])


def _recipients(builder: AccountBuilder, row: CampaignRow, at: str) -> list[Record]:
    """The members of the audience at the time of sending, those included that have unsubscribed since."""
    members = builder.store.members(*_group(builder, row.audience))
    excluded = builder.store.members(*_group(builder, row.excluded)) if row.excluded else {}
    recipients = []
    for profile in builder.active_profiles:
        joined = members.get(profile.id) or _former_membership(profile, row.audience)
        if joined is not None and joined < at and profile.id not in excluded:
            recipients.append(profile)
    return recipients


def _former_membership(profile: Record, list_name: str) -> str | None:
    """When a profile joined a list that it has left again by unsubscribing from the list's channel."""
    subscription = marketing_subscription(profile, _CHANNELS_BY_LIST.get(list_name, ""))
    created: str = profile.attributes["created"]
    return created if subscription.get("consent") == "UNSUBSCRIBED" else None


def _add_campaign(builder: AccountBuilder, row: CampaignRow, number: int, at: str) -> Record:
    has_time = row.status in ("Sent", "Scheduled")
    updated = builder.timestamp(max(row.days, 0.4))
    attributes: dict[str, Any] = {
        "name": row.name,
        "status": row.status,
        "archived": row.name == "Wrong Link Reminder",
        "audiences": {
            "included": [_group(builder, row.audience)[1]],
            "excluded": [_group(builder, row.excluded)[1]] if row.excluded else [],
        },
        "send_options": {"use_smart_sending": number % 3 != 0},
        "tracking_options": _tracking_options(row, number),
        "send_strategy": _send_strategy(row, number, at),
        "created_at": builder.timestamp(row.days + 6 if row.days > 0 else 2 + number % 3),
        "scheduled_at": builder.timestamp(max(row.days + 1, 0.5)) if has_time else None,
        "updated_at": at if row.status == "Sent" else updated,
        "send_time": at if has_time else None,
    }
    return builder.add("campaign", attributes)


def _send_strategy(row: CampaignRow, number: int, at: str) -> dict[str, Any]:
    if row.name in SECOND_SUBJECTS:
        return {"method": "ab_test_campaign"}
    if row.status == "Scheduled" or number % 3 == 1:
        return {"method": "static", "datetime": at, "options": {"is_local": False}}
    if number % 11 == 5:
        return {"method": "throttled", "datetime": at, "throttle_percentage": 25}
    if number % 11 == 8:
        return {"method": "smart_send_time", "date": at[:10]}
    return {"method": "immediate"}


def _tracking_options(row: CampaignRow, number: int) -> dict[str, Any] | None:
    if row.channel == "mobile_push":
        return None
    parameters = [{"type": "dynamic", "name": "utm_campaign", "value": "campaign_name"}] if number % 5 == 0 else []
    options: dict[str, Any] = {"add_tracking_params": bool(parameters), "custom_tracking_params": parameters}
    return options if row.channel == "sms" else {**options, "is_tracking_opens": True, "is_tracking_clicks": True}


def _add_message(builder: AccountBuilder, row: CampaignRow, campaign: Record, text: str, place: int) -> Message:
    label = row.name if place == 0 else f"{row.name} (variation {place + 1})"
    attributes: dict[str, Any] = {"channel": row.channel, "label": label, "send_times": []}
    if campaign.attributes["send_time"]:
        attributes["send_times"] = [{"datetime": campaign.attributes["send_time"], "is_local": False}]
    attributes |= _message_content(row, label, text)
    attributes |= {name: campaign.attributes[name] for name in ("created_at", "updated_at")}
    image = _IMAGES_BY_TEMPLATE.get(row.template)
    links = {
        "campaign": campaign.id,
        "template": builder.templates[row.template] if row.template else None,
        "image": builder.images[image] if image else None,
    }
    record = builder.add("campaign-message", attributes, links)
    return Message(record.id, row.name, text, row.channel, variation=label != row.name)


def _message_content(row: CampaignRow, label: str, text: str) -> dict[str, Any]:
    """The definition of a message, and the attributes that repeat it."""
    if row.channel == "email":
        content = {"subject": text, "preview_text": f"{row.name} from Fell & Hearth", **SENDER}
        return {"definition": {"channel": "email", "label": label, "content": content}, "content": content}
    if row.channel == "sms":
        definition = {"channel": "sms", "content": {"body": text}, "render_options": dict(_RENDER_OPTIONS)}
        return {"definition": definition, "content": {"body": text}, "render_options": dict(_RENDER_OPTIONS)}
    return {"definition": _push_definition(row.name, text), "content": {"body": text}}


def _push_definition(name: str, text: str) -> dict[str, Any]:
    return {
        "channel": "mobile_push",
        "notification_type": "standard",
        "content": {"title": name.removeprefix("App: "), "body": text},
        "options": {"on_open": {"type": "open_app"}, "badge": {"display": False}, "play_sound": True},
        "kv_pairs": {},
    }
