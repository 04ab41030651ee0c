"""Campaigns and their messages: created, updated, cloned, estimated, sent and cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from klaviyo_mcp.sandbox.api.handlers import list_records
from klaviyo_mcp.sandbox.api.jobs import cancel_job, start_job
from klaviyo_mcp.sandbox.api.patches import apply_patch
from klaviyo_mcp.sandbox.api.records import create_record, fill_defaults, mark_updated
from klaviyo_mcp.sandbox.api.request import Answer, ApiRequest, Handler
from klaviyo_mcp.sandbox.errors import conflict, invalid
from klaviyo_mcp.sandbox.state.store import Record, Store, linked_ids
from klaviyo_mcp.sandbox.timestamps import parse_timestamp

_SENDABLE = ("Draft", "Cancelled")
_CAN_RECEIVE = {
    "email": "can_receive_email_marketing",
    "sms": "can_receive_sms_marketing",
    "mobile_push": "can_receive_push_marketing",
}


def _list_campaigns(request: ApiRequest) -> Answer:
    needs_channel = "filter" in request.operation.required
    if needs_channel and not any(one.field == "messages.channel" for one in request.query.filter):
        raise invalid('A channel filter is required: equals(messages.channel,"email").', parameter="filter")
    return list_records(request)


def _create_campaign(request: ApiRequest) -> Answer:
    attributes = dict(request.attributes)
    messages = attributes.pop("campaign-messages")["data"]
    if not messages:
        raise invalid("A campaign needs a message.", pointer="/data/attributes/campaign-messages/data")
    _check_audiences(request, attributes["audiences"])
    attributes["send_strategy"] = attributes.get("send_strategy") or {"method": "immediate"}
    attributes["send_options"] = attributes.get("send_options") or {"use_smart_sending": True}
    attributes["audiences"] = {"excluded": [], **attributes["audiences"]}
    attributes |= {"status": "Draft", "archived": False, "scheduled_at": None, "send_time": None}
    campaign = create_record(request, {"type": "campaign", "attributes": attributes})
    ids = [_create_message(request, message, campaign.id).id for message in messages]
    request.store.link(campaign, "campaign-messages", ids)
    return request.answer_record(campaign)


def _check_audiences(request: ApiRequest, audiences: Mapping[str, Any]) -> None:
    for side in ("included", "excluded"):
        for index, id_ in enumerate(audiences.get(side) or ()):
            if request.store.get("list", id_) is None and request.store.get("segment", id_) is None:
                pointer = f"/data/attributes/audiences/{side}/{index}"
                raise invalid(f"There is no list or segment with id {id_}.", pointer=pointer)


def _create_message(request: ApiRequest, resource: Mapping[str, Any], campaign_id: str) -> Record:
    message = create_record(request, resource)
    _repeat_definition(message)
    request.store.link(message, "campaign", campaign_id)
    request.store.link(message, "template", None)
    return message


def _repeat_definition(message: Record) -> None:
    """Set the channel, label and content of a message, which repeat its definition."""
    definition = message.attributes.get("definition") or {}
    message.attributes |= {
        "channel": definition.get("channel", "email"),
        "label": definition.get("label") or message.attributes.get("label") or "",
        "content": definition.get("content") or {},
        "send_times": message.attributes.get("send_times") or [],
    }
    if definition.get("channel") == "sms":
        message.attributes["render_options"] = definition.get("render_options") or {}


def _update_campaign(request: ApiRequest) -> Answer:
    campaign = request.record("campaign")
    if campaign.attributes["status"] not in (*_SENDABLE, "Scheduled"):
        raise invalid(f"A campaign with status {campaign.attributes['status']} cannot be changed.", pointer="/data/id")
    changes = {name: value for name, value in request.attributes.items() if value is not None}
    if "audiences" in changes:
        _check_audiences(request, changes["audiences"])
    apply_patch("campaign", campaign.attributes, changes)
    campaign.attributes["audiences"] = {"included": [], "excluded": [], **(campaign.attributes.get("audiences") or {})}
    mark_updated(request.contract, request.store, campaign)
    return request.answer_record(campaign)


def _update_message(request: ApiRequest) -> Answer:
    message = request.record("campaign-message")
    if definition := request.attributes.get("definition"):
        apply_patch("campaign-message", message.attributes, {"definition": definition})
        _repeat_definition(message)
    for id_ in request.related_ids("image"):
        request.relationships.require("image", [id_], "/data/relationships/image/data/id")
        request.store.link(message, "image", id_)
    mark_updated(request.contract, request.store, message)
    return request.answer_record(message)


def _assign_template(request: ApiRequest) -> Answer:
    """Give the message a copy of the template: changes of either do not reach the other."""
    message = request.record("campaign-message", request.data["id"])
    (template_id,) = request.related_ids("template")
    copy = _copy_record(request, request.record("template", template_id))
    request.store.link(message, "template", copy.id)
    mark_updated(request.contract, request.store, message)
    return request.answer_record(message)


def _copy_record(request: ApiRequest, record: Record, **changes: Any) -> Record:
    attributes = {key: value for key, value in record.attributes.items() if not key.startswith(("created", "updated"))}
    id_ = request.store.new_id(record.type)
    copy = Record(record.type, id_, deepcopy(attributes) | changes, dict(record.links))
    fill_defaults(request.contract, request.store, copy)
    return request.store.add(copy)


def _clone_campaign(request: ApiRequest) -> Answer:
    original = request.record("campaign", request.data["id"])
    name = request.attributes.get("new_name") or f"Copy of {original.attributes['name']}"
    clone = _copy_record(request, original, name=name, status="Draft", scheduled_at=None, send_time=None)
    ids = []
    for message in request.relationships.records(original, "campaign-messages"):
        copy = _copy_record(request, message, send_times=[])
        request.store.link(copy, "campaign", clone.id)
        ids.append(copy.id)
    request.store.link(clone, "campaign-messages", ids)
    return request.answer_record(clone)


def recipients(store: Store, campaign: Record) -> set[str]:
    """The ids of the profiles that a campaign reaches: included, not excluded, and open to its channel."""
    audiences = campaign.attributes.get("audiences") or {}
    reached: set[str] = set()
    for side in ("included", "excluded"):
        for id_ in audiences.get(side) or ():
            members = {*store.members("list", id_), *store.members("segment", id_)}
            reached = reached | members if side == "included" else reached - members
    message_ids = linked_ids(campaign.links.get("campaign-messages"))
    message = store.get("campaign-message", message_ids[0]) if message_ids else None
    channel = (message.attributes.get("channel") if message else None) or "email"
    return {id_ for id_ in reached if _can_receive(store.get("profile", id_), channel)}


def _can_receive(profile: Record | None, channel: str) -> bool:
    if profile is None:
        return False
    subscription = (profile.attributes.get("subscriptions") or {}).get(channel) or {}
    attribute = _CAN_RECEIVE.get(channel, "can_receive")
    return bool((subscription.get("marketing") or {}).get(attribute, channel == "email"))


def _estimate_recipients(request: ApiRequest) -> Answer:
    campaign = request.record("campaign", request.data["id"])
    count = len(recipients(request.store, campaign))
    estimation = {"estimated_recipient_count": count}
    request.store.add(Record("campaign-recipient-estimation", campaign.id, estimation))
    return request.answer_record(start_job(request, campaign.id))


def _send_campaign(request: ApiRequest) -> Answer:
    """Schedule the campaign where its strategy names a later time, else send it at once."""
    campaign = request.record("campaign", request.data["id"])
    if campaign.attributes["status"] not in _SENDABLE:
        raise conflict(f"The campaign is already {campaign.attributes['status']}.", "/data/id")
    if not recipients(request.store, campaign):
        raise invalid("The campaign has no recipients.", pointer="/data/id")
    strategy = campaign.attributes.get("send_strategy") or {}
    static = strategy.get("options_static") or {}
    send_time = strategy.get("datetime") or static.get("datetime") or strategy.get("date")
    moment = parse_timestamp(send_time)
    now = request.store.timestamp()
    is_later = moment is not None and moment > request.store.now()
    campaign.attributes |= {"status": "Scheduled" if is_later else "Sent", "scheduled_at": now}
    campaign.attributes["send_time"] = send_time if is_later else now
    mark_updated(request.contract, request.store, campaign)
    return request.answer_record(start_job(request, campaign.id))


def _cancel_send(request: ApiRequest) -> Answer:
    job = request.record("campaign-send-job")
    campaign = request.record("campaign")
    if campaign.attributes["status"] == "Sent":
        raise conflict("The campaign is already Sent.", "/data/id")
    status = "Draft" if request.attributes["action"] == "revert" else "Cancelled"
    campaign.attributes |= {"status": status, "scheduled_at": None, "send_time": None}
    cancel_job(request.store, job)
    mark_updated(request.contract, request.store, campaign)
    return request.answer_nothing()


HANDLERS: Mapping[str, Handler] = {
    "get_campaigns": _list_campaigns,
    "create_campaign": _create_campaign,
    "update_campaign": _update_campaign,
    "create_campaign_clone": _clone_campaign,
    "update_campaign_message": _update_message,
    "assign_template_to_campaign_message": _assign_template,
    "refresh_campaign_recipient_estimation": _estimate_recipients,
    "send_campaign": _send_campaign,
    "cancel_campaign_send": _cancel_send,
}
