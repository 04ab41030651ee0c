"""Connects a Klaviyo account: a Maton connection that a person authorizes in the browser."""

from __future__ import annotations

import webbrowser
from typing import Any

import anyio
import anyio.to_thread
from pydantic import ValidationError

from klaviyo_mcp.answers.wording import describe
from klaviyo_mcp.cli.call import PrintLine
from klaviyo_mcp.cli.composition import create_sender
from klaviyo_mcp.errors import KlaviyoMcpError, UpstreamError
from klaviyo_mcp.gateway.operations import OperationSender
from klaviyo_mcp.settings import Settings
from klaviyo_tools.areas.connections import authorization_url
from klaviyo_tools.registry import registry

POLL_SECONDS = 2.0


async def connect_account(
    settings: Settings,
    print_line: PrintLine,
    wait_seconds: float,
    open_browser: bool,
    *,
    poll_seconds: float = POLL_SECONDS,
) -> int:
    """Create a connection, print its URL, and wait until somebody has authorized it.

    Returns:
        The exit code: 0, or 1 where it is not authorized within `wait_seconds`.
    """
    sender = create_sender(settings)
    try:
        return await _connect(sender, print_line, wait_seconds, open_browser, poll_seconds)
    except KlaviyoMcpError as error:
        print_line(str(error))
        return 1
    finally:
        await sender.aclose()


async def _connect(
    sender: OperationSender, print_line: PrintLine, wait_seconds: float, open_browser: bool, poll_seconds: float
) -> int:
    connection = await _send(sender, "create_connection")
    id_, url = str(connection["connection_id"]), authorization_url(connection.get("url"))
    if not url:
        raise UpstreamError("connect", f"Maton gave no https address to open for the connection {describe(id_)}")
    print_line(f"Open this address and authorize Klaviyo:\n{url}")
    if open_browser:
        await anyio.to_thread.run_sync(webbrowser.open, url)
    with anyio.move_on_after(wait_seconds):
        while connection.get("status") == "PENDING":
            await anyio.sleep(poll_seconds)
            connection = await _send(sender, "get_connection", connection_id=id_)
    id_ = describe(id_)
    status = connection.get("status")
    if status == "ACTIVE":
        print_line(f"Connected: {id_}. Where there are several connections, set MATON_CONNECTION={id_}.")
        return 0
    if status == "PENDING":
        print_line(f"Nobody authorized {id_} within {wait_seconds:.0f} s. `klaviyo-mcp doctor` shows when it is done.")
    else:
        words = describe(status or "unknown")
        print_line(f"Klaviyo did not authorize {id_} ({words}). Run `klaviyo-mcp connect` again.")
    return 1


async def _send(sender: OperationSender, name: str, /, **arguments: str) -> dict[str, Any]:
    """The connection that an operation answers with. Raises KlaviyoMcpError."""
    operation = registry()[name]
    try:
        checked = operation.arguments.model_validate(arguments)
    except ValidationError:  # the only argument is the id that Maton answered with
        raise UpstreamError(name, "Maton answered with an invalid id") from None
    reply = await sender.send(operation, operation.request(checked), arguments=checked)
    connection = (reply.document or {}).get("connection")
    if not isinstance(connection, dict) or not connection.get("connection_id"):
        raise UpstreamError(name, "its answer holds no connection")
    return connection
