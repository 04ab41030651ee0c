"""One connection to the gateway: what it does where the other side is slow, wrong, or gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import pytest
from tests.server.fake_gateway import closed_port

from klaviyo_mcp.gateway.connection import MAX_HEADERS_BYTES, MAX_WAITING_BYTES, ByteStream, HttpConnection, connect

pytestmark = pytest.mark.anyio

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[object]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LARGE = b"x" * 20_000_000
"""More than the kernel takes for two sockets."""


@asynccontextmanager
async def connected(serve: Serve) -> AsyncIterator[tuple[HttpConnection, ByteStream]]:
    """A connection to a server that does this with it."""

    async def serve_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    async with await asyncio.start_server(serve_and_close, "127.0.0.1", 0) as server:
        stream = await connect("127.0.0.1", server.sockets[0].getsockname()[1], None, 5)
        yield HttpConnection(stream, 15.0), stream
        stream.close()


def request(content: bytes | None = None, **extensions: Any) -> httpx.Request:
    timeouts = {"read": 5.0, "write": 5.0, **extensions.pop("timeout", {})}
    method = "GET" if content is None else "POST"
    return httpx.Request(method, "http://localhost/", content=content, extensions={"timeout": timeouts, **extensions})


async def body(connection: HttpConnection) -> bytes:
    parts = []
    while part := await connection.read_body(5):
        parts.append(part)
    return b"".join(parts)


async def until(condition: Callable[[], bool]) -> None:
    """Let the event loop run until this holds."""
    with anyio.fail_after(5):
        while not condition():  # noqa: ASYNC110 (no event tells of it)
            await asyncio.sleep(0.01)


def answers(*parts: bytes) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
            await writer.drain()
        await reader.read()

    return serve


async def test_an_answer_that_does_not_come_in_time_is_a_read_timeout() -> None:
    async with connected(answers()) as (connection, _):
        with pytest.raises(httpx.ReadTimeout):
            await connection.send(request(timeout={"read": 0.05}))
        assert not connection.finish()


async def test_a_body_that_stops_halfway_is_a_read_timeout() -> None:
    async with connected(answers(OK[:-1])) as (connection, _):
        await connection.send(request())
        assert await connection.read_body(5) == b"o"
        with pytest.raises(httpx.ReadTimeout):
            await connection.read_body(0.05)


async def test_a_request_that_the_other_side_does_not_read_is_a_write_timeout() -> None:
    hold = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hold.wait()

    async with connected(serve) as (connection, _):
        with pytest.raises(httpx.WriteTimeout):
            await connection.send(request(LARGE, timeout={"write": 0.05}))
        hold.set()


async def test_a_request_that_is_read_slowly_arrives_whole() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.05)
        content = await reader.readexactly(len(LARGE))
        assert b"Content-Length: 20000000\r\n" in head
        writer.write(OK if content == LARGE else b"")

    async with connected(serve) as (connection, _):
        assert (await connection.send(request(LARGE))).status_code == 200


async def test_an_answer_before_the_request_was_read_is_the_answer() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.write_eof()
        await reader.read()

    async with connected(serve) as (connection, _):
        assert (await connection.send(request(LARGE))).status_code == 413
        assert await body(connection) == b""
        assert not connection.finish()


async def test_an_answer_that_nobody_reads_waits_at_the_other_side() -> None:
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(LARGE))
        for start in range(0, len(LARGE), 100_000):
            writer.write(LARGE[start : start + 100_000])
            await writer.drain()
            sent = start

    async with connected(serve) as (connection, stream):
        assert (await connection.send(request())).status_code == 200
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.05)
        assert sent < len(LARGE) - 1_000_000
        assert stream._waiting_bytes <= MAX_WAITING_BYTES + 262_144  # one more read of the event loop
        assert await body(connection) == LARGE
        assert connection.finish()


async def test_bytes_behind_an_answer_are_never_taken_for_the_next_one() -> None:
    async with connected(answers(OK + OK)) as (connection, _):
        await connection.send(request())
        assert await body(connection) == b"ok"
        assert not connection.finish()


async def test_bytes_that_nobody_asked_for_are_never_taken_for_an_answer() -> None:
    finished = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await finished.wait()
        writer.write(OK)
        await reader.read()

    async with connected(serve) as (connection, _):
        await connection.send(request())
        assert await body(connection) == b"ok"
        assert connection.finish()
        assert connection.is_usable
        finished.set()
        await until(lambda: not connection.is_usable)


async def test_a_connection_that_was_closed_a_moment_ago_is_not_usable() -> None:
    closed = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await closed.wait()
        writer.transport.abort()

    async with connected(serve) as (connection, _):
        await connection.send(request())
        assert await body(connection) == b"ok"
        assert connection.finish()
        assert connection.is_usable
        closed.set()
        await until(lambda: not connection.is_usable)


async def test_interim_answers_are_passed_over() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    async with connected(answers(early, early, OK)) as (connection, _):
        assert (await connection.send(request())).status_code == 200
        assert await body(connection) == b"ok"
        assert connection.finish()


async def test_another_protocol_is_an_answer_after_which_the_connection_is_closed() -> None:
    switching = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"
    async with connected(answers(switching)) as (connection, _):
        asked = request()
        asked.headers.update({"Upgrade": "websocket", "Connection": "upgrade"})
        assert (await connection.send(asked)).status_code == 101
        assert await body(connection) == b""
        assert not connection.finish()


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * (MAX_HEADERS_BYTES + 1_000),
    ],
    ids=["no HTTP", "two lengths", "endless headers"],
)
async def test_an_answer_that_is_no_http_is_a_protocol_error(answer: bytes) -> None:
    async with connected(answers(answer)) as (connection, _):
        with pytest.raises(httpx.RemoteProtocolError):
            await connection.send(request())
        assert not connection.finish()


async def test_a_header_that_cannot_be_sent_is_an_error_before_anything_is_sent() -> None:
    arrived: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.append(await reader.read())

    asked = request()
    asked.headers["X-Broken"] = "a\r\nHost: example.com"
    async with connected(serve) as (connection, stream):
        with pytest.raises(httpx.LocalProtocolError):
            await connection.send(asked)
        stream.close()
        await until(lambda: bool(arrived))
    assert arrived == [b""]


async def test_a_cancelled_request_can_be_ended_at_once() -> None:
    async with connected(answers()) as (connection, _):
        with anyio.move_on_after(0.05) as given_up:
            await connection.send(request())
        assert given_up.cancelled_caught
        assert not connection.finish()


async def test_the_trace_hook_hears_of_the_request_before_its_first_byte() -> None:
    arrived: list[bytes] = []
    events: list[tuple[str, str, int]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK)

    async def trace(event: str, info: dict[str, Any]) -> None:
        await asyncio.sleep(0.05)
        events.append((event, info["request"].method, len(arrived)))

    async with connected(serve) as (connection, _):
        await connection.send(request(trace=trace))
    assert events == [("http11.send_request_headers.started", "GET", 0)]


async def test_no_connection_in_time_is_a_connect_timeout() -> None:
    async with connected(answers()) as _:
        with pytest.raises(httpx.ConnectTimeout):
            await connect("127.0.0.1", closed_port(), None, 0)


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
async def test_a_connection_that_does_not_come_about_is_a_connect_error(host: str) -> None:
    with pytest.raises(httpx.ConnectError):
        await connect(host, closed_port(), None, 5)
