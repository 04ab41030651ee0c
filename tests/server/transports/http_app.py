"""The application of an HTTP server in this process, and requests to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from tests.clients.fake_service import FakeService
from tests.clients.server_processes import ENVELOPE

from klaviyo_mcp.gateway.documents import fetch_document
from klaviyo_mcp.protocol.server import ToolService
from klaviyo_mcp.settings import Settings
from klaviyo_mcp.transports.http import HttpApp

TOKEN, OTHER = "first-token-of-ours", "second-token-of-ours"
ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
MODERN = {**ACCEPT, "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "echo"}


@asynccontextmanager
async def serve_app(calls: ToolService | None = None, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application under these settings."""
    application = HttpApp(calls or FakeService(), Settings(**settings), fetch_document).application()
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    async with (
        application.router.lifespan_context(application),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client,
    ):
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def call(tool: str = "echo", **arguments: Any) -> dict[str, Any]:
    params = {"name": tool, "arguments": arguments, "_meta": ENVELOPE}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


async def post(
    client: httpx.AsyncClient, headers: dict[str, str] | None = None, *, path: str = "/mcp", **message: Any
) -> httpx.Response:
    return await client.post(path, json=message or call(word="hello"), headers={**MODERN, **(headers or {})})
