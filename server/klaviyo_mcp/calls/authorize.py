"""Stage 2 of a call: settle the account that a write goes to, and have a person confirm what needs it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import anyio

from klaviyo_mcp.account.connections import AccountConnections
from klaviyo_mcp.account.reads import AccountReads, run_together
from klaviyo_mcp.calls.context import CallContext
from klaviyo_mcp.calls.prepare import Prepared
from klaviyo_mcp.safety import policy, uploads
from klaviyo_mcp.safety.codes import PendingCall
from klaviyo_mcp.safety.confirmation import CallReads, ConfirmationGate, CurrentFacts, Held
from klaviyo_mcp.safety.previews import preview
from klaviyo_mcp.safety.previews.call_preview import CallPreview
from klaviyo_mcp.safety.questions import AsksPerson, CreatedConnection, Resumption, ShownPreview
from klaviyo_mcp.safety.stake import Stake
from klaviyo_mcp.safety.stakes import assessment
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.request import Service

if TYPE_CHECKING:
    from klaviyo_mcp.settings import Settings

MATON_ACCOUNT = "maton"
"""Stands for the account in confirmations of Maton's own operations, which act on no Klaviyo account."""


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
        operation, settings = call.operation, self.settings
        on_klaviyo = operation.service is Service.KLAVIYO
        if operation.effect is Effect.READ and on_klaviyo:
            return Authorized(operation, call.arguments, began + settings.deadline)
        arguments = await uploads.load_upload(operation, call.arguments, settings.upload_dir)
        connection = await self.accounts.connection_for_write() if on_klaviyo else None
        person = TimedPerson(context)
        # A call that comes back to see whether its connection was opened was confirmed before it created it.
        confirmed = isinstance(context.resumption, CreatedConnection)
        if policy.may_need_confirmation(operation, settings.confirm) and not confirmed:
            held = await self._confirm(call, connection, person, uploads.upload_digest(arguments))
            if held is not None:
                return held
        return Authorized(operation, arguments, began + person.seconds + settings.deadline, connection)

    async def _confirm(
        self, call: Prepared, connection: str | None, person: AsksPerson, file_digest: str | None
    ) -> Held | None:
        asks_always = self.settings.confirm == "writes"
        facts = CallFacts(call, self.reads, self.accounts, connection, file_digest, asks_always)
        # A call with a code or an answer was judged before: it is judged again together with its other facts.
        is_new = not call.code and not isinstance(person.resumption, ShownPreview)
        if is_new and not await facts.is_at_stake():
            return None
        pending = PendingCall(call.operation.name, call.arguments, connection or MATON_ACCOUNT, person.principal)
        reads = CallReads(facts.read_preview, facts.read_current)
        return await self.gate.confirm(pending, code=call.code, person=person, reads=reads)


@dataclass(slots=True)
class CallFacts:
    """What the account says about one call, read through the connection that the call goes to.

    `asks_always`: the call is confirmed whatever is at stake.
    """

    call: Prepared
    reads: AccountReads
    accounts: AccountConnections
    connection: str | None
    file_digest: str | None
    asks_always: bool
    _stake: Stake | None = None
    """The stake that `is_at_stake` read, for the preview that follows."""

    async def is_at_stake(self) -> bool:
        """Whether the call has to be confirmed."""
        if self.asks_always:
            return True
        self._stake = await self._read_stake()
        return bool(self._stake)

    async def read_preview(self) -> CallPreview:
        """The whole preview."""
        call, reads = self.call, self.reads.for_preview(self.connection)
        account_name = partial(self.accounts.read_name, self.connection or MATON_ACCOUNT)
        read = partial(preview.read_preview, reads, call.operation, call.arguments, account_name)
        stake, self._stake = self._stake, None
        if stake is not None:
            return self._joined(await read(), stake)
        return self._joined(*await run_together(read, self._read_stake))

    async def read_current(self) -> CurrentFacts:
        """The facts of the preview as they are now."""
        call, reads = self.call, self.reads.for_preview(self.connection, counts=False)
        read = partial(preview.read_facts, reads, call.operation, call.arguments)
        facts, stake = await run_together(read, self._read_stake)
        return CurrentFacts(self._joined(facts, stake).digest, bool(stake) or self.asks_always)

    async def _read_stake(self) -> Stake:
        reads = self.reads.for_preview(self.connection, counts=False)
        return await assessment.read_stake(reads, self.call.operation, self.call.arguments)

    def _joined(self, facts: CallPreview, stake: Stake) -> CallPreview:
        return facts.with_stake(stake).with_fact("file", self.file_digest)


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
