"""Clients that cost next to nothing, so that what is measured is the server: JSON-RPC over pipes, and over a socket."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Protocol
from urllib.parse import urlsplit

Json = dict[str, Any]

_VERSION = "2025-06-18"
_HELLO = {"protocolVersion": _VERSION, "capabilities": {}, "clientInfo": {"name": "benchmarks", "version": "1"}}
_LINE = 64 * 2**20
PATIENCE = 30.0
"""Seconds that a server may take to its first answer."""


class Failed(RuntimeError):
    """A server answered with an error, or ended."""


class Client(Protocol):
    """A session with a server."""

    async def ask(self, method: str, parameters: Json | None = None) -> Json:
        """The result of a request. Raises Failed."""


class Stdio:
    """A session over pipes."""

    def __init__(self, process: asyncio.subprocess.Process, stderr: IO[bytes]) -> None:
        self.process = process
        self._stderr = stderr
        self._over = False
        self.received = 0
        """Bytes of the last answer."""
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Json]] = {}

    async def ask(self, method: str, parameters: Json | None = None) -> Json:
        """The result of a request. Raises Failed."""
        if self._over:
            raise self._ended()
        number = next(self._ids)
        answered = self._waiting[number] = asyncio.get_running_loop().create_future()
        self.write({"jsonrpc": "2.0", "id": number, "method": method, "params": parameters or {}})
        return _result(await answered)

    def write(self, message: Json) -> None:
        """Send a message without waiting."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")

    async def greet(self) -> None:
        """Shake hands. Raises Failed where no answer comes."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self.ask("initialize", _HELLO)
        except TimeoutError:
            raise Failed(f"a server did not answer initialize within {PATIENCE:.0f} s") from None
        self.write({"jsonrpc": "2.0", "method": "notifications/initialized"})

    async def listen(self) -> None:
        """Hand answers to those who wait for them, to the end of the stream."""
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            try:
                message = json.loads(line)
            except ValueError:  # printed astray
                continue
            waiting = self._waiting.pop(message["id"], None) if "id" in message and "method" not in message else None
            if waiting is not None:
                self.received = len(line)
                waiting.set_result(message)
        self._over = True
        for waiting in self._waiting.values():
            waiting.set_exception(self._ended())

    def _ended(self) -> Failed:
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "nothing on stderr")
        return Failed(f"a server ended: {last}")


class Http:
    """A session over Streamable HTTP, with as many connections as there are requests at once."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._path = parts.hostname or "", parts.port or 80, parts.path
        self._session = ""
        self._ids = itertools.count(1)
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, method: str, parameters: Json | None = None) -> Json:
        """The result of a request. Raises Failed."""
        return _result(await self._post(method, parameters or {}, next(self._ids)))

    async def greet(self) -> None:
        """Shake hands."""
        await self.ask("initialize", _HELLO)
        await self._post("notifications/initialized", {}, None)

    def close(self) -> None:
        """Close the connections."""
        for _, writer in self._idle:
            writer.close()

    async def _post(self, method: str, parameters: Json, number: int | None) -> Json:
        message = {"jsonrpc": "2.0", "method": method, "params": parameters}
        body = json.dumps(message if number is None else {**message, "id": number}).encode()
        head = [
            f"POST {self._path} HTTP/1.1",
            f"Host: {self._host}:{self._port}",
            "Content-Type: application/json",
            "Accept: application/json, text/event-stream",
            f"MCP-Protocol-Version: {_VERSION}",
            f"Content-Length: {len(body)}",
        ]
        if self._session:
            head.append(f"Mcp-Session-Id: {self._session}")
        status, headers, content = await self._exchange("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        self._session = headers.get("mcp-session-id", self._session)
        if status >= 400:
            raise Failed(f"{status}: {content[:300]!r}")
        return _message(content, number) if number is not None else {}

    async def _exchange(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():  # servers close what was idle for seconds
                break
            writer.close()
        else:
            reader, writer = await asyncio.open_connection(self._host, self._port, limit=_LINE)
        writer.write(request)
        answer = await _read(reader)
        self._idle.append((reader, writer))
        return answer


async def _read(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
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


def _message(content: bytes, number: int) -> Json:
    if content.lstrip().startswith(b"{"):
        return dict(json.loads(content))
    for line in content.split(b"\n"):
        if line.startswith(b"data:") and line[5:].strip():
            message: Json = json.loads(line[5:])
            if message.get("id") == number:
                return message
    raise Failed("the stream ended without an answer")


def _result(message: Json) -> Json:
    if "error" in message:
        raise Failed(f"a server answered: {message['error'].get('message', '')[:300]}")
    result: Json = message["result"]
    if result.get("isError"):
        raise Failed(f"a tool failed: {' '.join(part.get('text', '') for part in result['content'])[:300]}")
    return result


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """What servers run with: byte code of what they import is kept, as an installed program has it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KLAVIYO_", "MATON_"))}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, **more}


@asynccontextmanager
async def spawned(command: Sequence[str], env: Mapping[str, str]) -> AsyncIterator[Stdio]:
    """A server over pipes, not greeted yet; it is gone after the block."""
    with TemporaryFile() as stderr:
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
                env=environment(env),
                limit=_LINE,
            )
        except OSError as error:
            raise Failed(f"{command[0]} cannot be started: {error.strerror}") from None
        client = Stdio(process, stderr)
        listening = asyncio.create_task(client.listen())
        try:
            yield client
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), 5)
            except TimeoutError:
                process.kill()
                await process.wait()
            await listening


def memory(process: int, *, peak: bool = False) -> float | None:
    """Resident memory of a process in MB, or the most it had; None where the system does not tell (Linux does)."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return None
    word = "VmHWM:" if peak else "VmRSS:"
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(word))
