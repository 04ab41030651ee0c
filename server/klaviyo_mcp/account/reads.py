"""Reads of the account that the server makes for itself: for names, for previews, and to find the account of a call.

Each is sent as a call of its operation would be, so that it is paced and retried alike, but within a short time.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from copy import copy
from typing import TYPE_CHECKING, Any

import anyio

from klaviyo_mcp.answers import view as fieldsets
from klaviyo_mcp.answers.pages import read_pages
from klaviyo_mcp.errors import KlaviyoMcpError, NotFoundError, UpstreamError
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.fieldsets import accepted_fields
from klaviyo_tools.jsonapi.records import EMPTY, DocumentError, Page, Record, flatten_document
from klaviyo_tools.operation.facts import OLDEST_REVISION
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.request import Request
from klaviyo_tools.registry import Registry, resource_type

if TYPE_CHECKING:
    from klaviyo_mcp.gateway.operations import OperationSender

READ_SECONDS = 10.0
"""Seconds that one read may take, waiting included."""
MAX_PAGES = 10
"""Pages that are read of one collection."""


class MissingRecord(Exception):
    """Klaviyo has no record by the id in an argument."""

    def __init__(self, argument: str, kind: str) -> None:
        super().__init__(f"there is no {kind} by that id")
        self.argument = argument


class AccountReads:
    """Reads by the name of an operation, with its arguments.

    `page`, `record`, `records`, `pages` and `whole` raise where a read fails; `page_or_none`, `post_or_none` and
    `count_linked` answer None.

    Args:
        sender: Sends the requests.
        registry: Every operation.
        revision: The revision of Klaviyo's API that is asked for.
        hide: Whether text that strangers wrote is kept out of answers and previews.
        read_seconds: Seconds that one read may take, waiting included.
    """

    def __init__(
        self,
        sender: OperationSender,
        registry: Registry,
        revision: str,
        *,
        hide: bool = False,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self.registry = registry
        self.hide = hide
        self.read_seconds = read_seconds
        self.counts = True
        """Whether counts and estimates are read."""
        self._sender = sender
        self.revision = revision
        """The revision of Klaviyo's API that is asked for."""
        self._deadline: float | None = None
        self._connection: str | None = None

    def for_preview(self, connection: str | None, *, counts: bool = True) -> AccountReads:
        """The same reads of one connection, which together may take no longer than one.

        Args:
            connection: Id of the Maton connection that every request names; None for the client's own.
            counts: Whether counts and estimates are read; without them `count_linked` answers None at once.
        """
        reads = self.on_connection(connection)
        reads.counts = counts
        reads._deadline = anyio.current_time() + self.read_seconds
        return reads

    def on_connection(self, connection: str | None, deadline: float | None = None) -> AccountReads:
        """The same reads, whose requests name this Maton connection; `deadline` on the event loop's clock ends them."""
        reads = copy(self)
        reads._connection, reads._deadline = connection, deadline
        return reads

    async def page(
        self, name: str, *, fields: Sequence[str] = (), more: Mapping[str, str] = EMPTY, **arguments: Any
    ) -> Page:
        """The document that a read answers.

        Args:
            name: The operation.
            fields: The attributes to answer with, beside those that name the record.
            more: Parameters of the query that are sent as they are.
            arguments: The arguments of the operation.

        Raises:
            KlaviyoMcpError: The read failed.
        """
        operation = self.registry[name]
        checked = operation.arguments.model_validate(arguments)
        kind = resource_type(operation.resource)
        include = arguments.get("include", ())
        query: dict[str, str] = {}
        if accepted := accepted_fields(operation, self.revision):
            view = fieldsets.View((*kind.label, *fields), include)
            query = fieldsets.sparse_fieldsets(kind, view, accepted, resource_type)
        for included in include:  # callers look at more attributes of joined records than their names
            query.pop(f"fields[{kind.relationships[included]}]", None)
        return await self._send(operation, operation.request(checked, {**query, **more}), checked)

    async def records(
        self, name: str, more: Mapping[str, str] = EMPTY, *, max_pages: int = MAX_PAGES, **arguments: Any
    ) -> AsyncIterator[Record]:
        """The records of a collection, page after page, `max_pages` at most; else as `page`."""
        async with aclosing(self.pages(name, more, max_pages=max_pages, **arguments)) as pages:
            async for page in pages:
                for record in page.records:
                    yield record

    async def pages(
        self, name: str, more: Mapping[str, str] = EMPTY, *, max_pages: int = MAX_PAGES, **arguments: Any
    ) -> AsyncGenerator[Page]:
        """The pages of a collection, `max_pages` at most; else as `page`."""
        operation = self.registry[name]

        async def fetch(cursor: str | None, size: int | None) -> Page:
            return await self.page(name, more={**operation.page_query(cursor, size), **more}, **arguments)

        # Some take a page size only from a later revision on: their pages are read as large as they come.
        size = operation.page_size_at(OLDEST_REVISION)
        try:
            async with aclosing(read_pages(fetch, size=size, max_pages=max_pages)) as pages:
                async for _, page in pages:
                    yield page
        except DocumentError as error:
            raise UpstreamError(operation.name, str(error)) from None

    async def all_pages(self, name: str, **arguments: Any) -> list[Page]:
        """All pages of a collection. Raises KlaviyoMcpError where they cannot be read, or are more than `MAX_PAGES`."""
        pages = [page async for page in self.pages(name, **arguments)]
        if pages and pages[-1].next_cursor is not None:
            raise UpstreamError(name, f"there are more than {MAX_PAGES} pages")
        return pages

    async def record(self, name: str, argument: str, kind: str, **arguments: Any) -> Page:
        """The document of one record.

        Raises:
            MissingRecord: There is no such record; `argument` has its id, and `kind` is what it is called.
            KlaviyoMcpError: The read failed.
        """
        try:
            page = await self.page(name, **arguments)
        except NotFoundError:
            raise MissingRecord(argument, kind) from None
        if not page.records:
            raise MissingRecord(argument, kind)
        return page

    async def page_or_none(self, name: str, **arguments: Any) -> Page | None:
        """The document that a read answers; None where it failed, without records where there is none by the id."""
        try:
            return await self.page(name, **arguments)
        except NotFoundError:
            return Page((), EMPTY, None, True)
        except KlaviyoMcpError:
            return None

    async def count_linked(self, name: str, id_: str, relationship: str) -> int | None:
        """The number of records that a relationship leads to; None where that cannot be read or takes several pages.

        Args:
            name: The read of the record that has the relationship.
            id_: The id of that record.
            relationship: Klaviyo's name of the relationship.
        """
        if not self.counts:
            return None
        operation = self.registry[name]
        arguments = operation.arguments.model_validate({operation.path_ids[-1]: id_})
        path = f"{operation.request(arguments).path}/relationships/{relationship}"
        try:
            page = await self._send(operation, Request("GET", path))
        except KlaviyoMcpError:
            return None
        return len(page.records) if page.next_cursor is None else None

    async def post_or_none(self, name: str, **arguments: Any) -> Page | None:
        """The document that a read by POST answers; None where it failed."""
        operation = self.registry[name]
        checked = operation.arguments.model_validate(arguments)
        try:
            return await self._send(operation, operation.request(checked), checked)
        except KlaviyoMcpError:
            return None

    async def _send(self, operation: Operation, request: Request, arguments: Arguments | None = None) -> Page:
        deadline = self._deadline or anyio.current_time() + self.read_seconds
        reply = await self._sender.send(
            operation, request, arguments=arguments, deadline=deadline, connection=self._connection
        )
        try:
            return flatten_document(operation.to_json_api(reply.document) if operation.to_json_api else reply.document)
        except DocumentError as error:
            raise UpstreamError(operation.name, str(error)) from None


async def run_together(*reads: Callable[[], Awaitable[Any]]) -> list[Any]:
    """Run several reads at once. Returns their answers in order; raises the error of the first that fails."""
    answers: list[Any] = [None] * len(reads)

    async def run(index: int, read: Callable[[], Awaitable[Any]]) -> None:
        answers[index] = await read()

    try:
        async with anyio.create_task_group() as group:
            for index, read in enumerate(reads):
                group.start_soon(run, index, read)
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return answers


def require_record(page: Page | None, argument: str, kind: str) -> Page | None:
    """The same document, None where it could not be read. Raises MissingRecord where it holds no record."""
    if page is not None and not page.records:
        raise MissingRecord(argument, kind)
    return page


def attribute_of(page: Page | None, name: str) -> Any:
    """An attribute of a document's record, None where it is unknown."""
    records = page.records if page is not None else ()
    attributes: Mapping[str, Any] = records[0].attributes if records else EMPTY
    return attributes.get(name)


def included_record(page: Page, type_: str, read: str) -> Record:
    """The record of a type that a document includes. Raises UpstreamError, which names the read, where it has none."""
    for record in page.included.values():
        if record.type == type_:
            return record
    raise UpstreamError(read, f"its {type_} could not be read")
