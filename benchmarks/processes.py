"""Processes of a measurement: MCP servers over pipes and over HTTP, the stand-in upstream, their memory and time."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryFile

import httpx

from benchmarks.clients import MAX_LINE_BYTES, HttpClient, ServerError, StdioClient
from benchmarks.plan import Build

BARE_COMMAND = (sys.executable, "-m", "benchmarks.bare_server")
QUIET = {"KLAVIYO_MCP_LOG_LEVEL": "error"}
KEY = "benchmark"
_STOP_SECONDS = 5.0
_LISTEN_ATTEMPTS = 400
_ATTEMPT_SECONDS = 0.05


def server_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of a server, without this shell's settings for it.

    Byte code of imported modules is kept, as an installed program has it. PYTHONPATH could bring in another checkout.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("KLAVIYO_", "MATON_"))}
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH"):
        inherited.pop(name, None)
    return {**inherited, **variables}


@asynccontextmanager
async def server_process(command: Sequence[str], variables: Mapping[str, str]) -> AsyncIterator[StdioClient]:
    """A server over pipes whose session is not open yet; it has ended after the block.

    Raises:
        ServerError: the command cannot be started.
    """
    with TemporaryFile() as stderr:
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
                env=server_environment(variables),
                limit=MAX_LINE_BYTES,
            )
        except OSError as error:
            raise ServerError(f"{command[0]} cannot be started: {error.strerror}") from None
        client = StdioClient(process, stderr)
        reading = asyncio.create_task(client.read_answers())
        try:
            yield client
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), _STOP_SECONDS)
            except TimeoutError:
                process.kill()
                await process.wait()
            await reading


class Upstream:
    """The stand-in for Maton and Klaviyo, in a process of its own, and the httpx client that asks it directly."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.direct = httpx.AsyncClient()

    async def set(self, **facts: int) -> None:
        """Set how many milliseconds answers wait (`delay`) and how many profiles there are (`total`)."""
        (await self.direct.get(f"{self.url}/_/set", params=facts)).raise_for_status()

    async def stats(self) -> dict[str, int]:
        """Requests and connections since the last `set`."""
        return dict((await self.direct.get(f"{self.url}/_/stats")).json())

    @property
    def variables(self) -> dict[str, str]:
        """The environment that points our server at it, without pacing, which would keep Klaviyo's limits."""
        return {**QUIET, "MATON_BASE_URL": self.url, "MATON_API_KEY": KEY, "KLAVIYO_MCP_PACING": "0"}


@asynccontextmanager
async def upstream_process() -> AsyncIterator[Upstream]:
    """The stand-in, which serves during the block."""
    command = (sys.executable, "-m", "benchmarks.upstream")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdin is not None
    assert process.stdout is not None
    upstream = Upstream(f"http://127.0.0.1:{int(await process.stdout.readline())}")
    try:
        yield upstream
    finally:
        await upstream.direct.aclose()
        process.stdin.close()
        await process.wait()


@asynccontextmanager
async def stdio_server(build: Build, upstream: Upstream, **variables: str) -> AsyncIterator[StdioClient]:
    """Our server over stdio, its tools listed."""
    async with server_process(build.command, {**upstream.variables, **variables}) as client:
        await client.initialize()
        await client.request("tools/list")
        yield client


@asynccontextmanager
async def http_server(build: Build, upstream: Upstream) -> AsyncIterator[tuple[HttpClient, int]]:
    """Our server over Streamable HTTP: a client of it, and the id of its process."""
    port = _free_port()
    variables = {**upstream.variables, "KLAVIYO_MCP_PORT": str(port)}
    async with server_process((*build.command, "http"), variables) as server:
        client = HttpClient(f"http://127.0.0.1:{port}/mcp")
        try:
            await _initialize_when_listening(client, server.process)
            yield client, server.process.pid
        finally:
            client.close()
            if server.process.returncode is None:
                server.process.terminate()


async def _initialize_when_listening(client: HttpClient, process: asyncio.subprocess.Process) -> None:
    for _ in range(_LISTEN_ATTEMPTS):
        try:
            return await client.initialize()
        except ConnectionError:
            if process.returncode is not None:
                break
            await asyncio.sleep(_ATTEMPT_SECONDS)
    raise ServerError("the server over HTTP does not listen")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def memory_mb(process_id: int, *, peak: bool = False) -> float | None:
    """Resident memory of a process in MB, or its peak; None where the system has no /proc."""
    try:
        lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    except OSError:
        return None
    word = "VmHWM:" if peak else "VmRSS:"
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(word))


def cpu_ms(process_id: int) -> float | None:
    """Processor time of a process, all threads, in ms; None where the system has no /proc.

    Other programs on the machine lengthen a call's time much and its processor time little.
    """
    try:
        files = list(Path(f"/proc/{process_id}/task").glob("*/schedstat"))
        nanoseconds = sum(int(file.read_text().split()[0]) for file in files)
    except OSError:
        return None
    return nanoseconds / 1e6 if files else None
