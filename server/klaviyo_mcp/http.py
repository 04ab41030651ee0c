"""Streamable HTTP and HTTP+SSE on one port, with authentication, limits and health."""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any

import anyio
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.sse import SseServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from . import __version__, app
from .calls import Calls
from .settings import Settings, SettingsError

SHUTDOWN_SECONDS = 10


def is_loopback(host: str) -> bool:
    """Whether binding to this host is reachable from this machine alone."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Tokens(TokenVerifier):
    """Bearer tokens that the operator handed out, compared in constant time."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self._tokens = [token.encode() for token in tokens]

    async def verify_token(self, token: str) -> AccessToken | None:
        """The access that a token gives, None where it is none of ours."""
        given = token.encode()
        matches = [hmac.compare_digest(given, known) for known in self._tokens]
        if not any(matches):
            return None
        return AccessToken(token=token, client_id=f"token-{matches.index(True) + 1}", scopes=[])


def tokens_of(settings: Settings) -> list[str]:
    """The bearer tokens of the settings, those of the file included. Raises SettingsError."""
    tokens = [secret.get_secret_value() for secret in settings.tokens]
    if settings.tokens_file:
        try:
            lines = settings.tokens_file.read_text().splitlines()
        except OSError as error:
            raise SettingsError(f"KLAVIYO_MCP_TOKENS_FILE cannot be read: {error.strerror}") from None
        tokens += [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if any(len(token) < 16 for token in tokens):
        raise SettingsError("KLAVIYO_MCP_TOKENS: a token has at least 16 characters; `openssl rand -hex 24` makes one")
    return tokens


def verifier(settings: Settings, host: str) -> TokenVerifier | None:
    """How clients prove themselves, None where they need not. Raises SettingsError for an open bind."""
    if tokens := tokens_of(settings):
        return Tokens(tokens)
    if not is_loopback(host):
        raise SettingsError(f"--host {host} is reachable from elsewhere: set KLAVIYO_MCP_TOKENS, or bind to 127.0.0.1")
    return None


def create(calls: Calls, host: str = "127.0.0.1", port: int = 8000) -> Starlette:
    """The application: /mcp, /sse with /messages/, /healthz and /readyz."""
    settings = calls.settings
    server = app.create(calls)
    security = _security(settings, host, port)
    manager = StreamableHTTPSessionManager(
        app=server,
        security_settings=security,
        max_request_body_size=settings.max_body,
        max_sessions=settings.max_sessions,
        session_idle_timeout=settings.session_idle,
    )
    sse = SseServerTransport("/messages/", security_settings=security, max_request_body_size=settings.max_body)

    async def serve_sse(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with sse.connect_sse(scope, receive, send) as (reading, writing):
                await server.run(reading, writing, server.create_initialization_options())
        except ValueError:
            return  # a refused Host or Origin was answered already

    async def ready(request: Request) -> Response:
        return JSONResponse({"status": "ready", "tools": len(calls.tools())})

    async def healthy(request: Request) -> Response:
        return JSONResponse({"status": "ok", "version": __version__})

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with manager.run():
            try:
                yield
            finally:
                with anyio.CancelScope(shield=True):
                    await calls.aclose()

    known = verifier(settings, host)
    guard = _guard(known)
    return Starlette(
        routes=[
            Route("/mcp", endpoint=guard(Limit(StreamableHTTPASGIApp(manager), settings.max_concurrent))),
            Route("/sse", endpoint=guard(_Get(serve_sse)), methods=["GET"]),
            Mount("/messages/", app=guard(Limit(sse.handle_post_message, settings.max_concurrent))),
            Route("/healthz", endpoint=healthy),
            Route("/readyz", endpoint=ready),
        ],
        middleware=_authentication(known),
        lifespan=lifespan,
    )


class _Get:
    """An ASGI application that a Route takes as it is, not as a function of a request."""

    def __init__(self, serve: ASGIApp) -> None:
        self._serve = serve

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._serve(scope, receive, send)


class Limit:
    """Answers 503 while as many POSTs as allowed are being served; streams that only listen do not count."""

    def __init__(self, serve: ASGIApp, most: int) -> None:
        self._serve = serve
        self._most = most
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") != "POST":
            await self._serve(scope, receive, send)
            return
        if self._under_way >= self._most:
            busy = JSONResponse(
                {"error": f"{self._most} requests are being served; try again in a second"},
                status_code=503,
                headers={"Retry-After": "1"},
            )
            await busy(scope, receive, send)
            return
        self._under_way += 1
        try:
            await self._serve(scope, receive, send)
        finally:
            self._under_way -= 1


def _guard(known: TokenVerifier | None) -> Any:
    def guarded(serve: ASGIApp) -> ASGIApp:
        return RequireAuthMiddleware(serve, [], None) if known else serve

    return guarded


def _authentication(known: TokenVerifier | None) -> list[Middleware]:
    if known is None:
        return []
    return [
        Middleware(AuthenticationMiddleware, backend=BearerAuthBackend(known)),
        Middleware(AuthContextMiddleware),
    ]


def _security(settings: Settings, host: str, port: int) -> TransportSecuritySettings:
    """Host and Origin checks against DNS rebinding: our own names, and those that the settings add."""
    named = f"[{host}]" if ":" in host else host
    hosts = ["127.0.0.1", "localhost", "[::1]"] if is_loopback(host) else [named]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[*(f"{one}:*" for one in hosts), *hosts, *settings.allowed_hosts],
        allowed_origins=[*(f"http://{one}:*" for one in hosts), *settings.allowed_origins],
    )


def run(calls: Calls, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM; calls in flight get some seconds to end. Raises SettingsError."""
    import uvicorn

    application = create(calls, host, port)
    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    uvicorn.Server(config).run()


def describe(host: str, port: int) -> str:
    """Where clients connect, as a line of JSON for the log."""
    base = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    return json.dumps({"streamable_http": f"{base}/mcp", "sse": f"{base}/sse", "health": f"{base}/healthz"})
