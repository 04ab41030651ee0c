"""Connections to the gateway: a stack of idle ones, or httpx's client where the environment names proxies.

httpcore's pool would go through all connections for each of them at the start and the end of every request. All
requests go to one origin, so that a stack of idle connections is enough.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import anyio
import anyio.lowlevel
import httpx

from klaviyo_mcp.gateway.connection import HttpConnection, connect


class ConnectionPool(httpx.AsyncBaseTransport):
    """Connections to the origin of one base URL.

    Args:
        base_url: Where all requests go.
        max_connections: Requests under way at once; others wait.
        idle_seconds: After so long without a request a connection is closed, at the next request.
        security: The TLS context for https.
    """

    def __init__(
        self, base_url: str, max_connections: int, idle_seconds: float, security: ssl.SSLContext | None = None
    ) -> None:
        parts = urlsplit(base_url)
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._idle_seconds = idle_seconds
        self._security = security
        if security is not None:
            security.set_alpn_protocols(["http/1.1"])
        self._slots = anyio.Semaphore(max_connections, fast_acquire=True)
        self._idle: list[HttpConnection] = []
        self._open = True

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request once a slot is free. Raises httpx's errors."""
        timeouts = request.extensions.get("timeout", {})
        await self._slots.acquire()
        connection: HttpConnection | None = None
        try:
            connection = self._take_idle() or await self._connect(timeouts.get("connect"))
            head = await connection.send(request)
        except BaseException:
            self.put_back(connection)
            raise
        body = _ResponseBody(self, connection, timeouts.get("read"))
        return httpx.Response(head.status_code, headers=head.headers.raw_items(), stream=body)

    def put_back(self, connection: HttpConnection | None) -> None:
        """Free a slot; the connection is kept if it can take another request, and closed otherwise."""
        self._slots.release()
        if connection is None or not connection.finish():
            return
        if self._open:
            self._idle.append(connection)
        else:
            connection.close()

    async def aclose(self) -> None:
        """Close the connections: the idle ones at once, the others after their requests."""
        self._open = False
        while self._idle:
            self._idle.pop().close()
        await anyio.lowlevel.checkpoint()  # the event loop closes their sockets in its next turn

    async def _connect(self, seconds: float | None) -> HttpConnection:
        return HttpConnection(await connect(self._host, self._port, self._security, seconds), self._idle_seconds)

    def _take_idle(self) -> HttpConnection | None:
        """The connection that was used last, None where there is none. Closes those that cannot be used any more."""
        connection: HttpConnection | None = None
        while self._idle and not (connection := self._idle.pop()).is_usable:
            connection.close()
            connection = None
        # Those below were idle for longer.
        while self._idle and not self._idle[0].is_usable:
            self._idle.pop(0).close()
        return connection


class _ResponseBody(httpx.AsyncByteStream):
    """The body of a response, which holds its connection until it is closed."""

    def __init__(self, pool: ConnectionPool, connection: HttpConnection, read_seconds: float | None) -> None:
        self._pool = pool
        self._connection: HttpConnection | None = connection
        self._read_seconds = read_seconds

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self._connection is not None and (chunk := await self._connection.read_body(self._read_seconds)):
            yield chunk

    async def aclose(self) -> None:
        """Put the connection back; a second call does nothing."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.put_back(connection)


class ProxiedPool(httpx.AsyncBaseTransport):
    """Connections through the proxies that the environment names; only httpx's client can tell which to use."""

    def __init__(self, max_connections: int, idle_seconds: float) -> None:
        limits = httpx.Limits(
            max_connections=max_connections,
            max_keepalive_connections=max_connections // 2,
            keepalive_expiry=idle_seconds,
        )
        self._client = httpx.AsyncClient(limits=limits, follow_redirects=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request as it is: the client adds headers and cookies only to requests that it builds itself."""
        return await self._client.send(request, stream=True)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()
