"""The endpoint of Streamable HTTP: the library's session manager, with a share for each client and fewer dead ends."""

from __future__ import annotations

import json
from typing import Any

from mcp.server.auth.middleware.bearer_auth import AuthorizationContext
from mcp.server.streamable_http import StreamableHTTPServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from klaviyo_mcp.transports.asgi import prepend, share_of
from klaviyo_mcp.transports.resumption import RETRY_MILLISECONDS, KeptMessages, SessionEvents

SESSION_HEADER = b"mcp-session-id"


class SharedSessionManager(StreamableHTTPSessionManager):
    """Sessions of which one authenticated client opens at most its share, each with events of its own."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(retry_interval=RETRY_MILLISECONDS, **arguments)
        self._kept_messages = KeptMessages()

    def _admit_session(self, requestor: AuthorizationContext | None) -> StreamableHTTPServerTransport | None:
        self.event_store = SessionEvents(self._kept_messages)  # of the session that is created now
        if requestor is not None and self.max_sessions is not None:
            own = sum(owner == requestor for owner in self._session_owners.values())
            if own >= share_of(self.max_sessions):
                return None
        return super()._admit_session(requestor)


class StreamableEndpoint:
    """Serves the requests of /mcp.

    A client that initializes begins anew, whatever session it names; the library would answer 404 after a restart.
    """

    def __init__(self, manager: StreamableHTTPSessionManager) -> None:
        self._manager = manager

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, names = scope["method"], {name for name, _ in scope["headers"]}
        if self._manager.stateless and method in ("GET", "DELETE"):
            await Response(status_code=405, headers={"Allow": "POST"})(scope, receive, send)
            return
        if method == "POST" and SESSION_HEADER in names:
            body = await receive()
            if _initializes(body.get("body", b"")):
                scope = _without_header(scope, SESSION_HEADER)
            receive = prepend(body, receive)
        await self._manager.handle_request(scope, receive, send)


def _without_header(scope: Scope, name: bytes) -> Scope:
    return {**scope, "headers": [header for header in scope["headers"] if header[0] != name]}


def _initializes(body: bytes) -> bool:
    if b'"initialize"' not in body:  # most requests need not be parsed here
        return False
    try:
        message: Any = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(message, dict) and message.get("method") == "initialize"
