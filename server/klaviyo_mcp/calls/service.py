"""The tools that are offered, and what every call of them goes through: validate, find the account, confirm, run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import anyio
import mcp_types

from klaviyo_mcp.account.connections import AccountConnections
from klaviyo_mcp.account.reads import READ_SECONDS, AccountReads
from klaviyo_mcp.answers import cursors
from klaviyo_mcp.answers.view import FieldError
from klaviyo_mcp.calls import connection_link
from klaviyo_mcp.calls.call import Call, CallContext
from klaviyo_mcp.calls.discovery import Discovery, dispatcher_of
from klaviyo_mcp.errors import LIMIT, ArgumentError, InDoubtError, KlaviyoMcpError, UpstreamError
from klaviyo_mcp.gateway.operations import OperationSender
from klaviyo_mcp.safety import confirmation, policy, uploads
from klaviyo_mcp.safety.confirmation import ConfirmationCodes, ConfirmationGate
from klaviyo_mcp.safety.previews import preview
from klaviyo_mcp.telemetry import tracing
from klaviyo_mcp.telemetry.logs import Redactor
from klaviyo_tools.arguments.checking import check
from klaviyo_tools.arguments.errors import ArgumentsError
from klaviyo_tools.arguments.spelling import nearest
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.jsonapi.records import DocumentError
from klaviyo_tools.operation.facts import Answer, Effect
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.request import Service
from klaviyo_tools.registry import Registry, registry
from klaviyo_tools.schema.input_schema import input_schema

if TYPE_CHECKING:
    from klaviyo_mcp.gateway.client import GatewayClient
    from klaviyo_mcp.reports.service import ReportService
    from klaviyo_mcp.settings import Settings

__all__ = ["CallContext", "CallService", "UnknownTool"]

_NAME = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")


class UnknownTool(LookupError):
    """No tool of that name is offered; the message names the nearest."""


class CallService:
    """The tools that these settings offer, and every call of them; one for the process, shared by its sessions."""

    def __init__(
        self, settings: Settings, create_client: Callable[[], GatewayClient], operations: Registry | None = None
    ) -> None:
        self.settings = settings
        self.sender = OperationSender(create_client, revision=settings.revision, verify_with=self.verify_with)
        self.catalog = operations if operations is not None else registry()
        chosen = self.catalog.chosen(settings.toolsets)
        existing = [operation for operation in chosen if operation.revisions.since <= settings.revision]
        self.offered = {
            operation.name: operation for operation in policy.allowed(existing, read_only=settings.read_only)
        }
        self.reads = AccountReads(
            self.sender,
            self.catalog,
            settings.revision,
            hide=settings.user_content == "hide",
            patience=min(READ_SECONDS, settings.deadline),
        )
        self.accounts = AccountConnections(self.reads, settings.connection)
        self.gate = ConfirmationGate(ConfirmationCodes())
        # The last line of defence: not even a gateway that sends its caller's key back puts it before a model.
        self._blot = Redactor(settings.secrets(), "[hidden]")
        self.discovery = Discovery(self)

    @cached_property
    def reports(self) -> ReportService:
        """What reports share: answers kept, names. Built with the first of them, for what they need takes a while."""
        from klaviyo_mcp.reports.service import ReportService

        return ReportService(self.reads, self.accounts.directory, lambda: self.accounts.key)

    @cached_property
    def _tools(self) -> list[mcp_types.Tool]:
        return [
            mcp_types.Tool(
                name=operation.name,
                description=operation.purpose,
                input_schema=self.schema_of(operation, brief=True),
                annotations=policy.tool_annotations(operation),
            )
            for operation in self.offered.values()
        ] + self.discovery.tools()

    def schema_of(self, operation: Operation, *, brief: bool = False) -> dict[str, Any]:
        """Its input schema here: without arguments of later revisions, with a code where it is gated."""
        schema = input_schema(operation.arguments, self.settings.revision, brief=brief)
        if policy.may_need_confirmation(operation, self.settings.confirm):
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
                return self._text(await self.discovery.call(name, arguments, context))
            return self._text(await self.answer(operation, arguments, context))
        except KlaviyoMcpError as error:
            tracing.record_error(error)
            told = self._with_way(str(error), error, name if operation else arguments.get("name"))
            return self._text(told, is_error=True)

    def _text(self, text: str, *, is_error: bool = False) -> mcp_types.CallToolResult:
        content = mcp_types.TextContent(text=self._blot(text))
        return mcp_types.CallToolResult(content=[content], is_error=is_error)

    async def answer(self, operation: Operation, given_: Mapping[str, Any], context: CallContext) -> str:
        """The answer of an operation as text. Raises KlaviyoMcpError."""
        tracing.name_operation(operation.name)
        code = None
        if policy.may_need_confirmation(operation, self.settings.confirm):
            code, given_ = confirmation.split_code(given_)
        try:
            if operation.answer is Answer.REPORT:
                given_ = await self.reports.with_metrics(operation, given_)
            arguments = check(operation.arguments, given_, self.settings.revision)
            operation.check_size(arguments)
            if "metric_id" in operation.reading.filter and (asked := getattr(arguments, "filter", None)):
                arguments = arguments.model_copy(update={"filter": await self.reports.filtered(asked)})
            return await self._run(operation, arguments, code, context)
        except (ArgumentsError, FieldError, cursors.CursorError) as error:
            raise ArgumentError(f"{operation.name} was not sent: {error}") from None
        except DocumentError as error:
            if operation.effect is Effect.READ:
                raise UpstreamError(operation.name, str(error)) from None
            reported = f"the gateway reported success, but {error}"
            raise InDoubtError(operation.name, reported, verify_with=self.verify_with(operation) or "") from None

    async def _run(self, operation: Operation, arguments: Arguments, code: str | None, context: CallContext) -> str:
        """Find the account, have the call confirmed where it must be, and run it."""
        began = anyio.current_time()
        effect = operation.effect_of(arguments)
        klaviyo = operation.service is Service.KLAVIYO
        if effect is Effect.READ and klaviyo:
            return await self.accounts.beside(Call(self, operation, arguments, context).run)
        sent = await uploads.load_upload(operation, arguments, self.settings.upload_dir)
        account = await self.accounts.connection_for_write() if klaviyo else "maton"
        spent = anyio.current_time() - began
        if policy.needs_confirmation(effect, self.settings.confirm) and not connection_link.connection_was_made(
            context
        ):
            told = partial(
                preview.preview_text, self.reads.within_one_budget(), operation, arguments, self.accounts.name
            )
            held = await self.gate.hold(operation, arguments, code=code, account=account, asks=context, preview=told)
            if held is not None:
                return held
        # Built only now: what a person takes to answer does not count against the call's deadline.
        call = Call(self, operation, sent, context, spent)
        if klaviyo:
            return await self.accounts.with_account_name(call.run)
        try:
            return await call.run()
        finally:
            if self.accounts.changes(operation):
                self.accounts.forget()
                self.reports.forget()

    def how_to_call(self, operation: Operation, arguments: Mapping[str, str]) -> str:
        """How a model calls an operation here: by its name, or through a discovery tool where it is not listed."""
        if operation.name in self.offered:
            return f"{operation.name}({', '.join(f'{name}={value}' for name, value in arguments.items())})"
        inner = json.dumps(arguments, ensure_ascii=False)
        return f'{dispatcher_of(operation)}(name="{operation.name}", arguments={inner})'

    def verify_with(self, operation: Operation) -> str | None:
        """The read that tells whether a write was applied, and how to call it where it is not listed."""
        name = self.catalog.verify_with(operation)
        return f"{name} (through {dispatcher_of(self.catalog[name])})" if name and name not in self.offered else name

    def _with_way(self, text: str, error: KlaviyoMcpError, own: object) -> str:
        """An error's text; where it names a tool that is not listed, how to call that one."""
        if isinstance(error, ArgumentError):
            return text
        for name in dict.fromkeys(_NAME.findall(text)):
            if name != own and name in self.catalog and name not in self.offered:
                hint = f"{name} is not listed: call it through {dispatcher_of(self.catalog[name])}."
                if "(through call_" not in text and len(f"{text} {hint}".encode()) <= LIMIT:
                    text = f"{text} {hint}"
        return text

    async def warm(self) -> None:
        """Get ready for the first call, where there will be one: imports, the TLS context, the sandbox's store."""
        if self.settings.key is not None or self.settings.sandbox:
            await self.sender.warm()

    async def aclose(self) -> None:
        """Close the connections to the gateway."""
        await self.sender.aclose()

    def _operation(self, name: str) -> Operation:
        if name in self.offered:
            return self.offered[name]
        close = nearest(name, self.offered)
        known = self.catalog.get(name) if name in self.catalog else None
        if known is not None and self.settings.read_only and known.effect is not Effect.READ:
            raise UnknownTool(f"{name} changes the account, and this server is read-only (KLAVIYO_MCP_READ_ONLY)")
        if known is not None and known.revisions.since > self.settings.revision:
            raise UnknownTool(f"{name} exists from revision {known.revisions.since} on (KLAVIYO_REVISION)")
        if name in self.catalog.argument_operations:
            raise UnknownTool(f"there is no tool {name}: call {self.catalog.covers(name)}")
        if known is not None:
            raise UnknownTool(
                f"{name} is not listed here: call it as {self.how_to_call(known, {})}, with its arguments"
            )
        hint = f"did you mean {' or '.join(close)}?" if close else "find_tools searches by what you want to do"
        raise UnknownTool(f"there is no tool {name[:60]!r}; {hint}")
