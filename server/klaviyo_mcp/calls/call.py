"""One call, checked and allowed, from arguments to answer: send page by page, summarise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Protocol

import anyio

from klaviyo_mcp.answers import collection, counts, cursors, pages, record
from klaviyo_mcp.answers import view as fieldsets
from klaviyo_mcp.answers.cursors import Position
from klaviyo_mcp.answers.view import FieldError, View
from klaviyo_mcp.calls import connection_link, jobs
from klaviyo_mcp.errors import KlaviyoMcpError, UpstreamError
from klaviyo_tools.arguments.checking import check
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.fieldsets import accepted_fields
from klaviyo_tools.jsonapi.documents import given_arguments
from klaviyo_tools.jsonapi.records import DocumentError, Flat, Page, flatten_document
from klaviyo_tools.operation.facts import Answer
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.registry import resource_type

if TYPE_CHECKING:
    from klaviyo_mcp.calls.service import CallService
    from klaviyo_mcp.gateway.options import Reply


FAILURES_SHOWN = 5
"""How much of what failed in a job is shown with the job."""


class CallContext(Protocol):
    """What a call may ask of the session it came from."""

    async def report(self, done: float, total: float | None, message: str) -> None:
        """Tell how far the call has come."""

    @property
    def note(self) -> str:
        """What was noted when a question ended this call's last attempt; empty on a first."""

    @property
    def can_ask(self) -> bool:
        """Whether the client can put a question to a person."""

    @property
    def can_open(self) -> bool:
        """Whether the client can send a person to a web address."""

    async def ask(self, question: str, note: str = "") -> bool:
        """Have a person confirm. What it raises to be asked later must pass."""

    async def open(self, message: str, url: str, note: str = "") -> bool:
        """Have a person open an address, likewise."""


class Call:
    """One call of one operation, its arguments checked."""

    def __init__(
        self, calls: CallService, operation: Operation, arguments: Arguments, context: CallContext, spent: float = 0.0
    ) -> None:
        self.calls = calls
        self.operation = operation
        self.arguments = arguments
        self.context = context
        self.resource = resource_type(operation.resource)
        self.until = anyio.current_time() + calls.settings.deadline - spent
        self.revision = calls.settings.revision
        self.accepted_fields = {} if self._argument("ids_only") else accepted_fields(operation, self.revision)
        self.answers = operation.answer
        if (operation.revisions.empty_success_since or "~") <= self.revision:
            self.answers = Answer.NOTHING

    async def run(self) -> str:
        match self.answers:
            case Answer.COLLECTION:
                return await (self._count() if self._argument("count_by") else self._collection())
            case Answer.REPORT:
                return await self._report()
            case Answer.JOB:
                return await self._job()
            case Answer.RECORD:
                return await self._record()
            case Answer.NOTHING:
                return await self._nothing()

    async def _collection(self) -> str:
        view = self._view(self._argument("fields") or ())
        most = min(self._argument("max_results") or pages.MAX_RESULTS, pages.MAX_RESULTS)
        answer = collection.CollectionAnswer(self.resource, view, start=self._start(), max_results=most)
        await self._read_into(answer.add, view, pages.page_size(most, self._page_size()), total=most)
        return answer.text(self._cursor)

    async def _count(self) -> str:
        path, _ = counts.parse_count_by(self._argument("count_by"))
        view = self._view([path])
        answer = counts.CountsAnswer(self.resource, self._argument("count_by"), view)
        await self._read_into(answer.add, view, self._page_size())
        return answer.text(self._cursor)

    async def _read_into(
        self, add: Callable[[Position, Page], bool], view: View, size: int | None, total: int | None = None
    ) -> None:
        """Add pages to an answer while it wants more."""
        read = pages.read_pages(self._fetching(view), self._start(), size=size, report=self.context.report, total=total)
        async with aclosing(read):
            async for place, page in read:
                if not add(place, page):
                    return

    async def _record(self) -> str:
        view = self._view(self._argument("fields") or ())
        if self.operation.name == connection_link.OPERATION:
            made = await connection_link.create_and_open(partial(self._page, {}), self.context, self.calls.reads)
            if isinstance(made, str):
                return made
            if made is None:
                raise DocumentError("the answer holds no connection")
            follow = self.calls.how_to_call(self.calls.catalog["get_connection"], {"connection_id": made.id})
            told = record.record_text(made, self.resource, view=view)
            return (
                f"{told}\nNext: a person opens that url in a browser and authorizes; then {follow}, until it is ACTIVE."
            )
        # One record is told whole: what a summary leaves out could not be asked for by who does not know of it.
        query = (
            fieldsets.sparse_fieldsets(self.resource, view, self.accepted_fields, resource_type) if view.fields else {}
        )
        page = await self._page(query)
        if self.operation.method == "GET" and not page.single:
            return record.document_text(page, self.resource, view=view)
        flat = page.records[0] if page.records else None
        if flat is not None and flat.type.endswith("-job") and not view.fields and self.operation.method == "GET":
            return self._standing(flat, page, view)
        return record.record_text(flat, self.resource, included=page.included, view=view)

    def _standing(self, job: Flat, page: Page, view: View) -> str:
        """Where a job stands, and what to call next."""
        catalog = self.calls.catalog
        reads = [other.job for other in catalog.values() if other.job and other.job.read == self.operation.name]
        errors = next((self._read_of(catalog[one.errors], job).told for one in reads if one.errors), None)
        result = next((self._read_of(catalog[one.result], job).told for one in reads if one.result), None)
        return record.job_text(
            job,
            self.resource,
            follow=self._read_of(self.operation, job).told,
            errors=errors,
            result=result,
            included=page.included,
            view=view,
        )

    async def _job(self) -> str:
        page = await self._page({})
        if not page.records:
            raise DocumentError("the answer names no job")
        started = page.records[0]
        catalog = self.calls.catalog
        job_reads = self.operation.job
        if not job_reads:
            return record.job_text(started, resource_type(started.type))
        read = self._read_of(catalog[job_reads.read], started)
        errors = self._read_of(catalog[job_reads.errors], started) if job_reads.errors else None
        if not self._argument("wait"):
            return record.job_text(started, self.resource, follow=read.told)
        end = await jobs.follow_job(started, read.job, until=self.until, report=self.context.report)
        failed = errors.told if errors else None
        text = record.job_text(end.job, self.resource, follow=read.told, errors=failed)
        if end.unfinished:
            return f"{end.unfinished}\n{text}"
        if errors and end.job.attributes.get("failed_count"):
            return f"{text}\n{await errors.answer(max_results=FAILURES_SHOWN)}"
        if job_reads.result:
            return f"{text}\n{await self._read_of(catalog[job_reads.result], started).answer()}"
        return text

    def _read_of(self, operation: Operation, job: Flat) -> JobRead:
        return JobRead(self, operation, {operation.path_ids[-1]: job.id})

    async def _report(self) -> str:
        async def send(arguments: Arguments) -> Page:
            self.arguments = arguments
            return await self._page({})

        return await self.calls.reports.answer(self.operation, self.arguments, send)

    async def _nothing(self) -> str:
        reply = await self._send({})
        subject = {name: _told(value) for name, value, _ in given_arguments(self.arguments)}
        look = self.calls.verify_with(self.operation)
        accepted = reply.status == 202
        return record.success_text(
            self.operation.name, subject, accepted=accepted, verify_with=look if accepted else None
        )

    def _argument(self, name: str) -> Any:
        return getattr(self.arguments, name, None)

    def _start(self) -> Position:
        """Where the cursor goes on."""
        cursor = self._argument("cursor")
        return cursors.decode_cursor(cursor, self._fingerprint()) if cursor else cursors.START

    def _cursor(self, position: Position) -> str:
        return cursors.encode_cursor(position, self._fingerprint())

    def _fetching(self, view: View) -> pages.FetchPage:
        query = _sparse(self.operation, view, self.revision) if self.accepted_fields else {}

        async def fetch(cursor: str | None, size: int | None) -> Page:
            return await self._page({**query, **self._paging(cursor, size)})

        return fetch

    def _view(self, asked: Sequence[str]) -> View:
        """What is to be shown; `fields` of a related record or an additional field ask for that as well."""
        operation = self.operation
        fields = fieldsets.choose_fields(self.resource, asked, self.accepted_fields, resource_type)
        include = list(self._argument("include") or ())
        for name in fieldsets.needed_includes(self.resource, fields):
            if name not in operation.values_at(operation.reading.include, self.revision):
                raise FieldError(f"{operation.name} cannot include {name}")
            include += [name] if name not in include else []
        if self.answers is Answer.COLLECTION and not self._argument("ids_only"):
            offered = operation.values_at(operation.reading.include, self.revision)
            shown = [
                name for name in self.resource.default_includes if name in offered and (not fields or name in fields)
            ]
            include += [name for name in shown if name not in include]
        additional = list(self._argument("additional_fields") or ())
        offered = operation.values_at(operation.reading.additional_fields, self.revision)
        additional += [n for n in fieldsets.needed_additional_fields(fields, offered) if n not in additional]
        widened = {"include": include or None, "additional_fields": additional or None}
        known = {n: v for n, v in widened.items() if v and n in type(self.arguments).model_fields}
        if known:
            self.arguments = self.arguments.model_copy(update=known)
        return View(
            fields,
            tuple(include),
            self._argument("detail") or "summary",
            tuple(additional),
            self.calls.settings.user_content == "hide",
        )

    def _fingerprint(self) -> bytes:
        """Of what must stay the same for a cursor to go on: the ids, the filter, the sort."""
        ids = {name: getattr(self.arguments, name) for name in self.operation.path_ids}
        sent = {name: self._argument(name) for name in ("filter", "sort", "ids_only")}
        return cursors.fingerprint({"operation": self.operation.name, **ids, **{n: v for n, v in sent.items() if v}})

    def _page_size(self) -> int | None:
        return self.operation.page_size_at(self.revision)

    def _paging(self, cursor: str | None, size: int | None) -> dict[str, str]:
        return self.operation.page_query(cursor, size)

    async def _page(self, query: Mapping[str, str]) -> Page:
        reply = await self._send(query)
        document = reply.document
        convert = self.operation.to_json_api
        return flatten_document(convert(document) if convert else document)

    async def _send(self, query: Mapping[str, str]) -> Reply:
        return await self.calls.sender.send(
            self.operation,
            self.operation.request(self.arguments, query),
            arguments=self.arguments,
            deadline=self.until,
            on_wait=self._waiting,
        )

    async def _waiting(self, seconds: float, why: str) -> None:
        await self.context.report(0, None, f"waiting {seconds:.0f} s for {why}")


class JobRead:
    """A read about a job that a call has started; it shares that call's deadline."""

    def __init__(self, call: Call, operation: Operation, ids: Mapping[str, str]) -> None:
        self._call, self._operation, self._ids = call, operation, ids
        self.told = call.calls.how_to_call(operation, ids)
        """As a model would write it."""

    async def job(self) -> Flat:
        """The job. Raises KlaviyoMcpError."""
        try:
            page = await self._made({})._page({})
        except DocumentError as error:
            raise UpstreamError(self._operation.name, str(error)) from None
        return page.records[0] if page.records else self._gone()

    async def answer(self, **more: object) -> str:
        """The whole answer of the read, or why there is none."""
        try:
            return await self._made(more).run()
        except (KlaviyoMcpError, DocumentError) as error:
            return f"{self.told} could not be read: {error}"

    def _made(self, more: Mapping[str, object]) -> Call:
        call = Call(
            self._call.calls, self._operation, check(self._operation.arguments, {**self._ids, **more}), SilentContext()
        )
        call.until = self._call.until
        return call

    def _gone(self) -> Flat:
        raise UpstreamError(self._operation.name, "the answer names no job")


class SilentContext:
    """The context of a read that nobody waits at, or that another call makes: it tells no progress and asks nobody."""

    note = ""
    can_ask = False
    can_open = False

    async def report(self, done: float, total: float | None, message: str) -> None:
        """Nobody is told."""

    async def ask(self, question: str, note: str = "") -> bool:
        return False

    async def open(self, message: str, url: str, note: str = "") -> bool:
        return False


@lru_cache(512)
def _sparse(operation: Operation, view: View, revision: str) -> Mapping[str, str]:
    """The sparse fieldsets of a view, which most calls of an operation share."""
    return fieldsets.sparse_fieldsets(
        resource_type(operation.resource), view, accepted_fields(operation, revision), resource_type
    )


def _told(value: object) -> object:
    if isinstance(value, Arguments):
        return value.model_dump(exclude_unset=True)
    return [_told(item) for item in value] if isinstance(value, list) else value
