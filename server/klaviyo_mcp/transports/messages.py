"""The messages of one client, as the library reads them."""

from __future__ import annotations

import contextvars
from typing import Protocol, Self

import anyio
from mcp.shared.message import SessionMessage


class MessageReader(Protocol):
    """Where the library reads messages, and lines that it could not parse."""

    @property
    def last_context(self) -> contextvars.Context | None:
        """The context in which the last message was sent."""

    async def receive(self) -> SessionMessage | Exception:
        """The next message. Raises EndOfStream."""

    async def aclose(self) -> None:
        """Stop reading."""


class ReceivedMessages:
    """The messages of a reader; a subclass does more with each message that it receives."""

    def __init__(self, reader: MessageReader) -> None:
        self._reader = reader

    @property
    def last_context(self) -> contextvars.Context | None:
        """The context in which the last message was sent; it names the client that sent it."""
        return self._reader.last_context

    async def receive(self) -> SessionMessage | Exception:
        """The next message. Raises EndOfStream."""
        return await self._reader.receive()

    async def aclose(self) -> None:
        """Stop reading."""
        await self._reader.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
