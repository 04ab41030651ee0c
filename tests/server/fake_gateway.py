"""A gateway on loopback that follows a script. It writes to plain sockets, so that it can fail as real ones do."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl, urlsplit


class Fault(Enum):
    """A way not to answer."""

    SILENCE = "reads the request and never answers"
    RESET = "reads the request and resets the connection"
    RESET_UNREAD = "resets the connection before it reads"


@dataclass(frozen=True)
class Answer:
    """An HTTP response.

    `cut` sends only so many bytes of the body and closes. `slow` is the wait before the body, in seconds. `hold` is an
    event that the response waits for.
    """

    status: int = 200
    body: bytes | Mapping[str, Any] = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str | None = "application/vnd.api+json"
    cut: int | None = None
    slow: float = 0.0
    hold: asyncio.Event | None = None

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()

    def head(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} Said", f"Content-Length: {len(self.content())}"]
        if self.media is not None and self.content():
            lines.append(f"Content-Type: {self.media}")
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


@dataclass(frozen=True)
class ReceivedRequest:
    """A request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Step = Answer | Fault
OK = Answer(200, {"data": []})


class FakeGateway:
    """Answers each request with the next step of the script; the last step is repeated."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = list(steps) or [OK]
        self.requests: list[ReceivedRequest] = []
        self.connections = 0
        self.open = 0
        self.most_open = 0
        self.arrived = asyncio.Event()
        self.disconnected = asyncio.Event()
        self.port = 0
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def closed(self) -> None:
        """Wait until every connection is closed, by the client or by a fault."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _step(self, number: int) -> Step:
        return self.steps[min(number, len(self.steps) - 1)]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            while await self._serve_request(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            self.disconnected.set()
            writer.close()
            self._tasks.discard(task)

    async def _serve_request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if self._step(len(self.requests)) is Fault.RESET_UNREAD:
            _reset(writer)
            return False
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        step = self._step(len(self.requests))
        self.requests.append(ReceivedRequest(method, target, headers, body))
        self.arrived.set()
        if step is Fault.RESET:
            _reset(writer)
            return False
        if not isinstance(step, Answer):
            await reader.read()  # returns when the client has gone
            return False
        if step.hold is not None:
            await step.hold.wait()
        content = step.content()
        writer.write(step.head())
        if step.slow:
            await writer.drain()
            await asyncio.sleep(step.slow)
        writer.write(content if step.cut is None else content[: step.cut])
        await writer.drain()
        return step.cut is None


def _reset(writer: asyncio.StreamWriter) -> None:
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def fake_gateway(*steps: Step, security: ssl.SSLContext | None = None) -> AsyncIterator[FakeGateway]:
    """A gateway that listens until the end of the block; over TLS with a `security`."""
    gateway = FakeGateway(steps)
    server = await asyncio.start_server(gateway._serve, "127.0.0.1", 0, ssl=security)
    gateway.port = server.sockets[0].getsockname()[1]
    try:
        yield gateway
    finally:
        server.close()
        tasks = list(gateway._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def closed_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
