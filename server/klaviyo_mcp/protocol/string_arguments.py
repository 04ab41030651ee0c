"""Arguments of a call that a client sends as a string of JSON instead of an object."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import mcp_types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError


async def decode_string_arguments(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware of a server: `arguments` of tools/call become an object, or the error says what they are instead.

    Raises:
        MCPError: The arguments are no object, and no string that holds one.
    """
    if ctx.method == "tools/call" and ctx.params is not None:
        arguments = ctx.params.get("arguments")
        if arguments is not None and not isinstance(arguments, dict):
            ctx = replace(ctx, params={**ctx.params, "arguments": _decode(arguments)})
    return await call_next(ctx)


def _decode(arguments: object) -> dict[str, Any]:
    if not isinstance(arguments, str):
        kind = "an array" if isinstance(arguments, list) else f"the value {json.dumps(arguments)}"
        raise MCPError(mcp_types.INVALID_PARAMS, f"arguments must be a JSON object, not {kind}")
    try:
        decoded = json.loads(arguments) if arguments.strip() else {}
    except (ValueError, RecursionError):
        decoded = None
    if not isinstance(decoded, dict):
        raise MCPError(mcp_types.INVALID_PARAMS, "arguments must be a JSON object, not a string that holds none")
    return decoded
