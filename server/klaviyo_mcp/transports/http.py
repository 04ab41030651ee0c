"""Streamable HTTP and HTTP+SSE on one port, with authentication, limits and health."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import anyio
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend
from mcp.server.auth.provider import TokenVerifier
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from klaviyo_mcp import __version__
from klaviyo_mcp.protocol import server as protocol
from klaviyo_mcp.settings import Settings, StartupError
from klaviyo_mcp.transports.access import AccessControl, resources_of
from klaviyo_mcp.transports.asgi import AsgiEndpoint, ConcurrencyLimit, EndpointPath, HostGuard, cors_middleware
from klaviyo_mcp.transports.auth import FetchDocument, create_verifier
from klaviyo_mcp.transports.sse import SseSessions
from klaviyo_mcp.transports.streamable import SharedSessionManager, StreamableEndpoint
from klaviyo_mcp.urls import is_loopback

logger = logging.getLogger(__name__)

HEALTH_PATHS = ("/healthz", "/readyz")
ENDPOINTS = ("/mcp", "/sse")
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")
ANY_ADDRESS = ("0.0.0.0", "::", "")
"""Settings of the host with which every address of this machine is listened on."""


class HttpApp:
    """The application of one server: /mcp, /sse with /messages/, /healthz and /readyz.

    Args:
        service: The tools; closed with the application.
        settings: Address, authentication and limits.
        fetch_document: Reads the documents of an OAuth issuer.

    Raises:
        StartupError: The address can be reached from elsewhere and nobody has to authenticate, or tokens cannot be
            read.
    """

    def __init__(self, service: protocol.ToolService, settings: Settings, fetch_document: FetchDocument) -> None:
        self.service = service
        self.settings = settings
        self.handlers = protocol.Handlers(service, asks=not settings.stateless)
        self.stopping = False
        self._verifier = create_verifier(settings, fetch_document)
        if self._verifier is None and not is_loopback(settings.host.strip("[]")):
            raise StartupError(
                f"KLAVIYO_MCP_HOST (--host) {settings.host} can be reached from elsewhere: set KLAVIYO_MCP_TOKENS, or"
                " KLAVIYO_MCP_OAUTH_ISSUER and KLAVIYO_MCP_PUBLIC_URL, or bind to 127.0.0.1"
            )

    def application(self) -> Starlette:
        """The ASGI application, to be created once; all its sessions share the service and its end closes it."""
        settings = self.settings
        server = protocol.server_of(self.handlers)
        security = transport_security(settings)
        manager = SharedSessionManager(
            app=server,
            security_settings=security,
            max_request_body_size=settings.max_body,
            max_sessions=settings.max_sessions,
            session_idle_timeout=None if settings.stateless else settings.session_idle,
            stateless=settings.stateless,
        )
        application = Starlette(
            routes=self._routes(server, manager, security),
            middleware=[
                Middleware(EndpointPath, prefix=_prefix(settings), endpoints=ENDPOINTS),
                Middleware(HostGuard, security=security, open_paths=HEALTH_PATHS),
                cors_middleware(security),
                *_authentication(self._verifier),
            ],
            lifespan=self._lifespan(manager),
        )
        application.router.redirect_slashes = False  # behind a proxy the redirect named the wrong scheme and host
        return application

    async def drain(self, seconds: float) -> None:
        """Take no new requests, give the running calls some seconds to end, then end them and tell their clients."""
        self.stopping = True
        with anyio.move_on_after(seconds):
            await self.handlers.idle()
        await self.handlers.stop()

    def _routes(
        self, server: Server[Any], manager: StreamableHTTPSessionManager, security: TransportSecuritySettings
    ) -> list[BaseRoute]:
        settings = self.settings
        sse = SseSessions(
            server,
            security,
            f"{_prefix(settings)}/messages/",
            settings.max_body,
            settings.max_sessions,
            settings.session_idle,
        )
        access = AccessControl(settings, is_open=self._verifier is None)
        limit = ConcurrencyLimit(
            settings.max_concurrent, settings.max_body, lambda: self.handlers.requests, lambda: self.stopping
        )
        protect_mcp, protect_sse = access.protect("/mcp"), access.protect("/sse")
        return [
            Route("/mcp", endpoint=protect_mcp(limit.wrap(StreamableEndpoint(manager)))),
            Route("/sse", endpoint=protect_sse(AsgiEndpoint(sse.serve)), methods=["GET"]),
            Mount("/messages/", app=protect_sse(limit.wrap(sse.post))),
            Route("/healthz", endpoint=self._healthy),
            Route("/readyz", endpoint=self._ready),
            *access.routes(),
        ]

    async def _healthy(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "version": __version__})

    async def _ready(self, _: Request) -> Response:
        if self.stopping:
            return JSONResponse({"status": "shutting down"}, status_code=503)
        return JSONResponse({"status": "ready", "tools": len(self.service.tools()), "calls": self.handlers.under_way})

    def _lifespan(self, manager: StreamableHTTPSessionManager) -> Callable[[Starlette], Any]:
        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            try:
                async with manager.run():
                    yield
            finally:
                with anyio.CancelScope(shield=True):
                    await self.service.aclose()

        return lifespan


def transport_security(settings: Settings) -> TransportSecuritySettings:
    """Host and Origin checks against DNS rebinding.

    Allowed are loopback, the address listened on, the host of the public URL and of the OAuth audience, and what the
    settings add; and as origins the pages of these hosts.
    """
    address = [] if settings.host in ANY_ADDRESS else [_host_in_url(settings.host)]
    public = [_host_in_url(host) for url in resources_of(settings) if (host := urlsplit(url).hostname)]
    own_hosts = dict.fromkeys([*LOOPBACK_HOSTS, *address, *public])
    added_hosts = [
        variant for host in settings.allowed_hosts for variant in ([host] if _has_port(host) else _any_port(host))
    ]
    own_origins = [f"http://{variant}" for host in LOOPBACK_HOSTS for variant in _any_port(host)]
    host_origins = [
        f"{scheme}://{host.removesuffix(':*')}"
        for host in (*address, *public, *settings.allowed_hosts)
        for scheme in ("https", "http")
    ]
    added_origins = [origin.rstrip("/") for origin in settings.allowed_origins]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[variant for host in own_hosts for variant in _any_port(host)] + added_hosts,
        allowed_origins=list(
            dict.fromkeys(
                [
                    *own_origins,
                    *(v for origin in host_origins for v in ([origin] if _has_port(origin) else _any_port(origin))),
                    *added_origins,
                ]
            )
        ),
    )


def _prefix(settings: Settings) -> str:
    """The path under which a proxy serves this server; empty at the root."""
    return urlsplit(settings.public_url).path if settings.public_url else ""


def _any_port(host: str) -> list[str]:
    return [host, f"{host}:*"]


def _has_port(host: str) -> bool:
    return bool(re.search(r":(\d+|\*)$", host)) and not host.endswith("]")


def _host_in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _authentication(verifier: TokenVerifier | None) -> list[Middleware]:
    if verifier is None:
        return []
    return [
        Middleware(AuthenticationMiddleware, backend=BearerAuthBackend(verifier)),
        Middleware(AuthContextMiddleware),
    ]


def run(service: protocol.ToolService, settings: Settings, fetch_document: FetchDocument) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        StartupError: The settings leave the server open to anyone, or its address cannot be listened on.
    """
    from klaviyo_mcp.transports import asgi_server
    from klaviyo_mcp.transports.connections import ConnectionLimits

    app = HttpApp(service, settings, fetch_document)
    host = _host_in_url(settings.host)

    def announce(port: int) -> None:
        paths = {"streamable_http": "/mcp", "sse": "/sse", "health": "/healthz"}
        facts = {name: f"http://{host}:{port}{path}" for name, path in paths.items()}
        logger.info("listening", extra={"facts": facts})

    health_checks = tuple(f"GET {path} ".encode() for path in HEALTH_PATHS)
    limits = ConnectionLimits(settings.max_connections, settings.keep_alive, urgent=health_checks)
    asgi_server.serve(app.application(), settings.host, settings.port, announce, app.drain, limits)
