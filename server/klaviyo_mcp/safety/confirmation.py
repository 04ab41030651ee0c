"""Consent before a call runs: asked of the person where the client can, else by a code that comes with a preview.

A code stands for exactly one call (tool, arguments, account), for ten minutes, once. It says nothing by itself: this
process remembers what it stands for.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from mcp.shared.exceptions import MCPError

from klaviyo_mcp.errors import ConfirmationError
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.operation.operation import Operation

CODE_SECONDS = 600.0
"""Seconds for which a code is good."""
CODE_CHARACTERS = 10
"""Characters of a code, in base32: fifty bits."""
MAX_CODES = 1_000
"""Codes remembered at once; the oldest go first."""
HELD = "Nothing has been changed yet"
"""How the answer begins that asks for a second call."""
ARGUMENT = "confirmation"
SCHEMA = {"type": "string"}

Clock = Callable[[], float]
_AGAIN = f"Call again without {ARGUMENT} for a new preview and code."


def split_code(given: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """The code in what a model wrote, and the arguments without it."""
    code = given.get(ARGUMENT)
    return None if code is None else str(code), {name: value for name, value in given.items() if name != ARGUMENT}


class AsksPerson(Protocol):
    """The part of a call's context that can reach a person."""

    @property
    def can_ask(self) -> bool:
        """Whether the client can put a question to a person."""

    @property
    def note(self) -> str:
        """What was noted when a question ended this call's last attempt; empty on a first."""

    async def ask(self, question: str, note: str = "") -> bool:
        """Have a person confirm."""


@dataclass
class _Issued:
    call: bytes
    until: float
    used: bool = False


class ConfirmationCodes:
    """The codes given out by this process. `clock` is in seconds."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._issued: OrderedDict[bytes, _Issued] = OrderedDict()

    def issue(self, operation: Operation, arguments: Arguments, account: str) -> str:
        """A new code for this call."""
        call = self._call(operation, arguments, account)
        code = base64.b32encode(self._digest(call + secrets.token_bytes(16))).decode()[:CODE_CHARACTERS]
        self._issued[self._digest(code.encode())] = _Issued(call, self._clock() + CODE_SECONDS)
        while len(self._issued) > MAX_CODES:
            self._issued.popitem(last=False)
        return code

    def redeem(self, code: str, operation: Operation, arguments: Arguments, account: str) -> None:
        """Use a code for this call. Raises ConfirmationError where it is not good for it, or no longer."""
        # Codes are looked up by their keyed digest, so that the time this takes tells nothing of those there are.
        issued = self._issued.get(self._digest(code.strip().upper().encode("utf-8", "replace")))
        if issued is None:
            raise _refused(operation, "that code was not given out here, or is long past", _AGAIN)
        if not hmac.compare_digest(issued.call, self._call(operation, arguments, account)):
            raise _refused(
                operation,
                "that code was given for another call",
                f"Repeat the call it was given for with exactly its arguments, or call without {ARGUMENT} "
                "for a new preview and code.",
            )
        if issued.used:
            raise _refused(operation, "that code was used already: a code is good for one call", _AGAIN, again=True)
        if self._clock() >= issued.until:
            raise _refused(operation, "that code has expired: it is good for ten minutes", _AGAIN)
        issued.used = True

    def _call(self, operation: Operation, arguments: Arguments, account: str) -> bytes:
        given = arguments.model_dump(mode="json", by_alias=True, exclude_unset=True)
        text = json.dumps([operation.name, account, given], sort_keys=True, separators=(",", ":"))
        return self._digest(text.encode())

    def _digest(self, data: bytes) -> bytes:
        return hmac.digest(self._key, data, "sha256")


def _refused(operation: Operation, why: str, then: str, *, again: bool = False) -> ConfirmationError:
    nothing = "nothing was changed by this call" if again else "nothing was changed"
    return ConfirmationError(f"{operation.name} was not run and {nothing}: {why}.", then=then)


@dataclass(frozen=True, slots=True)
class ConfirmationGate:
    """Lets a call through once a person has agreed to it."""

    codes: ConfirmationCodes

    async def hold(
        self,
        operation: Operation,
        arguments: Arguments,
        *,
        code: str | None,
        account: str,
        asks: AsksPerson,
        preview: Callable[[], Awaitable[str]],
    ) -> str | None:
        """None where the call may run, else what to answer instead. Raises ConfirmationError where it was declined."""
        if code:
            self.codes.redeem(code, operation, arguments, account)
            return None
        # A preview that was shown is not made anew, so that what a person agreed to is what they saw.
        told = asks.note or await preview()
        if asks.can_ask:
            try:
                agreed = await asks.ask(f"{told}\nGo ahead?", told)
            except MCPError:
                agreed = None  # it said that it could, and could not
            if agreed:
                return None
            if agreed is False:
                raise _refused(
                    operation,
                    "the person asked did not agree",
                    "Do not repeat it unless they ask for it; ask them what they want instead.",
                )
        given = self.codes.issue(operation, arguments, account)
        return (
            f"{HELD}: {operation.name} needs a confirmation.\n{told}\n"
            f"To go ahead, show this to the person; if they agree, call {operation.name} again with the same arguments "
            f'and {ARGUMENT}="{given}" (good for ten minutes, once).'
        )
