"""Connections to the gateway: straight in several small pools, or through the environment's proxies.

httpcore goes through all connections of a pool for each of them, at the start and the end of every request: with 64
calls at once that took more time than the calls. Small pools are filled one after another, so that calls in turn
still share one connection.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable

import httpx

SIZE = 8
"""Connections of a pool."""


class Pools(httpx.AsyncBaseTransport):
    """Pools for about so many `connections`; `idle` seconds after its last use, a connection is closed."""

    def __init__(self, connections: int, idle: float, verify: ssl.SSLContext | bool) -> None:
        self._size = min(SIZE, connections)
        self._limits = httpx.Limits(
            max_connections=self._size, max_keepalive_connections=self._size, keepalive_expiry=idle
        )
        self._verify = verify
        self._most = connections // self._size
        self._pools: list[httpx.AsyncHTTPTransport] = []
        self._busy: list[int] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request through the first pool that has room, or else the least busy."""
        place = self._place()
        self._busy[place] += 1
        try:
            response = await self._pools[place].handle_async_request(request)
            assert isinstance(response.stream, httpx.AsyncByteStream)
        except BaseException:
            self._busy[place] -= 1
            raise
        response.stream = _Held(response.stream, lambda: self._free(place))
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in self._pools:
            await pool.aclose()

    def _place(self) -> int:
        for place, busy in enumerate(self._busy):
            if busy < self._size:
                return place
        if len(self._pools) == self._most:
            return self._busy.index(min(self._busy))
        self._pools.append(httpx.AsyncHTTPTransport(verify=self._verify, limits=self._limits, trust_env=False))
        self._busy.append(0)
        return len(self._pools) - 1

    def _free(self, place: int) -> None:
        self._busy[place] -= 1


class _Held(httpx.AsyncByteStream):
    """A body that tells, once, when it was read or given up."""

    def __init__(self, body: httpx.AsyncByteStream, ended: Callable[[], None]) -> None:
        self._body = body
        self._ended: Callable[[], None] | None = ended

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._body.__aiter__()

    async def aclose(self) -> None:
        """Give the connection back."""
        ended, self._ended = self._ended, None
        try:
            await self._body.aclose()
        finally:
            if ended is not None:
                ended()


class Proxied(httpx.AsyncBaseTransport):
    """Connections through the proxies that the environment names: which of them, only httpx's client can tell."""

    def __init__(self, connections: int, idle: float) -> None:
        limits = httpx.Limits(
            max_connections=connections, max_keepalive_connections=connections // 2, keepalive_expiry=idle
        )
        self._client = httpx.AsyncClient(limits=limits, follow_redirects=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request as it is: the client's own headers and cookies go only on requests that it builds."""
        return await self._client.send(request, stream=True)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()
