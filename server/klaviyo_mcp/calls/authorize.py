"""Stage 2 of a call: settle the account that a write goes to, and have a person confirm what needs it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import anyio

from klaviyo_mcp.account.connections import AccountConnections
from klaviyo_mcp.account.reads import AccountReads
from klaviyo_mcp.calls.context import CallContext
from klaviyo_mcp.calls.prepare import Prepared
from klaviyo_mcp.safety import policy, uploads
from klaviyo_mcp.safety.codes import PendingCall
from klaviyo_mcp.safety.confirmation import CallReads, ConfirmationGate, Held
from klaviyo_mcp.safety.previews import preview
from klaviyo_mcp.safety.previews.call_preview import CallPreview
from klaviyo_mcp.safety.questions import AsksPerson, CreatedConnection, Resumption
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.request import Service

if TYPE_CHECKING:
    from klaviyo_mcp.settings import Settings

MATON_ACCOUNT = "maton"
"""What a confirmation of Maton's own operations is bound to: they act on no Klaviyo account."""


@dataclass(frozen=True, slots=True)
class Authorized:
    """A call that may run.

    Attributes:
        operation: The operation to run.
        arguments: As they are sent: a file that they name is read into them.
        deadline: When the call must have ended, on the event loop's clock.
        connection: Id of the Maton connection that a write names in every request; None for all other calls.
    """

    operation: Operation
    arguments: Arguments
    deadline: float
    connection: str | None = None


@dataclass(frozen=True, slots=True)
class Authorizer:
    """Decides whether a prepared call may run."""

    settings: Settings
    accounts: AccountConnections
    reads: AccountReads
    gate: ConfirmationGate

    async def authorize(self, call: Prepared, context: CallContext) -> Authorized | Held:
        """Authorized, or Held where a second call must confirm it.

        A read is authorized at once: its account is settled while it runs, because a read of the wrong account changes
        nothing. The time that a person takes to answer does not count against the deadline.

        Raises:
            ArgumentError: The file to upload cannot be sent.
            ConnectionMissingError: It is not certain which account a write would go to.
            ConfirmationError: A person declined, or the code is not good for this call.
            KlaviyoMcpError: The preview shows that the call cannot succeed.
        """
        began = anyio.current_time()
        operation, effect, settings = call.operation, call.effect, self.settings
        on_klaviyo = operation.service is Service.KLAVIYO
        if effect is Effect.READ and on_klaviyo:
            return Authorized(operation, call.arguments, began + settings.deadline)
        arguments = await uploads.load_upload(operation, call.arguments, settings.upload_dir)
        connection = await self.accounts.connection_for_write() if on_klaviyo else None
        person = TimedPerson(context)
        # A call that comes back to see whether its connection was opened was confirmed before it created it.
        confirmed = isinstance(context.resumption, CreatedConnection)
        if policy.needs_confirmation(effect, settings.confirm) and not confirmed:
            held = await self._confirm(call, connection, person, uploads.upload_digest(arguments))
            if held is not None:
                return held
        return Authorized(operation, arguments, began + person.seconds + settings.deadline, connection)

    async def _confirm(
        self, call: Prepared, connection: str | None, person: AsksPerson, file_digest: str | None
    ) -> Held | None:
        operation, arguments = call.operation, call.arguments

        async def read_preview() -> CallPreview:
            account_name = partial(self.accounts.read_name, connection or MATON_ACCOUNT)
            reads = self.reads.for_preview(connection)
            whole = await preview.read_preview(reads, operation, arguments, account_name)
            return whole.with_fact("file", file_digest)

        async def read_digest() -> str:
            reads = self.reads.for_preview(connection, counts=False)
            facts = await preview.read_facts(reads, operation, arguments)
            return facts.with_fact("file", file_digest).digest

        pending = PendingCall(operation.name, arguments, connection or MATON_ACCOUNT, person.principal)
        reads = CallReads(read_preview, read_digest)
        return await self.gate.confirm(pending, code=call.code, person=person, reads=reads)


class TimedPerson:
    """A person whose answers are timed. `seconds`: how long all of them took so far."""

    def __init__(self, person: AsksPerson) -> None:
        self.seconds = 0.0
        self._person = person

    @property
    def principal(self) -> str:
        """As `AsksPerson` says."""
        return self._person.principal

    @property
    def can_ask(self) -> bool:
        """As `AsksPerson` says."""
        return self._person.can_ask

    @property
    def resumption(self) -> Resumption | None:
        """As `AsksPerson` says."""
        return self._person.resumption

    async def ask(self, question: str, resumption: Resumption | None = None) -> bool:
        """As `AsksPerson` says."""
        began = anyio.current_time()
        try:
            return await self._person.ask(question, resumption)
        finally:
            self.seconds += anyio.current_time() - began
