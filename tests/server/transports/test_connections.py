"""Clients that are silent, slow or many keep nobody else out."""

from __future__ import annotations

import contextlib
import resource
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from klaviyo_mcp.transports.asgi_server import bind, serve_socket
from klaviyo_mcp.transports.connections import (
    ConnectionLimits,
    HeldBytes,
    client_network,
    descriptors_for_connections,
)

pytestmark = pytest.mark.anyio
GIVE_UP_SECONDS = 20
SHORT = ConnectionLimits(headers=0.3, body=0.3, write=0.3, sweep=0.05)
HEAD = b"POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\n"
LARGE_BYTES = 40_000_000


async def _echo(request: Request) -> Response:
    return Response(await request.body())


async def _hello(_: Request) -> Response:
    return PlainTextResponse("hello")


async def _large(_: Request) -> Response:
    return Response(b"x" * LARGE_BYTES)


async def _stream(_: Request) -> Response:
    async def lines() -> AsyncIterator[bytes]:
        yield b"begun\n"
        await anyio.sleep_forever()

    return StreamingResponse(lines())


@asynccontextmanager
async def serve(limits: ConnectionLimits, *more_routes: Route) -> AsyncIterator[int]:
    """The port of a server under these limits."""
    routes = [*more_routes]
    routes += [Route("/hello", _hello), Route("/echo", _echo, methods=["POST"])]
    routes += [Route("/large", _large), Route("/stream", _stream)]
    started = anyio.Event()
    async with contextlib.AsyncExitStack() as stack:
        bound = stack.enter_context(bind("127.0.0.1", 0))
        group = await stack.enter_async_context(anyio.create_task_group())
        arguments = (Starlette(routes=routes), bound, lambda _: started.set(), None, limits)
        group.start_soon(serve_socket, *arguments)
        await started.wait()
        yield bound.getsockname()[1]
        group.cancel_scope.cancel()


async def connect(port: int, sent: bytes = b"", host: str = "127.0.0.1") -> anyio.abc.SocketStream:
    stream = await anyio.connect_tcp("127.0.0.1", port, local_host=host)
    if sent:
        await stream.send(sent)
    return stream


async def read_until(stream: anyio.abc.SocketStream, end: bytes) -> bytes:
    """What arrives up to an end."""
    received = bytearray()
    with anyio.fail_after(GIVE_UP_SECONDS):
        while not received.endswith(end):
            received += await stream.receive()
    return bytes(received)


async def read_to_end(stream: anyio.abc.SocketStream) -> bytes:
    """What arrives until the server closes the connection."""
    received = bytearray()
    with anyio.fail_after(GIVE_UP_SECONDS):
        try:
            async for chunk in stream:
                received += chunk
        except anyio.BrokenResourceError:
            pass
    return bytes(received)


async def say_hello(port: int) -> int:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        return (await client.get("/hello")).status_code


async def is_open(stream: anyio.abc.SocketStream) -> bool:
    """Whether the server has not closed a connection on which nothing arrives."""
    with anyio.move_on_after(0.05):
        try:
            await stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return False
    return True


@pytest.mark.parametrize(
    "sent",
    [b"", b"P", HEAD, HEAD + b"Content-Length: 10\r\n\r\n", HEAD + b"Content-Length: 10\r\n\r\n12345"],
    ids=["silent", "one byte", "half of the headers", "no body", "half of the body"],
)
async def test_a_request_that_does_not_arrive_in_time_is_answered_408_and_closed(sent: bytes) -> None:
    async with serve(SHORT) as port, await connect(port, sent) as stream:
        assert (await read_to_end(stream)).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("begin", [HEAD + b"X-Slow: ", HEAD + b"Content-Length: 1000\r\n\r\n"], ids=["headers", "body"])
async def test_a_byte_now_and_then_does_not_prolong_the_time(begin: bytes) -> None:
    async with serve(SHORT) as port, await connect(port, begin) as stream:

        async def trickle() -> None:
            with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                while True:
                    await stream.send(b"x")
                    await anyio.sleep(0.02)

        async with anyio.create_task_group() as group:
            group.start_soon(trickle)
            assert (await read_to_end(stream)).startswith(b"HTTP/1.1 408 ")
            await stream.aclose()


async def test_a_later_request_of_a_connection_has_the_same_time() -> None:
    async with serve(SHORT) as port, await connect(port) as stream:
        await stream.send(b"GET /hello HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert (await stream.receive()).startswith(b"HTTP/1.1 200 ")
        await anyio.sleep(SHORT.headers + 4 * SHORT.sweep)
        assert await is_open(stream)
        await stream.send(HEAD)
        assert (await read_to_end(stream)).startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_goes_on_after_its_refusal_is_closed() -> None:
    sent = b"POST /hello HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nxxx"
    async with serve(SHORT) as port, await connect(port, sent) as stream:
        assert (await read_to_end(stream)).startswith(b"HTTP/1.1 405 ")


CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n5\r\n, end\r\n0\r\n\r\n"
WHOLE_BODY = b"Content-Length: 9\r\n\r\nbody, end"


@pytest.mark.parametrize("body", [WHOLE_BODY, CHUNKS], ids=["length", "chunks"])
async def test_a_body_that_arrives_byte_by_byte_wakes_the_application_once(body: bytes) -> None:
    wakes = 0

    async def count(request: Request) -> Response:
        nonlocal wakes
        received = b""
        async for part in request.stream():
            wakes += 1
            received += part
        return Response(received)

    begin = b"POST /count HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    route = Route("/count", count, methods=["POST"])
    async with serve(ConnectionLimits(), route) as port, await connect(port, begin) as stream:
        for byte in body:
            await stream.send(bytes([byte]))
            await anyio.sleep(0.002)  # each byte in a segment of its own
        assert (await read_until(stream, b"body, end")).startswith(b"HTTP/1.1 200 ")
    assert wakes <= 4  # a line that ends with two breaks may be the end of chunks


@pytest.mark.parametrize("size", [1, 65_535, 65_536, 65_537, 300_000])
@pytest.mark.parametrize("path", [b"/echo", b"/hello"])
async def test_the_request_after_a_body_is_served_whatever_the_size_of_the_body(size: int, path: bytes) -> None:
    first = b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % (path, size)
    second = HEAD + b"Content-Length: 6\r\n\r\n"
    async with (
        serve(ConnectionLimits()) as port,
        await connect(port, first) as stream,
        anyio.create_task_group() as group,
    ):
        group.start_soon(stream.send, b"x" * size + second + b"second")
        answers = await read_until(stream, b"second")
    assert answers.startswith(b"HTTP/1.1 200 " if path == b"/echo" else b"HTTP/1.1 405 ")
    assert path == b"/hello" or answers.count(b"x") >= size


async def test_chunks_with_the_next_request_behind_them_are_recognized_by_the_sweep() -> None:
    pipelined = b"GET /hello HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    async with serve(ConnectionLimits(sweep=0.05)) as port, await connect(port, HEAD + CHUNKS[:-30]) as stream:
        await anyio.sleep(0.05)
        await stream.send(CHUNKS[-30:] + pipelined[:-2])
        await read_until(stream, b"body, end")
        await stream.send(pipelined[-2:])
        assert (await read_until(stream, b"hello")).startswith(b"HTTP/1.1 200 ")


async def test_a_health_check_does_not_wait_for_the_requests_of_a_burst() -> None:
    served_paths: list[str] = []

    async def note(request: Request) -> Response:
        served_paths.append(request.url.path)
        return Response()

    routes = [Route("/other", note), Route("/urgent", note)]
    request = b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    async with serve(ConnectionLimits(urgent=(b"GET /urgent ",)), *routes) as port:
        with contextlib.ExitStack() as stack:
            address = ("127.0.0.1", port)
            burst = [stack.enter_context(socket.create_connection(address)) for _ in range(40)]
            urgent = stack.enter_context(socket.create_connection(address))
            await anyio.sleep(0.05)  # all are accepted
            for connection in burst:  # without a turn of the event loop, so that the server finds all of them
                connection.sendall(request % b"/other")
            urgent.sendall(request % b"/urgent")
            for connection in (urgent, *burst):
                await anyio.wait_readable(connection)
                assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
    assert served_paths.index("/urgent") < 10
    assert len(served_paths) == 41


def test_no_more_is_held_than_a_reader_leaves_unread() -> None:
    held = HeldBytes(missing_bytes=1_000_000)
    held.add(b"x" * 65_535)
    assert not held.may_end_body()
    held.add(b"x")
    assert held.is_full
    assert held.may_end_body()
    assert (len(held.take()), held.take()) == (65_536, b"")


async def test_a_connection_without_a_request_is_closed_after_the_time_of_the_settings() -> None:
    sent = b"GET /hello HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    async with serve(ConnectionLimits(keep_alive=1)) as port, await connect(port, sent) as stream:
        assert (await read_to_end(stream)).endswith(b"hello")


async def test_an_answer_that_nobody_reads_is_dropped() -> None:
    sent = b"GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    async with serve(SHORT) as port, await connect(port, sent) as stream:
        await anyio.sleep(SHORT.write + 6 * SHORT.sweep)
        assert len(await read_to_end(stream)) < LARGE_BYTES


async def test_an_open_stream_has_no_time_limit() -> None:
    async with serve(SHORT) as port, await connect(port) as stream:
        await stream.send(b"GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        while b"begun" not in await stream.receive():
            pass
        await anyio.sleep(SHORT.headers + SHORT.body)
        assert await is_open(stream)


@pytest.mark.parametrize(
    "sent", [b"", HEAD, HEAD + b"Content-Length: 10\r\n\r\n123"], ids=["silent", "headers", "body"]
)
async def test_a_new_connection_closes_the_one_that_has_waited_longest(sent: bytes) -> None:
    async with serve(ConnectionLimits(max_connections=4)) as port:
        waiting = [await connect(port, sent) for _ in range(4)]
        await anyio.sleep(0.05)
        assert await say_hello(port) == 200
        assert [await is_open(stream) for stream in waiting] == [False, True, True, True]
        for stream in waiting:
            await stream.aclose()


async def test_a_connection_with_a_request_under_way_is_not_closed_for_a_silent_one() -> None:
    async with serve(ConnectionLimits(max_connections=4)) as port:
        listening = await connect(port, b"GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        while b"begun" not in await listening.receive():
            pass
        silent = [await connect(port) for _ in range(20)]
        assert await say_hello(port) == 200
        assert await is_open(listening)
        for stream in (listening, *silent):
            await stream.aclose()


async def test_streams_at_the_limit_make_room_for_a_request() -> None:
    async with serve(ConnectionLimits(max_connections=3)) as port:
        streams = [await connect(port, b"GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") for _ in range(3)]
        for stream in streams:
            await stream.receive()
        assert await say_hello(port) == 200
        for stream in streams:
            await stream.aclose()


@pytest.mark.skipif(sys.platform != "linux", reason="needs all of 127.0.0.0/8 as loopback")
async def test_an_address_with_many_connections_takes_none_from_one_with_few() -> None:
    async with serve(ConnectionLimits(max_connections=10)) as port:
        few = [await connect(port, host="127.0.0.2") for _ in range(2)]
        many = [await connect(port, host="127.0.0.3") for _ in range(40)]
        await anyio.sleep(0.05)
        assert [await is_open(stream) for stream in few] == [True, True]
        assert sum([await is_open(stream) for stream in many]) == 8
        for stream in (*few, *many):
            await stream.aclose()


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
    ],
)
def test_addresses_of_one_network_share_one_share(host: str, network: str) -> None:
    assert client_network(host) == network


@pytest.mark.parametrize(
    ("soft_limit", "connections_allowed"),
    [(256, 96), (1_024, 864), (100, 25), (3, 1), (resource.RLIM_INFINITY, None)],
)
def test_connections_stay_under_the_limit_of_open_files(
    monkeypatch: pytest.MonkeyPatch, soft_limit: int, connections_allowed: int | None
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft_limit, resource.RLIM_INFINITY))
    allowed = descriptors_for_connections()
    assert allowed > 1_000_000 if connections_allowed is None else allowed == connections_allowed
