"""A call of a tool, from its name and arguments to its answer: read this first.

A call passes five stages; each takes the frozen value that the stage before it returned:

1. `prepare`: find the operation, check the arguments once.
2. `authorize`: settle the account of a write, have a person confirm what needs it.
3. `plan`: decide what to send and what to show.
4. `requests`: send, page after page.
5. `run`: add the pages to the answer, and write its text.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from klaviyo_mcp.account.connections import AccountConnections
from klaviyo_mcp.account.reads import READ_SECONDS, AccountReads
from klaviyo_mcp.cache import Clock
from klaviyo_mcp.calls.answer import Answer
from klaviyo_mcp.calls.authorize import Authorizer
from klaviyo_mcp.calls.context import CallContext
from klaviyo_mcp.calls.discovery import DISCOVERY_REQUESTS, Discovery
from klaviyo_mcp.calls.inventory import Inventory
from klaviyo_mcp.calls.plan import Plan, plan_call
from klaviyo_mcp.calls.prepare import find_operation, prepare
from klaviyo_mcp.calls.requests import PlanRequests
from klaviyo_mcp.calls.run import PlanRunner
from klaviyo_mcp.errors import KlaviyoMcpError
from klaviyo_mcp.gateway.operations import OperationSender
from klaviyo_mcp.safety.codes import codes_of
from klaviyo_mcp.safety.confirmation import ConfirmationGate, Held
from klaviyo_mcp.telemetry import tracing
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.request import Service
from klaviyo_tools.registry import registry

if TYPE_CHECKING:
    from klaviyo_mcp.gateway.client import GatewayClient
    from klaviyo_mcp.reports.service import ReportService
    from klaviyo_mcp.settings import Settings


class CallService:
    """Answers the calls of all sessions of one process, with what these settings offer."""

    def __init__(
        self,
        settings: Settings,
        create_client: Callable[[], GatewayClient],
        inventory: Inventory | None = None,
        clock: Clock = time.time,
    ) -> None:
        self.settings = settings
        self.clock = clock
        """Tells the time in seconds since 1970: times in arguments are checked by it."""
        self.inventory = inventory or Inventory(settings, registry())
        self.sender = OperationSender(create_client, revision=settings.revision, verify_with=self.inventory.verify_with)
        self.reads = AccountReads(
            self.sender,
            self.inventory.registry,
            settings.revision,
            hide=settings.user_content == "hide",
            read_seconds=min(READ_SECONDS, settings.deadline),
        )
        self.accounts = AccountConnections(self.reads, settings.connection)
        self.authorizer = Authorizer(
            settings,
            self.accounts,
            self.reads,
            ConfirmationGate(codes_of(settings), asks=settings.confirm_by == "person"),
        )
        self.discovery = Discovery(self.inventory)
        self._runner = PlanRunner(
            self.inventory, PlanRequests(self.sender), self.reads, lambda: self.reports, revision=settings.revision
        )
        self._reports: ReportService | None = None

    async def call(self, name: str, arguments: Mapping[str, Any], context: CallContext) -> Answer:
        """The answer of a call; a failure is an answer with `is_error`. Raises UnknownTool for a name not listed."""
        try:
            if name in DISCOVERY_REQUESTS:
                return Answer(await self.discovery.answer(name, arguments))
            operation, arguments = find_operation(name, arguments, self.inventory)
            return await self.run(operation, arguments, context)
        except KlaviyoMcpError as error:
            tracing.record_error(error)
            return Answer(self.inventory.error_text(error), is_error=True)

    async def run(self, operation: Operation, arguments: Mapping[str, Any], context: CallContext) -> Answer:
        """Take a call of an operation through the stages. Raises KlaviyoMcpError."""
        tracing.name_operation(operation.name)
        prepared = await prepare(operation, arguments, self.inventory, lambda: self.reports, self.clock)
        authorized = await self.authorizer.authorize(prepared, context)
        if isinstance(authorized, Held):
            return Answer(authorized.text, held=True)
        plan = plan_call(authorized, revision=self.settings.revision, hide=self.settings.user_content == "hide")
        return Answer(await self._run_in_account(plan, operation.effect, context))

    async def _run_in_account(self, plan: Plan, effect: Effect, context: CallContext) -> str:
        """Run a plan. The connections are listed beside a read; the answer of a write names the account."""
        run = partial(self._runner.run, plan, context)
        if plan.operation.service is Service.KLAVIYO:
            if effect is Effect.READ or plan.connection is None:
                return await self.accounts.run_read(run)
            return await self.accounts.run_write(run, plan.connection)
        try:
            return await run()
        finally:
            if self.accounts.may_change(plan.operation):
                self.accounts.forget()
                if self._reports is not None:
                    self._reports.forget()

    @property
    def reports(self) -> ReportService:
        """The service that all reports share. Its modules are imported when the first report needs them."""
        if self._reports is None:
            from klaviyo_mcp.reports.service import ReportService

            self._reports = ReportService(self.reads, self.accounts.directory, lambda: self.accounts.account_key)
        return self._reports

    async def warm(self) -> None:
        """Prepare for the first call, where a call can succeed: imports, the TLS context, the sandbox's store."""
        if self.settings.key is not None or self.settings.sandbox:
            await self.sender.warm()

    async def aclose(self) -> None:
        """Close the connections to the gateway."""
        await self.sender.aclose()
