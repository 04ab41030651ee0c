"""Connecting a Klaviyo account: a Maton connection that a person authorizes in the browser."""

from __future__ import annotations

import webbrowser
from typing import Any
from urllib.parse import quote

import anyio
import anyio.to_thread

from klaviyo_mcp.calls import service
from klaviyo_mcp.cli.call import PrintLine
from klaviyo_mcp.errors import KlaviyoMcpError, UpstreamError
from klaviyo_mcp.gateway.client import GatewayClient
from klaviyo_mcp.gateway.options import RequestOptions
from klaviyo_mcp.settings import Settings
from klaviyo_tools.operation.request import Request, Service

POLL_SECONDS = 2.0


async def connect_account(
    settings: Settings, say: PrintLine, patience: float, browser: bool, *, poll: float = POLL_SECONDS
) -> int:
    """Make a connection, show its address, wait until it is ACTIVE; exit code 1 where it does not become so in time."""
    maton = service.create_client(settings)
    try:
        return await _connect(maton, say, patience, browser, poll)
    except KlaviyoMcpError as error:
        say(str(error))
        return 1
    finally:
        await maton.aclose()


async def _connect(maton: GatewayClient, say: PrintLine, patience: float, browser: bool, poll: float) -> int:
    made = await _send(
        maton, "create_connection", Request("POST", "/connections", {}, {"app": "klaviyo"}, Service.MATON)
    )
    id_, url = str(made["connection_id"]), str(made.get("url") or "")
    say(f"Open this address and authorize Klaviyo:\n{url}")
    if browser and url.startswith("https://"):
        await anyio.to_thread.run_sync(webbrowser.open, url)
    read = Request("GET", f"/connections/{quote(id_, safe='')}", service=Service.MATON)
    with anyio.move_on_after(patience):
        while made.get("status") == "PENDING":
            await anyio.sleep(poll)
            made = await _send(maton, "get_connection", read)
    status = made.get("status")
    if status == "ACTIVE":
        say(f"Connected: {id_}. Where there are several connections, set MATON_CONNECTION={id_}.")
        return 0
    if status == "PENDING":
        say(f"Nobody authorized {id_} within {patience:.0f} s. Once somebody did, `klaviyo-mcp doctor` shows it.")
    else:
        say(f"Klaviyo did not authorize {id_} ({status}). Run `klaviyo-mcp connect` again.")
    return 1


async def _send(maton: GatewayClient, operation: str, request: Request) -> dict[str, Any]:
    reply = await maton.send(
        request, RequestOptions(operation, safe=request.method == "GET", verify_with="list_connections")
    )
    connection = (reply.document or {}).get("connection")
    if not isinstance(connection, dict) or not connection.get("connection_id"):
        raise UpstreamError(operation, "its answer holds no connection")
    return connection
