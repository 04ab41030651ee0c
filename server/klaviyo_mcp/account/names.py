"""Reads the names of records: all records of a type, or those with given ids, in few requests.

Names come from the collection of the type: by `any(id,[…])` in batches where the collection takes that filter, else
from its newest pages. Types without a collection are read one record at a time, up to a limit.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from klaviyo_mcp.account.reads import attribute_of, run_together
from klaviyo_mcp.answers.values import value_at
from klaviyo_mcp.answers.wording import label_of
from klaviyo_tools.jsonapi.records import Flat

if TYPE_CHECKING:
    from klaviyo_mcp.account.reads import AccountReads

IDS_PER_FILTER = 50
MAX_PAGES_OF_CAMPAIGNS = 3
"""Pages of campaigns, newest first, in which messages are looked for."""
MAX_SINGLE_READS = 10
"""Records whose names are read one at a time."""
CHANNELS: Mapping[str, str] = {"email": "email", "sms": "sms", "push-notification": "mobile_push"}
"""A channel as reports name it -> as the filter of get_campaigns takes it."""


class NamedRecord(NamedTuple):
    """A record by its name; the name is empty where it has none."""

    id: str
    name: str


FoundNames = dict[str, str]
"""Id -> name, filled while pages come, so that a failure keeps the names read before it."""


async def read_all(reads: AccountReads, type_: str, found: list[NamedRecord]) -> None:
    """Add the records of a type to `found` while pages come. Raises KlaviyoMcpError."""

    async def add(records: AsyncIterator[Flat]) -> None:
        async for flat in records:
            found.append(NamedRecord(flat.id, label_of(flat)))

    if type_ == "campaign":
        filters = [by_channel(channel) for channel in CHANNELS.values()]
        newest = (reads.records("get_campaigns", filter=one, sort="-updated_at") for one in filters)
        await run_together(*(partial(add, records) for records in newest))
    else:
        await add(reads.records(reads.registry.collection_of_type(type_).name))


async def read_names(
    reads: AccountReads, kind: str, ids: Sequence[str], found: FoundNames, channels: Collection[str] = ()
) -> None:
    """Put the names of these ids into `found`, as far as there are any.

    Args:
        kind: The type of the records; also `message` (of campaigns or flows) and `form version`.
        channels: The channels that campaigns are known to use, as reports name them; none is any.

    Raises:
        KlaviyoMcpError: A read failed. The names that were read before stay in `found`.
    """
    match kind:
        case "campaign":
            await _campaign_names(reads, ids, channels, found)
        case "message":
            await _message_names(reads, ids, found)
        case "form version":
            await _form_version_names(reads, ids, found)
        case _:
            await _record_names(reads, kind, ids, found)


async def _add_names(records: AsyncIterator[Flat], found: FoundNames) -> None:
    async for flat in records:
        found[flat.id] = label_of(flat)


async def _record_names(reads: AccountReads, type_: str, ids: Sequence[str], found: FoundNames) -> None:
    collection = reads.registry.collection_of_type(type_)
    if "any" not in collection.reading.filter.get("id", "").split():
        await _add_names(reads.records(collection.name), found)
        return
    for batch in _batches(ids):
        await _add_names(reads.records(collection.name, filter=any_id(batch)), found)


async def _campaign_names(
    reads: AccountReads, ids: Sequence[str], channels: Collection[str], found: FoundNames
) -> None:
    known = [CHANNELS[channel] for channel in CHANNELS if channel in channels]
    for channel in known or CHANNELS.values():
        for batch in _batches([id_ for id_ in ids if id_ not in found]):
            await _add_names(reads.records("get_campaigns", filter=f"{by_channel(channel)},{any_id(batch)}"), found)


async def _message_names(reads: AccountReads, ids: Sequence[str], found: FoundNames) -> None:
    """Name messages of campaigns by their campaign, and those of flows by themselves.

    Klaviyo has no collection of messages: campaigns are read with the ids of theirs, then flow messages one at a time.
    """
    ids_only = {"fields[campaign-message]": "definition.channel"}
    for channel in CHANNELS.values():
        if all(id_ in found for id_ in ids):
            return
        campaigns = reads.records(
            "get_campaigns",
            ids_only,
            max_pages=MAX_PAGES_OF_CAMPAIGNS,
            filter=by_channel(channel),
            include=["campaign-messages"],
            sort="-created_at",
        )
        async for campaign in campaigns:
            messages = campaign.related.get("campaign-messages")
            found.update(dict.fromkeys(messages.ids if messages else (), label_of(campaign)))

    async def read_message(id_: str) -> None:
        page = await reads.one("get_flow_message", flow_message_id=id_)
        label = value_at(attribute_of(page, "definition"), ("name",))
        found[id_] = _text(label) or _text(attribute_of(page, "name"))

    await _read_singly([id_ for id_ in ids if id_ not in found], read_message)


async def _form_version_names(reads: AccountReads, ids: Sequence[str], found: FoundNames) -> None:
    async def read_version(id_: str) -> None:
        page = await reads.one("get_form_version", form_version_id=id_)
        found[id_] = _text(attribute_of(page, "variation_name"))

    await _read_singly(ids, read_version)


async def _read_singly(ids: Sequence[str], read: Callable[[str], Awaitable[None]]) -> None:
    await run_together(*(partial(read, id_) for id_ in ids[:MAX_SINGLE_READS]))


def by_channel(channel: str) -> str:
    """The filter for campaigns of a channel."""
    return f'equals(messages.channel,"{channel}")'


def any_id(ids: Iterable[str]) -> str:
    """The filter for records with these ids."""
    return f"any(id,{json.dumps(list(ids), ensure_ascii=False, separators=(',', ':'))})"


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + IDS_PER_FILTER] for start in range(0, len(ids), IDS_PER_FILTER))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
