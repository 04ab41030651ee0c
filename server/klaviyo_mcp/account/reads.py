"""Reads that a call makes for itself: whose account it is, what it is about to change.

They go the way of any call, by their operation, so that they are paced, retried and bounded alike.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from copy import copy
from typing import TYPE_CHECKING, Any

import anyio

from klaviyo_mcp.answers import view as fieldsets
from klaviyo_mcp.answers.pages import read_pages
from klaviyo_mcp.errors import KlaviyoMcpError, NotFoundError, UpstreamError
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.fieldsets import accepted_fields
from klaviyo_tools.jsonapi.records import EMPTY, DocumentError, Flat, Page, flatten_document
from klaviyo_tools.operation.facts import OLDEST_REVISION
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.request import Request
from klaviyo_tools.registry import Registry, resource_type

if TYPE_CHECKING:
    from klaviyo_mcp.gateway.operations import OperationSender

READ_SECONDS = 10.0
"""Seconds that such a read may take with all its waiting."""
MAX_PAGES = 10
"""Pages that are read of one collection."""


class MissingRecord(Exception):
    """Klaviyo was asked, and knows no such thing by the id in an argument."""

    def __init__(self, argument: str, kind: str) -> None:
        super().__init__(f"there is no {kind} by that id")
        self.argument = argument


class AccountReads:
    """Reads by operation. `rows` and `one` never fail: what cannot be read is None."""

    def __init__(
        self,
        sender: OperationSender,
        catalog: Registry,
        revision: str,
        *,
        hide: bool = False,
        patience: float = READ_SECONDS,
    ) -> None:
        self._sender, self._catalog, self._revision, self.patience = sender, catalog, revision, patience
        self.hide = hide
        """Whether what strangers wrote is to be left out."""
        self._until: float | None = None

    def within_one_budget(self) -> AccountReads:
        """The same reads, all of which together may take no longer than one."""
        reads = copy(self)
        reads._until = anyio.current_time() + self.patience
        return reads

    def operation(self, name: str) -> Operation:
        """The operation of that name."""
        return self._catalog[name]

    def plain(self, operation: Operation) -> Operation | None:
        """The read of the thing that an operation changes, where it is one in its path."""
        paths = {operation.path, operation.path.partition("/relationships/")[0]}
        found = (other for other in self._catalog.values() if other.method == "GET" and other.path in paths)
        return next(found, None) if operation.path_ids else None

    async def page(
        self, name: str, *, fields: Sequence[str] = (), more: Mapping[str, str] = EMPTY, **arguments: Any
    ) -> Page:
        """The document of a read; `fields` are the attributes asked for, `more` goes into the query as it is.

        Raises KlaviyoMcpError.
        """
        operation = self._catalog[name]
        checked = operation.arguments.model_validate(arguments)
        kind = resource_type(operation.resource)
        include = arguments.get("include", ())
        query: dict[str, str] = {}
        if accepted := accepted_fields(operation, self._revision):
            view = fieldsets.View((*kind.label, *fields), include)
            query = fieldsets.sparse_fieldsets(kind, view, accepted, resource_type)
        for included in include:  # of what is joined, more is looked at than what names it
            query.pop(f"fields[{kind.relationships[included]}]", None)
        return await self._send(operation, operation.request(checked, {**query, **more}), checked)

    async def records(
        self, name: str, more: Mapping[str, str] = EMPTY, *, max_pages: int = MAX_PAGES, **arguments: Any
    ) -> AsyncIterator[Flat]:
        """The records of a collection, page after page; `more` goes into the query as it is. Raises KlaviyoMcpError."""
        operation = self._catalog[name]

        async def fetch(cursor: str | None, size: int | None) -> Page:
            return await self.page(name, more={**operation.page_query(cursor, size), **more}, **arguments)

        # Some take a page size only from a later revision on: their pages are read as large as they come.
        size = operation.page_size_at(OLDEST_REVISION)
        try:
            async with aclosing(read_pages(fetch, size=size, max_pages=max_pages)) as pages:
                async for _, page in pages:
                    for flat in page.records:
                        yield flat
        except DocumentError as error:
            raise UpstreamError(operation.name, str(error)) from None

    async def rows(self, name: str, **arguments: Any) -> Sequence[Flat] | None:
        """The records of a collection's first page; None where they cannot be read."""
        try:
            return (await self.page(name, **arguments)).records
        except KlaviyoMcpError:
            return None

    async def one(self, name: str, **arguments: Any) -> Page | None:
        """A record's document; None where it cannot be read, without records where there is none by that id."""
        try:
            return await self.page(name, **arguments)
        except NotFoundError:
            return Page((), EMPTY, None, True)
        except KlaviyoMcpError:
            return None

    async def count_linked(self, name: str, path: str) -> int | None:
        """How many things a relationship leads to; None where that cannot be read. `name` is the read of the record."""
        operation = self._catalog[name]
        try:
            return len((await self._send(operation, Request("GET", path))).records)
        except KlaviyoMcpError:
            return None

    async def post(self, name: str, **arguments: Any) -> Page | None:
        """A read by POST (a count is made anew); None where that fails."""
        operation = self._catalog[name]
        checked = operation.arguments.model_validate(arguments)
        try:
            return await self._send(operation, operation.request(checked), checked)
        except KlaviyoMcpError:
            return None

    async def _send(self, operation: Operation, request: Request, arguments: Arguments | None = None) -> Page:
        deadline = self._until or anyio.current_time() + self.patience
        reply = await self._sender.send(operation, request, arguments=arguments, deadline=deadline)
        try:
            return flatten_document(operation.to_json_api(reply.document) if operation.to_json_api else reply.document)
        except DocumentError as error:
            raise UpstreamError(operation.name, str(error)) from None


async def run_together(*reads: Callable[[], Awaitable[Any]]) -> list[Any]:
    """What several reads bring, each at its place, read at once. Raises what the first to fail raises."""
    found: list[Any] = [None] * len(reads)

    async def keep(place: int, read: Callable[[], Awaitable[Any]]) -> None:
        found[place] = await read()

    try:
        async with anyio.create_task_group() as group:
            for place, read in enumerate(reads):
                group.start_soon(keep, place, read)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return found


def require_record(page: Page | None, argument: str, kind: str) -> Page | None:
    """The same document. Raises Absent where there is no record in it; one that could not be read passes."""
    if page is not None and not page.records:
        raise MissingRecord(argument, kind)
    return page


def attribute_of(page: Page | None, name: str) -> Any:
    """An attribute of a document's record, None where that is unknown."""
    records = page.records if page is not None else ()
    found: Mapping[str, Any] = records[0].attributes if records else EMPTY
    return found.get(name)
