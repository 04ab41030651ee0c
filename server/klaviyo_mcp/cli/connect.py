"""Connecting a Klaviyo account: a Maton connection that a person authorizes in the browser."""

from __future__ import annotations

import webbrowser
from typing import Any

import anyio
import anyio.to_thread

from klaviyo_mcp.cli.call import PrintLine
from klaviyo_mcp.cli.composition import create_sender
from klaviyo_mcp.errors import KlaviyoMcpError, UpstreamError
from klaviyo_mcp.gateway.operations import OperationSender
from klaviyo_mcp.settings import Settings
from klaviyo_tools.registry import registry

POLL_SECONDS = 2.0


async def connect_account(
    settings: Settings, say: PrintLine, patience: float, browser: bool, *, poll: float = POLL_SECONDS
) -> int:
    """Make a connection, show its address, wait until it is ACTIVE; exit code 1 where it does not become so in time."""
    sender = create_sender(settings)
    try:
        return await _connect(sender, say, patience, browser, poll)
    except KlaviyoMcpError as error:
        say(str(error))
        return 1
    finally:
        await sender.aclose()


async def _connect(sender: OperationSender, say: PrintLine, patience: float, browser: bool, poll: float) -> int:
    made = await _send(sender, "create_connection")
    id_, url = str(made["connection_id"]), str(made.get("url") or "")
    say(f"Open this address and authorize Klaviyo:\n{url}")
    if browser and url.startswith("https://"):
        await anyio.to_thread.run_sync(webbrowser.open, url)
    with anyio.move_on_after(patience):
        while made.get("status") == "PENDING":
            await anyio.sleep(poll)
            made = await _send(sender, "get_connection", connection_id=id_)
    status = made.get("status")
    if status == "ACTIVE":
        say(f"Connected: {id_}. Where there are several connections, set MATON_CONNECTION={id_}.")
        return 0
    if status == "PENDING":
        say(f"Nobody authorized {id_} within {patience:.0f} s. Once somebody did, `klaviyo-mcp doctor` shows it.")
    else:
        say(f"Klaviyo did not authorize {id_} ({status}). Run `klaviyo-mcp connect` again.")
    return 1


async def _send(sender: OperationSender, name: str, /, **arguments: str) -> dict[str, Any]:
    operation = registry()[name]
    checked = operation.arguments.model_validate(arguments)
    reply = await sender.send(operation, operation.request(checked), arguments=checked)
    connection = (reply.document or {}).get("connection")
    if not isinstance(connection, dict) or not connection.get("connection_id"):
        raise UpstreamError(name, "its answer holds no connection")
    return connection
