"""A scriptable gateway on loopback, made of plain sockets, so that it can fail as real ones do."""

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
    """Ways not to answer."""

    SILENCE = "reads the request and never answers"
    RESET = "reads the request and resets the connection"
    RESET_UNREAD = "resets the connection before it reads"


@dataclass(frozen=True)
class Answer:
    """One answer; `cut` sends only so many bytes of the body and closes, `slow` waits before the body, in seconds."""

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
class Seen:
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


Turn = Answer | Fault
OK = Answer(200, {"data": []})


class Upstream:
    """Answers the requests of a test in turn; the last turn is repeated."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self.turns = list(turns) or [OK]
        self.seen: list[Seen] = []
        self.connections = 0
        self.open = 0
        self.most_open = 0
        self.arrived = asyncio.Event()
        self.gone = asyncio.Event()
        self.port = 0
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def closed(self) -> None:
        """Returns when every connection has been closed, by the client or by a fault."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _turn(self, number: int) -> Turn:
        return self.turns[min(number, len(self.turns) - 1)]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            self.gone.set()
            writer.close()
            self._tasks.discard(task)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if self._turn(len(self.seen)) is Fault.RESET_UNREAD:
            _reset(writer)
            return False
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        turn = self._turn(len(self.seen))
        self.seen.append(Seen(method, target, headers, body))
        self.arrived.set()
        if turn is Fault.RESET:
            _reset(writer)
            return False
        if not isinstance(turn, Answer):
            await reader.read()  # returns when the client has gone
            return False
        if turn.hold is not None:
            await turn.hold.wait()
        content = turn.content()
        writer.write(turn.head())
        if turn.slow:
            await writer.drain()
            await asyncio.sleep(turn.slow)
        writer.write(content if turn.cut is None else content[: turn.cut])
        await writer.drain()
        return turn.cut is None


def _reset(writer: asyncio.StreamWriter) -> None:
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def serve(*turns: Turn, security: ssl.SSLContext | None = None) -> AsyncIterator[Upstream]:
    """The gateway, up for the block; over TLS with a `security`."""
    upstream = Upstream(turns)
    server = await asyncio.start_server(upstream._serve, "127.0.0.1", 0, ssl=security)
    upstream.port = server.sockets[0].getsockname()[1]
    try:
        yield upstream
    finally:
        server.close()
        tasks = list(upstream._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def refused_port() -> int:
    """A loopback port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
