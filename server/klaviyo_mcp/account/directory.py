"""Ids -> names: what campaigns, flows, forms, segments, tags and metrics are called, kept for minutes.

Names are read in few requests: by `any(id,[…])` in batches where the collection takes that, from its whole list
otherwise. A name that cannot be read is no failure: the id stands alone.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio

from klaviyo_mcp.account.reads import attribute_of, run_together
from klaviyo_mcp.answers.pages import read_pages
from klaviyo_mcp.answers.values import value_at
from klaviyo_mcp.errors import KlaviyoMcpError, UpstreamError
from klaviyo_tools.arguments.errors import ArgumentsError
from klaviyo_tools.arguments.spelling import nearest
from klaviyo_tools.jsonapi.records import EMPTY, DocumentError, Flat, Page
from klaviyo_tools.operation.facts import OLDEST_REVISION

if TYPE_CHECKING:
    from klaviyo_mcp.account.reads import AccountReads

CACHE_SECONDS = 600.0
"""Seconds for which a name is kept, and that an id has none."""
FAILURE_CACHE_SECONDS = 30.0
"""Seconds after which what could not be read is tried again."""
IDS_PER_FILTER = 50
"""Ids in one filter."""
MAX_PAGES = 10
"""Pages that are read of one collection for its names."""
MAX_LISTED_PAGES = 3
"""Of those, where a whole list is read, newest first."""
MAX_SINGLE_READS = 10
"""Things whose name is read one by one."""
CHANNELS: Mapping[str, str] = {"email": "email", "sms": "sms", "push-notification": "mobile_push"}
"""A channel as reports write it -> as campaigns are asked for by it."""

Clock = Callable[[], float]


class AccountFacts(NamedTuple):
    """What reports need of the account; empty where it could not be read."""

    timezone: str = ""
    currency: str = ""


class Metric(NamedTuple):
    """A metric; its name is shared where several integrations have it."""

    id: str
    name: str
    integration: str


@dataclass
class _Shelf:
    """Names of one kind, and until when they hold."""

    names: dict[str, str] = field(default_factory=dict)
    until: dict[str, float] = field(default_factory=dict)


@dataclass
class Directory:
    """The names of one account. `account_key` tells when it is another; `clock` is in seconds."""

    reads: AccountReads
    account_key: Callable[[], str] = str
    clock: Clock = anyio.current_time
    _key: str = ""
    _shelves: dict[str, _Shelf] = field(default_factory=dict)
    _metrics: Sequence[Metric] | None = None
    _metrics_until: float = 0.0
    _account: AccountFacts = field(default_factory=AccountFacts)
    _account_until: float = 0.0
    _reading: anyio.Lock = field(default_factory=anyio.Lock)
    _asking: anyio.Lock = field(default_factory=anyio.Lock)

    async def account(self) -> AccountFacts:
        """The account's timezone and currency. Never fails."""
        async with self._asking:
            self._same_account()
            if self.clock() >= self._account_until:
                found = await self.reads.rows("get_accounts", fields=("timezone", "preferred_currency"))
                told = found[0].attributes if found else {}
                self._account = AccountFacts(_text(told.get("timezone")), _text(told.get("preferred_currency")))
                self._account_until = self.clock() + (CACHE_SECONDS if found else FAILURE_CACHE_SECONDS)
        return self._account

    async def metrics(self) -> Sequence[Metric]:
        """All metrics. Raises KlaviyoMcpError where they cannot be read."""
        async with self._reading:
            self._same_account()
            if self._metrics is None or self.clock() >= self._metrics_until:
                found = [flat async for flat in self.all("get_metrics", fields=("integration.name",))]
                self._metrics = [
                    Metric(flat.id, _text(flat.attributes.get("name")), _text(value_at(flat.attributes, _INTEGRATION)))
                    for flat in found
                ]
                self._metrics_until = self.clock() + CACHE_SECONDS
        return self._metrics

    async def metric(self, given: str, argument: str) -> str:
        """The id of the metric of this id or exact name. Raises ArgumentsError where that is none, or several."""
        text = given.strip()
        if _is_id(text) and not self._metrics:
            return text
        try:
            metrics = await self.metrics()
        except KlaviyoMcpError:
            if _may_be_id(text):
                return text
            raise
        if any(metric.id == text for metric in metrics):
            return text
        found = [metric for metric in metrics if metric.name == text]
        found = found or [metric for metric in metrics if metric.name.casefold() == text.casefold()]
        if len(found) == 1:
            return found[0].id
        if found:
            several = ", ".join(f"{one.id} ({one.integration or 'no integration'})" for one in found[:8])
            raise ArgumentsError(f"{argument}: {len(found)} metrics are called {text[:60]!r}: give one's id, {several}")
        if _may_be_id(text):
            return text
        close = nearest(text, {metric.name for metric in metrics})
        hint = f"did you mean {' or '.join(map(repr, close))}?" if close else "get_metrics lists them"
        raise ArgumentsError(f"{argument}: no metric is called {text[:60]!r}; {hint}")

    async def metric_name(self, id_: str) -> str:
        """The name of a metric, empty where it is unknown. Never fails."""
        try:
            return next((metric.name for metric in await self.metrics() if metric.id == id_), "")
        except KlaviyoMcpError:
            return ""

    async def of(self, kind: str, ids: Iterable[str], channels: Collection[str] = ()) -> Mapping[str, str]:
        """The names of these ids, as far as there are any. Never fails.

        `channels` are those that campaigns are known to go by, as reports write them.
        """
        self._same_account()
        shelf = self._shelves.setdefault(kind, _Shelf())
        wanted = dict.fromkeys(id_ for id_ in ids if id_)
        missing = [id_ for id_ in wanted if shelf.until.get(id_, 0.0) <= self.clock()]
        if missing:
            found: dict[str, str] = {}
            until = self.clock() + CACHE_SECONDS
            try:
                await _READERS[kind](self, missing, channels, found)
            except KlaviyoMcpError:
                until = self.clock() + FAILURE_CACHE_SECONDS
            for id_ in (*found, *missing):
                name = found.get(id_)
                if name:
                    shelf.names[id_] = name
                shelf.until[id_] = self.clock() + CACHE_SECONDS if name else until
        return {id_: shelf.names[id_] for id_ in wanted if id_ in shelf.names}

    def forget(self) -> None:
        """The account may be another now."""
        self._shelves.clear()
        self._metrics, self._metrics_until, self._account_until = None, 0.0, 0.0

    def _same_account(self) -> None:
        key = self.account_key()
        if key != self._key:
            if self._key:
                self.forget()
            self._key = key

    async def all(
        self, name: str, more: Mapping[str, str] = EMPTY, *, most: int = MAX_PAGES, **arguments: Any
    ) -> AsyncIterator[Flat]:
        """The records of a collection, `most` pages of it. Raises KlaviyoMcpError."""
        operation = self.reads.operation(name)

        async def fetch(cursor: str | None, size: int | None) -> Page:
            return await self.reads.page(name, more={**operation.page_query(cursor, size), **more}, **arguments)

        # Some take a page size from a later revision on only: they are read in pages as they come.
        size = operation.page_size_at(OLDEST_REVISION)
        try:
            async with aclosing(read_pages(fetch, size=size, max_pages=most)) as pages:
                async for _, page in pages:
                    for flat in page.records:
                        yield flat
        except DocumentError as error:
            raise UpstreamError(operation.name, str(error)) from None


FoundNames = dict[str, str]
ReadNames = Callable[[Directory, Sequence[str], Collection[str], FoundNames], Awaitable[None]]


async def _listed(read: str, names: Directory, ids: Sequence[str], _: Collection[str], found: FoundNames) -> None:
    for batch in _batches(ids):
        async for flat in names.all(read, filter=_any(batch)):
            found[flat.id] = _text(flat.attributes.get("name"))


async def _campaigns(names: Directory, ids: Sequence[str], channels: Collection[str], found: FoundNames) -> None:
    known = [CHANNELS[channel] for channel in CHANNELS if channel in channels]
    for channel in known or CHANNELS.values():
        for batch in _batches([id_ for id_ in ids if id_ not in found]):
            async for flat in names.all("get_campaigns", filter=f"{_by(channel)},{_any(batch)}"):
                found[flat.id] = _text(flat.attributes.get("name"))


async def _tags(names: Directory, _: Sequence[str], __: Collection[str], found: FoundNames) -> None:
    async for flat in names.all("get_tags"):
        found[flat.id] = _text(flat.attributes.get("name"))


async def _messages(names: Directory, ids: Sequence[str], _: Collection[str], found: FoundNames) -> None:
    """What a message belongs to. Messages cannot be asked for by their ids: campaigns are read whole, then flows'."""
    lean = {"fields[campaign-message]": "definition.channel"}
    for channel in CHANNELS.values():
        if all(id_ in found for id_ in ids):
            return
        asked = {"filter": _by(channel), "include": ["campaign-messages"], "sort": "-created_at"}
        async for flat in names.all("get_campaigns", lean, most=MAX_LISTED_PAGES, **asked):
            related = flat.related.get("campaign-messages")
            found.update(dict.fromkeys(related.ids if related else (), _text(flat.attributes.get("name"))))
    rest = [id_ for id_ in ids if id_ not in found][:MAX_SINGLE_READS]

    async def read(id_: str) -> None:
        page = await names.reads.one("get_flow_message", flow_message_id=id_)
        label = value_at(attribute_of(page, "definition"), ("name",))
        found[id_] = _text(label) or _text(attribute_of(page, "name"))

    await run_together(*(partial(read, id_) for id_ in rest))


async def _versions(names: Directory, ids: Sequence[str], _: Collection[str], found: FoundNames) -> None:
    async def read(id_: str) -> None:
        page = await names.reads.one("get_form_version", form_version_id=id_)
        found[id_] = _text(attribute_of(page, "variation_name"))

    await run_together(*(partial(read, id_) for id_ in ids[:MAX_SINGLE_READS]))


_READERS: Mapping[str, ReadNames] = {
    "campaign": _campaigns,
    "flow": partial(_listed, "get_flows"),
    "form": partial(_listed, "get_forms"),
    "segment": partial(_listed, "get_segments"),
    "tag": _tags,
    "message": _messages,
    "form version": _versions,
}
_INTEGRATION = ("integration", "name")


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[at : at + IDS_PER_FILTER] for at in range(0, len(ids), IDS_PER_FILTER))


def _by(channel: str) -> str:
    return f'equals(messages.channel,"{channel}")'


def _any(ids: Iterable[str]) -> str:
    return f"any(id,{json.dumps(list(ids), ensure_ascii=False)})"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _may_be_id(text: str) -> bool:
    """Ids of metrics are six letters and digits; those of custom metrics are longer, with digits among them."""
    return text.isascii() and text.isalnum() and (len(text) == 6 or any(c.isdigit() for c in text))


def _is_id(text: str) -> bool:
    """Whether a text is an id for certain: `TxVpCr` is no name, `Signup` may be one."""
    is_word = text.isalpha() and (text[1:].islower() or text.isupper())
    return _may_be_id(text) and not is_word
