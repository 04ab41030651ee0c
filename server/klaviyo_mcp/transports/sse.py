"""HTTP+SSE, the transport of older clients: a stream at /sse, messages posted to /messages/."""

from __future__ import annotations

import contextvars
from typing import Any

import anyio
from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared._context_streams import ContextReceiveStream
from mcp.shared.message import SessionMessage
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send


class SseSessions:
    """The open streams: no more than `most`, each ended after `idle` seconds without a message from its client."""

    def __init__(
        self, server: Server[Any], security: TransportSecuritySettings, max_body: int, most: int, idle: float
    ) -> None:
        self._server = server
        self._transport = SseServerTransport("/messages/", security, max_body)
        self._most = most
        self._idle = idle
        self._open = 0
        self.post = self._transport.handle_post_message

    async def listen(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one stream until its client leaves or falls silent."""
        if self._open >= self._most:
            told = {"error": "too many open sessions; try again later"}
            await JSONResponse(told, status_code=503, headers={"Retry-After": "30"})(scope, receive, send)
            return
        self._open += 1
        try:
            async with self._transport.connect_sse(scope, receive, send) as (reading, writing):
                with anyio.CancelScope() as session:
                    heard = ReceivedMessages(reading, session, self._idle)
                    await self._server.run(heard, writing, self._server.create_initialization_options())
        except ValueError:
            return  # the library has answered a refused Host or Origin by then
        finally:
            self._open -= 1


class ReceivedMessages:
    """The messages of one client, as the library reads them; each puts off the end of the session."""

    def __init__(
        self, reading: ContextReceiveStream[SessionMessage | Exception], session: anyio.CancelScope, idle: float
    ):
        self._reading = reading
        self._session = session
        self._idle = idle
        self._put_off()

    def _put_off(self) -> None:
        self._session.deadline = anyio.current_time() + self._idle

    @property
    def last_context(self) -> contextvars.Context | None:
        """The context in which the last message was posted: who posted it."""
        return self._reading.last_context

    async def receive(self) -> SessionMessage | Exception:
        """The next message."""
        message = await self._reading.receive()
        self._put_off()
        return message

    async def aclose(self) -> None:
        """Read no more."""
        await self._reading.aclose()

    def __aiter__(self) -> ReceivedMessages:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> ReceivedMessages:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
