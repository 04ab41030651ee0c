"""Over stdio, SSE and Streamable HTTP, in both eras, the official client lists, calls, follows, cancels, is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio
import anyio.lowlevel
import mcp_types
import pytest
from mcp.client.client import Client
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError
from tests.clients.server_processes import FAKE_SERVICE, HttpServer, environment, http_server

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
ERAS = ["legacy", "2026-07-28"]


@pytest.fixture(scope="module")
def server() -> Iterator[HttpServer]:
    with http_server([*FAKE_SERVICE, "http"]) as started:
        yield started


def client_of(transport: str, era: str, server: HttpServer) -> Client:
    if transport == "sse":
        return Client(sse_client(f"{server.base}/sse"), mode=era, elicitation_callback=agree)
    return Client(f"{server.base}/mcp", mode=era, elicitation_callback=agree)


async def agree(context: Any, params: mcp_types.ElicitRequestParams) -> mcp_types.ElicitResult:
    return mcp_types.ElicitResult(action="accept", content={"confirm": True})


def text_of(result: mcp_types.CallToolResult) -> str:
    return "".join(part.text for part in result.content if isinstance(part, mcp_types.TextContent))


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("transport", ["streamable", "sse"])
async def test_over_http(transport: str, era: str, server: HttpServer) -> None:
    async with client_of(transport, era, server) as client:
        await _everything(client)


@pytest.mark.parametrize("era", ERAS)
async def test_over_stdio(era: str) -> None:
    server = StdioServerParameters(command=FAKE_SERVICE[0], args=[FAKE_SERVICE[1], "stdio"], env=environment())
    async with Client(server, mode=era, elicitation_callback=agree) as client:
        await _everything(client)


async def _everything(client: Client) -> None:
    result = await client.list_tools()
    assert [tool.name for tool in result.tools][:3] == ["echo", "count", "wait"]
    assert text_of(await client.call_tool("echo", {"word": "grüße 🌲"})) == "grüße 🌲"
    assert (await client.call_tool("refuse", {})).is_error
    assert (await client.call_tool("fail", {})).is_error
    assert text_of(await client.call_tool("print", {})) == "printed"
    with pytest.raises(MCPError, match="there is no tool 'ecko'"):
        await client.call_tool("ecko", {})
    assert text_of(await client.call_tool("ask", {})) == "agreed"
    assert text_of(await client.call_tool("open", {})) == "True True"
    await _progress(client)
    await _cancelling(client)
    assert text_of(await client.call_tool("echo", {"word": "still here"})) == "still here"


async def _progress(client: Client) -> None:
    progress_values: list[float] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        progress_values.append(progress)

    await client.call_tool("count", {}, progress_callback=note)
    assert progress_values == [1, 2, 3]


async def _cancelling(client: Client) -> None:
    begun = anyio.Event()

    async def note(progress: float, total: float | None, message: str | None) -> None:
        begun.set()

    async def wait() -> None:
        await client.call_tool("wait", {}, progress_callback=note)

    before = text_of(await client.call_tool("events", {})).split().count("cancelled")
    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await begun.wait()
        group.cancel_scope.cancel()
    with anyio.fail_after(10):
        while text_of(await client.call_tool("events", {})).split().count("cancelled") == before:
            await anyio.lowlevel.checkpoint()
