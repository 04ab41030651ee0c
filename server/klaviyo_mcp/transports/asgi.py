"""ASGI applications that stand around others: an endpoint for a route, the check of Host and Origin, a limit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import principal_components
from mcp.server.transport_security import (
    RequestBodyLimitMiddleware,
    TransportSecurityMiddleware,
    TransportSecuritySettings,
)
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from klaviyo_mcp.protocol.server import Principal

BUSY_CODE = -32_000
"""JSON-RPC error code of a request that is refused because the server is busy or stops."""
BUSY_RETRY_SECONDS = 1
STOPPING_RETRY_SECONDS = 5


class AsgiEndpoint:
    """An ASGI application that a Route takes as it is, not as a function of a request."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._application(scope, receive, send)


class EndpointPath:
    """Finds an endpoint with and without a slash at its end, and under the prefix that a proxy left in the path."""

    def __init__(self, application: ASGIApp, prefix: str, endpoints: tuple[str, ...]) -> None:
        self._application = application
        self._prefix = prefix
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            if self._prefix and path.startswith(f"{self._prefix}/"):
                path = path.removeprefix(self._prefix)
            if path.endswith("/") and path[:-1] in self._endpoints:
                path = path[:-1]
            if path != scope["path"]:
                scope = {**scope, "path": path, "raw_path": path.encode()}
        await self._application(scope, receive, send)


class HostGuard:
    """Refuses a Host (421) or an Origin (403) that is not allowed before anything else reads the request.

    The `open_paths` are health checks: they come by address, whose Host cannot be known, and neither tell nor change
    anything.
    """

    def __init__(self, application: ASGIApp, security: TransportSecuritySettings, open_paths: tuple[str, ...]) -> None:
        self._application = application
        self._check = TransportSecurityMiddleware(security)
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in self._open_paths:
            refusal = await self._check.validate_request(Request(scope))
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        await self._application(scope, receive, send)


class ConcurrencyLimit:
    """Answers 503 to a POST while as many are served as is allowed, or while the server stops.

    A POST counts once its body is whole, so that slow clients keep nobody out. One authenticated client takes at most
    three quarters. Streams that only listen do not count.

    Args:
        max_requests: POSTs served at once.
        max_body_bytes: Largest body; a larger one is answered 413.
        calls: The calls that are running, by client: over SSE a POST ends before its call.
        stopping: Whether the server stops.
    """

    def __init__(
        self,
        max_requests: int,
        max_body_bytes: int,
        calls: Callable[[], Counter[Principal | None]],
        stopping: Callable[[], bool],
    ) -> None:
        self._max_requests = max_requests
        self._max_body_bytes = max_body_bytes
        self._calls = calls
        self._stopping = stopping
        self._posts: Counter[Principal | None] = Counter()

    def wrap(self, application: ASGIApp) -> ASGIApp:
        """The application under this limit; all applications that it wraps share it."""

        async def serve_post(scope: Scope, receive: Receive, send: Send) -> None:
            body = await receive()
            if body["type"] != "http.request" or body.get("more_body"):
                return  # the client left before its request was whole
            principal = principal_of(scope)
            refusal = self._refusal(principal)
            if refusal is not None:
                await refusal(scope, receive, send)
                return
            self._posts[principal] += 1
            try:
                await application(scope, prepend(body, receive), send)
            finally:
                self._posts[principal] -= 1
                if not self._posts[principal]:
                    del self._posts[principal]

        buffered = RequestBodyLimitMiddleware(serve_post, self._max_body_bytes)

        async def limited(scope: Scope, receive: Receive, send: Send) -> None:
            if scope.get("method") != "POST":
                await application(scope, receive, send)
            elif self._stopping():
                refusal = _refusal("This server is shutting down.", STOPPING_RETRY_SECONDS)
                await refusal(scope, receive, send)
            else:
                await buffered(scope, receive, send)

        return AsgiEndpoint(limited)

    def _refusal(self, principal: Principal | None) -> Response | None:
        """The answer to a request for which there is no room."""
        calls = self._calls()
        if max(self._posts.total(), calls.total()) >= self._max_requests:
            served = f"it serves {self._max_requests} requests at once"
        elif principal is not None and max(self._posts[principal], calls[principal]) >= share_of(self._max_requests):
            served = f"it serves {share_of(self._max_requests)} requests of one client at once"
        else:
            return None
        return _refusal(f"This server is busy: {served}. Try again in a second.", BUSY_RETRY_SECONDS)


def principal_of(scope: Scope) -> Principal | None:
    """Who sent a request; None where clients need not authenticate."""
    user = scope.get("user")
    return principal_components(user.access_token) if isinstance(user, AuthenticatedUser) else None


def share_of(maximum: int) -> int:
    """How much of a maximum one authenticated client may take: three quarters, so that others still get in."""
    return max(1, maximum * 3 // 4)


def prepend(message: Message, receive: Receive) -> Receive:
    """Receives a message that was read already, then the rest."""
    messages = [message]

    async def receive_next() -> Message:
        return messages.pop() if messages else await receive()

    return receive_next


def cors_middleware(security: TransportSecuritySettings) -> Middleware:
    """Lets pages of the allowed origins read the answers."""
    origins = [re.escape(origin).replace(r":\*", r":\d+") for origin in security.allowed_origins]
    return Middleware(
        CORSMiddleware,
        allow_origin_regex="|".join(origins),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["*"],
        expose_headers=["Mcp-Session-Id", "WWW-Authenticate", "Retry-After"],
    )


def _refusal(message: str, retry_seconds: int) -> Response:
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": BUSY_CODE, "message": message}}
    return JSONResponse(error, status_code=503, headers={"Retry-After": str(retry_seconds)})
