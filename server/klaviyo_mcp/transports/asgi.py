"""ASGI applications that stand around others: an endpoint for a route, the check of Host and Origin, a limit."""

from __future__ import annotations

import re
from collections.abc import Callable

from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

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

    Streams that only listen do not count. `calls` tells how many calls are running.
    """

    def __init__(self, max_requests: int, calls: Callable[[], int], stopping: Callable[[], bool]) -> None:
        self._max_requests = max_requests
        self._calls = calls
        self._stopping = stopping
        self._posts = 0

    def wrap(self, application: ASGIApp) -> ASGIApp:
        """The application under this limit; all applications that it wraps share it."""

        async def limited(scope: Scope, receive: Receive, send: Send) -> None:
            if scope.get("method") != "POST":
                await application(scope, receive, send)
            elif self._stopping():
                refusal = _refusal("This server is shutting down.", STOPPING_RETRY_SECONDS)
                await refusal(scope, receive, send)
            elif max(self._posts, self._calls()) >= self._max_requests:
                message = (
                    f"This server is busy: it serves {self._max_requests} requests at once. Try again in a second."
                )
                await _refusal(message, BUSY_RETRY_SECONDS)(scope, receive, send)
            else:
                self._posts += 1
                try:
                    await application(scope, receive, send)
                finally:
                    self._posts -= 1

        return AsgiEndpoint(limited)


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
