"""Previews of the erasure and the merging of profiles: the people that are lost by it."""

from __future__ import annotations

import json
from typing import Any

from klaviyo_mcp.account.names import any_id
from klaviyo_mcp.account.reads import AccountReads, MissingRecord
from klaviyo_mcp.answers.wording import count_noun, describe, one_line, quote
from klaviyo_mcp.safety.previews.call_preview import CallPreview
from klaviyo_tools.jsonapi.records import Record

IDENTIFIERS = ("id", "email", "phone_number")
FIELDS = ("email", "phone_number", "first_name", "last_name", "created")
MAX_PEOPLE = 5


async def preview_erasure(reads: AccountReads, arguments: Any) -> CallPreview:
    """The profiles that an identifier matches."""
    key = next(name for name in IDENTIFIERS if getattr(arguments.profile, name))
    value = getattr(arguments.profile, key)
    first = f"erase for good every profile whose {key.replace('_', ' ')} is {quote(value)}, with all its data."
    equal = json.dumps(value, ensure_ascii=False)
    page = await reads.page_or_none("get_profiles", filter=f"equals({key},{equal})", fields=FIELDS)
    if page is None:
        return CallPreview((first, "Which profiles these are could not be read."))
    profiles = page.records
    if not profiles:
        return CallPreview((first, "No profile matches now."), {"profiles": []})
    rest = len(profiles) - MAX_PEOPLE
    people = [_person(record, hide=reads.hide) for record in profiles[:MAX_PEOPLE]]
    people += [f"and {rest} more"] if rest > 0 else []
    second = f"It matches {count_noun(len(profiles), 'profile')}: {'; '.join(people)}."
    return CallPreview((first, second), {"profiles": sorted(record.id for record in profiles)})


async def preview_merge(reads: AccountReads, arguments: Any) -> CallPreview:
    """The profile that is kept and the one that is deleted. Raises MissingRecord where one of them is not there."""
    kept_id, deleted_id = arguments.profile_id, arguments.profile_ids[0]
    page = await reads.page_or_none("get_profiles", filter=any_id([kept_id, deleted_id]), fields=FIELDS)
    people = {record.id: _person(record, hide=reads.hide) for record in (page.records if page is not None else ())}
    for argument, id_ in (("profile_id", kept_id), ("profile_ids", deleted_id)):
        if page is not None and id_ not in people:
            raise MissingRecord(argument, "profile")
    words = {id_: people.get(id_) or f"id {describe(id_)} (it could not be read)" for id_ in (kept_id, deleted_id)}
    lines = (
        "merge two profiles into one.",
        f"Kept: {words[kept_id]}.",
        f"Merged into it and deleted: {words[deleted_id]}.",
    )
    return CallPreview(lines, {"profiles": words} if page is not None else {})


def _person(record: Record, *, hide: bool) -> str:
    """A profile in a few words; its id alone where the text of strangers is hidden."""
    attributes = {} if hide else record.attributes
    name = " ".join(str(attributes[part]) for part in ("first_name", "last_name") if attributes.get(part))
    texts = (name, attributes.get("email"), attributes.get("phone_number"))
    created = record.attributes.get("created")
    since = [f"since {one_line(str(created)[:10])}"] if created else []
    identity = f"(id {', '.join([describe(record.id), *since])})"
    return " ".join([*(quote(str(text)) for text in texts if text), identity])
