"""HTTP+SSE, the transport of older clients: a stream at /sse, messages posted to /messages/."""

from __future__ import annotations

from collections import Counter
from typing import Any

import anyio
import anyio.lowlevel
from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.message import SessionMessage
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from klaviyo_mcp.protocol.server import Principal
from klaviyo_mcp.transports.asgi import principal_of, share_of
from klaviyo_mcp.transports.messages import MessageReader, ReceivedMessages

CALL_TURNS = 20
"""Turns of the event loop in which a message that was taken becomes a call."""
RETRY_SECONDS = 30
"""Seconds after which a client that found no room may try again."""


class SseSessions:
    """The open streams: at most `max_sessions`, and of one client at most its share.

    Each ends after `idle_seconds` without a message from its client.
    """

    def __init__(
        self,
        server: Server[Any],
        security: TransportSecuritySettings,
        messages_path: str,
        max_body_bytes: int,
        max_sessions: int,
        idle_seconds: float,
    ) -> None:
        self._server = server
        self._transport = SseServerTransport(messages_path, security, max_body_bytes)
        self._max_sessions = max_sessions
        self._idle_seconds = idle_seconds
        self._open: Counter[Principal | None] = Counter()

    async def post(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one message. Ends once its call has begun, so that the call counts before its POST counts no longer."""
        await self._transport.handle_post_message(scope, receive, send)
        for _ in range(CALL_TURNS):
            await anyio.lowlevel.checkpoint()

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one stream until its client leaves or falls silent."""
        principal = principal_of(scope)
        full = self._open.total() >= self._max_sessions
        if full or (principal is not None and self._open[principal] >= share_of(self._max_sessions)):
            error = {"error": "too many open sessions; try again later"}
            headers = {"Retry-After": str(RETRY_SECONDS)}
            await JSONResponse(error, status_code=503, headers=headers)(scope, receive, send)
            return
        self._open[principal] += 1
        try:
            async with self._transport.connect_sse(scope, receive, send) as (reader, writer):
                with anyio.CancelScope() as session:
                    messages = PostedMessages(reader, session, self._idle_seconds)
                    await self._server.run(messages, writer, self._server.create_initialization_options())
        except ValueError:
            return  # the library has answered a refused Host or Origin already
        finally:
            self._open[principal] -= 1
            if not self._open[principal]:
                del self._open[principal]


class PostedMessages(ReceivedMessages):
    """The messages that one client posted; each postpones the end of the session."""

    def __init__(self, reader: MessageReader, session: anyio.CancelScope, idle_seconds: float) -> None:
        super().__init__(reader)
        self._session = session
        self._idle_seconds = idle_seconds
        self._postpone_end()

    async def receive(self) -> SessionMessage | Exception:
        """The next message. Raises EndOfStream."""
        message = await super().receive()
        self._postpone_end()
        return message

    def _postpone_end(self) -> None:
        self._session.deadline = anyio.current_time() + self._idle_seconds
