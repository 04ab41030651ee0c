"""Consent before a call runs: a person's answer where the client can ask, otherwise a code that comes with a preview.

A code stands for one call (tool, arguments, account), for ten minutes, once. The code itself is random: this process
remembers the call that it stands for.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from klaviyo_mcp.cache import Clock, ExpiringCache
from klaviyo_mcp.errors import ConfirmationError
from klaviyo_mcp.safety.policy import CODE_ARGUMENT
from klaviyo_mcp.safety.questions import AsksPerson, QuestionFailedError, ShownPreview
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.operation.operation import Operation

CODE_SECONDS = 600.0
"""Seconds for which a code is good."""
REFUSAL_SECONDS = 3_600.0
"""Seconds for which a code that was used or has expired is refused with that reason; later it is unknown."""
CODE_CHARACTERS = 10
"""Characters of a code, in base32: fifty bits."""
MAX_CODES = 1_000
"""Codes remembered at once. Beyond these, the code that was issued first goes."""

_NEW_CODE = f"Call again without {CODE_ARGUMENT} for a new preview and code."


def split_code(arguments: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """The code among the arguments that a model wrote, and the arguments without it."""
    others = dict(arguments)
    code = others.pop(CODE_ARGUMENT, None)
    return None if code is None else str(code), others


@dataclass(frozen=True, slots=True)
class Held:
    """A call that waits for a confirmation; nothing was changed. `preview` says what it would do, `code` runs it."""

    operation: str
    preview: str
    code: str

    @property
    def text(self) -> str:
        """The answer of the call, for a model."""
        return (
            f"Nothing has been changed yet: {self.operation} needs a confirmation.\n{self.preview}\n"
            f"To go ahead, show this to the person; if they agree, call {self.operation} again with the same arguments "
            f'and {CODE_ARGUMENT}="{self.code}" (good for ten minutes, once).'
        )


@dataclass(frozen=True, slots=True)
class _IssuedCode:
    """The digest of the call that a code stands for, and whether the code was used."""

    call: bytes
    used: bool = False


class ConfirmationCodes:
    """The codes that this process issued. `clock` is in seconds."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._key = secrets.token_bytes(32)
        self._issued = ExpiringCache[bytes, _IssuedCode](max_entries=MAX_CODES, clock=clock)

    def issue(self, operation: Operation, arguments: Arguments, account: str) -> str:
        """A new code for this call."""
        call = self._call_digest(operation, arguments, account)
        code = base64.b32encode(self._digest(call + secrets.token_bytes(16))).decode()[:CODE_CHARACTERS]
        self._issued.put(self._digest(code.encode()), _IssuedCode(call), CODE_SECONDS + REFUSAL_SECONDS)
        return code

    def redeem(self, code: str, operation: Operation, arguments: Arguments, account: str) -> None:
        """Use a code for this call. Raises ConfirmationError where the code is not good for it, or no longer good."""
        # Codes are looked up by their keyed digest: the time of the look-up reveals nothing about existing codes.
        digest = self._digest(code.strip().upper().encode("utf-8", "replace"))
        entry = self._issued.get_with_age(digest)
        if entry is None:
            raise refusal(operation, "that code was not given out here, or is long past", _NEW_CODE)
        issued = entry.value
        if not hmac.compare_digest(issued.call, self._call_digest(operation, arguments, account)):
            raise refusal(
                operation,
                "that code was given for another call",
                f"Repeat the call it was given for with exactly its arguments, or call without {CODE_ARGUMENT} "
                "for a new preview and code.",
            )
        if issued.used:
            raise refusal(operation, "that code was used already: a code is good for one call", _NEW_CODE, again=True)
        if entry.age >= CODE_SECONDS:
            raise refusal(operation, "that code has expired: it is good for ten minutes", _NEW_CODE)
        self._issued.put(digest, replace(issued, used=True), REFUSAL_SECONDS)

    def _call_digest(self, operation: Operation, arguments: Arguments, account: str) -> bytes:
        values = arguments.model_dump(mode="json", by_alias=True, exclude_unset=True)
        text = json.dumps([operation.name, account, values], sort_keys=True, separators=(",", ":"))
        return self._digest(text.encode())

    def _digest(self, data: bytes) -> bytes:
        return hmac.digest(self._key, data, "sha256")


def refusal(operation: Operation, reason: str, then: str, *, again: bool = False) -> ConfirmationError:
    """The error for a call that was not run. `again`: an earlier call with the same code ran."""
    nothing = "nothing was changed by this call" if again else "nothing was changed"
    return ConfirmationError(f"{operation.name} was not run and {nothing}: {reason}.", then=then)


@dataclass(frozen=True, slots=True)
class ConfirmationGate:
    """Lets a call run once a person has agreed to it."""

    codes: ConfirmationCodes

    async def confirm(
        self,
        operation: Operation,
        arguments: Arguments,
        *,
        code: str | None,
        account: str,
        person: AsksPerson,
        preview: Callable[[], Awaitable[str]],
    ) -> Held | None:
        """None where the call may run; Held where a second call with a code must confirm it.

        Raises:
            ConfirmationError: The person declined, or the code is not good for this call.
        """
        if code:
            self.codes.redeem(code, operation, arguments, account)
            return None
        # A person agrees to the preview that they saw: it is not read a second time.
        seen = person.resumption
        text = seen.text if isinstance(seen, ShownPreview) else await preview()
        if person.can_ask:
            try:
                agreed = await person.ask(f"{text}\nGo ahead?", ShownPreview(text))
            except QuestionFailedError:
                pass  # The code remains.
            else:
                if agreed:
                    return None
                raise refusal(
                    operation,
                    "the person asked did not agree",
                    "Do not repeat it unless they ask for it; ask them what they want instead.",
                )
        return Held(operation.name, text, self.codes.issue(operation, arguments, account))
