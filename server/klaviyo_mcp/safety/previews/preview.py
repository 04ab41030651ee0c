"""What a call is about to do, to what and to how many: what a person reads before they agree.

What cannot be read is said to be unknown, and fails nothing; but nobody is asked about what is known not to be there,
or not to be in a state that allows it: such a call is refused. Names come from the account or from
strangers: each is cleaned, kept to one line and quoted, so that none can pass for words of ours.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from klaviyo_mcp.account.reads import AccountReads, MissingRecord, attribute_of, require_record, run_together
from klaviyo_mcp.answers.wording import (
    count_noun,
    in_words,
    label_of,
    list_names,
    name_thing,
    one_line,
    quoted,
    singular,
)
from klaviyo_mcp.errors import KlaviyoMcpError, NotFoundError
from klaviyo_mcp.safety.previews import sends
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.jsonapi.records import Flat, Page
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.request import Service

PreviewLines = Callable[[AccountReads, Any], Awaitable[list[str]]]
"""Lines of a preview, from the reads and the checked arguments; the first says what will happen.

Raises Absent, or a KlaviyoMcpError, where the call cannot succeed.
"""

logger = logging.getLogger(__name__)

LINE_CHARACTERS = 400
MAX_LINES = 12
_CONSEQUENCES: Mapping[Effect, str] = {
    Effect.DELETE: "This cannot be taken back.",
    Effect.IRREVERSIBLE: "This cannot be taken back.",
}
_MENDED = ("delete_connection",)
"""Deletes that a person can make good, and whose preview tells how."""
_PERSON = ("email", "phone_number", "first_name", "last_name", "created")


async def preview_text(
    reads: AccountReads, operation: Operation, arguments: Arguments, account: Callable[[], Awaitable[str]]
) -> str:
    """The preview of a call: its account, what will happen, to how many. `account` tells the account's name.

    Raises NotFoundError where what the call acts on is not there, ConfirmationError where its state forbids the call.
    """
    if operation.service is Service.MATON:
        lines, head = await _lines(reads, operation, arguments), "Maton"
    else:
        lines, name = await run_together(lambda: _lines(reads, operation, arguments), account)
        head = f"Klaviyo account {quoted(name)}"
    consequence = None if operation.name in _MENDED else _CONSEQUENCES.get(operation.effect_of(arguments))
    lines = [*lines[:MAX_LINES], *([consequence] if consequence else [])]
    return "\n".join(one_line(text, LINE_CHARACTERS) for text in [f"{head}: {lines[0]}", *lines[1:]])


async def _lines(reads: AccountReads, operation: Operation, arguments: Arguments) -> list[str]:
    told: PreviewLines = PREVIEWS.get(operation.name) or _plainly(operation, reads)
    try:
        return await told(reads, arguments)
    except MissingRecord as absent:
        detail = f"{absent.argument}: {absent}; nothing was changed"
        raise NotFoundError(operation.name, arguments=(absent.argument,), detail=detail) from None
    except KlaviyoMcpError:
        raise
    except Exception:  # an answer of a shape that nobody expected
        logger.exception("no preview of %s", operation.name)
        return [f"{operation.title.lower()}; what exactly that does could not be read."]


# From the declaration, for what is not in the table.


def _plainly(operation: Operation, reads: AccountReads) -> PreviewLines:
    """The thing in the operation's path by name, and the arguments."""
    if operation.effect is Effect.DELETE and (read := reads.plain(operation)):
        return _delete(read.name)

    async def tell(reads: AccountReads, arguments: Any) -> list[str]:
        ids = operation.path_ids
        given = {name: value for name, value in arguments.model_dump(exclude_unset=True).items() if name not in ids}
        head = operation.title.lower()
        if ids:
            head += f": {await _subject(reads, operation, getattr(arguments, ids[-1]))}"
        return [f"{head}.", *([f"Given: {in_words(given)}"] if given else [])]

    return tell


async def _subject(reads: AccountReads, operation: Operation, id_: str) -> str:
    read = reads.plain(operation)
    if read is None:
        return f"id {in_words(id_)}"
    page = await reads.one(read.name, **{read.path_ids[-1]: id_})
    kind = singular(read.resource)
    return name_thing(kind, require_record(page, operation.path_ids[-1], kind), id_)


# Deletes.


def _delete(read: str, *facts: str, include: Sequence[str] = (), additional: Sequence[str] = ()) -> PreviewLines:
    """The thing's name, these attributes of it, how many profiles it holds, and what is joined to it."""

    async def tell(reads: AccountReads, arguments: Any) -> list[str]:
        operation = reads.operation(read)
        key = operation.path_ids[-1]
        id_ = getattr(arguments, key)
        asked = {"include": list(include), "additional_fields": list(additional)}
        page = await reads.one(
            read, fields=(*facts, *additional), **{key: id_, **{name: value for name, value in asked.items() if value}}
        )
        kind = singular(operation.resource)
        lines = [f"delete the {name_thing(kind, require_record(page, key, kind), id_)}."]
        facts_told = [
            f"{fact.replace('_', ' ')}: {in_words(value)}" for fact in facts if (value := attribute_of(page, fact))
        ]
        lines += [f"{facts_told[0][0].upper()}{', '.join(facts_told)[1:]}."] if facts_told else []
        if "profile_count" in additional:
            held = attribute_of(page, "profile_count")
            stay = "stays" if held == 1 else "stay"
            lines.append(f"It holds {count_noun(held, 'profile')}, which {stay} in the account.")
        return [*lines, *(told for name in include for told in _joined(page, name))]

    return tell


_JOINED = {
    "flow-triggers": "It triggers",
    "flow-actions": "It has",
    "tags": "It carries",
    "variants": "It has",
    "campaign-messages": "It has",
}


def _joined(page: Page | None, name: str) -> list[str]:
    flat = page.records[0] if page is not None and page.records else None
    related = flat.related.get(name) if flat is not None else None
    if page is None or related is None or not related.ids:
        return []
    records = (page.included.get((related.type, id_)) for id_ in related.ids)
    names = [
        told for record in records if record is not None and record.type != "flow-action" if (told := label_of(record))
    ]
    count = count_noun(len(related.ids), singular(related.type))
    return [f"{_JOINED[name]} {count}{f': {list_names(names)}' if names else ''}."]


async def _delete_tag(reads: AccountReads, arguments: Any) -> list[str]:
    id_ = arguments.tag_id
    kinds = ("campaigns", "flows", "lists", "segments")

    def counting(kind: str) -> Callable[[], Awaitable[int | None]]:
        return lambda: reads.count_linked("get_tag", f"/api/tags/{id_}/relationships/{kind}")

    page, *counts = await run_together(lambda: reads.one("get_tag", tag_id=id_), *(counting(kind) for kind in kinds))
    require_record(page, "tag_id", "tag")
    on = [count_noun(count, kind[:-1]) for kind, count in zip(kinds, counts, strict=True) if count != 0]
    return [f"delete the {name_thing('tag', page, id_)}.", f"It is on {', '.join(on)}." if on else "It is on nothing."]


async def _delete_tag_group(reads: AccountReads, arguments: Any) -> list[str]:
    id_ = arguments.tag_group_id
    page, tags = await run_together(
        lambda: reads.one("get_tag_group", tag_group_id=id_),
        lambda: reads.rows("get_tags_for_tag_group", tag_group_id=id_),
    )
    require_record(page, "tag_group_id", "tag group")
    names = [label_of(tag) or tag.id for tag in tags or ()]
    held = count_noun(None if tags is None else len(names), "tag")
    return [
        f"delete the {name_thing('tag group', page, id_)}.",
        f"With it go {held}, also from everything that has them{f': {list_names(names)}' if names else ''}.",
    ]


def _delete_many(ids: str, noun: str) -> PreviewLines:
    async def tell(reads: AccountReads, arguments: Any) -> list[str]:
        given = getattr(arguments, ids)
        return [f"delete {count_noun(len(given), noun)}: {list_names([getattr(one, 'id', one) for one in given])}."]

    return tell


async def _disconnect(reads: AccountReads, arguments: Any) -> list[str]:
    id_ = arguments.connection_id
    page = require_record(await reads.one("get_connection", connection_id=id_), "connection_id", "connection")
    facts = [f"status {in_words(attribute_of(page, 'status') or 'unknown')}"]
    facts += [f"made {in_words(made)}"] if (made := attribute_of(page, "creation_time")) else []
    return [
        f"disconnect the Klaviyo connection {quoted(id_)} ({', '.join(facts)}).",
        "Nothing more can be done in its account from here until a person authorizes a new connection; its data stay.",
    ]


# People.


def _person(flat: Flat, reads: AccountReads) -> str:
    """A profile in a few words; under KLAVIYO_MCP_USER_CONTENT=hide by its id alone."""
    held = {} if reads.hide else flat.attributes
    name = " ".join(str(held[part]) for part in ("first_name", "last_name") if held.get(part))
    facts = [quoted(str(text)) for text in (name, held.get("email"), held.get("phone_number")) if text]
    since = [f"since {one_line(str(created)[:10])}"] if (created := flat.attributes.get("created")) else []
    return " ".join([*facts, f"(id {', '.join([in_words(flat.id), *since])})"])


async def _erase(reads: AccountReads, arguments: Any) -> list[str]:
    who = arguments.profile
    key = next(name for name in ("id", "email", "phone_number") if getattr(who, name))
    value = getattr(who, key)
    found = await reads.rows("get_profiles", filter=f"equals({key},{sends.quote_text(value)})", fields=_PERSON)
    head = f"erase for good every profile whose {key.replace('_', ' ')} is {quoted(value)}, with all its data."
    if found is None:
        return [head, "Which profiles these are is unknown."]
    people = "; ".join(_person(flat, reads) for flat in found[:5])
    return [head, f"That is {count_noun(len(found), 'profile')}: {people}." if found else "There is none such now."]


async def _merge(reads: AccountReads, arguments: Any) -> list[str]:
    stays, goes = arguments.profile_id, arguments.profile_ids[0]
    found = await reads.rows("get_profiles", filter=sends.any_id([stays, goes]), fields=_PERSON)
    people = {flat.id: _person(flat, reads) for flat in found or ()}
    for argument, id_ in (("profile_id", stays), ("profile_ids", goes)):
        if found is not None and id_ not in people:
            raise MissingRecord(argument, "profile")
    told = {id_: people.get(id_) or f"id {in_words(id_)} (who that is, is unknown)" for id_ in (stays, goes)}
    return [
        "merge two profiles into one.",
        f"The one that stays: {told[stays]}.",
        f"The one that is merged into it and deleted: {told[goes]}.",
    ]


PREVIEWS: Mapping[str, PreviewLines] = {
    "delete_list": _delete("get_list", include=("flow-triggers", "tags"), additional=("profile_count",)),
    "delete_segment": _delete("get_segment", include=("flow-triggers", "tags"), additional=("profile_count",)),
    "delete_campaign": _delete("get_campaign", "status", "send_time", include=("campaign-messages", "tags")),
    "delete_flow": _delete("get_flow", "status", "trigger_type", include=("flow-actions", "tags")),
    "delete_template": _delete("get_template", "editor_type"),
    "delete_catalog_item": _delete("get_catalog_item", "external_id", include=("variants",)),
    "delete_catalog_variant": _delete("get_catalog_variant", "external_id", "sku"),
    "delete_coupon": _delete("get_coupon", "description"),
    "delete_coupon_code": _delete("get_coupon_code", "status"),
    "delete_form": _delete("get_form", "status"),
    "delete_webhook": _delete("get_webhook", "endpoint_url"),
    "delete_web_feed": _delete("get_web_feed", "url"),
    "delete_tag": _delete_tag,
    "delete_tag_group": _delete_tag_group,
    "delete_connection": _disconnect,
    "bulk_delete_catalog_items": _delete_many("catalog_item_ids", "catalog item"),
    "bulk_delete_catalog_variants": _delete_many("catalog_variant_ids", "catalog variant"),
    "bulk_delete_catalog_categories": _delete_many("catalog_category_ids", "catalog category"),
    "request_profile_deletion": _erase,
    "merge_profiles": _merge,
    **sends.PREVIEWS,
}
"""Operation -> what it is about to do; one that is not here is told from its declaration."""
