"""Flows with their actions and messages, and the sends that live flows lead to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from klaviyo_mcp.sandbox.life.builder import AccountBuilder
from klaviyo_mcp.sandbox.life.campaigns import SENDER
from klaviyo_mcp.sandbox.life.flow_table import FLOWS, FlowRow, Step
from klaviyo_mcp.sandbox.life.plan import Message, PlannedSend
from klaviyo_mcp.sandbox.state.store import Record

_ACTION_TYPES = {"email": "send-email", "sms": "send-sms", "mobile_push": "send-mobile-push"}
_PRICE_DROP = {
    "type": "price-drop",
    "trigger_filter": None,
    "price_drop_amount_value": 10,
    "price_drop_amount_unit": "percent",
    "audience": ["viewed"],
    "timeframe_days": 30,
    "currency_type": "usd",
}
_BIRTHDAY = {
    "type": "date",
    "date_field_type": "profile-property",
    "date_profile_property": "birthday",
    "timedelta_unit_before_date": "days",
    "timedelta_value_before_date": 0,
    "recurrence_frequency": "annually",
    "trigger_time": "08:00:00",
    "timezone": "profile",
}


def add_flows(builder: AccountBuilder) -> None:
    """Add a flow for each row of the table; of live flows, plan a send to every profile that enters."""
    for number, row in enumerate(FLOWS):
        messages = _add_flow(builder, row, number)
        if row.status != "live":
            continue
        for profile, at in list(_entries(builder, row)):
            if row.share == 1.0 or builder.random.random() < row.share:
                for hours, message in messages:
                    sent_at = at + timedelta(hours=hours, minutes=3)
                    builder.sends.append(PlannedSend(sent_at, profile, message))


def _add_flow(builder: AccountBuilder, row: FlowRow, number: int) -> list[tuple[float, Message]]:
    """Add a flow with its actions; return its messages, each with the hours between entry and send."""
    times = builder.created_and_updated(430 - 9 * number, 40 + 6 * number)
    trigger_type, trigger = _trigger(builder, row)
    attributes = {"name": row.name, "status": row.status, "archived": False, "trigger_type": trigger_type}
    flow = builder.add("flow", {**attributes, **times})
    action_ids = [builder.store.new_id("flow-action") for _ in row.steps]
    hours, messages = 0.0, []
    definitions: list[dict[str, Any]] = []
    for step, id_, next_id in zip(row.steps, action_ids, [*action_ids[1:], None], strict=True):
        action = builder.add("flow-action", times, {"flow": flow.id, "flow-messages": []}, id_)
        definition: dict[str, Any] = {"id": id_, "type": "time-delay", "links": {"next": next_id}}
        if step.channel:
            message, content = _add_message(builder, action, step, flow, times)
            definition |= {
                "type": _ACTION_TYPES[step.channel],
                "data": {"message": dict(content), "status": row.status},
            }
            messages.append((hours, message))
        else:
            definition["data"] = _delay(step)
            hours += step.hours
        action.attributes["definition"] = definition
        definitions.append(definition)
    flow.attributes["definition"] = {
        "triggers": [trigger] if trigger else [],
        "profile_filter": None,
        "actions": definitions,
        "entry_action_id": action_ids[0],
        "reentry_criteria": {"duration": 30, "unit": "day"},
    }
    builder.store.link(flow, "flow-actions", action_ids)
    _link_from_trigger(builder, row, flow)
    return messages


def _delay(step: Step) -> dict[str, Any]:
    is_whole_days = step.hours % 24 == 0
    value = int(step.hours / 24 if is_whole_days else step.hours)
    return {"unit": "days" if is_whole_days else "hours", "value": value}


def _add_message(
    builder: AccountBuilder, action: Record, step: Step, flow: Record, times: dict[str, str]
) -> tuple[Message, dict[str, Any]]:
    """Add a flow-message; return it with its definition."""
    id_ = builder.store.new_id("flow-message")
    template = builder.templates.get(step.template)
    definition: dict[str, Any] = {"id": id_, "name": step.name, "smart_sending_enabled": True}
    if step.channel == "email":
        definition |= {**SENDER, "cc_email": None, "bcc_email": None, "subject_line": step.text}
        definition |= {"preview_text": f"{flow.attributes['name']} from Fell & Hearth", "template_id": template}
        definition |= {"transactional": False, "add_tracking_params": False}
    elif step.channel == "sms":
        definition |= {"body": step.text, "shorten_links": True, "add_org_prefix": False, "transactional": False}
    else:
        definition |= {"title": step.name, "body": step.text, "sound": True, "on_open": "home"}
    attributes = {"channel": step.channel, "definition": definition, **times}
    builder.add("flow-message", attributes, {"flow-action": action.id, "template": template}, id_)
    builder.store.link(action, "flow-messages", [id_])
    return Message(id_, flow.attributes["name"], step.text, step.channel, flow.id, step.name), definition


def _trigger(builder: AccountBuilder, row: FlowRow) -> tuple[str, dict[str, Any]]:
    """The trigger type of a flow, and the trigger in its definition."""
    for trigger_type, type_, ids in (
        ("Added to List", "list", builder.lists),
        ("Added to List", "segment", builder.segments),
        ("Metric", "metric", builder.metrics),
    ):
        if row.trigger in ids:
            return trigger_type, {"type": type_, "id": ids[row.trigger]}
    return ("Date Based", dict(_BIRTHDAY)) if row.trigger == "birthday" else ("Price Drop", dict(_PRICE_DROP))


def _link_from_trigger(builder: AccountBuilder, row: FlowRow, flow: Record) -> None:
    """Link the list, segment or metric that triggers a flow to the flow."""
    for type_, ids in (("list", builder.lists), ("segment", builder.segments), ("metric", builder.metrics)):
        record = builder.store.get(type_, ids.get(row.trigger, ""))
        if record is not None:
            flows = record.links.get("flow-triggers") or []
            builder.store.link(record, "flow-triggers", [*flows, flow.id])


def _entries(builder: AccountBuilder, row: FlowRow) -> Iterator[tuple[Record, datetime]]:
    """The profiles that trigger a flow, each with the time."""
    if row.trigger in builder.lists:
        members = builder.store.members("list", builder.lists[row.trigger])
        for profile in builder.active_profiles:
            at = datetime.fromisoformat(members.get(profile.id) or profile.attributes["created"])
            if at >= builder.first_activity(profile):
                yield profile, at
    elif row.trigger == "birthday":
        yield from _birthdays(builder)
    else:
        yield from _metric_entries(builder, row)


def _birthdays(builder: AccountBuilder) -> Iterator[tuple[Record, datetime]]:
    for profile in builder.active_profiles:
        if birthday := profile.attributes["properties"].get("birthday"):
            month, day = int(birthday[5:7]), int(birthday[8:])
            for year in (builder.now.year - 1, builder.now.year):
                at = builder.now.replace(year=year, month=month, day=day, hour=8)
                if builder.first_activity(profile) < at < builder.now:
                    yield profile, at


def _metric_entries(builder: AccountBuilder, row: FlowRow) -> Iterator[tuple[Record, datetime]]:
    """Entries by an event of the trigger's metric; a checkout enters Abandoned Cart only if no order followed."""
    profiles = {profile.id: profile for profile in builder.active_profiles}
    paid = {(event.profile, event.properties["OrderId"]) for event in builder.events if event.metric == "Placed Order"}
    for event in builder.events:
        if event.metric != row.trigger or event.at > builder.now:
            continue
        if row.name == "Abandoned Cart" and (event.profile, _order_number(event.properties)) in paid:
            continue
        yield profiles[event.profile], event.at


def _order_number(properties: dict[str, Any]) -> str:
    """The number that the order of a checkout has once it is paid."""
    return str(properties["CheckoutURL"]).rpartition("/")[2]
