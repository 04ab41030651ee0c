"""Connections to the gateway: one for each request under way, kept for the next; or through the environment's proxies.

They are httpcore's, without its pool, which goes through all connections for each of them at the start and the end of
every request. All requests go to one place: a stack of idle connections is all that there is to keep.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterable, AsyncIterator

import anyio
import httpcore
import httpx


class ConnectionPool(httpx.AsyncBaseTransport):
    """`most` connections to the place of `base_url` at most; the next request closes those idle for `idle` seconds."""

    def __init__(self, base_url: str, most: int, idle: float, security: ssl.SSLContext | None = None) -> None:
        self._origin = httpcore.URL(base_url).origin
        self._expiry = idle
        self._security = security
        self._room = anyio.Semaphore(most, fast_acquire=True)
        self._idle: list[httpcore.AsyncHTTPConnection] = []
        self._open = True

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request once there is room for it. Raises httpx's errors."""
        assert isinstance(request.stream, httpx.AsyncByteStream)
        url = request.url
        asked = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        await self._room.acquire()
        connection: httpcore.AsyncHTTPConnection | None = None
        try:
            connection = await self._taken()
            answered = await connection.handle_async_request(asked)
        except BaseException as error:
            await self.put_back(connection)
            if isinstance(error, HTTPCORE_ERRORS):
                raise httpx_error(error) from error
            raise
        body = _Body(answered, self, connection)
        return httpx.Response(answered.status, headers=answered.headers, stream=body, extensions=answered.extensions)

    async def put_back(self, connection: httpcore.AsyncHTTPConnection | None) -> None:
        """Make room for another request; the connection is kept if it can take one."""
        self._room.release()
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

    async def _taken(self) -> httpcore.AsyncHTTPConnection:
        """The connection that was used last, or a new one. Those that lay idle for too long are closed."""
        while self._idle and self._idle[0].has_expired():
            await self._idle.pop(0).aclose()
        while self._idle:
            connection = self._idle.pop()
            if not connection.has_expired():
                return connection
            await connection.aclose()
        return httpcore.AsyncHTTPConnection(self._origin, self._security, self._expiry)


class _Body(httpx.AsyncByteStream):
    """An answer's body, which holds its connection until it was read or given up."""

    def __init__(
        self, answered: httpcore.Response, connections: ConnectionPool, connection: httpcore.AsyncHTTPConnection
    ) -> None:
        self._answered = answered
        self._connections = connections
        self._connection: httpcore.AsyncHTTPConnection | None = connection

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert isinstance(self._answered.stream, AsyncIterable)
        try:
            async for part in self._answered.stream:
                yield part
        except HTTPCORE_ERRORS as error:
            raise httpx_error(error) from error

    async def aclose(self) -> None:
        """Give the connection back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await self._answered.aclose()
            finally:
                await self._connections.put_back(connection)


HTTPCORE_ERRORS = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)


def httpx_error(error: Exception) -> Exception:
    """The same error of httpx, which calls them as httpcore does."""
    kind: type[httpx.TransportError] = getattr(httpx, type(error).__name__)
    return kind(str(error))


class ProxiedPool(httpx.AsyncBaseTransport):
    """Connections through the proxies that the environment names: which of them, only httpx's client can tell."""

    def __init__(self, most: int, idle: float) -> None:
        limits = httpx.Limits(max_connections=most, max_keepalive_connections=most // 2, keepalive_expiry=idle)
        self._client = httpx.AsyncClient(limits=limits, follow_redirects=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request as it is: the client's own headers and cookies go only on requests that it builds."""
        return await self._client.send(request, stream=True)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()
