"""What a call may ask of the session that it came from."""

from __future__ import annotations

from typing import Protocol

from klaviyo_mcp.safety.questions import AsksPerson, Resumption


class CallContext(AsksPerson, Protocol):
    """The session of a call: it shows progress, and reaches the person at the client."""

    async def report(self, done: float, total: float | None, message: str) -> None:
        """Show the call's progress: `done` of `total` (None where the total is unknown), and in words."""

    @property
    def can_open(self) -> bool:
        """Whether the client can send a person to a web address."""

    async def open(self, message: str, url: str, resumption: Resumption | None = None) -> bool:
        """Whether a person opens an address. Raises as `ask` does."""


class SilentContext:
    """The context of a read that another call makes: it shows no progress and reaches no person."""

    principal = ""
    resumption = None
    can_ask = False
    can_open = False

    async def report(self, done: float, total: float | None, message: str) -> None:
        """Shows nothing."""

    async def ask(self, question: str, resumption: Resumption | None = None) -> bool:
        """No person, no consent."""
        return False

    async def open(self, message: str, url: str, resumption: Resumption | None = None) -> bool:
        """No person opens the address."""
        return False
