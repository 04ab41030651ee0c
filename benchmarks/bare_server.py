"""The protocol library alone, as the floor of a start: a low-level server over stdio, with no tools."""

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
    """List no tools."""
    return mcp_types.ListToolsResult(tools=[])


async def call_tool(
    ctx: ServerRequestContext[Any], params: mcp_types.CallToolRequestParams
) -> mcp_types.CallToolResult:
    """Do nothing, so that the time of a call is the library's."""
    return mcp_types.CallToolResult(content=[mcp_types.TextContent(text="done")])


async def main() -> None:
    """Serve until standard input ends."""
    server: Server[Any] = Server("bare", on_list_tools=list_tools, on_call_tool=call_tool)
    async with stdio_server() as (messages, answers):
        await server.run(messages, answers, server.create_initialization_options())


if __name__ == "__main__":
    sys.exit(anyio.run(main))
