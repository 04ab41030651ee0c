"""Previews of campaigns: the messages that go out, the audiences, the time, and the number of recipients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import anyio

from klaviyo_mcp.account.names import IDS_PER_FILTER, any_id
from klaviyo_mcp.account.reads import AccountReads, attribute_of, require_record, run_together
from klaviyo_mcp.answers.wording import count_noun, describe, describe_record, label_of, quote
from klaviyo_mcp.errors import ConfirmationError, KlaviyoMcpError
from klaviyo_mcp.safety.previews import records
from klaviyo_mcp.safety.previews.call_preview import CallPreview
from klaviyo_mcp.safety.previews.stable_attributes import stable_attributes
from klaviyo_tools.jsonapi.records import Page, Record
from klaviyo_tools.registry import resource_type

ESTIMATION_POLLS = (0.1, 0.2, 0.4, 0.8, 1.6, 0.0)
"""Seconds to wait after each read of the job that counts the recipients."""
MAX_AUDIENCES = 60
"""Lists and segments of one side that are named; Klaviyo takes far fewer."""
AUDIENCES_PER_LINE = 10
MAX_MESSAGES = 12
SIDES = ("included", "excluded")
FACTS = ("name", *resource_type("campaign").stable_attributes)
"""The attributes of a campaign that its previews rest on."""
NEXT_STEPS = {
    "sent": "To send it anew, copy it with create_campaign_clone and send the copy.",
    "cancelled": "To send it anyway, copy it with create_campaign_clone and send the copy.",
    "scheduled": "cancel_campaign_send with action=revert makes it a draft again.",
}
"""Status of a campaign that cannot be sent -> what to do instead."""
NO_MESSAGE = "Message: unknown."


async def preview_change(reads: AccountReads, arguments: Any) -> CallPreview:
    """What an update changes, and the new audiences by name. Raises MissingRecord where there is no such campaign."""
    operation = reads.registry["update_campaign"]
    if arguments.audiences is None:
        return await records.preview_record(reads, operation, arguments)
    given = arguments.audiences.model_dump(exclude_none=True)
    preview: CallPreview
    preview, audiences = await run_together(
        partial(records.preview_record, reads, operation, arguments), partial(_name_audiences, reads, given)
    )
    lines = [f"From then on {line[0].lower()}{line[1:]}" for line in _audience_lines(audiences, tuple(given))]
    return replace(preview, lines=(*preview.lines, *lines), facts={**preview.facts, "groups": audiences.facts})


async def preview_send(reads: AccountReads, arguments: Any) -> CallPreview:
    """Raises MissingRecord where there is no such campaign, ConfirmationError where it is no draft."""
    id_ = arguments.campaign_id

    async def read_draft() -> tuple[Page | None, Audiences, list[Template]]:
        page = await _read_campaign(reads, id_)
        _require_draft(page, id_)
        audiences, templates = await run_together(
            lambda: _read_audiences(reads, page), lambda: _read_templates(reads, page)
        )
        return page, audiences, templates

    (page, audiences, templates), recipients = await run_together(read_draft, lambda: _count_recipients(reads, id_))
    time = _sending_time(attribute_of(page, "send_strategy"))
    lines = [
        f"send the {describe_record('campaign', page, id_)} to real recipients{time}.",
        f"Status: {_status(page)}. {recipients}",
        *_message_lines(page, templates),
        *_audience_lines(audiences),
    ]
    return CallPreview(tuple(lines), _facts(page, audiences, templates))


async def preview_stop(reads: AccountReads, arguments: Any) -> CallPreview:
    """Raises MissingRecord where there is no such campaign."""
    id_ = arguments.campaign_id
    page = await _read_campaign(reads, id_)
    audiences = await _read_audiences(reads, page)
    outcome = "for good" if arguments.action == "cancel" else "and make it a draft again"
    lines = [
        f"stop sending the {describe_record('campaign', page, id_)} {outcome}.",
        f"Status: {_status(page)}. Recipients who already got it keep it.",
        *_message_lines(page),
        *_audience_lines(audiences, ("included",)),
    ]
    return CallPreview(tuple(lines), _facts(page, audiences))


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


def _facts(page: Page | None, audiences: Audiences, templates: Sequence[Template] = ()) -> dict[str, Any]:
    if page is None:
        return {}
    return {
        **{name: attribute_of(page, name) for name in FACTS},
        "groups": audiences.facts,
        "messages": {record.id: stable_attributes(record) for record in _messages_of(page)},
        "templates": {id_: template.facts for id_, template in zip(_emails_of(page), templates, strict=False)},
    }


# Audiences.


class Audiences(NamedTuple):
    """The lists and segments of a campaign.

    Attributes:
        words: Side -> each of its lists and segments in words.
        facts: Id -> the kind of the group, and what defines it.
    """

    words: Mapping[str, Sequence[str]]
    facts: Mapping[str, Any]


async def _read_audiences(reads: AccountReads, page: Page | None) -> Audiences:
    return await _name_audiences(reads, attribute_of(page, "audiences"))


async def _name_audiences(reads: AccountReads, audiences: Any) -> Audiences:
    ids = {side: _audience_ids(audiences, side) for side in SIDES}
    groups = await _read_groups(reads, [id_ for side in SIDES for id_ in ids[side]])
    words = {side: [_group_words(id_, groups.get(id_)) for id_ in ids[side]] for side in SIDES}
    return Audiences(words, {id_: [record.type, stable_attributes(record)] for id_, record in groups.items()})


def _audience_lines(audiences: Audiences, sides: Sequence[str] = SIDES) -> list[str]:
    """Whom a campaign goes to and whom not, some on each line."""
    lines = []
    for side, beginning in zip(SIDES, ("To", "Not to"), strict=True):
        words = audiences.words[side]
        if side not in sides or (not words and side == "excluded"):
            continue
        rest = len(words) - MAX_AUDIENCES
        shown = [*words[:MAX_AUDIENCES], *([f"and {rest} more"] if rest > 0 else [])] or ["unknown"]
        for start in range(0, len(shown), AUDIENCES_PER_LINE):
            also = " also" if start else ""
            lines.append(f"{beginning}{also}: {', '.join(shown[start : start + AUDIENCES_PER_LINE])}.")
    return lines


def _audience_ids(audiences: Any, side: str) -> list[str]:
    ids = audiences.get(side) if isinstance(audiences, Mapping) else None
    return [str(id_) for id_ in ids] if isinstance(ids, list) else []


async def _read_groups(reads: AccountReads, ids: Sequence[str]) -> dict[str, Record]:
    """The lists and segments of these ids. Klaviyo does not say which of both an id is: both are read."""
    groups: dict[str, Record] = {}

    async def read(kind: str, some_ids: Sequence[str]) -> None:
        collection, fields = reads.registry.collections[kind], resource_type(kind).stable_attributes
        try:
            async for record in reads.records(collection.name, fields=fields, filter=any_id(some_ids)):
                groups[record.id] = record
        except KlaviyoMcpError:
            return  # those groups stay unknown

    unique = list(dict.fromkeys(ids))
    batches = [unique[start : start + IDS_PER_FILTER] for start in range(0, len(unique), IDS_PER_FILTER)]
    await run_together(*(partial(read, kind, batch) for kind in ("list", "segment") for batch in batches))
    return groups


def _group_words(id_: str, group: Record | None) -> str:
    """`list "Newsletter"` or `segment "VIP"`."""
    if group is None:
        return f"id {describe(id_)} (its name is unknown)"
    return f"{group.type} {quote(label_of(group) or id_)}"


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


class Template(NamedTuple):
    """The template of one e-mail: a sentence about it, and its facts."""

    sentence: str
    facts: Any


def _messages_of(page: Page | None) -> list[Record]:
    included = page.included.values() if page is not None else ()
    return [record for record in included if record.type == "campaign-message"]


def _emails_of(page: Page | None) -> list[str]:
    return [record.id for record in _messages_of(page) if _definition(record).get("channel") == "email"]


def _message_lines(page: Page | None, templates: Sequence[Template] = ()) -> list[str]:
    """The campaign's messages in words, each e-mail with its template where that was read."""
    messages = _messages_of(page)
    sentences = {id_: template.sentence for id_, template in zip(_emails_of(page), templates, strict=False)}
    lines = [f"{_message(record)}{sentences.get(record.id, '')}" for record in messages[:MAX_MESSAGES]]
    rest = len(messages) - MAX_MESSAGES
    return [*lines, *([f"And {count_noun(rest, 'more message')}."] if rest > 0 else [])] or [NO_MESSAGE]


async def _read_templates(reads: AccountReads, page: Page | None) -> list[Template]:
    """The templates of the campaign's e-mails, in their order."""
    return await run_together(*(partial(_read_template, reads, id_) for id_ in _emails_of(page)))


async def _read_template(reads: AccountReads, id_: str) -> Template:
    more = {"fields[template]": "name,updated"}
    page = await reads.page_or_none("get_campaign_message", campaign_message_id=id_, include=["template"], more=more)
    if page is None or not page.records:
        return Template(" Its template could not be read.", None)
    related = page.records[0].related.get("template")
    if related is None or not related.ids:
        return Template(" It has no template yet: it cannot be sent.", [])
    template = page.included.get((related.type, related.ids[0]))
    name = label_of(template) if template is not None else ""
    facts = [related.ids[0], stable_attributes(template) if template is not None else {}]
    return Template(f" Template: {quote(name or related.ids[0])}.", facts)


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
    if not reads.counts:
        return ""
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
