"""One call from arguments to answer: validate, allow, send page by page, summarise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Protocol

import anyio
import anyio.to_thread
import mcp_types

from klaviyo_tools.arguments import Arguments, ArgumentsError, check, nearest
from klaviyo_tools.catalog import Catalog, catalog
from klaviyo_tools.jsonapi import given
from klaviyo_tools.operation import Answer, Effect, Operation
from klaviyo_tools.records import DocumentError, Page, flatten
from klaviyo_tools.request import Service
from klaviyo_tools.resources import resource
from klaviyo_tools.schema import input_schema

from . import confirmation, counting, fieldsets, handover, paging, policy, preview, summary, tracing, uploads
from .accounts import Accounts
from .confirmation import Codes, Gate
from .discovery import Discovery
from .errors import ArgumentError, KlaviyoMcpError, UpstreamError
from .fieldsets import FieldError, View
from .paging import Position
from .reads import PATIENCE, Reads
from .reports import Reports

if TYPE_CHECKING:
    from .maton import Maton, Reply
    from .settings import Settings

SANDBOX_KEY = "sandbox"


class UnknownTool(LookupError):
    """No tool of that name is offered; the message names the nearest."""


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


class Calls:
    """The tools that these settings offer, and every call of them; one for the process, shared by its sessions."""

    def __init__(self, settings: Settings, maton: Maton | None = None, operations: Catalog | None = None) -> None:
        self.settings = settings
        self._maton = maton
        self._connecting = anyio.Lock()
        self.catalog = operations if operations is not None else catalog()
        chosen = self.catalog.chosen(settings.toolsets)
        existing = [operation for operation in chosen if operation.since <= settings.revision]
        self.offered = {
            operation.name: operation for operation in policy.allowed(existing, read_only=settings.read_only)
        }
        self.reads = Reads(
            self.maton,
            self.catalog,
            settings.revision,
            hide=settings.user_content == "hide",
            patience=min(PATIENCE, settings.deadline),
        )
        self.accounts = Accounts(self.reads, settings.connection)
        self.gate = Gate(Codes())
        self.reports = Reports(self.reads, lambda: self.accounts.key)
        self.discovery = Discovery(self)

    @cached_property
    def _tools(self) -> list[mcp_types.Tool]:
        return [
            mcp_types.Tool(
                name=operation.name,
                description=operation.purpose,
                input_schema=self.schema_of(operation),
                annotations=policy.hints(operation),
            )
            for operation in self.offered.values()
        ] + self.discovery.tools()

    def schema_of(self, operation: Operation) -> dict[str, Any]:
        """Its input schema here: without arguments of later revisions, with a code where it is gated."""
        schema = input_schema(operation.arguments, self.settings.revision)
        if policy.gates(operation, self.settings.confirm):
            schema["properties"] = {**schema["properties"], confirmation.ARGUMENT: confirmation.SCHEMA}
        return schema

    def tools(self) -> list[mcp_types.Tool]:
        """The tools as a client lists them, in stable order."""
        return self._tools

    async def call(self, name: str, arguments: Mapping[str, Any], context: CallContext) -> mcp_types.CallToolResult:
        """Run a tool. A fault is a result with `is_error`; a name that is not offered raises UnknownTool."""
        operation = None if name in self.discovery else self._operation(name)
        try:
            if operation is None:
                return _text(await self.discovery.call(name, arguments, context))
            return _text(await self.answer(operation, arguments, context))
        except KlaviyoMcpError as error:
            tracing.failed(error)
            return _text(str(error), is_error=True)

    async def answer(self, operation: Operation, given_: Mapping[str, Any], context: CallContext) -> str:
        """The answer of an operation as text. Raises KlaviyoMcpError."""
        tracing.running(operation.name)
        code = None
        if policy.gates(operation, self.settings.confirm):
            code, given_ = confirmation.split(given_)
        try:
            arguments = check(operation.arguments, await self.reports.with_metrics(operation, given_))
            return await self._run(operation, arguments, code, context)
        except (ArgumentsError, FieldError, paging.CursorError) as error:
            raise ArgumentError(f"{operation.name} was not sent: {error}") from None
        except DocumentError as error:
            raise UpstreamError(operation.name, str(error)) from None

    async def _run(self, operation: Operation, arguments: Arguments, code: str | None, context: CallContext) -> str:
        """Find the account, have the call confirmed where it must be, and run it."""
        effect = operation.effect_of(arguments)
        klaviyo = operation.service is Service.KLAVIYO
        if effect is Effect.READ and klaviyo:
            return await self.accounts.beside(Call(self, operation, arguments, context).run)
        sent = await uploads.load(operation, arguments, self.settings.upload_dir)
        account = await self.accounts.settle() if klaviyo else "maton"
        if policy.gated(effect, self.settings.confirm) and not handover.made(context):
            told = partial(preview.preview, self.reads.bounded(), operation, arguments, self.accounts.name)
            held = await self.gate.hold(operation, arguments, code=code, account=account, asks=context, preview=told)
            if held is not None:
                return held
        # Built only now: what a person takes to answer does not count against the call's deadline.
        call = Call(self, operation, sent, context)
        if klaviyo:
            return await self.accounts.telling(call.run)
        try:
            return await call.run()
        finally:
            if self.accounts.changes(operation):
                self.accounts.forget()
                self.reports.forget()

    async def maton(self) -> Maton:
        """The client of the gateway, built in a thread when first needed."""
        if self._maton is None:
            async with self._connecting:
                if self._maton is None:
                    self._maton = await anyio.to_thread.run_sync(connect, self.settings)
        return self._maton

    async def warm(self) -> None:
        """Get ready for the first call, where there will be one: imports, the TLS context, the sandbox's store."""
        if self.settings.key is not None or self.settings.sandbox:
            await (await self.maton()).warm()

    async def aclose(self) -> None:
        """Close the connections to the gateway."""
        if self._maton is not None:
            await self._maton.aclose()

    def _operation(self, name: str) -> Operation:
        if name in self.offered:
            return self.offered[name]
        close = nearest(name, self.offered)
        known = self.catalog.get(name) if name in self.catalog else None
        if known is not None and self.settings.read_only and known.effect is not Effect.READ:
            raise UnknownTool(f"{name} changes the account, and this server is read-only (KLAVIYO_MCP_READ_ONLY)")
        if known is not None and known.since > self.settings.revision:
            raise UnknownTool(f"{name} exists from revision {known.since} on (KLAVIYO_REVISION)")
        if known is not None:
            raise UnknownTool(f"{name} is not among this server's toolsets (KLAVIYO_MCP_TOOLSETS)")
        hint = f"did you mean {' or '.join(close)}?" if close else "tools/list names those there are"
        raise UnknownTool(f"there is no tool {name[:60]!r}; {hint}")


class Call:
    """One call of one operation, its arguments checked."""

    def __init__(self, calls: Calls, operation: Operation, arguments: Arguments, context: CallContext) -> None:
        self.calls = calls
        self.operation = operation
        self.arguments = arguments
        self.context = context
        self.resource = resource(operation.resource)
        self.until = anyio.current_time() + calls.settings.deadline
        self.accepted_fields = operation.accepted_fields(calls.settings.revision)

    async def run(self) -> str:
        match self.operation.answer:
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
        print_, start = self._start()
        most = self._argument("max_results") or paging.CEILING
        sheet = summary.Sheet(self.resource, view)
        harvest = await paging.read(
            self._fetching(view),
            start,
            max_results=most,
            size=paging.page_size(most, self._page_size()),
            report=self.context.report,
            take=sheet.take,
        )
        return sheet.text(harvest, lambda position: paging.encode(position, print_))

    async def _count(self) -> str:
        path, _ = counting.parse(self._argument("count_by"))
        view = self._view([path])
        tally = counting.Tally(self.resource, self._argument("count_by"), view)
        print_, start = self._start()
        ended = await counting.count(
            self._fetching(view), tally, start, size=self._page_size(), report=self.context.report
        )
        return tally.text(unread=ended is not None, cursor=paging.encode(ended, print_) if ended else None)

    async def _record(self) -> str:
        view = self._view(self._argument("fields") or ())
        if self.operation.name == handover.OPERATION:
            made = await handover.hand_over(partial(self._page, {}), self.context, self.calls.reads)
            return made if isinstance(made, str) else summary.record(made, self.resource, view=view)
        page = await self._page(fieldsets.sparse(self.resource, view, self.accepted_fields, resource))
        if self.operation.method == "GET" and not page.single:
            return summary.document(page, self.resource, view=view)
        return summary.record(
            page.records[0] if page.records else None, self.resource, included=page.included, view=view
        )

    async def _job(self) -> str:
        page = await self._page({})
        flat = page.records[0]
        follow = None
        if self.operation.job:
            read = self.calls.catalog[self.operation.job]
            follow = f"{read.name}({read.path_ids[-1]}={flat.id})"
        return summary.job(flat, resource(flat.type), follow=follow)

    async def _report(self) -> str:
        async def send(arguments: Arguments) -> Page:
            self.arguments = arguments
            return await self._page({})

        return await self.calls.reports.answer(self.operation, self.arguments, send)

    async def _nothing(self) -> str:
        reply = await self._send({})
        subject = {name: _told(value) for name, value, _ in given(self.arguments)}
        look = self.calls.catalog.look(self.operation)
        accepted = reply.status == 202
        return summary.done(self.operation.name, subject, accepted=accepted, look=look if accepted else None)

    def _argument(self, name: str) -> Any:
        return getattr(self.arguments, name, None)

    def _start(self) -> tuple[bytes, Position]:
        """The query's fingerprint, and where the cursor goes on."""
        print_ = paging.fingerprint(self._identity())
        cursor = self._argument("cursor")
        return print_, paging.decode(cursor, print_) if cursor else paging.START

    def _fetching(self, view: View) -> paging.Fetch:
        query = fieldsets.sparse(self.resource, view, self.accepted_fields, resource)

        async def fetch(cursor: str | None, size: int | None) -> Page:
            return await self._page({**query, **self._paging(cursor, size)})

        return fetch

    def _view(self, asked: Sequence[str]) -> View:
        """What is to be shown; `fields` of a related record or an additional field ask for that as well."""
        operation = self.operation
        fields = fieldsets.choose(self.resource, asked, self.accepted_fields, resource)
        include = list(self._argument("include") or ())
        for name in fieldsets.joined(self.resource, fields):
            if name not in operation.include:
                raise FieldError(f"{operation.name} cannot include {name}")
            include += [name] if name not in include else []
        additional = list(self._argument("additional_fields") or ())
        additional += [n for n in fieldsets.needed(fields, operation.additional_fields) if n not in additional]
        widened = {"include": include or None, "additional_fields": additional or None}
        known = {n: v for n, v in widened.items() if v and n in type(self.arguments).model_fields}
        self.arguments = self.arguments.model_copy(update=known)
        return View(
            fields,
            include,
            self._argument("detail") or "summary",
            additional,
            self.calls.settings.user_content == "hide",
        )

    def _identity(self) -> dict[str, Any]:
        """What must stay the same for a cursor to go on: the ids, the filter, the sort."""
        ids = {name: getattr(self.arguments, name) for name in self.operation.path_ids}
        sent = {name: self._argument(name) for name in ("filter", "sort")}
        return {"operation": self.operation.name, **ids, **{n: v for n, v in sent.items() if v}}

    def _page_size(self) -> int | None:
        since = self.operation.page_size_since
        return None if since and since > self.calls.settings.revision else self.operation.page_size

    def _paging(self, cursor: str | None, size: int | None) -> dict[str, str]:
        asked = {self.operation.cursor: cursor, "page[size]": str(size) if size else None}
        return {name: value for name, value in asked.items() if value}

    async def _page(self, query: Mapping[str, str]) -> Page:
        reply = await self._send(query)
        document = reply.document
        adapted = self.operation.adapt(document) if self.operation.adapt else document
        return flatten(adapted)

    async def _send(self, query: Mapping[str, str]) -> Reply:
        from .maton import CallPolicy

        operation = self.operation
        effect = operation.effect_of(self.arguments)
        request = operation.request(self.arguments, query)
        maton = await self.calls.maton()
        return await maton.send(
            request,
            CallPolicy(
                operation.name,
                safe=effect is Effect.READ,
                repeatable=operation.repeatable,
                scopes=operation.scopes,
                look=self.calls.catalog.look(operation),
                rate=operation.rate_of(self.arguments),
                answers=operation.answer is not Answer.NOTHING,
                names={"id": operation.id_argument} if operation.id_argument else {},
                until=self.until,
                waiting=self._waiting,
            ),
        )

    async def _waiting(self, seconds: float, why: str) -> None:
        await self.context.report(0, None, f"waiting {seconds:.0f} s for {why}")


def connect(settings: Settings) -> Maton:
    """The client that these settings ask for: of Maton's gateway, or of a sandbox in this process."""
    from .maton import Maton
    from .pacing import Pacer

    if settings.sandbox:
        import httpx

        from . import sandbox

        embedded = sandbox.create(profiles=settings.sandbox_profiles, key=SANDBOX_KEY)
        return Maton(
            key=SANDBOX_KEY,
            base_url="http://127.0.0.1",
            revision=settings.revision,
            transport=httpx.ASGITransport(embedded),
            pacer=Pacer(enabled=False),
            deadline=settings.deadline,
        )
    return Maton(
        key=settings.key.get_secret_value() if settings.key else None,
        base_url=settings.base_url,
        revision=settings.revision,
        connection=settings.connection,
        pacer=Pacer(enabled=settings.pacing),
        deadline=settings.deadline,
    )


def _text(text: str, *, is_error: bool = False) -> mcp_types.CallToolResult:
    return mcp_types.CallToolResult(content=[mcp_types.TextContent(text=text)], is_error=is_error)


def _told(value: object) -> object:
    if isinstance(value, Arguments):
        return value.model_dump(exclude_unset=True)
    return [_told(item) for item in value] if isinstance(value, list) else value
