"""The floor of the protocol library: a low-level server with no tools, over stdio."""

from __future__ import annotations

import sys
from typing import Any

import anyio
import mcp_types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server


async def list_tools(
    ctx: ServerRequestContext[Any], params: mcp_types.PaginatedRequestParams | None
) -> mcp_types.ListToolsResult:
    """None."""
    return mcp_types.ListToolsResult(tools=[])


async def call_tool(
    ctx: ServerRequestContext[Any], params: mcp_types.CallToolRequestParams
) -> mcp_types.CallToolResult:
    """Nothing is done, whatever is called: what is left is the library's."""
    return mcp_types.CallToolResult(content=[mcp_types.TextContent(text="done")])


async def main() -> None:
    """Serve until standard input ends."""
    server: Server[Any] = Server("bare", on_list_tools=list_tools, on_call_tool=call_tool)
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


if __name__ == "__main__":
    sys.exit(anyio.run(main))
