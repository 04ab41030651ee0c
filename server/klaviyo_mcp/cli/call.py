"""One call from the command line, through the server itself, so that it prints the text that a model would read."""

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


def parse_arguments(pairs: Sequence[str], as_json: str | None) -> dict[str, Any]:
    """The arguments of a call, from `key=value` pairs or from one JSON object. Raises ValueError."""
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
        arguments[key] = _parse_value(value)
    return arguments


def _parse_value(text: str) -> Any:
    """JSON objects, arrays, strings and literals as values; all other text, numbers too, stays as it was typed."""
    if text[:1] in ("{", "[", '"') or text in ("true", "false", "null"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def result_text(result: mcp_types.CallToolResult) -> str:
    """The text of an answer."""
    return "\n".join(part.text for part in result.content if isinstance(part, mcp_types.TextContent))


async def call_tool(service: CallService, tool: str, arguments: dict[str, Any], print_line: PrintLine) -> int:
    """Call a tool and print its answer; progress and questions go to the terminal, if there is one.

    Returns:
        The exit code: 0, or 1 where the call failed or waits for a confirmation.
    """
    interactive = sys.stdin.isatty() and sys.stderr.isatty()
    ask = ask_in_terminal if interactive else None
    report = _show_progress if sys.stderr.isatty() else None
    answers: list[Answer] = []
    try:
        async with Client(server.create_server(service, answers.append), elicitation_callback=ask) as client:
            try:
                result = await client.call_tool(tool, arguments, progress_callback=report)
            except MCPError as error:
                print_line(error.error.message)
                return 1
    finally:
        await service.aclose()
    print_line(result_text(result))
    if answers and answers[-1].held:
        click.echo("Run the same command with the code, or run it in a terminal, which asks.", err=True)
        return 1
    return 1 if result.is_error else 0


async def _show_progress(progress: float, total: float | None, message: str | None) -> None:
    click.echo(f"{message or 'working'} ({progress:.0f}{f' of {total:.0f}' if total else ''})", err=True)


async def ask_in_terminal(context: object, params: mcp_types.ElicitRequestParams) -> mcp_types.ElicitResult:
    """Ask the person at the terminal what the server asks."""
    click.echo(params.message, err=True)
    if isinstance(params, mcp_types.ElicitRequestURLParams):
        click.echo(params.url, err=True)
        return mcp_types.ElicitResult(action="accept")
    if not await anyio.to_thread.run_sync(partial(click.confirm, "Go ahead?", err=True)):
        return mcp_types.ElicitResult(action="decline")
    return mcp_types.ElicitResult(action="accept", content={"confirm": True})
