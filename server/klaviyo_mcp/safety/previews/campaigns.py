"""Previews of campaigns: the messages that go out, the audiences, the time, and the number of recipients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anyio

from klaviyo_mcp.account.names import read_names
from klaviyo_mcp.account.reads import AccountReads, attribute_of, require_record, run_together
from klaviyo_mcp.answers.wording import count_noun, describe, describe_record, label_of, quote
from klaviyo_mcp.errors import ConfirmationError, KlaviyoMcpError
from klaviyo_mcp.safety.previews.call_preview import CallPreview
from klaviyo_tools.jsonapi.records import Page, Record

ESTIMATION_POLLS = (0.1, 0.2, 0.4, 0.8, 1.6, 0.0)
"""Seconds to wait after each read of the job that counts the recipients."""
MAX_AUDIENCES = 20
MAX_MESSAGES = 4
SIDES = ("included", "excluded")
FACTS = ("name", "status", "audiences", "send_strategy")
"""The attributes of a campaign that its previews rest on."""
NEXT_STEPS = {
    "sent": "To send it anew, copy it with create_campaign_clone and send the copy.",
    "cancelled": "To send it anyway, copy it with create_campaign_clone and send the copy.",
    "scheduled": "cancel_campaign_send with action=revert makes it a draft again.",
}
"""Status of a campaign that cannot be sent -> what to do instead."""
NO_MESSAGE = "Message: unknown."


async def preview_send(reads: AccountReads, arguments: Any) -> CallPreview:
    """Raises MissingRecord where there is no such campaign, ConfirmationError where it is no draft."""
    id_ = arguments.campaign_id

    async def read_draft() -> tuple[Page | None, dict[str, str], list[str]]:
        page = await _read_campaign(reads, id_)
        _require_draft(page, id_)
        sides, messages = await run_together(lambda: _read_sides(reads, page), lambda: _read_messages(reads, page))
        return page, sides, messages

    (page, sides, messages), recipients = await run_together(read_draft, lambda: _count_recipients(reads, id_))
    time = _sending_time(attribute_of(page, "send_strategy"))
    lines = [
        f"send the {describe_record('campaign', page, id_)} to real recipients{time}.",
        f"Status: {_status(page)}. {recipients}",
        *messages,
        f"To: {sides['included'] or 'unknown'}.",
        *([f"Not to: {sides['excluded']}."] if sides["excluded"] else []),
    ]
    return CallPreview(tuple(lines), _facts(page, messages))


async def preview_stop(reads: AccountReads, arguments: Any) -> CallPreview:
    """Raises MissingRecord where there is no such campaign."""
    id_ = arguments.campaign_id
    page = await _read_campaign(reads, id_)
    sides = await _read_sides(reads, page)
    messages = [_message(flat) for flat in _messages_of(page)] or [NO_MESSAGE]
    outcome = "for good" if arguments.action == "cancel" else "and make it a draft again"
    lines = [
        f"stop sending the {describe_record('campaign', page, id_)} {outcome}.",
        f"Status: {_status(page)}. Recipients who already got it keep it.",
        *messages,
        f"To: {sides['included'] or 'unknown'}.",
    ]
    return CallPreview(tuple(lines), _facts(page, messages))


async def _read_campaign(reads: AccountReads, id_: str) -> Page | None:
    """The campaign with its messages, None where it cannot be read."""
    page = await reads.page_or_none("get_campaign", campaign_id=id_, fields=FACTS, include=["campaign-messages"])
    return require_record(page, "campaign_id", "campaign")


def _require_draft(page: Page | None, id_: str) -> None:
    status = attribute_of(page, "status")
    if isinstance(status, str) and status.lower() != "draft":
        raise ConfirmationError(
            "send_campaign was not run and nothing was changed: the "
            f"{describe_record('campaign', page, id_)} is {describe(status)}, and only a draft can be sent.",
            then=NEXT_STEPS.get(status.lower(), "Look with get_campaign; cancel_campaign_send stops a send under way."),
        )


def _status(page: Page | None) -> str:
    return describe(attribute_of(page, "status") or "unknown")


def _facts(page: Page | None, messages: Sequence[str]) -> dict[str, Any]:
    if page is None:
        return {}
    return {**{name: attribute_of(page, name) for name in FACTS}, "messages": list(messages)}


# Audiences.


async def _read_sides(reads: AccountReads, page: Page | None) -> dict[str, str]:
    """Side -> its lists and segments in words, empty where it has none."""
    audiences = attribute_of(page, "audiences")
    ids = {side: _audience_ids(audiences, side) for side in SIDES}
    names = await read_audience_names(reads, [id_ for side in SIDES for id_ in ids[side][:MAX_AUDIENCES]])
    words = {}
    for side in SIDES:
        rest = len(ids[side]) - MAX_AUDIENCES
        shown = [names[id_] for id_ in ids[side][:MAX_AUDIENCES]]
        words[side] = ", ".join([*shown, *([f"and {rest} more"] if rest > 0 else [])])
    return words


def _audience_ids(audiences: Any, side: str) -> list[str]:
    ids = audiences.get(side) if isinstance(audiences, Mapping) else None
    return [str(id_) for id_ in ids] if isinstance(ids, list) else []


async def read_audience_names(reads: AccountReads, ids: Sequence[str]) -> dict[str, str]:
    """Id -> `list "Newsletter"` or `segment "VIP"`. Klaviyo does not say which of both an id is: both are read."""
    names: dict[str, dict[str, str]] = {"list": {}, "segment": {}}

    def read(kind: str) -> Callable[[], Any]:
        async def read_kind() -> None:
            try:
                await read_names(reads, kind, list(dict.fromkeys(ids)), names[kind])
            except KlaviyoMcpError:
                return  # those names stay unknown

        return read_kind

    if ids:
        await run_together(*(read(kind) for kind in names))
    words = {id_: f"{kind} {quote(name or id_)}" for kind, named in names.items() for id_, name in named.items()}
    return {id_: words.get(id_, f"id {describe(id_)} (its name is unknown)") for id_ in ids}


# The time.


def _sending_time(strategy: Any) -> str:
    """The time of a send strategy, as the end of a sentence."""
    if not isinstance(strategy, Mapping):
        return ""
    method, time = strategy.get("method"), strategy.get("datetime")
    options = strategy.get("options")
    local = " in each recipient's time zone" if isinstance(options, Mapping) and options.get("is_local") else ""
    match method:
        case "immediate":
            return " at once"
        case "static" if time:
            return f" at {describe(time)}{local}"
        case "throttled":
            return f" from {describe(time)} on, {describe(strategy.get('throttle_percentage'))} % of them an hour"
        case "smart_send_time":
            return f" on {describe(strategy.get('date'))} at the time that suits each recipient"
    return f" ({describe(dict(strategy))})"


# Messages.


def _messages_of(page: Page | None) -> list[Record]:
    included = page.included.values() if page is not None else ()
    return [flat for flat in included if flat.type == "campaign-message"][:MAX_MESSAGES]


async def _read_messages(reads: AccountReads, page: Page | None) -> list[str]:
    """The campaign's messages in words, each e-mail with its template."""
    messages = _messages_of(page)
    emails = [flat.id for flat in messages if _definition(flat).get("channel") == "email"]
    templates = await run_together(*(_template_reader(reads, id_) for id_ in emails))
    sentences = dict(zip(emails, templates, strict=True))
    return [f"{_message(flat)}{sentences.get(flat.id, '')}" for flat in messages] or [NO_MESSAGE]


def _template_reader(reads: AccountReads, id_: str) -> Callable[[], Any]:
    async def read() -> str:
        more = {"fields[template]": "name"}
        page = await reads.page_or_none(
            "get_campaign_message", campaign_message_id=id_, include=["template"], more=more
        )
        if page is None or not page.records:
            return " Its template could not be read."
        related = page.records[0].related.get("template")
        if related is None or not related.ids:
            return " It has no template yet: it cannot be sent."
        template = page.included.get((related.type, related.ids[0]))
        name = label_of(template) if template is not None else ""
        return f" Template: {quote(name or related.ids[0])}."

    return read


def _definition(message: Record) -> Mapping[str, Any]:
    definition = message.attributes.get("definition")
    return definition if isinstance(definition, Mapping) else message.attributes


def _message(message: Record) -> str:
    definition = _definition(message)
    content = definition.get("content")
    content = content if isinstance(content, Mapping) else {}
    parts = [f"{name} {quote(str(value))}" for name in ("subject", "title", "body") if (value := content.get(name))]
    sender = [f"from {quote(str(value))}" for value in (content.get("from_email"),) if value]
    channel = describe(definition.get("channel") or "unknown")
    return f"Message by {channel}: {', '.join([*parts[:2], *sender]) or 'unknown'}."


# Recipients.


async def _count_recipients(reads: AccountReads, id_: str) -> str:
    """How many people a campaign would reach: counted anew where that is done in time, else as counted last."""
    is_new = await reads.post_or_none("refresh_campaign_recipient_estimation", campaign_id=id_) is not None
    for seconds in ESTIMATION_POLLS if is_new else ():
        job = await reads.page_or_none("get_campaign_recipient_estimation_job", campaign_id=id_)
        if attribute_of(job, "status") == "complete":
            break
        await anyio.sleep(seconds)
    else:
        is_new = False
    count_name = "estimated_recipient_count"
    page = await reads.page_or_none("get_campaign_recipient_estimation", campaign_id=id_, fields=(count_name,))
    count = attribute_of(page, count_name)
    if not isinstance(count, int):
        return "The number of recipients is unknown."
    return f"About {count_noun(count, 'recipient')}{'' if is_new else ', as counted last'}."
