"""Reads the names of records: of all records of a type, or of those with given ids, in few requests.

Names come from the collection of the type: by `any(id,[…])` in batches where the collection takes that filter, else
from its pages. A type without a collection is read one record at a time, up to a limit.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from klaviyo_mcp.account.reads import attribute_of, run_together
from klaviyo_mcp.answers.values import value_at
from klaviyo_mcp.answers.wording import label_of
from klaviyo_tools.jsonapi.records import Record
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.registry import resource_type

if TYPE_CHECKING:
    from klaviyo_mcp.account.reads import AccountReads

IDS_PER_FILTER = 50
MAX_PAGES_OF_CAMPAIGNS = 3
"""Pages of campaigns, newest first, in which messages are looked for."""
MAX_SINGLE_READS = 10
"""Records whose names are read one at a time."""
MESSAGE = "message"
"""The kind of a message of a campaign or of a flow: reports do not say which of both an id is."""
DATES = ("updated_at", "updated", "created_at", "created")
"""The attributes by which a collection is sorted to read its newest records first."""


class NamedRecord(NamedTuple):
    """A record by its name; the name is empty where it has none."""

    id: str
    name: str


Names = dict[str, str]
"""Id -> name, filled while pages come, so that a failure keeps the names read before it."""


async def read_all(reads: AccountReads, type_: str, records: list[NamedRecord]) -> None:
    """Add the records of a type to `records` while pages come, newest first. Raises KlaviyoMcpError."""
    collection = reads.registry.collections[type_]

    async def add(filter_: str | None) -> None:
        arguments: dict[str, Any] = {**({"filter": filter_} if filter_ else {}), **_newest_first(collection)}
        async for record in reads.records(collection.name, **arguments):
            records.append(NamedRecord(record.id, label_of(record)))

    await run_together(*(partial(add, filter_) for filter_ in _part_filters(collection)))


async def read_names(
    reads: AccountReads, kind: str, ids: Sequence[str], names: Names, channels: Collection[str] = ()
) -> None:
    """Put the names of these ids into `names`, as far as there are any.

    Args:
        kind: The type of the records, or `message` for messages of campaigns and flows alike.
        channels: The channels that campaigns are known to use, as reports write them; none for any.

    Raises:
        KlaviyoMcpError: A read failed. The names that were read before stay in `names`.
    """
    if kind == MESSAGE:
        await _message_names(reads, ids, names)
    elif (collection := reads.registry.collections.get(kind)) is not None:
        await _collection_names(reads, collection, ids, names, channels)
    else:
        await _single_names(reads, reads.registry.record_reads[kind], ids, names)


async def _collection_names(
    reads: AccountReads, collection: Operation, ids: Sequence[str], names: Names, channels: Collection[str]
) -> None:
    by_ids = "any" in collection.reading.filter.get("id", "").split()
    for part in _part_filters(collection, channels):
        missing = [id_ for id_ in ids if id_ not in names]
        for batch in _batches(missing) if by_ids else [()]:
            filters = [part, any_id(batch) if by_ids else None]
            filter_ = ",".join(one for one in filters if one)
            arguments: dict[str, Any] = {"filter": filter_} if filter_ else {}
            await _add_names(reads.records(collection.name, **arguments), names)


async def _add_names(records: AsyncIterator[Record], names: Names) -> None:
    async for record in records:
        names[record.id] = label_of(record)


async def _single_names(reads: AccountReads, read: Operation, ids: Sequence[str], names: Names) -> None:
    """Name records by the first attribute of their label: the others say what a record is, not which."""
    path = resource_type(read.resource).label[0].split(".")

    async def read_name(id_: str) -> None:
        page = await reads.page_or_none(read.name, **{read.path_ids[-1]: id_})
        record = page.records[0] if page is not None and page.records else None
        names[id_] = _text(value_at(record.attributes, path)) if record is not None else ""

    await _read_singly(ids, read_name)


async def _message_names(reads: AccountReads, ids: Sequence[str], names: Names) -> None:
    """Name messages of campaigns by their campaign, and those of flows by themselves.

    Klaviyo has no collection of messages: campaigns are read with the ids of theirs, then flow messages one at a time.
    """
    campaigns, flow_message = reads.registry.collections["campaign"], reads.registry.record_reads["flow-message"]
    ids_only = {"fields[campaign-message]": "definition.channel"}
    for part in _part_filters(campaigns):
        if all(id_ in names for id_ in ids):
            return
        newest = reads.records(
            campaigns.name,
            ids_only,
            max_pages=MAX_PAGES_OF_CAMPAIGNS,
            filter=part,
            include=["campaign-messages"],
            sort="-created_at",
        )
        async for campaign in newest:
            messages = campaign.related.get("campaign-messages")
            names.update(dict.fromkeys(messages.ids if messages else (), label_of(campaign)))

    async def read_message(id_: str) -> None:
        page = await reads.page_or_none(flow_message.name, **{flow_message.path_ids[-1]: id_})
        label = value_at(attribute_of(page, "definition"), ("name",))
        names[id_] = _text(label) or _text(attribute_of(page, "name"))

    await _read_singly([id_ for id_ in ids if id_ not in names], read_message)


async def _read_singly(ids: Sequence[str], read: Callable[[str], Awaitable[None]]) -> None:
    await run_together(*(partial(read, id_) for id_ in ids[:MAX_SINGLE_READS]))


def _part_filters(collection: Operation, report_values: Collection[str] = ()) -> list[str | None]:
    """The filter of each part of a collection, of the parts that reports name alone; None where it is read whole."""
    parts = collection.reading.parts
    if parts is None:
        return [None]
    values = {parts.report_names.get(value, value) for value in report_values}
    chosen = [value for value in parts.values if value in values] or parts.values
    return [f"equals({parts.filter_field},{json.dumps(value)})" for value in chosen]


def _newest_first(collection: Operation) -> dict[str, str]:
    date = next((name for name in DATES if name in collection.reading.sort), None)
    return {"sort": f"-{date}"} if date else {}


def any_id(ids: Iterable[str]) -> str:
    """The filter for records with these ids."""
    return f"any(id,{json.dumps(list(ids), ensure_ascii=False, separators=(',', ':'))})"


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + IDS_PER_FILTER] for start in range(0, len(ids), IDS_PER_FILTER))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
