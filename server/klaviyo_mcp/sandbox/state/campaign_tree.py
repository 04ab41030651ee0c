"""Campaigns as revision 2026-10-15 shows them: campaign, audience, messages, and of each message its variations.

The account stores campaigns once, in the older form, where a campaign holds audiences and sending, and a message the
content. This store shows the same campaigns as the tree, for reads alone. A campaign here has one audience, and a
message one variation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from klaviyo_mcp.sandbox.state.store import Departure, Links, Record, Store

TYPES = frozenset({"campaign", "campaign-audience", "campaign-message", "campaign-variation", "flow-message"})
"""The types that this store shows in another form."""
_OLDER_TYPES = ("campaign", "campaign-message", "flow-message")
"""The types of the records that they are made from."""

_STRATEGIES = {
    "immediate": "static",
    "static": "static",
    "throttled": "throttled",
    "smart_send_time": "send_time_optimization",
    "ab_test_campaign": "content_variation",
}
_CHANNELS = {"mobile_push": "push"}
_STATUSES = frozenset({"cancelled", "draft", "scheduled", "sending", "sent"})


class CampaignTree(Store):
    """The records of a store, the campaigns among them as a tree. It follows the store, and nothing writes to it."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self._tree = Store()
        self._stamp: tuple[int, ...] = ()

    def _of(self, type_: str) -> Store:
        """The store of a type's records: this one, made anew where the campaigns have changed, or the account's."""
        if type_ not in TYPES:
            return self._store
        stamp = tuple(self._store.version(name) for name in _OLDER_TYPES)
        if stamp != self._stamp:
            self._stamp, self._tree = stamp, Store()
            for record in _tree_records(self._store):
                self._tree.add(record)
        return self._tree

    def now(self) -> datetime:
        return self._store.now()

    def find_profile(self, identifier: str, value: str) -> Record | None:
        return self._store.find_profile(identifier, value)

    def get(self, type_: str, id_: str) -> Record | None:
        return self._of(type_).get(type_, id_)

    def all(self, type_: str) -> Iterator[Record]:
        return self._of(type_).all(type_)

    def count(self, type_: str) -> int:
        return self._of(type_).count(type_)

    def version(self, type_: str) -> int:
        if type_ in TYPES:
            return sum(self._store.version(name) for name in _OLDER_TYPES)
        return self._store.version(type_)

    def referring_ids(self, id_: str, type_: str) -> Mapping[str, Iterable[str]]:
        return self._of(type_).referring_ids(id_, type_)

    def referring(self, id_: str, type_: str, relationship: str) -> Iterator[Record]:
        return self._of(type_).referring(id_, type_, relationship)

    def members(self, group_type: str, group_id: str) -> Mapping[str, str]:
        return self._store.members(group_type, group_id)

    def departures(self, group_type: str, group_id: str) -> Sequence[Departure]:
        return self._store.departures(group_type, group_id)

    def groups(self, group_type: str, profile_id: str) -> list[str]:
        return self._store.groups(group_type, profile_id)


def audience_id(campaign_id: str) -> str:
    return f"02{campaign_id[2:]}"


def variation_id(message_id: str) -> str:
    return f"03{message_id[2:]}"


def _tree_records(store: Store) -> Iterator[Record]:
    """The records of the tree. They keep their older attributes, which no answer of the newer form shows."""
    campaigns: dict[str, Record] = {}
    for campaign in store.all("campaign"):
        campaigns[campaign.id] = campaign
        yield _campaign(campaign)
        yield _audience_record(campaign)
    for message in store.all("campaign-message"):
        of_campaign = campaigns.get(str(message.links.get("campaign")))
        yield _message(message, of_campaign)
        yield _variation(message)
    for message in store.all("flow-message"):
        definition = message.attributes.get("definition") or {}
        newer = {"name": str(definition.get("name") or ""), "content": _content_of_flow(definition)}
        yield Record(message.type, message.id, {**message.attributes, **newer}, dict(message.links))


def _campaign(campaign: Record) -> Record:
    old = campaign.attributes
    definition: dict[str, Any] = {
        "name": old.get("name"),
        "builder": None,
        "archived": bool(old.get("archived")),
        "color": None,
        "description": None,
        "send_settings": None,
    }
    links = {**campaign.links, "campaign-audiences": [audience_id(campaign.id)]}
    return Record("campaign", campaign.id, {**old, "builder": None, "definition": definition}, links)


def _audience_record(campaign: Record) -> Record:
    audiences = campaign.attributes.get("audiences") or {}
    definition = {
        "name": "Audience 1",
        "included": list(audiences.get("included") or ()),
        "excluded": list(audiences.get("excluded") or ()),
        "priority": 1,
    }
    links: Links = {"campaign": campaign.id, "campaign-messages": campaign.links.get("campaign-messages") or []}
    return Record("campaign-audience", audience_id(campaign.id), {"definition": definition, **_times(campaign)}, links)


def _message(message: Record, campaign: Record | None) -> Record:
    old = message.attributes
    of_campaign = campaign.attributes if campaign else {}
    status = str(of_campaign.get("status") or "").lower()
    flat = {"name": old.get("label") or of_campaign.get("name"), "status": status if status in _STATUSES else "draft"}
    definition = {
        **flat,
        "send_options": _send_options(of_campaign),
        "tracking_options": _tracking_options(of_campaign.get("tracking_options") or {}),
    }
    links = {
        **message.links,
        "campaign-audience": audience_id(campaign.id) if campaign else None,
        "campaign-variations": [variation_id(message.id)],
    }
    return Record("campaign-message", message.id, {**old, **flat, **_times(message), "definition": definition}, links)


def _send_options(campaign: Mapping[str, Any]) -> dict[str, Any]:
    strategy = campaign.get("send_strategy") or {}
    return {
        "is_ignoring_unsubscribes": False,
        "recipient_percentage": None,
        "send_strategy": _STRATEGIES.get(str(strategy.get("method") or "static")),
        "send_time": campaign.get("send_time") or strategy.get("datetime"),
        "send_times": None,
        "throttle_unit": None,
        "throttling_type": None,
    }


def _tracking_options(options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "is_add_utm": bool(options.get("add_tracking_params")),
        "is_tracking_clicks": options.get("is_tracking_clicks"),
        "is_tracking_opens": options.get("is_tracking_opens"),
    }


def _variation(message: Record) -> Record:
    old = message.attributes
    definition = {"name": old.get("label") or None, "details": _details(message)}
    links: Links = {"campaign-message": message.id, "image": message.links.get("image")}
    attributes = {"definition": definition, **_times(message)}
    return Record("campaign-variation", variation_id(message.id), attributes, links)


def _details(message: Record) -> dict[str, Any]:
    """The content of a message, in the form of its channel; texts that it lacks are left out."""
    old = message.attributes
    definition = old.get("definition") or {}
    channel = str(old.get("channel") or definition.get("channel") or "email")
    content = {**(definition.get("content") or {}), **(old.get("content") or {})}
    details: dict[str, Any] = {"channel": _CHANNELS.get(channel, channel)}
    names: tuple[str, ...] = ()
    match details["channel"]:
        case "email":
            names = ("subject", "preview_text", "from_email", "from_label", "reply_to_email", "cc_email", "bcc_email")
            details["template_id"] = message.links.get("template")
        case "sms":
            names = ("body",)
            details |= {**(old.get("render_options") or {}), "text_message_type": "SMS"}
        case "push":
            names = ("title", "body")
            details |= {"push_type": definition.get("notification_type") or "standard", "badge": False}
    return details | {name: content[name] for name in names if content.get(name) is not None}


def _content_of_flow(definition: Mapping[str, Any]) -> dict[str, Any]:
    names = {"subject": "subject_line", "preview_text": "preview_text", "from_email": "from_email"}
    return {name: definition.get(old) for name, old in names.items()} | {"body": definition.get("body")}


def _times(record: Record) -> dict[str, Any]:
    """The times of a record under the names of the tree below campaigns."""
    return {"created": record.attributes.get("created_at"), "updated": record.attributes.get("updated_at")}
