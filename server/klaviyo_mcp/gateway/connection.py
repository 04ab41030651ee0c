"""One connection to the gateway: HTTP/1.1 as h11 reads and writes it, on a socket of the event loop.

With httpcore's connection a request took twice the time: it opens a cancel scope or takes a lock at each step.
"""

from __future__ import annotations

import asyncio
import select
import ssl
import time
from collections import deque
from typing import TypeAlias, cast

import anyio
import h11
import httpx

MAX_HEADERS_BYTES = 100_000
"""The headers of an answer are read no further."""
MAX_WAITING_BYTES = 262_144
"""Received bytes that may wait to be read; beyond them the socket is read no further."""
HAPPY_EYEBALLS_SECONDS = 0.25
"""How long the attempt to reach one address goes on alone before the next address is tried too (RFC 8305)."""

Event: TypeAlias = h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]


class ByteStream(asyncio.Protocol):
    """The bytes of one connection, for one task at a time. Raises httpx's errors."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._received: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._has_ended = False
        self._error: Exception | None = None
        """Why the connection broke; None where it did not."""
        self._is_full = False
        """So many bytes are not sent yet that no more should be written."""
        self._waiter: asyncio.Future[None] | None = None

    @property
    def is_quiet(self) -> bool:
        """Whether the connection is open and nothing has arrived, not even what the event loop has not read yet."""
        return self._is_empty and self._transport is not None and not _is_readable(self._transport)

    @property
    def _is_empty(self) -> bool:
        return not self._received and not self._has_ended

    async def read(self, seconds: float | None) -> bytes:
        """The next bytes, empty after the last. Raises ReadTimeout where none arrive in time, and ReadError."""
        while self._is_empty:
            await self._wait(seconds, httpx.ReadTimeout)
        if not self._received:
            if self._error is not None:
                raise httpx.ReadError(str(self._error)) from self._error
            return b""
        chunk = self._received.popleft()
        self._waiting_bytes -= len(chunk)
        if self._transport is not None and not self._received:
            self._transport.resume_reading()
        return chunk

    async def write(self, content: bytes, seconds: float | None) -> None:
        """Send bytes. Raises WriteTimeout where the other side takes none in time.

        A connection that breaks meanwhile is no error yet: the answer may have come before that.
        """
        if self._transport is not None and content and not self._has_ended:
            self._transport.write(content)
        while self._is_full and not self._has_ended:
            await self._wait(seconds, httpx.WriteTimeout)

    def close(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    async def _wait(self, seconds: float | None, late: type[httpx.TimeoutException]) -> None:
        waiter = self._waiter = self._loop.create_future()
        timer = None if seconds is None else self._loop.call_later(seconds, _fail, waiter, late)
        try:
            await waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # The event loop calls these.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received.append(data)
        self._waiting_bytes += len(data)
        if self._transport is not None and self._waiting_bytes > MAX_WAITING_BYTES:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._has_ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._has_ended, self._error = True, exc
        self._wake()

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._wake()


def _is_readable(transport: asyncio.Transport) -> bool:
    """Whether the socket has bytes or the end of the connection to read at this moment."""
    socket = transport.get_extra_info("socket")
    if not hasattr(select, "poll"):  # on Windows
        return bool(select.select([socket], [], [], 0)[0])
    poll = select.poll()
    poll.register(socket, select.POLLIN)
    return bool(poll.poll(0))


def _fail(waiter: asyncio.Future[None], late: type[httpx.TimeoutException]) -> None:
    if not waiter.done():
        waiter.set_exception(late("timed out"))


async def connect(host: str, port: int, security: ssl.SSLContext | None, seconds: float | None) -> ByteStream:
    """Open a connection, with TLS where `security` is given. Raises ConnectTimeout and ConnectError."""
    try:
        with anyio.fail_after(seconds):
            _, stream = await asyncio.get_running_loop().create_connection(
                ByteStream, host, port, ssl=security, happy_eyeballs_delay=HAPPY_EYEBALLS_SECONDS
            )
    except TimeoutError as error:
        raise httpx.ConnectTimeout(str(error)) from error
    except OSError as error:  # of the name, the network or TLS
        raise httpx.ConnectError(str(error)) from error
    return stream


class HttpConnection:
    """An open connection that takes one request after another.

    Args:
        stream: The bytes of the connection.
        idle_seconds: After so long without a request it takes no other.
    """

    def __init__(self, stream: ByteStream, idle_seconds: float) -> None:
        self._stream = stream
        self._idle_seconds = idle_seconds
        self._expires_at = 0.0
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEADERS_BYTES)

    @property
    def is_usable(self) -> bool:
        """Whether an idle connection can take a request: bytes that arrived meanwhile are no part of an answer."""
        return self._stream.is_quiet and time.monotonic() < self._expires_at

    async def send(self, request: httpx.Request) -> h11.Response | h11.InformationalResponse:
        """Send a request and read the head of its answer. Raises httpx's errors."""
        timeouts = request.extensions.get("timeout", {})
        await self._write_request(request, timeouts.get("write"))
        while True:
            event = await self._next_event(timeouts.get("read"))
            if isinstance(event, h11.Response):
                return event
            if isinstance(event, h11.InformationalResponse) and event.status_code == 101:
                return event

    async def read_body(self, seconds: float | None) -> bytes:
        """The next part of the answer's body, empty after the last. Raises httpx's errors."""
        event = await self._next_event(seconds)
        return bytes(event.data) if isinstance(event, h11.Data) else b""

    def finish(self) -> bool:
        """End the request; whether the connection takes another request. It is closed otherwise.

        Bytes after the answer would be read as the next one.
        """
        is_whole = self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE
        if is_whole and not self._h11.trailing_data[0]:
            self._h11.start_next_cycle()
            self._expires_at = time.monotonic() + self._idle_seconds
            return True
        self.close()
        return False

    def close(self) -> None:
        """Close the connection at once."""
        self._stream.close()

    async def _write_request(self, request: httpx.Request, seconds: float | None) -> None:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        target = request.extensions.get("target") or request.url.raw_path
        try:
            head = self._h11.send(h11.Request(method=request.method, target=target, headers=request.headers.raw))
        except h11.LocalProtocolError as error:
            raise httpx.LocalProtocolError(str(error)) from error
        if (trace := request.extensions.get("trace")) is not None:
            await trace("http11.send_request_headers.started", {"request": request})
        await self._stream.write(head or b"", seconds)
        try:
            async for chunk in request.stream:
                await self._stream.write(self._h11.send(h11.Data(data=chunk)) or b"", seconds)
            await self._stream.write(self._h11.send(h11.EndOfMessage()) or b"", seconds)
        except h11.LocalProtocolError as error:
            raise httpx.LocalProtocolError(str(error)) from error

    async def _next_event(self, seconds: float | None) -> Event:
        try:
            while (event := self._h11.next_event()) is h11.NEED_DATA:
                chunk = await self._stream.read(seconds)
                if not chunk and self._h11.their_state is h11.SEND_RESPONSE:
                    raise httpx.RemoteProtocolError("the connection ended before an answer")
                self._h11.receive_data(chunk)
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error)) from error
        return event
