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
from klaviyo_mcp.safety.confirmation import ConfirmationGate, Held
from klaviyo_mcp.safety.previews import preview
from klaviyo_mcp.safety.questions import CreatedConnection
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
    """

    operation: Operation
    arguments: Arguments
    deadline: float


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
        account = await self.accounts.connection_for_write() if on_klaviyo else MATON_ACCOUNT
        elapsed_seconds = anyio.current_time() - began
        # A call that comes back to see whether its connection was opened was confirmed before it created it.
        confirmed = isinstance(context.resumption, CreatedConnection)
        if policy.needs_confirmation(effect, settings.confirm) and not confirmed:
            held = await self._confirm(call, account, context)
            if held is not None:
                return held
        return Authorized(operation, arguments, anyio.current_time() + settings.deadline - elapsed_seconds)

    async def _confirm(self, call: Prepared, account: str, context: CallContext) -> Held | None:
        read_preview = partial(
            preview.preview_text,
            self.reads.within_one_budget(),
            call.operation,
            call.arguments,
            self.accounts.read_name,
        )
        return await self.gate.confirm(
            call.operation, call.arguments, code=call.code, account=account, person=context, preview=read_preview
        )
