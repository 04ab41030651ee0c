"""The real command over its sandbox: over each transport, in both eras, what one call makes the next one reads."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator

import mcp_types
import pytest
from mcp.client.client import Client
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters
from tests.clients.server_processes import COMMAND, HttpServer, environment, http_server

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
ERAS = ["legacy", "2026-07-28"]


@pytest.fixture(scope="module")
def server() -> Iterator[HttpServer]:
    with http_server([*COMMAND, "http", "--sandbox", "--confirm", "never"]) as started:
        yield started


def text_of(result: mcp_types.CallToolResult) -> str:
    return "".join(part.text for part in result.content if isinstance(part, mcp_types.TextContent))


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("transport", ["streamable", "sse"])
async def test_over_http(transport: str, era: str, server: HttpServer) -> None:
    place = sse_client(f"{server.base}/sse") if transport == "sse" else f"{server.base}/mcp"
    async with Client(place, mode=era) as client:
        await _make_and_read(client, f"{transport} {era}")


async def test_over_stdio() -> None:
    arguments = [*COMMAND[1:], "--sandbox", "--confirm", "never"]
    place = StdioServerParameters(command=COMMAND[0], args=arguments, env=environment())
    async with Client(place) as client:
        await _make_and_read(client, "stdio")


async def _make_and_read(client: Client, name: str) -> None:
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert tools["get_profiles"].annotations is not None
    assert tools["get_profiles"].annotations.read_only_hint is True
    created_text = text_of(await client.call_tool("create_list", {"name": f"Made over {name}"}))
    id_ = re.search(r'"id":"(\w+)"', created_text)
    assert id_ is not None
    assert f"Made over {name}" in text_of(await client.call_tool("get_list", {"list_id": id_[1]}))
    refused = await client.call_tool("get_lists", {"filter": 'equals(nme,"x")'})
    assert refused.is_error
    assert 'unknown filter field "nme"' in text_of(refused)
    await _count(client)


async def _count(client: Client) -> None:
    seen: list[float] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        seen.append(progress)

    counted = await client.call_tool("get_profiles", {"count_by": "location.country"}, progress_callback=note)
    assert text_of(counted).startswith("250 profiles by location.country")
    assert seen == [100, 200]


def test_without_a_key_it_starts_and_lists_and_a_call_says_what_is_missing() -> None:
    from tests.clients.server_processes import stdio_server

    with stdio_server(COMMAND) as server:
        server.send({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
        assert len(server.receive()["result"]["tools"]) > 100
        server.call(2, "get_lists")
        answer = server.receive()["result"]
        code, out, log = server.end()
    assert answer["isError"] is True
    assert "MATON_API_KEY" in answer["content"][0]["text"]
    assert (code, out) == (0, b"")
    assert [json.loads(line)["event"] for line in log.splitlines()] == ["call"]


def test_nothing_that_a_call_needs_is_imported_before_the_tools_are_listed() -> None:
    late = [
        "httpx",
        "stamina",
        "limits",
        "klaviyo_mcp.sandbox",
        "klaviyo_mcp.gateway.client",
        "klaviyo_mcp.transports.http",
        "jwt",
    ]
    program = (
        "import sys; from klaviyo_mcp.cli import commands; from klaviyo_mcp.protocol import server;"
        "from klaviyo_mcp.transports import stdio; from klaviyo_mcp.cli.composition import create_service;"
        "from klaviyo_mcp.settings import load_settings; from klaviyo_mcp.protocol.tools import list_tools;"
        "list_tools(create_service(load_settings({}, {})).inventory);"
        f"print([name for name in {late} if name in sys.modules])"
    )
    done = subprocess.run([COMMAND[0], "-c", program], capture_output=True, env=environment(), check=True)
    assert done.stdout == b"[]\n"
