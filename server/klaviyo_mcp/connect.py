"""Connecting a Klaviyo account: a Maton connection that a person authorizes in the browser."""

from __future__ import annotations

import webbrowser
from typing import Any
from urllib.parse import quote

import anyio

from klaviyo_tools.request import Request, Service

from .calls import Calls
from .errors import KlaviyoMcpError
from .maton import CallPolicy, Maton
from .single import Say

POLL_SECONDS = 2.0


def run(calls: Calls, say: Say, *, timeout: float, browser: bool) -> int:
    """Connect; the exit code is 1 where nobody authorized it in time."""
    return anyio.run(_run, calls, say, timeout, browser)


async def _run(calls: Calls, say: Say, timeout: float, browser: bool) -> int:
    try:
        return await _connect(await calls.maton(), say, timeout, browser)
    except KlaviyoMcpError as error:
        say(str(error))
        return 1
    finally:
        await calls.aclose()


async def _connect(maton: Maton, say: Say, timeout: float, browser: bool) -> int:
    made = await _send(
        maton, "create_connection", Request("POST", "/connections", {}, {"app": "klaviyo"}, Service.MATON)
    )
    id_, url = str(made["connection_id"]), str(made.get("url") or "")
    say(f"Open this address and authorize Klaviyo:\n{url}")
    if browser and url.startswith("https://"):
        await anyio.to_thread.run_sync(webbrowser.open, url)
    read = Request("GET", f"/connections/{quote(id_, safe='')}", service=Service.MATON)
    with anyio.move_on_after(timeout):
        while made.get("status") != "ACTIVE":
            await anyio.sleep(POLL_SECONDS)
            made = await _send(maton, "get_connection", read)
    if made.get("status") != "ACTIVE":
        say(f"Connection {id_} was not authorized within {timeout:.0f} s; `klaviyo-mcp doctor` tells when it is.")
        return 1
    say(f"Connected: {id_}. With several connections, set MATON_CONNECTION={id_}.")
    return 0


async def _send(maton: Maton, operation: str, request: Request) -> dict[str, Any]:
    reply = await maton.send(request, CallPolicy(operation, safe=request.method == "GET"))
    document = reply.document or {}
    connection = document.get("connection", document)
    return connection if isinstance(connection, dict) else {}
