"""MCP clients that cost next to nothing, so that the measured time is the server's: over pipes, and over HTTP."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import IO, Any, Protocol
from urllib.parse import urlsplit

Json = dict[str, Any]

PROTOCOL_VERSION = "2025-06-18"
CLIENT = {
    "protocolVersion": PROTOCOL_VERSION,
    "capabilities": {},
    "clientInfo": {"name": "benchmarks", "version": "1"},
}
"""The parameters of initialize."""
INITIALIZE_SECONDS = 30.0
MAX_LINE_BYTES = 64 * 2**20
_ERROR_CHARACTERS = 300


class ServerError(RuntimeError):
    """A server answered with an error, gave no answer, or ended."""


class Client(Protocol):
    """A session with a server."""

    async def request(self, method: str, parameters: Json | None = None) -> Json:
        """The result of a request. Raises ServerError."""


class StdioClient:
    """A session over pipes."""

    def __init__(self, process: asyncio.subprocess.Process, stderr: IO[bytes]) -> None:
        self.process = process
        self.last_answer_bytes = 0
        self._stderr = stderr
        self._ended = False
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Json]] = {}

    async def request(self, method: str, parameters: Json | None = None) -> Json:
        """The result of a request. Raises ServerError."""
        if self._ended:
            raise self._end_error()
        id_ = next(self._ids)
        answer = self._answers[id_] = asyncio.get_running_loop().create_future()
        self.write({"jsonrpc": "2.0", "id": id_, "method": method, "params": parameters or {}})
        return _result(await answer)

    def write(self, message: Json) -> None:
        """Send a message without waiting for an answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")

    async def initialize(self) -> None:
        """Open the session. Raises ServerError where no answer comes."""
        try:
            async with asyncio.timeout(INITIALIZE_SECONDS):
                await self.request("initialize", CLIENT)
        except TimeoutError:
            raise ServerError(f"a server did not answer initialize within {INITIALIZE_SECONDS:.0f} s") from None
        self.write({"jsonrpc": "2.0", "method": "notifications/initialized"})

    async def read_answers(self) -> None:
        """Give each answer to its request until the stream ends."""
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            try:
                message = json.loads(line)
            except ValueError:  # some servers print on stdout
                continue
            answer = self._answers.pop(message["id"], None) if "id" in message and "method" not in message else None
            if answer is not None:
                self.last_answer_bytes = len(line)
                answer.set_result(message)
        self._ended = True
        for answer in self._answers.values():
            answer.set_exception(self._end_error())

    def _end_error(self) -> ServerError:
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "nothing on stderr")
        return ServerError(f"a server ended: {last}")


class HttpClient:
    """A session over Streamable HTTP, with as many connections as there are requests at once."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._path = parts.hostname or "", parts.port or 80, parts.path
        self._session_id = ""
        self._ids = itertools.count(1)
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def request(self, method: str, parameters: Json | None = None) -> Json:
        """The result of a request. Raises ServerError."""
        return _result(await self._post(method, parameters or {}, next(self._ids)))

    async def initialize(self) -> None:
        """Open the session. Raises ConnectionError while the server does not listen yet."""
        await self.request("initialize", CLIENT)
        await self._post("notifications/initialized", {}, None)

    def close(self) -> None:
        """Close the connections."""
        for _, writer in self._idle:
            writer.close()

    async def _post(self, method: str, parameters: Json, id_: int | None) -> Json:
        message = {"jsonrpc": "2.0", "method": method, "params": parameters}
        body = json.dumps(message if id_ is None else {**message, "id": id_}).encode()
        head = [
            f"POST {self._path} HTTP/1.1",
            f"Host: {self._host}:{self._port}",
            "Content-Type: application/json",
            "Accept: application/json, text/event-stream",
            f"MCP-Protocol-Version: {PROTOCOL_VERSION}",
            f"Content-Length: {len(body)}",
        ]
        if self._session_id:
            head.append(f"Mcp-Session-Id: {self._session_id}")
        status, headers, content = await self._send("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        self._session_id = headers.get("mcp-session-id", self._session_id)
        if status >= 400:
            raise ServerError(f"{status}: {content[:_ERROR_CHARACTERS]!r}")
        return _answer_in(content, id_) if id_ is not None else {}

    async def _send(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():  # a server closes a connection that was idle for seconds
                break
            writer.close()
        else:
            reader, writer = await asyncio.open_connection(self._host, self._port, limit=MAX_LINE_BYTES)
        writer.write(request)
        response = await _read_response(reader)
        self._idle.append((reader, writer))
        return response


async def _read_response(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    status = int(head[0].split(" ")[1])
    if "chunked" not in headers.get("transfer-encoding", ""):
        return status, headers, await reader.readexactly(int(headers.get("content-length", "0")))
    chunks: list[bytes] = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        chunks.append((await reader.readexactly(size + 2))[:-2])
    await reader.readuntil(b"\r\n")
    return status, headers, b"".join(chunks)


def _answer_in(content: bytes, id_: int) -> Json:
    """The answer to a request, from a JSON body or from a stream of events."""
    if content.lstrip().startswith(b"{"):
        return dict(json.loads(content))
    for line in content.split(b"\n"):
        if line.startswith(b"data:") and line[5:].strip():
            message: Json = json.loads(line[5:])
            if message.get("id") == id_:
                return message
    raise ServerError("the stream ended without an answer")


def _result(message: Json) -> Json:
    if "error" in message:
        raise ServerError(f"a server answered: {message['error'].get('message', '')[:_ERROR_CHARACTERS]}")
    result: Json = message["result"]
    if result.get("isError"):
        text = " ".join(part.get("text", "") for part in result["content"])
        raise ServerError(f"a tool failed: {text[:_ERROR_CHARACTERS]}")
    return result
