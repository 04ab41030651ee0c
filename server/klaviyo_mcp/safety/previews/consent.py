"""Previews of consent: the profiles that are subscribed, unsubscribed or suppressed, and through which channels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from klaviyo_mcp.account.reads import AccountReads, attribute_of, require_record
from klaviyo_mcp.answers.wording import count_noun, describe_record
from klaviyo_mcp.safety.previews.call_preview import CallPreview
from klaviyo_mcp.safety.previews.sentences import identifiers
from klaviyo_mcp.safety.previews.stable_attributes import stable_attributes
from klaviyo_tools.jsonapi.records import Page
from klaviyo_tools.registry import resource_type

KINDS = ("marketing", "transactional", "conversational")
"""The kinds of messages that consent is given for."""


async def preview_subscription(reads: AccountReads, arguments: Any) -> CallPreview:
    """Raises MissingRecord where there is no such list."""
    page = await _read_list(reads, arguments.list_id)
    opt_in = attribute_of(page, "opt_in_process")
    if arguments.historical_import:
        confirmation = "Nobody is asked to confirm: the call states that they consented earlier."
    elif opt_in == "double_opt_in":
        confirmation = "Double opt-in: each gets a message first and is subscribed by the click in it."
    elif opt_in == "single_opt_in":
        confirmation = "Single opt-in: they are subscribed at once."
    else:
        confirmation = "Whether they are asked to confirm first is unknown."
    target = f"To the {describe_record('list', page, arguments.list_id)}." if arguments.list_id else "To no list."
    return _consent("subscribe", arguments, page, (target, confirmation))


async def preview_unsubscription(reads: AccountReads, arguments: Any) -> CallPreview:
    """Raises MissingRecord where there is no such list."""
    page = await _read_list(reads, arguments.list_id)
    if arguments.list_id:
        lines: tuple[str, ...] = (
            f"From the {describe_record('list', page, arguments.list_id)}.",
            "Those who are not on it are unsubscribed from all marketing in those channels.",
        )
    else:
        lines = ("No list is given: they are unsubscribed from all marketing in those channels.",)
    return _consent("unsubscribe", arguments, page, lines)


async def _read_list(reads: AccountReads, list_id: str | None) -> Page | None:
    if not list_id:
        return None
    return require_record(
        await reads.page_or_none("get_list", list_id=list_id, fields=("opt_in_process",)), "list_id", "list"
    )


def _consent(verb: str, arguments: Any, page: Page | None, lines: Sequence[str]) -> CallPreview:
    people = arguments.profiles
    first = f"{verb} {count_noun(len(people), 'profile')}: {identifiers(people)}."
    facts = {page.records[0].id: stable_attributes(page.records[0])} if page is not None else {}
    return CallPreview((first, f"Channels: {_channels(people)}.", *lines), facts)


def _channels(people: Sequence[Any]) -> str:
    """`email marketing (3), sms marketing (1)`."""
    counts = Counter(
        f"{channel} {kind}"
        for person in people
        for channel, kinds in person.subscriptions.model_dump(exclude_none=True).items()
        for kind in KINDS
        if kind in kinds
    )
    return ", ".join(f"{name} ({count:,})" for name, count in counts.items())


async def preview_suppression(reads: AccountReads, arguments: Any) -> CallPreview:
    """Raises MissingRecord where there is no such list or segment."""
    outcome = "They get no e-mail marketing from then on, whatever their consent."
    return await _suppression(reads, arguments, "suppress", outcome)


async def preview_unsuppression(reads: AccountReads, arguments: Any) -> CallPreview:
    """Raises MissingRecord where there is no such list or segment."""
    outcome = "They may get e-mail marketing again, unless they bounced or unsubscribed."
    return await _suppression(reads, arguments, "lift the suppression of", outcome)


async def _suppression(reads: AccountReads, arguments: Any, verb: str, outcome: str) -> CallPreview:
    if arguments.profiles:
        people = f"{count_noun(len(arguments.profiles), 'address')}: {identifiers(arguments.profiles)}"
        return CallPreview((f"{verb} {people}.", outcome))
    kind = "list" if arguments.list_id else "segment"
    id_ = arguments.list_id or arguments.segment_id
    query: dict[str, Any] = {f"{kind}_id": id_}
    fields: tuple[str, ...] = resource_type(kind).stable_attributes
    if reads.counts:
        query["additional_fields"], fields = ["profile_count"], (*fields, "profile_count")
    page = require_record(await reads.page_or_none(f"get_{kind}", fields=fields, **query), f"{kind}_id", kind)
    count = count_noun(attribute_of(page, "profile_count"), "profile")
    name = describe_record(kind, page, id_)
    facts = {id_: stable_attributes(page.records[0])} if page is not None else {}
    return CallPreview((f"{verb} all profiles of the {name}: {count}.", outcome), facts)
