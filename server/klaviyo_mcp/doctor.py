"""Is this set up? Key, gateway, connection, account, revision, clock: a line each, with what to do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import anyio

from klaviyo_tools.request import Request, Service

from .calls import Calls
from .errors import KlaviyoMcpError
from .maton import CallPolicy, Maton
from .single import Say

TOLERANCE = 300
"""Seconds by which this machine's clock may differ before it is worth a line of its own."""


def run(calls: Calls, say: Say) -> int:
    """Check everything in order; the exit code is 1 as soon as something needs doing."""
    return anyio.run(_run, calls, say)


async def _run(calls: Calls, say: Say) -> int:
    try:
        return await _check(calls, say)
    finally:
        await calls.aclose()


async def _check(calls: Calls, say: Say) -> int:
    settings = calls.settings
    if settings.sandbox:
        say("ok    sandbox: embedded, no key needed")
    elif settings.key is None:
        say("FAIL  key: MATON_API_KEY is not set; make one at https://maton.ai under Settings, API Keys, and export it")
        return 1
    else:
        say("ok    key: MATON_API_KEY is set")
    maton = await calls.maton()
    for name, check in (("connection", _connection), ("account", _account)):
        try:
            say(f"ok    {name}: {await check(maton)}")
        except KlaviyoMcpError as error:
            say(f"FAIL  {name}: {error}")
            return 1
        if name == "connection":
            say(f"ok    gateway: {maton.base_url} answers")
    say(f"ok    revision: {settings.revision} (KLAVIYO_REVISION)")
    say(f"ok    clock: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; confirmations and jobs go by it")
    return 0


async def _connection(maton: Maton) -> str:
    request = Request("GET", "/connections", {"app": "klaviyo", "status": "ACTIVE"}, service=Service.MATON)
    reply = await maton.send(request, CallPolicy("list_connections", safe=True))
    found: list[dict[str, Any]] = (reply.document or {}).get("connections", [])
    ids = [str(one.get("connection_id")) for one in found]
    if not ids:
        raise KlaviyoMcpError("there is no active Klaviyo connection.", then="Run `klaviyo-mcp connect`.")
    if maton.connection and maton.connection not in ids:
        raise KlaviyoMcpError(
            f"MATON_CONNECTION={maton.connection} is not among the active ones: {', '.join(ids)}.",
            then="Set it to one of them.",
        )
    if len(ids) > 1 and not maton.connection:
        raise KlaviyoMcpError(
            f"there are {len(ids)} active connections: {', '.join(ids)}.", then="Set MATON_CONNECTION to one of them."
        )
    return maton.connection or ids[0]


async def _account(maton: Maton) -> str:
    reply = await maton.send(
        Request("GET", "/api/accounts"), CallPolicy("get_accounts", True, scopes=["accounts:read"])
    )
    account = (reply.document or {}).get("data", [{}])[0]
    contact = account.get("attributes", {}).get("contact_information", {})
    return f"{contact.get('organization_name') or 'unnamed'} ({account.get('id')})"
