"""Campaigns, flows and tags: what a message is, whom it would reach, and how it goes out."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from klaviyo_mcp.sandbox.api.engine import (
    Answer,
    Call,
    Handler,
    complete,
    get_one,
    list_all,
    make,
    stamp,
    start_job,
    update,
)
from klaviyo_mcp.sandbox.errors import conflict, invalid
from klaviyo_mcp.sandbox.state.store import Record, Store, linked_ids
from klaviyo_mcp.sandbox.timestamps import parse_timestamp

_OPEN = ("Draft", "Cancelled")
_CAN_RECEIVE = {
    "email": "can_receive_email_marketing",
    "sms": "can_receive_sms_marketing",
    "mobile_push": "can_receive_push_marketing",
}


def _campaigns(call: Call) -> Answer:
    if not any(one.field == "messages.channel" for one in call.query.filter):
        raise invalid('A channel filter is required: equals(messages.channel,"email").', parameter="filter")
    return list_all(call)


def _create_campaign(call: Call) -> Answer:
    attributes = dict(call.attributes)
    messages = attributes.pop("campaign-messages")["data"]
    if not messages:
        raise invalid("A campaign needs a message.", pointer="/data/attributes/campaign-messages/data")
    _check_audiences(call, attributes["audiences"])
    attributes["send_strategy"] = attributes.get("send_strategy") or {"method": "immediate"}
    attributes["send_options"] = attributes.get("send_options") or {"use_smart_sending": True}
    attributes["audiences"] = {"excluded": [], **attributes["audiences"]}
    attributes |= {"status": "Draft", "archived": False, "scheduled_at": None, "send_time": None}
    campaign = make(call, {"type": "campaign", "attributes": attributes})
    ids = [_message(call, message, campaign.id).id for message in messages]
    call.store.link(campaign, "campaign-messages", ids)
    return call.one(campaign)


def _check_audiences(call: Call, audiences: Mapping[str, Any]) -> None:
    for side in ("included", "excluded"):
        for number, id_ in enumerate(audiences.get(side) or ()):
            if call.store.get("list", id_) is None and call.store.get("segment", id_) is None:
                pointer = f"/data/attributes/audiences/{side}/{number}"
                raise invalid(f"There is no list or segment with id {id_}.", pointer=pointer)


def _message(call: Call, resource: Mapping[str, Any], campaign_id: str) -> Record:
    message = make(call, resource)
    _show_definition(message)
    call.store.link(message, "campaign", campaign_id)
    call.store.link(message, "template", None)
    return message


def _show_definition(message: Record) -> None:
    """A message tells its channel, label and content twice: flat, and in its definition."""
    definition = message.attributes.get("definition") or {}
    message.attributes |= {
        "channel": definition.get("channel", "email"),
        "label": definition.get("label") or message.attributes.get("label") or "",
        "content": definition.get("content") or {},
        "send_times": message.attributes.get("send_times") or [],
    }
    if definition.get("channel") == "sms":
        message.attributes["render_options"] = definition.get("render_options") or {}


def _update_campaign(call: Call) -> Answer:
    campaign = call.record("campaign")
    if campaign.attributes["status"] not in (*_OPEN, "Scheduled"):
        raise invalid(f"A campaign with status {campaign.attributes['status']} cannot be changed.", pointer="/data/id")
    attributes = {name: value for name, value in call.attributes.items() if value is not None}
    if "audiences" in attributes:
        _check_audiences(call, attributes["audiences"])
        attributes["audiences"] = {**campaign.attributes["audiences"], **attributes["audiences"]}
    campaign.attributes.update(attributes)
    stamp(call.contract, call.store, campaign)
    return call.one(campaign)


def _update_message(call: Call) -> Answer:
    message = call.record("campaign-message")
    if given := call.attributes.get("definition"):
        definition = message.attributes.get("definition") or {}
        content = {**(definition.get("content") or {}), **(given.get("content") or {})}
        message.attributes["definition"] = {**definition, **given, "content": content}
        _show_definition(message)
    for id_ in call.related("image"):
        call.relations.require("image", [id_], "/data/relationships/image/data/id")
        call.store.link(message, "image", id_)
    stamp(call.contract, call.store, message)
    return call.one(message)


def _assign_template(call: Call) -> Answer:
    """The message gets its own copy of the template."""
    message = call.record("campaign-message", call.data["id"])
    (template_id,) = call.related("template")
    copy = _copied(call, call.record("template", template_id))
    call.store.link(message, "template", copy.id)
    stamp(call.contract, call.store, message)
    return call.one(message)


def _copied(call: Call, record: Record, **changes: Any) -> Record:
    attributes = {key: value for key, value in record.attributes.items() if not key.startswith(("created", "updated"))}
    links = dict(record.links)
    copy = Record(record.type, call.store.new_id(record.type), deepcopy(attributes) | changes, links)
    complete(call.contract, call.store, copy)
    return call.store.add(copy)


def _clone_campaign(call: Call) -> Answer:
    original = call.record("campaign", call.data["id"])
    name = call.attributes.get("new_name") or f"Copy of {original.attributes['name']}"
    copy = _copied(call, original, name=name, status="Draft", scheduled_at=None, send_time=None)
    ids = []
    for message in call.relations.records(original, "campaign-messages"):
        other = _copied(call, message, send_times=[])
        call.store.link(other, "campaign", copy.id)
        ids.append(other.id)
    call.store.link(copy, "campaign-messages", ids)
    return call.one(copy)


def audience(store: Store, campaign: Record) -> set[str]:
    """The profiles a campaign would reach: those of the included groups, less the excluded ones' and the suppressed."""
    audiences = campaign.attributes.get("audiences") or {}
    reached: set[str] = set()
    for side in ("included", "excluded"):
        for id_ in audiences.get(side) or ():
            members = {*store.members("list", id_), *store.members("segment", id_)}
            reached = reached | members if side == "included" else reached - members
    message = store.get("campaign-message", next(iter(linked_ids(campaign.links.get("campaign-messages"))), ""))
    channel = (message.attributes.get("channel") if message else None) or "email"
    return {id_ for id_ in reached if _receives(store.get("profile", id_), channel)}


def _receives(profile: Record | None, channel: str) -> bool:
    if profile is None:
        return False
    held = (profile.attributes.get("subscriptions") or {}).get(channel) or {}
    return bool((held.get("marketing") or {}).get(_CAN_RECEIVE.get(channel, "can_receive"), channel == "email"))


def _estimate(call: Call) -> Answer:
    campaign = call.record("campaign", call.data["id"])
    count = len(audience(call.store, campaign))
    call.store.add(Record("campaign-recipient-estimation", campaign.id, {"estimated_recipient_count": count}))
    return call.one(start_job(call, campaign.id))


def _send(call: Call) -> Answer:
    """Scheduled when the strategy names a later time; sent otherwise, as the job's first read tells."""
    campaign = call.record("campaign", call.data["id"])
    if campaign.attributes["status"] not in _OPEN:
        raise conflict(f"The campaign is already {campaign.attributes['status']}.", "/data/id")
    if not audience(call.store, campaign):
        raise invalid("The campaign has no recipients.", pointer="/data/id")
    strategy = campaign.attributes.get("send_strategy") or {}
    told = strategy.get("datetime") or (strategy.get("options_static") or {}).get("datetime") or strategy.get("date")
    due = parse_timestamp(told)
    now = call.store.timestamp()
    later = due is not None and due > call.store.now()
    campaign.attributes |= {"status": "Scheduled" if later else "Sent", "scheduled_at": now}
    campaign.attributes["send_time"] = told if later else now
    stamp(call.contract, call.store, campaign)
    return call.one(start_job(call, campaign.id))


def _cancel_send(call: Call) -> Answer:
    job = call.record("campaign-send-job")
    campaign = call.record("campaign")
    if campaign.attributes["status"] == "Sent":
        raise conflict("The campaign is already Sent.", "/data/id")
    revert = call.attributes["action"] == "revert"
    campaign.attributes |= {"status": "Draft" if revert else "Cancelled", "scheduled_at": None, "send_time": None}
    job.attributes.pop("_final", None)
    job.attributes["status"] = "cancelled"
    call.store.touch(job)
    stamp(call.contract, call.store, campaign)
    return call.done()


def _create_flow(call: Call) -> Answer:
    """A flow starts as a draft; its definition's actions become flow-actions, and their messages flow-messages."""
    definition = call.attributes["definition"]
    if not isinstance(definition.get("actions"), list) or not isinstance(definition.get("triggers"), list):
        raise invalid("A flow definition needs triggers and actions.", pointer="/data/attributes/definition")
    triggers = {"list": "Added to List", "metric": "Metric", "date": "Date Based", "segment": "Added to List"}
    kinds = [trigger.get("type") for trigger in definition["triggers"] if isinstance(trigger, dict)]
    trigger_type = triggers.get(str(kinds[0]), "Unconfigured") if kinds else "Unconfigured"
    attributes = {"name": call.attributes["name"], "status": "draft", "archived": False, "trigger_type": trigger_type}
    flow = make(call, {"type": "flow", "attributes": attributes | {"definition": definition}})
    ids = [_action(call, action, flow.id).id for action in definition["actions"] if isinstance(action, dict)]
    call.store.link(flow, "flow-actions", ids)
    return call.one(flow)


def _action(call: Call, definition: Mapping[str, Any], flow_id: str) -> Record:
    action = make(call, {"type": "flow-action", "attributes": {}})
    action.attributes["definition"] = {**definition, "id": action.id}
    call.store.link(action, "flow", flow_id)
    data = definition.get("data")
    message = data.get("message") if isinstance(data, dict) else None
    ids = []
    if isinstance(message, dict):
        channel = str(definition.get("type", "")).removeprefix("send-").replace("-notification", "") or "email"
        other = make(call, {"type": "flow-message", "attributes": {"channel": channel, "definition": message}})
        call.store.link(other, "flow-action", action.id)
        call.store.link(other, "template", message.get("template_id"))
        ids.append(other.id)
    call.store.link(action, "flow-messages", ids)
    return action


def _update_flow(call: Call) -> Answer:
    if call.attributes.get("status") not in ("draft", "manual", "live"):
        raise invalid("status must be draft, manual or live.", pointer="/data/attributes/status")
    return update(call)


def _create_tag(call: Call) -> Answer:
    """A tag goes to the default group unless its body names another."""
    groups = call.related("tag-group")
    default = next((group.id for group in call.store.all("tag-group") if group.attributes.get("default")), None)
    tag = make(call, call.data)
    call.store.link(tag, "tag-group", groups[0] if groups else default)
    return call.one(tag)


def _create_tag_group(call: Call) -> Answer:
    attributes = {**call.attributes, "default": False, "exclusive": bool(call.attributes.get("exclusive"))}
    return call.one(make(call, {**call.data, "attributes": attributes}))


def _delete_tag_group(call: Call) -> Answer:
    group = call.record("tag-group")
    if group.attributes.get("default"):
        raise invalid("The default tag group cannot be deleted.", pointer="/data/id")
    answer = call.one(group)
    call.relations.delete(group)
    return answer


def _create_segment(call: Call) -> Answer:
    given = {"is_starred": False, **call.attributes, "is_active": True, "is_processing": True}
    return call.one(make(call, {**call.data, "attributes": given}))


def _get_segment(call: Call) -> Answer:
    """A segment is worked out by the time it is read again."""
    answer = get_one(call)
    segment = call.record("segment")
    if segment.attributes.get("is_processing"):
        segment.attributes["is_processing"] = False
        call.store.touch(segment)
    return answer


def _create_list(call: Call) -> Answer:
    attributes = {**call.attributes}
    attributes["opt_in_process"] = attributes.get("opt_in_process") or "double_opt_in"
    return call.one(make(call, {**call.data, "attributes": attributes}))


HANDLERS: Mapping[str, Handler] = {
    "get_campaigns": _campaigns,
    "create_campaign": _create_campaign,
    "update_campaign": _update_campaign,
    "create_campaign_clone": _clone_campaign,
    "update_campaign_message": _update_message,
    "assign_template_to_campaign_message": _assign_template,
    "refresh_campaign_recipient_estimation": _estimate,
    "send_campaign": _send,
    "cancel_campaign_send": _cancel_send,
    "create_flow": _create_flow,
    "update_flow": _update_flow,
    "create_tag": _create_tag,
    "create_tag_group": _create_tag_group,
    "delete_tag_group": _delete_tag_group,
    "create_segment": _create_segment,
    "get_segment": _get_segment,
    "create_list": _create_list,
}
