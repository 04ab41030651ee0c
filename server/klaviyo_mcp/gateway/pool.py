"""Connections to the gateway: a stack of idle ones, or httpx's client where the environment names proxies.

The connections are httpcore's, without its pool, which goes through all connections for each of them at the start and
the end of every request. All requests go to one origin, so that a stack of idle connections is enough.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterable, AsyncIterator

import anyio
import httpcore
import httpx


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
        self._origin = httpcore.URL(base_url).origin
        self._idle_seconds = idle_seconds
        self._security = security
        self._slots = anyio.Semaphore(max_connections, fast_acquire=True)
        self._idle: list[httpcore.AsyncHTTPConnection] = []
        self._open = True

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request once a slot is free. Raises httpx's errors."""
        assert isinstance(request.stream, httpx.AsyncByteStream)
        url = request.url
        core_request = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        await self._slots.acquire()
        connection: httpcore.AsyncHTTPConnection | None = None
        try:
            connection = await self._take_connection()
            response = await connection.handle_async_request(core_request)
        except BaseException as error:
            await self.put_back(connection)
            if isinstance(error, HTTPCORE_ERRORS):
                raise httpx_error(error) from error
            raise
        body = _ResponseBody(response, self, connection)
        return httpx.Response(response.status, headers=response.headers, stream=body, extensions=response.extensions)

    async def put_back(self, connection: httpcore.AsyncHTTPConnection | None) -> None:
        """Free a slot; the connection is kept if it can take another request, and closed otherwise."""
        self._slots.release()
        if connection is None:
            return
        if self._open and connection.is_available():
            self._idle.append(connection)
        else:
            with anyio.CancelScope(shield=True):
                await connection.aclose()

    async def aclose(self) -> None:
        """Close the connections: the idle ones at once, the others after their requests."""
        self._open = False
        while self._idle:
            await self._idle.pop().aclose()

    async def _take_connection(self) -> httpcore.AsyncHTTPConnection:
        """The connection that was used last, or a new one. Closes those that were idle for too long."""
        while self._idle and self._idle[0].has_expired():
            await self._idle.pop(0).aclose()
        while self._idle:
            connection = self._idle.pop()
            if not connection.has_expired():
                return connection
            await connection.aclose()
        return httpcore.AsyncHTTPConnection(self._origin, self._security, self._idle_seconds)


class _ResponseBody(httpx.AsyncByteStream):
    """The body of a response, which holds its connection until it is closed."""

    def __init__(
        self, response: httpcore.Response, pool: ConnectionPool, connection: httpcore.AsyncHTTPConnection
    ) -> None:
        self._response = response
        self._pool = pool
        self._connection: httpcore.AsyncHTTPConnection | None = connection

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert isinstance(self._response.stream, AsyncIterable)
        try:
            async for chunk in self._response.stream:
                yield chunk
        except HTTPCORE_ERRORS as error:
            raise httpx_error(error) from error

    async def aclose(self) -> None:
        """Put the connection back; a second call does nothing."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await self._response.aclose()
            finally:
                await self._pool.put_back(connection)


HTTPCORE_ERRORS = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)


def httpx_error(error: Exception) -> Exception:
    """The error of httpx that corresponds to one of httpcore: both libraries use the same class names."""
    kind: type[httpx.TransportError] = getattr(httpx, type(error).__name__)
    return kind(str(error))


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
