"""Flows with their actions and messages, and what the live ones sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from klaviyo_mcp.sandbox.life.campaigns import SENDER
from klaviyo_mcp.sandbox.life.journeys import JOURNEYS, Journey, Step
from klaviyo_mcp.sandbox.life.plan import Message, PlannedSend
from klaviyo_mcp.sandbox.life.world import World
from klaviyo_mcp.sandbox.state.store import Record

_KINDS = {"email": "send-email", "sms": "send-sms", "mobile_push": "send-mobile-push"}
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


def make(world: World) -> None:
    """A flow for each journey; a live one's messages are planned for whoever set it off."""
    for number, journey in enumerate(JOURNEYS):
        flow, messages = _flow(world, journey, number)
        world.flows[journey.name] = flow.id
        if journey.status != "live":
            continue
        for profile, at in list(_starts(world, journey)):
            if journey.share == 1.0 or world.random.random() < journey.share:
                for hours, message in messages:
                    world.sendings.append(PlannedSend(at + timedelta(hours=hours, minutes=3), profile, message))


def _flow(world: World, journey: Journey, number: int) -> tuple[Record, list[tuple[float, Message]]]:
    """The flow's record, and its messages with the hours after the start at which each goes out."""
    created, updated = 430 - 9 * number, 40 + 6 * number
    times = world.times(created, updated)
    kind, trigger = _trigger(world, journey)
    attributes = {"name": journey.name, "status": journey.status, "archived": False, "trigger_type": kind}
    flow = world.add("flow", {**attributes, **times})
    actions = [world.store.new_id("flow-action") for _ in journey.steps]
    hours, messages = 0.0, []
    definitions: list[dict[str, Any]] = []
    for step, id_, following in zip(journey.steps, actions, [*actions[1:], None], strict=True):
        action = world.add("flow-action", dict(times), {"flow": flow.id, "flow-messages": []}, id_)
        definition = {"id": id_, "type": "time-delay", "links": {"next": following}}
        if step.channel:
            message = _message(world, action, step, flow, times)
            told = world.store.get("flow-message", message.id)
            content = dict(told.attributes["definition"]) if told else {}
            definition |= {"type": _KINDS[step.channel], "data": {"message": content, "status": journey.status}}
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
        "entry_action_id": actions[0],
        "reentry_criteria": {"duration": 30, "unit": "day"},
    }
    world.store.link(flow, "flow-actions", actions)
    _tell_trigger(world, journey, flow)
    return flow, messages


def _delay(step: Step) -> dict[str, Any]:
    days = step.hours % 24 == 0
    return {"unit": "days" if days else "hours", "value": int(step.hours / 24 if days else step.hours)}


def _message(world: World, action: Record, step: Step, flow: Record, times: dict[str, str]) -> Message:
    id_ = world.store.new_id("flow-message")
    template = world.templates.get(step.template)
    definition: dict[str, Any] = {"id": id_, "name": step.name, "smart_sending_enabled": True}
    if step.channel == "email":
        definition |= {**SENDER, "cc_email": None, "bcc_email": None, "subject_line": step.words}
        definition |= {"preview_text": f"{flow.attributes['name']} from Fell & Hearth", "template_id": template}
        definition |= {"transactional": False, "add_tracking_params": False}
    elif step.channel == "sms":
        definition |= {"body": step.words, "shorten_links": True, "add_org_prefix": False, "transactional": False}
    else:
        definition |= {"title": step.name, "body": step.words, "sound": True, "on_open": "home"}
    attributes = {"channel": step.channel, "definition": definition, **times}
    world.add("flow-message", attributes, {"flow-action": action.id, "template": template}, id_)
    world.store.link(action, "flow-messages", [id_])
    return Message(id_, flow.attributes["name"], step.words, step.channel, flow.id, step.name)


def _trigger(world: World, journey: Journey) -> tuple[str, dict[str, Any]]:
    for kind, type_, ids in (
        ("Added to List", "list", world.lists),
        ("Added to List", "segment", world.segments),
        ("Metric", "metric", world.metrics),
    ):
        if journey.trigger in ids:
            return kind, {"type": type_, "id": ids[journey.trigger]}
    return ("Date Based", dict(_BIRTHDAY)) if journey.trigger == "birthday" else ("Price Drop", dict(_PRICE_DROP))


def _tell_trigger(world: World, journey: Journey, flow: Record) -> None:
    """What sets a flow off names it."""
    for type_, ids in (("list", world.lists), ("segment", world.segments), ("metric", world.metrics)):
        record = world.store.get(type_, ids.get(journey.trigger, ""))
        if record is not None:
            held = record.links.get("flow-triggers") or []
            world.store.link(record, "flow-triggers", [*held, flow.id])


def _starts(world: World, journey: Journey) -> Iterator[tuple[Record, datetime]]:
    """Who set a flow off, and when."""
    if journey.trigger in world.lists:
        members = world.store.members("list", world.lists[journey.trigger])
        for profile in world.lively:
            at = datetime.fromisoformat(members.get(profile.id) or profile.attributes["created"])
            if at >= world.since(profile):
                yield profile, at
    elif journey.trigger == "birthday":
        yield from _birthdays(world)
    else:
        yield from _after(world, journey)


def _birthdays(world: World) -> Iterator[tuple[Record, datetime]]:
    for profile in world.lively:
        if birthday := profile.attributes["properties"].get("birthday"):
            month, day = int(birthday[5:7]), int(birthday[8:])
            for year in (world.now.year - 1, world.now.year):
                at = world.now.replace(year=year, month=month, day=day, hour=8)
                if world.since(profile) < at < world.now:
                    yield profile, at


def _after(world: World, journey: Journey) -> Iterator[tuple[Record, datetime]]:
    """After an event; a cart counts as left when no order followed the checkout."""
    lively = {profile.id: profile for profile in world.lively}
    paid = {(one.profile, one.properties["OrderId"]) for one in world.happenings if one.metric == "Placed Order"}
    for one in world.happenings:
        if one.metric != journey.trigger or one.at > world.now:
            continue
        if journey.name == "Abandoned Cart" and (one.profile, _number(one.properties)) in paid:
            continue
        yield lively[one.profile], one.at


def _number(properties: dict[str, Any]) -> str:
    """The order number that a checkout would have become."""
    return str(properties["CheckoutURL"]).rpartition("/")[2]
