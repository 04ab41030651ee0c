"""Streamable HTTP and HTTP+SSE on one port, with authentication, limits and health."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import TokenVerifier
from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from klaviyo_mcp import __version__
from klaviyo_mcp.protocol import server as app
from klaviyo_mcp.settings import Settings, SettingsError
from klaviyo_mcp.transports.auth import create_verifier
from klaviyo_mcp.transports.sse import SseSessions
from klaviyo_mcp.urls import is_loopback

logger = logging.getLogger(__name__)

HEALTH = ("/healthz", "/readyz")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
BUSY = -32_000

Guard = Callable[[ASGIApp], ASGIApp]


class HttpApp:
    """The application of one server: /mcp, /sse with /messages/, /healthz and /readyz."""

    def __init__(self, calls: app.ToolService, settings: Settings) -> None:
        self.calls = calls
        self.settings = settings
        self.shell = app.Handlers(calls)
        self.draining = False
        self._known = create_verifier(settings)
        if self._known is None and not is_loopback(settings.host.strip("[]")):
            raise SettingsError(
                f"KLAVIYO_MCP_HOST (--host) {settings.host} can be reached from elsewhere: set KLAVIYO_MCP_TOKENS, or"
                " KLAVIYO_MCP_OAUTH_ISSUER and KLAVIYO_MCP_OAUTH_AUDIENCE, or bind to 127.0.0.1"
            )

    def application(self) -> Starlette:
        """The ASGI application; one Calls serves all its sessions and is closed with it. To be made once."""
        settings = self.settings
        server = app.server_of(self.shell)
        security = security_of(settings)
        manager = StreamableHTTPSessionManager(
            app=server,
            security_settings=security,
            max_request_body_size=settings.max_body,
            max_sessions=settings.max_sessions,
            session_idle_timeout=settings.session_idle,
        )
        return Starlette(
            routes=self._routes(server, manager, security),
            middleware=[Middleware(HostGuard, security=security), _cors(security), *_authentication(self._known)],
            lifespan=self._lifespan(manager),
        )

    def _routes(
        self, server: Server[Any], manager: StreamableHTTPSessionManager, security: TransportSecuritySettings
    ) -> list[BaseRoute]:
        settings = self.settings
        sse = SseSessions(server, security, settings.max_body, settings.max_sessions, settings.session_idle)
        guard, described = self._guard()
        limit = ConcurrencyLimit(settings.max_concurrent, lambda: self.shell.under_way, lambda: self.draining)
        return [
            Route("/mcp", endpoint=guard(limit.around(StreamableHTTPASGIApp(manager)))),
            Route("/sse", endpoint=guard(sse.listen), methods=["GET"]),
            Mount("/messages/", app=guard(limit.around(sse.post))),
            Route("/healthz", endpoint=self._healthy),
            Route("/readyz", endpoint=self._ready),
            *described,
        ]

    async def _healthy(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "version": __version__})

    async def _ready(self, _: Request) -> Response:
        if self.draining:
            return JSONResponse({"status": "shutting down"}, status_code=503)
        return JSONResponse({"status": "ready", "tools": len(self.calls.tools()), "calls": self.shell.under_way})

    async def drain(self, seconds: float) -> None:
        """Take no new requests, give the calls under way some seconds to end, then end them and tell their clients."""
        self.draining = True
        with anyio.move_on_after(seconds):
            await self.shell.idle()
        await self.shell.stop()

    def _guard(self) -> tuple[Guard, list[Route]]:
        """What stands before each endpoint, and the routes that tell clients how to get past it."""
        settings = self.settings
        if self._known is None:
            return AsgiEndpoint, []
        scopes = list(settings.oauth_scopes)
        if settings.oauth_issuer is None:
            return lambda serve: RequireAuthMiddleware(serve, scopes), []
        resource = AnyHttpUrl(str(settings.oauth_audience))
        told = build_resource_metadata_url(resource)
        routes = create_protected_resource_routes(
            resource, [AnyHttpUrl(settings.oauth_issuer)], scopes or None, resource_name="klaviyo-mcp"
        )
        return lambda serve: RequireAuthMiddleware(serve, scopes, told), routes

    def _lifespan(self, manager: StreamableHTTPSessionManager) -> Callable[[Starlette], Any]:
        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            try:
                async with manager.run():
                    yield
            finally:
                with anyio.CancelScope(shield=True):
                    await self.calls.aclose()

        return lifespan


class AsgiEndpoint:
    """An ASGI application that a Route takes as it is, not as a function of a request."""

    def __init__(self, serve: ASGIApp) -> None:
        self._serve = serve

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._serve(scope, receive, send)


class HostGuard:
    """Refuses a Host (421) or an Origin (403) that is not allowed before anything else looks at the request.

    Health checks come by address, whose Host cannot be known; they tell nothing and change nothing.
    """

    def __init__(self, serve: ASGIApp, security: TransportSecuritySettings) -> None:
        self._serve = serve
        self._check = TransportSecurityMiddleware(security)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in HEALTH:
            refused = await self._check.validate_request(Request(scope))
            if refused is not None:
                await refused(scope, receive, send)
                return
        await self._serve(scope, receive, send)


class ConcurrencyLimit:
    """Answers 503 where as much is being served as is allowed; streams that only listen do not count."""

    def __init__(self, most: int, calls: Callable[[], int], draining: Callable[[], bool]) -> None:
        self._most = most
        self._calls = calls
        self._draining = draining
        self._posts = 0

    def around(self, serve: ASGIApp) -> ASGIApp:
        """The application under this limit, which all applications that it is put around share."""

        async def limited(scope: Scope, receive: Receive, send: Send) -> None:
            if scope.get("method") != "POST":
                await serve(scope, receive, send)
            elif self._draining():
                await _refuse("This server is shutting down.", 5)(scope, receive, send)
            elif max(self._posts, self._calls()) >= self._most:
                told = f"This server is busy: it serves {self._most} requests at once. Try again in a second."
                await _refuse(told, 1)(scope, receive, send)
            else:
                self._posts += 1
                try:
                    await serve(scope, receive, send)
                finally:
                    self._posts -= 1

        return AsgiEndpoint(limited)


def _refuse(message: str, retry_after: int) -> Response:
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": BUSY, "message": message}}
    return JSONResponse(error, status_code=503, headers={"Retry-After": str(retry_after)})


def security_of(settings: Settings) -> TransportSecuritySettings:
    """Host and Origin checks against DNS rebinding: loopback, the address listened on, and what the settings add."""
    bound = f"[{settings.host}]" if ":" in settings.host else settings.host
    own = [] if settings.host in ("0.0.0.0", "::", "") else [bound]
    audience = AnyHttpUrl(settings.oauth_audience).host if settings.oauth_audience else None
    names = list(dict.fromkeys([*LOOPBACK, *own, *([audience] if audience else [])]))
    asked = [host for given in settings.allowed_hosts for host in ([given] if _has_port(given) else _any_port(given))]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[host for name in names for host in _any_port(name)] + asked,
        allowed_origins=[f"http://{host}" for name in LOOPBACK for host in _any_port(name)]
        + [origin.rstrip("/") for origin in settings.allowed_origins],
    )


def _any_port(host: str) -> list[str]:
    return [host, f"{host}:*"]


def _has_port(host: str) -> bool:
    return bool(re.search(r":(\d+|\*)$", host)) and not host.endswith("]")


def _cors(security: TransportSecuritySettings) -> Middleware:
    """Lets pages of the allowed origins read the answers."""
    origins = [re.escape(origin).replace(r":\*", r":\d+") for origin in security.allowed_origins]
    return Middleware(
        CORSMiddleware,
        allow_origin_regex="|".join(origins),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["*"],
        expose_headers=["Mcp-Session-Id", "WWW-Authenticate", "Retry-After"],
    )


def _authentication(known: TokenVerifier | None) -> list[Middleware]:
    if known is None:
        return []
    return [
        Middleware(AuthenticationMiddleware, backend=BearerAuthBackend(known)),
        Middleware(AuthContextMiddleware),
    ]


def run(calls: app.ToolService, settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. Raises SettingsError where the settings leave it open, or it cannot listen."""
    from klaviyo_mcp.transports import listening

    site = HttpApp(calls, settings)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host

    def announce(port: int) -> None:
        places = {"streamable_http": "/mcp", "sse": "/sse", "health": "/healthz"}
        facts = {name: f"http://{host}:{port}{path}" for name, path in places.items()}
        logger.info("listening", extra={"facts": facts})

    listening.run(site.application(), settings.host, settings.port, announce, site.drain)
