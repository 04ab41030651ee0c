"""Consent before a call runs: a person's answer where the client can ask, otherwise a code that comes with a preview.

Consent is bound to what was seen. The facts behind the preview are read again before the call runs, after an answer and
with a code alike. Where one differs, nothing is sent, and a new preview takes the place of the old one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from klaviyo_mcp.errors import ConfirmationError
from klaviyo_mcp.safety.codes import CodeError, ConfirmationCodes, PendingCall
from klaviyo_mcp.safety.policy import CODE_ARGUMENT
from klaviyo_mcp.safety.questions import AsksPerson, QuestionFailedError, ShownPreview

if TYPE_CHECKING:
    from klaviyo_mcp.safety.previews.call_preview import CallPreview

MAX_QUESTIONS = 3
"""Questions in one call while somebody keeps changing the facts; then the call is held with a code."""

_CHANGED = "What this call would act on has changed since it was shown. As it is now:"


def split_code(arguments: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """The code among the arguments that a model wrote, and the arguments without it."""
    others = dict(arguments)
    code = others.pop(CODE_ARGUMENT, None)
    return None if code is None else str(code), others


@dataclass(frozen=True, slots=True)
class Held:
    """A call that waits for a confirmation; nothing was changed.

    Attributes:
        operation: The name of the operation.
        preview: What the call would do.
        code: Runs the call.
        this_process_only: No other process can verify the code.
        changed: The facts have changed since the preview that was confirmed.
    """

    operation: str
    preview: str
    code: str
    this_process_only: bool = False
    changed: bool = False

    @property
    def text(self) -> str:
        """The answer of the call, for a model."""
        process = ", in this server process: it cannot write its state directory" if self.this_process_only else ""
        return (
            f"Nothing has been changed yet: {self.operation} needs a confirmation.\n"
            f"{f'{_CHANGED}{chr(10)}' if self.changed else ''}{self.preview}\n"
            f"To go ahead, show this to the person; if they agree, call {self.operation} again with the same arguments "
            f'and {CODE_ARGUMENT}="{self.code}" (good for ten minutes, once{process}).'
        )


def refusal(operation: str, reason: str, then: str, *, again: bool = False) -> ConfirmationError:
    """The error for a call that was not run. `again`: an earlier call with the same code ran."""
    nothing = "nothing was changed by this call" if again else "nothing was changed"
    return ConfirmationError(f"{operation} was not run and {nothing}: {reason}.", then=then)


@dataclass(frozen=True, slots=True)
class CallReads:
    """The reads for one confirmation: the whole preview, and its facts alone, which take fewer."""

    preview: Callable[[], Awaitable[CallPreview]]
    facts: Callable[[], Awaitable[CurrentFacts]]


class CurrentFacts(NamedTuple):
    """The facts behind a preview as they are now.

    Attributes:
        digest: As that of the preview.
        is_at_stake: Whether the call has to be confirmed; False where what was at stake is so no longer.
    """

    digest: str
    is_at_stake: bool = True


@dataclass(frozen=True, slots=True)
class ConfirmationGate:
    """Lets a call run once a person has agreed to it. `asks`: whether a person is asked where the client can."""

    codes: ConfirmationCodes
    asks: bool = True

    async def confirm(
        self, call: PendingCall, *, code: str | None, person: AsksPerson, reads: CallReads
    ) -> Held | None:
        """None where the call may run; Held where a second call with a code must confirm it.

        Raises:
            ConfirmationError: The person declined, or the code is not good for this call.
            KlaviyoMcpError: The preview shows that the call cannot succeed.
        """
        if code:
            return await self._redeem(code, call, reads)
        if not (self.asks and person.can_ask):
            return await self._hold(call, await reads.preview())
        return await self._ask(call, person, reads)

    async def _redeem(self, code: str, call: PendingCall, reads: CallReads) -> Held | None:
        try:
            issued = await self.codes.find(code, call)
            facts = await reads.facts()
            if facts.is_at_stake and not issued.agrees_with(facts.digest):
                return await self._hold(call, await reads.preview(), changed=True)
            await self.codes.use(code, call)
        except CodeError as error:
            raise refusal(call.operation, error.reason, error.then, again=error.was_used) from None
        return None

    async def _ask(self, call: PendingCall, person: AsksPerson, reads: CallReads) -> Held | None:
        """Ask until the facts that a person agreed to are those of the moment."""
        seen = person.resumption
        shown = seen if isinstance(seen, ShownPreview) else None
        preview: CallPreview | None = None
        for attempt in range(MAX_QUESTIONS):
            if shown is None:
                preview = await reads.preview()
                question = f"{f'{_CHANGED}{chr(10)}' if attempt else ''}{preview.text}\nGo ahead?"
                shown = ShownPreview(question, preview.digest, call.connection)
            try:
                agreed = await person.ask(shown.question, shown)
            except QuestionFailedError:  # neither yes nor no: the code remains
                return await self._hold(call, preview or await reads.preview())
            if not agreed:
                raise refusal(
                    call.operation,
                    "the person asked did not agree",
                    "Do not repeat it unless they ask for it; ask them what they want instead.",
                )
            facts = await reads.facts()
            if shown.connection == call.connection and (shown.facts == facts.digest or not facts.is_at_stake):
                return None
            shown = None
        return await self._hold(call, await reads.preview(), changed=True)

    async def _hold(self, call: PendingCall, preview: CallPreview, *, changed: bool = False) -> Held:
        code = await self.codes.issue(call, preview.digest)
        return Held(call.operation, preview.text, code, this_process_only=not self.codes.is_shared, changed=changed)
