"""Previews of what reaches people: sends, consent, list members, flows; whom, how many, through which channel."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import anyio

from klaviyo_mcp.account.reads import AccountReads, attribute_of, require_record, run_together
from klaviyo_mcp.answers.wording import count_noun, in_words, label_of, list_names, name_thing, quoted
from klaviyo_mcp.errors import ConfirmationError
from klaviyo_tools.jsonapi.records import Flat, Page

ESTIMATION_POLLS = (0.1, 0.2, 0.4, 0.8, 1.6, 0.0)
"""Seconds to wait after each look for a count of recipients."""
_SENDS = ("send-email", "send-sms", "send-mobile-push", "send-whatsapp")


def quote_text(value: str) -> str:
    """A string as Klaviyo's filters take it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def any_id(ids: Sequence[str]) -> str:
    """The filter for records with these ids."""
    return f"any(id,[{','.join(quote_text(id_) for id_ in ids)}])"


# Campaigns.


async def _send(reads: AccountReads, arguments: Any) -> list[str]:
    id_ = arguments.campaign_id
    (page, included, excluded, messages), recipients = await run_together(
        lambda: _sendable(reads, id_), lambda: _count(reads, id_)
    )
    lines = [
        f"send the {name_thing('campaign', page, id_)} to real recipients{_when(attribute_of(page, 'send_strategy'))}."
    ]
    status = attribute_of(page, "status")
    lines.append(f"Status: {in_words(status) if status else 'unknown'}. {recipients}")
    lines += messages
    lines.append(f"To: {included}.")
    lines += [f"Not to: {excluded}."] if excluded else []
    return lines


_INSTEAD = {
    "sent": "To send it anew, copy it with create_campaign_clone and send the copy.",
    "cancelled": "To send it anyway, copy it with create_campaign_clone and send the copy.",
    "scheduled": "cancel_campaign_send with action=revert makes it a draft again.",
}


async def _sendable(reads: AccountReads, id_: str) -> tuple[Page | None, str, str, list[str]]:
    """A campaign, whom it goes to and not to, and its messages. Raises ConfirmationError where it is no draft."""
    page = require_record(await _head(reads, id_), "campaign_id", "campaign")
    status = attribute_of(page, "status")
    if isinstance(status, str) and status.lower() != "draft":
        raise ConfirmationError(
            "send_campaign was not run and nothing was changed: the "
            f"{name_thing('campaign', page, id_)} is {in_words(status)}"
            ", and only a draft can be sent.",
            then=_INSTEAD.get(status.lower(), "Look with get_campaign; cancel_campaign_send stops a send under way."),
        )
    (included, excluded), messages = await run_together(
        lambda: _sides(reads, page), lambda: _with_templates(reads, page)
    )
    return page, included, excluded, messages


async def _stop(reads: AccountReads, arguments: Any) -> list[str]:
    id_ = arguments.campaign_id
    page = require_record(await _head(reads, id_), "campaign_id", "campaign")
    included, _ = await _sides(reads, page)
    status = attribute_of(page, "status")
    outcome = "for good" if arguments.action == "cancel" else "and make it a draft again"
    return [
        f"stop sending the {name_thing('campaign', page, id_)} {outcome}.",
        f"Status: {in_words(status) if status else 'unknown'}. Who has had it by now keeps it.",
        *_messages(page),
        f"To: {included}.",
    ]


async def _head(reads: AccountReads, id_: str) -> Page | None:
    """The campaign with its messages."""
    facts = ("name", "status", "audiences", "send_strategy")
    return await reads.one("get_campaign", campaign_id=id_, fields=facts, include=["campaign-messages"])


async def _sides(reads: AccountReads, page: Page | None) -> tuple[str, str]:
    """Whom a campaign goes to, and not to."""
    audiences = attribute_of(page, "audiences")
    sides = {side: _ids(audiences, side) for side in ("included", "excluded")}
    names = await group_names(reads, [*sides["included"], *sides["excluded"]])
    included, excluded = (", ".join(names[id_] for id_ in sides[side]) for side in sides)
    return included or "unknown", excluded


def _ids(audiences: Any, side: str) -> list[str]:
    ids = audiences.get(side) if isinstance(audiences, Mapping) else None
    return [str(id_) for id_ in ids][:20] if isinstance(ids, list) else []


async def group_names(reads: AccountReads, ids: Sequence[str]) -> dict[str, str]:
    """What lists and segments are called, by id; which of both an id is only Klaviyo knows."""
    if not ids:
        return {}
    wanted = any_id(list(dict.fromkeys(ids)))
    lists, segments = await run_together(
        lambda: reads.rows("get_lists", filter=wanted), lambda: reads.rows("get_segments", filter=wanted)
    )
    found = {
        flat.id: f"{flat.type} {quoted(label_of(flat) or flat.id)}" for flat in (*(lists or ()), *(segments or ()))
    }
    return {id_: found.get(id_, f"id {in_words(id_)} (its name is unknown)") for id_ in ids}


def _when(strategy: Any) -> str:
    if not isinstance(strategy, Mapping):
        return ""
    method, at = strategy.get("method"), strategy.get("datetime")
    options = strategy.get("options")
    local = " in each recipient's time zone" if isinstance(options, Mapping) and options.get("is_local") else ""
    match method:
        case "immediate":
            return " at once"
        case "static" if at:
            return f" at {in_words(at)}{local}"
        case "throttled":
            return f" from {in_words(at)} on, {in_words(strategy.get('throttle_percentage'))} % of them an hour"
        case "smart_send_time":
            return f" on {in_words(strategy.get('date'))} at the time that suits each recipient"
    return f" ({in_words(dict(strategy))})"


def _of(page: Page | None) -> list[Flat]:
    """The campaign's messages, four at most."""
    included = page.included.values() if page is not None else ()
    return [flat for flat in included if flat.type == "campaign-message"][:4]


def _messages(page: Page | None) -> list[str]:
    return [_message(flat) for flat in _of(page)] or ["Message: unknown."]


async def _with_templates(reads: AccountReads, page: Page | None) -> list[str]:
    """The campaign's messages, each e-mail with its template."""
    messages = _of(page)
    emails = [flat.id for flat in messages if _defined(flat).get("channel") == "email"]
    found = dict(zip(emails, await run_together(*(_templated(reads, id_) for id_ in emails)), strict=True))
    return [f"{_message(flat)}{found.get(flat.id, '')}" for flat in messages] or ["Message: unknown."]


def _templated(reads: AccountReads, id_: str) -> Callable[[], Awaitable[str]]:
    async def tell() -> str:
        more = {"fields[template]": "name"}
        page = await reads.one("get_campaign_message", campaign_message_id=id_, include=["template"], more=more)
        if page is None or not page.records:
            return " Whether it has a template is unknown."
        related = page.records[0].related.get("template")
        if related is None or not related.ids:
            return " It has no template yet: it cannot be sent."
        template = page.included.get((related.type, related.ids[0]))
        name = label_of(template) if template is not None else ""
        return f" Template: {quoted(name or related.ids[0])}."

    return tell


def _defined(message: Flat) -> Mapping[str, Any]:
    definition = message.attributes.get("definition")
    return definition if isinstance(definition, Mapping) else message.attributes


def _message(message: Flat) -> str:
    told = _defined(message)
    content = told.get("content")
    content = content if isinstance(content, Mapping) else {}
    parts = [f"{name} {quoted(str(value))}" for name in ("subject", "title", "body") if (value := content.get(name))]
    sender = [f"from {quoted(str(value))}" for value in (content.get("from_email"),) if value]
    return f"Message by {in_words(told.get('channel') or 'unknown')}: {', '.join([*parts[:2], *sender]) or 'unknown'}."


async def _count(reads: AccountReads, id_: str) -> str:
    """How many a campaign would reach: counted anew where that is done in time, else as last counted."""
    anew = await reads.post("refresh_campaign_recipient_estimation", campaign_id=id_) is not None
    for seconds in ESTIMATION_POLLS if anew else ():
        job = await reads.one("get_campaign_recipient_estimation_job", campaign_id=id_)
        if attribute_of(job, "status") == "complete":
            break
        await anyio.sleep(seconds)
    else:
        anew = False
    count = attribute_of(
        await reads.one("get_campaign_recipient_estimation", campaign_id=id_, fields=("estimated_recipient_count",)),
        "estimated_recipient_count",
    )
    if not isinstance(count, int):
        return "How many people get it is unknown."
    return f"About {count_noun(count, 'recipient')}{'' if anew else ' when last counted'}."


# Consent.


def _consent(verb: str) -> Callable[[AccountReads, Any], Awaitable[list[str]]]:
    async def tell(reads: AccountReads, arguments: Any) -> list[str]:
        people = arguments.profiles
        who = _who(people)
        list_id = arguments.list_id
        page = await reads.one("get_list", list_id=list_id, fields=("opt_in_process",)) if list_id else None
        require_record(page, "list_id", "list")
        lines = [f"{verb} {count_noun(len(people), 'profile')}: {who}.", f"Channels: {_channels(people)}."]
        told = name_thing("list", page, list_id) if list_id else ""
        follows = _SUBSCRIBING if verb == "subscribe" else _UNSUBSCRIBING
        return [*lines, *follows(told, attribute_of(page, "opt_in_process"), arguments)]

    return tell


def _subscribing(told: str, opt_in: Any, arguments: Any) -> list[str]:
    if arguments.historical_import:
        mail = "No message asks them to confirm: their consent is said to be from before."
    elif opt_in == "double_opt_in":
        mail = "Double opt-in: each gets a message first and counts from their click on."
    elif opt_in == "single_opt_in":
        mail = "Single opt-in: they count as subscribed at once."
    else:
        mail = "Whether they are asked to confirm first is unknown."
    return [f"To the {told}." if told else "To no list.", mail]


def _unsubscribing(told: str, opt_in: Any, arguments: Any) -> list[str]:
    if told:
        return [f"From the {told}.", "Who is not on it is unsubscribed from all marketing in those channels."]
    return ["No list is given: this is global, from all marketing in those channels."]


_SUBSCRIBING, _UNSUBSCRIBING = _subscribing, _unsubscribing


def _who(people: Sequence[Any]) -> str:
    return list_names([_address(one) for one in people], 3)


def _address(one: Any) -> str:
    """What identifies a person in the arguments."""
    keys = ("email", "phone_number", "id", "external_id", "kx")
    return next((str(value) for key in keys if (value := getattr(one, key, None))), "unknown")


def _channels(people: Sequence[Any]) -> str:
    found: dict[str, int] = {}
    for one in people:
        for channel, kinds in one.subscriptions.model_dump(exclude_none=True).items():
            for kind in ("marketing", "transactional", "conversational"):
                if kind in kinds:
                    name = f"{channel} {kind}"
                    found[name] = found.get(name, 0) + 1
    return ", ".join(f"{name} ({count:,})" for name, count in found.items())


def _suppression(verb: str, outcome: str) -> Callable[[AccountReads, Any], Awaitable[list[str]]]:
    async def tell(reads: AccountReads, arguments: Any) -> list[str]:
        if arguments.profiles:
            return [f"{verb} {count_noun(len(arguments.profiles), 'address')}: {_who(arguments.profiles)}.", outcome]
        kind = "list" if arguments.list_id else "segment"
        id_ = arguments.list_id or arguments.segment_id
        page = require_record(await _group(reads, kind, id_), f"{kind}_id", kind)
        held = count_noun(attribute_of(page, "profile_count"), "profile")
        return [f"{verb} all of the {name_thing(kind, page, id_)}: {held}.", outcome]

    return tell


async def _group(reads: AccountReads, kind: str, id_: str, include: Sequence[str] = ()) -> Page | None:
    asked: dict[str, Any] = {f"{kind}_id": id_, "additional_fields": ["profile_count"]}
    if include:
        asked["include"] = list(include)
    return await reads.one(f"get_{kind}", fields=("profile_count",), **asked)


# Lists, imports, flows, devices.


async def _add(reads: AccountReads, arguments: Any) -> list[str]:
    page = require_record(await _group(reads, "list", arguments.list_id, ("flow-triggers",)), "list_id", "list")
    held = count_noun(attribute_of(page, "profile_count"), "profile")
    return [
        f"put {count_noun(len(arguments.profile_ids), 'profile')} on the "
        f"{name_thing('list', page, arguments.list_id)}, "
        f"which holds {held}.",
        _triggers(page),
    ]


def _triggers(page: Page | None) -> str:
    if page is None or not page.records:
        return "Whether that starts a flow, which may message them, is unknown."
    flows = _joined(page, "flow-triggers", "flow")
    live = [flat for flat in flows if flat.attributes.get("status") == "live"]
    if live:
        return f"That starts {count_noun(len(live), 'live flow')}, which may message them: {_names(live)}."
    if flows:
        return f"No live flow starts by that; {count_noun(len(flows), 'other')} would once live: {_names(flows)}."
    return "No flow starts by that."


def _joined(page: Page, name: str, type_: str) -> list[Flat]:
    """The records that a relationship leads to; it was included, so that no mention of it means none."""
    related = page.records[0].related.get(name)
    ids = related.ids if related is not None else ()
    return [page.included.get((type_, id_)) or Flat(type_, id_, {}, {}) for id_ in ids]


def _names(flats: Sequence[Flat]) -> str:
    return list_names([label_of(flat) or flat.id for flat in flats]) or "names unknown"


async def _import(reads: AccountReads, arguments: Any) -> list[str]:
    people, ids = arguments.profiles, arguments.list_ids or []
    pages = await run_together(*(_reading(reads, id_) for id_ in ids[:10]))
    lines = [f"create or update {count_noun(len(people), 'profile')}: {_who(people)}."]
    for id_, page in zip(ids[:10], pages, strict=True):
        require_record(page, "list_ids", "list")
        held = count_noun(attribute_of(page, "profile_count"), "profile")
        lines.append(f"Put them on the {name_thing('list', page, id_)}, which holds {held}. {_triggers(page)}")
    return lines if ids else [*lines, "On no list. Consent stays as it is."]


def _reading(reads: AccountReads, id_: str) -> Callable[[], Awaitable[Page | None]]:
    return lambda: _group(reads, "list", id_, ("flow-triggers",))


async def _set_flow(reads: AccountReads, arguments: Any) -> list[str]:
    id_ = arguments.flow_id
    page = await reads.one("get_flow", flow_id=id_, fields=("name", "status", "trigger_type"), include=["flow-actions"])
    require_record(page, "flow_id", "flow")
    now = attribute_of(page, "status")
    lines = [
        f"set the {name_thing('flow', page, id_)} to {arguments.status}; "
        f"now it is {in_words(now) if now else 'unknown'}."
    ]
    lines.append(f"It has {_actions(page)}. Trigger: {in_words(attribute_of(page, 'trigger_type') or 'unknown')}.")
    if arguments.status == "live":
        lines.append("Live, it messages everybody who meets its trigger from now on.")
    return lines


def _actions(page: Page | None) -> str:
    if page is None or not page.records:
        return count_noun(None, "action")
    actions = _joined(page, "flow-actions", "flow-action")
    sends = sum(_kind(action) in _SENDS for action in actions)
    return f"{count_noun(len(actions), 'action')}, {count_noun(sends, 'message')} among them"


def _kind(action: Flat) -> str:
    definition = action.attributes.get("definition")
    told = definition.get("type") if isinstance(definition, Mapping) else action.attributes.get("action_type")
    return str(told or "").lower().replace("_", "-")


async def _set_action(reads: AccountReads, arguments: Any) -> list[str]:
    id_ = arguments.flow_action_id
    page = require_record(
        await reads.one("get_flow_action", flow_action_id=id_, include=["flow"]), "flow_action_id", "flow action"
    )
    flows = [flat for flat in (page.included.values() if page is not None else ()) if flat.type == "flow"]
    flow = flows[0] if flows else None
    where = f"flow {quoted(label_of(flow) or flow.id)}" if flow else "flow unknown"
    status = f", which is {in_words(flow.attributes.get('status') or 'unknown')}" if flow else ""
    kind = in_words(arguments.definition.get("type"))
    return [
        f"replace an action of type {kind} (id {in_words(id_)}) in the {where}{status}.",
        f"Given: {in_words(arguments.definition)}",
    ]


async def _forget_device(reads: AccountReads, arguments: Any) -> list[str]:
    id_ = arguments.push_token_id
    page = require_record(
        await reads.one("get_push_token", push_token_id=id_, include=["profile"]), "push_token_id", "push token"
    )
    owners = [flat for flat in (page.included.values() if page is not None else ()) if flat.type == "profile"]
    owner = label_of(owners[0]) if owners and not reads.hide else owners[0].id if owners else ""
    platform = attribute_of(page, "platform") or "unknown"
    return [
        f"delete the push token with id {in_words(id_)} (platform {in_words(platform)}) of "
        f"{quoted(owner) if owner else 'an unknown profile'}: that device gets no more push messages."
    ]


async def _device(reads: AccountReads, arguments: Any) -> list[str]:
    return [
        f"register a device ({arguments.platform}) for push messages to {_who([arguments.profile])}.",
        "It counts as their consent.",
    ]


async def _back_in_stock(reads: AccountReads, arguments: Any) -> list[str]:
    id_ = arguments.variant_id
    page = require_record(await reads.one("get_catalog_variant", catalog_variant_id=id_), "variant_id", "variant")
    channels = ", ".join(arguments.channels)
    return [
        f"have {_who([arguments.profile])} told by {channels} once the "
        f"{name_thing('variant', page, id_)} is in stock again."
    ]


async def _reply(reads: AccountReads, arguments: Any) -> list[str]:
    return [
        f"send a message to the person in the conversation with id {in_words(arguments.conversation_id)}; who that is "
        "cannot be read by it.",
        f"Message: {quoted(arguments.body, 300)}.",
    ]


PREVIEWS: Mapping[str, Callable[[AccountReads, Any], Awaitable[list[str]]]] = {
    "send_campaign": _send,
    "cancel_campaign_send": _stop,
    "bulk_subscribe_profiles": _consent("subscribe"),
    "bulk_unsubscribe_profiles": _consent("unsubscribe"),
    "bulk_suppress_profiles": _suppression("suppress", "They get no e-mail marketing then, whatever their consent."),
    "bulk_unsuppress_profiles": _suppression(
        "lift the suppression of", "They may get e-mail marketing again, unless they bounced or unsubscribed."
    ),
    "add_profiles_to_list": _add,
    "bulk_import_profiles": _import,
    "update_flow": _set_flow,
    "update_flow_action": _set_action,
    "create_push_token": _device,
    "delete_push_token": _forget_device,
    "create_back_in_stock_subscription": _back_in_stock,
    "create_conversation_message": _reply,
}
"""Operation -> what it is about to do."""
