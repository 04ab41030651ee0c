"""One call from the command line, through the server itself: what is printed is what a model would read."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import anyio.to_thread
import click
import mcp_types
from mcp.client.client import Client
from mcp.shared.exceptions import MCPError

from klaviyo_mcp.calls.answer import Answer
from klaviyo_mcp.calls.service import CallService
from klaviyo_mcp.protocol import server

PrintLine = Callable[[str], object]


def arguments_of(pairs: Sequence[str], as_json: str | None) -> dict[str, Any]:
    """`key=value …` or a JSON object as arguments. Raises ValueError."""
    if as_json is not None:
        if pairs:
            raise ValueError("give the arguments as key=value or with --json, not both")
        try:
            parsed = json.loads(as_json)
        except ValueError as error:
            raise ValueError(f"--json is not valid JSON: {error}") from None
        if not isinstance(parsed, dict):
            raise ValueError('--json takes an object: \'{"name": "VIP"}\'')
        return parsed
    arguments: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise ValueError(f"{pair[:60]!r} is not key=value")
        arguments[key] = _value(value)
    return arguments


def _value(text: str) -> Any:
    """Objects, arrays and literals as JSON; everything else, numbers among it, stays the text that was typed."""
    if text[:1] in ("{", "[", '"') or text in ("true", "false", "null"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def result_text(result: mcp_types.CallToolResult) -> str:
    """The text of an answer."""
    return "\n".join(part.text for part in result.content if isinstance(part, mcp_types.TextContent))


async def call_tool(calls: CallService, tool: str, arguments: dict[str, Any], say: PrintLine) -> int:
    """Call, print, and give the exit code: 1 for an error. Progress and questions go to a terminal, if there is one."""
    asking = ask_in_terminal if sys.stdin.isatty() and sys.stderr.isatty() else None
    telling = _tell if sys.stderr.isatty() else None
    answers: list[Answer] = []
    try:
        async with Client(server.create_server(calls, answers.append), elicitation_callback=asking) as client:
            try:
                result = await client.call_tool(tool, arguments, progress_callback=telling)
            except MCPError as error:
                say(error.error.message)
                return 1
    finally:
        await calls.aclose()
    say(result_text(result))
    if answers and answers[-1].held:
        click.echo("A code is good in one process only: run this in a terminal, or add --confirm never.", err=True)
        return 1
    return 1 if result.is_error else 0


async def _tell(progress: float, total: float | None, message: str | None) -> None:
    click.echo(f"{message or 'working'} ({progress:.0f}{f' of {total:.0f}' if total else ''})", err=True)


async def ask_in_terminal(context: object, params: mcp_types.ElicitRequestParams) -> mcp_types.ElicitResult:
    """Put the server's question to the person at the terminal."""
    click.echo(params.message, err=True)
    if isinstance(params, mcp_types.ElicitRequestURLParams):
        click.echo(params.url, err=True)
        return mcp_types.ElicitResult(action="accept")
    if not await anyio.to_thread.run_sync(partial(click.confirm, "Go ahead?", err=True)):
        return mcp_types.ElicitResult(action="decline")
    return mcp_types.ElicitResult(action="accept", content={"confirm": True})
